//! Elementary functions that vectorize.
//!
//! std's `f32::exp` is a call, and a loop with a call in it stays scalar. The functions of [`Math`]
//! are polynomials without a branch. Inlined into the loop of a [`Kernel`](crate::simd::Kernel) or a
//! [`Function`](crate::map::Function), they compute as many elements at once as a vector holds.
//! `f64` is for gradient checks and not for training. It takes std's functions, and a polynomial for
//! erf, which std lacks.
//!
//! | function | largest error, `f32` |
//! |---|---|
//! | [`vsin_of`](Math::vsin_of), [`vcos_of`](Math::vcos_of) | 0.6 ulp |
//! | [`vln`](Math::vln) | 0.9 ulp |
//! | [`vexp`](Math::vexp) | 1.1 ulp |
//! | [`vexp_times`](Math::vexp_times) | 1.6 ulp |
//! | [`vexpm1`](Math::vexpm1) | 1.4 ulp |
//! | [`vln_1p`](Math::vln_1p), [`vtanh`](Math::vtanh), [`verf`](Math::verf) | 1.5 ulp |
//! | [`vsoftplus`](Math::vsoftplus) | 1.8 ulp |
//! | [`vsigmoid`](Math::vsigmoid) | 2 ulp |
//!
//! The bounds hold for every input, of sine and cosine for those that [`is_near`](Math::is_near) names, at every [`Level`](crate::simd::Level). tests/kernels/vmath.rs can
//! try all inputs. Subnormal numbers are kept, as arguments and as results. Overflow gives ∞. NaN stays
//! NaN. Odd functions keep the sign of −0. The result for an element depends neither on its index in
//! the slice nor on the slice's length. The last bits may depend on the level.
//!
//! ```
//! use fanin_tensor::map::{Function, apply};
//! use fanin_tensor::simd::Isa;
//! use fanin_tensor::vmath::Math;
//! use fanin_tensor::{Scalar, Write};
//!
//! #[derive(Clone, Copy)]
//! struct Exp;
//! impl<T: Scalar> Function<T, 1> for Exp {
//!     #[inline(always)]
//!     fn at<I: Isa>(&self, [x]: [T; 1]) -> T {
//!         x.vexp::<I>()
//!     }
//! }
//! let mut y = [0.0f32; 3];
//! apply([&[0.0, 1.0, f32::NEG_INFINITY]], Write::Set, &mut y, Exp);
//! assert_eq!(y, [1.0, std::f32::consts::E, 0.0]);
//! ```

mod erf;
mod exp;
mod ln;
mod sin;

use crate::Scalar;
use crate::simd::Isa;

/// ln 2 in two parts. The first has 16 bits.
const LN_2_HIGH: f32 = 6.9314575e-01;
const LN_2_LOW: f32 = 1.4286068e-06;

/// `c₀ + c₁x + c₂x² + …`, by Horner's rule.
#[inline(always)]
pub fn polynomial<I: Isa, const N: usize, T: Scalar>(x: T, c: [T; N]) -> T {
    let mut sum = c[N - 1];
    let mut k = N - 1;
    while k > 0 {
        k -= 1;
        sum = I::mul_add(sum, x, c[k]);
    }
    sum
}

/// `a · b` in two parts: the rounded product, and its rounding error. Their sum is exact, unless the error
/// is subnormal or `4097 a` (for `f64`, `2²⁷ a`) overflows.
///
/// # Example
/// ```
/// use fanin_tensor::simd::Portable;
///
/// let a = 1.0f32 + f32::EPSILON;
/// let [high, low] = fanin_tensor::vmath::product::<Portable, f32>(a, a);
/// assert_eq!((high, low), (1.0 + 2.0 * f32::EPSILON, f32::EPSILON * f32::EPSILON));
/// ```
///
/// # Reference
/// Dekker 1971, "A floating-point technique for extending the available precision", section 5.
#[inline(always)]
pub fn product<I: Isa, T: Scalar>(a: T, b: T) -> [T; 2] {
    let high = a * b;
    if I::FUSED {
        return [high, I::mul_add(a, b, -high)];
    }
    let halves = |x: T| {
        let shifted = x * T::from_f64(if T::IS_F32 { 4097.0 } else { 134_217_729.0 });
        let upper = shifted - (shifted - x);
        (upper, x - upper)
    };
    let ((a, a_low), (b, b_low)) = (halves(a), halves(b));
    [high, ((a * b - high) + a * b_low + a_low * b) + a_low * b_low]
}

