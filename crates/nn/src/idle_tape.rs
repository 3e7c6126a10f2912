//! The tapes of predictions. Each thread keeps its own between calls.

use std::any::Any;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use fanin_tensor::Scalar;

use crate::tape::Tape;

thread_local! {
    /// Tapes of any element type that no prediction of this thread uses at the moment.
    static IDLE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(vec![]) };
}

/// An idle tape of this thread, or a new one. Dropping it returns the tape to the thread. A module
/// that predicts inside its `forward` gets a second tape.
pub(crate) struct IdleTape<T: Scalar> {
    /// `Some` until it is dropped.
    tape: Option<Box<Tape<T>>>,
}

impl<T: Scalar> IdleTape<T> {
    pub(crate) fn take() -> Self {
        let kept = IDLE.with_borrow_mut(|idle| {
            let at = idle.iter().position(|tape| tape.is::<Tape<T>>())?;
            idle.swap_remove(at).downcast().ok()
        });
        Self { tape: Some(kept.unwrap_or_default()) }
    }
}

impl<T: Scalar> Drop for IdleTape<T> {
    fn drop(&mut self) {
        // A thread that ends may have dropped its list already. The tape is then dropped too.
        if let Some(tape) = self.tape.take() {
            let _ = IDLE.try_with(|idle| idle.borrow_mut().push(tape));
        }
    }
}

impl<T: Scalar> Deref for IdleTape<T> {
    type Target = Tape<T>;
    fn deref(&self) -> &Tape<T> {
        self.tape.as_ref().expect("not dropped yet")
    }
}

impl<T: Scalar> DerefMut for IdleTape<T> {
    fn deref_mut(&mut self) -> &mut Tape<T> {
        self.tape.as_mut().expect("not dropped yet")
    }
}
