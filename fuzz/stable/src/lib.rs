//! The fuzz targets as tests on a stable compiler. Each reads random changes of its committed corpus.
//!
//! ```text
//! cargo test -p fanin-fuzz-stable                                        # 1,000 cases each
//! FANIN_CASES=10000000 cargo test --release -p fanin-fuzz-stable -- --nocapture csv
//! ```
//!
//! A target fails if it panics, holds more memory than a small multiple of its input, or takes longer than
//! ten seconds. The input is then in `fuzz/artifacts`. `fuzz/run` is the search by coverage, with a nightly
//! compiler.

#![cfg(test)]
#![allow(unused_attributes, unused_imports, reason = "a target is a program of its own")]
#![allow(missing_docs, unsafe_code, unreachable_pub, reason = "shared with the targets")]

// What the targets import.
extern crate self as fanin_fuzz;
extern crate self as libfuzzer_sys;

mod changes;
#[path = "../../src/lib.rs"]
mod shared;

pub use shared::{bits, within};

/// In place of libFuzzer's: a function that the test of the target calls.
macro_rules! fuzz_target {
    (|$data:ident: &[u8]| $body:expr) => {
        pub(crate) fn run($data: &[u8]) {
            $body
        }
    };
    (|$text:ident: &str| $body:expr) => {
        pub(crate) fn run(data: &[u8]) {
            if let Ok($text) = std::str::from_utf8(data) {
                $body
            }
        }
    };
}
pub(crate) use fuzz_target;

macro_rules! targets {
    ($($name:ident $path:literal;)*) => {
        $(#[path = $path]
        mod $name;)*

        mod random_changes {
            $(#[test]
            fn $name() {
                crate::changes::read_many(stringify!($name), super::$name::run);
            })*
        }
    };
}

// Not `images` and `journal`, whose targets write files for each case. Not `table`, whose input
// is rows of numbers.
targets! {
    checkpoint "../../fuzz_targets/checkpoint.rs";
    csv "../../fuzz_targets/csv.rs";
    history "../../fuzz_targets/history.rs";
    idx "../../fuzz_targets/idx.rs";
    idx_gzip "../../fuzz_targets/idx_gzip.rs";
    network "../../fuzz_targets/network.rs";
    network_binary "../../fuzz_targets/network_binary.rs";
    npz "../../fuzz_targets/npz.rs";
    onnx "../../fuzz_targets/onnx.rs";
    pipeline "../../fuzz_targets/pipeline.rs";
    pt "../../fuzz_targets/pt.rs";
    safetensors "../../fuzz_targets/safetensors.rs";
    scheme_json "../../fuzz_targets/scheme_json.rs";
    scheme_text "../../fuzz_targets/scheme_text.rs";
    states "../../fuzz_targets/states.rs";
}
