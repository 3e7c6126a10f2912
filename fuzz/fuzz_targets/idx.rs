//! An IDX file, unpacked.
#![no_main]

use fanin_datasets::idx::Reader;
use fanin_fuzz::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Anything but gzip, which has a target of its own.
    if data.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let most = 3 * data.len() + (256 << 10);
    match within(most, || Reader::new().read_from("x", data)) {
        Ok(array) => {
            let mut bytes = vec![];
            array.write(&mut bytes).unwrap();
            assert_eq!(bytes, data);
        }
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
});
