//! [`Mse`]: the squared error.

use fanin_tensor::map::map;
use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Set, Tensor, reduce};

use super::pointwise::{Elements, Pointwise, pointwise};
use super::require::require_fit;
use super::{Loss, PerSample, Reduction};
use crate::tape::{Backward, Op, Var};

/// The squared error `(y − target)²`, reduced to its mean over all elements.
///
/// # Shapes
/// Prediction and target of one shape. The loss is a scalar, or of that shape with [`Reduction::None`].
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, Mse, Reduction};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec(2, vec![1.0, 2.0]), Tensor::from_vec(2, vec![1.0, 5.0]));
/// let loss = Mse::new().reduction(Reduction::Sum);
/// assert_eq!(Tape::new().value(|t| loss.loss(t.input(&y), &target)).item(), 9.0);
/// ```
#[doc(alias = "MSELoss")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mse {
    reduction: Reduction,
}

impl Mse {
    /// The mean squared error.
    pub fn new() -> Self {
        Self::default()
    }
}

reduction!(Mse);
loss!(Mse: Tensor<T> => mse);

/// `(y − t)²`
#[derive(Clone, Copy)]
struct SquaredDifference;

impl<T: Scalar> Pointwise<T, 2> for SquaredDifference {
    #[inline(always)]
    fn value<I: Isa>(self, [y, t]: [T; 2]) -> T {
        (y - t) * (y - t)
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: usize, [y, t]: [T; 2]) -> T {
        (y - t) + (y - t)
    }
}

once! {
    #[track_caller]
    fn mse<'t, 'a, T: Scalar>(
        reduction: Reduction,
        _options: &'a Mse,
        prediction: Var<'t, T>,
        target: &'a Tensor<T>,
    ) -> Var<'t, T> {
        let target = prediction.tape().input(target);
        if reduction == Reduction::Mean {
            return prediction.mse(target);
        }
        require_fit("mse", prediction, target);
        pointwise(Elements::new("mse", reduction), SquaredDifference, [prediction, target])
    }
}

/// `L = mean (a − b)²`; `da = dL · 2 (a − b) / n = −db`. Saves a − b.
#[derive(Debug)]
struct MeanSquared;

impl<T: Scalar> Op<T> for MeanSquared {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let saved = cx.saved();
        let scale = cx.dy()[0] * T::from_f64(2.0 / saved.len() as f64);
        let [of_a, of_b] = [0, 1].map(|i| cx.limit(i));
        if let Some((write, da)) = cx.grad(0) {
            map([saved], write, da, move |[s]| (scale * s).zero_below(of_a));
        }
        if let Some((write, db)) = cx.grad(1) {
            map([saved], write, db, move |[s]| (-(scale * s)).zero_below(of_b));
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The mean squared difference of two values of one shape: [`Mse`] in short.
        ///
        /// # Panics
        /// **Panics** if the shapes differ: nothing is broadcast, as that would hide a mistake.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (a, b) = (Tensor::from_vec(2, vec![1.0, 2.0]), Tensor::from_vec(2, vec![1.0, 5.0]));
        /// assert_eq!(Tape::new().value(|t| t.input(&a).mse(t.input(&b))).item(), 4.5);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn mse(self, target: Self) -> Self {
            require_fit("mse", self, target);
            self.tape().apply(MeanSquared, &[self, target], |cx| {
                let (a, b) = (cx.input(0).as_slice(), cx.input(1).as_slice());
                let (loss, diff) = cx.output_and_save((), a.len());
                map([a, b], Set, diff, move |[a, b]| a - b);
                loss[0] = reduce::dot(diff, diff) / T::from_f64(diff.len() as f64);
            })
        }
    }
}
