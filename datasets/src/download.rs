//! Downloads: files from mirrors in turn, resumed, checksummed and kept. The feature `download`.
//!
//! [`mnist_download`] and
//! [`fashion_mnist_download`] give the full sets on any machine with a
//! network. [`Download`] does the same with options, and fetches files of your own ([`RemoteFile`]).
//!
//! - **Once.** A file that is there opens no connection.
//! - **Whole or not at all.** A file gets its name when its length and SHA-256 are right. It is written
//!   beside the target, synced and renamed.
//! - **Resumed.** What has arrived stays in `NAME.part`, and the next call goes on from there, with the
//!   same mirror or another. A server that ignores `Range`, or has another file, begins anew.
//! - **Mirrors in turn.** The error names each one, why it did not serve, and what to do.
//! - **Bounded.** No more bytes are taken than the file has. A mirror is left that does not connect, does
//!   not answer, sends less than 1,000 bytes a second, or redirects more than five times.
//! - **One at a time.** A second process waits for the first, and then finds the file there.
//! - **Proxies.** `ALL_PROXY`, `HTTPS_PROXY` or `HTTP_PROXY`, the first that is set, for all mirrors
//!   except those that `NO_PROXY` lists.
//!
//! Certificates are checked against Mozilla's list, which the program carries.
//!
//! # Example
//! ```no_run
//! use std::time::Duration;
//! use fanin_datasets::download::Download;
//!
//! let (train, test) = Download::new()
//!     .mirror("https://files.example.org/mnist")       // tried before the public ones
//!     .timeout(Duration::from_secs(10))
//!     .progress(|p| println!("{}: {} of {} bytes", p.file, p.done, p.bytes))
//!     .mnist()?;
//! # Ok::<(), fanin_datasets::Error>(())
//! ```

mod agent;
mod mirror;
mod part;
mod progress;
mod remote_file;
mod request;
mod sets;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use progress::Progress;
pub use remote_file::RemoteFile;
pub use sets::{fashion_mnist_download, mnist_download};

use crate::error::{Error, Result};
use agent::Agent;
use mirror::Failure;
use part::Part;
use progress::Terminal;

/// The options of a download.
///
/// # Example
/// Reads a file that is there already, whatever the network:
/// ```
/// use fanin_datasets::download::{Download, RemoteFile};
///
/// let directory = std::env::temp_dir().join(format!("fanin-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # std::fs::write(directory.join("abc.txt"), "abc").unwrap();
/// let file = RemoteFile::new(
///     "abc.txt",
///     3,
///     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
/// )
/// .mirror("https://files.example.org");
/// let path = Download::new().file(&file, &directory)?;
/// assert_eq!(std::fs::read(path).unwrap(), b"abc");
/// # std::fs::remove_dir_all(directory).unwrap();
/// # Ok::<(), fanin_datasets::Error>(())
/// ```
pub struct Download {
    directory: Option<PathBuf>,
    mirrors: Vec<String>,
    timeout: Duration,
    proxy: agent::Proxy,
    progress: Box<dyn FnMut(&Progress<'_>) + Send>,
}

impl Default for Download {
    fn default() -> Self {
        Self::new()
    }
}

impl Download {
    /// A download with a timeout of 30 s, the environment's proxy, and progress on the standard error:
    /// a line that moves on a terminal, elsewhere a line for each file.
    pub fn new() -> Self {
        let mut terminal = Terminal::new();
        Self {
            directory: None,
            mirrors: vec![],
            timeout: Duration::from_secs(30),
            proxy: agent::Proxy::Environment,
            progress: Box::new(move |progress| terminal.show(progress)),
        }
    }

    /// The directory of a data set's four files, instead of the one that
    /// [`mnist_download`] names.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// A mirror that is tried before the others: the URL of a folder that has the files under their
    /// names.
    pub fn mirror(mut self, folder: impl Into<String>) -> Self {
        self.mirrors.push(folder.into());
        self
    }

    /// How long to wait for a connection, for an answer, and for more bytes, each; a day at most.
    ///
    /// # Panics
    /// **Panics** if the time is 0.
    #[track_caller]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        assert!(
            !timeout.is_zero(),
            "Download::timeout: no server answers in 0 s; give a second or more"
        );
        self.timeout = timeout.min(Duration::from_secs(86_400));
        self
    }

    /// The proxy to go through, such as `http://user:password@host:3128` or `socks5://host:1080`,
    /// whatever the environment says; `None` for no proxy.
    pub fn proxy<'u>(mut self, url: impl Into<Option<&'u str>>) -> Self {
        self.proxy = match url.into() {
            Some(url) => agent::Proxy::Url(url.to_owned()),
            None => agent::Proxy::None,
        };
        self
    }

    /// Calls a function with the progress, instead of printing it: at the beginning of a file, when
    /// bytes arrive, and at its end. `|_| {}` prints nothing.
    pub fn progress(mut self, progress: impl FnMut(&Progress<'_>) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// The file in a directory, downloaded if it is not there with the right length and checksum. The
    /// directory is created if necessary.
    ///
    /// # Errors
    /// [`Error::NotDownloaded`] if no mirror gives the file; [`Error::Io`] if it cannot be written, or
    /// if another process downloads the same file and gets no further; [`Error::Proxy`] if the address
    /// of the proxy is none.
    pub fn file(&mut self, file: &RemoteFile, directory: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = directory.as_ref();
        let target = directory.join(file.name());
        if file.is_at(&target)? {
            return Ok(target);
        }
        let agent = Agent::new(&self.proxy, self.timeout)?;
        let io = |source| Error::Io { file: directory.into(), action: "create", source };
        fs::create_dir_all(directory).map_err(io)?;

        let mirrors: Vec<String> =
            self.mirrors.iter().chain(file.mirrors()).map(|folder| file.url(folder)).collect();
        let progress = &mut *self.progress;
        // The other process tries as many mirrors, and waits for each as long.
        let patience = self.timeout.saturating_mul(4 * (mirrors.len() as u32 + 1));
        let mut part = Part::open(&target, file, patience, progress)?;
        if file.is_at(&target)? {
            // Another process has downloaded it meanwhile.
            part.remove();
            return Ok(target);
        }
        let mut tried = vec![];
        for url in &mirrors {
            match mirror::download(&agent, url, file, &mut part, &target, progress) {
                Ok(()) => {
                    part.remove();
                    return Ok(target);
                }
                Err(Failure::Mirror(cause)) => tried.push(format!("{url} {cause}")),
                Err(Failure::Here(error)) => return Err(error),
            }
        }
        part.close();
        let name = file.name().to_owned();
        let next =
            format!("{}, or put the file into {} by hand", agent.advice(), directory.display());
        Err(Error::NotDownloaded { name, tried, next })
    }
}
