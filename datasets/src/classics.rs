//! Small tables that every textbook knows: iris, wine, breast cancer and diabetes.

use std::io::Read;

use fanin_tensor::Tensor;
use flate2::read::GzDecoder;

use crate::Table;

/// Fisher's iris: four measures of 150 flowers of three species.
///
/// The 50 flowers of a species come one after the other, so shuffle the batches. These are Fisher's
/// numbers as R and scikit-learn have them; two rows of UCI's file differ from his paper. The folder
/// `classics` of this crate has source and licence of this table and the other three.
///
/// # Example
/// ```
/// let (train, test) = fanin_datasets::iris().stratified_split(0.2, 42)?;
/// assert_eq!((train.len(), train.features(), train.classes()), (120, 4, 3));
/// assert_eq!(test.class_names(), ["setosa", "versicolor", "virginica"]);
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
///
/// # Reference
/// Fisher 1936, *The use of multiple measurements in taxonomic problems*.
#[doc(alias("load_iris"))]
pub fn iris() -> Table<Vec<usize>> {
    labelled(include_bytes!("../classics/iris.csv.gz"), &["setosa", "versicolor", "virginica"])
}

/// Wines of three growers: 13 measures of 178 samples.
///
/// The columns' ranges differ a thousandfold, so standardize them.
///
/// # Example
/// ```
/// let table = fanin_datasets::wine();
/// assert_eq!((table.len(), table.features(), table.classes()), (178, 13, 3));
/// ```
///
/// # Reference
/// Aeberhard and Forina 1992, *Wine*, UCI Machine Learning Repository.
#[doc(alias("load_wine"))]
pub fn wine() -> Table<Vec<usize>> {
    labelled(include_bytes!("../classics/wine.csv.gz"), &["class_0", "class_1", "class_2"])
}

/// Breast tumours, malignant (class 0) and benign (class 1): 30 measures of 569 images of cells.
///
/// # Example
/// ```
/// let table = fanin_datasets::breast_cancer();
/// assert_eq!((table.len(), table.features()), (569, 30));
/// assert_eq!(table.class_names(), ["malignant", "benign"]);
/// assert_eq!(table.labels().iter().sum::<usize>(), 357);
/// ```
///
/// # Reference
/// Street, Wolberg and Mangasarian 1993, *Nuclear feature extraction for breast tumor diagnosis*.
#[doc(alias("load_breast_cancer"))]
pub fn breast_cancer() -> Table<Vec<usize>> {
    labelled(include_bytes!("../classics/breast_cancer.csv.gz"), &["malignant", "benign"])
}

/// The progression of diabetes within a year: ten measures of 442 patients.
///
/// The numbers are those measured, as scikit-learn's `load_diabetes(scaled=False)` gives them.
///
/// # Example
/// ```
/// let table = fanin_datasets::diabetes();
/// assert_eq!((table.len(), table.features(), table.targets().shape()), (442, 10, &[442, 1][..]));
/// assert_eq!((&table.feature_names()[2][..], table.inputs().as_slice()[2]), ("bmi", 32.1));
/// ```
///
/// # Reference
/// Efron, Hastie, Johnstone and Tibshirani 2004, *Least angle regression*.
#[doc(alias("load_diabetes"))]
pub fn diabetes() -> Table {
    let text = unpack(include_bytes!("../classics/diabetes.csv.gz"));
    let (names, rows) = read(&text);
    let (x, y): (Vec<_>, Vec<_>) = rows.map(|(x, last)| (x, number(last))).unzip();
    let x = Tensor::from_vec([y.len(), names.len() - 1], x.concat());
    let [features @ .., target] = &names[..] else { unreachable!("a header has columns") };
    Table::from_tensors(x, Tensor::from(y))
        .with_feature_names(features.iter().copied())
        .with_target_names([*target])
}

fn labelled(packed: &[u8], classes: &[&str]) -> Table<Vec<usize>> {
    let text = unpack(packed);
    let (names, rows) = read(&text);
    let label = |name| classes.iter().position(|&class| class == name).expect("a class");
    let (x, y): (Vec<_>, Vec<_>) = rows.map(|(x, last)| (x, label(last))).unzip();
    let features = names.len() - 1;
    let x = Tensor::from_vec([y.len(), features], x.concat());
    Table::from_tensors(x, y)
        .with_feature_names(names[..features].iter().copied())
        .with_class_names(classes.iter().copied())
}

fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("the file that the crate carries");
    text
}

/// The names of the columns, and each row: its numbers but the last column, which follows as text.
/// These files have no quotes.
fn read(text: &str) -> (Vec<&str>, impl Iterator<Item = (Vec<f32>, &str)>) {
    let mut lines = text.lines();
    let names = lines.next().expect("a header").split(',').collect();
    let rows = lines.map(|line| {
        let (x, last) = line.rsplit_once(',').expect("two columns");
        (x.split(',').map(number).collect(), last)
    });
    (names, rows)
}

fn number(text: &str) -> f32 {
    text.parse().expect("a number")
}
