//! An ONNX file.
#![no_main]

use fanin_fuzz::within;
use fanin_interop::onnx::Reader;
use fanin_nn::{Module, Tensor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let most = 128 * bytes.len() + (512 << 10);
    let Ok(file) = within(most, || Reader::from_bytes(bytes)) else { return };
    match within(most, || file.build()) {
        Ok(model) => {
            // Whatever was built can be used with what its first layer takes.
            let _ = model.to_string();
            if let fanin_nn::Features::Map { input, .. } = fanin_nn::Describe::features(&model) {
                let _ = model.predict(&Tensor::zeros([2, input]));
            }
        }
        Err(error) => assert!(error.to_string().len() < 4_000),
    }
});
