//! What the laws of papers promise of a network, in networks.

use fanin_nn::diagnose::Probe;
use fanin_nn::init::rand::RngCore;
use fanin_nn::init::{
    DepthScaled, EdgeOfChaos, FanInUniform, Fixup, HadamardScale, IdInit, Initializer,
    KaimingNormal, LooksLinear, Nonlinearity, Normal, Orthogonal, Position, RandomWalk,
    RandomizedAsymmetric, Siren, TorchRng, XavierNormal, ZerO, Zeros, from_fn,
};
use fanin_nn::layers::{Relu, Tanh};
use fanin_nn::{Linear, Module, Optimizer, Parameters, Sequential, Sgd, Tape, Tensor, Var};

fn normal(shape: [usize; 2], rng: &mut TorchRng) -> Tensor {
    let mut x = Tensor::zeros(shape);
    let spec = fanin_nn::init::ParamSpec::weight(1, 1);
    Normal::new(0.0, 1.0).fill(&spec, rng, x.view_mut());
    x
}

/// A layer without biases.
fn plain(inputs: usize, outputs: usize, law: impl Initializer, rng: &mut dyn RngCore) -> Linear {
    Linear::builder(inputs, outputs).weight(law).no_bias().rng(rng).build()
}

/// The mean square.
fn power(values: &[f32]) -> f64 {
    values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / values.len() as f64
}

fn map(x: &Tensor, f: impl Fn(f32) -> f32) -> Tensor {
    Tensor::from_vec(x.shape(), x.as_slice().iter().map(|&x| f(x)).collect())
}

/// How many rows are no sums of the others, but for a thousandth of the longest.
fn rank(w: &Tensor) -> usize {
    let columns = w.shape()[1];
    let mut rows: Vec<Vec<f64>> = w
        .as_slice()
        .chunks(columns)
        .map(|row| row.iter().map(|&x| f64::from(x)).collect())
        .collect();
    let square = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let longest = rows.iter().map(|row| square(row)).fold(0.0, f64::max);
    let mut rank = 0;
    // Gram–Schmidt, always with the longest of what is left.
    while let Some(i) =
        (0..rows.len()).max_by(|&i, &j| square(&rows[i]).total_cmp(&square(&rows[j])))
    {
        let row = rows.swap_remove(i);
        if square(&row) <= 1e-6 * longest {
            break;
        }
        rank += 1;
        for other in &mut rows {
            let dot = other.iter().zip(&row).map(|(a, b)| a * b).sum::<f64>() / square(&row);
            other.iter_mut().zip(&row).for_each(|(a, b)| *a -= dot * b);
        }
    }
    rank
}

/// 4 → 16 → 16 → 3, trained to tell three classes apart: the last loss, and the rank of what training
/// added to the hidden layer.
fn train_three_layers(law: &dyn Initializer) -> (f32, usize) {
    let mut rng = TorchRng::seed(11);
    let x = map(&normal([60, 4], &mut rng), f32::abs);
    let teacher = plain(4, 3, Normal::new(0.0, 1.0), &mut rng).predict(&x);
    let y: Vec<usize> = teacher
        .as_slice()
        .chunks(3)
        .map(|row| (0..3).max_by(|&i, &j| row[i].total_cmp(&row[j])).unwrap())
        .collect();
    let mut model = vec![
        plain(4, 16, law, &mut rng),
        plain(16, 16, law, &mut rng),
        plain(16, 3, law, &mut rng),
    ];
    let before = model[1].weight().clone();
    let mut sgd = Sgd::new(0.1);
    let mut tape = Tape::new();
    let mut loss = f32::MAX;
    for _ in 0..300 {
        let (l, grads) = tape.value_and_grad(|t| {
            let h = model[0].forward(t.input(&x)).relu();
            model[2].forward(model[1].forward(h).relu()).cross_entropy(&y)
        });
        sgd.step(&mut model, grads);
        loss = l;
    }
    let after = model[1].weight().as_slice();
    let change = after.iter().zip(before.as_slice()).map(|(a, b)| a - b).collect();
    (loss, rank(&Tensor::from_vec([16, 16], change)))
}

