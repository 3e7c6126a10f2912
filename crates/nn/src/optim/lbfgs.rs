//! [`Lbfgs`]: a quasi-Newton method for the gradient of all data.

mod flat;
mod line_search;
mod state;

use std::collections::VecDeque;

use fanin_tensor::map::{map, update};
use fanin_tensor::{Scalar, Set, reduce};

use flat::{gather, scatter, values};
use line_search::{Start, strong_wolfe};

pub use state::LbfgsState;

use super::require;
use crate::parameters::Parameters;
use crate::tape::{Tape, Var};

/// L-BFGS, as PyTorch has it: steps along an estimate of Newton's direction, which the last gradients give.
///
/// It evaluates loss and gradient several times a step, so it takes a closure. The loss must be the same
/// function each time: that of all data, without dropout. For small networks and smooth losses it
/// converges in far fewer evaluations than gradient descent, and much closer.
///
/// A step is up to [`max_iter`](Self::max_iter) iterations:
///
/// ```text
/// d = −H g               H from the pairs s = t d, y = g' − g of the last iterations
/// p ← p + t d            t by line search, or t = lr
/// ```
///
/// [`strong_wolfe`](Self::strong_wolfe) turns the line search on, which is usually better. Parameters that
/// are frozen stay; scales of their learning rates do not count. Buffers are updated by each evaluation.
/// Rows of an embedding that are longer than its `max_norm` are shortened when they are looked up, and
/// stay as they are in the table.
///
/// # Example
/// ```
/// use fanin_nn::layers::Tanh;
/// use fanin_nn::optim::Lbfgs;
/// use fanin_nn::{Linear, Module, Sequential, Tape, Tensor};
///
/// fanin_nn::init::manual_seed(1);
/// let x: Vec<f32> = (0..32).map(|i| i as f32 / 8.0 - 2.0).collect();
/// let y: Vec<f32> = x.iter().map(|x| x.sin()).collect();
/// let (x, y) = (Tensor::from_vec([32, 1], x), Tensor::from_vec([32, 1], y));
/// let mut model = Sequential::new().add(Linear::new(1, 8)).add(Tanh).add(Linear::new(8, 1));
/// let (mut lbfgs, mut tape) = (Lbfgs::new(1.0).strong_wolfe(), Tape::new());
/// let mut loss = f32::MAX;
/// for _ in 0..10 {
///     loss = lbfgs.step(&mut model, &mut tape, |model, t| {
///         model.forward(t.input(&x)).mse(t.input(&y))
///     });
/// }
/// assert!(loss < 1e-4, "{loss}");
/// ```
///
/// # Reference
/// Nocedal and Wright 2006, algorithms 7.4 and 3.5.
#[doc(alias = "LBFGS")]
#[derive(Clone, Debug)]
pub struct Lbfgs<T: Scalar = f32> {
    lr: f64,
    max_iter: usize,
    max_eval: Option<usize>,
    tolerance_grad: f64,
    tolerance_change: f64,
    history_size: usize,
    strong_wolfe: bool,
    memory: Memory<T>,
}

/// What is remembered from iteration to iteration.
#[derive(Clone, Debug)]
struct Memory<T: Scalar> {
    iterations: u64,
    evaluations: u64,
    /// How far the last iteration went along its direction.
    t: f64,
    direction: Vec<T>,
    /// The gradient at the start of the last iteration.
    previous: Vec<T>,
    /// The oldest first.
    history: VecDeque<Pair<T>>,
    /// Memory for the next pair.
    spare: Option<Pair<T>>,
    /// What the first estimate of the inverse Hessian multiplies by.
    diagonal: f64,
}

/// A pair of an iteration: by how much the parameters and the gradient changed.
#[derive(Clone, Debug)]
struct Pair<T: Scalar> {
    y: Vec<T>,
    s: Vec<T>,
    /// `1 / (y · s)`
    rho: f64,
    /// `α` of the two-loop recursion.
    alpha: f64,
}

/// Loss and gradient at a point: writes the gradient, and returns the loss.
type Evaluate<'e, T> = dyn FnMut(&[T], &mut [T]) -> f64 + 'e;

