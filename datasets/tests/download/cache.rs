//! What is there stays, works without a network, and is never a bad file.

use std::fs;

use fanin_datasets::Error;
use fanin_datasets::download::RemoteFile;

use crate::common::{TempDir, message_of};
use crate::server::{Serve, Server, nobody};
use crate::{FILE, assert_whole, content, download, file};

#[test]
fn a_file_that_is_there_opens_no_connection() {
    let server = Server::new(Serve::Right, &content());
    let directory = TempDir::new();
    let file = file(&[server.url()]);
    for _ in 0..3 {
        download().file(&file, directory.path()).unwrap();
    }
    assert_eq!(server.requests().len(), 1);
    drop(server);
    // Nobody is there to ask.
    download().file(&file, directory.path()).unwrap();
    assert_whole(directory.path());
}

#[test]
fn a_damaged_file_is_replaced_by_the_right_one_or_stays() {
    let mut damaged = content();
    damaged[77_777] ^= 1;
    for wrong in [damaged, vec![], content()[..199_999].to_vec()] {
        let directory = TempDir::new();
        directory.write(FILE, &wrong);
        download().file(&file(&[nobody()]), directory.path()).unwrap_err();
        assert!(fs::read(directory.path().join(FILE)).unwrap() == wrong);
        let server = Server::new(Serve::Right, &content());
        download().file(&file(&[server.url()]), directory.path()).unwrap();
        assert_whole(directory.path());
    }
}

#[test]
fn what_is_no_file_is_refused_before_anyone_is_asked() {
    let server = Server::new(Serve::Right, &content());
    let file = file(&[server.url()]);

    let directory = TempDir::new();
    fs::create_dir(directory.path().join(FILE)).unwrap();
    let error = download().file(&file, directory.path()).unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");

    let directory = TempDir::new();
    fs::create_dir(directory.path().join(format!("{FILE}.part"))).unwrap();
    let error = download().file(&file, directory.path()).unwrap_err().to_string();
    assert!(error.contains("numbers.bin.part: cannot write: it is no file; remove it"), "{error}");

    let directory = TempDir::new();
    let inside = directory.write("file", b"").join("directory");
    let error = download().file(&file, &inside).unwrap_err().to_string();
    assert!(error.contains("file/directory: cannot create: "), "{error}");
    assert_eq!(server.requests(), []);
}

#[test]
fn names_and_checksums_are_checked_at_the_callers_line() {
    let sum = "0".repeat(64);
    for name in ["", ".", "..", "a/b", "/a", "a\\b", "C:a"] {
        let message = message_of(|| RemoteFile::new(name, 1, &sum));
        assert!(message.contains("is no plain file name; give one without a path"), "{message}");
    }
    for sum in ["", "0", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
        let message = message_of(|| RemoteFile::new("a", 1, sum));
        assert!(
            message.contains("is no SHA-256 of a; give the 64 hexadecimal digits"),
            "{message}"
        );
    }
    let (message, file, _) =
        crate::common::panic_of(|| download().timeout(std::time::Duration::ZERO));
    assert_eq!(message, "Download::timeout: no server answers in 0 s; give a second or more");
    assert!(file.ends_with("cache.rs"), "{file}");
}
