//! Where a thread packs. It is kept, so that a steady training step allocates nothing.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use crate::Scalar;

thread_local! {
    static MEMORY: RefCell<Vec<CacheLine>> = const { RefCell::new(vec![]) };
}

/// 64 bytes, aligned.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "memory alone")] [u64; 8]);

/// Lends the thread's memory: at least `len` elements.
///
/// A thread that ends may have dropped it already: then there is new memory.
pub(super) fn with_memory<T: Scalar>(len: usize, f: impl FnOnce(&mut [MaybeUninit<T>])) {
    let lines = (len * size_of::<T>()).div_ceil(size_of::<CacheLine>());
    let mut memory = MEMORY.try_with(RefCell::take).unwrap_or_default();
    if memory.len() < lines {
        memory.resize(lines, CacheLine([0; 8]));
    }
    // SAFETY: any bytes are a valid `MaybeUninit`.
    f(unsafe { memory.align_to_mut::<MaybeUninit<T>>().1 });
    let _ = MEMORY.try_with(|kept| kept.replace(memory));
}
