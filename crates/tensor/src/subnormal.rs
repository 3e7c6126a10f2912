//! Subnormal numbers, which are slow on many CPUs.
//!
//! A subnormal number is not 0 and smaller than [`Scalar::MIN_POSITIVE`] (about 1e-38 for `f32`). A vector
//! instruction that multiplies to one, or that takes one, costs some 150 cycles on Intel's CPUs. Training
//! tends towards them: a momentum whose gradient is 0 decays, and `0.9 · v` of the smallest numbers
//! rounds to v, so that it stays subnormal for ever.
//!
//! The CPU can be told to take subnormal numbers for 0. But Rust code must not change this mode:
//! [the behaviour is undefined](https://doc.rust-lang.org/core/arch/x86_64/fn._mm_setcsr.html), as the
//! compiler assumes the default when it moves or evaluates arithmetic. So a training step replaces tiny
//! numbers by 0 where it stores them: gradients between operations, and what an optimizer keeps.
//!
//! The limits are above the smallest normal number, so that the next product is not subnormal either.
//! Functions, products and arithmetic of tensors keep subnormal arguments and results.

use crate::Scalar;
use crate::map::update;
use crate::once::once;

/// `2²⁶` times the smallest normal number: 8e-31 for `f32`. Gradients and parameters below it count as 0
/// in training.
///
/// A product with a factor of at least 1.5e-8, such as a weight, a learning rate or a weight decay, is
/// not subnormal then.
#[inline(always)]
pub fn limit<T: Scalar>() -> T {
    T::MIN_POSITIVE * T::from_f64(67_108_864.0)
}

once! {
    /// `x ← 0` where `|x| < limit`.
    ///
    /// # Example
    /// ```
    /// let mut x = [1.0f32, -1e-39, 1e-30, f32::NAN];
    /// fanin_tensor::subnormal::flush(&mut x, 1e-35);
    /// assert!(x[..3] == [1.0, 0.0, 1e-30] && x[3].is_nan());
    /// ```
    pub fn flush(x: &mut [T], limit: T) = flush_generic;
}

fn flush_generic<T: Scalar>(x: &mut [T], limit: T) {
    update([x], [], move |[x], []| [x.zero_below(limit)]);
}
