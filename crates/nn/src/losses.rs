//! Losses: values with options, one a file, each forward beside its backward.
//!
//! | loss | target | short form |
//! |---|---|---|
//! | [`Bce`], of probabilities | a tensor of the prediction's shape, from 0 to 1 | |
//! | [`BceWithLogits`] | the same | [`Var::bce_with_logits`] |
//! | [`CrossEntropy`] | a class for each row, or probabilities | [`Var::cross_entropy`] |
//! | [`Focal`] | a class for each row | |
//! | [`Hinge`] | a tensor of 1 and −1 | |
//! | [`HingeEmbedding`], of distances | a tensor of 1 and −1 | |
//! | [`Huber`] | a tensor of the prediction's shape | |
//! | [`KlDiv`], of log-probabilities | probabilities, or their logarithms | |
//! | [`L1`] | a tensor of the prediction's shape | |
//! | [`Mse`] | a tensor of the prediction's shape | [`Var::mse`] |
//! | [`MultiLabelMargin`] | a tensor of 0 and 1 | |
//! | [`MultiLabelSoftMargin`] | a tensor from 0 to 1 | |
//! | [`MultiMargin`] | a class for each row | |
//! | [`Nll`], of log-probabilities | a class for each row | |
//! | [`PoissonNll`] | counts | |
//! | [`SigmoidFocal`] | a tensor from 0 to 1 | |
//! | [`SmoothL1`] | a tensor of the prediction's shape | |
//! | [`SoftMargin`] | a tensor of 1 and −1 | |
//!
//! These have several inputs, and a method `loss` of their own:
//!
//! | loss | inputs |
//! |---|---|
//! | [`CosineEmbedding`] | two vectors for each pair, and 1 or −1 |
//! | [`GaussianNll`] | mean and variance, and the target |
//! | [`MarginRanking`] | two scores, and 1 or −1 |
//! | [`TripletMargin`] | anchor, positive and negative |
//!
//! Each has a [`Reduction`], and takes a weight for each sample: [`PerSample`], [`Reduction::weighted`].
//! Means are PyTorch's, with weights and ignored targets too. No loss broadcasts.
//!
//! Any function of two values is a loss too: a `fn`, or a closure in [`from_fn`].

/// The method that changes the reduction of a loss.
macro_rules! reduction {
    ($loss:ident) => {
        impl $loss {
            /// The same loss, reduced in another way.
            #[must_use]
            pub fn reduction(mut self, reduction: Reduction) -> Self {
                self.reduction = reduction;
                self
            }
        }
    };
}

/// A loss of a prediction and a target, by a function of the reduction, the options and both; and what a
/// sample counts in the mean, if not 1.
macro_rules! loss {
    (
        $loss:ident: $target:ty => $function:path
        $(, |$this:ident, $of:ident, $sample:ident| $count:expr)?
        $(, ignores |$self_:ident, $label:ident| $ignored:expr)?
    ) => {
        impl<T: Scalar> Loss<$target, T> for $loss {
            #[track_caller]
            fn loss<'t>(&self, prediction: Var<'t, T>, target: &$target) -> Var<'t, T> {
                $function(self.reduction, self, prediction, target)
            }
            $(fn ignores(&self, $label: usize) -> bool {
                let $self_ = self;
                $ignored
            })?
        }
        impl<T: Scalar> PerSample<$target, T> for $loss {
            #[track_caller]
            fn reduced<'t>(
                &self,
                reduction: Reduction,
                prediction: Var<'t, T>,
                target: &$target,
            ) -> Var<'t, T> {
                $function(reduction, self, prediction, target)
            }
            fn own_reduction(&self) -> Reduction {
                self.reduction
            }
            $(fn count(&self, target: &$target, sample: usize) -> f64 {
                let ($this, $of, $sample) = (self, target, sample);
                $count
            })?
        }
    };
}

mod classes;
mod fit;
mod per_sample;
mod pointwise;
mod reduction;
mod require;
mod rows;
mod soft_targets;

pub use per_sample::{PerSample, SampleWeighted};
pub use reduction::Reduction;

