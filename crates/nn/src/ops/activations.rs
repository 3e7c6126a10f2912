//! All activations. Each has one entry here. Its operation, its layer, its gain and its name in a
//! file follow from this entry.
//!
//! An entry gives
//! - the name of the method of [`Var`](crate::Var) and of the layer in [`layers`](crate::layers), with
//!   the parameters and their defaults in PyTorch,
//! - the approximate time of an element in picoseconds, which decides how many threads work,
//! - the value, and the derivative as a function of the input x and the value y,
//! - the [`Nonlinearity`](fanin_init::Nonlinearity), if fanin-init has the function: its gain is then
//!   the layer's. All other layers have [`Gain::preserving`](fanin_init::Gain::preserving) of the
//!   value above.
//!
//! Values and derivatives have a few ulp of error over the whole range of `f32` and `f64`, also where they are
//! tiny and where a derivative is near its root. A subnormal result is off by as many smallest numbers.
//! precise.rs holds them to its table of bounds, at every level of vector instructions:
//!
//! | activation | value | derivative |
//! |---|---|---|
//! | relu, leaky_relu | 0 ulp | 0 ulp |
//! | elu, softplus, selu | 3 ulp | 3 ulp |
//! | tanh, sigmoid | 2 ulp | 4 ulp |
//! | silu, gelu_tanh | 3 ulp | 4 ulp |
//! | mish | 3 ulp | 5 ulp |
//! | gelu | 5 ulp | 5 ulp |
//!
//! The name in a file is the layer's in snake case. The tests of an activation follow from its
//! entry, except for one line with PyTorch's function in `golden/make.py`,
//! and its formula in `golden/precise.py`.

mod tails;

use fanin_tensor::Scalar;
use fanin_tensor::simd::Portable;

use super::elementwise::Elementwise;
use super::functions::functions;

