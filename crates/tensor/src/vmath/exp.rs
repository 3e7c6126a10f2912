//! e^x, e^x − 1, the sigmoid and the hyperbolic tangent, for `f32`.
//!
//! `x = n·ln 2 + r` with an integer n and |r| ≤ ½ ln 2. Then `e^x = 2ⁿ·e^r`, and a polynomial gives
//! e^r. ln 2 is subtracted in two parts. The first has 16 bits, so its product with n is exact.
//!
//! # Reference
//! W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980, chapter 6.
//! golden/minimax.py computes the polynomials.

use std::f32::consts::LOG2_E;

use super::{LN_2_HIGH, LN_2_LOW, polynomial};
use crate::simd::Isa;

/// (e^r − 1 − r) / r²
const EXP: [f32; 5] = [4.9999994e-01, 1.666652e-01, 4.16684e-02, 8.368848e-03, 1.3814317e-03];
/// The same with a smaller error, because e^r − 1 may be near 0.
const EXPM1: [f32; 6] =
    [5e-01, 1.6666666e-01, 4.166636e-02, 8.33339e-03, 1.3940819e-03, 1.9845912e-04];

/// (tanh x − x) / x³ in x², |x| < 0.55
const TANH: [f32; 5] =
    [-3.3333316e-01, 1.3332586e-01, -5.385231e-02, 2.1071682e-02, -6.2742443e-03];

/// 1.5·2²³. A number of this size has no bits after the point, so adding it rounds to an integer. The
/// integer is then in the low bits. (SSE2 has no rounding instruction.)
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

/// 2ⁿ·y, rounded once, for −252 ≤ n ≤ 254. Two factors, because one cannot reach the subnormals.
#[inline(always)]
fn scale(y: f32, n: i32) -> f32 {
    let half = n >> 1;
    y * pow2(half) * pow2(n.wrapping_sub(half))
}

/// The larger number. NaN if x is NaN, unlike `f32::max`.
#[inline(always)]
pub(super) fn at_least(x: f32, low: f32) -> f32 {
    if x < low { low } else { x }
}

/// The smaller number. NaN if x is NaN.
#[inline(always)]
pub(super) fn at_most(x: f32, high: f32) -> f32 {
    if x > high { high } else { x }
}

/// n, and e^r, of x.
#[inline(always)]
fn reduced<I: Isa>(x: f32) -> (i32, f32) {
    let shifted = I::mul_add(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = I::mul_add(n, -LN_2_HIGH, x);
    let r = I::mul_add(n, -LN_2_LOW, r);
    let tail = I::mul_add(r * r, polynomial::<I, 5, _>(r, EXP), r);
    (rounded(shifted), 1.0 + tail)
}

/// Below −104 the result rounds to 0, above 89 to ∞.
#[inline(always)]
pub(super) fn exp<I: Isa>(x: f32) -> f32 {
    let (n, y) = reduced::<I>(at_least(at_most(x, 89.0), -104.0));
    scale(y, n)
}

/// `factor · e^x` for x ≤ 0. Below −160 the result is 0.
#[inline(always)]
pub(super) fn exp_times<I: Isa>(x: f32, factor: f32) -> f32 {
    let (n, y) = reduced::<I>(at_least(x, -160.0));
    scale(y * factor, n)
}

/// e^−|x|.
#[inline(always)]
pub(super) fn exp_minus_abs<I: Isa>(x: f32) -> f32 {
    let (n, y) = reduced::<I>(at_least(-x.abs(), -104.0));
    scale(y, n)
}

/// `e^x − 1 = (2ⁿ − 1 + 2ⁿ·r) + 2ⁿ·u`, where u is `e^r − 1 − r` plus the rounding error of r. The
/// bracket is accurate even when 2ⁿ·r nearly cancels 2ⁿ − 1. All terms are halved, because 2¹²⁸ would
/// overflow.
#[inline(always)]
pub(super) fn expm1<I: Isa>(x: f32) -> f32 {
    let within = at_least(at_most(x, 89.0), -20.0);
    let shifted = I::mul_add(within, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let high = I::mul_add(n, -LN_2_HIGH, within);
    let low = n * -LN_2_LOW;
    let r = high + low;
    let lost = (high - r) + low;
    let u = I::mul_add(r * r, polynomial::<I, 6, _>(r, EXPM1), lost);
    let half = pow2(rounded(shifted).wrapping_sub(1));
    let bracket = I::mul_add(half, r, half - 0.5);
    let y = 2.0 * I::mul_add(half, u, bracket);
    // Halving would drop the last bit of a subnormal number. The bracket would drop the sign of −0.
    if x.abs() < 1e-8 { x } else { y }
}

/// `q = z / (1 + z)` with `z = e^−|x|`, and 1 − q for positive x. z cannot overflow, and small results
/// keep their relative accuracy.
#[inline(always)]
pub(super) fn sigmoid<I: Isa>(x: f32) -> f32 {
    let z = exp_minus_abs::<I>(x);
    // For small z, q = z − z² / (1 + z): the rounding errors of 1 + z and of the division are then small.
    let small = z < 0.4;
    let quotient = (if small { z * z } else { z }) / (1.0 + z);
    let q = if small { z - quotient } else { quotient };
    if x < 0.0 { q } else { 1.0 - q }
}

/// `tanh|x| = 1 − 2 / (e^(2|x|) + 1)`, and a polynomial where the difference would cancel. From 9.02 on
/// the result rounds to 1.
#[inline(always)]
pub(super) fn tanh<I: Isa>(x: f32) -> f32 {
    let a = at_most(x.abs(), 10.0);
    let square = a * a;
    let near = I::mul_add(square * a, polynomial::<I, 5, _>(square, TANH), a);
    let (n, y) = reduced::<I>(2.0 * a);
    let far = 1.0 - 2.0 / I::mul_add(y, pow2(n), 1.0);
    (if a < 0.55 { near } else { far }).copysign(x)
}
