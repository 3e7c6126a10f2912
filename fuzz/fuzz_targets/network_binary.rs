//! A network's description in a binary format, whose lengths are claims.
#![no_main]

use fanin_fuzz::within;
use fanin_nn::Sequential;
use fanin_nn::layers::NetworkSpec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let config = bincode::config::standard().with_limit::<{ 1 << 20 }>();
    let read = within(512 * data.len() + (64 << 10), || {
        bincode::serde::decode_from_slice::<NetworkSpec, _>(data, config)
    });
    let Ok((spec, _)) = read else { return };
    let bytes = bincode::serde::encode_to_vec(&spec, config).unwrap();
    let (again, _) = bincode::serde::decode_from_slice::<NetworkSpec, _>(&bytes, config).unwrap();
    assert_eq!(format!("{again:?}"), format!("{spec:?}"));
    const LIMIT: u64 = 1 << 20;
    let most = LIMIT as usize + 256 * data.len() + (256 << 10);
    let _ = within(most, || Sequential::from_spec_with_limit(&spec, LIMIT));
});
