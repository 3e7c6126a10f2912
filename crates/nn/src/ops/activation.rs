//! Activations and elementary functions of every element.
//!
//! Each entry gives the function and its derivative, the latter from input and output.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use std::fmt;
use std::marker::PhantomData;

use fanin_tensor::Scalar;
use fanin_tensor::simd::Isa;

use super::elementwise::Elementwise;
use crate::tape::Var;

/// Writes the struct of a function and the method of [`Var`] that applies it. `I` in its expressions
/// is the instruction set, `c` rounds a constant to `T`.
macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        fn $method:ident($($param:ident)?) as $name:ident, $picos:literal ps;
        value $x:ident => $value:expr;
        slope $sx:ident, $sy:ident => $slope:expr;
    )*) => {
        $(
            #[derive(Clone, Copy)]
            struct $name<P>(P);

            /// The function's name, with its parameter if it has one.
            impl<T: Scalar> fmt::Debug for $name<parameter!(T $($param)?)> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($name))?;
                    $(
                        let $param = self.0;
                        write!(f, "({})", $param)?;
                    )?
                    Ok(())
                }
            }

            impl<T: Scalar> Elementwise<T> for $name<parameter!(T $($param)?)> {
                const PICOS: usize = $picos;

                #[inline(always)]
                fn value<I: Isa>(self, $x: T) -> T {
                    $(let $param = self.0;)?
                    $value
                }
                #[inline(always)]
                fn slope<I: Isa>(self, $sx: T, $sy: T) -> T {
                    $(let $param = self.0;)?
                    let _ = ($sx, $sy);
                    $slope
                }
            }
        )*

        impl<T: Scalar> Var<'_, T> {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $method(self $(, $param: T)?) -> Self {
                    self.elementwise($name(parameter!(value $($param)?)))
                }
            )*
        }
    };
}

/// The type, or the value, of a function's parameter; nothing for one that has none.
macro_rules! parameter {
    (T) => { PhantomData<T> };
    (T $param:ident) => { T };
    (value) => { PhantomData };
    (value $param:ident) => { $param };
}

#[inline(always)]
fn c<T: Scalar>(value: f64) -> T {
    T::from_f64(value)
}

functions! {
    /// `max(0, x)`; the derivative at 0 is 0. NaN stays NaN.
    ///
    /// Nair and Hinton 2010.
    fn relu() as Relu, 40 ps;
    value x => if x <= T::ZERO { T::ZERO } else { x };
    slope _x, y => if y > T::ZERO { T::ONE } else { T::ZERO };

    /// `x` above 0, `slope · x` elsewhere. PyTorch's default slope is 0.01.
    ///
    /// Maas et al. 2013.
    fn leaky_relu(slope) as LeakyRelu, 40 ps;
    value x => if x > T::ZERO { x } else { slope * x };
    slope x, _y => if x > T::ZERO { T::ONE } else { slope };

    /// `tanh x`.
    fn tanh() as Tanh, 400 ps;
    value x => x.vtanh::<I>();
    slope _x, y => T::ONE - y * y;

    /// `1 / (1 + e^−x)`.
    fn sigmoid() as Sigmoid, 400 ps;
    value x => x.vsigmoid::<I>();
    slope _x, y => y * (T::ONE - y);

    /// `x Φ(x)`, Φ the distribution function of the standard normal: `x/2 · (1 + erf(x/√2))`.
    ///
    /// Hendrycks and Gimpel 2016, eq. 1. PyTorch's default `GELU`.
    fn gelu() as Gelu, 600 ps;
    value x => x * normal_cdf::<T, I>(x);
    slope x, _y => normal_cdf::<T, I>(x) + x * normal_pdf::<T, I>(x);

    /// `x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, an approximation of [`gelu`](Var::gelu).
    ///
    /// Hendrycks and Gimpel 2016, section 2.
    fn gelu_tanh() as GeluTanh, 600 ps;
    value x => c::<T>(0.5) * x * (T::ONE + gelu_inner(x).vtanh::<I>());
    slope x, _y => {
        let t = gelu_inner(x).vtanh::<I>();
        let inner_slope = c::<T>(GELU_SCALE) * (T::ONE + c::<T>(3.0 * GELU_CUBIC) * x * x);
        c::<T>(0.5) * ((T::ONE + t) + x * (T::ONE - t * t) * inner_slope)
    };

    /// `x σ(x)`, also called swish.
    ///
    /// Elfwing et al. 2017, eq. 9.
    fn silu() as Silu, 500 ps;
    value x => x * x.vsigmoid::<I>();
    slope x, _y => {
        let s = x.vsigmoid::<I>();
        s * (T::ONE + x * (T::ONE - s))
    };

    /// `x` above 0, `alpha · (e^x − 1)` elsewhere. The usual alpha is 1.
    ///
    /// Clevert et al. 2015, eq. 15.
    fn elu(alpha) as Elu, 500 ps;
    value x => if x > T::ZERO { x } else { alpha * x.vexpm1::<I>() };
    slope x, y => if x > T::ZERO { T::ONE } else { y + alpha };

    /// `λ x` above 0, `λ α (e^x − 1)` elsewhere, with the λ and α that keep mean 0 and variance 1.
    ///
    /// Klambauer et al. 2017, eq. 2.
    fn selu() as Selu, 500 ps;
    value x => c::<T>(SELU_LAMBDA)
        * if x > T::ZERO { x } else { c::<T>(SELU_ALPHA) * x.vexpm1::<I>() };
    slope x, y => if x > T::ZERO { c(SELU_LAMBDA) } else { y + c(SELU_LAMBDA * SELU_ALPHA) };

    /// `ln(1 + e^x)`.
    ///
    /// Dugas et al. 2000.
    fn softplus() as Softplus, 500 ps;
    value x => x.vsoftplus::<I>();
    slope x, _y => x.vsigmoid::<I>();

    /// `e^x`.
    fn exp() as Exp, 300 ps;
    value x => x.vexp::<I>();
    slope _x, y => y;

    /// `ln x`.
    fn ln() as Ln, 300 ps;
    value x => x.vln::<I>();
    slope x, _y => T::ONE / x;

    /// `√x`.
    fn sqrt() as Sqrt, 300 ps;
    value x => x.sqrt();
    slope _x, y => c::<T>(0.5) / y;

    /// `x²`.
    fn square() as Square, 40 ps;
    value x => x * x;
    slope x, _y => x + x;

    /// `|x|`; the derivative at 0 is 0.
    fn abs() as Abs, 40 ps;
    value x => x.abs();
    slope x, _y => if x > T::ZERO { T::ONE } else if x < T::ZERO { -T::ONE } else { T::ZERO };
}

const GELU_CUBIC: f64 = 0.044715;
/// `√(2/π)`
const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

#[inline(always)]
fn gelu_inner<T: Scalar>(x: T) -> T {
    c::<T>(GELU_SCALE) * (x + c::<T>(GELU_CUBIC) * x * x * x)
}

#[inline(always)]
fn normal_cdf<T: Scalar, I: Isa>(x: T) -> T {
    c::<T>(0.5) * (T::ONE + (x * c(FRAC_1_SQRT_2)).verf::<I>())
}

#[inline(always)]
fn normal_pdf<T: Scalar, I: Isa>(x: T) -> T {
    // 1/√(2π) = ½ · 2/√π · 1/√2
    c::<T>(0.5 * GELU_SCALE) * (c::<T>(-0.5) * x * x).vexp::<I>()
}
