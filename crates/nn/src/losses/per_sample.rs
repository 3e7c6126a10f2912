//! [`PerSample`]: a weight for each sample.

use fanin_tensor::reduce::PairwiseSum;
use fanin_tensor::{Scalar, Tensor};

use super::reduction::weigh;
use super::{Loss, Reduction};
use crate::tape::Var;

/// A loss of which the part of each sample is known: all but functions of one's own.
///
/// It gives every loss the same weights of samples.
///
/// # Example
/// ```
/// use fanin_nn::losses::{CrossEntropy, PerSample};
/// use fanin_nn::{Tape, Tensor};
///
/// let (logits, weights) = (Tensor::zeros([3, 2]), Tensor::from_vec(3, vec![1.0, 0.0, 2.0]));
/// let loss = CrossEntropy::new().class_weights(&[1.0, 4.0]);
/// let l = Tape::new().value(|t| loss.weighted(t.input(&logits), &[0, 1, 1][..], &weights));
/// assert!((l.item() - 2f32.ln()).abs() < 1e-6);
/// ```
pub trait PerSample<Y: ?Sized, T: Scalar = f32>: Loss<Y, T> {
    /// The loss of a prediction, reduced in this way, whatever way the loss itself has.
    ///
    /// # Panics
    /// **Panics** if the target does not fit the prediction.
    #[track_caller]
    fn reduced<'t>(&self, reduction: Reduction, prediction: Var<'t, T>, target: &Y) -> Var<'t, T>;

    /// The loss's own reduction.
    fn own_reduction(&self) -> Reduction;

    /// What a sample counts in the mean: 1, but for the class weights and the ignored class of a loss that
    /// has them.
    fn count(&self, target: &Y, sample: usize) -> f64 {
        let _ = (target, sample);
        1.0
    }

    /// The loss with a weight for each sample: `Σ_i w_i ℓ_i / Σ_i w_i c_i` for the mean, where `ℓ_i` is the
    /// loss of sample i and `c_i` its [`count`](Self::count); `Σ_i w_i ℓ_i` for the sum; and `w_i ℓ_i` for
    /// none. A weight of 2 is the same as the sample twice, and one of 0 as without it.
    ///
    /// PyTorch has no such argument: there one multiplies the losses of `reduction="none"`, and divides by
    /// the number of samples or by the sum of the weights. This divides by the sum of the weights. A batch
    /// whose weights are all 0 has a mean of NaN.
    ///
    /// # Shapes
    /// Weights `(n)`, where n is the length of the prediction's first axis.
    ///
    /// # Panics
    /// **Panics** if the target does not fit the prediction, there are not as many weights as samples, or a
    /// weight is negative or not finite.
    #[track_caller]
    fn weighted<'t>(&self, prediction: Var<'t, T>, target: &Y, weights: &Tensor<T>) -> Var<'t, T> {
        let losses = self.reduced(Reduction::None, prediction, target);
        let samples = losses.with_shape(|shape| shape.first().copied().unwrap_or(1));
        let reduction = self.own_reduction();
        // Weights that do not fit the samples are refused below.
        let counts = reduction == Reduction::Mean && weights.len() == samples;
        let count = |i| if counts { self.count(target, i) } else { 1.0 };
        let weighted = weights.as_slice().iter().enumerate();
        let total = PairwiseSum::of(weighted.map(|(i, w)| w.to_f64() * count(i)));
        weigh(reduction, losses, weights, total)
    }
}

/// A loss whose target brings a weight for each sample along: a pair of a target and weights. It hands them
/// to [`PerSample::weighted`].
///
/// # Example
/// ```
/// use fanin_nn::losses::{Loss, Mse, SampleWeighted};
/// use fanin_nn::{Tape, Tensor};
///
/// let (y, target) = (Tensor::from_vec([2, 1], vec![1.0, 5.0]), Tensor::zeros([2, 1]));
/// let weights = Tensor::from_vec(2, vec![3.0, 1.0]);
/// let loss = SampleWeighted::new(Mse::new());
/// let l = Tape::new().value(|t| loss.loss(t.input(&y), &(target.clone(), weights.clone())));
/// assert_eq!(l.item(), 28.0 / 4.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleWeighted<L>(L);

impl<L> SampleWeighted<L> {
    /// This loss, with weights in its targets.
    pub fn new(loss: L) -> Self {
        Self(loss)
    }
}

impl<T: Scalar, Y, L: PerSample<Y, T>> Loss<(Y, Tensor<T>), T> for SampleWeighted<L> {
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, target: &(Y, Tensor<T>)) -> Var<'t, T> {
        self.0.weighted(prediction, &target.0, &target.1)
    }
}
