//! e^x and what is made of it: e^x − 1, the sigmoid and the hyperbolic tangent, for `f32`.
//!
//! `x = n·ln 2 + r` with n whole and |r| ≤ ½ ln 2, so `e^x = 2ⁿ·e^r`, and a polynomial gives e^r.
//! ln 2 is subtracted in two parts, the first of 16 bits, so that its product with n is exact.
//!
//! # Reference
//! W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980, chapter 6.
//! The polynomials are those of golden/minimax.py.

use std::f32::consts::LOG2_E;

use super::{LN_2_HIGH, LN_2_LOW, polynomial};
use crate::simd::Isa;

/// (e^r − 1 − r) / r²
const EXP: [f32; 5] = [4.9999994e-01, 1.666652e-01, 4.1668393e-02, 8.368779e-03, 1.3814459e-03];
/// The same, closer, because e^r − 1 may be near 0.
const EXPM1: [f32; 6] =
    [5e-01, 1.6666666e-01, 4.166636e-02, 8.33339e-03, 1.3940717e-03, 1.9845903e-04];

/// 1.5·2²³. A number of this size has no bits after the point: adding it rounds to a whole number,
/// which then stands in the low bits. (SSE2 has no rounding instruction.)
pub(super) const ROUND: f32 = 12_582_912.0;

/// The integer that was rounded by adding [`ROUND`].
#[inline(always)]
pub(super) fn rounded(shifted: f32) -> i32 {
    shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
pub(super) fn pow2(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// 2ⁿ·y, rounded once, for −252 ≤ n ≤ 254. One factor could not reach the subnormals.
#[inline(always)]
fn scale(y: f32, n: i32) -> f32 {
    let half = n >> 1;
    y * pow2(half) * pow2(n.wrapping_sub(half))
}

/// The larger, and NaN if x is (`f32::max` would lose it).
#[inline(always)]
pub(super) fn at_least(x: f32, low: f32) -> f32 {
    if x < low { low } else { x }
}

/// The smaller, and NaN if x is.
#[inline(always)]
pub(super) fn at_most(x: f32, high: f32) -> f32 {
    if x > high { high } else { x }
}

/// e^x for −104 ≤ x ≤ 89, below and above which it rounds to 0 and ∞.
#[inline(always)]
fn exp_within<I: Isa>(x: f32) -> f32 {
    let shifted = I::mul_add(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = I::mul_add(n, -LN_2_HIGH, x);
    let r = I::mul_add(n, -LN_2_LOW, r);
    let tail = I::mul_add(r * r, polynomial::<I, 5, _>(r, EXP), r);
    scale(1.0 + tail, rounded(shifted))
}

#[inline(always)]
pub(super) fn exp<I: Isa>(x: f32) -> f32 {
    exp_within::<I>(at_least(at_most(x, 89.0), -104.0))
}

/// e^−|x|.
#[inline(always)]
pub(super) fn exp_minus_abs<I: Isa>(x: f32) -> f32 {
    exp_within::<I>(at_least(-x.abs(), -104.0))
}

/// `s·e^x − t` for `s = 2^(n + up)`, `t = 2^up`, where n belongs to x: the caller's choice of `up`
/// keeps s finite. n + up must lie between −126 and 127.
///
/// `2ⁿ(1 + r + u) − 1 = (2ⁿ − 1 + 2ⁿ·r) + 2ⁿ·u`, where u is r²·q(r) and what rounding took from r.
/// The bracket loses nothing when 2ⁿ·r nearly cancels 2ⁿ − 1.
#[inline(always)]
fn expm1_scaled<I: Isa>(x: f32, up: i32) -> f32 {
    let shifted = I::mul_add(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let high = I::mul_add(n, -LN_2_HIGH, x);
    let low = n * -LN_2_LOW;
    let r = high + low;
    let lost = (high - r) + low;
    let u = I::mul_add(r * r, polynomial::<I, 6, _>(r, EXPM1), lost);
    let s = pow2(rounded(shifted).wrapping_add(up));
    let bracket = I::mul_add(s, r, s - pow2(up));
    I::mul_add(s, u, bracket)
}

#[inline(always)]
pub(super) fn expm1<I: Isa>(x: f32) -> f32 {
    let y = 2.0 * expm1_scaled::<I>(at_least(at_most(x, 89.0), -20.0), -1);
    // Halving a subnormal number would lose its last bit, and the bracket the sign of −0.
    if x.abs() < 1e-8 { x } else { y }
}

/// `z / (1 + z)` or `1 / (1 + z)` with `z = e^−|x|`: z cannot overflow, and the small half of the
/// curve keeps its relative accuracy.
#[inline(always)]
pub(super) fn sigmoid<I: Isa>(x: f32) -> f32 {
    let z = exp_minus_abs::<I>(x);
    (if x < 0.0 { z } else { 1.0 }) / (1.0 + z)
}

/// `tanh|x| = e / (e + 2)` with `e = e^(2|x|) − 1`; from e = 2 on `1 − 2 / (e + 2)`, whose error
/// fades as the result nears 1. One division serves both.
#[inline(always)]
pub(super) fn tanh<I: Isa>(x: f32) -> f32 {
    let e = expm1_scaled::<I>(2.0 * at_most(x.abs(), 10.0), 0);
    let (start, numerator) = if e < 2.0 { (0.0, e) } else { (1.0, -2.0) };
    (start + numerator / (e + 2.0)).copysign(x)
}
