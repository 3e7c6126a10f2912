//! A file of images and the file of their labels.
#![no_main]

use std::fs;

use fanin_datasets::Dataset;
use fanin_fuzz::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&[u8], &[u8], u8)| {
    let (images, labels, classes) = data;
    let directory = std::env::temp_dir().join(format!("fanin-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let [a, b] = ["images", "labels"].map(|name| directory.join(name));
    fs::write(&a, images).unwrap();
    fs::write(&b, labels).unwrap();
    let packed = images.starts_with(&[0x1f, 0x8b]) || labels.starts_with(&[0x1f, 0x8b]);
    let len = images.len() + labels.len();
    let most = if packed { 2_100 * len } else { 4 * len } + (512 << 10);
    if let Ok(set) = within(most, || Dataset::from_idx(&a, &b, usize::from(classes))) {
        assert!(set.labels().iter().all(|&label| label < classes));
        let (x, y) = set.tensors();
        assert_eq!(x.shape()[0], y.len());
    }
});
