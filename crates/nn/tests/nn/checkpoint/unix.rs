//! What Unix knows of files: full disks, permissions, links, pipes.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

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

fn run(mut command: Command, test: &str, target: &Path) {
    let test = format!("checkpoint::unix::{test}");
    command.args(["--exact", &test, "--ignored", "--nocapture"]);
    command.env("FANIN_TEST_TARGET", target);
    let output = loop {
        match command.output() {
            // A copied program: a process that another test starts just now holds the copy's file for a moment.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            output => break output.unwrap(),
        }
    };
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
    run(command, "child", &target);
    assert_eq!(scratch.names(), ["model.fanin"]);
}

/// Where the directory takes no new file, a file that may be written to is overwritten.
#[test]
fn a_directory_one_may_not_write_to() {
    let scratch = Scratch::new();
    let directory = scratch.file("directory");
    fs::create_dir(&directory).unwrap();
    let target = directory.join("model.fanin");
    let other = directory.join("other.fanin");
    for path in [&target, &other] {
        big().save(path).unwrap();
    }
    fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    let inode = fs::metadata(&target).unwrap().ino();
    // What is there is longer than what is saved, and shorter.
    for len in [100_000, 0] {
        File::options().write(true).open(&target).unwrap().set_len(len).unwrap();
        run(as_nobody(&scratch), "saves", &target);
        big().load(&target).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().ino(), inode);
    }
    // A file that may not be written to is not.
    run(as_nobody(&scratch), "child", &other);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let mut left: Vec<_> = fs::read_dir(&directory).unwrap().map(|e| e.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, [target, other]);
}

/// This program, run by a user who owns nothing here; by the same user if that is no superuser, who
/// may write anywhere.
fn as_nobody(scratch: &Scratch) -> Command {
    let program = scratch.file("program");
    if !program.exists() {
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    if is_superuser(scratch) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

const NOBODY: u32 = 65_534;

fn is_superuser(scratch: &Scratch) -> bool {
    fs::metadata(&scratch.0).unwrap().uid() == 0
}

/// Not a test of its own: saves and says so.
#[test]
#[ignore = "the tests here run it"]
fn saves() {
    big().save(std::env::var_os("FANIN_TEST_TARGET").unwrap()).unwrap();
    println!("child: saved");
}

#[test]
fn the_owner_stays() {
    let scratch = Scratch::new();
    if !is_superuser(&scratch) {
        eprintln!("skipped: only the superuser can give files away");
        return;
    }
    let path = scratch.with("model.fanin", b"");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    small().save(&path).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (NOBODY, NOBODY, 0o600));

    // Another's file, in a directory that takes new files: its owner cannot be given to a new one.
    let shared = scratch.file("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let path = shared.join("model.fanin");
    fs::write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    run(as_nobody(&scratch), "saves", &path);
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777, found.ino()), (0, 0o666, inode));
    big().load(&path).unwrap();
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 1);
}

/// Another name of the file is a copy that shares the disk's room, as a backup makes it.
#[test]
fn a_hard_link_keeps_the_old_content() {
    let scratch = Scratch::new();
    let (path, backup) = (scratch.file("model.fanin"), scratch.file("backup.fanin"));
    let (old, new) = (small(), small());
    old.save(&path).unwrap();
    fs::hard_link(&path, &backup).unwrap();
    new.save(&path).unwrap();
    for (path, saved) in [(path, new), (backup, old)] {
        let mut loaded = small();
        loaded.load(path).unwrap();
        assert_eq!(bits(&loaded), bits(&saved));
    }
}

/// Saves for ever, to be killed.
#[test]
#[ignore = "the tests here run it"]
fn saves_again_and_again() {
    let path = PathBuf::from(std::env::var_os("FANIN_TEST_TARGET").unwrap());
    let large = Linear::new(1_000, 1_000); // 4 MB
    loop {
        large.save(&path).unwrap();
    }
}

fn saver(target: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "checkpoint::unix::saves_again_and_again", "--ignored"]);
    command.env("FANIN_TEST_TARGET", target).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Sends a signal to a child while it writes; the temporary file that it is at.
