//! The activations whose tails decay, with few ulp of error over the whole range.
//!
//! `x σ(x)` and its like are x times a distribution function. Far below 0 the function is tiny, so `1 +
//! tanh` or `1 + erf` cancels there. Here the value is `factor · e^{−s}` for x < 0, and for x > 0 it is x
//! minus the value's mirror image. The derivative D of each but Mish has `D(x) + D(−x) = 1`, so it too is
//! only computed for x < 0.
//!
//! Each derivative has one root, near −1. Within ½ of the root (for GELU everywhere) the derivative is
//! `(root − a)` times a polynomial, which keeps its relative accuracy.
//!
//! golden/tails.py computes the polynomials.

use fanin_tensor::Scalar;
use fanin_tensor::simd::Isa;
use fanin_tensor::vmath::{polynomial, product, two_sum};

/// A number in two parts, of which only the sum counts.
pub(super) type Double<T> = [T; 2];

#[inline(always)]
fn c<T: Scalar>(value: f64) -> T {
    T::from_f64(value)
}

/// The two parts in the element type of a number in two parts of `f64`.
#[inline(always)]
fn double<T: Scalar>([high, low]: [f64; 2]) -> Double<T> {
    let rounded = c::<T>(high);
    [rounded, c((high - rounded.to_f64()) + low)]
}

/// x within ±limit. The limits for `f32` and `f64` lie where the result is x or 0 anyway. They keep ∞ out
/// of products with 0. NaN stays NaN.
#[inline(always)]
fn within<T: Scalar>(x: T, [for_f32, for_f64]: [f64; 2]) -> T {
    let limit = c(if T::IS_F32 { for_f32 } else { for_f64 });
    let x = if x > limit { limit } else { x };
    if x < -limit { -limit } else { x }
}

/// `factor · e^{−s}`.
#[inline(always)]
fn decay<T: Scalar, I: Isa>([s, low]: Double<T>, factor: T) -> T {
    (-s).vexp_times::<I>(factor - factor * low)
}

/// From `x · Φ(−|x|)`, for any distribution function Φ of a symmetric density, `x · Φ(x)`.
#[inline(always)]
fn mirror_value<T: Scalar>(x: T, below: T) -> T {
    if x > T::ZERO { x - below } else { below }
}

/// From the derivative of such a function at −|x|, the derivative at x.
#[inline(always)]
fn mirror_derivative<T: Scalar>(x: T, below: T) -> T {
    if x > T::ZERO { T::ONE - below } else { below }
}

/// `k(a)`, by a polynomial in `root − a` near its root.
macro_rules! near_root {
    ($a:expr, $k:expr, $root:ident, $f32:ident, $f64:ident) => {{
        let [root, low] = double::<T>($root);
        let h = (root - $a) + low;
        let near = h * if T::IS_F32 {
            polynomial::<I, _, T>(h, $f32.map(c))
        } else {
            polynomial::<I, _, T>(h, $f64.map(c))
        };
        if h.abs() < c(0.5) { near } else { $k }
    }};
}

/// The logistic function's derivative, `σ(x) σ(−x)`.
#[inline(always)]
pub(super) fn sigmoid_derivative<T: Scalar, I: Isa>(x: T) -> T {
    let z = (-x.abs()).vexp::<I>();
    z / ((T::ONE + z) * (T::ONE + z))
}

/// `1 − tanh² x = 4 e^{−2a} / (1 + e^{−2a})²`.
#[inline(always)]
pub(super) fn tanh_derivative<T: Scalar, I: Isa>(x: T) -> T {
    // 4 z may be a normal number where z is not.
    let four_z = (c::<T>(-2.0) * x.abs()).vexp_times::<I>(c(4.0));
    let more = T::ONE + c::<T>(0.25) * four_z;
    four_z / (more * more)
}

/// `x / (1 + |x|)`. The limits keep `∞ / ∞` out.
#[inline(always)]
pub(super) fn softsign<T: Scalar>(x: T) -> T {
    let within = within(x, [1e9, 1e18]);
    within / (T::ONE + within.abs())
}

