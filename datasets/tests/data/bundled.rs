//! The digits that the crate carries.

use std::fs;
use std::path::Path;

use fanin_datasets::{Dataset, mnist_bundled};
use sha2::{Digest, Sha256};

#[test]
fn the_files_are_the_ones_that_were_checked() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("mnist-5k");
    let sums = fs::read_to_string(directory.join("SHA256SUMS")).unwrap();
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    assert_eq!(sums.lines().count(), 4);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = fs::read(directory.join(name)).unwrap();
        let found: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(found, sum, "{name}");
        let row = readme.lines().find(|row| row.starts_with(&format!("| {name} ")));
        assert!(row.is_some_and(|row| row.contains(sum)), "{name} in README.md");
    }
}

fn per_digit(data: &Dataset) -> [usize; 10] {
    let mut counts = [0; 10];
    data.labels().iter().for_each(|&label| counts[usize::from(label)] += 1);
    counts
}

#[test]
fn there_are_as_many_of_each_digit_as_the_readme_says() {
    let (train, test) = mnist_bundled();
    assert_eq!((train.len(), test.len()), (4_000, 1_000));
    assert_eq!((per_digit(&train), per_digit(&test)), ([400; 10], [100; 10]));
    assert!(train.labels().is_sorted() && test.labels().is_sorted());
    for data in [&train, &test] {
        assert_eq!((data.image_shape(), data.classes()), (&[28, 28][..], 10));
        let provenance = data.provenance();
        assert_eq!(provenance.to_string(), "bundled MNIST subset (4,000 + 1,000 images)");
        assert!(provenance.is_bundled() && provenance.path().is_none());
    }
}

#[test]
fn the_images_are_digits() {
    // The statistics of the whole of MNIST are 0.1307 and 0.3081.
    let (x, _) = mnist_bundled().0.tensors();
    let n = x.len() as f64;
    let mean = x.as_slice().iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let square = x.as_slice().iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
    let std = (square - mean * mean).sqrt();
    assert!((mean - 0.1307).abs() < 0.003 && (std - 0.3081).abs() < 0.003, "{mean} {std}");
}
