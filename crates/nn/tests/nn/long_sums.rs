//! Every operation that sums, in its value or in a gradient: the error grows with the logarithm of the
//! number of terms. The tests of fanin-tensor do the same for kernels.

use fanin_nn::layers::BatchNorm1d;
use fanin_nn::losses::*;
use fanin_nn::{Linear, Module, Param, Parameters, Tape, Tensor, Var};

const LENGTHS: [usize; 3] = [10, 1000, 300_000];

/// Asserts a relative error of at most `2 log₂ n` ε.
#[track_caller]
fn close(what: &str, n: usize, got: f32, want: f64) {
    let error = (f64::from(got) - want).abs() / want.abs() / f64::from(f32::EPSILON);
    let bound = 2.0 * (n as f64).log2().max(2.0);
    assert!(error <= bound, "{what} of {n}: {error:.1} ε, allowed {bound:.1}; {got} is not {want}");
}

/// 0.1, whose rounding errors in a sum have one sign.
fn tenths(shape: &[usize]) -> Tensor {
    Tensor::full(shape, 0.1)
}

const TENTH: f64 = 0.1f32 as f64;

/// The value, and the gradient of the sum of `f` with respect to the parameter.
fn both(p: &Param, f: impl for<'t> Fn(&'t Tape, Var<'t>) -> Var<'t>) -> (Tensor, Tensor) {
    let (mut tape, mut value) = (Tape::new(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let y = f(t, t.param(p));
        value = Some(y.value());
        y.sum()
    });
    (value.unwrap(), grads.get(p).unwrap().clone())
}

#[test]
fn values() {
    for n in LENGTHS {
        let sum = TENTH * n as f64;
        let value = |x: &Tensor, f: for<'t> fn(Var<'t>) -> Var<'t>| {
            Tape::new().value(|t| f(t.input(x))).as_slice()[0]
        };
        let x = tenths(&[n]);
        close("sum", n, value(&x, |x| x.sum()), sum);
        close("mean", n, value(&x, |x| x.mean()), TENTH);
        close("norm", n, value(&x, |x| x.norm()), TENTH * (n as f64).sqrt());
        close("log_sum_exp", n, value(&x, |x| x.log_sum_exp(0)), TENTH + (n as f64).ln());
        for (shape, axis) in [([n, 3, 1], 0), ([2, n, 2], 1), ([3, 1, n], 2)] {
            let x = tenths(&shape);
            let of = |f: &dyn for<'t> Fn(Var<'t>) -> Var<'t>| {
                Tape::new().value(|t| f(t.input(&x))).as_slice()[0]
            };
            close("sum_axis", n, of(&|x| x.sum_axis(axis)), sum);
            close("mean_axis", n, of(&|x| x.mean_axis(axis)), TENTH);
            close("norm_axis", n, of(&|x| x.norm_axis(axis)), TENTH * (n as f64).sqrt());
            let log_sum = TENTH + (n as f64).ln();
            close("log_sum_exp", n, of(&|x| x.log_sum_exp(axis)), log_sum);
        }
        let row = tenths(&[1, n]);
        close("softmax", n, value(&row, |x| x.softmax()), 1.0 / n as f64);
        close("log_softmax", n, value(&row, |x| x.log_softmax()), -(n as f64).ln());

        let loss = |f: &dyn for<'t> Fn(&'t Tape) -> Var<'t>| Tape::new().value(|t| f(t)).item();
        let zeros = Tensor::zeros(n);
        close("mse", n, loss(&|t| Mse::new().loss(t.input(&x), &zeros)), TENTH * TENTH);
        let summed = Huber::new(1.0).reduction(Reduction::Sum);
        close("huber", n, loss(&|t| summed.loss(t.input(&x), &zeros)), sum * TENTH / 2.0);
        let (logits, labels) = (Tensor::from_vec([n, 2], [0.3, 0.0].repeat(n)), vec![1; n]);
        let entropy = (1.0 + f64::from(0.3f32).exp()).ln();
        close("cross entropy", n, loss(&|t| t.input(&logits).cross_entropy(&labels)), entropy);
        let weighted = CrossEntropy::new().class_weights(&[1.0, 0.1]);
        close("weighted", n, loss(&|t| weighted.loss(t.input(&logits), &labels[..])), entropy);
        let smoothed = CrossEntropy::new().label_smoothing(1.0);
        let wide = loss(&|t| smoothed.loss(t.input(&row), &[0][..]));
        close("smoothed over many classes", n, wide, (n as f64).ln());

        let l1 = L1::new().reduction(Reduction::Sum);
        close("l1", n, loss(&|t| l1.loss(t.input(&x), &zeros)), sum);
        let thirds = Tensor::full(n, 0.3);
        let logits = BceWithLogits::new();
        close("bce_with_logits", n, loss(&|t| logits.loss(t.input(&thirds), &zeros)), entropy);
        let weights = tenths(&[n]);
        close("weighted", n, loss(&|t| l1.weighted(t.input(&x), &zeros, &weights)), sum * TENTH);
        let margin = loss(&|t| MultiMargin::new().loss(t.input(&row), &[0][..]));
        close("margins of many classes", n, margin, (n - 1) as f64 / n as f64);
        let soft = KlDiv::new().reduction(Reduction::Sum);
        let divergence = sum * (TENTH.ln() - TENTH);
        close("kl_div", n, loss(&|t| soft.loss(t.input(&x), &x)), divergence);
        let distant = n as f64 * f64::from(0.1 + 1e-6f32);
        let zero_row = Tensor::zeros([1, n]);
        for (p, want) in [(1.0, distant), (2.0, distant / (n as f64).sqrt())] {
            let d = loss(&|t| t.input(&row).pairwise_distance(t.input(&zero_row), p).sum());
            close("pairwise_distance", n, d, want);
        }
        let cosine = loss(&|t| t.input(&row).cosine_similarity(t.input(&row)).sum());
        close("cosine_similarity", n, cosine, 1.0);

        // Means and variances of columns, and the running ones.
        let mut norm = BatchNorm1d::new(2).momentum(1.0);
        let halves: Vec<f32> = (0..2 * n).map(|i| if i / 2 % 2 == 0 { 0.1 } else { 0.3 }).collect();
        let x = Tensor::from_vec([n, 2], halves);
        let mut tape = Tape::new();
        let (_, grads) = tape.value_and_grad(|t| norm.forward(t.input(&x)).sum());
        fanin_nn::Optimizer::step(&mut fanin_nn::Sgd::new(0.0), &mut norm, grads);
        let (mean, half) = ((TENTH + f64::from(0.3f32)) / 2.0, (f64::from(0.3f32) - TENTH) / 2.0);
        close("running mean", n, norm.running_mean().as_slice()[0], mean);
        let variance = half * half * n as f64 / (n - 1) as f64;
        close("running variance", n, norm.running_var().as_slice()[0], variance);

        let flat = Tensor::from_vec([1, n], (0..n).map(|i| (i % 2) as f32).collect());
        let y = Tape::new().value(|t| t.input(&flat).layer_norm(None, 0.0));
        close("layer norm", n, y.as_slice()[1], 1.0);
    }
}

