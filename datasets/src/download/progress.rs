//! [`Progress`], and how it is shown by default.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::error::Thousands;

/// How far the download of a file is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The URL that it comes from; `another process` while that downloads the same file.
    pub from: &'a str,
    /// How many bytes are there, those of an earlier download included. It falls if the download
    /// begins anew.
    pub done: u64,
    /// How many bytes the file has.
    pub bytes: u64,
}

/// Shows progress on the standard error.
pub(super) struct Terminal {
    /// When the line was written over; `None` if there is no terminal.
    drawn: Option<Instant>,
    /// Whether the terminal's last line is one to be written over.
    open: bool,
}

impl Terminal {
    /// The least time between two writes to a terminal.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let drawn = (io::stderr().is_terminal() && !dumb).then(Instant::now);
        Self { drawn, open: false }
    }

    pub(super) fn show(&mut self, progress: &Progress<'_>) {
        let Progress { file, from, done, bytes } = progress;
        let is_done = done == bytes;
        let line = match &mut self.drawn {
            // The width of a terminal is seldom below 80, and a URL would be longer.
            Some(drawn) if is_done || drawn.elapsed() >= Self::PAUSE => {
                *drawn = Instant::now();
                self.open = !is_done;
                let end = if is_done { "\n" } else { "" };
                format!("\r\x1b[K{file}: {} of {} bytes{end}", Thousands(*done), Thousands(*bytes))
            }
            None if is_done => format!("{file}: {} bytes from {from}\n", Thousands(*bytes)),
            _ => return,
        };
        // A closed pipe is no reason to stop.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

impl Drop for Terminal {
    /// The message of an error gets a line of its own.
    fn drop(&mut self) {
        if self.open {
            let _ = io::stderr().write_all(b"\n");
        }
    }
}
