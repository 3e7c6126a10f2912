//! Prediction: a tape of the thread's own, kept between calls.

use std::any::Any;
use std::cell::RefCell;

use fanin_tensor::Scalar;

use crate::Tape;

thread_local! {
    /// Tapes of any element type that no prediction of this thread uses just now.
    static IDLE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(vec![]) };
}

/// Lends a tape that this thread has used before, or a new one. A module that predicts inside its
/// `forward` gets another.
#[track_caller]
pub(crate) fn with_idle_tape<T: Scalar, R>(f: impl FnOnce(&mut Tape<T>) -> R) -> R {
    let kept = IDLE.with_borrow_mut(|idle| {
        let at = idle.iter().position(|tape| tape.is::<Tape<T>>())?;
        idle.swap_remove(at).downcast().ok()
    });
    let mut tape: Box<Tape<T>> = kept.unwrap_or_default();
    let result = f(&mut tape);
    IDLE.with_borrow_mut(|idle| idle.push(tape));
    result
}