const SILU_LIMITS: [f64; 2] = [150.0, 800.0];

/// `x σ(x)`.
#[inline(always)]
pub(super) fn silu<T: Scalar, I: Isa>(x: T) -> T {
    let within = within(x, SILU_LIMITS);
    let minus_a = -within.abs();
    let z = minus_a.vexp::<I>();
    mirror_value(x, minus_a.vexp_times::<I>(within / (T::ONE + z)))
}

/// `σ(−a) (1 − a σ(a)) = z (1 + z − a) / (1 + z)²` with z = e^{−a}, for x = −a.
#[inline(always)]
pub(super) fn silu_derivative<T: Scalar, I: Isa>(x: T) -> T {
    let a = within(x, SILU_LIMITS).abs();
    let z = (-a).vexp::<I>();
    let k = near_root!(a, (T::ONE - a) + z, SILU_ROOT, SILU_F32, SILU_F64);
    let square = (T::ONE + z) * (T::ONE + z);
    mirror_derivative(x, (-a).vexp_times::<I>(k / square))
}

const NORMAL_LIMITS: [f64; 2] = [16.0, 40.0];

/// `a²/2`, t and w of golden/tails.py.
#[inline(always)]
fn normal<T: Scalar, I: Isa>(a: T) -> (Double<T>, T, T) {
    let half = c::<T>(0.5);
    let square = product::<I, T>(a, a).map(|part| half * part);
    let t = c::<T>(4.0) / (c::<T>(4.0) + a);
    (square, t, T::ONE - (t + t))
}

/// `x Φ(x)` for the standard normal distribution.
#[inline(always)]
pub(super) fn gelu<T: Scalar, I: Isa>(x: T) -> T {
    let within = within(x, NORMAL_LIMITS);
    let (square, t, w) = normal::<T, I>(within.abs());
    let p = if T::IS_F32 {
        polynomial::<I, _, T>(w, NORMAL_F32.map(c))
    } else {
        polynomial::<I, _, T>(w, NORMAL_F64.map(c))
    };
    mirror_value(x, decay::<T, I>(square, within * (t * p)))
}

/// `Φ(x) + x φ(x)`.
#[inline(always)]
pub(super) fn gelu_derivative<T: Scalar, I: Isa>(x: T) -> T {
    let a = within(x, NORMAL_LIMITS).abs();
    let (square, _, w) = normal::<T, I>(a);
    let p = if T::IS_F32 {
        polynomial::<I, _, T>(w, GELU_F32.map(c))
    } else {
        polynomial::<I, _, T>(w, GELU_F64.map(c))
    };
    let [root, low] = double::<T>(GELU_ROOT);
    mirror_derivative(x, decay::<T, I>(square, ((root - a) + low) * p))
}

const GELU_TANH_LIMITS: [f64; 2] = [12.0, 24.0];
/// `2 √(2/π)`, and its product with 0.044715.
const GELU_TANH_LINEAR: [f64; 2] = [1.5957691216057308, -9.96930880911092e-17];
const GELU_TANH_CUBIC: [f64; 2] = [0.07135481627260025, -6.175149918155315e-19];

/// `s = 2 √(2/π) (a + 0.044715 a³)`.
#[inline(always)]
fn gelu_tanh_exponent<T: Scalar, I: Isa>(a: T) -> Double<T> {
    let ([linear, linear_low], [cubic, cubic_low]) =
        (double::<T>(GELU_TANH_LINEAR), double::<T>(GELU_TANH_CUBIC));
    let [square, square_low] = product::<I, T>(a, a);
    let [p, p_low] = product::<I, T>(cubic, square);
    let [sum, sum_low] = two_sum(linear, p);
    let low = sum_low + (p_low + cubic * square_low + cubic_low * square + linear_low);
    let [s, s_low] = product::<I, T>(a, sum);
    [s, s_low + a * low]
}

