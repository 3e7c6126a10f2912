//! ln x, ln(1 + x) and ln(1 + e^x), for `f32`.
//!
//! `x = 2^k·(1 + f)` with `√½ ≤ 1 + f < √2`. Then `ln x = k·ln 2 + ln(1 + f)`, and a polynomial gives
//! the second term. ln 2 has two parts. The first has 16 bits, so its product with k is exact.
//!
//! # Reference
//! W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980, chapter 5.
//! golden/minimax.py computes the polynomial.

use std::f32::consts::FRAC_1_SQRT_2;

use super::exp::{exp_minus_abs, pow2};
use super::{LN_2_HIGH, LN_2_LOW, polynomial};
use crate::simd::Isa;

/// (ln(1 + f) − f + f²/2) / f³
const LN: [f32; 8] = [
    3.333333e-01,
    -2.5000823e-01,
    2.0001227e-01,
    -1.662336e-01,
    1.420177e-01,
    -1.3160172e-01,
    1.2761487e-01,
    -7.6344125e-02,
];

/// k and f of a positive normal number. f is exact: 1 + f lies between ½ and 2.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    let above = x.to_bits().wrapping_sub(FRAC_1_SQRT_2.to_bits());
    let mantissa = (above & 0x007f_ffff).wrapping_add(FRAC_1_SQRT_2.to_bits());
    ((above as i32) >> 23, f32::from_bits(mantissa) - 1.0)
}

/// `k·ln 2 + ln(1 + f)`.
#[inline(always)]
fn join<I: Isa>(k: f32, f: f32) -> f32 {
    let square = f * f;
    let cubic = polynomial::<I, 8, _>(f, LN) * f;
    let small = I::mul_add(square, cubic, k * LN_2_LOW);
    let small = I::mul_add(square, -0.5, small);
    I::mul_add(k, LN_2_HIGH, f + small)
}

#[inline(always)]
pub(super) fn ln<I: Isa>(x: f32) -> f32 {
    // A subnormal number has no exponent of its own.
    let (normal, down) = if x < f32::MIN_POSITIVE { (x * 8_388_608.0, 23.0) } else { (x, 0.0) };
    let (k, f) = split(normal);
    let y = join::<I>(k as f32 - down, f);
    let special = if x == 0.0 { f32::NEG_INFINITY } else { x };
    let special = if x < 0.0 { f32::NAN } else { special };
    // Compares bits: the compiler makes four comparisons of 0 < x < ∞.
    let ordinary = x.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits() - 1;
    if ordinary { y } else { special }
}

/// For −1 < x < ∞. c is the exact rounding error of `u = 1 + x`. f corrects it.
#[inline(always)]
fn ln_1p_within<I: Isa>(x: f32) -> f32 {
    let u = 1.0 + x;
    let c = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let (k, f) = split(u);
    // From 2⁶⁴ on c = 1 is negligible, and 2^−k might not be a normal number.
    let f = I::mul_add(c, pow2(-k.min(64)), f);
    join::<I>(k as f32, f)
}

#[inline(always)]
pub(super) fn ln_1p<I: Isa>(x: f32) -> f32 {
    let y = ln_1p_within::<I>(x).copysign(x); // restores the sign of −0
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    if x < -1.0 { f32::NAN } else { y }
}

/// `max(x, 0) + ln(1 + e^−|x|)`: nothing overflows.
#[inline(always)]
pub(super) fn softplus<I: Isa>(x: f32) -> f32 {
    let y = ln_1p_within::<I>(exp_minus_abs::<I>(x));
    (if x > 0.0 { x } else { 0.0 }) + y
}
