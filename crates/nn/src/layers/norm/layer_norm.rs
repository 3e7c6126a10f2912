//! [`LayerNorm`]: each sample brought to mean 0 and variance 1.

use fanin_tensor::Scalar;

use super::{Affine, EPSILON, beta, fitting, parameters, require_epsilon};
use crate::describe::{Describe, Features};
use crate::layers::{LayerNormSpec, LayerSpec};
use crate::module::Module;
use crate::tape::Var;

/// Brings each sample to mean 0 and variance 1: `y = (x − μ) / √(σ² + ε) ⊙ γ + β`, μ and σ² over the
/// features of the sample.
///
/// γ, named `weight`, begins at 1, and β, named `bias`, at 0. They are of the kinds
/// [`Scale`](fanin_init::ParamKind::Scale) and [`Shift`](fanin_init::ParamKind::Shift), which plans for
/// all weights or all biases leave alone. A layer may do without them: [`affine`](Self::affine),
/// [`bias`](Self::bias).
///
/// # Shapes
/// x and y `(…, features)`.
///
/// # Panics
/// **Panics** if an input has another number of features.
///
/// # Example
/// ```
/// use fanin_nn::layers::{LayerNorm, Relu};
/// use fanin_nn::{Linear, Parameters, Sequential};
/// let model = Sequential::new().add(Linear::new(8, 32)).add(LayerNorm::new(32)).add(Relu);
/// assert_eq!(model.named_params()[3].0, "1.bias");
/// assert_eq!(LayerNorm::new(32).bias(false).num_params(), 32);
/// ```
///
/// # Reference
/// Ba et al. 2016, "Layer Normalization", eq. 3 and 4.
#[derive(Clone)]
pub struct LayerNorm<T: Scalar = f32> {
    features: usize,
    affine: Affine<T>,
    epsilon: f64,
}

impl LayerNorm {
    /// A layer for this number of features, with PyTorch's ε of 1e-5.
    pub fn new(features: usize) -> Self {
        Self { features, affine: Affine::new(features), epsilon: EPSILON }
    }
}

impl<T: Scalar> LayerNorm<T> {
    /// The layer with another ε.
    ///
    /// # Panics
    /// **Panics** if it is negative or not finite.
    #[must_use]
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        require_epsilon("LayerNorm", epsilon);
        Self { epsilon, ..self }
    }

    /// The layer with γ and β, or without both.
    #[doc(alias = "elementwise_affine")]
    #[must_use]
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = self.affine.both(affine, self.features);
        self
    }

    /// The layer with β, or without it. A layer [without γ](Self::affine) has no β, as in PyTorch.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        let shift = self.affine.bias.take();
        if bias && self.affine.weight.is_some() {
            self.affine.bias = Some(shift.unwrap_or_else(|| beta(self.features)));
        }
        self
    }

    /// The same layer with another element type.
    pub fn cast<U: Scalar>(&self) -> LayerNorm<U> {
        let Self { features, ref affine, epsilon } = *self;
        LayerNorm { features, affine: affine.cast(), epsilon }
    }
}

impl<T: Scalar> Module<T> for LayerNorm<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        fitting("layer_norm", x, self.features, self);
        let (scale, shift) = (self.affine.scale(x), self.affine.shift(x));
        x.normalize("layer_norm", true, 1, scale, shift, self.epsilon)
    }
}

impl<T: Scalar> LayerNorm<T> {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        let (affine, bias) = (self.affine.weight.is_some(), self.affine.bias.is_some());
        let Self { features, epsilon, .. } = *self;
        // Without γ there is no β, whatever the option says.
        LayerSpec::LayerNorm(LayerNormSpec { features, epsilon, affine, bias: bias || !affine })
    }
}

impl<T: Scalar> Describe for LayerNorm<T> {
    fn describe(&self) -> String {
        format!("LayerNorm({}{})", self.features, self.affine.text())
    }

    fn features(&self) -> Features {
        Features::Map { input: self.features, output: self.features }
    }
}

parameters!(LayerNorm,);
