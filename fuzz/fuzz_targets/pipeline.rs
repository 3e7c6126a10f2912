//! The bytes of a pipeline: after a header whose checksum is right, so that the decoder is reached.
#![no_main]

use fanin_datasets::{Error, Pipeline};
use fanin_fuzz::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lengths = [(data.len() as u64).to_le_bytes(), 0u64.to_le_bytes()].concat();
    let rest = [&lengths[..], data].concat();
    let sum = crc32fast::hash(&rest).to_le_bytes();
    let bytes = [&b"\x8Ffpipe\n\0"[..], &1u32.to_le_bytes(), &sum, &rest].concat();
    // Serde takes up to 1 MiB for the elements that a sequence claims, and sequences are nested once.
    match within((3 << 20) + 64 * data.len(), || Pipeline::from_bytes(&bytes)) {
        Ok(pipeline) => {
            assert_eq!(Pipeline::from_bytes(&pipeline.to_bytes()).unwrap(), pipeline);
            let _ = pipeline.rows([vec!["1"; pipeline.input_names().len()]]);
        }
        Err(error) => assert!(matches!(error, Error::NotAPipeline { .. }), "{error}"),
    }
});
