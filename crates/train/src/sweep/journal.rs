//! The journal of a sweep: a file to which each finished run is appended.
//!
//! It has lines of text. The first one says which sweep it is of, and each other one is a run. A line is the
//! CRC-32 of what follows it, in hex, a space, and JSON:
//!
//! ```text
//! 1c2ab0f4 {"version":1,"settings":"seeds 1, 2; …","runs":40,"part":"3/16"}
//! 9d03e5a1 {"run":2,"seconds":12.5,"text":"…"}
//! ```
//!
//! A process that is killed while it writes leaves a torn last line, which is left out and written anew.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SweepPart;
use crate::{Error, Result};

/// A run that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Its number, from 0.
    pub run: usize,
    /// How long it took.
    pub seconds: f64,
    /// What it gave.
    pub text: String,
}

/// Which sweep a journal is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    version: u32,
    pub(super) settings: String,
    pub(super) runs: usize,
    pub(super) part: String,
}

impl Head {
    pub(super) fn new(settings: &str, runs: usize, part: SweepPart) -> Self {
        Self { version: 1, settings: settings.to_owned(), runs, part: part.to_string() }
    }

    /// Why the results of `other` are none of this sweep. The part does not matter.
    pub(super) fn differs(&self, other: &Self) -> Option<String> {
        if self.version != other.version {
            return Some(format!("its format has version {}, not {}", other.version, self.version));
        }
        if self.settings != other.settings {
            let (ours, theirs) = difference(&self.settings, &other.settings);
            return Some(format!("it is of a sweep with `{theirs}`, and this one has `{ours}`"));
        }
        let (ours, theirs) = (self.runs, other.runs);
        (ours != theirs)
            .then(|| format!("it is of a sweep of {theirs} runs, and this one has {ours}"))
    }
}

/// The first settings of two sweeps that differ.
fn difference<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let nothing = |part: Option<&'a str>| part.unwrap_or("nothing");
    let (mut a, mut b) = (a.split("; "), b.split("; "));
    loop {
        match (a.next(), b.next()) {
            (x, y) if x != y || x.is_none() => return (nothing(x), nothing(y)),
            _ => {}
        }
    }
}

/// What a journal holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Contents {
    /// `None` if not even the first line is whole.
    pub(super) head: Option<Head>,
    pub(super) finished: Vec<Finished>,
    /// The length of all whole lines. What follows is torn.
    pub(super) whole: usize,
}

/// Reads the text of a journal. The error has the number of a line, from 1, and what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Contents, (usize, String)> {
    let mut contents = Contents::default();
    let mut damaged: Option<(usize, String)> = None;
    let mut at = 0;
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        at += line.len();
        let text = match content(line) {
            Ok(text) => text,
            // A torn end may be one line or several. Nothing whole comes after it.
            Err(why) => {
                damaged.get_or_insert((number, why.to_owned()));
                continue;
            }
        };
        if let Some(damaged) = damaged.take() {
            return Err(damaged);
        }
        let wrong = |error: serde_json::Error| (number, error.to_string());
        match &contents.head {
            None => contents.head = Some(serde_json::from_slice(text).map_err(wrong)?),
            Some(head) => {
                let finished: Finished = serde_json::from_slice(text).map_err(wrong)?;
                if finished.run >= head.runs {
                    return Err((number, format!("there is no run {}", finished.run)));
                }
                contents.finished.push(finished);
            }
        }
        contents.whole = at;
    }
    Ok(contents)
}

/// What a whole line says.
fn content(line: &[u8]) -> Result<&[u8], &'static str> {
    let Some((&b'\n', line)) = line.split_last() else { return Err("it has no end") };
    let split = line.split_at_checked(9).filter(|(sum, _)| sum[8] == b' ');
    let (sum, text) = split.ok_or("it does not begin with a checksum")?;
    match std::str::from_utf8(&sum[..8]).ok().and_then(|sum| u32::from_str_radix(sum, 16).ok()) {
        Some(sum) if sum == crc32fast::hash(text) => Ok(text),
        Some(_) => Err("its checksum is another"),
        None => Err("it does not begin with a checksum"),
    }
}

fn line(of: &impl Serialize) -> String {
    let text = serde_json::to_string(of).expect("it has strings and finite numbers alone");
    format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()))
}

