//! The sine and cosine of a multiple, `sin(f x)`, for `f32`.
//!
//! The angle `f x` of two `f32` is exact in `f64`, so the sine is computed in `f64` and rounded once. The angle
//! is `k·π/2 + r` with an integer k and |r| ≤ π/4. π/2 is subtracted in three parts. The first two have 32
//! bits, and k has 20, so their products are exact. Then k tells which of the two Taylor polynomials of r is the
//! result, and its sign. Larger angles are left to std.
//!
//! # Reference
//! W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980, chapter 8.

use std::f64::consts::FRAC_2_PI;

use super::{polynomial, product};
use crate::simd::{Isa, Portable};

/// The largest angle. Above, k might have more than 20 bits.
const LARGEST: f64 = 1e6;

/// π/2. golden/minimax.py computes the parts.
const PARTS: [f64; 3] = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21];

/// (sin r / r − 1) / r² in r²: up to r¹¹, with an error of 2⁻³⁷ at π/4.
const SIN: [f64; 5] =
    [-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0, -1.0 / 39_916_800.0];
/// (cos r − 1) / r² in r²: up to r¹², with an error of 2⁻⁴¹.
const COS: [f64; 6] =
    [-0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0, 1.0 / 479_001_600.0];

/// 1.5·2⁵²; see [`ROUND`](super::exp::ROUND).
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Whether [`sin_of`] and [`cos_of`] hold. A NaN is no such number.
#[inline(always)]
pub(super) fn holds(x: f32, factor: f32) -> bool {
    (f64::from(factor) * f64::from(x)).abs() <= LARGEST
}

/// The sine of an angle that is larger by some quarters of a turn.
#[inline(always)]
fn turned<I: Isa>(angle: f64, quarters: u64) -> f64 {
    let shifted = I::mul_add(angle, FRAC_2_PI, ROUND);
    let k = shifted - ROUND;
    let r = I::mul_add(k, -PARTS[0], angle);
    let r = I::mul_add(k, -PARTS[1], r);
    let r = I::mul_add(k, -PARTS[2], r);
    let z = r * r;
    // A product, so that the sine of −0 is −0.
    let sine = r * I::mul_add(z, polynomial::<I, 5, _>(z, SIN), 1.0);
    let cosine = I::mul_add(z, polynomial::<I, 6, _>(z, COS), 1.0);
    let turns = shifted.to_bits().wrapping_add(quarters);
    let size = if turns & 1 == 0 { sine } else { cosine };
    // Every second half turn is negative.
    f64::from_bits(size.to_bits() ^ ((turns & 2) << 62))
}

/// `sin(f x)` where it [`holds`].
#[inline(always)]
pub(super) fn sin_of<I: Isa>(x: f32, factor: f32) -> f32 {
    turned::<I>(f64::from(factor) * f64::from(x), 0) as f32
}

/// `f cos(f x)` where it [`holds`].
#[inline(always)]
pub(super) fn cos_of<I: Isa>(x: f32, factor: f32) -> f32 {
    let factor = f64::from(factor);
    (factor * turned::<I>(factor * f64::from(x), 1)) as f32
}

/// `f x` in two parts, because a sine of a large angle loses all digits to a rounding error.
#[inline(always)]
fn angle(x: f64, factor: f64) -> [f64; 2] {
    // `product` needs room for 2²⁷ x.
    let room = if x.abs() > 1e200 { 2f64.powi(-200) } else { 1.0 };
    product::<Portable, f64>(factor, x * room).map(|part| part / room)
}

/// `sin(f x)`. NaN where `f x` overflows.
#[inline(always)]
pub(super) fn sin_of_f64(x: f64, factor: f64) -> f64 {
    let [high, low] = angle(x, factor);
    high.sin() * low.cos() + high.cos() * low.sin()
}

/// `cos(f x)`. NaN where `f x` overflows.
#[inline(always)]
pub(super) fn cos_of_f64(x: f64, factor: f64) -> f64 {
    let [high, low] = angle(x, factor);
    high.cos() * low.cos() - high.sin() * low.sin()
}
