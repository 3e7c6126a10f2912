//! Bad mirrors: the next one serves, or the error names what each did and what to do.

use std::thread;
use std::time::{Duration, Instant};

use crate::common::TempDir;
use crate::server::{Serve, Server, nobody};
use crate::{assert_none, assert_whole, content, download, file};

/// Whatever gives no file, and what the error says of it.
fn bad() -> Vec<(Serve, &'static str)> {
    vec![
        (Serve::Drip, "sent less than 1,000 bytes a second after "),
        (Serve::HangInBody, "sent nothing for 1 s after 0 of 200,000 bytes"),
        (Serve::Hang, "sent nothing for 1 s"),
        (Serve::Close, "closed the connection"),
        (Serve::CutOff(0), "closed the connection after 0 of 200,000 bytes"),
        (Serve::CutOff(40_000), "closed the connection after 160,000 of 200,000 bytes"),
        (Serve::Longer, "has another file: 200,010 bytes instead of 200,000 bytes"),
        (Serve::Shorter, "has another file: 199,990 bytes instead of 200,000 bytes"),
        (Serve::Endless, "has another file: more than 200,000 bytes"),
        (Serve::ShorterUncounted, "ended the file after 199,990 of 200,000 bytes"),
        (Serve::Another, "has another file: its SHA-256 is "),
        (Serve::AnotherWhole, "has another file: its SHA-256 is "),
        (Serve::ChangedRange, "has another file: 200,007 bytes instead of 200,000 bytes"),
        (Serve::Status(404), "answered 404 Not Found"),
        (Serve::Status(500), "answered 500 Internal Server Error"),
        (Serve::Status(403), "answered 403 Forbidden"),
        (Serve::Status(204), "answered 204 No Content"),
        (Serve::To(nobody()), "failed: "),
        (Serve::To("nonsense://x".into()), "gave no file: "),
        (Serve::ToEndless(nobody()), "failed: "),
        (Serve::Loop, "redirected more than 5 times"),
        (Serve::Garbage, "gave no file: "),
        (Serve::EndlessHeader, "gave no file: "),
    ]
}

/// Runs a check of each bad server, all at once.
fn for_each_bad(check: impl Fn(Serve, &'static str) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for (serve, says) in bad() {
            scope.spawn(move || check(serve, says));
        }
    });
}

#[test]
fn the_error_says_what_each_mirror_did() {
    for_each_bad(|serve, says| {
        let begun = Instant::now();
        let (server, directory) = (Server::new(serve.clone(), &content()), TempDir::new());
        let dead = nobody();
        let file = file(&[server.url(), dead.clone()]);
        let error = download().file(&file, directory.path()).unwrap_err().to_string();
        let (first, place) = (server.url(), directory.path().display());
        let begins = format!("numbers.bin could not be downloaded: {first}/numbers.bin {says}");
        assert!(error.starts_with(&begins), "{serve:?}: {error}");
        let second = format!("; {dead}/numbers.bin failed: ");
        assert!(error.contains(&second), "{serve:?}: {error}");
        let ends = format!(
            "; check the connection, set HTTPS_PROXY to http://HOST:PORT if there is a proxy, or put \
             the file into {place} by hand"
        );
        assert!(error.ends_with(&ends), "{serve:?}: {error}");
        assert_none(directory.path());
        assert!(begun.elapsed() < Duration::from_secs(8), "{serve:?}: {:?}", begun.elapsed());
    });
}

#[test]
fn the_next_mirror_serves() {
    for_each_bad(|serve, _| {
        let (bad, good) =
            (Server::new(serve.clone(), &content()), Server::new(Serve::Right, &content()));
        let directory = TempDir::new();
        let file = file(&[bad.url(), good.url()]);
        let path = download().file(&file, directory.path());
        let path = path.unwrap_or_else(|error| panic!("{serve:?}: {error}"));
        assert_eq!(path, directory.path().join("numbers.bin"));
        assert_whole(directory.path());
        assert!(!good.requests().is_empty(), "{serve:?} is not bad");
    });
}

#[test]
fn mirrors_that_are_odd_serve() {
    let good = Server::new(Serve::Right, &content());
    let odd = [
        Serve::Right,
        Serve::Slowly,
        Serve::CutOff(60_000),
        Serve::Chunks,
        Serve::IgnoresRange,
        Serve::WrongRange,
        Serve::OpenRange,
        Serve::To(good.url()),
        Serve::Moved("http://HOST/elsewhere"),
        Serve::Moved("//HOST/elsewhere"),
        Serve::Moved("/elsewhere?to=http://nowhere"),
        Serve::Moved("elsewhere"),
        Serve::Moved("?elsewhere"),
        Serve::ToEndless(good.url()),
    ];
    for serve in odd {
        let (server, directory) = (Server::new(serve.clone(), &content()), TempDir::new());
        // A slash at the end of a folder makes no difference.
        let file = file(&[format!("{}/", server.url())]);
        let path = download().file(&file, directory.path().join("new/directory"));
        path.unwrap_or_else(|error| panic!("{serve:?}: {error}"));
        assert_whole(&directory.path().join("new/directory"));
        assert_eq!(server.requests()[0].path, "/data/numbers.bin", "{serve:?}");
    }
}

#[test]
fn a_mirror_of_the_download_comes_first() {
    let (first, second) =
        (Server::new(Serve::Right, &content()), Server::new(Serve::Right, &content()));
    let directory = TempDir::new();
    download().mirror(first.url()).file(&file(&[second.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));

    let empty = TempDir::new();
    let error = download().file(&file(&[]), empty.path()).unwrap_err().to_string();
    assert!(
        error.starts_with("numbers.bin could not be downloaded: no mirror is given; "),
        "{error}"
    );
}

#[test]
fn a_server_that_speaks_no_tls_is_left() {
    for serve in [Serve::Right, Serve::Garbage, Serve::Close] {
        let (plain, good) =
            (Server::new(serve.clone(), &content()), Server::new(Serve::Right, &content()));
        let directory = TempDir::new();
        let secure = [plain.url().replace("http://", "https://")];
        let error = download().file(&file(&secure), directory.path()).unwrap_err();
        let begins = format!("numbers.bin could not be downloaded: {}/numbers.bin ", secure[0]);
        assert!(error.to_string().starts_with(&begins), "{serve:?}: {error}");
        assert_none(directory.path());
        download().file(&file(&[secure[0].clone(), good.url()]), directory.path()).unwrap();
        assert_whole(directory.path());
        assert_eq!(plain.requests(), [], "{serve:?}");
    }
}