/// `x/2 · (1 + tanh(s(x)/2)) = x σ(s(x))`.
#[inline(always)]
pub(super) fn gelu_tanh<T: Scalar, I: Isa>(x: T) -> T {
    let within = within(x, GELU_TANH_LIMITS);
    let s = gelu_tanh_exponent::<T, I>(within.abs());
    let z = (-s[0]).vexp::<I>();
    mirror_value(x, decay::<T, I>(s, within / (T::ONE + z)))
}

/// `z (1 + z − a s′(a)) / (1 + z)²` with z = e^{−s(a)}, for x = −a.
#[inline(always)]
pub(super) fn gelu_tanh_derivative<T: Scalar, I: Isa>(x: T) -> T {
    let a = within(x, GELU_TANH_LIMITS).abs();
    let s = gelu_tanh_exponent::<T, I>(a);
    let z = (-s[0]).vexp::<I>();
    let slope = I::mul_add(c::<T>(3.0 * GELU_TANH_CUBIC[0]) * a, a, c(GELU_TANH_LINEAR[0]));
    let k = near_root!(a, (T::ONE - a * slope) + z, GELU_TANH_ROOT, GELU_TANH_F32, GELU_TANH_F64);
    let square = (T::ONE + z) * (T::ONE + z);
    mirror_derivative(x, decay::<T, I>(s, k / square))
}

const MISH_LIMITS: [f64; 2] = [150.0, 800.0];

/// `x tanh(ln(1 + e^x)) = x n / (n + 2)` with `n = z (z + 2)`, z = e^x. For x > 0 in terms of e^{−x}.
#[inline(always)]
pub(super) fn mish<T: Scalar, I: Isa>(x: T) -> T {
    let two = c::<T>(2.0);
    let within = within(x, MISH_LIMITS);
    let minus_a = -within.abs();
    let z = minus_a.vexp::<I>();
    let below = minus_a.vexp_times::<I>(within * (z + two) / (z * (z + two) + two));
    let double = two * z;
    let above = x - within * (double * z / (double * z + (double + T::ONE)));
    if x > T::ZERO { above } else { below }
}

/// `z ((z + 2)(n + 2) + 4 x (z + 1)) / (n + 2)²`. For x > 0 in terms of e^{−x}.
#[inline(always)]
pub(super) fn mish_derivative<T: Scalar, I: Isa>(x: T) -> T {
    let (two, four) = (c::<T>(2.0), c::<T>(4.0));
    let a = within(x, MISH_LIMITS).abs();
    let z = (-a).vexp::<I>();
    let n = z * (z + two) + two;
    let k = (z + two) * n - four * a * (z + T::ONE);
    let k = near_root!(a, k, MISH_ROOT, MISH_F32, MISH_F64);
    let below = (-a).vexp_times::<I>(k / (n * n));
    let q = two * z * z + (two * z + T::ONE);
    let above = (two * z + T::ONE) / q + a * (four * z * z * (T::ONE + z) / (q * q));
    if x > T::ZERO { above } else { below }
}

