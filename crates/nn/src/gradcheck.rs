//! Compares gradients with finite differences, in `f64`.

use fanin_init::TorchRng;
use fanin_init::rand::{Rng, RngCore};
use fanin_tensor::Tensor;

use crate::Parameters;
use crate::module::Module;
use crate::param::Param;
use crate::tape::{Mode, Tape, Var};

/// The outcome of a check.
#[derive(Clone, Debug)]
#[must_use = "a check says nothing unless its result is asserted"]
pub struct GradCheck {
    worst: f64,
    place: String,
}

impl GradCheck {
    /// The largest `|analytic − numeric| / max(1, |analytic|, |numeric|)` over all elements.
    pub fn worst(&self) -> f64 {
        self.worst
    }

    /// # Panics
    /// **Panics** if the largest error is not below `tolerance`. The message names the element and
    /// both values.
    #[track_caller]
    pub fn assert_below(&self, tolerance: f64) {
        assert!(self.worst < tolerance, "gradcheck: error {:.2e} at {}", self.worst, self.place);
    }
}

/// Compares the gradient of `f` with central differences, at a random point of the given shapes.
///
/// The loss is `Σ c ⊙ f(x)` with a random cotangent c, so that errors in two outputs cannot cancel.
/// Coordinates are uniform in (−2, 2); use [`gradcheck_at`] for another domain.
///
/// # Example
/// ```
/// use fanin_nn::gradcheck;
/// gradcheck(&[&[4, 7], &[7, 3]], 1, |_, x| x[0].matmul(x[1])).assert_below(1e-6);
/// ```
pub fn gradcheck(
    shapes: &[&[usize]],
    seed: u64,
    f: impl for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
) -> GradCheck {
    let mut rng = TorchRng::seed(seed);
    let inputs = shapes.iter().map(|shape| random(shape, -2.0, 2.0, &mut rng)).collect();
    gradcheck_at(inputs, seed, f)
}

/// [`gradcheck`] at the given point.
pub fn gradcheck_at(
    inputs: Vec<Tensor<f64>>,
    seed: u64,
    f: impl for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
) -> GradCheck {
    let mut params = Params(inputs.into_iter().map(Param::new).collect());
    check(&mut params, seed, |t, params| {
        let vars: Vec<_> = params.0.iter().map(|p| t.param(p)).collect();
        f(t, &vars)
    })
}

/// Checks the gradient of a module with respect to its parameters and to its input `x`.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, gradcheck_module};
/// gradcheck_module(Linear::new(5, 3).cast(), &[4, 5], 1).assert_below(1e-6);
/// ```
pub fn gradcheck_module(module: impl Module<f64>, x: &[usize], seed: u64) -> GradCheck {
    let x = Param::new(random(x, -2.0, 2.0, &mut TorchRng::seed(seed)));
    let mut both = WithInput { x, module };
    check(&mut both, seed, |t, both| both.module.forward(t.param(&both.x)))
}

fn random(shape: &[usize], low: f64, high: f64, rng: &mut dyn RngCore) -> Tensor<f64> {
    let len = shape.iter().product();
    Tensor::from_vec(shape, (0..len).map(|_| rng.random_range(low..high)).collect())
}

#[derive(Parameters)]
#[parameters(f64)]
struct Params(Vec<Param<f64>>);

#[derive(Parameters)]
#[parameters(f64)]
struct WithInput<M> {
    x: Param<f64>,
    module: M,
}

fn check<P: Parameters<f64>>(
    point: &mut P,
    seed: u64,
    f: impl for<'t> Fn(&'t Tape<f64>, &P) -> Var<'t, f64>,
) -> GradCheck {
    const STEP: f64 = 1e-5;
    let mut tape = Tape::default();
    let shape = tape.value_in(Mode::Train, |t| f(t, point)).shape().to_vec();
    // Not all ones: with them, a gradient that is summed over the wrong axis would pass.
    let cotangent = random(&shape, 0.5, 1.5, &mut TorchRng::seed(seed ^ 0x5eed));
    let mut loss = |point: &P| {
        tape.value_in(Mode::Train, |t| (f(t, point) * t.input(&cotangent)).sum()).item()
    };

    let mut recorded = Tape::default();
    let (_, grads) = recorded.value_and_grad(|t| (f(t, point) * t.input(&cotangent)).sum());
    let analytic: Vec<Vec<f64>> = point
        .named_params()
        .into_iter()
        .map(|(_, p)| match grads.get(p) {
            Some(grad) => grad.as_slice().to_vec(),
            None => vec![0.0; p.value().len()],
        })
        .collect();

    let mut outcome = GradCheck { worst: 0.0, place: String::new() };
    for (n, analytic) in analytic.iter().enumerate() {
        for (i, &a) in analytic.iter().enumerate() {
            let mut at = |offset: f64| {
                let old = nudge(point, n, i, offset);
                let value = loss(point);
                set(point, n, i, old);
                value
            };
            let numeric = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let error = (a - numeric).abs() / 1f64.max(a.abs()).max(numeric.abs());
            // A NaN counts as an infinite error. The first of equals is named.
            let error = if error.is_nan() { f64::INFINITY } else { error };
            if error > outcome.worst {
                let place = format!("tensor {n}, element {i}: analytic {a}, numeric {numeric}");
                outcome = GradCheck { worst: error, place };
            }
        }
    }
    outcome
}

/// Adds `offset` to element `i` of parameter `n` and returns the old value.
fn nudge(point: &mut impl Parameters<f64>, n: usize, i: usize, offset: f64) -> f64 {
    let mut old = 0.0;
    change(point, n, i, |x| {
        old = *x;
        *x += offset;
    });
    old
}

fn set(point: &mut impl Parameters<f64>, n: usize, i: usize, value: f64) {
    change(point, n, i, |x| *x = value);
}

fn change(point: &mut impl Parameters<f64>, n: usize, i: usize, f: impl FnOnce(&mut f64)) {
    let (mut at, mut f) = (0, Some(f));
    point.visit_params_mut(&mut |_, p| {
        if at == n
            && let Some(f) = f.take()
        {
            f(&mut p.value_mut().as_mut_slice()[i]);
        }
        at += 1;
    });
}
