//! [`RmsNorm`]: each sample divided by its root mean square.

use fanin_tensor::Scalar;

use super::{Affine, fitting, gamma, parameters, require_epsilon};
use crate::describe::{Describe, Features};
use crate::layers::{LayerSpec, RmsNormSpec};
use crate::module::Module;
use crate::tape::Var;

/// Divides each sample by its root mean square: `y = x / √(mean x² + ε) ⊙ γ`, the mean over the features
/// of the sample.
///
/// γ, named `weight`, begins at 1 and is of the kind [`Scale`](fanin_init::ParamKind::Scale), which plans
/// for all weights leave alone. There is no β.
///
/// # Shapes
/// x and y `(…, features)`.
///
/// # Panics
/// **Panics** if an input has another number of features.
///
/// # Example
/// ```
/// use fanin_nn::layers::{RmsNorm, Silu};
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let model = Sequential::new().add(Linear::new(8, 32)).add(RmsNorm::new(32)).add(Silu);
/// let y = RmsNorm::new(2).predict(&Tensor::from_vec(2, vec![5.0, 5.0]));
/// assert!(y.as_slice().iter().all(|y| (y - 1.0).abs() < 1e-6));
/// ```
///
/// # Reference
/// Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
#[doc(alias = "RMSNorm")]
#[derive(Clone)]
pub struct RmsNorm<T: Scalar = f32> {
    features: usize,
    affine: Affine<T>,
    /// None: the machine epsilon of the element type.
    epsilon: Option<f64>,
}

impl RmsNorm {
    /// A layer for this number of features. Its ε is the machine epsilon of the element type, as in
    /// PyTorch: 1.2e-7 for `f32`.
    pub fn new(features: usize) -> Self {
        let affine = Affine { weight: Some(gamma(features)), bias: None };
        Self { features, affine, epsilon: None }
    }
}

impl<T: Scalar> RmsNorm<T> {
    /// The layer with another ε.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        require_epsilon("RmsNorm", epsilon);
        Self { epsilon: Some(epsilon), ..self }
    }

    /// The layer with γ, or without it.
    #[doc(alias = "elementwise_affine")]
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        let weight = self.affine.weight.take();
        self.affine.weight = affine.then(|| weight.unwrap_or_else(|| gamma(self.features)));
        self
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> RmsNorm<U> {
        let Self { features, ref affine, epsilon } = *self;
        RmsNorm { features, affine: affine.cast(), epsilon }
    }
}

impl<T: Scalar> Module<T> for RmsNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        fitting("rms_norm", x, self.features, self);
        let epsilon = self.epsilon.unwrap_or(T::EPSILON.to_f64());
        x.normalize("rms_norm", false, 1, self.affine.scale(x), None, epsilon)
    }
}

impl<T: Scalar> RmsNorm<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        let Self { features, epsilon, .. } = *self;
        LayerSpec::RmsNorm(RmsNormSpec { features, epsilon, affine: self.affine.weight.is_some() })
    }
}

impl<T: Scalar> Describe for RmsNorm<T> {
    fn describe(&self) -> String {
        let affine = if self.affine.weight.is_some() { "" } else { ", no affine" };
        format!("RmsNorm({}{affine})", self.features)
    }

    fn features(&self) -> Features {
        Features::Map { input: self.features, output: self.features }
    }
}

parameters!(RmsNorm,);
