//! The warning about unoptimized builds.

use std::sync::Once;

/// Warns once, on standard error, that an unoptimized build is slow.
pub(crate) fn warn() {
    static ONCE: Once = Once::new();
    if cfg!(debug_assertions) {
        ONCE.call_once(|| {
            eprintln!(
                "fanin: this is a debug build, which may train many times slower than `--release`"
            );
        });
    }
}
