//! [`Sections`]: what a checkpoint holds beside a model's parameters and buffers.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec;

/// The longest name of a section.
const NAME_LIMIT: usize = 64;

/// Values beside a model in one file: the state of a training, a fitted
/// pipeline of a data set, your own. Each has a name.
///
/// A value is anything that serde serializes. It comes back bit for bit. A reader that does not know a
/// section leaves it alone.
///
/// fanin's own sections are `architecture`, `provenance` and `training`. Begin the names of yours with
/// the name of your program.
///
/// # Example
/// ```
/// use fanin_nn::{Checkpoint, Linear, Sections};
///
/// # fn main() -> fanin_nn::Result<()> {
/// let mut sections = Sections::new();
/// sections.insert("shop.currencies", &vec!["EUR", "NOK"])?;
/// let bytes = Linear::new(3, 2).to_bytes_with(&sections)?;
///
/// let mut model = Linear::new(3, 2);
/// let sections = model.load_bytes_with(&bytes)?;
/// assert_eq!(sections.get::<Vec<String>>("shop.currencies")?.unwrap(), ["EUR", "NOK"]);
/// assert_eq!(sections.get::<u64>("shop.date")?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sections {
    /// Their encoded values, by name.
    values: BTreeMap<String, Vec<u8>>,
    /// The file that they are from, for messages.
    file: std::path::PathBuf,
}

impl Sections {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, or replaces the one with this name.
    ///
    /// # Errors
    /// [`Error::Write`](super::error::Error::Write) if serde cannot serialize it.
    ///
    /// # Panics
    /// **Panics** if the name is empty or longer than 64 bytes.
    #[track_caller]
    pub fn insert(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> super::Result<()> {
        assert!(
            (1..=NAME_LIMIT).contains(&name.len()),
            "Sections::insert: the name {name:?} has {} bytes; give it 1 to {NAME_LIMIT}",
            name.len()
        );
        let bytes = codec::to_bytes(value).map_err(|source| {
            let file = format!("section {name}").into();
            super::Error::Write { file, source }
        })?;
        self.values.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// The value of this name, if there is one.
    ///
    /// # Errors
    /// [`Error::Malformed`](super::error::Error::Malformed) if the section holds a value of another type.
    pub fn get<D: DeserializeOwned>(&self, name: &str) -> super::Result<Option<D>> {
        let Some(bytes) = self.values.get(name) else { return Ok(None) };
        match codec::from_bytes(bytes) {
            Ok(value) => Ok(Some(value)),
            Err(why) => {
                let why = format!("section {name}: {why}");
                Err(super::Error::Malformed { file: self.file.clone(), why })
            }
        }
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Takes one out.
    pub fn remove(&mut self, name: &str) {
        self.values.remove(name);
    }

    pub(super) fn of_file(&mut self, file: &std::path::Path) {
        self.file = file.to_owned();
    }

    /// Adds those of `others` that are not here.
    pub(super) fn with(mut self, others: &Self) -> Self {
        for (name, value) in &others.values {
            self.values.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// How many, then name, length and bytes of each.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        codec::write(self.values.len() as u64, out)?;
        for (name, value) in &self.values {
            codec::write((name, value.len() as u64), out)?;
            out.write_all(value)?;
        }
        Ok(())
    }

    /// Reads what [`write`](Self::write) has written. No length is trusted: memory grows with what comes.
    pub(super) fn read(source: &mut impl Read) -> Result<Self, String> {
        let count: u64 = codec::read(source, || "the number of sections".into())?;
        let mut sections = Self::new();
        for i in 0..count {
            let what = || format!("the name and length of section {i}");
            let (name, len): (String, u64) = codec::read(source, what)?;
            let mut value = vec![];
            source.take(len).read_to_end(&mut value).map_err(|error| error.to_string())?;
            if (value.len() as u64) < len {
                return Err(format!("section {i} has {} of {len} bytes", value.len()));
            }
            if sections.values.insert(name, value).is_some() {
                return Err(format!("section {i} has the name of another"));
            }
        }
        Ok(sections)
    }
}