#[test]
fn zero_and_idinit_learn_without_the_rank_limit_of_a_padded_identity() {
    let padded = from_fn(|_, _, mut w| {
        w.fill(0.0);
        let mut w = w.into_dimensionality::<fanin_nn::tensor::ndarray::Ix2>().unwrap();
        w.diag_mut().fill(1.0);
    });
    let (loss, limited) = train_three_layers(&padded);
    assert!(limited <= 4, "as many as inputs: {limited}");
    assert!(loss < 1.0);
    for law in
        [&ZerO::default() as &dyn Initializer, &ZerO::new(HadamardScale::Code), &IdInit::identity()]
    {
        let (loss, rank) = train_three_layers(law);
        assert!(rank > 4, "{law:?}: rank {rank}");
        assert!(loss < 0.4, "{law:?}: loss {loss}");
    }
}

#[test]
fn a_branch_that_ends_in_idinits_zero_is_silent_but_not_dead() {
    let x = normal([20, 8], &mut TorchRng::seed(1));
    let largest = |w: &Tensor| w.as_slice().iter().fold(0f32, |a, &b| a.max(b.abs()));
    // The largest output of the branch, and of the gradient of its first layer.
    let branch = |last: &dyn Initializer| {
        let mut rng = TorchRng::seed(2);
        let model = Sequential::new()
            .add(plain(8, 8, IdInit::identity(), &mut rng))
            .add(Relu)
            .add(plain(8, 8, last, &mut rng));
        let mut tape = Tape::new();
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).sum());
        let gradient = largest(grads.get(model.named_params()[0].1).expect("a gradient"));
        (largest(&model.predict(&x)), gradient)
    };
    let (output, gradient) = branch(&IdInit::zero());
    assert!(output > 0.0 && output < 1e-5, "{output}");
    assert!(gradient > 1e-6, "{gradient}");
    assert_eq!(branch(&Zeros), (0.0, 0.0), "zeros let nothing through");
}

#[test]
fn fifty_mirrored_relu_layers_are_linear_and_keep_lengths() {
    let mut rng = TorchRng::seed(3);
    let network = |first: &dyn Initializer, hidden: &dyn Initializer, last: &dyn Initializer| {
        let mut rng = TorchRng::seed(4);
        let layer = |inputs, outputs, law, rng: &mut TorchRng| {
            Linear::builder(inputs, outputs).weight(law).bias(Zeros).rng(rng).build()
        };
        let mut model = Sequential::new().add(layer(24, 64, first, &mut rng)).add(Relu);
        for _ in 0..48 {
            model = model.add(layer(64, 64, hidden, &mut rng)).add(Relu);
        }
        model.add(layer(64, 32, last, &mut rng))
    };
    let [first, hidden, last] =
        [Position::First, Position::Hidden, Position::Last].map(LooksLinear::new);
    let mirrored = network(&first, &hidden, &last);
    let (a, b) = (normal([10, 24], &mut rng), normal([10, 24], &mut rng));
    let difference = |a: &Tensor, b: &Tensor| {
        let values = a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a - b).collect();
        Tensor::from_vec(a.shape(), values)
    };
    // How far f(a) − f(b) is from f(a − b).
    let bend = |model: &Sequential| {
        let of_difference = model.predict(&difference(&a, &b));
        let of_each = difference(&model.predict(&a), &model.predict(&b));
        (power(difference(&of_difference, &of_each).as_slice()) / power(of_each.as_slice())).sqrt()
    };
    let y = mirrored.predict(&a);
    for (x, y) in a.as_slice().chunks(24).zip(y.as_slice().chunks(32)) {
        let ratio = (power(y) * 32.0 / (power(x) * 24.0)).sqrt();
        assert!((ratio - 1.0).abs() < 1e-3, "length times {ratio}");
    }
    assert!(bend(&mirrored) < 1e-3, "{}", bend(&mirrored));
    // What the blocks are for: plain orthogonal matrices give neither.
    let law = Orthogonal::default().gain(2f64.sqrt());
    assert!(bend(&network(&law, &law, &law)) > 0.1);
}

/// The fraction of networks of ten ReLU layers of this width that are constant on [−√3, √3]: behind a
/// layer that is 0 everywhere, biases make other constants.
fn born_dead(width: usize, laws: impl Fn(u64) -> [Box<dyn Initializer>; 2]) -> f64 {
    const NETWORKS: usize = 4000;
    let x = Tensor::from_vec(
        [101, 1],
        (0..101).map(|i| 3f32.sqrt() * (i as f32 / 50.0 - 1.0)).collect(),
    );
    let mut rng = TorchRng::seed(5);
    let dead = (0..NETWORKS).filter(|_| {
        let mut h = x.clone();
        for depth in 0..10 {
            let inputs = if depth == 0 { 1 } else { width };
            let [weight, bias] = laws(rng.next_u64());
            let layer = Linear::builder(inputs, width).weight(weight).bias(bias);
            h = map(&layer.rng(&mut rng).build().predict(&h), |x| x.max(0.0));
        }
        h.as_slice().chunks(width).all(|y| y == &h.as_slice()[..width])
    });
    dead.count() as f64 / NETWORKS as f64
}