fn interrupt(child: &mut Child, scratch: &Scratch, signal: &str) -> PathBuf {
    for _ in 0..10_000 {
        let temporary = scratch.names().into_iter().find(|name| name.ends_with(".tmp"));
        if temporary.is_some() {
            let id = child.id().to_string();
            assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
            if signal == "-KILL" {
                child.wait().unwrap();
            }
            // It can have ended that save in the meantime.
            thread::sleep(Duration::from_millis(20));
            let left = scratch.names().into_iter().find(|name| name.ends_with(".tmp"));
            if let Some(left) = left {
                return scratch.file(&left);
            }
            if signal == "-KILL" {
                *child = saver(&scratch.file("model.fanin"));
            } else {
                Command::new("kill").args(["-CONT", &id]).status().unwrap();
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("the child never writes");
}

fn make_old(path: &Path) {
    let hour = SystemTime::now() - Duration::from_secs(3_600);
    File::options().write(true).open(path).unwrap().set_modified(hour).unwrap();
}

#[test]
fn a_save_removes_what_killed_processes_left() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    Linear::new(1_000, 1_000).save(&path).unwrap();
    for _ in 0..3 {
        let mut child = saver(&path);
        let left = interrupt(&mut child, &scratch, "-KILL");
        // What is there is whole.
        Linear::new(1_000, 1_000).load(&path).unwrap();
        // A young file is left alone: it may not be locked yet.
        small().save(scratch.file("other.fanin")).unwrap();
        assert!(left.exists());
        make_old(&left);
        small().save(scratch.file("other.fanin")).unwrap();
        assert_eq!(scratch.names(), ["model.fanin", "other.fanin"]);
    }
}

#[test]
fn a_save_removes_nothing_of_a_living_process() {
    let scratch = Scratch::new();
    let path = scratch.file("model.fanin");
    let mut child = saver(&path);
    let temporary = interrupt(&mut child, &scratch, "-STOP");
    make_old(&temporary);
    small().save(scratch.file("other.fanin")).unwrap();
    assert!(temporary.exists(), "it belongs to a process that has only been stopped");
    child.kill().unwrap();
    child.wait().unwrap();
    // Files of other programs, and other kinds of files, are left alone, however old.
    for name in [".fanin-notes.tmp", "fanin-1-1.tmp", ".fanin-1-1.part"] {
        make_old(&scratch.with(name, b"mine"));
    }
    fs::create_dir(scratch.file(".fanin-1-1.tmp")).unwrap();
    symlink("other.fanin", scratch.file(".fanin-1-2.tmp")).unwrap();
    small().save(scratch.file("other.fanin")).unwrap();
    assert!(!temporary.exists());
    assert_eq!(scratch.names().iter().filter(|name| name.contains("fanin-")).count(), 5);
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

    // A link to a link to a file that does not exist yet, each relative to its own directory.
    let (dangling, next) = (scratch.file("next.fanin"), scratch.file("runs/last"));
    symlink("runs/last", &dangling).unwrap();
    symlink("../8.fanin", &next).unwrap();
    saved.save(&dangling).unwrap();
    assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
    assert!(fs::symlink_metadata(&next).unwrap().is_symlink());
    loaded.load(scratch.file("8.fanin")).unwrap();
    assert_eq!(bits(&loaded), bits(&saved));

    // Links that lead to no file that could be.
    symlink("circle", scratch.file("circle")).unwrap();
    let error = not_saved(&scratch.file("circle"));
    assert!(error.to_string().contains("links lead in a circle"), "{error}");
    symlink("none/model.fanin", scratch.file("nowhere")).unwrap();
    assert!(matches!(not_saved(&scratch.file("nowhere")), Error::Write { .. }));
    symlink("runs", scratch.file("directory")).unwrap();
    let error = not_saved(&scratch.file("directory"));
    assert!(matches!(error, Error::NotAFile { found: "a directory", .. }), "{error}");
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
