//! Softmax and its kin, losses, norms and optimizers against 80-digit arithmetic, at every level of vector
//! instructions: golden/precise_rows.txt, which golden/precise.py wrote.

use std::process::Command;
use std::str::FromStr;

use fanin_nn::losses::*;
use fanin_nn::optim::RmsProp;
use fanin_nn::tensor::Scalar;
use fanin_nn::{Adam, AdamW, Optimizer, Param, Parameters, Sgd, Tape, Tensor, Var, gradcheck_at};

/// |got − want| in units of the last place of want. A subnormal number has that of the smallest normal one.
fn ulps<T: Scalar>(got: T, want: T) -> f64 {
    if got == want || got.is_nan() && want.is_nan() {
        return 0.0;
    }
    if !got.is_finite() || !want.is_finite() {
        return f64::INFINITY;
    }
    let tiny = if T::IS_F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
    let size = want.to_f64().abs().max(tiny);
    let last = 2f64.powi(size.log2().floor() as i32) * T::EPSILON.to_f64();
    (got.to_f64() - want.to_f64()).abs() / last
}

struct Check {
    kind: &'static str,
    faults: Vec<String>,
    worst: std::collections::BTreeMap<String, f64>,
}

impl Check {
    /// Asserts a relative error of `bound` ulp, or an absolute one of `bound` ε if that is more.
    fn compare<T: Scalar>(
        &mut self,
        case: &str,
        what: &str,
        got: &[T],
        want: &[T],
        [bound, absolute]: [f64; 2],
    ) {
        assert_eq!(got.len(), want.len(), "{case} {what}");
        for (&got, &want) in got.iter().zip(want) {
            let off = ulps(got, want);
            let close = (got.to_f64() - want.to_f64()).abs() <= absolute * T::EPSILON.to_f64();
            if !close {
                let worst = self.worst.entry(what.into()).or_default();
                *worst = worst.max(off);
            }
            if !(off <= bound || close) {
                let kind = self.kind;
                self.faults.push(format!("{case} {kind} {what}: {got}, not {want}: {off:.1} ulp"));
            }
        }
    }
}

/// The value of f and the gradient of Σ c ⊙ f.
fn both<T: Scalar>(
    x: &Param<T>,
    c: Option<&Tensor<T>>,
    f: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T>,
) -> (Vec<T>, Vec<T>) {
    let (mut tape, mut value) = (Tape::<T>::default(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let y = f(t.param(x));
        value = Some(y.value());
        match c {
            Some(c) => (y * t.input(c)).sum(),
            None => y.sum(),
        }
    });
    (value.unwrap().as_slice().to_vec(), grads.get(x).unwrap().as_slice().to_vec())
}

/// Relative error alone.
const RELATIVE: [f64; 2] = [6.0, 0.0];
/// Where two numbers of size 1 nearly cancel at a place that no formula knows, as p − target.
const ABSOLUTE: [f64; 2] = [6.0, 1.0];

