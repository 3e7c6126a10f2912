//! The encoding of checkpoints: bincode with integers of fixed size, little-endian.
//!
//! Nothing else in the library knows bincode.

use std::io::{self, Read, Write};

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::error::{DecodeError, EncodeError};
use bincode::serde::{decode_from_slice, decode_from_std_read, encode_into_std_write};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest number of bytes of one value in a stream. A file with a larger length is refused before
/// memory is allocated.
pub(super) const ENTRY_LIMIT: usize = 1 << 16;

type Codec<const LIMIT: usize> = Configuration<LittleEndian, Fixint, Limit<LIMIT>>;

const fn codec<const LIMIT: usize>() -> Codec<LIMIT> {
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<LIMIT>()
}

/// Writes a value.
pub(super) fn write(value: impl Serialize, out: &mut impl Write) -> io::Result<()> {
    encode_into_std_write(value, out, codec::<ENTRY_LIMIT>()).map_err(io).map(drop)
}

/// The bytes of a value.
pub(super) fn to_bytes(value: impl Serialize) -> io::Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, codec::<ENTRY_LIMIT>()).map_err(io)
}

/// Reads a value of at most [`ENTRY_LIMIT`] bytes; `what` names it in the error.
pub(super) fn read<D: DeserializeOwned>(
    source: &mut impl Read,
    what: impl Fn() -> String,
) -> Result<D, String> {
    decode_from_std_read(source, codec::<ENTRY_LIMIT>()).map_err(|error| explain(&what(), &error))
}

/// Reads a value that takes all of these bytes.
///
/// bincode allocates a text before it has read it, so what its length claims is limited, to some 64
/// times the bytes that there are.
pub(super) fn from_bytes<D: DeserializeOwned>(bytes: &[u8]) -> Result<D, String> {
    let n = bytes.len();
    let decoded = if n <= 1 << 14 {
        decode_from_slice(bytes, codec::<{ 1 << 20 }>())
    } else if n <= 1 << 24 {
        decode_from_slice(bytes, codec::<{ 1 << 30 }>())
    } else {
        decode_from_slice(bytes, codec::<{ usize::MAX >> 16 }>())
    };
    let (value, read) = decoded.map_err(|error| match error {
        DecodeError::LimitExceeded => "it claims more bytes than there are".to_owned(),
        error => explain("its content", &error),
    })?;
    match n - read {
        0 => Ok(value),
        rest => Err(format!("{rest} bytes follow its end")),
    }
}

/// Why a value could not be read: the source ended.
pub(super) fn ended(what: &str, inner: io::Error) -> String {
    explain(what, &DecodeError::Io { inner, additional: 0 })
}

fn explain(what: &str, error: &DecodeError) -> String {
    match error {
        DecodeError::Io { inner, .. } if inner.kind() == io::ErrorKind::UnexpectedEof => {
            format!("the content is too short for {what}")
        }
        DecodeError::UnexpectedEnd { .. } => format!("the content is too short for {what}"),
        DecodeError::LimitExceeded => format!("{what} claims more than {ENTRY_LIMIT} bytes"),
        DecodeError::Utf8 { .. } => format!("{what} is not UTF-8"),
        other => format!("{what} cannot be decoded, {other}"),
    }
}

fn io(error: EncodeError) -> io::Error {
    match error {
        EncodeError::Io { inner, .. } => inner,
        other => io::Error::other(other.to_string()),
    }
}
