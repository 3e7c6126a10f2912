//! Downloads from servers on 127.0.0.1 that do all that servers do. Nothing outside is reached: a test
//! that would ask for a public mirror goes through a proxy on 127.0.0.1.
#![allow(unreachable_pub, reason = "a module for each concern, in one program")]

#[path = "../data/common.rs"]
mod common;
mod server;

mod cache;
mod mirrors;
mod processes;
mod proxies;
mod resume;
mod sets;

use std::fs;
use std::path::Path;
use std::time::Duration;

use fanin_datasets::download::{Download, RemoteFile};
use sha2::{Digest, Sha256};

/// The name of the file that all tests download.
pub const FILE: &str = "numbers.bin";

/// Its content.
pub fn content() -> Vec<u8> {
    (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect()
}

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file, with these mirrors.
pub fn file(mirrors: &[String]) -> RemoteFile {
    let bytes = content();
    let file = RemoteFile::new(FILE, bytes.len() as u64, &sha256(&bytes));
    mirrors.iter().fold(file, |file, mirror| file.mirror(mirror))
}

/// A download that prints nothing, asks no proxy, and waits a second.
pub fn download() -> Download {
    Download::new().proxy(None).timeout(Duration::from_secs(1)).progress(|_| {})
}

/// What has arrived, for the next download to go on.
pub fn part(directory: &Path) -> Option<Vec<u8>> {
    fs::read(directory.join(format!("{FILE}.part"))).ok()
}

/// Asserts that the file is there and right, and nothing else.
pub fn assert_whole(directory: &Path) {
    assert!(fs::read(directory.join(FILE)).unwrap() == content(), "another content");
    assert_eq!(names(directory), [FILE]);
}

/// Asserts that no file has the name, and that what is there besides is an unfinished part.
pub fn assert_none(directory: &Path) {
    let part_name = format!("{FILE}.part");
    let unexpected: Vec<_> = names(directory).into_iter().filter(|n| *n != part_name).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    let part = part(directory).unwrap_or_default();
    assert!(part.len() < content().len(), "a whole part that is no file");
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
