//! Activations that scale their argument. The scaled argument is a number in two parts, because an
//! exponential multiplies a rounding error of its argument by the argument.

use fanin_tensor::Scalar;
use fanin_tensor::simd::Isa;
use fanin_tensor::vmath::product;

use super::c;
use super::tails::Double;

/// The number, or one so far below 0 that its exponential is 0. Keeps ∞ out of products with 0.
#[inline(always)]
fn not_far_below<T: Scalar>([high, low]: Double<T>) -> Double<T> {
    let lowest = c(if T::IS_F32 { -250.0 } else { -1100.0 });
    let low = if low.abs() < T::ONE { low } else { T::ZERO };
    if high < lowest { [lowest, T::ZERO] } else { [high, low] }
}

/// `x / α`, for α > 0.
#[inline(always)]
fn quotient<T: Scalar, I: Isa>(x: T, alpha: T) -> Double<T> {
    let high = x / alpha;
    let [whole, rest] = product::<I, T>(high, alpha);
    not_far_below([high, ((x - whole) - rest) / alpha])
}

/// `β x`.
#[inline(always)]
fn multiple<T: Scalar, I: Isa>(x: T, beta: T) -> Double<T> {
    not_far_below(product::<I, T>(beta, x))
}

/// `α (e^{x/α} − 1)`, and x above 0.
#[inline(always)]
pub(super) fn celu<T: Scalar, I: Isa>(x: T, alpha: T) -> T {
    let [q, low] = quotient::<T, I>(x, alpha);
    let less_1 = q.vexpm1::<I>();
    let below = alpha * (less_1 + low * (less_1 + T::ONE));
    // x itself near 0, where the quotient may be subnormal.
    if q > -c::<T>(0.25) * T::EPSILON { x } else { below }
}

/// `e^{x/α}`, and 1 above 0.
#[inline(always)]
pub(super) fn celu_derivative<T: Scalar, I: Isa>(x: T, alpha: T) -> T {
    let [q, low] = quotient::<T, I>(x, alpha);
    if x > T::ZERO { T::ONE } else { q.vexp_times::<I>(T::ONE + low) }
}

/// `ln(1 + e^{βx}) / β`.
#[inline(always)]
pub(super) fn softplus<T: Scalar, I: Isa>(x: T, beta: T, threshold: T) -> T {
    let [z, low] = multiple::<T, I>(x, beta);
    let near = (z.vsoftplus::<I>() + low * z.vsigmoid::<I>()) / beta;
    // e^z / β, which may be a normal number where e^z is none.
    let far = (-z.abs()).vexp_times::<I>((T::ONE + low) / beta);
    let curve = if z < c(-40.0) { far } else { near };
    if beta * x > threshold { x } else { curve }
}

/// `σ(βx)`.
#[inline(always)]
pub(super) fn softplus_derivative<T: Scalar, I: Isa>(x: T, beta: T, threshold: T) -> T {
    let [z, low] = multiple::<T, I>(x, beta);
    let s = z.vsigmoid::<I>();
    let curve = s + s * (T::ONE - s) * low;
    if beta * x > threshold { T::ONE } else { curve }
}
