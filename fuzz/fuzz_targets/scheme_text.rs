//! An initializer as text.
#![no_main]

use fanin_fuzz::within;
use fanin_init::{Initializer, ParamSpec, Scheme, TorchRng};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let read = within(64 * data.len() + (256 << 10), || data.parse::<Scheme>());
    let Ok(scheme) = read else { return };
    let again: Scheme = scheme.to_string().parse().unwrap();
    assert_eq!(again, scheme);
    let spec = ParamSpec::weight(6, 4);
    if scheme.check(&spec, &[4, 6]).is_ok() {
        let _ = within(64 * data.len() + (256 << 10), || {
            scheme.draw(&spec, &[4, 6], &mut TorchRng::seed(1))
        });
    }
    let spec = ParamSpec::bias(6, 4);
    if scheme.check(&spec, &[4]).is_ok() {
        scheme.draw(&spec, &[4], &mut TorchRng::seed(1));
    }
});
