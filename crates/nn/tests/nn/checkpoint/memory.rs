//! A file's claims cost no memory. The allocator of the whole program counts.
#![allow(unsafe_code, reason = "a global allocator that counts cannot be written without it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::{self, File};

use fanin_nn::{Checkpoint, Linear};

use super::{Scratch, one_param, refused, sealed, sealed_f32, sealed_now, small};

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

/// How many bytes this thread has in use at most, beyond what it has at first.
pub(crate) fn peak<R>(work: impl FnOnce() -> R) -> (isize, R) {
    let before = USED.get();
    PEAK.set(before);
    let result = work();
    (PEAK.get() - before, result)
}

/// A buffer of 64 KiB, and name and shape of a parameter, of at most as much together, whose vector
/// doubles as axes arrive.
const LITTLE: isize = 256 << 10;

#[test]
fn claims_cost_no_memory() {
    const HUGE: u64 = 1 << 40;
    let scratch = Scratch::new();
    let le = |n: u64| n.to_le_bytes();
    let honest = one_param("weight", &[2, 2], &[1.0; 4]);
    let of_f32 = |parts: &[&[u8]]| sealed_f32(&parts.concat());
    let of_now = |parts: &[&[u8]]| sealed_now(&parts.concat());
    let unknown = &one_param("x", &[0], &[])[8..];
    let files = [
        // The length of the payload.
        ("was cut short", sealed(1, b"f32\0", 4 * HUGE, &honest)),
        ("was cut short", sealed(1, b"f32\0", u64::MAX, &honest)),
        // How many parameters.
        ("too short for the name and shape of parameter 1", of_f32(&[&le(HUGE), &honest[8..]])),
        ("and 99997 more", of_f32(&[&le(100_000), &unknown.repeat(100_000)])),
        // The length of a path.
        ("claims more than 65536 bytes", of_f32(&[&le(1), &le(HUGE)])),
        ("claims more than 65536 bytes", of_f32(&[&le(1), &le(u64::MAX)])),
        ("claims more than 65536 bytes", of_f32(&[&le(1), &le(8 << 20)])),
        ("claims more than 65536 bytes", of_f32(&[&le(1), &le(1 << 16)])),
        // How many axes.
        ("too short for the name and shape of parameter 0", of_f32(&[&le(1), &le(0), &le(HUGE)])),
        ("claims more than 65536 bytes", of_f32(&[&le(1), &le(0), &le(HUGE), &[1; 1 << 17]])),
        ("too short for the name", of_f32(&[&le(1), &le(0), &le(u64::MAX), &[1; 1 << 12]])),
        // How many values, of a parameter that the model has and of others.
        ("weight has 16 of 4398046511104", sealed_f32(&one_param("weight", &[HUGE], &[1.0; 4]))),
        ("too short for weight", sealed_f32(&one_param("weight", &[2, 2], &[1.0; 3]))),
        ("x has 16 of 4398046511104 bytes", sealed_f32(&one_param("x", &[HUGE], &[1.0; 4]))),
        ("no memory can hold", sealed_f32(&one_param("x", &[HUGE, HUGE], &[1.0; 4]))),
        ("no memory can hold", sealed_f32(&one_param("x", &[HUGE, HUGE, 0], &[]))),
        // How many sections, how long their names, and how long they are.
        ("for the name and length of section 0", of_now(&[&honest, &le(HUGE)])),
        ("claims more than 65536 bytes", of_now(&[&honest, &le(1), &le(HUGE)])),
        ("section 0 has 3 of 1099511627776", of_now(&[&honest, &le(1), &le(0), &le(HUGE), b"abc"])),
        ("the name of another", of_now(&[&honest, &le(2), &[0; 32]])),
        // How long a text is in a section.
        (
            "section provenance: it claims more bytes than there are",
            of_now(&[&honest, &le(1), &le(10), b"provenance", &le(16), &le(1), &le(HUGE)]),
        ),
    ];
    for (says, bytes) in files {
        let path = scratch.with("model.fanin", &bytes);
        let mut model = Linear::builder(2, 2).no_bias().build();
        let (peak, result) = peak(|| model.load(&path));
        let error = result.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(peak < LITTLE, "{error}: {peak} bytes");
        refused(&mut model, &path);
    }
    // Size without content costs a file nothing either.
    let path = scratch.file("sparse.fanin");
    fs::write(&path, sealed(1, b"f32\0", (64 << 20) - 32, &[])).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(64 << 20).unwrap();
    let (peak, _) = peak(|| refused(&mut small(), &path));
    assert!(peak < LITTLE, "{peak} bytes");
}

#[test]
fn loading_takes_the_model_once_more_and_saving_nothing() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let mut model = Linear::new(1_000, 1_000);
    let (saving, saved) = peak(|| model.save(&path));
    saved.unwrap();
    assert!(saving < LITTLE, "{saving} bytes");
    let (loading, loaded) = peak(|| model.load(&path));
    loaded.unwrap();
    assert!((4_000_000..4_004_000 + LITTLE).contains(&loading), "{loading} bytes");
}
