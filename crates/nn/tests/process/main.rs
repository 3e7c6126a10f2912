//! Tests of what belongs to the process: the number of threads, and an allocator that counts.
//!
//! A test that sets the number of threads holds [`alone`], so that one of them runs at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fanin_nn::tensor::parallel::{num_threads, set_num_threads};

mod allocations;
mod dropout;
mod linear_time;
mod losses;
mod memory;
mod notes;
mod oversubscription;
mod subnormal;
mod threads;
mod unwinding;

/// Until it is dropped, no other test sets the number of threads.
struct Alone {
    _guard: MutexGuard<'static, ()>,
    threads: usize,
}

fn alone() -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Alone { _guard: guard, threads: num_threads() }
}

impl Drop for Alone {
    fn drop(&mut self) {
        set_num_threads(self.threads);
    }
}