/// Passes the table to another macro.
macro_rules! activations {
    ($callback:ident) => {
        $callback! {
            /// `max(0, x)`; the derivative at 0 is 0. NaN stays NaN.
            ///
            /// Nair and Hinton 2010.
            fn relu as Relu {
                40 ps;
                value x => if x <= T::ZERO { T::ZERO } else { x };
                derivative _x, y => if y > T::ZERO { T::ONE } else { T::ZERO };
                nonlinearity Nonlinearity::Relu;
            }

            /// `x` above 0, `slope · x` elsewhere.
            ///
            /// Maas et al. 2013.
            fn leaky_relu(slope: f64 = 0.01) as LeakyRelu {
                40 ps;
                value x => if x > T::ZERO { x } else { slope * x };
                derivative x, _y => if x > T::ZERO { T::ONE } else { slope };
                nonlinearity Nonlinearity::LeakyRelu(slope);
            }

            /// `tanh x`.
            fn tanh as Tanh {
                400 ps;
                value x => x.vtanh::<I>();
                derivative x, _y => tails::tanh_derivative::<T, I>(x);
                nonlinearity Nonlinearity::Tanh;
            }

            /// `1 / (1 + e^−x)`.
            #[doc(alias = "logistic")]
            fn sigmoid as Sigmoid {
                400 ps;
                value x => x.vsigmoid::<I>();
                derivative x, _y => tails::sigmoid_derivative::<T, I>(x);
                nonlinearity Nonlinearity::Sigmoid;
            }

            /// `x Φ(x)`, where Φ is the distribution function of the standard normal: `x/2 · (1 +
            /// erf(x/√2))`.
            ///
            /// Hendrycks and Gimpel 2016, eq. 1. PyTorch's default `GELU`.
            fn gelu as Gelu {
                600 ps;
                value x => tails::gelu::<T, I>(x);
                derivative x, _y => tails::gelu_derivative::<T, I>(x);
                nonlinearity Nonlinearity::Gelu;
            }

            /// `x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, an approximation of
            /// [`gelu`](crate::Var::gelu).
            ///
            /// Hendrycks and Gimpel 2016, section 2.
            fn gelu_tanh as GeluTanh {
                600 ps;
                value x => tails::gelu_tanh::<T, I>(x);
                derivative x, _y => tails::gelu_tanh_derivative::<T, I>(x);
                nonlinearity Nonlinearity::GeluTanh;
            }

            /// `x σ(x)`, also called swish.
            ///
            /// Elfwing et al. 2017, eq. 9.
            #[doc(alias = "swish")]
            fn silu as Silu {
                500 ps;
                value x => tails::silu::<T, I>(x);
                derivative x, _y => tails::silu_derivative::<T, I>(x);
                nonlinearity Nonlinearity::Silu;
            }

            /// `x` above 0, `alpha · (e^x − 1)` elsewhere.
            ///
            /// Clevert et al. 2015, eq. 15.
            fn elu(alpha: f64 = 1.0) as Elu {
                500 ps;
                value x => if x > T::ZERO { x } else { alpha * x.vexpm1::<I>() };
                derivative x, _y => if x > T::ZERO { T::ONE } else { x.vexp_times::<I>(alpha) };
                nonlinearity Nonlinearity::Elu(alpha);
            }

            /// `λ x` above 0, `λ α (e^x − 1)` elsewhere. The constants λ and α keep mean 0 and
            /// variance 1.
            ///
            /// Klambauer et al. 2017, eq. 2.
            fn selu as Selu {
                500 ps;
                value x => if x > T::ZERO {
                    c::<T>(SELU_LAMBDA) * x
                } else {
                    c::<T>(SELU_LAMBDA * SELU_ALPHA) * x.vexpm1::<I>()
                };
                derivative x, _y => if x > T::ZERO {
                    c(SELU_LAMBDA)
                } else {
                    x.vexp_times::<I>(c(SELU_LAMBDA * SELU_ALPHA))
                };
                nonlinearity Nonlinearity::Selu;
            }

            /// `ln(1 + e^x)`.
            ///
            /// The binary cross-entropy of logits z with targets t in `[0, 1]` is `(z.softplus() -
            /// z * t).mean()`, PyTorch's `BCEWithLogitsLoss`. It does not overflow for any z.
            ///
            /// Dugas et al. 2000.
            #[doc(alias = "BCEWithLogitsLoss")]
            #[doc(alias = "binary_cross_entropy_with_logits")]
            fn softplus as Softplus {
                500 ps;
                value x => x.vsoftplus::<I>();
                derivative x, _y => x.vsigmoid::<I>();
                nonlinearity Nonlinearity::Softplus;
            }

            /// `e^{x_j} / Σ_k e^{x_k}` along the last axis.
            ///
            /// A network trained by [`cross_entropy`](crate::Var::cross_entropy) needs no softmax
            /// at its end: the loss takes logits.
            fn softmax as Softmax { rows }

            /// `x_j − log Σ_k e^{x_k}` along the last axis.
            fn log_softmax as LogSoftmax { rows }

            /// `x tanh(ln(1 + e^x))`.
            ///
            /// Misra 2019, eq. 1.
            fn mish as Mish {
                900 ps;
                value x => tails::mish::<T, I>(x);
                derivative x, _y => tails::mish_derivative::<T, I>(x);
                nonlinearity Nonlinearity::Mish;
            }
        }
    };
}
pub(crate) use activations;

activations!(functions);

/// Each function in `f64`, to compute gains.
macro_rules! curves {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
        $body:tt
    )*) => {
        pub(crate) mod curves {$(
            curves!(@curve $method [$($($param: $param_type),+)?] $name $body);
        )*}
    };
    (@curve $method:ident $params:tt $name:ident { rows }) => {};
    (@curve $method:ident [$($param:ident: $param_type:ident),*] $name:ident $body:tt) => {
        #[allow(dead_code)] // a function with a `Nonlinearity` is used by tests only
        pub(crate) fn $method($($param: f64,)* x: f64) -> f64 {
            let f = super::$name::<f64> { $($param,)* element: std::marker::PhantomData };
            super::Elementwise::value::<super::Portable>(f, x)
        }
    };
}
activations!(curves);

#[inline(always)]
fn c<T: Scalar>(value: f64) -> T {
    T::from_f64(value)
}

const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

#[cfg(test)]
pub(super) mod precise {
    use crate::ops::precise::check;
    activations!(check);
}
