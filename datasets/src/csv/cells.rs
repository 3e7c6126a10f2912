//! [`Cells`]: the fields of a file, one text after the other.

use std::io::{self, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::{Csv, MOST_COLUMNS};
use crate::error::{Error, Place, Result, Thousands};
use crate::idx;

/// The fields of all rows. One text and its ends take less memory than a text for each field.
pub(super) struct Cells {
    text: String,
    /// Where each field ends, row by row.
    ends: Vec<u32>,
    /// The line of each row, from 1.
    pub(super) lines: Vec<u32>,
    /// How many fields a row has.
    pub(super) width: usize,
}

impl Cells {
    pub(super) fn rows(&self) -> usize {
        self.lines.len()
    }

    /// A field without the space around it.
    pub(super) fn get(&self, row: usize, column: usize) -> &str {
        let i = row * self.width + column;
        let start = i.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text[start as usize..self.ends[i] as usize].trim()
    }

    fn push(&mut self, record: &StringRecord, line: u32) {
        for field in record {
            self.text.push_str(field);
            self.ends.push(self.text.len() as u32);
        }
        self.lines.push(line);
    }
}

impl Csv {
    /// Reads all fields, the header's too, and checks that all rows have as many.
    pub(super) fn cells(&self, name: &Path, input: impl Read) -> Result<Cells> {
        let text = text(name, input, self.limit)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(text.as_bytes());
        let mut cells = Cells { text: String::new(), ends: vec![], lines: vec![], width: 0 };
        let (mut record, mut lines) = (StringRecord::new(), Lines { text, at: 0, line: 1 });
        loop {
            let start = reader.position().byte() as usize;
            let more = reader.read_record(&mut record).map_err(|e| broken(name, e))?;
            if !more {
                break;
            }
            let line = lines.of(start);
            let at = || Place::Line { file: name.into(), line: line.into() };
            if reader.position().byte() as usize >= text.len() && lines.is_unclosed() {
                return Err(Error::UnclosedQuote { at: at() });
            }
            if cells.lines.is_empty() {
                cells.width = record.len();
                if cells.width > MOST_COLUMNS {
                    let of = name.display().to_string();
                    return Err(Error::TooManyColumns {
                        of,
                        found: cells.width,
                        limit: MOST_COLUMNS,
                    });
                }
            }
            if record.len() != cells.width {
                return Err(Error::Fields {
                    at: at(),
                    found: record.len(),
                    first: cells.lines[0].into(),
                    expected: cells.width,
                    delimiter: self.delimiter.into(),
                });
            }
            cells.push(&record, line);
        }
        if cells.lines.is_empty() {
            let next = "take another file, or write it again";
            let of = name.display().to_string();
            return Err(Error::NoData { of, found: "is empty", next });
        }
        Ok(cells)
    }
}

/// Counts lines up to where rows start.
struct Lines<'t> {
    text: &'t str,
    /// Where the last row starts.
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line of the row that starts at this byte, or after line breaks that follow there.
    fn of(&mut self, start: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let breaks =
            bytes[start..].iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
        let start = start + breaks;
        for i in self.at..start {
            // A line ends with \n, \r\n, or \r alone.
            let is_break =
                bytes[i] == b'\n' || bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n');
            self.line += u32::from(is_break);
        }
        self.at = start;
        self.line
    }

    /// Whether the last row, which has no end, has a quote too many and goes over several lines.
    fn is_unclosed(&self) -> bool {
        let row = self.text[self.at..].trim_end();
        row.contains('\n') && !row.matches('"').count().is_multiple_of(2)
    }
}

/// The text of a stream, unpacked, under a limit.
fn text(name: &Path, input: impl Read, limit: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let input = idx::unpacked(name, input)?;
    if let Err(e) = input.take(limit + 1).read_to_end(&mut bytes) {
        return Err(match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                Error::Truncated { file: name.into(), after: "within its gzip data".into() }
            }
            _ => idx::broken(name.into(), e),
        });
    }
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge {
            file: name.into(),
            header: "its text goes on".into(),
            claimed: format!("at least {} bytes", Thousands(limit + 1)),
            limit,
            advice: "raise the limit by csv::Csv::limit, or read a part of the file",
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = 1 + bytes[..valid].iter().filter(|&&byte| byte == b'\n').count() as u64;
        let shown = bytes[valid..].iter().take(2).map(|byte| format!("{byte:02X}"));
        let bytes = shown.collect::<Vec<_>>().join(" ");
        Error::NotUtf8 { at: Place::Line { file: name.into(), line }, bytes }
    })
}

/// The crate's error, which only input and output can be: fields of any number are allowed, and the
/// text is UTF-8.
fn broken(name: &Path, error: csv::Error) -> Error {
    Error::Io { file: name.into(), action: "read", source: io::Error::other(error) }
}
