//! The error function `erf x = 2/√π ∫₀ˣ e^(−t²) dt`.
//!
//! Below 1 it is x plus x times a polynomial in x², which keeps the relative accuracy near 0. Above 1
//! it is 1 − erfc x, where an error of erfc affects the last digits only.
//!
//! # Reference
//! W. J. Cody, "Rational Chebyshev approximations for the error function", 1969, for the division
//! of the range. golden/minimax.py computes the polynomials.

use super::exp::{ROUND, at_most, pow2, rounded};
use super::polynomial;
use crate::simd::Isa;

/// erf(x) / x − 1 in x², |x| < 1
const BELOW_1: [f32; 7] = [
    1.2837917e-01,
    -3.7612626e-01,
    1.1283585e-01,
    -2.6853811e-02,
    5.1883273e-03,
    -8.0101914e-04,
    7.8538535e-05,
];
/// log₂ erfc x, 1 ≤ x ≤ 4
const LOG2_ERFC: [f32; 7] = [
    -5.1036576e-04,
    -1.6259748e+00,
    -9.207655e-01,
    -1.4865108e-01,
    3.1458218e-02,
    -4.240904e-03,
    2.6772116e-04,
];
/// (2^r − 1) / r, |r| ≤ ½
const EXP2: [f32; 6] =
    [6.9314724e-01, 2.4022652e-01, 5.5503096e-02, 9.617689e-03, 1.3406943e-03, 1.5595517e-04];

/// For `f32`. Above 1, `erfc x = 2^h` with a polynomial h. From 3.92 on the result rounds to 1.
#[inline(always)]
pub(super) fn erf<I: Isa>(x: f32) -> f32 {
    let a = at_most(x.abs(), 4.0);
    let near = I::mul_add(a, polynomial::<I, 7, _>(a * a, BELOW_1), a);
    let h = polynomial::<I, 7, _>(a, LOG2_ERFC);
    let shifted = h + ROUND;
    let r = h - (shifted - ROUND);
    let erfc = I::mul_add(r, polynomial::<I, 6, _>(r, EXP2), 1.0) * pow2(rounded(shifted));
    (if a < 1.0 { near } else { 1.0 - erfc }).copysign(x)
}

/// erf(x) / x − 1 in x², |x| < 1
const BELOW_1_F64: [f64; 13] = [
    0.1283791670955126,
    -0.3761263890318375,
    0.11283791670954857,
    -0.02686617064507289,
    0.005223977624780752,
    -0.0008548326978735244,
    0.00012055331036654087,
    -1.4925593501243258e-05,
    1.6460972730447428e-06,
    -1.6350024345998977e-07,
    1.465787421209357e-08,
    -1.1365645182315817e-09,
    5.945228176984277e-11,
];
/// e^(x²) erfc x in (x − 2) / (x + 2), 1 ≤ x ≤ 6
const ERFCX_F64: [f64; 13] = [
    0.25539567631050575,
    -0.4271858474139568,
    0.24165819424246882,
    -0.07897858101641503,
    0.0037328923985415104,
    0.006997461785624573,
    -0.0008471425907520726,
    -0.0009819764788941451,
    4.3536167926699596e-05,
    0.00017428848392803733,
    2.762313426890762e-05,
    -2.6611684173030665e-05,
    -1.2644290434389449e-05,
];

/// For `f64`. Above 1, `erfc x = e^(−x²)·p`. From 5.93 on the result rounds to 1.
#[inline(always)]
pub(super) fn erf_f64<I: Isa>(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < 1.0 {
        I::mul_add(a, polynomial::<I, 13, _>(a * a, BELOW_1_F64), a)
    } else {
        let a = if a > 6.0 { 6.0 } else { a }; // not min, which would drop NaN
        1.0 - (-a * a).exp() * polynomial::<I, 13, _>((a - 2.0) / (a + 2.0), ERFCX_F64)
    };
    y.copysign(x)
}
