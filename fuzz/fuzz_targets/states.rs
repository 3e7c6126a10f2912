//! What else can be read by serde: tensors, the states of optimizers and generators, reports.
#![no_main]

use fanin_fuzz::within;
use fanin_init::{ParamSpec, TorchRng};
use fanin_nn::diagnose::InitReport;
use fanin_nn::optim::{Adafactor, AverageState, Ema, Muon, NAdam, OptimizerState};
use fanin_nn::{Adam, AdamW, Linear, Optimizer, Tensor};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

/// Reads it from JSON or, if `binary`, from bincode; what was read can be written and read again.
fn read<V: Serialize + DeserializeOwned>(data: &[u8], binary: bool) -> Option<V> {
    let config = bincode::config::standard().with_limit::<{ 1 << 20 }>();
    // serde reserves at most 1 MiB for each vector of a claimed length.
    let most = 64 * data.len() + (4 << 20);
    if binary {
        let read = within(most, || bincode::serde::decode_from_slice::<V, _>(data, config));
        let bytes = bincode::serde::encode_to_vec(&read.ok()?.0, config).unwrap();
        return Some(bincode::serde::decode_from_slice(&bytes, config).unwrap().0);
    }
    let value: V = within(most, || serde_json::from_slice(data)).ok()?;
    let text = serde_json::to_vec(&value).unwrap();
    // JSON has no infinities.
    if text.windows(4).any(|w| w == b"null") {
        Some(value)
    } else {
        serde_json::from_slice(&text).ok()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, data)) = data.split_first() else { return };
    let binary = mode & 1 == 1;
    match mode >> 1 & 7 {
        0 => drop(read::<Tensor>(data, binary)),
        1 => drop(read::<Tensor<f64>>(data, binary)),
        2 => drop(read::<TorchRng>(data, binary)),
        3 => drop(read::<InitReport>(data, binary)),
        4 => drop(read::<ParamSpec>(data, binary)),
        _ => {
            if let Some(state) = read::<OptimizerState>(data, binary) {
                let model = Linear::new(2, 1);
                // Rules whose slots have other shapes than the parameters, too.
                let _ = NAdam::new(0.1).load_state(&model, state.clone());
                let _ = Adafactor::new(0.1).load_state(&model, state.clone());
                let _ = Muon::new(0.1, AdamW::new(0.1)).load_state(&model, state.clone());
                let _ = Adam::new(0.1).load_state(&model, state);
            }
            if let Some(state) = read::<AverageState>(data, binary) {
                let _ = Ema::new(0.9).load_state(&Linear::new(2, 1), state);
            }
        }
    }
});
