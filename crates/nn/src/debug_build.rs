//! What a debug build says on standard error.

use std::panic::catch_unwind;
use std::sync::Once;

/// Says once, on standard error, that an unoptimized build is slow, and what to do.
pub(crate) fn warn() {
    static ONCE: Once = Once::new();
    if cfg!(unoptimized) {
        ONCE.call_once(|| {
            say(
                "fanin: this build is not optimized and trains a hundred times slower. Build with \
                 `--release`, or put two lines into Cargo.toml, and only your own code is not \
                 optimized:\n[profile.dev.package.\"*\"]\nopt-level = 3",
            );
        });
    }
}

/// Says something on standard error. Where that is closed, nothing happens: `eprintln` alone would
/// panic.
pub(crate) fn say(text: &str) {
    let _ = catch_unwind(|| eprintln!("{text}"));
}
