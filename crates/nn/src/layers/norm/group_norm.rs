//! [`GroupNorm`]: groups of a sample's features brought to mean 0 and variance 1.

use fanin_tensor::Scalar;

use super::{Affine, EPSILON, fitting, parameters, require_epsilon};
use crate::describe::{Describe, Features};
use crate::layers::{GroupNormSpec, LayerSpec};
use crate::module::Module;
use crate::tape::Var;

/// Divides the features of each sample into groups of neighbours, and brings each group to mean 0 and
/// variance 1: `y = (x − μ) / √(σ² + ε) ⊙ γ + β`, μ and σ² over the group.
///
/// With one group it is [`LayerNorm`](super::LayerNorm). γ and β have a number for each feature. They are
/// as those of `LayerNorm`.
///
/// # Shapes
/// x and y `(…, features)`. For `(n, features)` it is PyTorch's `GroupNorm`. PyTorch takes the second
/// axis of any input for the features, and normalizes over later axes too; here the last axis has them.
///
/// # Panics
/// **Panics** if an input has another number of features.
///
/// # Example
/// ```
/// use fanin_nn::layers::{GroupNorm, Relu};
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(8, 32)).add(GroupNorm::new(4, 32)).add(Relu);
/// let y = GroupNorm::new(2, 4).epsilon(0.0).predict(&Tensor::from_vec(4, vec![1.0, 5.0, -3.0, -1.0]));
/// assert_eq!(y.as_slice(), [-1.0, 1.0, -1.0, 1.0]);
/// ```
///
/// # Reference
/// Wu & He 2018, "Group Normalization", eq. 1 to 6.
#[derive(Clone)]
pub struct GroupNorm<T: Scalar = f32> {
    groups: usize,
    features: usize,
    affine: Affine<T>,
    epsilon: f64,
}

impl GroupNorm {
    /// A layer of this many groups, with PyTorch's ε of 1e-5.
    ///
    /// # Panics
    /// **Panics** if the number of features is no multiple of the number of groups.
    #[track_caller]
    pub fn new(groups: usize, features: usize) -> Self {
        assert!(
            groups > 0 && features.is_multiple_of(groups),
            "GroupNorm: {features} features cannot be divided into {groups} groups"
        );
        Self { groups, features, affine: Affine::new(features), epsilon: EPSILON }
    }
}

impl<T: Scalar> GroupNorm<T> {
    /// The layer with another ε.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        require_epsilon("GroupNorm", epsilon);
        Self { epsilon, ..self }
    }

    /// The layer with γ and β, or without both.
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = self.affine.both(affine, self.features);
        self
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> GroupNorm<U> {
        let Self { groups, features, ref affine, epsilon } = *self;
        GroupNorm { groups, features, affine: affine.cast(), epsilon }
    }
}

impl<T: Scalar> Module<T> for GroupNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        fitting("group_norm", x, self.features, self);
        let (scale, shift) = (self.affine.scale(x), self.affine.shift(x));
        x.normalize("group_norm", true, self.groups, scale, shift, self.epsilon)
    }
}

impl<T: Scalar> GroupNorm<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        let Self { groups, features, epsilon, .. } = *self;
        let affine = self.affine.weight.is_some();
        LayerSpec::GroupNorm(GroupNormSpec { groups, features, epsilon, affine })
    }
}

impl<T: Scalar> Describe for GroupNorm<T> {
    fn describe(&self) -> String {
        format!("GroupNorm({} in {} groups{})", self.features, self.groups, self.affine.text())
    }

    fn features(&self) -> Features {
        Features::Map { input: self.features, output: self.features }
    }
}

parameters!(GroupNorm,);
