//! Environment variables of the library. A value that cannot be used is named once, on standard error.

use std::env;
use std::io::{self, Write};
use std::sync::Mutex;

/// The value of a variable, if it is set and not empty. Bytes that are no Unicode become `�`.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = env::var_os(name)?.to_string_lossy().into_owned();
    (!value.trim().is_empty()).then_some(value)
}

/// Says what becomes of a variable's value. Says it once, also if several threads look at the variable
/// for the first time at once.
pub(crate) fn say_once(name: &'static str, what: &str) {
    static SAID: Mutex<Vec<&str>> = Mutex::new(vec![]);
    let mut said = SAID.lock().unwrap_or_else(|e| e.into_inner());
    if !said.contains(&name) {
        said.push(name);
        let value = env::var_os(name).unwrap_or_default();
        // Not `eprintln!`, which panics if standard error is closed.
        let _ = writeln!(io::stderr(), "fanin: {name}={value:?}: {what}");
    }
}