#[test]
fn asymmetric_networks_are_seldom_born_dead() {
    for (width, at_least, at_most) in [(2, 0.88, 0.29), (3, 0.60, 0.10)] {
        let he = born_dead(width, |_| [Box::new(KaimingNormal::default()), Box::new(Zeros)]);
        let biased =
            born_dead(width, |_| [Box::new(KaimingNormal::default()), Box::new(FanInUniform)]);
        let rai = |law| -> [Box<dyn Initializer>; 2] { [Box::new(law), Box::new(law)] };
        let plain = born_dead(width, |_| rai(RandomizedAsymmetric::default()));
        let paired = born_dead(width, |seed| rai(RandomizedAsymmetric::paired(seed)));
        assert!(he > at_least, "{he}");
        assert!(paired < at_most, "{paired}");
        assert!(paired < 0.9 * plain && plain < biased / 2.0, "{paired} {plain} {biased}");
    }
}

#[test]
fn sines_are_spread_alike_at_every_depth() {
    let mut rng = TorchRng::seed(6);
    const OMEGA0: f32 = 30.0;
    let mut x = Tensor::from_vec([500, 1], (0..500).map(|i| i as f32 / 249.5 - 1.0).collect());
    let mut before = f64::NAN;
    for depth in 0..8 {
        let position = if depth == 0 { Position::First } else { Position::Hidden };
        let inputs = if depth == 0 { 1 } else { 256 };
        let layer = plain(inputs, 256, Siren::new(position), &mut rng);
        let argument = map(&layer.predict(&x), |z| OMEGA0 * z);
        let variance = power(argument.as_slice());
        if depth > 0 {
            // The first sine goes round many times, so its square is 1/2 on average; of N(0, v) the
            // sine's is (1 − exp(−2v))/2. The weights double it.
            let expected = if depth == 1 { 1.0 } else { 1.0 - (-2.0 * before).exp() };
            assert!(
                (variance - expected).abs() < 0.08,
                "layer {depth}: {variance}, not {expected}"
            );
            let fourth = power(map(&argument, |z| z * z).as_slice());
            assert!((fourth / variance.powi(2) - 3.0).abs() < 0.4, "layer {depth}: {fourth}");
        }
        before = variance;
        x = map(&argument, f32::sin);
    }
    assert!((before - 0.797).abs() < 0.1, "{before}");
}

#[test]
fn a_residual_stream_has_one_variance_whatever_the_depth() {
    const WIDTH: usize = 64;
    // Each branch sees the stream normalized, as in GPT-2.
    let stream = |branches, law: &dyn Initializer| {
        let mut rng = TorchRng::seed(7);
        let mut stream = normal([50, WIDTH], &mut rng);
        for _ in 0..branches {
            let scale = power(stream.as_slice()).sqrt() as f32;
            let inner = plain(WIDTH, WIDTH, KaimingNormal::default(), &mut rng);
            let h = map(&inner.predict(&map(&stream, |x| x / scale)), |x| x.max(0.0));
            let added = plain(WIDTH, WIDTH, law, &mut rng).predict(&h);
            let sums = stream.as_slice().iter().zip(added.as_slice()).map(|(a, b)| a + b);
            stream = Tensor::from_vec([50, WIDTH], sums.collect());
        }
        power(stream.as_slice())
    };
    // At first 1, and all branches together add n·std².
    let std = 0.25;
    let expected = 1.0 + WIDTH as f64 * std * std;
    for branches in [4, 16, 64] {
        let got = stream(branches, &DepthScaled::new(std, branches));
        assert!((got / expected - 1.0).abs() < 0.2, "{branches} branches: {got} of {expected}");
    }
    assert!(stream(64, &Normal::new(0.0, std)) > 20.0 * expected);
}

/// `x + outer(relu(inner(x)))`.
#[derive(Parameters)]
struct Branch {
    inner: Linear,
    outer: Linear,
}

impl Module for Branch {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + self.outer.forward(self.inner.forward(x).relu())
    }
}

