//! Tables: their parts, their columns, and what they refuse.

use fanin_datasets::{Error, Standardizer, Table, Tensor};
use fanin_tensor::ndarray::array;

use crate::common::panic_of;

/// Rows `[i, −2 i]` of class `i % 3`.
fn labelled(n: usize) -> Table<Vec<usize>> {
    let rows: Vec<_> = (0..n).map(|i| [i as f32, -2.0 * i as f32]).collect();
    Table::from_rows(rows, (0..n).map(|i| i % 3).collect()).unwrap()
}

/// The first column of a table, after a check that its rows are whole.
fn rows(table: &Table<Vec<usize>>) -> Vec<usize> {
    let (x, labels) = table.tensors();
    assert_eq!((x.shape(), table.len()), (&[labels.len(), 2][..], labels.len()));
    x.as_slice()
        .chunks(2)
        .zip(labels)
        .map(|(row, label)| {
            assert_eq!((row[1], label), (-2.0 * row[0], row[0] as usize % 3));
            row[0] as usize
        })
        .collect()
}

#[test]
fn parts_are_tables_of_their_own() {
    let table = labelled(10);
    assert_eq!((table.len(), table.features(), table.classes()), (10, 2, 3));
    assert_eq!(rows(&table.select([9, 0, 9])), [9, 0, 9]);
    assert_eq!(rows(&table.take(3)), [0, 1, 2]);
    assert_eq!(table.take(99).len(), 10);
    let (a, b) = table.split(7);
    assert_eq!((rows(&a), rows(&b)), ((0..7).collect(), vec![7, 8, 9]));
    assert_eq!(format!("{a:?}"), "Table { 7 × 2 }");
    assert!(table.take(0).is_empty() && table.take(0).batches(4).next().is_none());
}

#[test]
fn a_random_split_is_torchs() {
    // torch.manual_seed(0); torch.randperm(10) is 4 1 7 5 3 9 0 8 6 2.
    let (train, test) = labelled(10).train_test_split(0.3, 0);
    assert_eq!((rows(&train), rows(&test)), (vec![4, 1, 7, 5, 3, 9, 0], vec![8, 6, 2]));
    assert_ne!(rows(&labelled(10).train_test_split(0.3, 1).1), [8, 6, 2]);
}

#[test]
fn there_may_be_more_classes_than_a_byte_holds() {
    let labels: Vec<usize> = (0..1000).map(|i| 999 - i).collect();
    let table = Table::from_tensors(Tensor::zeros([1000, 1]), labels);
    assert_eq!((table.classes(), table.labels()[0]), (1000, 999));
    assert_eq!(table.batches(2).next().unwrap().1, [999, 998]);
}

#[test]
fn targets_of_one_axis_become_a_column() {
    let y = |shape: &[usize]| {
        let table = Table::from_tensors(Tensor::zeros([6, 1]), Tensor::zeros(shape));
        (table.tensors().1.shape().to_vec(), table.batches(4).next().unwrap().1.shape().to_vec())
    };
    assert_eq!(y(&[6]), (vec![6, 1], vec![4, 1]));
    assert_eq!(y(&[6, 2]), (vec![6, 2], vec![4, 2]));
    assert_eq!(y(&[6, 2, 2]), (vec![6, 2, 2], vec![4, 2, 2]));
}