/// Reads a file of which the operating system's error, or what is wrong with it, becomes an error with advice.
fn read(path: &Path) -> Result<(Vec<u8>, Contents)> {
    let mut bytes = vec![];
    fanin_files::open(path)
        .and_then(|mut file| Ok(file.read_to_end(&mut bytes)?))
        .map_err(|error| Error::of_file(path, "read", error))?;
    let contents = parse(&bytes).map_err(|(line, why)| {
        let advice = match line {
            1 => "it is no journal of a sweep; give the name of one, or of a new file",
            _ => "delete this line, and its run is done again",
        };
        Error::journal(path, format!("line {line}: {why}; {advice}"))
    })?;
    Ok((bytes, contents))
}

/// Reads the journal of a part, which is a journal of the sweep that `head` is of.
pub(super) fn read_part(path: &Path, head: &Head, silent: bool) -> Result<(Head, Vec<Finished>)> {
    let (bytes, contents) = read(path)?;
    let Some(found) = contents.head else {
        let what = if bytes.is_empty() { "it is empty" } else { "it is no journal of a sweep" };
        return Err(Error::journal(
            path,
            format!("{what}; give files that --part or .part(…) wrote"),
        ));
    };
    if let Some(why) = head.differs(&found) {
        return Err(Error::journal(path, format!("{why}; give parts of one sweep")));
    }
    if contents.whole < bytes.len() && !silent {
        say_torn(path);
    }
    Ok((found, contents.finished))
}

fn say_torn(path: &Path) {
    let file = path.display();
    say(&format!(
        "{file}: the last line is torn, as if the process was killed while it wrote; it is left out"
    ));
}

/// A line on the standard error. Nobody may be listening, and training goes on.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A journal that is written.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens or begins a journal. Gives the runs that are done.
    pub(super) fn open(path: &Path, head: &Head, silent: bool) -> Result<(Self, Vec<Finished>)> {
        let io = |action| move |error| Error::of_file(path, action, fanin_files::Error::Io(error));
        let (bytes, contents) = match path.exists() {
            true => read(path)?,
            false => Default::default(),
        };
        match &contents.head {
            Some(found) => {
                if let Some(why) = head.differs(found) {
                    let advice =
                        "go on with the options of that sweep, or give the name of a new file";
                    return Err(Error::journal(path, format!("{why}; {advice}")));
                }
            }
            // The file is no journal: do not write to it.
            None if !line(head).as_bytes().starts_with(&bytes) => {
                let why = "it is no journal of a sweep; give the name of one, or of a new file";
                return Err(Error::journal(path, why));
            }
            None => {}
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(io("write"))?;
        // On a file system without locks, a second writer is not detected.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let why = "another process writes it; wait for its end, or give each process a file of its own";
            return Err(Error::journal(path, why));
        }
        if contents.whole < bytes.len() {
            if !silent {
                say_torn(path);
            }
            file.set_len(contents.whole as u64).map_err(io("write"))?;
        }
        let mut journal = Self { path: path.to_owned(), file };
        if contents.head.is_none() {
            journal.write(&line(head))?;
        }
        Ok((journal, contents.finished))
    }

    /// Adds a run. What is killed afterwards does not lose it.
    pub(super) fn append(&mut self, finished: &Finished) -> Result<()> {
        self.write(&line(finished))
    }

    fn write(&mut self, line: &str) -> Result<()> {
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| Error::of_file(&self.path, "write", fanin_files::Error::Io(error)))
    }
}

/// Puts the runs of several files together.
pub(super) struct Merged {
    /// By number.
    pub(super) runs: Vec<Option<(Finished, PathBuf)>>,
}

impl Merged {
    pub(super) fn new(runs: usize) -> Self {
        Self { runs: vec![None; runs] }
    }

    /// Adds the runs of a file. One that is there twice must have given the same.
    pub(super) fn add(
        &mut self,
        path: &Path,
        finished: Vec<Finished>,
        names: &[String],
    ) -> Result<()> {
        for one in finished {
            match &self.runs[one.run] {
                Some((known, other)) if known.text != one.text => {
                    let (name, other) = (named(names, one.run), other.display());
                    let why = format!(
                        "{name} is also in {other}, with another result; a run gives the same bits each time, \
                         so one of them is of another program or machine: leave that file out, and do its \
                         runs again"
                    );
                    return Err(Error::journal(path, why));
                }
                Some(_) => {}
                None => {
                    let run = one.run;
                    self.runs[run] = Some((one, path.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The runs that no file has.
    pub(super) fn missing(&self) -> Vec<usize> {
        (0..self.runs.len()).filter(|&run| self.runs[run].is_none()).collect()
    }
}

/// `run 4 (kaiming_normal, seed 2)`: its number counts from 0, as in the files.
pub(super) fn named(names: &[String], run: usize) -> String {
    match names.get(run).map_or("", String::as_str) {
        "" => format!("run {run}"),
        name => format!("run {run} ({name})"),
    }
}
