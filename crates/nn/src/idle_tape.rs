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

/// Frees the memory that the calling thread keeps for its next [`predict`](crate::Module::predict).
///
/// A thread keeps up to 16 MiB without that, and what two large predictions in a row needed: see
/// [`Tape`](crate::Tape#memory). When it ends it keeps nothing. Kernels keep up to 2 MiB of their own, and
/// for halves of long sums as much again; these stay.
///
/// # Example
/// ```
/// use fanin_nn::{Linear, Module, Tensor};
///
/// let (model, x) = (Linear::new(8, 8), Tensor::ones([4096, 8]));
/// let y = model.predict(&x);
/// fanin_nn::release_memory();
/// assert_eq!(model.predict(&x), y);
/// ```
#[doc(alias("empty_cache", "shrink_to_fit"))]
pub fn release_memory() {
    // A thread that ends may have dropped its list already.
    let tapes = IDLE.try_with(RefCell::take);
    drop(tapes);
}

/// An idle tape of this thread, or a new one. Dropping it returns the tape to the thread. A module
/// that predicts inside its `forward` gets a second tape.
pub(crate) struct IdleTape<T: Scalar> {
    /// `Some` until it is dropped.
    tape: Option<Box<Tape<T>>>,
}

impl<T: Scalar> IdleTape<T> {
    pub(crate) fn take() -> Self {
        // A thread that ends may have dropped its list already. A destructor that predicts then gets a
        // new tape.
        let kept = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            let at = idle.iter().position(|tape| tape.is::<Tape<T>>())?;
            idle.swap_remove(at).downcast().ok()
        });
        Self { tape: Some(kept.ok().flatten().unwrap_or_default()) }
    }
}

impl<T: Scalar> Drop for IdleTape<T> {
    fn drop(&mut self) {
        let Some(mut tape) = self.tape.take() else { return };
        // After a panic in `forward` the tape still shares parameters.
        tape.end_without_result();
        let _ = IDLE.try_with(|idle| idle.borrow_mut().push(tape));
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
