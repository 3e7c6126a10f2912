//! Several processes with one cache, and processes that are killed.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::TempDir;
use crate::server::{Serve, Server};
use crate::{FILE, assert_none, assert_whole, content, download, file, part};

/// Not a test of its own: other tests run it in another process.
#[test]
#[ignore = "run by other tests"]
fn child() {
    let (Ok(urls), Ok(directory)) = (env::var("TEST_URLS"), env::var("TEST_DIRECTORY")) else {
        return;
    };
    let urls: Vec<_> = urls.split(' ').map(String::from).collect();
    download().file(&file(&urls), directory).unwrap();
}

fn spawn(server: &Server, directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "processes::child"])
        .envs([("TEST_URLS", server.url()), ("TEST_DIRECTORY", directory.display().to_string())])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_at_once_ask_once() {
    let (server, directory) = (Server::new(Serve::Slowly, &content()), TempDir::new());
    let children: Vec<_> = (0..4).map(|_| spawn(&server, directory.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_whole(directory.path());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn threads_at_once_ask_once() {
    let (server, directory) = (Server::new(Serve::Slowly, &content()), TempDir::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| download().file(&file(&[server.url()]), directory.path()).unwrap());
        }
    });
    assert_whole(directory.path());
    assert_eq!(server.requests().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_not_the_mirrors_fault() {
    // The system lets the child write no more than 32 KiB into a file.
    let (first, second) =
        (Server::new(Serve::Right, &content()), Server::new(Serve::Right, &content()));
    let directory = TempDir::new();
    let script =
        "trap '' XFSZ; ulimit -f 64; exec \"$0\" --ignored --exact processes::child --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .env("TEST_URLS", format!("{} {}", first.url(), second.url()))
        .env("TEST_DIRECTORY", directory.path())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    let path = directory.path().join(format!("{FILE}.part"));
    assert!(printed.contains(&format!("{}: cannot write: ", path.display())), "{printed}");
    assert_none(directory.path());
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));

    // With room again, it goes on.
    download().file(&file(&[second.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert!(second.requests()[0].range.is_some());
}

#[test]
fn a_killed_download_is_resumed() {
    let directory = TempDir::new();
    let slow = Server::new(Serve::Slowly, &content());
    let mut child = spawn(&slow, directory.path());
    let begun = Instant::now();
    while part(directory.path()).is_none_or(|part| part.is_empty()) {
        assert!(begun.elapsed() < Duration::from_secs(8), "nothing arrives");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let arrived = part(directory.path()).unwrap().len();
    assert!(!directory.path().join(FILE).exists() && arrived < content().len());

    let good = Server::new(Serve::Right, &content());
    download().file(&file(&[good.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
    assert_eq!(good.requests()[0].range, Some(arrived));
}

#[test]
fn a_part_that_is_removed_is_not_written_to() {
    // The first removes its empty part while the second waits for it.
    let (hanging, short) = (
        Server::new(Serve::HangInBody, &content()),
        Server::new(Serve::CutOff(20_000), &content()),
    );
    let directory = TempDir::new();
    thread::scope(|scope| {
        scope.spawn(|| download().file(&file(&[hanging.url()]), directory.path()).unwrap_err());
        while part(directory.path()).is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        download().file(&file(&[short.url()]), directory.path()).unwrap_err();
    });
    assert_eq!(part(directory.path()).unwrap(), content()[..80_000]);
}

#[test]
fn a_process_that_gets_no_further_is_not_waited_for_without_end() {
    let (server, directory) = (Server::new(Serve::Right, &content()), TempDir::new());
    let path = directory.write(&format!("{FILE}.part"), b"");
    let holder = fs::File::open(&path).unwrap();
    holder.lock().unwrap();
    let mut hurried = download().timeout(Duration::from_millis(50));
    let error = hurried.file(&file(&[server.url()]), directory.path()).unwrap_err().to_string();
    assert!(error.contains("another process downloads it, and has added nothing for "), "{error}");
    assert_eq!(server.requests(), []);

    drop(holder);
    download().file(&file(&[server.url()]), directory.path()).unwrap();
    assert_whole(directory.path());
}
