//! What several tests share.
#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::{Compression, write::GzEncoder};

/// A directory of its own for a test, gone when the test ends.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fanin-test-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// The bytes of an IDX file of u8.
pub fn idx_u8(shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

/// The names of the four files.
pub const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The unpacked contents of a small MNIST: 3 images to train on, 2 to test on.
pub fn small_mnist() -> [Vec<u8>; 4] {
    let images = |n: u32| {
        let mut pixels = vec![7; n as usize * 784];
        pixels[0] = 8; // an image that is all the same is none
        idx_u8(&[n, 28, 28], &pixels)
    };
    [images(3), idx_u8(&[3], &[5, 0, 9]), images(2), idx_u8(&[2], &[1, 2])]
}

/// Writes a small MNIST, gzip, into a directory.
pub fn write_small_mnist(directory: &TempDir, below: &str) {
    for (name, bytes) in NAMES.iter().zip(small_mnist()) {
        directory.write(&format!("{below}{name}.gz"), &gzip(&bytes));
    }
}

/// The bits of a tensor's elements.
pub fn bits(x: &fanin_tensor::Tensor) -> Vec<u32> {
    x.as_slice().iter().map(|v| v.to_bits()).collect()
}

/// The message of a panic, and the file and line it names.
pub fn panic_of<T>(f: impl FnOnce() -> T) -> (String, String, u32) {
    thread_local! {
        static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            PLACE.set(place);
            usual(info);
        }));
    });
    let message = message_of(f);
    let (file, line) = PLACE.take().expect("a place");
    (message, file, line)
}

/// The message of a panic, wherever it began.
pub fn message_of<T>(f: impl FnOnce() -> T) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(f)).err().expect("a panic");
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|&m| m.to_owned()));
    message.expect("a text")
}
