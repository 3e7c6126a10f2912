//! What a loss asks of its inputs. All panic at the caller's line.

use fanin_tensor::{Scalar, Tensor, show_shape};

use super::fit::check_targets;
use crate::ops::bad_shapes;
use crate::tape::Var;

/// Checks that a target has the shape of the prediction.
///
/// # Panics
/// **Panics** if the shapes differ: broadcasting would hide a mistake.
#[track_caller]
pub(super) fn require_shape<T: Scalar>(
    loss: &'static str,
    prediction: Var<'_, T>,
    target: &[usize],
) {
    let shape = prediction.shape();
    if *shape != *target {
        bad_target(loss, &shape, target);
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_target(loss: &str, prediction: &[usize], target: &[usize]) -> ! {
    // Only axes of length 1 may differ: a transposed target would be reshaped to a wrong one.
    let longer =
        |shape: &[usize]| -> Vec<_> { shape.iter().copied().filter(|&n| n != 1).collect() };
    let why = "prediction and target must have one shape";
    if longer(prediction) != longer(target) {
        bad_shapes(loss, prediction, target, why);
    }
    let why = format!("{why}; reshape the target to {}", show_shape(prediction));
    bad_shapes(loss, prediction, target, &why)
}

/// [`require_shape`], and the doctor's look at the targets of a regression.
#[track_caller]
pub(super) fn require_fit<T: Scalar>(
    loss: &'static str,
    prediction: Var<'_, T>,
    target: Var<'_, T>,
) {
    require_shape(loss, prediction, &target.shape());
    check_targets(loss, prediction, target);
}

/// Checks that two inputs have one shape.
#[track_caller]
pub(super) fn require_same<T: Scalar>(loss: &'static str, a: Var<'_, T>, b: Var<'_, T>) {
    let (a, b) = (a.shape(), b.shape());
    if a != b {
        bad_shapes(loss, &a, &b, "both inputs must have one shape");
    }
}

/// Checks that every target is in \[0, 1\].
#[track_caller]
pub(super) fn require_probabilities<T: Scalar>(loss: &'static str, target: &Tensor<T>) {
    let fits = |t: T| t >= T::ZERO && t <= T::ONE;
    if let Some(at) = target.as_slice().iter().position(|&t| !fits(t)) {
        bad_element(loss, "the target", target, at, "is outside [0, 1]");
    }
}

/// Checks that every target is −1 or 1.
#[track_caller]
pub(super) fn require_signs<T: Scalar>(loss: &'static str, target: &Tensor<T>) {
    if let Some(at) = target.as_slice().iter().position(|t| t.abs() != T::ONE) {
        bad_element(loss, "the target", target, at, "is neither 1 nor -1");
    }
}

/// Checks that every target is 0 or 1.
#[track_caller]
pub(super) fn require_bits<T: Scalar>(loss: &'static str, target: &Tensor<T>) {
    if let Some(at) = target.as_slice().iter().position(|&t| t != T::ZERO && t != T::ONE) {
        bad_element(loss, "the target", target, at, "is neither 0 nor 1");
    }
}

/// Panics because of an element: names its place and value.
#[cold]
#[inline(never)]
#[track_caller]
pub(super) fn bad_element<T: Scalar>(
    loss: &str,
    what: &str,
    tensor: &Tensor<T>,
    index: usize,
    why: &str,
) -> ! {
    let (mut place, mut rest) = (vec![], index);
    for &length in tensor.shape().iter().rev() {
        place.insert(0, rest % length);
        rest /= length;
    }
    panic!("{loss}: {what} {} at {place:?} {why}", tensor.as_slice()[index])
}

/// Checks that there is a weight for each column, or one for all.
#[track_caller]
pub(super) fn require_columns<T: Scalar>(
    loss: &'static str,
    prediction: Var<'_, T>,
    weights: &[f64],
) {
    let shape = prediction.shape();
    if weights.len() != 1 && shape.last() != Some(&weights.len()) {
        bad_shapes(
            loss,
            &shape,
            &[weights.len()],
            "there must be a weight per class, or one for all",
        );
    }
}

/// Checks an option when it is set.
#[track_caller]
pub(super) fn require_weights(loss: &str, what: &str, weights: &[f64]) {
    if let Some(w) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        panic!("{loss}: a {what} of {w} is negative or not finite");
    }
}

/// Checks an option when it is set.
#[track_caller]
pub(super) fn require_finite(loss: &str, what: &str, value: f64) {
    assert!(value.is_finite(), "{loss}: a {what} of {value} is not finite");
}
