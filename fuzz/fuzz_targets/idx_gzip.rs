//! An IDX file in gzip: any stream, or a good one with anything behind it.
#![no_main]

use std::io::{Cursor, Write};

use fanin_datasets::idx::Reader;
use fanin_fuzz::within;
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, data)) = data.split_first() else { return };
    let bytes = if mode < 64 {
        [&[0x1f, 0x8b, 8][..], data].concat()
    } else {
        // `mode` bytes of content, then what follows the stream.
        let cut = data.len().min(usize::from(mode - 64));
        let mut packed = GzEncoder::new(vec![], Compression::fast());
        packed.write_all(&data[..cut]).unwrap();
        [&packed.finish().unwrap(), &data[cut..]].concat()
    };
    let most = 2 * LIMIT as usize + (512 << 10);
    let reader = Reader::new().limit(LIMIT);
    if let Err(error) = within(most, || reader.read_from("x", Cursor::new(&bytes))) {
        assert!(error.to_string().len() < 1_000);
    }
});