#[test]
fn columns_are_standardized_by_the_rows_to_train_on() {
    // Means 4 and 7; standard deviations √((9 + 1 + 1 + 9) / 4) = √5, and none.
    let train = array![[1.0, 7.0], [3.0, 7.0], [5.0, 7.0], [7.0, 7.0]];
    let train = Table::from((train, array![1.0, 2.0, 3.0, 4.0]));
    let scale = train.standardizer().unwrap();
    let root = 5.0f32.sqrt();
    assert_eq!((scale.mean(), scale.std()), (&[4.0, 7.0][..], &[root, 1.0][..]));
    let want = [-3.0 / root, 0.0, -1.0 / root, 0.0, 1.0 / root, 0.0, 3.0 / root, 0.0];
    assert_eq!(train.standardize(&scale).inputs().as_slice(), want);
    assert_eq!(train.standardize(&scale).targets(), train.targets());

    let test = Table::from_tensors(Tensor::from_vec([1, 2], vec![9.0, 8.0]), ());
    assert_eq!(test.standardize(&scale).inputs().as_slice(), [5.0 / root, 1.0]);
    assert_eq!(scale.undo(&Tensor::from_vec([1, 2], vec![0.0, 1.0])).as_slice(), [4.0, 8.0]);

    // A constant that binary fractions cannot hold still becomes 0, and small spreads stay.
    let fit = |values: Vec<f32>| Standardizer::fit(&Tensor::from_vec([3, 1], values)).unwrap();
    assert_eq!(fit(vec![0.1; 3]).std(), [1.0]);
    assert_eq!(fit(vec![1e10; 3]).std(), [1.0]);
    let close = fit(vec![1.0, 1.0, 1.0 + f32::EPSILON]).std()[0] / f32::EPSILON;
    assert!((close - (2.0f32 / 9.0).sqrt()).abs() < 1e-6, "{close}");
    let tiny = fit(vec![0.0, 0.0, 3e-30]).std()[0] / 3e-30;
    assert!((tiny - (2.0f32 / 9.0).sqrt()).abs() < 1e-6, "{tiny}");
}

#[test]
fn bad_rows_are_refused_with_what_to_do() {
    let refused = |rows: &[&[f32]], labels: usize| {
        Table::from_rows(rows, vec![0; labels]).unwrap_err().to_string()
    };
    let ragged = refused(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0, 7.0]], 3);
    assert!(ragged.starts_with("row 2 has 3 numbers, but row 0 has 2; "), "{ragged}");
    let nan = refused(&[&[1.0, 2.0], &[3.0, f32::NAN]], 2);
    assert!(nan.starts_with("row 1, column 1 is NaN: "), "{nan}");
    let count = refused(&[&[1.0, 2.0], &[3.0, 4.0]], 1);
    assert!(count.starts_with("2 rows but 1 target; "), "{count}");

    let x = Tensor::from_vec([2, 2], vec![1.0, 2.0, f32::INFINITY, 4.0]);
    let error = Table::from_tensors(x, ()).standardizer().unwrap_err();
    assert!(matches!(error, Error::NotFinite { row: 1, column: 0, .. }), "{error}");
    assert!(matches!(labelled(3).take(0).standardizer(), Err(Error::NoRows)));
    assert!(Table::from_rows(Vec::<[f32; 2]>::new(), vec![]).unwrap().is_empty());
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    let (x, table) = (Tensor::zeros([3, 2]), labelled(4));
    let make = |x: &Tensor, labels| Table::from_tensors(x.clone(), vec![0; labels]);
    assert_eq!(make(&x, 3).len(), 3);
    let targets = || Table::from_tensors(x.clone(), Tensor::zeros([4, 1]));
    check(panic_of(targets), line!() - 1, "inputs 3×2, but 4 targets");
    check(panic_of(|| Table::from((x.clone(), vec![0; 2]))), line!(), "3×2, but 2 targets");
    let line = || Table::from_tensors(Tensor::zeros(3), ());
    check(panic_of(line), line!() - 1, "inputs 3; a table has two axes");
    check(panic_of(|| table.select([0, 4])), line!(), "select: no row 4 among 4 rows");
    check(panic_of(|| table.split(5)), line!(), "split: no first 5 of 4 rows");
    check(panic_of(|| table.train_test_split(1.5, 0)), line!(), "test_share 1.5");
    let scale = table.standardizer().unwrap();
    check(panic_of(|| scale.apply(&Tensor::zeros([3, 3]))), line!(), "3×3 with 2 columns fitted");
    check(panic_of(|| scale.undo(&Tensor::zeros(()))), line!(), "with 2 columns fitted");
    check(panic_of(|| table.batches(0)), line!(), "a batch of 0 samples");
}
