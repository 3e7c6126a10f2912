//! loom's types in place of those that `crates/tensor/src/parallel/sync.rs` takes from `std`.

pub(super) use loom::hint::spin_loop;
pub(super) use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub(super) use loom::sync::{Mutex, MutexGuard};
pub(super) use loom::thread::{Builder, JoinHandle, park, yield_now};

use std::time::Duration;

/// A worker looks for a call once before it sleeps. More looks are the same steps again.
pub(super) const SPINS: u32 = 1;

/// A clock that stands still: what a model does must depend on the order of its threads alone.
pub(super) struct Instant;

impl Instant {
    pub(super) fn now() -> Self {
        Self
    }
    pub(super) fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

macro_rules! constant {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}
pub(super) use constant;

macro_rules! array {
    ($value:expr; $n:expr) => {
        std::array::from_fn(|_| $value)
    };
}
pub(super) use array;
