//! [`Gradients`]: what a step lends to the optimizer.

use std::fmt;
use std::panic::Location;

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, Tensor, reduce};

use crate::param::Param;

/// Where gradients are: on a tape, or in a sum.
pub(super) trait Source<T: Scalar> {
    /// The gradient of a parameter and its position; `hint` is the position to look at first.
    fn find(&self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)>;
    /// The same, to be changed.
    fn find_mut(&mut self, param: u64) -> Option<&mut Tensor<T>>;
    /// Calls `f` with every gradient.
    fn each(&self, f: &mut dyn FnMut(u64, &Tensor<T>));
    /// Calls `f` with every gradient, to change it.
    fn each_mut(&mut self, f: &mut dyn FnMut(&mut Tensor<T>));
    /// Calls `f` with the updates of every buffer, in the order in which they were recorded.
    fn updates(&self, f: &mut dyn FnMut(u64, Update<'_, T>));
    /// Why there is no gradient, if there is none.
    fn why_none(&self) -> &'static str;
    /// Calls `f` with the updates of one buffer, in the order in which they were recorded.
    fn updates_of(&self, buffer: u64, f: &mut dyn FnMut(Update<'_, T>));
    /// [`find`](Self::find) for an optimizer, which is noted.
    fn take(&mut self, param: u64, hint: usize) -> Option<(usize, &Tensor<T>)>;
}

/// `buffer ← keep · buffer + factor · value`
#[derive(Clone, Copy)]
pub(crate) struct Update<'v, T: Scalar> {
    pub(crate) rate: Rate<T>,
    pub(crate) value: &'v Tensor<T>,
}

/// The factors of an update.
#[derive(Clone, Copy)]
pub(crate) struct Rate<T> {
    pub(crate) keep: T,
    pub(crate) factor: T,
    /// Whether the buffer is a mean of all values so far, of which the new one is a part of 1 − keep.
    pub(crate) averages: bool,
}

impl<T: Scalar> Rate<T> {
    /// The factors behind `earlier` updates of the same buffer, which were recorded from the same state.
    ///
    /// The part f of a new value in a mean becomes `f / (1 + earlier · f)`.
    pub(super) fn behind(self, earlier: usize) -> Self {
        if !self.averages || earlier == 0 {
            return self;
        }
        let part = T::ONE - self.keep;
        let more = T::from_f64(earlier as f64) * part;
        Self {
            // Not 1 − part / (1 + more): a small part has few digits.
            keep: self.keep + part * more / (T::ONE + more),
            factor: self.factor / (T::ONE + more),
            averages: true,
        }
    }
}

impl<T: Scalar> Update<'_, T> {
    /// Applies it to a buffer's value.
    pub(crate) fn apply(self, buffer: &mut [T]) {
        let Self { rate: Rate { keep, factor, .. }, value } = self;
        let value = value.as_slice().iter();
        buffer.iter_mut().zip(value).for_each(|(b, &v)| *b = keep * *b + factor * v);
    }

    /// Applies it to a table: each row gets at most the norm that the value has for it.
    pub(crate) fn cap_rows(self, table: &mut [T]) {
        let caps = self.value.as_slice();
        let features = table.len() / caps.len().max(1);
        for (row, &cap) in table.chunks_exact_mut(features.max(1)).zip(caps) {
            if let Some(factor) = cap_factor(row, cap) {
                row.iter_mut().for_each(|w| *w *= factor);
            }
        }
    }
}

/// The factor that brings a row to the norm `cap`, if it is longer: `cap / (‖w‖ + 1e-7)`, as in PyTorch.
pub(crate) fn cap_factor<T: Scalar>(row: &[T], cap: T) -> Option<T> {
    if cap == T::ONE / T::ZERO {
        return None;
    }
    let (norm, cap) = (reduce::norm(row).to_f64(), cap.to_f64());
    (norm > cap).then(|| T::from_f64(cap / (norm + 1e-7)))
}

/// The gradient of a loss with respect to every trainable parameter that it depends on.
///
/// Lent by [`Tape::value_and_grad`](crate::Tape::value_and_grad) until the next step. It can be changed
/// before an optimizer takes it: scaled, clipped by norm or by value, or edited parameter by parameter.
/// It also carries the new values of [buffers](crate::Buffer), which the optimizer applies.
///
/// Several optimizers may take a step on their part of a model each: hand
/// [`reborrow`](Self::reborrow)ed gradients to all but the last.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Optimizer, Sgd, Tape, Tensor};
///
/// let mut model = Linear::new(3, 2);
/// let (x, mut sgd, mut tape) = (Tensor::full([4, 3], 100.0), Sgd::new(0.1), Tape::new());
/// let (_, mut grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).sum());
/// let norm = grads.clip_norm(1.0);
/// assert!(norm > 900.0 && (grads.norm() - 1.0).abs() < 1e-5);
/// sgd.step(&mut model, grads);
/// ```
#[must_use = "give them to an optimizer: `optimizer.step(&mut model, grads)`"]
pub struct Gradients<'g, T: Scalar = f32> {
    source: &'g mut dyn Source<T>,
    /// The line that notes of the optimizer's step name, in place of the line of `step`.
    reports_at: Option<&'static Location<'static>>,
}

impl<'g, T: Scalar> Gradients<'g, T> {
    pub(super) fn new(
        source: &'g mut dyn Source<T>,
        reports_at: Option<&'static Location<'static>>,
    ) -> Self {
        Self { source, reports_at }
    }

    /// Notes of the optimizer's step name this line, instead of that of the library that calls `step`.
    #[doc(hidden)]
    pub fn report_at(&mut self, at: &'static Location<'static>) {
        self.reports_at = Some(at);
    }