const NORMAL_F32: [f64; 11] = [
    0.18882128273364515,
    -0.1519741653005934,
    0.09678433422270619,
    -0.046630312251052256,
    0.015099503897986056,
    -0.0018862783246653063,
    -0.0008729059694286671,
    0.0004107077454046125,
    4.346545777612661e-05,
    -5.663905839902596e-05,
    -1.2367341438155925e-05,
];
const NORMAL_F64: [f64; 24] = [
    0.18882128260393788,
    -0.15197416049297302,
    0.09678435018555363,
    -0.04663046448991436,
    0.015099143722734423,
    -0.0018850472416798453,
    -0.0008699230918532285,
    0.00040770461436743664,
    3.333607813980347e-05,
    -5.777373353266016e-05,
    -4.770647431977394e-07,
    8.786170167688905e-06,
    1.7916653480776146e-07,
    -1.480039040368627e-06,
    -1.5742242095232495e-07,
    2.553801253227268e-07,
    6.7945248708625e-08,
    -3.873178309718317e-08,
    -2.134247838335652e-08,
    3.315273082504975e-09,
    4.896931861111542e-09,
    4.79423816337538e-10,
    -6.278432321735415e-10,
    -1.8069187300876123e-10,
];
const GELU_ROOT: [f64; 2] = [0.7517915246935645, -1.4956759177009883e-17];
const GELU_F32: [f64; 10] = [
    0.46221124420764553,
    -0.10336589742091572,
    0.06046292071672937,
    -0.028083376231469365,
    0.009505201106753113,
    -0.0017881846440673688,
    -0.0001560348756169962,
    0.00018539994865911808,
    -1.3923697616982433e-05,
    -1.6529865877926167e-05,
];
const GELU_F64: [f64; 22] = [
    0.4622112440495753,
    -0.10336589852195686,
    0.06046293676785043,
    -0.028083359953053683,
    0.009504950375125798,
    -0.0017882605410722353,
    -0.00015461331332665323,
    0.0001857757723543582,
    -1.747721001762608e-05,
    -1.803492054465454e-05,
    3.5388792907004015e-06,
    2.2166461688819513e-06,
    -4.921085302082175e-07,
    -3.4907751051286047e-07,
    5.231247499232994e-08,
    6.267875496612644e-08,
    -7.35425999237848e-10,
    -1.0632238139909318e-08,
    -1.6252349290916825e-09,
    1.1852956708859667e-09,
    3.757053679723266e-10,
    -1.4486168756407915e-13,
];
const SILU_ROOT: [f64; 2] = [1.2784645427610737, 1.0946994183093437e-16];
const SILU_F32: [f64; 7] = [
    1.2784645427610737,
    0.13923228324091386,
    0.04641075844350155,
    0.01160230988122685,
    0.002320495735308471,
    0.0003897883563820753,
    5.5587582754827394e-05,
];
const SILU_F64: [f64; 12] = [
    1.2784645427610737,
    0.1392322713805369,
    0.046410757126847176,
    0.011602689281711518,
    0.0023205378562703854,
    0.00038675630938524706,
    5.525090256829353e-05,
    6.906362755278643e-06,
    7.673641689736347e-07,
    7.673668745454586e-08,
    7.009737932043305e-09,
    5.837439906216371e-10,
];
const GELU_TANH_ROOT: [f64; 2] = [0.7524614220710163, -3.635560509207687e-17];
const GELU_TANH_F32: [f64; 8] = [
    2.4606567533111234,
    -0.09991152648974888,
    0.400449141492603,
    0.07595940848451785,
    0.03045712727501354,
    0.011286906742687192,
    0.003873563703716153,
    0.0012058026225861191,
];
const GELU_TANH_F64: [f64; 16] = [
    2.4606567646302393,
    -0.09991152322555423,
    0.4004476935340467,
    0.07595899090766392,
    0.030485990571999834,
    0.01129523236877602,
    0.0036903772974908066,
    0.0011529346040493836,
    0.0003565118525302021,
    0.00010306809828057373,
    2.8083983513908846e-05,
    7.611094672874378e-06,
    2.003495259479501e-06,
    4.996702788354536e-07,
    1.3001335209709432e-07,
    3.1588222456979274e-08,
];
const MISH_ROOT: [f64; 2] = [1.1924312145154952, 4.8484829848031044e-17];
const MISH_F32: [f64; 9] = [
    6.407964080090054,
    2.2632073536191153,
    1.286182271699673,
    0.5578227455404654,
    0.2085359190123522,
    0.07162142903480154,
    0.023229779378165758,
    0.007461104796525774,
    0.0021492738340633593,
];
const MISH_F64: [f64; 16] = [
    6.407964080090054,
    2.2632074335192134,
    1.2861822919773485,
    0.5578184890230972,
    0.20853483861065436,
    0.07168253540435732,
    0.023245295380214057,
    0.007137524697858699,
    0.0020670391695502203,
    0.0005622392662269221,
    0.0001432914982796295,
    3.4192874673030314e-05,
    7.639430314187706e-06,
    1.6022531872371688e-06,
    3.2639567067348e-07,
    6.039258279966136e-08,
];
