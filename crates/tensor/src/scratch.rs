//! Memory that a thread keeps for what kernels need beside their results, so that a steady training step
//! allocates nothing.

use std::cell::RefCell;
use std::mem::MaybeUninit;

/// Types of which any bytes are a value.
///
/// # Safety
/// This must be true of the type.
pub unsafe trait Plain: Copy {}
// SAFETY: any bytes are a float or an integer.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for usize {}

/// 64 bytes, aligned.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "memory alone")] [u64; 8]);

/// Larger memory is given back at once: 2 MiB. Each call inside another keeps as much.
const KEPT: usize = 1 << 15;

thread_local! {
    /// What no call has borrowed at the moment.
    static FREE: RefCell<Vec<Vec<CacheLine>>> = const { RefCell::new(vec![]) };
}

/// Lends `len` elements to `f`. They hold zeros, or what an earlier call has left.
///
/// A thread that ends may have dropped its memory already: then there is new memory.
pub fn with<T: Plain, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    let needed = (len * size_of::<T>()).div_ceil(size_of::<CacheLine>());
    let kept = needed <= KEPT;
    // What is not kept does not use up what is: a call inside this one would have to ask for memory.
    let free = || FREE.try_with(|free| free.borrow_mut().pop()).ok().flatten();
    let mut lines = if kept { free().unwrap_or_default() } else { vec![] };
    if lines.len() < needed {
        lines.reserve_exact(needed - lines.len());
        lines.resize(needed, CacheLine([0; 8]));
    }
    // SAFETY: any bytes are a valid `MaybeUninit`.
    let elements = unsafe { lines.align_to_mut::<MaybeUninit<T>>().1 };
    // SAFETY: any bytes are a T. The memory has been written, by `resize` or as elements.
    let elements = unsafe { &mut *(&raw mut elements[..len] as *mut [T]) };
    let result = f(elements);
    if kept {
        let _ = FREE.try_with(|free| free.borrow_mut().push(lines));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_inside_each_other_have_memory_of_their_own() {
        with(100, |outer: &mut [f32]| {
            outer.fill(1.0);
            with(50, |inner: &mut [f64]| inner.fill(2.0));
            assert_eq!(outer, [1.0; 100]);
        });
        with(0, |none: &mut [f32]| assert!(none.is_empty()));
    }

    #[test]
    fn memory_that_is_too_large_to_keep_leaves_what_is_kept_to_others() {
        let kept = || FREE.with_borrow(|free| free.iter().map(Vec::len).collect::<Vec<_>>());
        with(16, |_: &mut [f32]| {});
        let before = kept();
        assert!(!before.is_empty());
        with(16 * KEPT + 1, |_: &mut [f32]| assert_eq!(kept(), before));
        assert_eq!(kept(), before);
    }
}
