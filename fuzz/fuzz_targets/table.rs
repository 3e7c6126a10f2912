//! Rows of a table.
#![no_main]

use fanin_datasets::Table;
use fanin_fuzz::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (Vec<Vec<f32>>, Vec<u8>)| {
    let (rows, labels) = data;
    let labels: Vec<usize> = labels.into_iter().map(usize::from).collect();
    let numbers: usize = rows.iter().map(|row| row.len() + 8).sum();
    let most = 16 * numbers + 16 * labels.len() + (64 << 10);
    let read = within(most, || Table::from_rows(&rows, labels.clone()));
    if let Ok(table) = read {
        assert_eq!(table.len(), rows.len());
        let _ = table.standardizer().map(|scale| table.standardize(&scale));
        let (train, test) = table.train_test_split(0.3, 1);
        assert_eq!(train.len() + test.len(), rows.len());
        for (x, y) in table.batches(3) {
            assert_eq!(x.shape()[0], y.len());
        }
    }
});
