//! CSV files, gzip or plain, and what becomes of their columns.
#![no_main]

use fanin_datasets::csv::Csv;
use fanin_datasets::preprocess::{Impute, Preprocessor, Unseen};
use fanin_datasets::Pipeline;
use fanin_fuzz::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte says how the rest is read.
    let Some((&how, text)) = data.split_first() else { return };
    let mut csv = Csv::new().limit(64 << 10);
    if how & 1 != 0 {
        csv = csv.delimiter(b';');
    }
    if how & 2 != 0 {
        csv = csv.header(how & 4 != 0);
    }
    // A gzip file unpacks to the limit at most.
    let unpacked = if text.starts_with(&[0x1f, 0x8b]) { 64 << 10 } else { text.len() };
    let read = within(64 * unpacked + (256 << 10), || csv.read_from("fuzz", text));
    let Ok(frame) = read else { return };
    assert!(!frame.is_empty() && frame.columns().iter().all(|column| column.len() == frame.len()));
    let _ = frame.inputs();
    let _ = frame.classification(0);
    let recipe = Preprocessor::new()
        .impute(Impute::Mean)
        .impute_categories(Impute::MostFrequent)
        .unseen(Unseen::Zeros)
        .max_categories(16);
    if let Ok(pipeline) = recipe.fit(&frame) {
        assert_eq!(Pipeline::from_bytes(&pipeline.to_bytes()).unwrap(), pipeline);
        if let Ok(x) = pipeline.inputs(&frame) {
            assert_eq!(x.shape(), [frame.len(), pipeline.features()]);
            assert!(x.as_slice().iter().all(|value| value.is_finite()));
        }
    }
});
