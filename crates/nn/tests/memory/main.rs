//! Tests that count memory, in a program whose allocator counts: a steady step allocates nothing, and
//! what a model file claims costs no memory.
#![allow(unsafe_code, reason = "a global allocator cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

mod allocations;
mod checkpoint;

/// Counts, for each thread, its allocations, the bytes it has in use, and the most it had.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static USED: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator, whose contract this is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        let used = USED.get() + layout.size() as isize;
        USED.set(used);
        PEAK.set(PEAK.get().max(used));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        USED.set(USED.get() - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

/// How many allocations this thread makes.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// How many bytes this thread has in use at most, beyond what it has now.
fn peak<R>(work: impl FnOnce() -> R) -> (isize, R) {
    let before = USED.get();
    PEAK.set(before);
    let result = work();
    (PEAK.get() - before, result)
}
