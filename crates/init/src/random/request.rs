//! Requests to a [`TorchRng`](crate::TorchRng) that stands behind other generators.
//!
//! PyTorch keeps the second number of a Box–Muller pair in its generator. So an initializer that
//! draws fewer than 16 normals needs a field of the `TorchRng`. But it has a `&mut dyn RngCore`,
//! which may be a wrapper around the `TorchRng`, and a trait object cannot be asked for its type.
//!
//! `fill_bytes(&mut [])` is the one call that draws nothing and that every wrapper passes on. A
//! [`Request`] is put into a thread-local cell, that call is made, and a `TorchRng` that gets it
//! answers in the cell. Any other generator does nothing, and the request stays unanswered.

use std::cell::Cell;

use rand::RngCore;

/// What is asked of the generator that gets an empty `fill_bytes`.
#[derive(Clone, Copy)]
enum Request {
    /// Nothing: the call was made by somebody else.
    Nothing,
    /// Give the spare normal away.
    TakeSpare,
    /// Keep this spare normal.
    KeepSpare(f64),
    /// The answer to `TakeSpare`.
    Spare(Option<f64>),
}

thread_local! {
    static REQUEST: Cell<Request> = const { Cell::new(Request::Nothing) };
}

impl Request {
    /// Puts the request to the generator; what is in the cell afterwards.
    fn send(self, rng: &mut dyn RngCore) -> Request {
        /// Clears the cell even if the generator panics.
        struct Clear;
        impl Drop for Clear {
            fn drop(&mut self) {
                REQUEST.set(Request::Nothing);
            }
        }
        let _clear = Clear;
        REQUEST.set(self);
        rng.fill_bytes(&mut []);
        REQUEST.get()
    }
}

/// Removes the spare normal from the generator. `None` if it has none, or is no `TorchRng`.
pub(crate) fn take_spare(rng: &mut dyn RngCore) -> Option<f64> {
    match Request::TakeSpare.send(rng) {
        Request::Spare(spare) => spare,
        _ => None,
    }
}

/// Leaves a spare normal in the generator. A generator that is no `TorchRng` ignores it.
pub(crate) fn give_spare(rng: &mut dyn RngCore, spare: f64) {
    Request::KeepSpare(spare).send(rng);
}

/// What a `TorchRng` does when `fill_bytes` asks for no bytes.
pub(super) fn answer(spare: &mut Option<f64>) {
    match REQUEST.get() {
        Request::TakeSpare => REQUEST.set(Request::Spare(spare.take())),
        Request::KeepSpare(given) => {
            REQUEST.set(Request::Nothing);
            *spare = Some(given);
        }
        Request::Nothing | Request::Spare(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorchRng;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn a_spare_passes_through_any_wrapping() {
        let mut rng = TorchRng::seed(3);
        let before = rng.clone();
        {
            let mut once: &mut TorchRng = &mut rng;
            let mut boxed: Box<dyn RngCore + '_> = Box::new(&mut once);
            give_spare(&mut boxed, 0.25);
        }
        assert_eq!(rng.spare, Some(0.25));
        assert_eq!(take_spare(&mut &mut rng), Some(0.25));
        assert_eq!(take_spare(&mut rng), None);
        assert_eq!(rng, before, "no word was drawn");
    }

    #[test]
    fn other_generators_neither_see_nor_leak_a_spare() {
        let mut other = StdRng::seed_from_u64(1);
        let before = other.clone();
        give_spare(&mut other, 0.5);
        assert_eq!(take_spare(&mut other), None);
        assert_eq!(other, before);
        // The number that the other generator was offered does not appear here.
        let mut torch = TorchRng::seed(1);
        assert_eq!(take_spare(&mut torch), None);
        give_spare(&mut torch, 0.75);
        // A program's own empty `fill_bytes` is not taken for a request.
        torch.fill_bytes(&mut []);
        assert_eq!(torch.spare, Some(0.75));
    }

    #[test]
    fn a_panic_withdraws_the_question() {
        struct Broken;
        impl RngCore for Broken {
            fn next_u32(&mut self) -> u32 {
                0
            }
            fn next_u64(&mut self) -> u64 {
                0
            }
            fn fill_bytes(&mut self, _: &mut [u8]) {
                panic!("broken");
            }
        }
        assert!(std::panic::catch_unwind(|| give_spare(&mut Broken, 0.5)).is_err());
        let mut torch = TorchRng::seed(1);
        torch.fill_bytes(&mut []);
        assert_eq!(torch.spare, None);
    }
}
