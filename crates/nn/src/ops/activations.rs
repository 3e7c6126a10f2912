//! All activations. Each has one entry here. Its operation, its layer, its gain and its name in a
//! file follow from this entry.
//!
//! An entry gives
//! - the name of the method of [`Var`](crate::Var) and of the layer in [`layers`](crate::layers), with
//!   the parameters and their defaults in PyTorch,
//! - the approximate time of an element in picoseconds, which decides how many threads work,
//! - the condition on the parameters, if there is one, and what a message says of it,
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
//! | relu6, hardtanh, softshrink, hardshrink, threshold | 0 ulp | 0 ulp |
//! | hardsigmoid, softsign, hardswish | 2 ulp | 2 ulp |
//! | sine | 3 ulp | 2 ulp |
//! | log_sigmoid, celu, softplus_with | 3 ulp | 3 ulp |
//! | tanhshrink | 3 ulp | 4 ulp |
//!
//! The name in a file is the layer's in snake case. The tests of an activation follow from its
//! entry, except for one line with PyTorch's function in `golden/activations.py`,
//! and its formula in `golden/precise.py`.

mod scaled;
mod shrink;
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

            /// `min(max(0, x), 6)`; the derivative at 0 and at 6 is 0.
            ///
            /// Krizhevsky 2010, "Convolutional Deep Belief Networks on CIFAR-10", section 2.1.
            fn relu6 as Relu6 {
                40 ps;
                value x => {
                    let x = if x <= T::ZERO { T::ZERO } else { x };
                    if x > c(6.0) { c(6.0) } else { x }
                };
                derivative x, _y => if x <= T::ZERO || x >= c(6.0) { T::ZERO } else { T::ONE };
            }

            /// `x` above 0, `alpha · (e^{x/alpha} − 1)` elsewhere: [`elu`](crate::Var::elu) with a
            /// derivative without a jump.
            ///
            /// Barron 2017, eq. 2.
            fn celu(alpha: f64 = 1.0) as Celu {
                500 ps;
                valid alpha > 0.0 => "alpha must be above 0";
                value x => scaled::celu::<T, I>(x, alpha);
                derivative x, _y => scaled::celu_derivative::<T, I>(x, alpha);
            }

            /// `ln σ(x) = −ln(1 + e^−x)`, which does not overflow for any x.
            ///
            /// The loss of a logit z with the label 1 is `-z.log_sigmoid()`.
            #[doc(alias = "logsigmoid")]
            fn log_sigmoid as LogSigmoid {
                500 ps;
                value x => -(-x).vsoftplus::<I>();
                derivative x, _y => (-x).vsigmoid::<I>();
            }

            /// `ln(1 + e^{beta · x}) / beta`, and x where `beta · x` is above the threshold.
            ///
            /// The larger beta, the nearer it is to a ReLU. PyTorch's `Softplus(beta, threshold)`.
            /// [`softplus`](crate::Var::softplus) has a beta of 1 and no threshold.
            ///
            /// Dugas et al. 2000.
            fn softplus_with(beta: f64 = 1.0, threshold: f64 = 20.0) as SoftplusWith {
                600 ps;
                // As they are rounded to f32.
                valid beta > 0.99e-20 && beta < 1.01e20 && !threshold.is_nan() =>
                    "beta must be from 1e-20 to 1e20, and the threshold a number";
                value x => scaled::softplus::<T, I>(x, beta, threshold);
                derivative x, _y => scaled::softplus_derivative::<T, I>(x, beta, threshold);
            }

            /// `x / (1 + |x|)`.
            ///
            /// Bergstra et al. 2009, section 4; Glorot and Bengio 2010, section 2.
            fn softsign as Softsign {
                100 ps;
                value x => tails::softsign::<T>(x);
                derivative x, _y => {
                    let scale = T::ONE / (T::ONE + x.abs());
                    scale * scale
                };
                nonlinearity Nonlinearity::Softsign;
            }

            /// `x` within `min` and `max`, else the nearer bound. The derivative is 1 between the bounds,
            /// and 0 at a bound and outside.
            ///
            /// Collobert 2004, "Large Scale Machine Learning", section 5.
            fn hardtanh(min: f64 = -1.0, max: f64 = 1.0) as Hardtanh {
                40 ps;
                valid min < max => "min must be below max";
                value x => {
                    let x = if x < min { min } else { x };
                    if x > max { max } else { x }
                };
                derivative x, _y => if x <= min || x >= max { T::ZERO } else { T::ONE };
            }

            /// `(x + 3) / 6` within 0 and 1: a [`sigmoid`](crate::Var::sigmoid) of straight lines. The
            /// derivative at ±3 is 0.
            ///
            /// Courbariaux et al. 2015, section 2.2, with another slope; Howard et al. 2019, eq. 3.
            fn hardsigmoid as Hardsigmoid {
                60 ps;
                value x => if x <= c(-3.0) {
                    T::ZERO
                } else if x >= c(3.0) {
                    T::ONE
                } else {
                    (x + c(3.0)) / c(6.0)
                };
                derivative x, _y => if x > c(-3.0) && x < c(3.0) { c(1.0 / 6.0) } else { T::ZERO };
            }

            /// `x` times the [`hardsigmoid`](crate::Var::hardsigmoid) of x. The derivative is 0 at −3, and 1
            /// at 3.
            ///
            /// Howard et al. 2019, "Searching for MobileNetV3", eq. 3.
            fn hardswish as Hardswish {
                60 ps;
                value x => if x <= c(-3.0) {
                    T::ZERO
                } else if x >= c(3.0) {
                    x
                } else {
                    x * ((x + c(3.0)) / c(6.0))
                };
                derivative x, _y => if x <= c(-3.0) {
                    T::ZERO
                } else if x >= c(3.0) {
                    T::ONE
                } else {
                    // x + 1.5 is exact near the root.
                    (x + c(1.5)) / c(3.0)
                };
            }

            /// `x − tanh x`, which is `x³/3` near 0.
            fn tanhshrink as Tanhshrink {
                500 ps;
                value x => shrink::tanhshrink::<T, I>(x);
                derivative x, _y => {
                    let tanh = x.vtanh::<I>();
                    tanh * tanh
                };
            }

            /// `x − lambda` above lambda, `x + lambda` below −lambda, 0 between them: soft thresholding. The
            /// derivative is 0 at ±lambda.
            ///
            /// Donoho 1995, "De-noising by soft-thresholding".
            fn softshrink(lambda: f64 = 0.5) as Softshrink {
                40 ps;
                valid lambda >= 0.0 => "lambda must be at least 0";
                value x => if x > lambda {
                    x - lambda
                } else if x < -lambda {
                    x + lambda
                } else {
                    // 0, and NaN for NaN.
                    x - x
                };
                derivative x, _y => if x <= lambda && x >= -lambda { T::ZERO } else { T::ONE };
            }

            /// `x` above lambda and below −lambda, 0 between them. The derivative is 0 at ±lambda.
            ///
            /// Donoho and Johnstone 1994, eq. 8.
            fn hardshrink(lambda: f64 = 0.5) as Hardshrink {
                40 ps;
                valid lambda >= 0.0 => "lambda must be at least 0";
                value x => if x <= lambda && x >= -lambda { T::ZERO } else { x };
                derivative x, _y => if x <= lambda && x >= -lambda { T::ZERO } else { T::ONE };
            }

            /// `x` above the threshold, else `value`. The derivative at the threshold is 0.
            ///
            /// PyTorch has no defaults for it. With those of the layer it is a
            /// [`relu`](crate::Var::relu).
            fn threshold(threshold: f64 = 0.0, value: f64 = 0.0) as Threshold {
                40 ps;
                value x => if x <= threshold { value } else { x };
                derivative x, _y => if x <= threshold { T::ZERO } else { T::ONE };
            }

            /// `e^{−x_j} / Σ_k e^{−x_k}` along the last axis: [`softmax`](crate::Var::softmax) of −x.
            fn softmin as Softmin { rows }

            /// `sin(omega · x)`, x in radians, as in a SIREN. The product is not rounded.
            ///
            /// Weights for it come from the initializer [`Siren`](fanin_init::Siren). The frequency in the
            /// paper is 30.
            ///
            /// # Example
            /// A whole SIREN, from points to a brightness:
            /// ```
            /// use fanin_nn::init::{Position, Siren};
            /// use fanin_nn::layers::Sine;
            /// use fanin_nn::{Linear, Module, Sequential, Tensor};
            ///
            /// let linear = |inputs, outputs, at| Linear::builder(inputs, outputs).weight(Siren::new(at)).build();
            /// let net = Sequential::new()
            ///     .add(linear(2, 64, Position::First))
            ///     .add(Sine(30.0))
            ///     .add(linear(64, 64, Position::Hidden))
            ///     .add(Sine(30.0))
            ///     .add(linear(64, 1, Position::Last));
            /// assert_eq!(net.predict(&Tensor::from([[-1.0, 1.0]])).shape(), [1, 1]);
            /// ```
            ///
            /// # Reference
            /// Sitzmann et al. 2020, eq. 1 and section 3.2.
            #[doc(alias = "SIREN")]
            fn sine(omega: f64 = 30.0) as Sine {
                600 ps;
                valid omega.abs() > 0.99e-20 && omega.abs() <= 1e4 => "omega must be from 1e-20 to 1e4";
                value x => x.vsin_of::<I>(omega);
                derivative x, _y => x.vcos_of::<I>(omega);
                elsewhere f, x unless x.is_near(f.omega) => [x.sin_of(f.omega), x.cos_of(f.omega)];
                nonlinearity Nonlinearity::Sin(omega);
            }
        }
    };
}
pub(crate) use activations;

