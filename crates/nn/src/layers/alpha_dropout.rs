//! [`AlphaDropout`]: dropout for self-normalizing networks.

use std::fmt;

use fanin_tensor::Scalar;

use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::ops::require_probability;
use crate::parameters::Parameters;
use crate::tape::Var;

/// Dropout that keeps mean 0 and variance 1, for networks with [`Selu`](super::Selu): in training it sets
/// each element to SELU's lowest value `−λα` with probability p, then scales and shifts all of them,
/// `y = a · x + b` with `a = ((1 − p)(1 + p λ²α²))^(−1/2)` and `b = a p λα`. In prediction it is the identity,
/// and copies nothing.
///
/// It draws as [`Dropout`](super::Dropout) does, and with the same seed it drops what PyTorch drops.
///
/// # Shapes
/// x and y of any shape, the same.
///
/// # Example
/// ```
/// use fanin_nn::init::LecunNormal;
/// use fanin_nn::layers::{AlphaDropout, Selu};
/// use fanin_nn::{Linear, Module, Sequential, Tensor};
///
/// let linear = Linear::builder(8, 32).weight(LecunNormal::default()).build();
/// let model = Sequential::new().add(linear).add(Selu).add(AlphaDropout::new(0.1));
/// let x = Tensor::ones([4, 8]);
/// assert_eq!(model.predict(&x), model.predict(&x));
/// ```
///
/// # Reference
/// Klambauer et al. 2017, "Self-Normalizing Neural Networks", section "New Dropout Technique".
#[derive(Clone, Copy, PartialEq)]
pub struct AlphaDropout {
    p: f64,
}

impl AlphaDropout {
    /// A layer that drops with probability `p`. With 0 it does nothing, and draws nothing.
    ///
    /// # Panics
    /// **Panics** unless `0 ≤ p < 1`.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        require_probability("AlphaDropout", p);
        Self { p }
    }

    /// The probability to drop.
    pub fn p(&self) -> f64 {
        self.p
    }
}

impl Default for AlphaDropout {
    /// p = 0.5, as in PyTorch.
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl<T: Scalar> Parameters<T> for AlphaDropout {}

impl<T: Scalar> Module<T> for AlphaDropout {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        if x.tape().is_stochastic() { x.alpha_dropout(self.p) } else { x }
    }
}

impl AlphaDropout {
    pub(in crate::layers) fn spec(&self) -> LayerSpec {
        LayerSpec::AlphaDropout(self.p)
    }
}

impl Describe for AlphaDropout {
    fn features(&self) -> Features {
        Features::Same
    }

    fn describe(&self) -> String {
        format!("AlphaDropout({})", self.p)
    }
}

impl fmt::Debug for AlphaDropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