#[test]
fn gradients() {
    for n in LENGTHS {
        let sum = TENTH * n as f64;
        let all = |what: &str, n, grad: &Tensor, want| {
            grad.as_slice().iter().for_each(|&g| close(what, n, g, want));
        };
        // What is broadcast, over the first, the middle and the last axis, and over several.
        for (from, to) in [
            (vec![1, 3], vec![n, 3]),
            (vec![3], vec![n, 3]),
            (vec![2, 1, 2], vec![2, n, 2]),
            (vec![2, 1], vec![2, n]),
            (vec![1, 2, 1], vec![n, 2, 2]),
            (vec![], vec![n]),
        ] {
            let p = Param::new(Tensor::ones(&from[..]));
            let other = tenths(&to);
            let repeated = to.iter().product::<usize>() / from.iter().product::<usize>();
            let want = TENTH * repeated as f64;
            let what = format!("broadcast {from:?} to {to:?}");
            all(&what, n, &both(&p, |t, p| p * t.input(&other)).1, want);
            all(&what, n, &both(&p, |t, p| p.expand(&to) * t.input(&other)).1, want);
        }
        let x = tenths(&[n, 3]);
        // Bias and weight of a layer, and both factors of products.
        let layer = Linear::new(3, 2);
        let mut tape = Tape::new();
        let tenth = tenths(&[n, 2]);
        let (_, grads) =
            tape.value_and_grad(|t| (layer.forward(t.input(&x)) * t.input(&tenth)).sum());
        for (name, p) in layer.named_params() {
            let want = if name == "bias" { sum } else { sum * TENTH };
            all(&name, n, grads.get(p).unwrap(), want);
        }
        let column = Param::new(Tensor::ones([3, 1]));
        all("matmul", n, &both(&column, |t, p| t.input(&x).matmul(p)).1, sum);
        // Slopes of negative numbers: one for all features, and one for each.
        let negative = Tensor::full([n, 3], -0.1);
        for (features, want) in [(1, 3.0 * sum), (3, sum)] {
            let slopes = Param::new(Tensor::ones(features));
            let (_, grad) = both(&slopes, |t, w| -t.input(&negative).prelu(w));
            all("prelu", if features == 1 { 3 * n } else { n }, &grad, want);
        }
        let long = Param::new(tenths(&[1, n]));
        let (y, _) = both(&long, |t, p| p.matmul(t.input(&tenths(&[n, 10]))));
        all("a row by a matrix", n, &y, sum * TENTH);

        // Rows of a table, one of them often.
        let table = Param::new(Tensor::zeros([3, 2]));
        let ids: Vec<usize> = (0..n).map(|i| if i % 4 == 0 { 2 } else { 1 }).collect();
        let (_, grad) = both(&table, |t, p| p.rows(&ids) * t.input(&tenth));
        let often = ids.iter().filter(|&&i| i == 1).count();
        assert_eq!(grad.as_slice()[..2], [0.0; 2]);
        close("rows", n, grad.as_slice()[2], TENTH * often as f64);
        close("rows", n, grad.as_slice()[5], TENTH * (n - often) as f64);
        let (_, grad) = both(&table, |t, p| p.rows(&ids) * t.input(&tenth) + p.rows(&[0]));
        close("rows, added", n, grad.as_slice()[0], n as f64);
        close("rows, added", n, grad.as_slice()[2], TENTH * often as f64);

        // Scale and shift of normalizations: x̂ is ±1.
        let signs: Vec<f32> = (0..2 * n).map(|i| if i / 2 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let signs = Tensor::from_vec([n, 2], signs);
        let weights = Tensor::from_vec(
            [n, 2],
            (0..2 * n).map(|i| if i / 2 % 2 == 0 { 0.1 } else { 0.0 }).collect(),
        );
        let half = TENTH * n.div_ceil(2) as f64;
        let norm = BatchNorm1d::new(2).epsilon(0.0);
        let (_, grads) =
            tape.value_and_grad(|t| (norm.forward(t.input(&signs)) * t.input(&weights)).sum());
        for (_, p) in norm.named_params() {
            all("batch norm", n, grads.get(p).unwrap(), half);
        }
        let (gamma, beta) = (Param::new(Tensor::ones(2)), Param::new(Tensor::zeros(2)));
        let pairs = Tensor::from_vec([n, 2], [1.0, -1.0].repeat(n));
        let (_, grads) = tape.value_and_grad(|t| {
            let affine = Some([t.param(&gamma), t.param(&beta)]);
            (t.input(&pairs).layer_norm(affine, 0.0) * t.input(&tenth)).sum()
        });
        close("layer norm, scale", n, grads.get(&gamma).unwrap().as_slice()[0], sum);
        all("layer norm, shift", n, grads.get(&beta).unwrap(), sum);

        // α of a residual: Σ dy ⊙ z.
        let alpha = Param::new(Tensor::ones([1]));
        let flat = tenths(&[n]);
        let (_, grad) =
            both(&alpha, |t, a| t.input(&flat).add_scaled(a, t.input(&flat)) * t.input(&flat));
        all("add_scaled", n, &grad, sum * TENTH);

        // Softmax and its logarithm in one long row.
        let row = Param::new(tenths(&[1, n]));
        let one = Tensor::from_vec([1, n], (0..n).map(|i| (i == 1) as u8 as f32).collect());
        let p = 1.0 / n as f64;
        let (_, grad) = both(&row, |t, x| x.softmax() * t.input(&one));
        close("softmax, gradient", n, grad.as_slice()[1], p * (1.0 - p));
        close("softmax, gradient", n, grad.as_slice()[0], -p * p);
        let (_, grad) = both(&row, |t, x| x.log_softmax() * t.input(&one));
        close("log_softmax, gradient", n, grad.as_slice()[1], 1.0 - p);

        // The length of all gradients.
        let big = Param::new(Tensor::zeros(n));
        let (_, grads) = tape.value_and_grad(|t| (t.param(&big) * t.input(&flat)).sum());
        close("norm of gradients", n, grads.norm(), TENTH * (n as f64).sqrt());
        let huge = Tensor::full(2, 1e30);
        let two = Param::new(Tensor::zeros(2));
        let (_, grads) = tape.value_and_grad(|t| (t.param(&two) * t.input(&huge)).sum());
        close("norm of huge gradients", 2, grads.norm(), f64::from(1e30f32) * 2f64.sqrt());
    }
}

/// The number of equal maxima is exact beyond 2²⁴, where adding ones to an `f32` stops.
#[test]
fn equal_maxima_share_a_gradient_however_many_they_are() {
    let n = (1 << 24) + (1 << 23);
    let x = Param::new(Tensor::zeros(n));
    let (y, grad) = both(&x, |_, x| x.max());
    assert_eq!((y.item(), grad.as_slice()[5]), (0.0, 1.0 / n as f32));
}