/// A line for each loss: its file and its type.
macro_rules! losses {
    ($($file:ident: $loss:ident;)*) => {$(
        mod $file;
        pub use $file::$loss;
    )*};
}
losses! {
    bce: Bce;
    bce_with_logits: BceWithLogits;
    cosine_embedding: CosineEmbedding;
    cross_entropy: CrossEntropy;
    focal: Focal;
    gaussian_nll: GaussianNll;
    hinge: Hinge;
    hinge_embedding: HingeEmbedding;
    huber: Huber;
    kl_div: KlDiv;
    l1: L1;
    margin_ranking: MarginRanking;
    mse: Mse;
    multi_label_margin: MultiLabelMargin;
    multi_label_soft_margin: MultiLabelSoftMargin;
    multi_margin: MultiMargin;
    nll: Nll;
    poisson_nll: PoissonNll;
    sigmoid_focal: SigmoidFocal;
    smooth_l1: SmoothL1;
    soft_margin: SoftMargin;
    triplet_margin: TripletMargin;
}

use std::fmt;

use fanin_tensor::{Scalar, Tensor};

use crate::tape::Var;

/// A loss: how far a prediction is from its target.
///
/// `Y` is the type of the target: `[usize]` for the classes of a batch, [`Tensor`] for numbers. A
/// function `for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>` of prediction and target is a loss with a tensor
/// as target.
///
/// # Example
/// ```
/// use fanin_nn::losses::{self, CrossEntropy, Loss, Mse};
/// use fanin_nn::{Linear, Module, Tape, Tensor};
///
/// /// One evaluation, whatever the loss.
/// fn evaluate<Y: ?Sized>(model: &Linear, x: &Tensor, y: &Y, loss: &impl Loss<Y>) -> f32 {
///     Tape::new().value(|t| loss.loss(model.forward(t.input(x)), y)).item()
/// }
///
/// let (model, x) = (Linear::new(3, 2), Tensor::ones([4, 3]));
/// evaluate(&model, &x, &[0, 1, 1, 0][..], &CrossEntropy::new().label_smoothing(0.1));
/// evaluate(&model, &x, &Tensor::zeros([4, 2]), &losses::from_fn(|y, target| (y - target).abs().mean()));
/// evaluate(&model, &x, &Tensor::zeros([4, 2]), &Mse::new());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no loss for targets of type `{Y}`",
    label = "no `Loss` of such targets",
    note = "labels `[usize]` have losses such as `CrossEntropy::new()`, tensors such as `Mse::new()`; a \
            closure is `losses::from_fn(|prediction, target| …)`"
)]
pub trait Loss<Y: ?Sized, T: Scalar = f32> {
    /// The loss of a prediction.
    ///
    /// # Panics
    /// **Panics** if the target does not fit the prediction.
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, target: &Y) -> Var<'t, T>;

    /// Whether rows with this label are left out, as by [`CrossEntropy::ignore_index`], so that it need
    /// not be a class.
    fn ignores(&self, label: usize) -> bool {
        let _ = label;
        false
    }
}

impl<T, F> Loss<Tensor<T>, T> for F
where
    T: Scalar,
    F: for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
{
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, target: &Tensor<T>) -> Var<'t, T> {
        self(prediction, prediction.tape().input(target))
    }
}

/// A loss from a closure of prediction and target, whose types need not be written. (For `f64`, a `fn`
/// is a loss.)
///
/// Operations on two shapes broadcast: for predictions `(n, 1)` and targets `(n)` the difference is
/// `(n, n)`. [`Var::mse`] and the other losses refuse such shapes.
///
/// # Example
/// ```
/// use fanin_nn::losses::{self, Loss};
/// use fanin_nn::{Tape, Tensor};
///
/// let hinge = losses::from_fn(|y, target| (1.0 - y * target).relu().mean());
/// let (y, target) = (Tensor::from_vec(2, vec![0.5, -2.0]), Tensor::from_vec(2, vec![1.0, 1.0]));
/// assert_eq!(Tape::new().value(|t| hinge.loss(t.input(&y), &target)).item(), 1.75);
/// ```
pub fn from_fn<F>(f: F) -> FromFn<F>
where
    F: for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>,
{
    FromFn(f)
}

/// A closure as a loss, made by [`from_fn`].
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<T, F> Loss<Tensor<T>, T> for FromFn<F>
where
    T: Scalar,
    F: for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>,
{
    #[track_caller]
    fn loss<'t>(&self, prediction: Var<'t, T>, target: &Tensor<T>) -> Var<'t, T> {
        self.0.loss(prediction, target)
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}
