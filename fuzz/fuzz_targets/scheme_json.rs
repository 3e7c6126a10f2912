//! An initializer, and a plan of initializers, in JSON.
#![no_main]

use fanin_fuzz::within;
use fanin_init::Scheme;
use fanin_nn::InitPlan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let most = 256 * data.len() + (256 << 10);
    if let Ok(scheme) = within(most, || serde_json::from_slice::<Scheme>(data)) {
        let text = serde_json::to_string(&scheme).unwrap();
        assert_eq!(serde_json::from_str::<Scheme>(&text).unwrap(), scheme);
    }
    if let Ok(plan) = within(most, || serde_json::from_slice::<InitPlan>(data)) {
        let text = serde_json::to_string(&plan).unwrap();
        let again: InitPlan = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
});
