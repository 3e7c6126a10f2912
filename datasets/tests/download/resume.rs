//! What has arrived is not asked for again, and is not trusted.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::common::TempDir;
use crate::server::{Request, Serve, Server};
use crate::{FILE, assert_none, assert_whole, content, download, file, part};

/// The first bytes that were asked for, request by request.
fn ranges(server: &Server) -> Vec<Option<usize>> {
    server.requests().iter().map(|Request { range, .. }| *range).collect()
}

/// A directory in which these bytes have arrived.
fn arrived(bytes: &[u8]) -> TempDir {
    let directory = TempDir::new();
    directory.write(&format!("{FILE}.part"), bytes);
    directory
}

#[test]
fn a_broken_connection_is_continued() {
    let (server, directory) = (Server::new(Serve::CutOff(70_000), &content()), TempDir::new());
    download().file(&file(&[server.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(ranges(&server), [None, Some(70_000), Some(140_000)]);
}

#[test]
fn the_next_mirror_and_the_next_call_go_on() {
    let short = Server::new(Serve::CutOff(20_000), &content());
    let directory = TempDir::new();
    let first = file(&[short.url()]);
    download().file(&first, directory.path()).unwrap_err();
    assert_eq!(part(directory.path()).unwrap(), content()[..80_000]);

    let gone = Server::new(Serve::Status(404), &content());
    let good = Server::new(Serve::Right, &content());
    download().file(&file(&[gone.url(), good.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!((ranges(&gone), ranges(&good)), (vec![Some(80_000)], vec![Some(80_000)]));
}

#[test]
fn a_redirect_keeps_the_range() {
    let good = Server::new(Serve::Right, &content());
    let server = Server::new(Serve::To(good.url()), &content());
    let directory = arrived(&content()[..123_456]);
    download().file(&file(&[server.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(ranges(&good), [Some(123_456)]);
}

#[test]
fn servers_without_ranges_begin_anew() {
    let cases = [
        (Serve::IgnoresRange, vec![Some(50_000)]),
        (Serve::Chunks, vec![Some(50_000)]),
        // The second time without a range.
        (Serve::WrongRange, vec![Some(50_000), None]),
    ];
    for (serve, asked) in cases {
        let (server, directory) =
            (Server::new(serve.clone(), &content()), arrived(&content()[..50_000]));
        download().file(&file(&[server.url()]), directory.path()).unwrap();
        assert_whole(directory.path());
        assert_eq!(ranges(&server), asked, "{serve:?}");
    }
}

#[test]
fn what_is_wrong_is_thrown_away() {
    // The file has changed since, or another one has arrived.
    let wrong = vec![1; 50_000];
    let (server, directory) = (Server::new(Serve::Right, &content()), arrived(&wrong));
    download().file(&file(&[server.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(ranges(&server), [Some(50_000), None]);

    // More than the file has, and as much.
    for len in [200_000, 200_001, 1_000_000] {
        let (server, directory) = (Server::new(Serve::Right, &content()), arrived(&vec![1; len]));
        download().file(&file(&[server.url()]), directory.path()).unwrap();
        assert_whole(directory.path());
        assert_eq!(ranges(&server), [None], "{len}");
    }

    // A mirror whose file has become shorter than what has arrived answers 416.
    let (server, directory) =
        (Server::new(Serve::Right, &content()[..9]), arrived(&content()[..10]));
    let error = download().file(&file(&[server.url()]), directory.path()).unwrap_err().to_string();
    assert!(error.contains("has another file: 9 bytes instead of 200,000 bytes"), "{error}");
    assert_eq!(ranges(&server), [Some(10), None]);
    assert_none(directory.path());
}

#[test]
fn a_mirror_of_another_file_takes_nothing_away() {
    let (server, directory) =
        (Server::new(Serve::Shorter, &content()), arrived(&content()[..50_000]));
    download().file(&file(&[server.url()]), directory.path()).unwrap_err();
    assert_eq!(part(directory.path()).unwrap(), content()[..50_000]);
}

#[test]
fn a_whole_part_needs_no_mirror() {
    let (server, directory) = (Server::new(Serve::Right, &content()), arrived(&content()));
    download().file(&file(&[server.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(ranges(&server), []);
}

#[test]
fn progress_counts_what_was_there() {
    let (server, directory) =
        (Server::new(Serve::Slowly, &content()), arrived(&content()[..50_000]));
    let seen = Arc::new(Mutex::new(vec![]));
    let (shared, url) = (seen.clone(), format!("{}/{FILE}", server.url()));
    let mut download = download().progress(move |progress| {
        assert_eq!((progress.file, progress.from, progress.bytes), (FILE, &*url, 200_000));
        shared.lock().unwrap().push(progress.done);
    });
    download.file(&file(&[server.url()]), directory.path()).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0], *seen.last().unwrap()), (50_000, 200_000));
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
    fs::remove_file(directory.path().join(FILE)).unwrap();
}