/// `a + b` in two parts: the rounded sum, and its rounding error. Their sum is exact.
///
/// # Reference
/// Knuth 1969, *The Art of Computer Programming*, volume 2, section 4.2.2, theorem B.
#[inline(always)]
pub fn two_sum<T: Scalar>(a: T, b: T) -> [T; 2] {
    let sum = a + b;
    let part = sum - a;
    [sum, (a - (sum - part)) + (b - part)]
}

/// Functions of one element. Every [`Scalar`] has them.
///
/// `I` is the instruction set of the kernel that calls. The names begin with v, for vector, so that they
/// do not hide std's methods.
pub trait Math: Copy {
    /// e^x.
    fn vexp<I: Isa>(self) -> Self;
    /// `factor · e^x` for x ≤ 0, rounded as if e^x could not underflow. The factor must be below 10²⁴.
    fn vexp_times<I: Isa>(self, factor: Self) -> Self;
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
    /// Whether [`vsin_of`](Self::vsin_of) and [`vcos_of`](Self::vcos_of) hold: for `f32`, if `|factor · x|` is at
    /// most 10⁶.
    fn is_near(self, factor: Self) -> bool;
    /// `sin(factor · x)`, as if the product were exact.
    fn vsin_of<I: Isa>(self, factor: Self) -> Self;
    /// `factor · cos(factor · x)`, the derivative of [`vsin_of`](Self::vsin_of), as if `factor · x` were exact.
    fn vcos_of<I: Isa>(self, factor: Self) -> Self;
    /// `sin(factor · x)` for any numbers, by std's sine; NaN if the product overflows `f64`.
    fn sin_of(self, factor: Self) -> Self;
    /// `factor · cos(factor · x)` for any numbers, by std's cosine; NaN if the product overflows `f64`.
    fn cos_of(self, factor: Self) -> Self;
}

impl Math for f32 {
    #[inline(always)]
    fn vexp<I: Isa>(self) -> Self {
        exp::exp::<I>(self)
    }
    #[inline(always)]
    fn vexp_times<I: Isa>(self, factor: Self) -> Self {
        exp::exp_times::<I>(self, factor)
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
    #[inline(always)]
    fn is_near(self, factor: Self) -> bool {
        sin::holds(self, factor)
    }
    #[inline(always)]
    fn vsin_of<I: Isa>(self, factor: Self) -> Self {
        sin::sin_of::<I>(self, factor)
    }
    #[inline(always)]
    fn vcos_of<I: Isa>(self, factor: Self) -> Self {
        sin::cos_of::<I>(self, factor)
    }
    fn sin_of(self, factor: Self) -> Self {
        (f64::from(factor) * f64::from(self)).sin() as f32
    }
    fn cos_of(self, factor: Self) -> Self {
        let factor = f64::from(factor);
        (factor * (factor * f64::from(self)).cos()) as f32
    }
}

impl Math for f64 {
    #[inline(always)]
    fn vexp<I: Isa>(self) -> Self {
        self.exp()
    }
    #[inline(always)]
    fn vexp_times<I: Isa>(self, factor: Self) -> Self {
        let root = (0.5 * self).exp();
        (factor * root) * root
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
    #[inline(always)]
    fn is_near(self, _: Self) -> bool {
        true
    }
    #[inline(always)]
    fn vsin_of<I: Isa>(self, factor: Self) -> Self {
        self.sin_of(factor)
    }
    #[inline(always)]
    fn vcos_of<I: Isa>(self, factor: Self) -> Self {
        self.cos_of(factor)
    }
    fn sin_of(self, factor: Self) -> Self {
        sin::sin_of_f64(self, factor)
    }
    fn cos_of(self, factor: Self) -> Self {
        factor * sin::cos_of_f64(self, factor)
    }
}
