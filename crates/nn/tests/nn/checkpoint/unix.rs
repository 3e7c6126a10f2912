//! What Unix knows of files: full disks, permissions, links, pipes.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// In a process of its own, which may write less than this one.
#[test]
#[ignore = "the tests below run it"]
fn child() {
    let path = PathBuf::from(std::env::var_os("FANIN_TEST_TARGET").unwrap());
    let (mut before, mut after) = (big(), big());
    before.load(&path).unwrap();
    let error = big().save(&path).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    after.load(&path).unwrap();
    assert_eq!(bits(&after), bits(&before));
    println!("child: {error}");
}

fn big() -> Linear {
    Linear::new(100, 100) // 40 kB
}

fn run_child(mut command: Command, target: &Path) {
    command.args(["--exact", "checkpoint::unix::child", "--ignored", "--nocapture"]);
    let output = command.env("FANIN_TEST_TARGET", target).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("child: "), "{output:?}");
}

#[test]
fn a_full_disk() {
    let scratch = Scratch::new();
    let target = scratch.file("model.fanin");
    big().save(&target).unwrap();
    // A limit on file sizes, of at most 16 kB, which fails a write halfway as a full disk does.
    let limited = r#"trap '' XFSZ; ulimit -f 16; exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(std::env::current_exe().unwrap());
    run_child(command, &target);
    assert_eq!(scratch.names(), ["model.fanin"]);
}

#[test]
fn a_directory_one_may_not_write_to() {
    let scratch = Scratch::new();
    let directory = scratch.file("directory");
    fs::create_dir(&directory).unwrap();
    let target = directory.join("model.fanin");
    big().save(&target).unwrap();
    // Anybody may write to the file itself, and that alone shall not do.
    fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    let program = scratch.file("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    if File::create(directory.join("probe")).is_ok() {
        // The superuser may write anywhere.
        fs::remove_file(directory.join("probe")).unwrap();
        command.uid(65_534);
    }
    run_child(command, &target);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let left: Vec<_> = fs::read_dir(&directory).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [target]);
}

#[test]
fn permissions_stay() {
    let scratch = Scratch::new();
    let path = scratch.with("model.fanin", b"");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    small().save(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn links_stay() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file("runs")).unwrap();
    let (real, link) = (scratch.file("runs/7.fanin"), scratch.file("best.fanin"));
    small().save(&real).unwrap();
    symlink("runs/7.fanin", &link).unwrap();
    let saved = small();
    saved.save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let mut loaded = small();
    loaded.load(&real).unwrap();
    assert_eq!(bits(&loaded), bits(&saved));
}

#[test]
fn a_pipe_is_neither_waited_for_nor_replaced() {
    let scratch = Scratch::new();
    let pipe = scratch.file("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (sender, receiver) = mpsc::channel();
    let load = pipe.clone();
    thread::spawn(move || sender.send(refused(&mut small(), &load)));
    let error = receiver.recv_timeout(Duration::from_secs(20)).expect("load waits for the pipe");
    assert!(matches!(error, Error::NotAFile { found: "a device or a pipe", .. }), "{error}");
    let error = not_saved(&pipe);
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}
