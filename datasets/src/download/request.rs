//! One request to a mirror.

use std::io::{self, Read};
use std::time::Instant;

use ureq::http::HeaderMap;

use super::agent::Agent;
use super::mirror::other_length;
use super::part::Part;
use super::progress::Progress;
use super::remote_file::RemoteFile;
use crate::error::{Result, Thousands, count};

/// A mirror is left that sends fewer bytes a second.
const SLOWEST: f64 = 1_000.0;

/// What came of a request.
pub(super) enum Answer {
    /// The part has all bytes.
    Complete,
    /// Some bytes are missing, and the mirror may give them. Why it did not.
    Again(String),
    /// The mirror will not give them. Why.
    Never(String),
}

/// Asks for what the part lacks, and adds what comes.
pub(super) fn request(
    agent: &Agent,
    url: &str,
    file: &RemoteFile,
    part: &mut Part,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Answer> {
    let response = match agent.get(url, part.len()) {
        Ok(response) => response,
        Err(why) => return Ok(Answer::Never(why)),
    };
    let (status, headers) = (response.status(), response.headers());
    let mut begins = 0;
    match status.as_u16() {
        200 => {}
        206 => match content_range(headers) {
            Some((_, Some(total))) if total != file.bytes() => {
                return Ok(Answer::Never(other_length(total, file)));
            }
            Some((at, _)) if at == part.len() => begins = at,
            _ => {
                // Without a range, the server can only begin at the beginning.
                let why = format!("did not go on at byte {}", Thousands(part.len()));
                let had = part.len();
                part.restart()?;
                return Ok(if had > 0 { Answer::Again(why) } else { Answer::Never(why) });
            }
        },
        // The part is longer than the file that the server has.
        416 if part.len() > 0 => {
            part.restart()?;
            return Ok(Answer::Again("answered 416 Range Not Satisfiable".into()));
        }
        _ => return Ok(Answer::Never(format!("answered {status}"))),
    }
    let length = response.body().content_length();
    if let Some(length) = length
        && length != file.bytes() - begins
    {
        return Ok(Answer::Never(other_length(begins.saturating_add(length), file)));
    }
    if begins == 0 {
        // The server ignores the range, or there was none.
        part.restart()?;
    }
    let body = response.into_body().into_reader();
    receive(agent, url, file, part, body, length.is_some(), progress)
}

/// Adds the body to the part.
fn receive(
    agent: &Agent,
    url: &str,
    file: &RemoteFile,
    part: &mut Part,
    mut body: impl Read,
    is_counted: bool,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Answer> {
    let bytes = file.bytes();
    let mut buffer = vec![0; 1 << 16];
    let begun = part.len();
    let (mut since, mut before, mut is_slow) = (Instant::now(), begun, false);
    let report = |part: &Part, progress: &mut dyn FnMut(&Progress<'_>)| {
        progress(&Progress { file: file.name(), from: url, done: part.len(), bytes });
    };
    if begun < bytes {
        report(part, progress);
    }
    let cause = loop {
        let left = bytes - part.len();
        if left == 0 && is_counted {
            return Ok(Answer::Complete);
        }
        // One byte more shows a body that is too long.
        let room = usize::try_from(left + 1).map_or(buffer.len(), |left| left.min(buffer.len()));
        match body.read(&mut buffer[..room]) {
            // All bytes are there. The checksum decides whether they are right.
            Ok(0) | Err(_) if left == 0 => return Ok(Answer::Complete),
            Ok(0) => break "ended the file".into(),
            Ok(n) if n as u64 > left => {
                part.restart()?;
                return Ok(Answer::Never(format!(
                    "has another file: more than {}",
                    count(bytes, "bytes")
                )));
            }
            Ok(n) => {
                part.append(&buffer[..n])?;
                report(part, progress);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break agent.cause(error.into()),
        }
        let waited = since.elapsed();
        if waited >= agent.timeout {
            if ((part.len() - before) as f64) < SLOWEST * waited.as_secs_f64() {
                is_slow = true;
                break format!("sent less than {} bytes a second", Thousands(SLOWEST as u64));
            }
            (since, before) = (Instant::now(), part.len());
        }
    };
    let why = format!("{cause} after {} of {}", Thousands(part.len()), count(bytes, "bytes"));
    Ok(if part.len() > begun && !is_slow { Answer::Again(why) } else { Answer::Never(why) })
}

/// The first byte and the length of the whole, by `Content-Range: bytes 5-9/10`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get("Content-Range")?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    Some((first, total.trim().parse().ok()))
}
