//! Reading takes memory for what has arrived, not for what a header claims.
#![allow(unsafe_code, reason = "a global allocator that counts cannot be written without it")]

#[path = "data/common.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{NAMES, TempDir, idx_u8, write_small_mnist};
use fanin_datasets::augment::shift;
use fanin_datasets::idx::Reader;
use fanin_datasets::{Dataset, Error, Pipeline, Result, mnist_from};
use fanin_tensor::Tensor;
use flate2::{Compression, write::GzEncoder};

/// Counts the bytes in use, the most there have been, and all that were ever taken.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator, whose contract this is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(layout.size(), Relaxed);
        PEAK.fetch_max(USED.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
    // `realloc` stays the default: a new block, a copy, and the old block freed, the costliest way.
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most memory that a call took, beyond what was in use before, and its result.
fn peak_of<T>(call: impl FnOnce() -> T) -> (usize, T) {
    let before = USED.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = call();
    (PEAK.load(Relaxed) - before, result)
}

/// The same for reading. The result is the number of elements.
fn peak(reader: &Reader, input: impl Read) -> (usize, Result<usize>) {
    peak_of(|| reader.read_from("x", input).map(|array| array.data().len()))
}

/// A gzip file of a header and 200 MB of zeros: some 200 kB.
fn bomb(header: &[u8]) -> Vec<u8> {
    bomb_of(header, 200_000_000)
}

fn bomb_of(header: &[u8], zeros: u64) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(6));
    packed.write_all(header).unwrap();
    io::copy(&mut io::repeat(0).take(zeros), &mut packed).unwrap();
    packed.finish().unwrap()
}

const BUFFERS: usize = 256 << 10;

// One test, because all threads of this program share the counter.
#[test]
fn memory_follows_what_arrives() {
    let reader = Reader::new();
    let honest = bomb(&idx_u8(&[200_000, 1_000], &[]));
    let modest = bomb(&idx_u8(&[10], &[]));
    assert!(honest.len() < 300_000);

    let (used, read) = peak(&reader, &honest[..]);
    assert_eq!(read.unwrap(), 200_000_000);
    assert!(used <= 2 * 200_000_000 + BUFFERS, "{used} bytes");

    let (used, read) = peak(&reader.clone().limit(100_000_000), &honest[..]);
    assert!(matches!(read, Err(Error::TooLarge { limit: 100_000_000, .. })));
    assert!(used <= BUFFERS, "{used} bytes for a refusal");

    let (used, read) = peak(&reader, &modest[..]);
    assert!(matches!(read, Err(Error::TooLong { items: 10, .. })));
    assert!(used <= BUFFERS, "{used} bytes for 10 elements");

    // The header claims a billion elements, but fewer arrive.
    for arrived in [0, 1_000, 100_000, 10_000_000] {
        let plain = idx_u8(&[1_000_000_000], &vec![1; arrived]);
        let (used, read) = peak(&reader, &plain[..]);
        assert!(matches!(read, Err(Error::Truncated { .. })));
        assert!(used <= 3 * arrived + BUFFERS, "{used} bytes for {arrived}");
    }

    let (used, read) = peak(&reader, &idx_u8(&[1 << 20, 1 << 20, 1 << 20], &[])[..]);
    assert!(matches!(read, Err(Error::TooLarge { .. })));
    assert!(used <= BUFFERS, "{used} bytes for a refusal");

    // Endless inputs end too.
    assert!(matches!(peak(&reader, io::repeat(0)).1, Err(Error::NotIdx { .. })));
    let (used, read) = peak(&reader, (&idx_u8(&[5], &[])[..]).chain(io::repeat(3)));
    assert!(matches!(read, Err(Error::TooLong { .. })));
    assert!(used <= BUFFERS, "{used} bytes");

    #[cfg(feature = "csv")]
    csv_takes_a_small_multiple_of_the_file();
    a_pipeline_takes_memory_for_the_bytes_there_are();
    a_file_that_does_not_belong_takes_no_memory();
    a_pass_takes_memory_for_few_batches();
}

/// Files that are valid IDX, but unpack to much more than the data set has.
fn a_file_that_does_not_belong_takes_no_memory() {
    let images = |n: u32, rows: u32| {
        let bytes = bomb_of(&idx_u8(&[n, rows, 28], &[]), u64::from(n) * u64::from(rows) * 28);
        (NAMES[0], bytes)
    };
    let gigabyte = images(1_369_568, 28);
    assert!(gigabyte.1.len() < 1_100_000);

    // Three labels belong to the images.
    let directory = TempDir::new();
    write_small_mnist(&directory, "");
    let place = directory.write(&format!("{}.gz", gigabyte.0), &gigabyte.1);
    let labels = directory.path().join(format!("{}.gz", NAMES[1]));
    for read in [&mut || mnist_from(directory.path()).map(|(train, _)| train), &mut || {
        Dataset::from_idx(&place, &labels, 10)
    }] as [&mut dyn FnMut() -> Result<Dataset>; 2]
    {
        let (used, read) = peak_of(read);
        assert!(matches!(read, Err(Error::CountsDiffer { images: 1_369_568, labels: 3, .. })));
        assert!(used <= BUFFERS, "{used} bytes for images without labels");
    }

    for (name, bytes) in [
        images(3, 2_000_000),
        (NAMES[0], bomb(&idx_u8(&[200_000_000], &[]))),
        (NAMES[1], bomb(&idx_u8(&[200_000_000], &[]))),
        (NAMES[1], bomb(&idx_u8(&[200_000, 1_000], &[]))),
    ] {
        let directory = TempDir::new();
        write_small_mnist(&directory, "");
        directory.write(&format!("{name}.gz"), &bytes);
        let (used, read) = peak_of(|| mnist_from(directory.path()));
        assert!(matches!(read, Err(Error::Unexpected { .. } | Error::TooLarge { .. })));
        assert!(used <= BUFFERS, "{used} bytes for a {name} that is none");
    }
}