    /// The same gradients for a shorter time, so that they can be used again after an optimizer took
    /// them.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::{Adam, Linear, Module, Optimizer, Sgd, Tape, Tensor};
    ///
    /// let (mut encoder, mut head) = (Linear::new(3, 4), Linear::new(4, 2));
    /// let (mut slow, mut fast) = (Sgd::new(1e-3), Adam::new(1e-2));
    /// let (x, mut tape) = (Tensor::ones([8, 3]), Tape::new());
    /// let (_, mut grads) = tape.value_and_grad(|t| head.forward(encoder.forward(t.input(&x))).sum());
    /// slow.step(&mut encoder, grads.reborrow());
    /// fast.step(&mut head, grads);
    /// ```
    pub fn reborrow(&mut self) -> Gradients<'_, T> {
        Gradients { source: &mut *self.source, reports_at: self.reports_at }
    }

    /// The gradient of one parameter, or `None` if the loss does not depend on it. A clone of a parameter is
    /// another one.
    pub fn get(&self, param: &Param<T>) -> Option<&Tensor<T>> {
        self.source.find(param.id(), 0).map(|(_, grad)| grad)
    }

    /// The gradient of one parameter, to be changed. The shape must stay.
    pub fn get_mut(&mut self, param: &Param<T>) -> Option<&mut Tensor<T>> {
        self.source.find_mut(param.id())
    }

    /// Why no parameter has a gradient, if none has.
    pub(crate) fn why_none(&self) -> &'static str {
        self.source.why_none()
    }

    /// The line that a note on the optimizer's step names.
    pub(crate) fn reports_at(&self, at: &'static Location<'static>) -> &'static Location<'static> {
        self.reports_at.unwrap_or(at)
    }

    /// How many parameters have a gradient.
    pub fn count(&self) -> usize {
        let mut count = 0;
        self.source.each(&mut |_, _| count += 1);
        count
    }

    /// The length of all gradients as one vector: `√Σ g²`.
    ///
    /// NaN or infinite if a gradient is.
    pub fn norm(&self) -> T {
        let (mut squares, mut largest) = (PairwiseSum::new(), 0.0_f64);
        self.source.each(&mut |_, grad| {
            let norm = reduce::norm(grad.as_slice()).to_f64();
            squares.push(norm * norm);
            largest = largest.max(norm);
        });
        // Squares of `f64` can be beyond its range where the norm is not.
        if !(1e-150..1e150).contains(&largest) && largest.is_finite() && largest > 0.0 {
            squares = PairwiseSum::new();
            self.source.each(&mut |_, grad| {
                squares.push((reduce::norm(grad.as_slice()).to_f64() / largest).powi(2));
            });
            return T::from_f64(largest * squares.total().sqrt());
        }
        T::from_f64(squares.total().sqrt())
    }

    /// Scales all gradients so that their [`norm`](Self::norm) is at most `max`, and returns what it
    /// was: `g ← g · min(1, max / (‖g‖ + 1e-6))`, as PyTorch's `clip_grad_norm_`.
    ///
    /// # Panics
    /// **Panics** if `max` is negative or NaN.
    ///
    /// # Reference
    /// Pascanu et al. 2013, algorithm 1.
    #[doc(alias("clip_grad_norm_", "clip_by_global_norm"))]
    #[track_caller]
    pub fn clip_norm(&mut self, max: f64) -> T {
        assert!(max >= 0.0, "clip_norm: the largest norm is {max}, and must not be negative");
        let norm = self.norm();
        let factor = max / (norm.to_f64() + 1e-6);
        // A NaN goes to the gradients too: it must not look like a clipped step.
        if factor < 1.0 || factor.is_nan() {
            self.scale(T::from_f64(factor));
        }
        norm
    }

    /// Moves each element of each gradient into `[−limit, limit]`. NaN stays NaN.
    ///
    /// # Panics
    /// **Panics** if the limit is negative or NaN.
    #[doc(alias("clip_grad_value_"))]
    #[track_caller]
    pub fn clip_value(&mut self, limit: f64) {
        assert!(limit >= 0.0, "clip_value: the limit is {limit}, and must not be negative");
        let limit = T::from_f64(limit);
        let clip = |g: T| {
            if g > limit {
                limit
            } else if g < -limit {
                -limit
            } else {
                g
            }
        };
        self.source.each_mut(&mut |grad| {
            grad.as_mut_slice().iter_mut().for_each(|g| *g = clip(*g));
        });
    }

    /// Multiplies all gradients by a number.
    pub fn scale(&mut self, factor: T) {
        self.source.each_mut(&mut |grad| {
            grad.as_mut_slice().iter_mut().for_each(|g| *g *= factor);
        });
    }

    /// [`get`](Self::get) for parameters asked for in the order of their use: `at` remembers the
    /// position. Notes that an optimizer was shown the parameter.
    pub(crate) fn take_next(&mut self, at: &mut usize, param: u64) -> Option<&Tensor<T>> {
        let (found, grad) = self.source.take(param, *at)?;
        *at = found + 1;
        Some(grad)
    }

    /// Calls `f` with the gradient of each parameter, by identity.
    pub(crate) fn each(&self, f: &mut dyn FnMut(u64, &Tensor<T>)) {
        self.source.each(f);
    }

    /// Calls `f` with each update of a buffer, by identity.
    pub(crate) fn updates(&self, f: &mut dyn FnMut(u64, Update<'_, T>)) {
        self.source.updates(f);
    }

    /// Calls `f` with each update of one buffer.
    pub(crate) fn updates_of(&self, buffer: u64, f: &mut dyn FnMut(Update<'_, T>)) {
        self.source.updates_of(buffer, f);
    }
}

impl<T: Scalar> fmt::Debug for Gradients<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gradients of {} parameters", self.count())
    }
}
