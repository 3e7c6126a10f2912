//! What a panic says.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of a panic.
#[track_caller]
pub(crate) fn message<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("it must panic");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string())).unwrap()
}