/// Files of the shortest fields are the worst.
#[cfg(feature = "csv")]
fn csv_takes_a_small_multiple_of_the_file() {
    use fanin_datasets::csv::Csv;

    let distinct = |i: usize| {
        let digit = |place: u32| char::from(b'a' + (i / 26usize.pow(place) % 26) as u8);
        format!("{}{}{}{}\n", digit(0), digit(1), digit(2), digit(3))
    };
    let files = [
        ("numbers", "1\n".repeat(500_000)),
        ("missing", ",,,,,,,,,\n".repeat(100_000)),
        ("few texts", "a\nb\n".repeat(250_000)),
        ("many texts", (0..200_000).map(distinct).collect()),
        ("long fields", format!("{},b\n", "x".repeat(1_000)).repeat(1_000)),
        ("columns", format!("{}1\n", "1,".repeat(60_000)).repeat(4)),
        ("one field", "x".repeat(1_000_000)),
    ];
    for (name, text) in files {
        let (used, read) = peak_of(|| Csv::new().header(false).read_from("x", text.as_bytes()));
        let columns = 65_536 * 128;
        let most = 32 * text.len() + BUFFERS + if name == "columns" { columns } else { 0 };
        assert!(read.is_ok() && used <= most, "{name}: {used} bytes for {}", text.len());
        println!("{name}: {:.1} bytes for one", used as f64 / text.len() as f64);
    }
    // A small gzip file that unpacks to gigabytes takes the limit.
    let packed = bomb(b"a\n");
    let (used, read) = peak_of(|| Csv::new().limit(1 << 20).read_from("x", &packed[..]));
    assert!(matches!(read, Err(Error::TooLarge { .. })));
    assert!(used <= 4 * (1 << 20) + BUFFERS, "{used} bytes for a refusal");
}

/// Pipelines whose checksum is right, and whose lengths are claims.
fn a_pipeline_takes_memory_for_the_bytes_there_are() {
    let number = |n: u64| n.to_le_bytes().to_vec();
    for claim in [1 << 10, 1 << 20, 1 << 23, 1 << 40, u64::MAX] {
        let [inputs, name] = [number(claim), [number(1), number(claim), b"abc".to_vec()].concat()];
        for payload in [inputs, name] {
            let lengths = [number(payload.len() as u64), number(0)].concat();
            let rest = [lengths, payload].concat();
            let mut crc = flate2::Crc::new();
            crc.update(&rest);
            let header = [&b"\x8Ffpipe\n\0\x01\0\0\0"[..], &crc.sum().to_le_bytes()].concat();
            let bytes = [header, rest].concat();
            let (used, read) = peak_of(|| Pipeline::from_bytes(&bytes));
            assert!(matches!(read, Err(Error::NotAPipeline { .. })), "{read:?}");
            // Serde takes up to 1 MiB for the elements that a sequence claims.
            assert!(used <= (1 << 20) + BUFFERS, "{used} bytes for a claim of {claim}");
        }
    }
}

/// A pass of any length has the memory of few batches: two that a tape holds by turns, and one more
/// that a thread makes ahead.
fn a_pass_takes_memory_for_few_batches() {
    const PIXELS: usize = 100 * 1_000 * size_of::<f32>();
    let data = Dataset::from_parts(vec![7; 3_000_000], 1_000, vec![0; 3_000], 1).unwrap();
    let taken = |batches: &mut dyn Iterator<Item = (Tensor, Vec<usize>)>| {
        let before = TAKEN.load(Relaxed);
        let mut held = Tensor::default();
        batches.for_each(|(x, _)| held = x);
        TAKEN.load(Relaxed) - before
    };
    // Beside the pixels: the labels of 30 batches, a thread and its generator.
    let rest = 30 * 100 * size_of::<usize>() + 20_000;
    assert!(rest < PIXELS / 2);

    let (used, last) = peak_of(|| taken(&mut data.batches(100)));
    assert!(last <= 2 * PIXELS + rest && used <= 2 * PIXELS + rest, "{last} taken");
    let augmented = || data.batches(100).augment(shift(1));
    let (used, last) = peak_of(|| taken(&mut augmented().prefetch()));
    assert!(last <= 3 * PIXELS + rest && used <= 3 * PIXELS + rest, "{last} taken");

    // The thread shares the bytes of the set.
    let (used, whole) = peak_of(|| data.batches(1).prefetch().count());
    assert_eq!(whole, 3_000);
    assert!(used <= 3 * PIXELS / 100 + 20_000, "{used} bytes");
}