activations!(functions);

/// Each function in `f64`, to compute gains; and what is wrong with its parameters, if anything is.
macro_rules! curves {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
        $body:tt
    )*) => {
        pub(crate) mod curves {$(
            curves!(@curve $method [$($($param: $param_type),+)?] $name $body);
        )*}
        pub(crate) mod faults {$(
            curves!(@fault $method [$($($param: $param_type),+)?] $name $body);
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
    (@fault $method:ident $params:tt $name:ident { rows }) => {};
    (@fault $method:ident [$($param:ident: $param_type:ident),*] $name:ident $body:tt) => {
        #[allow(dead_code)] // one without parameters has no faults
        pub(crate) fn $method($($param: f64),*) -> Option<&'static str> {
            let f = super::$name::<f64> { $($param,)* element: std::marker::PhantomData };
            super::Elementwise::<f64>::fault(f)
        }
    };
}
activations!(curves);

/// Each function, applied to `X·Wᵀ + b` in a step that is not recorded. `None` if its parameters are impossible.
macro_rules! after_linear {
    ($(
        $(#[$doc:meta])*
        fn $method:ident $(($($param:ident: $param_type:ident = $default:literal),+))? as $name:ident
        $body:tt
    )*) => {
        pub(crate) mod after_linear {
            use fanin_tensor::Tensor;
            use $crate::ops::elementwise::Elementwise;
            use $crate::ops::functions::functions;
            use $crate::tape::Var;
            $(after_linear!(@function $method [$($($param: $param_type),+)?] $name $body);)*
        }
    };
    (@function $method:ident $params:tt $name:ident { rows }) => {};
    (@function $method:ident [$($param:ident: $param_type:ident),*] $name:ident $body:tt) => {
        once! {
            pub(crate) fn $method<'t, 'a, T: Scalar>(
                $($param: functions!(@type $param_type),)*
                x: Var<'t, T>,
                w: &'a Tensor<T>,
                b: Option<&'a Tensor<T>>,
            ) -> Option<Var<'t, T>> {
                let f = super::$name { $($param,)* element: std::marker::PhantomData };
                let possible = Elementwise::<T>::fault(f).is_none();
                possible.then(|| x.elementwise_after_linear(w, b, f))
            }
        }
    };
}
activations!(after_linear);

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
