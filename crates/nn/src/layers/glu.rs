//! Gated linear units as layers: [`Glu`], [`Reglu`], [`Geglu`] and [`Swiglu`].

use std::fmt;

use fanin_init::Gain;
use fanin_tensor::Scalar;

use super::{Gelu, Relu, Sigmoid, Silu};
use crate::describe::{Describe, Features};
use crate::layers::LayerSpec;
use crate::module::Module;
use crate::parameters::Parameters;
use crate::tape::Var;

macro_rules! gated_layers {
    ($($(#[$doc:meta])* $name:ident $method:ident $gate:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq)]
        pub struct $name {
            features: usize,
        }

        impl $name {
            /// A layer that takes `2 · features` features and gives `features`.
            ///
            /// # Panics
            /// **Panics** if there is no number of twice as many features.
            #[track_caller]
            pub fn new(features: usize) -> Self {
                require_doubled(stringify!($name), features);
                Self { features }
            }

            pub(in crate::layers) fn spec(&self) -> LayerSpec {
                LayerSpec::$name(self.features)
            }
        }

        impl<T: Scalar> Parameters<T> for $name {}

        impl<T: Scalar> Module<T> for $name {
            #[track_caller]
            fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
                require_features(self, x, self.features);
                x.$method()
            }
        }

        impl Describe for $name {
            fn features(&self) -> Features {
                Features::Map { input: 2 * self.features, output: self.features }
            }

            fn describe(&self) -> String {
                format!("{}({} → {})", stringify!($name), 2 * self.features, self.features)
            }

            fn activation_gain(&self) -> Option<Gain> {
                // For independent a and b, E[(a f(b))²] = E[a²] E[f(b)²].
                $gate.activation_gain()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.describe())
            }
        }
    )*};
}

gated_layers! {
    /// A gated linear unit: `a ⊙ σ(b)`, for the halves a and b of the features. The gate is the second
    /// half, as in PyTorch's `nn.GLU`.
    ///
    /// Unlike PyTorch's, the layer knows its number of features, so that a network that does not fit is
    /// refused while it is built.
    ///
    /// Its [gain](Describe::activation_gain) is that of the gate's function: it keeps the second moment
    /// for independent a and b of variance 1.
    ///
    /// # Shapes
    /// x `(…, 2 · features)`, y `(…, features)`.
    ///
    /// # Panics
    /// **Panics** if x has another number of features.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Glu;
    /// use fanin_nn::{Linear, Module, Sequential, Tensor};
    ///
    /// let model = Sequential::new().add(Linear::new(8, 64)).add(Glu::new(32)).add(Linear::new(32, 1));
    /// assert_eq!(model.predict(&Tensor::zeros([5, 8])).shape(), [5, 1]);
    /// ```
    ///
    /// # Reference
    /// Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks", eq. 1.
    Glu glu Sigmoid;

    /// [`Glu`] with a ReLU for the gate: `a ⊙ max(0, b)`, the gate b the second half.
    ///
    /// # Shapes
    /// x `(…, 2 · features)`, y `(…, features)`.
    ///
    /// # Panics
    /// **Panics** if x has another number of features.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Reglu;
    /// use fanin_nn::{Module, Tensor};
    ///
    /// let x = Tensor::from_vec([1, 4], vec![2.0, 3.0, -1.0, 5.0]);
    /// assert_eq!(Reglu::new(2).predict(&x), Tensor::from_vec([1, 2], vec![0.0, 15.0]));
    /// ```
    ///
    /// # Reference
    /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
    #[doc(alias = "ReGLU")]
    Reglu reglu Relu;

    /// [`Glu`] with a GELU for the gate: `a ⊙ gelu(b)`, the gate b the second half.
    ///
    /// # Shapes
    /// x `(…, 2 · features)`, y `(…, features)`.
    ///
    /// # Panics
    /// **Panics** if x has another number of features.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Geglu;
    /// use fanin_nn::{Module, Tensor};
    ///
    /// let x = Tensor::from_vec([1, 2], vec![2.0, 50.0]);
    /// assert_eq!(Geglu::new(1).predict(&x), Tensor::from_vec([1, 1], vec![100.0]));
    /// ```
    ///
    /// # Reference
    /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
    #[doc(alias = "GEGLU")]
    Geglu geglu Gelu;

    /// [`Glu`] with a SiLU for the gate: `a ⊙ b σ(b)`, the gate b the second half.
    ///
    /// # Shapes
    /// x `(…, 2 · features)`, y `(…, features)`.
    ///
    /// # Panics
    /// **Panics** if x has another number of features.
    ///
    /// # Example
    /// ```
    /// use fanin_nn::layers::Swiglu;
    /// use fanin_nn::{Module, Tensor};
    ///
    /// let x = Tensor::from_vec([1, 2], vec![2.0, 50.0]);
    /// assert_eq!(Swiglu::new(1).predict(&x), Tensor::from_vec([1, 1], vec![100.0]));
    /// ```
    ///
    /// # Reference
    /// Shazeer 2020, "GLU Variants Improve Transformer", eq. 5.
    #[doc(alias = "SwiGLU")]
    Swiglu swiglu Silu;
}

#[track_caller]
fn require_doubled(layer: &str, features: usize) {
    assert!(features <= usize::MAX / 2, "{layer}: twice {features} features are too many");
}

#[track_caller]
fn require_features<T: Scalar>(layer: &dyn Describe, x: Var<'_, T>, features: usize) {
    assert!(
        x.with_shape(|shape| shape.last() == Some(&(2 * features))),
        "{}: input {} does not fit, it must have {} features",
        layer.describe(),
        x.shape(),
        2 * features
    );
}
