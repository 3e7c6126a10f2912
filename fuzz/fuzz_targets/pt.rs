//! A file of `torch.save`: as it is, or a pickle in a zip file with right checksums.
#![no_main]

use std::io::{Cursor, Write};

use fanin_fuzz::{bits, within};
use fanin_interop::torch;
use fanin_nn::{Linear, Sequential};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The pickle with two storages of 24 and 8 bytes.
fn sealed(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &[1; 24]), ("a/data/1", &[2; 8])] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    let bytes = if mode % 4 == 0 { rest.to_vec() } else { sealed(rest) };
    let mut model = Sequential::new().add(Linear::new(3, 2));
    let before = bits(&model);
    let most = 128 * bytes.len() + (256 << 10);
    match within(most, || torch::load_bytes(&mut model, &bytes)) {
        Ok(()) => {}
        Err(error) => {
            assert_eq!(bits(&model), before, "a failed load changed the model");
            assert!(error.to_string().len() < 4_000);
        }
    }
    let _ = within(most, || torch::read_bytes::<f64>(&bytes));
});
