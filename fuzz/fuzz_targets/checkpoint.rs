//! A model file: as it is, or behind a header with right checksums.
#![no_main]

use fanin_fuzz::{bits, within};
use fanin_nn::layers::Relu;
use fanin_nn::{Checkpoint, Linear, Sequential};
use libfuzzer_sys::fuzz_target;

fn sealed(element: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x8Ffanin\n\0\x01\0\0\0".to_vec();
    bytes.extend(element);
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    let bytes = match mode % 4 {
        0 => rest.to_vec(),
        1 => sealed(b"f64\0", rest),
        _ => sealed(b"f32\0", rest),
    };
    let mut model = Sequential::new()
        .add(Linear::new(3, 2))
        .add(Relu)
        .add(Linear::builder(2, 1).no_bias().build());
    let before = bits(&model);
    let loaded = within(8 * bytes.len() + (256 << 10), || model.load_bytes(&bytes));
    match loaded {
        Ok(()) => {
            let mut again = model.clone();
            again.load_bytes(&model.to_bytes().unwrap()).unwrap();
            assert_eq!(bits(&again), bits(&model));
        }
        Err(error) => {
            assert_eq!(bits(&model), before, "a failed load changed the model");
            assert!(error.to_string().len() < 2_000);
        }
    }
});
