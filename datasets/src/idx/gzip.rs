//! [`Members`]: unpacks gzip, and looks at what follows it.

use std::fmt;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::error::Thousands;

/// Tapes and disks are padded to their blocks, which have a megabyte at most. Without a limit, an
/// endless stream of zeros would be read for ever.
const MOST_PADDING: u64 = 16 << 20;

/// The members of a gzip stream, one after the other, with zeros between and behind them.
pub(super) struct Members<R> {
    state: State<R>,
    padding: u64,
}

enum State<R> {
    Within(GzDecoder<R>),
    Between(R),
    /// At the end, or after an error.
    Done,
}

/// The error of [`Members`] for bytes that follow the last member: what they are.
#[derive(Debug)]
pub(super) struct Trailing(pub(super) String);

impl fmt::Display for Trailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} follow the gzip data", self.0)
    }
}

impl std::error::Error for Trailing {}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: State::Within(GzDecoder::new(input)), padding: 0 }
    }

    /// Skips padding; whether another member follows.
    fn skip_padding(&mut self, input: &mut R) -> io::Result<bool> {
        loop {
            let bytes = input.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            match bytes.get(zeros..) {
                _ if bytes.is_empty() => return Ok(false),
                Some([0x1f, ..]) => {
                    input.consume(zeros);
                    return Ok(true);
                }
                Some(rest @ [_, ..]) => {
                    let shown = rest.iter().take(4).map(|byte| format!("{byte:02X}"));
                    let shown: Vec<_> = shown.collect();
                    return Err(trailing(format!("the bytes {}", shown.join(" "))));
                }
                _ => {}
            }
            self.padding += zeros as u64;
            if self.padding > MOST_PADDING {
                return Err(trailing(format!("more than {} zeros", Thousands(MOST_PADDING))));
            }
            input.consume(zeros);
        }
    }
}

fn trailing(found: String) -> io::Error {
    io::Error::other(Trailing(found))
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Within(mut member) => {
                    let read = member.read(buffer);
                    let goes_on = match &read {
                        Ok(n) => *n > 0 || buffer.is_empty(),
                        Err(e) => e.kind() == io::ErrorKind::Interrupted,
                    };
                    if goes_on || read.is_err() {
                        if goes_on {
                            self.state = State::Within(member);
                        }
                        return read;
                    }
                    self.state = State::Between(member.into_inner());
                }
                State::Between(mut input) => match self.skip_padding(&mut input) {
                    Ok(true) => self.state = State::Within(GzDecoder::new(input)),
                    Ok(false) => return Ok(0),
                    Err(e) => {
                        if e.kind() == io::ErrorKind::Interrupted {
                            self.state = State::Between(input);
                        }
                        return Err(e);
                    }
                },
                State::Done => return Ok(0),
            }
        }
    }
}
