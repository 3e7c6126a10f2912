//! What [`fanin_files::replace`] keeps, refuses and removes, on Unix.
#![cfg(unix)]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use fanin_files::{Error, open, replace};

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fanin-files-{}-{n}.d", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn with(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.file(name), text).unwrap();
        self.file(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn save(path: &Path, text: &str) -> Result<(), Error> {
    replace(path, |file| file.write_all(text.as_bytes()))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn links_are_followed_and_stay() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.file("runs")).unwrap();
    let (link, next) = (scratch.file("link"), scratch.file("runs/next"));
    symlink("runs/next", &link).unwrap();
    symlink("../model", &next).unwrap();
    for content in ["first", "second"] {
        save(&link, content).unwrap();
        assert_eq!(text(&scratch.file("model")), content);
        assert!(link.is_symlink() && next.is_symlink());
    }
    symlink("circle", scratch.file("circle")).unwrap();
    assert!(matches!(save(&scratch.file("circle"), ""), Err(Error::Io(_))));
    symlink("runs", scratch.file("directory")).unwrap();
    assert!(matches!(save(&scratch.file("directory"), ""), Err(Error::NotAFile("a directory"))));
    assert_eq!(scratch.names(), ["circle", "directory", "link", "model", "runs"]);
}

#[test]
#[cfg(target_os = "linux")]
fn an_open_pipe_is_no_file() {
    use std::os::fd::AsRawFd;
    let (reader, writer) = std::io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    assert!(matches!(save(Path::new(&path), ""), Err(Error::NotAFile("a device or a pipe"))));
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    assert!(matches!(open(Path::new(&path)), Err(Error::NotAFile("a device or a pipe"))));
}

#[test]
fn owner_and_mode_stay() {
    const NOBODY: u32 = 65_534;
    // A user alone, a group alone, and both. Only root may give a file away.
    for (user, group) in [(Some(NOBODY), None), (None, Some(NOBODY)), (Some(NOBODY), Some(NOBODY))]
    {
        let scratch = Scratch::new();
        let path = scratch.with("model", "old");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let given = chown(&path, user, group).is_ok();
        let before = fs::metadata(&path).unwrap();
        replace(&path, |file| {
            // Nobody else can read it at any time.
            let temporary =
                scratch.names().into_iter().find(|name| name.ends_with(".tmp")).unwrap();
            let found = fs::metadata(scratch.file(&temporary)).unwrap();
            assert_eq!((found.uid(), found.mode()), (before.uid(), before.mode()));
            file.write_all(b"new")
        })
        .unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_eq!((after.mode(), after.len()), (before.mode(), 3));
        assert!(!given || user.is_none_or(|user| after.uid() == user));
        assert!(!given || group.is_none_or(|group| after.gid() == group));
    }
}

#[test]
fn a_hard_link_keeps_the_old_content() {
    let scratch = Scratch::new();
    let (path, backup) = (scratch.with("model", "old"), scratch.file("backup"));
    fs::hard_link(&path, &backup).unwrap();
    save(&path, "new").unwrap();
    assert_eq!((text(&path), text(&backup)), ("new".into(), "old".into()));
}

fn make_old(file: &File) {
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
}

#[test]
fn what_nobody_holds_is_removed_once_it_is_old() {
    let scratch = Scratch::new();
    let left = scratch.with(".fanin-1-0.tmp", "half a mod");
    let file = File::options().write(true).open(&left).unwrap();
    save(&scratch.file("model"), "").unwrap();
    assert!(left.exists(), "it is young");
    make_old(&file);
    // As the process that writes it has.
    file.lock().unwrap();
    save(&scratch.file("model"), "").unwrap();
    assert!(left.exists(), "it is locked");
    drop(file);
    save(&scratch.file("model"), "").unwrap();
    assert_eq!(scratch.names(), ["model"]);
}

#[test]
fn a_file_being_written_is_locked() {
    let scratch = Scratch::new();
    replace(&scratch.file("model"), |file| {
        let temporary = scratch.file(&scratch.names()[0]);
        make_old(&File::options().write(true).open(&temporary).unwrap());
        // Another save beside it, as slow as this one may be.
        save(&scratch.file("other"), "").unwrap();
        assert!(temporary.exists());
        file.write_all(b"whole")
    })
    .unwrap();
    assert_eq!(scratch.names(), ["model", "other"]);
}

#[test]
fn an_error_changes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.with("model", "old");
    let error = replace(&path, |file| {
        file.write_all(b"new")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(matches!(error, Err(Error::Io(_))));
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    assert!(save(&path, "new").unwrap_err().to_string().contains("read-only"));
    assert_eq!((text(&path), scratch.names()), ("old".into(), vec!["model".into()]));
    assert!(matches!(open(&scratch.0), Err(Error::NotAFile("a directory"))));
    assert!(matches!(open(Path::new("/dev/zero")), Err(Error::NotAFile(_))));
}
