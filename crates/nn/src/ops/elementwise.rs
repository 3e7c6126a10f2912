//! Functions of one number, applied to every element.
//!
//! `y = f(x)`; `dx = dy · f′(x)`. The tails of activations' derivatives are 0 below
//! [`Backward::limit`].

use std::fmt;
use std::sync::Arc;

use fanin_tensor::map::{Function, apply_in_place, apply_rows};
use fanin_tensor::simd::{Isa, Portable};
use fanin_tensor::{Scalar, Set, Tensor};

use crate::tape::{Backward, Curve, Op, Var};

/// A function and its derivative.
pub(crate) trait Elementwise<T>: Copy + fmt::Debug + Send + Sync + 'static {
    /// Approximate time of an element in picoseconds; see [`Function::picos`].
    const PICOS: usize = 100;
    /// Whether the function is an activation. The doctor and muP look for activations.
    const ACTIVATION: bool = true;

    /// Why the function's parameters are impossible, if they are.
    fn fault(self) -> Option<&'static str> {
        None
    }
    /// `f(x)`
    fn value<I: Isa>(self, x: T) -> T;
    /// `f′(x)`, where `y` is `f(x)`.
    fn derivative<I: Isa>(self, x: T, y: T) -> T;

    /// Whether both hold for all numbers; see [`Function::EVERYWHERE`].
    const EVERYWHERE: bool = true;
    /// Whether both hold for x.
    fn holds(self, x: T) -> bool {
        let _ = x;
        true
    }
    /// `f(x)` and `f′(x)` where they do not.
    fn elsewhere(self, x: T) -> [T; 2] {
        let _ = x;
        unreachable!("{self:?} holds everywhere")
    }
    /// `f(x)` and `f′(x)` for any x.
    #[inline(always)]
    fn both<I: Isa>(self, x: T) -> [T; 2]
    where
        T: Copy,
    {
        if self.holds(x) {
            let y = self.value::<I>(x);
            [y, self.derivative::<I>(x, y)]
        } else {
            self.elsewhere(x)
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Value<F>(pub(super) F);

impl<T, F: Elementwise<T>> Function<T, 1> for Value<F> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, [x]: [T; 1]) -> T {
        self.0.value::<I>(x)
    }
    const EVERYWHERE: bool = F::EVERYWHERE;
    #[inline(always)]
    fn holds(&self, [x]: [T; 1]) -> bool {
        self.0.holds(x)
    }
    fn elsewhere(&self, [x]: [T; 1]) -> T {
        let [y, _] = self.0.elsewhere(x);
        y
    }
}

#[derive(Clone, Copy)]
struct Chain<F>(F);

/// The backward pass of a [`Chain`].
#[derive(Clone, Copy)]
struct Derivative<F, T> {
    f: F,
    limit: T,
}

/// The name of the op is that of the function.
impl<F: fmt::Debug> fmt::Debug for Chain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Scalar, F: Elementwise<T>> Function<T, 3> for Derivative<F, T> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, [x, y, dy]: [T; 3]) -> T {
        (dy * self.f.derivative::<I>(x, y)).zero_below(self.limit)
    }
    const EVERYWHERE: bool = F::EVERYWHERE;
    #[inline(always)]
    fn holds(&self, [x, ..]: [T; 3]) -> bool {
        self.f.holds(x)
    }
    fn elsewhere(&self, [x, _, dy]: [T; 3]) -> T {
        let [_, derivative] = self.f.elsewhere(x);
        (dy * derivative).zero_below(self.limit)
    }
}

impl<T: Scalar, F: Elementwise<T>> Op<T> for Chain<F> {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, y, dy) = (cx.input(0), cx.output().as_slice(), cx.dy());
        let limit = if F::ACTIVATION { cx.limit(0) } else { T::ZERO };
        let derivative = Derivative { f: self.0, limit };
        if let Some((write, dx)) = cx.grad(0) {
            apply_rows([x.as_slice(), y, dy], row_len(x), write, dx, derivative);
        }
    }

    fn activation(&self) -> Option<Curve> {
        let f = self.0;
        let curve = move |x| {
            let [y, slope] = f.both::<Portable>(T::from_f64(x));
            (y.to_f64(), slope.to_f64())
        };
        F::ACTIVATION.then(|| Arc::new(curve) as Curve)
    }
}

/// The length of the last axis.
fn row_len<T: Scalar>(x: &Tensor<T>) -> usize {
    x.shape().last().copied().unwrap_or(1)
}

impl<'t, T: Scalar> Var<'t, T> {
    /// `f` of every element.
    pub(crate) fn elementwise(self, f: impl Elementwise<T>) -> Self {
        self.tape().apply(Chain(f), &[self], |cx| {
            let x = cx.input(0);
            apply_rows([x.as_slice()], row_len(x), Set, cx.output(x.shape()), Value(f));
        })
    }

    /// `f` of every element of `X·Wᵀ + b`, in a step that is not recorded.
    #[track_caller]
    pub(crate) fn elementwise_after_linear(
        self,
        w: &Tensor<T>,
        b: Option<&Tensor<T>>,
        f: impl Elementwise<T>,
    ) -> Self {
        self.linear_unrecorded(w, b, Some(&|y: &mut [T]| apply_in_place(y, Value(f))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::activations::Sine;

    /// The doctor's theory asks for a curve at numbers of any size.
    #[test]
    fn a_curve_holds_far_from_0() {
        let curve =
            Op::<f32>::activation(&Chain(Sine { omega: 30.0f32, element: Default::default() }));
        for x in [0.5f32, 1e6, -3e20] {
            let (y, slope) = curve.as_ref().unwrap()(x.into());
            let angle = 30.0 * f64::from(x);
            assert!((y - angle.sin()).abs() < 1e-7, "{x}: {y}");
            assert!((slope - 30.0 * angle.cos()).abs() < 1e-5, "{x}: {slope}");
        }
    }
}
