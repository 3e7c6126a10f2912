//! [`Reduction`]: how the losses of samples become one number.

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Set, Tensor, reduce};

use super::pointwise::Saved;
use crate::ops::bad_shapes;
use crate::tape::Var;

/// How the losses of the samples of a batch become one number, or that they stay apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their mean: the default. For losses of elements it is the mean over all elements.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Their sum, divided by the number of samples: the length of the first axis. PyTorch has it for
    /// [`KlDiv`](super::KlDiv), where it is the mathematical definition.
    #[doc(alias = "batchmean")]
    BatchMean,
    /// None: a value for each sample or element.
    None,
}

impl Reduction {
    /// By what the sum is divided.
    pub(super) fn denominator(self, elements: usize, samples: usize) -> f64 {
        match self {
            Self::Mean => elements as f64,
            Self::BatchMean => samples as f64,
            Self::Sum | Self::None => 1.0,
        }
    }

    /// Reduces losses that were kept apart, with a weight for each sample: `Σ_i w_i ℓ_i / Σ_i w_i` for the
    /// mean, so that a weight of 2 is the same as the sample twice; `Σ_i w_i ℓ_i` for the sum.
    ///
    /// A sample with several losses counts with their mean, or with their sum for
    /// [`BatchMean`](Self::BatchMean). This is for losses with several inputs, such as
    /// [`TripletMargin`](super::TripletMargin). A loss of a prediction and a target has
    /// [`PerSample::weighted`](super::PerSample::weighted).
    ///
    /// # Shapes
    /// Losses `(n, …)`, weights `(n)`. The result is a scalar, or of the losses' shape with
    /// [`None`](Self::None).
    ///
    /// # Panics
    /// **Panics** if there are not as many weights as samples, or a weight is negative or not finite.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::losses::Reduction;
    /// use fanin_nn::{Tape, Tensor};
    ///
    /// let losses = Tensor::from_vec(3, vec![1.0, 2.0, 9.0]);
    /// let weights = Tensor::from_vec(3, vec![1.0, 3.0, 0.0]);
    /// let l = Tape::new().value(|t| Reduction::Mean.weighted(t.input(&losses), &weights));
    /// assert_eq!(l.item(), 7.0 / 4.0);
    /// ```
    #[track_caller]
    pub fn weighted<'t, T: Scalar>(self, losses: Var<'t, T>, weights: &Tensor<T>) -> Var<'t, T> {
        let total = reduce::sum(weights.as_slice());
        weigh(self, losses, weights, total.to_f64())
    }
}

once! {
    /// `Σ_i w_i ℓ_i / total` for a mean.
    #[track_caller]
    pub(super) fn weigh<'t, 'a, T: Scalar>(
        reduction: Reduction,
        losses: Var<'t, T>,
        weights: &'a Tensor<T>,
        total: f64,
    ) -> Var<'t, T> {
        let shape = losses.shape();
        let samples = shape.first().copied().unwrap_or(1);
        if weights.shape() != [samples] {
            bad_shapes("weighted", &shape, weights.shape(), "there must be a weight per sample");
        }
        let refused = |w: &&T| !(**w >= T::ZERO && w.is_finite());
        if let Some((sample, w)) = weights.as_slice().iter().enumerate().find(|(_, w)| refused(w)) {
            panic!("weighted: the weight {w} of sample {sample} is negative or not finite");
        }
        let each = shape.iter().product::<usize>().checked_div(samples).unwrap_or(0);
        let denominator = match reduction {
            Reduction::Mean => total * each as f64,
            Reduction::BatchMean => total,
            Reduction::Sum | Reduction::None => 1.0,
        };
        let apart = reduction == Reduction::None;
        losses.tape().apply(Saved::new("weighted"), &[losses], |cx| {
            let l = cx.input(0).as_slice();
            let (y, saved) = cx.output_and_save(if apart { &shape[..] } else { &[] }, 2 * l.len());
            let (scales, products) = saved.split_at_mut(l.len());
            for (scales, w) in scales.chunks_exact_mut(each.max(1)).zip(weights.as_slice()) {
                scales.fill(*w);
            }
            // A sample that does not count may have any loss.
            let product = move |[l, w]: [T; 2]| if w == T::ZERO { w } else { l * w };
            if apart {
                return map([l, scales], Set, y, product);
            }
            map([l, scales], Set, products, product);
            y[0] = T::from_f64(reduce::sum(products).to_f64() / denominator);
            let scale = T::from_f64(1.0 / denominator);
            scales.iter_mut().for_each(|w| *w *= scale);
        })
    }
}