impl<T: Scalar> Lbfgs<T> {
    /// With a first step length (1 is usual), at most 20 iterations a step and 100 pairs remembered.
    ///
    /// # Panics
    /// **Panics** if the rate is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn new(lr: f64) -> Self {
        require("Lbfgs", "learning rate", lr, 0.0, f64::INFINITY);
        Self {
            lr,
            max_iter: 20,
            max_eval: None,
            tolerance_grad: 1e-7,
            tolerance_change: 1e-9,
            history_size: 100,
            strong_wolfe: false,
            memory: Memory::new(),
        }
    }

    /// The most iterations of a step.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[must_use]
    #[track_caller]
    pub fn max_iter(mut self, iterations: usize) -> Self {
        assert!(iterations > 0, "Lbfgs: max_iter is 0, and a step needs an iteration");
        self.max_iter = iterations;
        self
    }

    /// The most evaluations of a step: 5/4 of the iterations unless told otherwise. A line search may
    /// need several an iteration.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[must_use]
    #[track_caller]
    pub fn max_eval(mut self, evaluations: usize) -> Self {
        assert!(evaluations > 0, "Lbfgs: max_eval is 0, and a step needs an evaluation");
        self.max_eval = Some(evaluations);
        self
    }

    /// A step ends where no element of the gradient is larger; 1e-7 unless told otherwise.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn tolerance_grad(mut self, tolerance: f64) -> Self {
        require("Lbfgs", "tolerance_grad", tolerance, 0.0, f64::INFINITY);
        self.tolerance_grad = tolerance;
        self
    }

    /// A step ends where neither a parameter nor the loss changes by more; 1e-9 unless told otherwise.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn tolerance_change(mut self, tolerance: f64) -> Self {
        require("Lbfgs", "tolerance_change", tolerance, 0.0, f64::INFINITY);
        self.tolerance_change = tolerance;
        self
    }

    /// How many pairs are remembered. Each takes twice the memory of the parameters.
    ///
    /// # Panics
    /// **Panics** if it is 0.
    #[must_use]
    #[track_caller]
    pub fn history_size(mut self, pairs: usize) -> Self {
        assert!(pairs > 0, "Lbfgs: history_size is 0; without history use Sgd");
        self.history_size = pairs;
        self
    }

    /// Searches along each direction for a point that fulfils the strong Wolfe conditions.
    #[doc(alias = "line_search_fn")]
    #[must_use]
    pub fn strong_wolfe(mut self) -> Self {
        self.strong_wolfe = true;
        self
    }

    /// The learning rate: the first length of a step.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Sets the learning rate of the next steps.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[track_caller]
    pub fn set_lr(&mut self, lr: f64) {
        require("Lbfgs", "learning rate", lr, 0.0, f64::INFINITY);
        self.lr = lr;
    }

    /// How often the loss was evaluated in all steps.
    #[doc(alias = "func_evals")]
    pub fn evaluations(&self) -> u64 {
        self.memory.evaluations
    }

    /// One step: changes the model's parameters so that the loss falls, and returns what the loss was
    /// before.
    ///
    /// If the loss or its gradient is not finite, the parameters do not change.
    ///
    /// # Panics
    /// **Panics** if the loss depends on no trainable parameter that the model shows, or their number is
    /// another one than in the steps before.
    #[track_caller]
    pub fn step<M: Parameters<T>>(
        &mut self,
        model: &mut M,
        tape: &mut Tape<T>,
        mut loss: impl for<'t> FnMut(&M, &'t Tape<T>) -> Var<'t, T>,
    ) -> T {
        let mut x = values(model);
        let before = self.memory.direction.len();
        assert!(
            before == 0 || before == x.len(),
            "step: the model has {} trainable numbers, and had {before} in the steps before: an \
             optimizer serves one model",
            x.len()
        );
        let mut found = 0;
        let mut first = None;
        minimize(self, &mut x, &mut |x, gradient| {
            scatter(model, x);
            let (value, mut grads) = tape.value_and_grad(|t| loss(model, t));
            found += gather(model, &mut grads, gradient);
            first.get_or_insert(value);
            value.to_f64()
        });
        scatter(model, &x);
        // Here, so that the panic is at the caller's line.
        assert!(
            found > 0,
            "step: the loss depends on no trainable parameter that the model shows; derive \
             Parameters for it, and skip no field that has parameters"
        );
        first.expect("the loss was evaluated")
    }
}

/// The largest absolute value; NaN if there is one.
fn largest<T: Scalar>(x: &[T]) -> f64 {
    x.iter().fold(0.0, |largest, x| {
        let x = x.to_f64().abs();
        if x > largest || x.is_nan() { x } else { largest }
    })
}

fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    reduce::dot(x, y).to_f64()
}

/// `x ← x + factor · y`
fn add<T: Scalar>(x: &mut [T], factor: f64, y: &[T]) {
    let factor = T::from_f64(factor);
    update([x], [y], move |[x], [y]| [x + factor * y]);
}

