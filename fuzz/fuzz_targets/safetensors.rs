//! A safetensors file: as it is, or behind the right length of its head and with as many bytes as it says.
#![no_main]

use fanin_fuzz::{bits, within};
use fanin_interop::safetensors::{self, Reader};
use fanin_nn::layers::BatchNorm1d;
use fanin_nn::{Adam, Linear, Optimizer, Sequential};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    let bytes = if mode % 2 == 0 {
        rest.to_vec()
    } else {
        // The text of the head ends at the first zero.
        let end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
        let mut bytes = (end as u64).to_le_bytes().to_vec();
        bytes.extend(rest);
        if end < rest.len() {
            bytes.remove(8 + end);
        }
        bytes
    };
    let mut model = Sequential::new().add(Linear::new(3, 2)).add(BatchNorm1d::new(2));
    let before = bits(&model);
    let most = 64 * bytes.len() + (256 << 10);
    match within(most, || safetensors::load_bytes(&mut model, &bytes)) {
        Ok(()) => {
            let mut again = model.clone();
            safetensors::load_bytes(&mut again, &safetensors::to_bytes(&model).unwrap()).unwrap();
            assert_eq!(bits(&again), bits(&model));
        }
        Err(error) => {
            assert_eq!(bits(&model), before, "a failed load changed the model");
            assert!(error.to_string().len() < 4_000);
        }
    }
    let _ = within(most, || safetensors::load_partial_bytes(&mut model, &bytes));
    if let Ok(file) = Reader::from_bytes(bytes) {
        let _ = within(most, || file.build());
        if let Ok(Some(state)) = within(most, || file.optimizer(&model)) {
            let _ = Adam::new(0.1).load_state(&model, state);
        }
    }
});