#[test]
fn a_step_changes_a_fixup_network_alike_at_any_depth() {
    // By how much one step of gradient descent changes the mean output of this many branches.
    let change = |branches, law: &dyn Initializer| {
        let mut rng = TorchRng::seed(8);
        let x = normal([30, 16], &mut rng);
        let head = plain(16, 1, XavierNormal::default(), &mut rng);
        let mut body: Vec<Branch> = (0..branches)
            .map(|_| Branch {
                inner: plain(16, 16, law, &mut rng),
                outer: plain(16, 16, Zeros, &mut rng),
            })
            .collect();
        assert_eq!(body.predict(&x).as_slice(), x.as_slice(), "silent at first");
        let mut tape = Tape::new();
        let mut sgd = Sgd::new(1e-4);
        let (before, grads) =
            tape.value_and_grad(|t| head.forward(body.forward(t.input(&x))).mean());
        sgd.step(&mut body, grads);
        let after = tape.value(|t| head.forward(body.forward(t.input(&x))).mean()).item();
        f64::from(before - after)
    };
    let fixup = [4, 64].map(|branches| change(branches, &Fixup::new(branches, 2)));
    let he = [4, 64].map(|branches| change(branches, &KaimingNormal::default()));
    assert!((fixup[1] / fixup[0] - 1.0).abs() < 0.3, "{fixup:?}");
    assert!((he[1] / he[0] / 16.0 - 1.0).abs() < 0.3, "{he:?}");
}

#[test]
fn the_logarithm_of_a_length_does_not_drift_in_a_random_walk() {
    const WIDTH: usize = 20;
    const DEPTH: usize = 100;
    const NETWORKS: usize = 200;
    // The mean over networks of ln(|output|²/|input|²), and the standard error of such a mean.
    let drift = |law: &dyn Initializer, relu: bool| {
        let mut rng = TorchRng::seed(9);
        let total: f64 = (0..NETWORKS)
            .map(|_| {
                let x = normal([1, WIDTH], &mut rng);
                let mut h = x.clone();
                for _ in 0..DEPTH {
                    h = plain(WIDTH, WIDTH, law, &mut rng).predict(&h);
                    if relu {
                        h = map(&h, |x| x.max(0.0));
                    }
                }
                (power(h.as_slice()) / power(x.as_slice())).ln()
            })
            .sum();
        total / NETWORKS as f64
    };
    // The variance of a step is about 2/N without, and 5/N with ReLU.
    let error = |a: f64| (a / WIDTH as f64 * DEPTH as f64 / NETWORKS as f64).sqrt();
    let linear = drift(&RandomWalk::Linear, false) / error(2.0);
    assert!(linear.abs() < 4.0, "{linear} standard errors");
    let relu = drift(&RandomWalk::Relu, true) / error(5.0);
    assert!(relu.abs() < 4.0, "{relu} standard errors");
    // The usual gains keep the mean square, and let most networks vanish.
    assert!(drift(&KaimingNormal::default().gain(1.0), false) / error(2.0) < -15.0);
    assert!(drift(&KaimingNormal::default(), true) / error(5.0) < -15.0);
}

#[test]
fn gradients_neither_vanish_nor_explode_at_the_edge_of_chaos() {
    const WIDTH: usize = 200;
    const DEPTH: usize = 30;
    let edge = EdgeOfChaos::new(Nonlinearity::Tanh, 0.3);
    // By how much gradients grow per layer, on their way back, once the signal has settled.
    let growth = |law: EdgeOfChaos| {
        let mut rng = TorchRng::seed(10);
        let x = normal([50, WIDTH], &mut rng);
        let mut model = Sequential::new();
        for _ in 0..DEPTH {
            let layer = Linear::builder(WIDTH, WIDTH).weight(law).bias(law).rng(&mut rng);
            model = model.add(layer.build()).add(Tanh);
        }
        let probe = Probe::new(&model, &x);
        let size = |layer: usize| {
            let grad = probe.layers()[layer].pre_activation_grad.as_ref();
            power(grad.expect("it was differentiated").as_slice()).sqrt()
        };
        (size(8) / size(DEPTH - 2)).powf(1.0 / (DEPTH - 10) as f64)
    };
    let off = |factor| growth(EdgeOfChaos::with_sigmas(factor * edge.sigma_w(), edge.sigma_b()));
    assert!((growth(edge) - 1.0).abs() < 0.03, "{}", growth(edge));
    assert!(off(0.8) < 0.9, "{}", off(0.8));
    assert!(off(1.3) > 1.05, "{}", off(1.3));
}
