//! Tries one mirror.

use std::path::Path;

use super::agent::Agent;
use super::part::Part;
use super::progress::Progress;
use super::remote_file::RemoteFile;
use super::request::{Answer, request};
use crate::error::{Error, count};

/// Why a mirror gave no file.
pub(super) enum Failure {
    /// The mirror's fault: what it did, as the end of a sentence that begins with its URL.
    Mirror(String),
    /// Not the mirror's fault: no other one would do better.
    Here(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

/// The most requests to a mirror: to go on where it broke off, or to begin anew.
const REQUESTS: usize = 4;

/// Downloads what the part lacks, and installs it as the target.
pub(super) fn download(
    agent: &Agent,
    url: &str,
    file: &RemoteFile,
    part: &mut Part,
    target: &Path,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<(), Failure> {
    let mut cause = String::new();
    for _ in 0..REQUESTS {
        let before = part.len();
        if before < file.bytes() {
            match request(agent, url, file, part, progress)? {
                Answer::Complete => {}
                Answer::Again(why) => {
                    cause = why;
                    continue;
                }
                Answer::Never(why) => return Err(Failure::Mirror(why)),
            }
        }
        match part.install(file, target)? {
            Ok(()) => return Ok(()),
            Err(found) => part.restart().map(|()| cause = another(&found))?,
        }
        // Without bytes from before, the wrong ones are this mirror's.
        if before == 0 {
            break;
        }
    }
    Err(Failure::Mirror(cause))
}

fn another(sum: &str) -> String {
    format!("has another file: its SHA-256 is {sum}")
}

/// The cause for a mirror whose file has another length.
pub(super) fn other_length(found: u64, file: &RemoteFile) -> String {
    format!(
        "has another file: {} instead of {}",
        count(found, "bytes"),
        count(file.bytes(), "bytes")
    )
}
