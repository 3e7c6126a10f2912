//! The four small tables have scikit-learn's numbers, by golden/tabular.txt.

use std::fs;
use std::path::Path;

use fanin_datasets::{Table, Targets, Tensor, breast_cancer, diabetes, iris, wine};
use sha2::{Digest, Sha256};

const GOLDEN: &str = include_str!("../../golden/tabular.txt");

/// The words of each line that starts so.
fn golden(start: &str) -> Vec<Vec<&'static str>> {
    let lines = GOLDEN.lines().filter_map(|line| line.strip_prefix(start)?.strip_prefix(' '));
    let lines: Vec<_> = lines.map(|line| line.split(' ').collect()).collect();
    assert!(!lines.is_empty(), "{start}");
    lines
}

/// Inputs with the targets as a last column.
fn columns<Y: Targets>(table: &Table<Y>, y: &[f32]) -> Vec<Vec<f64>> {
    let x = table.inputs().as_slice().chunks(table.features());
    assert_eq!(y.len(), table.len());
    x.zip(y).map(|(row, &y)| row.iter().chain([&y]).map(|&v| f64::from(v)).collect()).collect()
}

fn compare<Y: Targets>(name: &str, table: &Table<Y>, y: &[f32]) {
    let rows = columns(table, y);
    let shape = golden(&format!("shape {name}"));
    assert_eq!(shape, [[rows.len().to_string(), table.features().to_string()]]);

    let numbers =
        |words: &[&str]| words.iter().map(|w| w.parse::<f64>().unwrap()).collect::<Vec<_>>();
    for line in golden(&format!("row {name}")) {
        let (row, values) = line.split_first().unwrap();
        let want: Vec<f64> = numbers(values).iter().map(|&v| f64::from(v as f32)).collect();
        assert_eq!(rows[row.parse::<usize>().unwrap()], want, "{name}, row {row}");
    }
    let [mean, std] = ["mean", "std"].map(|what| numbers(&golden(&format!("{what} {name}"))[0]));
    for j in 0..mean.len() {
        let n = rows.len() as f64;
        let found = rows.iter().map(|row| row[j]).sum::<f64>() / n;
        let deviation = (rows.iter().map(|row| (row[j] - found).powi(2)).sum::<f64>() / n).sqrt();
        assert!((found - mean[j]).abs() <= 1e-6 * mean[j].abs(), "{name}, mean {j}: {found}");
        assert!((deviation - std[j]).abs() <= 1e-6 * std[j], "{name}, std {j}: {deviation}");
    }
    let names = golden(&format!("names {name}"))[0].join(" ");
    assert_eq!(table.feature_names().join("|"), names);
}

#[test]
fn they_have_scikit_learns_numbers() {
    for (name, table) in [("iris", iris()), ("wine", wine()), ("breast_cancer", breast_cancer())] {
        let y: Vec<f32> = table.labels().iter().map(|&y| y as f32).collect();
        compare(name, &table, &y);
        assert_eq!(table.class_names().len(), table.classes());
    }
    let table = diabetes();
    assert_eq!(table.target_names(), ["progression"]);
    compare("diabetes", &table, table.targets().as_slice());
}

#[test]
fn their_files_are_the_ones_that_the_script_wrote() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("classics");
    let sums = fs::read_to_string(directory.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 4);
    let readme = fs::read_to_string(directory.join("README.md")).unwrap();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = fs::read(directory.join(name)).unwrap();
        let found: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(found, sum, "{name}");
        assert!(readme.contains(&format!("| {name} ")), "{name} in README.md");
    }
    assert!(directory.join("LICENSE-scikit-learn").exists());
}

#[cfg(feature = "csv")]
#[test]
fn the_reader_of_csv_reads_them_too() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("classics");
    let frame = fanin_datasets::Frame::from_csv(directory.join("wine.csv.gz")).unwrap();
    let (read, own) = (frame.classification("class").unwrap(), wine());
    assert_eq!(read.tensors(), own.tensors());
    assert_eq!(
        (read.feature_names(), read.class_names()),
        (own.feature_names(), own.class_names())
    );

    let frame = fanin_datasets::Frame::from_csv(directory.join("diabetes.csv.gz")).unwrap();
    let read = frame.regression([10usize]).unwrap();
    assert_eq!(read.tensors(), diabetes().tensors());
    assert_eq!(read.target_names(), ["progression"]);
}

#[test]
fn names_follow_the_rows() {
    let table = iris();
    let part = table.select([0, 1]);
    // The first species alone, of three.
    assert_eq!((part.classes(), part.class_names().len(), part.feature_names().len()), (3, 3, 4));
    let scaled = part.standardize(&table.standardizer().unwrap());
    assert_eq!(scaled.feature_names(), table.feature_names());
    let other = part.with_inputs(Tensor::zeros([2, 3]));
    assert_eq!((other.feature_names().len(), other.class_names().len()), (0, 3));
}