impl<T: Scalar> Memory<T> {
    fn new() -> Self {
        Self {
            iterations: 0,
            evaluations: 0,
            t: 0.0,
            direction: vec![],
            previous: vec![],
            history: VecDeque::new(),
            spare: None,
            diagonal: 1.0,
        }
    }

    /// Remembers a pair with this product of y and s.
    fn push(&mut self, mut pair: Pair<T>, curvature: f64) {
        self.diagonal = curvature / dot(&pair.y, &pair.y);
        pair.rho = 1.0 / curvature;
        self.history.push_back(pair);
    }

    /// Takes in the change of the gradient that the last iteration brought, and makes a new direction.
    fn turn(&mut self, gradient: &[T], history_size: usize) {
        self.direction.resize(gradient.len(), T::ZERO);
        if self.iterations == 1 {
            return map([gradient], Set, &mut self.direction, |[g]| -g);
        }
        let new = || Pair { y: gradient.to_vec(), s: gradient.to_vec(), rho: 0.0, alpha: 0.0 };
        let mut pair = self.spare.take().unwrap_or_else(new);
        map([gradient, &self.previous], Set, &mut pair.y, |[g, before]| g - before);
        let t = T::from_f64(self.t);
        map([&self.direction], Set, &mut pair.s, move |[d]| d * t);
        let curvature = dot(&pair.y, &pair.s);
        if curvature > 1e-10 {
            if self.history.len() == history_size {
                self.spare = self.history.pop_front();
            }
            self.push(pair, curvature);
        } else {
            self.spare = Some(pair);
        }
        let d = &mut self.direction;
        map([gradient], Set, d, |[g]| -g);
        for pair in self.history.iter_mut().rev() {
            pair.alpha = dot(&pair.s, d) * pair.rho;
            add(d, -pair.alpha, &pair.y);
        }
        let diagonal = T::from_f64(self.diagonal);
        update([&mut d[..]], [], move |[d], []| [d * diagonal]);
        for pair in &self.history {
            let beta = dot(&pair.y, d) * pair.rho;
            add(d, pair.alpha - beta, &pair.s);
        }
    }
}

/// One step from `x`, which becomes the new point.
fn minimize<'a, T: Scalar>(
    options: &'a mut Lbfgs<T>,
    x: &'a mut [T],
    evaluate: &'a mut Evaluate<'a, T>,
) {
    let max_eval = options.max_eval.unwrap_or(options.max_iter * 5 / 4);
    let (tolerance_grad, tolerance_change) = (options.tolerance_grad, options.tolerance_change);
    let memory = &mut options.memory;
    let mut gradient = vec![T::ZERO; x.len()];
    let mut loss = evaluate(x, &mut gradient);
    memory.evaluations += 1;
    let mut evaluations = 1;
    let steepest = largest(&gradient);
    if steepest <= tolerance_grad || !loss.is_finite() || !steepest.is_finite() {
        return;
    }
    for iteration in 1..=options.max_iter {
        memory.iterations += 1;
        memory.turn(&gradient, options.history_size);
        memory.previous.clear();
        memory.previous.extend_from_slice(&gradient);
        let before = loss;
        memory.t = options.lr;
        if memory.iterations == 1 {
            let sum: f64 = gradient.iter().map(|g| g.to_f64().abs()).sum();
            memory.t *= (1.0 / sum).min(1.0);
        }
        let direction = &memory.direction;
        let along = dot(&gradient, direction);
        // A NaN ends the step too.
        if along > -tolerance_change || along.is_nan() {
            break;
        }
        let mut used = 0;
        if options.strong_wolfe {
            let start = Start { x, direction, loss, along, tolerance_change };
            let most = max_eval.saturating_sub(evaluations);
            (loss, memory.t, used) = strong_wolfe(start, memory.t, most, &mut gradient, evaluate);
            add(x, memory.t, direction);
        } else {
            add(x, memory.t, direction);
            // After the last iteration nothing uses the gradient.
            if iteration < options.max_iter {
                loss = evaluate(x, &mut gradient);
                used = 1;
            }
        }
        evaluations += used;
        memory.evaluations += used as u64;
        let moved = largest(direction) * memory.t;
        let ends = evaluations >= max_eval
            || largest(&gradient) <= tolerance_grad
            || moved.abs() <= tolerance_change
            || (loss - before).abs() < tolerance_change
            || !loss.is_finite();
        if ends {
            break;
        }
    }
}
