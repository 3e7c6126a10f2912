//! Elementary functions that vectorize.
//!
//! std's `f32::exp` is a call, and a loop with a call in it stays scalar. The functions of [`Math`]
//! are polynomials without a branch: inlined into the loop of a [`Kernel`], they run on as many
//! elements at once as the CPU's vectors hold. `f64`, in which gradients are checked and nothing is
//! trained, takes std's functions, except erf, which std lacks.
//!
//! | function | largest error, `f32` |
//! |---|---|
//! | [`ln`] | 0.9 ulp |
//! | [`exp`] | 1.1 ulp |
//! | [`expm1`] | 1.4 ulp |
//! | [`ln_1p`], [`tanh`], [`erf`] | 1.5 ulp |
//! | [`softplus`] | 1.8 ulp |
//! | [`sigmoid`] | 2 ulp |
//!
//! The error holds for every input at every [`Level`](simd::Level); tests/vmath.rs can try them
//! all. Subnormal numbers are kept, in and out; what is too large is ∞; NaN stays NaN; −0 keeps
//! its sign where the function is odd. An element's result depends neither on its place in the
//! slice nor on the slice's length, but the last bits may depend on the level.
//!
//! ```
//! use fanin_tensor::vmath;
//!
//! let mut y = [0.0f32; 3];
//! vmath::exp(&[0.0, 1.0, f32::NEG_INFINITY], &mut y);
//! assert_eq!(y, [1.0, std::f32::consts::E, 0.0]);
//! ```

mod erf;
mod exp;
mod ln;

use crate::map::{Function, apply};
use crate::simd::{self, Isa, Kernel};
use crate::{Scalar, Write};

/// ln 2 in two parts, the first of 16 bits.
const LN_2_HIGH: f32 = 6.9314575e-01;
const LN_2_LOW: f32 = 1.4286068e-06;

/// `c₀ + c₁x + c₂x² + …`, by Horner's rule.
#[inline(always)]
fn polynomial<I: Isa, const N: usize, T: Scalar>(x: T, c: [T; N]) -> T {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = I::mul_add(sum, x, c[k]);
    }
    sum
}

/// Functions of one element. Every [`Scalar`] has them.
///
/// `I` is the instruction set of the [`Kernel`] that calls. The names begin with v, for vector, so
/// that they do not hide std's.
pub trait Math: Copy {
    /// e^x.
    fn vexp<I: Isa>(self) -> Self;
    /// e^x − 1, accurate near 0.
    fn vexpm1<I: Isa>(self) -> Self;
    /// ln x; −∞ at ±0, NaN below.
    fn vln<I: Isa>(self) -> Self;
    /// ln(1 + x), accurate near 0; −∞ at −1, NaN below.
    fn vln_1p<I: Isa>(self) -> Self;
    /// tanh x, accurate near 0.
    fn vtanh<I: Isa>(self) -> Self;
    /// `σ(x) = 1 / (1 + e^−x)`.
    fn vsigmoid<I: Isa>(self) -> Self;
    /// ln(1 + e^x).
    fn vsoftplus<I: Isa>(self) -> Self;
    /// `2/√π ∫₀ˣ e^(−t²) dt`, accurate near 0.
    fn verf<I: Isa>(self) -> Self;
}

impl Math for f32 {
    #[inline(always)]
    fn vexp<I: Isa>(self) -> Self {
        exp::exp::<I>(self)
    }
    #[inline(always)]
    fn vexpm1<I: Isa>(self) -> Self {
        exp::expm1::<I>(self)
    }
    #[inline(always)]
    fn vln<I: Isa>(self) -> Self {
        ln::ln::<I>(self)
    }
    #[inline(always)]
    fn vln_1p<I: Isa>(self) -> Self {
        ln::ln_1p::<I>(self)
    }
    #[inline(always)]
    fn vtanh<I: Isa>(self) -> Self {
        exp::tanh::<I>(self)
    }
    #[inline(always)]
    fn vsigmoid<I: Isa>(self) -> Self {
        exp::sigmoid::<I>(self)
    }
    #[inline(always)]
    fn vsoftplus<I: Isa>(self) -> Self {
        ln::softplus::<I>(self)
    }
    #[inline(always)]
    fn verf<I: Isa>(self) -> Self {
        erf::erf::<I>(self)
    }
}

impl Math for f64 {
    #[inline(always)]
    fn vexp<I: Isa>(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn vexpm1<I: Isa>(self) -> Self {
        self.exp_m1()
    }
    #[inline(always)]
    fn vln<I: Isa>(self) -> Self {
        self.ln()
    }
    #[inline(always)]
    fn vln_1p<I: Isa>(self) -> Self {
        self.ln_1p()
    }
    #[inline(always)]
    fn vtanh<I: Isa>(self) -> Self {
        self.tanh()
    }
    #[inline(always)]
    fn vsigmoid<I: Isa>(self) -> Self {
        let z = (-self.abs()).exp();
        (if self < 0.0 { z } else { 1.0 }) / (1.0 + z)
    }
    #[inline(always)]
    fn vsoftplus<I: Isa>(self) -> Self {
        (if self > 0.0 { self } else { 0.0 }) + (-self.abs()).exp().ln_1p()
    }
    #[inline(always)]
    fn verf<I: Isa>(self) -> Self {
        erf::erf_f64::<I>(self)
    }
}

/// A function over a slice, and over a slice in place.
macro_rules! slices {
    ($($what:literal $name:ident $name_in_place:ident $method:ident;)*) => {$(
        #[doc = concat!("Writes ", $what, " of every element of x to y.")]
        ///
        /// # Panics
        /// **Panics** if the lengths differ.
        #[track_caller]
        pub fn $name<T: Scalar>(x: &[T], y: &mut [T]) {
            #[derive(Clone, Copy)]
            struct Of;
            impl<T: Scalar> Function<T, 1> for Of {
                fn picos(&self) -> usize {
                    400
                }
                #[inline(always)]
                fn at<I: Isa>(&self, [x]: [T; 1]) -> T {
                    x.$method::<I>()
                }
            }
            if x.len() != y.len() {
                bad_lengths(stringify!($name), x.len(), y.len());
            }
            apply([x], Write::Set, y, Of);
        }

        #[doc = concat!("Replaces every element x by ", $what, ".")]
        pub fn $name_in_place<T: Scalar>(x: &mut [T]) {
            struct Run<'a, T>(&'a mut [T]);
            impl<T: Scalar> Kernel for Run<'_, T> {
                type Output = ();
                #[inline(always)]
                fn run<I: Isa>(self) {
                    for x in self.0 {
                        *x = x.$method::<I>();
                    }
                }
            }
            simd::dispatch(Run(x));
        }
    )*};
}

slices! {
    "e^x" exp exp_in_place vexp;
    "e^x − 1" expm1 expm1_in_place vexpm1;
    "ln x" ln ln_in_place vln;
    "ln(1 + x)" ln_1p ln_1p_in_place vln_1p;
    "tanh x" tanh tanh_in_place vtanh;
    "the sigmoid of x" sigmoid sigmoid_in_place vsigmoid;
    "ln(1 + e^x)" softplus softplus_in_place vsoftplus;
    "erf x" erf erf_in_place verf;
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_lengths(name: &str, x: usize, y: usize) -> ! {
    panic!("vmath::{name}: {x} elements do not fit a result of {y}")
}
