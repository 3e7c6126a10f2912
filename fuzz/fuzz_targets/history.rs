//! The record of a training, as JSON.
#![no_main]

use fanin_fuzz::within;
use fanin_train::History;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &str| {
    match within(64 * json.len() + (64 << 10), || History::from_json(json)) {
        Ok(history) => {
            let text = history.to_json();
            // JSON has no NaN, which is unequal to itself.
            if !text.contains("null") {
                assert_eq!(History::from_json(&text).unwrap(), history);
            }
            let _ = (history.to_csv(), history.to_svg(), history.to_string());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
