//! What the fuzz targets share: memory that is counted, and models to read into.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use fanin_nn::{Parameters, Scalar};

/// Counts what each thread has in use, and the most it had.
struct Counting;

thread_local! {
    static USED: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator, whose contract this is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work`, which may have at most `bytes` in use beyond what is in use before.
#[track_caller]
pub fn within<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    let before = USED.get();
    PEAK.set(before);
    let result = work();
    let used = PEAK.get() - before;
    assert!(used <= bytes as isize, "{used} bytes in use, more than {bytes}");
    result
}

/// Every bit of a model.
pub fn bits<T: Scalar>(model: &(impl Parameters<T> + ?Sized)) -> Vec<u64> {
    let params = model.named_params().into_iter();
    params.flat_map(|(_, p)| p.value().as_slice().iter().map(|v| v.to_f64().to_bits())).collect()
}
