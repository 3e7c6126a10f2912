//! An npz or npy file: as it is, or an array behind a zip file's right checksums.
#![no_main]

use fanin_fuzz::{bits, within};
use fanin_interop::npz;
use fanin_nn::{Linear, Sequential};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, bytes)) = data.split_first() else { return };
    if mode % 2 == 1 {
        // The magic costs the fuzzer too many tries.
        let bytes = [b"\x93NUMPY", bytes].concat();
        let most = 16 * bytes.len() + (64 << 10);
        let _ = within(most, || npz::read_npy_bytes::<f32>(&bytes));
        let _ = within(most, || npz::read_npy_bytes::<f64>(&bytes));
        return;
    }
    let mut model = Sequential::new().add(Linear::new(3, 2));
    let before = bits(&model);
    let most = 64 * bytes.len() + (256 << 10);
    match within(most, || npz::load_bytes(&mut model, bytes)) {
        Ok(()) => {
            let mut again = model.clone();
            npz::load_bytes(&mut again, &npz::to_bytes(&model).unwrap()).unwrap();
            assert_eq!(bits(&again), bits(&model));
        }
        Err(error) => {
            assert_eq!(bits(&model), before, "a failed load changed the model");
            assert!(error.to_string().len() < 4_000);
        }
    }
    // Deflate packs 1,032 bytes into one.
    let _ = within(3 * 1032 * bytes.len() + (256 << 10), || npz::read_bytes::<f32>(bytes));
});
