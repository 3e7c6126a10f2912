//! Activations as layers, for a [`Sequential`](super::Sequential).

use fanin_init::{Gain, Nonlinearity};
use fanin_tensor::Scalar;

use crate::describe::{Describe, Features};
use crate::module::Module;
use crate::parameters::Parameters;
use crate::tape::Var;

/// Layers that apply a method of [`Var`], with its parameter and that one's default if it has one.
macro_rules! layers {
    ($($(#[$doc:meta])* $name:ident $(($param:ident = $default:literal))? => $method:ident, $gain:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name $((
            #[doc = concat!("The `", stringify!($param), "` of [`Var::", stringify!($method), "`].")]
            pub f64
        ))?;

        $(impl Default for $name {
            #[doc = concat!("A ", stringify!($param), " of ", $default, ", as in PyTorch.")]
            fn default() -> Self {
                Self($default)
            }
        })?

        impl<T: Scalar> Parameters<T> for $name {}

        impl<T: Scalar> Module<T> for $name {
            #[track_caller]
            fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
                $(let Self($param) = *self;)?
                x.$method($(T::from_f64($param))?)
            }
        }

        impl Describe for $name {
            fn features(&self) -> Features {
                Features::Same
            }

            fn activation_gain(&self) -> Option<Gain> {
                let phi: Option<Nonlinearity> = {
                    $(let Self($param) = *self;)?
                    $gain
                };
                phi.map(Nonlinearity::exact_gain)
            }
        }
    )*};
}

layers! {
    /// [`Var::relu`] as a layer.
    Relu => relu, Some(Nonlinearity::Relu);
    /// [`Var::leaky_relu`] as a layer.
    LeakyRelu(slope = 0.01) => leaky_relu, Some(Nonlinearity::LeakyRelu(slope));
    /// [`Var::tanh`] as a layer.
    Tanh => tanh, Some(Nonlinearity::Tanh);
    /// [`Var::sigmoid`] as a layer.
    Sigmoid => sigmoid, Some(Nonlinearity::Sigmoid);
    /// [`Var::gelu`], the exact one, as a layer.
    Gelu => gelu, Some(Nonlinearity::Gelu);
    /// [`Var::gelu_tanh`] as a layer.
    GeluTanh => gelu_tanh, Some(Nonlinearity::GeluTanh);
    /// [`Var::silu`] as a layer.
    Silu => silu, Some(Nonlinearity::Silu);
    /// [`Var::elu`] as a layer.
    Elu(alpha = 1.0) => elu, Some(Nonlinearity::Elu(alpha));
    /// [`Var::selu`] as a layer.
    Selu => selu, Some(Nonlinearity::Selu);
    /// [`Var::softplus`] as a layer.
    Softplus => softplus, Some(Nonlinearity::Softplus);
    /// [`Var::softmax`] as a layer. A network trained by
    /// [`cross_entropy`](Var::cross_entropy) ends in logits and needs none.
    Softmax => softmax, None;
    /// [`Var::log_softmax`] as a layer.
    LogSoftmax => log_softmax, None;
}
