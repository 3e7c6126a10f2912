//! A network's description in JSON.
#![no_main]

use fanin_fuzz::within;
use fanin_nn::layers::NetworkSpec;
use fanin_nn::{Module, Sequential, Tensor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let read =
        within(128 * data.len() + (64 << 10), || serde_json::from_slice::<NetworkSpec>(data));
    let Ok(spec) = read else { return };
    let again: NetworkSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);
    const LIMIT: u64 = 1 << 20;
    let most = LIMIT as usize + 64 * data.len() + (256 << 10);
    let built = within(most, || Sequential::from_spec_with_limit(&spec, LIMIT));
    match built {
        Ok(model) => {
            let _ = model.to_string();
            if let fanin_nn::Features::Map { input, .. } = fanin_nn::Describe::features(&model) {
                // Two samples: without running statistics a batch needs them.
                let _ = model.predict(&Tensor::zeros([2, input]));
            }
        }
        Err(error) => assert!(error.to_string().len() < 2_000 + data.len()),
    }
});
