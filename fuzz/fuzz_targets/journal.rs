//! The journal of a sweep, with a whole first line or without.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use fanin_fuzz::within;
use fanin_train::{Error, Runs};
use libfuzzer_sys::fuzz_target;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("fanin-fuzz-journal-{}", std::process::id()))
});

fn runs() -> Runs {
    Runs::new("", ["a", "b", "c"]).threads(1).silent()
}

/// A journal of three runs. Its first line depends on the CPU.
static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let _ = fs::remove_file(&*FILE);
    runs().journal(&*FILE).run(|run| Ok::<_, Error>(run.to_string())).unwrap();
    fs::read(&*FILE).unwrap()
});

fuzz_target!(|input: (u8, &[u8])| {
    let (lines, bytes) = input;
    let begin = WHOLE.split_inclusive(|&byte| byte == b'\n').take(usize::from(lines % 5));
    let text = [&begin.collect::<Vec<_>>().concat()[..], bytes].concat();
    fs::write(&*FILE, &text).unwrap();
    match within(64 * text.len() + (64 << 10), || runs().merge([&*FILE])) {
        Ok(done) => assert_eq!(done.len(), 3),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