fn rows<T: Scalar + FromStr<Err: std::fmt::Debug>>(kind: &'static str) {
    let (mut check, mut cases) = (Check { kind, faults: vec![], worst: Default::default() }, 0);
    let mut current: Option<(&str, Param<T>)> = None;
    let mut name = None;
    for line in include_str!("../../golden/precise_rows.txt").lines() {
        let words: Vec<_> = line.split(' ').collect();
        let numbers = |from: usize| words[from..].iter().map(|w| w.parse().unwrap()).collect();
        match words[0] {
            "#" => {}
            "case" => name = (words[2] == kind).then_some(words[1]),
            _ if name.is_none() => {}
            "x" => {
                let x: Vec<T> = numbers(1);
                current = Some((name.unwrap(), Param::new(Tensor::from_vec([1, x.len()], x))));
                cases += 1;
            }
            op => {
                let (case, x) = current.as_ref().unwrap();
                let n = x.value().len();
                let label = || words[1].parse::<usize>().unwrap();
                let unit = || {
                    let one = |k| if k == label() { T::ONE } else { T::ZERO };
                    Tensor::from_vec([1, n], (0..n).map(one).collect())
                };
                let mut entropy = |loss: CrossEntropy, within| {
                    let want: Vec<T> = numbers(2);
                    let (y, d) = both(x, None, |x| loss.loss(x, &[label()][..]));
                    check.compare(case, op, &y, &want[..1], RELATIVE);
                    check.compare(case, &format!("{op}, gradient"), &d, &want[1..], within);
                };
                match op {
                    "softmax" => {
                        let (y, _) = both(x, None, |x| x.softmax());
                        check.compare(case, op, &y, &numbers(1), RELATIVE);
                    }
                    "log_softmax" => {
                        let (y, _) = both(x, None, |x| x.log_softmax());
                        check.compare(case, op, &y, &numbers(1), RELATIVE);
                    }
                    "log_sum_exp" => {
                        let (y, _) = both(x, None, |x| x.log_sum_exp(1));
                        check.compare(case, op, &y, &numbers(1), ABSOLUTE);
                        // The same along the first axis of two columns.
                        let (y, _) = both(x, None, |x| {
                            let column = x.transpose();
                            Var::concat(&[column, column], 1).log_sum_exp(0)
                        });
                        let want: Vec<T> = numbers(1);
                        check.compare(case, op, &y, &[want[0], want[0]], ABSOLUTE);
                    }
                    "d_softmax" => {
                        let (_, d) = both(x, Some(&unit()), |x| x.softmax());
                        check.compare(case, op, &d, &numbers(2), RELATIVE);
                    }
                    "d_log_softmax" => {
                        let (_, d) = both(x, Some(&unit()), |x| x.log_softmax());
                        check.compare(case, op, &d, &numbers(2), RELATIVE);
                    }
                    "cross_entropy" => entropy(CrossEntropy::new(), RELATIVE),
                    "smoothed" => entropy(CrossEntropy::new().label_smoothing(0.125), ABSOLUTE),
                    "weighted" => {
                        let weights: Vec<f64> = (0..n).map(|k| 1.0 + k as f64 / 2.0).collect();
                        let loss = CrossEntropy::new().class_weights(&weights);
                        entropy(loss.reduction(Reduction::Sum), RELATIVE);
                    }
                    _ => panic!("precise_rows.txt: {line}"),
                }
            }
        }
    }
    eprintln!("{kind}: {:?}", check.worst);
    assert!(cases >= 10, "{cases} cases of {kind}");
    let Check { faults, .. } = check;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn rows_of_f32_and_f64() {
    rows::<f32>("f32");
    rows::<f64>("f64");
}

/// A process has one level for its life.
#[test]
fn at_every_level() {
    for level in ["portable", "avx2"] {
        let tests = ["precise::rows_of_f32_and_f64", "precise::losses_of_numbers", "--exact"];
        let child = Command::new(std::env::current_exe().unwrap())
            .args(tests)
            .env("FANIN_SIMD", level)
            .output()
            .unwrap();
        let text = [child.stdout, child.stderr].concat();
        assert!(child.status.success(), "{level}:\n{}", String::from_utf8_lossy(&text));
        assert!(String::from_utf8_lossy(&text).contains("2 passed"), "the names of the tests");
    }
}

/// Squares and differences of any size, against f64.
#[test]
fn losses_of_numbers() {
    let sizes = [0.0f32, 1e-45, 1e-38, 1e-22, 1e-19, 3e-5, 0.3, 0.699, 0.7, 0.701, 8.0, 1e9, 1e18];
    for d in sizes.into_iter().flat_map(|d| [d, -d]) {
        let y = Param::new(Tensor::from_vec(1, vec![d]));
        let (wide, delta) = (f64::from(d), f64::from(0.7f32));
        let target = Tensor::zeros(1);
        let (loss, slope) = both(&y, None, |y| Mse::new().loss(y, &target));
        assert!(ulps(loss[0], (wide * wide) as f32) <= 1.0, "mse of {d}: {}", loss[0]);
        assert!(ulps(slope[0], (2.0 * wide) as f32) <= 1.0, "mse of {d}, gradient: {}", slope[0]);
        let (loss, slope) = both(&y, None, |y| Huber::new(0.7).loss(y, &target));
        let near = wide.abs() <= delta;
        let want = if near { wide * wide / 2.0 } else { delta * (wide.abs() - delta / 2.0) };
        assert!(ulps(loss[0], want as f32) <= 2.0, "huber of {d}: {}, not {want}", loss[0]);
        let want = wide.clamp(-delta, delta);
        assert!(ulps(slope[0], want as f32) <= 1.0, "huber of {d}, gradient: {}", slope[0]);
        // Norms of three such numbers, whose squares may be too large or too small.
        let x = Param::new(Tensor::from_vec([1, 3], vec![d, -d, d]));
        let norms: [for<'t> fn(Var<'t>) -> Var<'t>; 3] =
            [|x| x.norm(), |x| x.norm_axis(1), |x| x.norm_axis(0)];
        for f in norms {
            let (norm, slope) = both(&x, None, f);
            let want = wide.abs() * if norm.len() == 1 { 3f64.sqrt() } else { 1.0 };
            assert!(ulps(norm[0], want as f32) <= 3.0, "norm of {d}: {}, not {want}", norm[0]);
            let want = if d == 0.0 { 0.0 } else { wide / f64::from(norm[0]) };
            assert!(ulps(slope[0], want as f32) <= 3.0, "norm of {d}, gradient: {}", slope[0]);
        }
    }
    for edge in [f32::INFINITY, f32::NAN] {
        let x = Param::new(Tensor::from_vec(2, vec![edge, 1.0]));
        assert_eq!(both(&x, None, |x| x.norm()).0[0].to_bits() & 0x7fff_ffff, edge.to_bits());
    }
}

/// An infinite gradient at a place where another is chosen: 0 · ∞ is NaN.
#[test]
fn an_infinite_gradient_goes_to_the_larger_value_alone() {
    let (a, b) = (Param::new(Tensor::zeros(1)), Param::new(Tensor::ones(1)));
    let infinite = Tensor::from_vec(1, vec![f32::INFINITY]);
    let mut tape = Tape::new();
    let (_, grads) =
        tape.value_and_grad(|t| (t.param(&a).maximum(t.param(&b)) * t.input(&infinite)).sum());
    assert_eq!(grads.get(&a).unwrap().item(), 0.0);
    assert_eq!(grads.get(&b).unwrap().item(), f32::INFINITY);
}

/// The parameter after each step with these gradients.
fn trained(mut optimizer: impl Optimizer, start: f32, gradients: &[f32]) -> Vec<f32> {
    #[derive(Parameters)]
    struct One(Param);
    let mut model = One(Param::new(Tensor::from_vec(1, vec![start])));
    let mut tape = Tape::new();
    let mut step = |&g: &f32| {
        let g = Tensor::from_vec(1, vec![g]);
        let (_, grads) = tape.value_and_grad(|t| (t.param(&model.0) * t.input(&g)).sum());
        optimizer.step(&mut model, grads);
        model.0.value().item()
    };
    gradients.iter().map(&mut step).collect()
}

/// As in PyTorch 2.15: what is infinite stays so where nothing decays.
#[test]
fn an_infinite_gradient_makes_no_nan() {
    let (up, down) = (f32::INFINITY, f32::NEG_INFINITY);
    let infinite = [up, 1.0, 1.0];
    let sgd = || Sgd::new(0.1);
    assert_eq!(trained(sgd(), 1.0, &infinite), [down; 3]);
    assert_eq!(trained(sgd().momentum(0.9), 1.0, &infinite), [down; 3]);
    assert_eq!(trained(sgd().momentum(0.9).dampening(0.5), 1.0, &infinite), [down; 3]);
    assert_eq!(trained(sgd().momentum(0.9).nesterov(), 1.0, &infinite), [down; 3]);
    let decay = trained(sgd().weight_decay(0.1), 1.0, &infinite);
    assert!(decay[0] == down && decay[1].is_nan());
    for steps in [
        trained(sgd(), up, &[1.0; 3]),
        trained(sgd().momentum(0.9), up, &[1.0; 3]),
        trained(Adam::new(0.1), up, &[1.0; 3]),
        trained(AdamW::new(0.1).weight_decay(0.0), up, &[1.0; 3]),
        trained(RmsProp::new(0.1), up, &[1.0; 3]),
        trained(RmsProp::new(0.1).momentum(0.9), up, &[1.0; 3]),
        trained(RmsProp::new(0.1).centered(), up, &[1.0; 3]),
        trained(RmsProp::new(0.1).centered().momentum(0.9), up, &[1.0; 3]),
    ] {
        assert_eq!(steps, [up; 3]);
    }
}

#[test]
fn a_variance_that_rounding_makes_negative_counts_as_0() {
    // With a constant gradient v and m² are equal up to rounding.
    let steps = trained(RmsProp::new(1e-9).centered().alpha(0.1), 1.0, &[0.3; 400]);
    assert!(steps.iter().all(|p| p.is_finite()));
}

/// A running mean with β₁ = 0 is the gradient itself, whatever it was before.
#[test]
fn adam_without_a_first_moment_forgets_a_huge_gradient() {
    let adam = || Adam::new(0.1).betas(0.0, 0.0);
    let steps = trained(adam(), 0.0, &[1e8, 1.0]);
    assert!((steps[1] - (steps[0] - 0.1)).abs() < 1e-6, "{steps:?}");
}

#[test]
fn a_learning_rate_of_0_is_allowed_and_changes_nothing() {
    assert_eq!(trained(Sgd::new(0.0).momentum(0.9), 1.5, &[3.0, -2.0]), [1.5; 2]);
    assert_eq!(trained(Adam::new(0.0), 1.5, &[3.0, -2.0]), [1.5; 2]);
    assert_eq!(trained(AdamW::new(0.0), 1.5, &[3.0, -2.0]), [1.5; 2]);
    assert_eq!(trained(RmsProp::new(0.0), 1.5, &[3.0, -2.0]), [1.5; 2]);
}

#[track_caller]
fn panics(what: &str, f: impl FnOnce() + std::panic::UnwindSafe) {
    assert!(std::panic::catch_unwind(f).is_err(), "{what} was accepted");
}

#[test]
fn options_outside_their_range_are_refused() {
    for rate in [-1e-9, f64::NAN, f64::INFINITY] {
        panics("a rate", || drop(Sgd::new(rate)));
        panics("a rate", || drop(Adam::new(rate)));
        panics("a rate", || drop(RmsProp::new(rate)));
        panics("a rate that is set", || Sgd::new(0.1).set_lr(rate));
    }
    for smoothing in [-1e-9, 1.0 + 1e-9, f64::NAN] {
        panics("a smoothing", || drop(CrossEntropy::new().label_smoothing(smoothing)));
    }
    // Both ends are allowed.
    let x = Param::new(Tensor::from_vec([1, 2], vec![0.0, 1.0]));
    let at = |smoothing| {
        both(&x, None, |x| CrossEntropy::new().label_smoothing(smoothing).loss(x, &[0][..])).0[0]
    };
    let (zero, one): (f32, f32) = (at(0.0), at(1.0));
    assert!((zero - 1.3132617).abs() < 1e-6 && (one - 0.8132617).abs() < 1e-6, "{zero} {one}");
}

/// The number of a step neither wraps nor loses the bias correction.
#[test]
fn a_state_goes_on_after_any_number_of_steps() {
    #[derive(Parameters)]
    struct One(Param);
    for steps in [i32::MAX as u64 + 5, u64::MAX - 1, u64::MAX] {
        let (mut adam, mut tape) = (Adam::new(0.1), Tape::new());
        let mut model = One(Param::new(Tensor::ones(1)));
        let (_, grads) = tape.value_and_grad(|t| t.param(&model.0).sum());
        adam.step(&mut model, grads);
        let mut state = Optimizer::<f32>::state(&adam);
        state.params[0].steps = steps;
        // Moments of a long constant gradient of 1.
        for (_, slot) in &mut state.params[0].slots {
            *slot = Tensor::ones(1);
        }
        adam.load_state(&model, state).unwrap();
        let before: f32 = model.0.value().item();
        for _ in 0..2 {
            let (_, grads) = tape.value_and_grad(|t| t.param(&model.0).sum());
            adam.step(&mut model, grads);
        }
        assert!((before - model.0.value().item() - 0.2).abs() < 1e-6);
        assert!(Optimizer::<f32>::state(&adam).params[0].steps > steps - 1);
    }
}

#[test]
#[should_panic(expected = "gradcheck: error inf at tensor 0, element 0")]
fn gradcheck_refuses_nan() {
    let x = Tensor::from_vec(3, vec![1.0, 0.0, 2.0]);
    gradcheck_at(vec![x], 1, |_, x| x[0] * x[0] / x[0]).assert_below(1e-6);
}

#[test]
#[should_panic(expected = "gradcheck: error inf at tensor 0, element 0")]
fn gradcheck_refuses_infinity() {
    let x = Tensor::from_vec(1, vec![0.0]);
    gradcheck_at(vec![x], 1, |_, x| x[0].sqrt()).assert_below(1e-6);
}

/// Sums over nothing are 0, on memory that an earlier step has written.
#[test]
fn a_sum_over_an_empty_axis_is_0() {
    let mut tape = Tape::new();
    let full = Tensor::full([2, 3], 7.0);
    type Reduced = for<'t> fn(Var<'t>) -> Var<'t>;
    let reductions: [(&str, Reduced); 6] = [
        ("sum_axis(0)", |x| x.sum_axis(0)),
        ("sum_axis(1)", |x| x.sum_axis(1)),
        ("norm_axis(0)", |x| x.norm_axis(0)),
        ("norm_axis(1)", |x| x.norm_axis(1)),
        ("sum", |x| x.sum()),
        ("norm", |x| x.norm()),
    ];
    for (name, reduced) in reductions {
        for (rows, cols) in [(0, 3), (2, 0), (0, 0)] {
            tape.value(|t| reduced(t.input(&full)));
            let y = tape.value(|t| reduced(t.input(&Tensor::zeros([rows, cols]))));
            assert!(y.as_slice().iter().all(|&y| y == 0.0), "{name} of {rows}×{cols}: {y:?}");
        }
    }
    tape.value(|t| t.input(&full).matmul(t.input(&Tensor::ones([3, 4]))));
    let y = tape.value(|t| t.input(&Tensor::zeros([2, 0])).matmul(t.input(&Tensor::zeros([0, 4]))));
    assert_eq!(y.as_slice(), [0.0; 8]);
    // The gradient of a broadcast to nothing.
    let x = Param::new(Tensor::ones([1, 3]));
    for rows in [4, 0] {
        let other = Tensor::ones([rows, 3]);
        let (_, grads) = tape.value_and_grad(|t| (t.param(&x) * t.input(&other)).sum());
        assert_eq!(grads.get(&x).unwrap().as_slice(), [rows as f32; 3]);
    }
}
