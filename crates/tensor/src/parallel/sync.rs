//! What the pool takes from the standard library.
//!
//! The pool names nothing else of `std` that has to do with threads or shared memory. So
//! `crates/tensor/loom` compiles the same `pool.rs` with loom's types in their place, and loom tries the
//! orders in which threads can run.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};
pub(super) use std::thread::{Builder, JoinHandle, park, yield_now};
pub(super) use std::time::Instant;

/// How long an idle thread spins at most before it sleeps, in pauses of some 30 ns.
pub(super) const SPINS: u32 = 8_000;

/// A function that a static may call. Loom's types have none.
macro_rules! constant {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}
pub(super) use constant;

/// An array of equal values that are not `Copy`.
macro_rules! array {
    ($value:expr; $n:expr) => {
        [const { $value }; $n]
    };
}
pub(super) use array;
