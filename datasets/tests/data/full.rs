//! The full MNIST, where FANIN_DATA names it.

use std::env;
use std::path::Path;

use crate::common::{NAMES, TempDir};
use fanin_datasets::idx::{self, Idx, IdxData};
use fanin_datasets::{Error, mnist_from};

#[test]
fn the_full_set_is_read_whole() {
    let Some(named) = env::var_os("FANIN_DATA").filter(|value| !value.is_empty()) else {
        eprintln!("skipped: FANIN_DATA is not set");
        return;
    };
    // Tests run in their package's directory, the variable may have been meant from the root.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let directory = Path::new(&named);
    let from_root = root.join(directory);
    let (train, test) =
        mnist_from(if directory.is_dir() { directory } else { &from_root }).unwrap();

    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!(train.labels()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(test.labels()[..5], [7, 2, 1, 0, 4]);
    assert!(train.provenance().to_string().ends_with(" (60,000 training images)"));
    assert_eq!(train.batches(64).len(), 938);

    // The figures that normalization of MNIST is always done with.
    let sum: u64 = (0..train.len()).flat_map(|i| train.image(i)).map(|&p| u64::from(p)).sum();
    assert_eq!(format!("{:.4}", sum as f64 / 255.0 / (60_000.0 * 784.0)), "0.1307");
}

/// A bit of the labels, and the labels of another set.
#[test]
fn a_changed_label_is_noticed() {
    let Some(named) = env::var_os("FANIN_DATA").filter(|value| !value.is_empty()) else {
        eprintln!("skipped: FANIN_DATA is not set");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let named = Path::new(&named);
    let named = if named.is_dir() { named.to_owned() } else { root.join(named) };
    let copy = TempDir::new();
    for name in NAMES {
        let file = format!("{name}.gz");
        std::fs::copy(named.join(&file), copy.path().join(&file)).unwrap();
    }
    let file = copy.path().join(format!("{}.gz", NAMES[3]));
    let (shape, labels) = idx::read(&file).unwrap().into_parts();
    let IdxData::U8(mut labels) = labels else { panic!("labels are u8") };
    labels[17] = (labels[17] + 1) % 10;
    std::fs::remove_file(&file).unwrap();
    Idx::new(shape, IdxData::U8(labels)).save(&file).unwrap();
    let error = mnist_from(copy.path()).unwrap_err();
    assert!(matches!(error, Error::NotOfSet { set: "MNIST", .. }), "{error}");
    assert!(error.to_string().contains("holds labels whose checksum is "), "{error}");

    let error = fanin_datasets::fashion_mnist_from(&named).unwrap_err();
    assert!(error.to_string().contains("holds the images of MNIST, not those of Fashion-MNIST"));
}
