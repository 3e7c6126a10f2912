//! The IDX reader on good files, and on every kind of bad one.

use std::io::{self, Read};

use crate::common::{TempDir, gzip, idx_u8, panic_of};
use fanin_datasets::idx::{self, DEFAULT_LIMIT, Idx, IdxData, Reader};
use fanin_datasets::{Error, Result};
use proptest::prelude::*;

fn parse(bytes: &[u8]) -> Result<Idx> {
    Reader::new().read_from("x", bytes)
}

fn bytes_of(idx: &Idx) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx.write(&mut bytes).unwrap();
    bytes
}

fn message(bytes: &[u8]) -> String {
    parse(bytes).unwrap_err().to_string()
}

#[test]
fn every_type_is_read_as_the_format_defines_it() {
    let cases: [(&[u8], IdxData); 6] = [
        (&[0x08, 1, 0, 0, 0, 2, 0x01, 0xFF], IdxData::U8(vec![1, 255])),
        (&[0x09, 1, 0, 0, 0, 2, 0x01, 0xFF], IdxData::I8(vec![1, -1])),
        (&[0x0B, 1, 0, 0, 0, 2, 0x01, 0x02, 0xFF, 0xFE], IdxData::I16(vec![0x0102, -2])),
        (&[0x0C, 1, 0, 0, 0, 1, 0x01, 0x02, 0x03, 0x04], IdxData::I32(vec![0x0102_0304])),
        (&[0x0D, 1, 0, 0, 0, 1, 0xBF, 0x80, 0, 0], IdxData::F32(vec![-1.0])),
        (&[0x0E, 1, 0, 0, 0, 1, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0], IdxData::F64(vec![0.5])),
    ];
    for (rest, data) in cases {
        let bytes = [&[0, 0], rest].concat();
        let read = parse(&bytes).unwrap();
        assert_eq!(read.data(), &data);
        assert_eq!(bytes_of(&read), bytes);
    }
}

#[test]
fn what_is_written_is_read_back_plain_and_packed() {
    let directory = TempDir::new();
    let long = (0..100_000).map(|i| i as f64 / 7.0).collect(); // several chunks
    for array in [
        Idx::new([2, 3], IdxData::U8(vec![0, 1, 2, 3, 4, 255])),
        Idx::new([3], IdxData::I8(vec![-128, 0, 127])),
        Idx::new([1, 2, 1], IdxData::I16(vec![i16::MIN, i16::MAX])),
        Idx::new([2], IdxData::I32(vec![i32::MIN, 7])),
        Idx::new([2, 1], IdxData::F32(vec![f32::MIN_POSITIVE, -0.0])),
        Idx::new([100, 1_000], IdxData::F64(long)),
        Idx::new([0, 28, 28], IdxData::U8(vec![])),
        Idx::new(vec![1; 255], IdxData::U8(vec![9])),
    ] {
        for name in ["array", "array.gz"] {
            let path = directory.path().join(name);
            array.save(&path).unwrap();
            let packed = std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]);
            assert_eq!(packed, name == "array.gz");
            assert_eq!(idx::read(&path).unwrap(), array);
        }
    }
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 2, "nothing is left beside the files");
}

#[test]
fn gzip_is_told_by_content_not_by_name() {
    let directory = TempDir::new();
    let plain = idx_u8(&[2], &[4, 5]);
    let a = directory.write("plain.gz", &plain);
    let b = directory.write("packed", &gzip(&plain));
    assert_eq!(idx::read(a).unwrap(), idx::read(b).unwrap());
}

#[test]
fn a_gzip_file_of_several_members_is_one_file() {
    let plain = idx_u8(&[2], &[4, 5]);
    let packed = [gzip(&plain[..5]), gzip(&plain[5..])].concat();
    assert_eq!(parse(&packed).unwrap(), parse(&plain).unwrap());
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let plain = idx_u8(&[4, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let packed = gzip(&plain);
    for bytes in [&plain, &packed] {
        for len in 0..bytes.len() {
            let error = parse(&bytes[..len]).unwrap_err();
            let expected = matches!(error, Error::Truncated { .. } | Error::NotIdx { .. });
            assert!(expected, "{len} of {}: {error}", bytes.len());
        }
    }
    assert_eq!(
        message(&plain[..plain.len() - 3]),
        "x ends after 2 of 4 items: it was not copied whole, or its header is wrong; delete it and \
         fetch it again"
    );
    assert!(message(&plain[..9]).starts_with("x ends within its header: "));
    assert!(message(&packed[..packed.len() - 1]).starts_with("x ends within its checksum: "));
}

#[test]
fn a_changed_byte_gives_an_error_or_exactly_what_it_says() {
    let plain = idx_u8(&[4, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let mut bytes = plain.clone();
    for i in 0..plain.len() {
        for flip in 1..=255 {
            bytes[i] = plain[i] ^ flip;
            if let Ok(read) = parse(&bytes) {
                assert_eq!(bytes_of(&read), bytes);
            }
        }
        bytes[i] = plain[i];
    }
}

#[test]
fn a_changed_byte_of_a_packed_file_never_changes_the_data() {
    let plain = idx_u8(&[4, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let packed = gzip(&plain);
    let mut bytes = packed.clone();
    for i in 0..packed.len() {
        for flip in 1..=255 {
            bytes[i] = packed[i] ^ flip;
            // Some bits mean nothing: the time of packing, the padding after the last code.
            if let Ok(read) = parse(&bytes) {
                assert_eq!(bytes_of(&read), plain);
            }
        }
        bytes[i] = packed[i];
    }
}

#[test]
fn more_than_the_header_says_is_an_error() {
    let plain = idx_u8(&[2], &[4, 5, 6]);
    let text = "x goes on after its 2 items, where it should end: it was joined with another file, \
                or its header is wrong; delete it and fetch it again";
    assert_eq!(message(&plain), text);
    assert_eq!(message(&gzip(&plain)), text);
    // Zeros are content here, and not padding.
    assert!(matches!(parse(&idx_u8(&[2], &[4, 5, 0])), Err(Error::TooLong { .. })));
    let packed = gzip(&plain[..10]);
    let error = parse(&[&packed[..], &packed].concat()).unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
}

#[test]
fn zeros_may_follow_a_gzip_stream_and_nothing_else() {
    let plain = idx_u8(&[2], &[4, 5]);
    let packed = gzip(&plain);
    let halves = [gzip(&plain[..5]), vec![0; 7], gzip(&plain[5..])].concat();
    // Disks and tapes pad to their blocks: more than one of the reader's buffers, here.
    for zeros in [0, 1, 512, 100_000] {
        for packed in [&packed, &halves] {
            let read = parse(&[&packed[..], &vec![0; zeros]].concat());
            assert_eq!(read.unwrap(), parse(&plain).unwrap());
        }
    }
    let says = |more: &[u8]| message(&[&packed, more].concat());
    let next = ", and only zeros or more gzip may follow; cut that off, or delete the file and fetch \
                it again";
    let goes_on = "x goes on after its gzip data with";
    assert_eq!(says(b"\n"), format!("{goes_on} the bytes 0A{next}"));
    assert_eq!(says(b"\0\0more"), format!("{goes_on} the bytes 6D 6F 72 65{next}"));
    for more in [&b"\x1f"[..], b"\x1f?", b"\x1f\x8b\x08", &packed[..packed.len() - 1]] {
        let error = parse(&[&packed, more].concat()).unwrap_err();
        let expected = matches!(
            error,
            Error::Damaged { .. } | Error::Truncated { .. } | Error::TooLong { .. }
        );
        assert!(expected, "{error}");
    }
    // Endless padding ends.
    let endless = Reader::new().read_from("x", (&packed[..]).chain(io::repeat(0)));
    assert!(endless.unwrap_err().to_string().contains("with more than 16,777,216 zeros"));
}

/// The header of a program that writes its numbers as they lie in memory.
#[test]
fn a_little_endian_header_is_told_as_such() {
    assert!(
        message(&[3, 8, 0, 0, 96, 234, 0, 0])
            .contains("it starts with 03 08 00 00, the bytes of an IDX header in reverse order; ")
    );
    let swapped = |shape: &[u32], data: &[u8]| {
        message(&idx_u8(&shape.iter().map(|n| n.swap_bytes()).collect::<Vec<_>>(), data))
    };
    assert_eq!(
        swapped(&[60_000, 28, 28], &[1; 100]),
        "x claims 2^64 bytes or more, more than the limit of 1,073,741,824 bytes; its header says \
         1625948160×469762048×469762048, but 60000×28×28 in the other byte order: it may have been \
         written little-endian, and IDX is big-endian; if its header is right, \
         raise the limit by idx::Reader::limit; if not, fetch the file again"
    );
    let text = swapped(&[3], &[1, 2, 3]);
    assert!(text.starts_with(
        "x ends after 3 of 50,331,648 items, and its header says 50331648, but 3 in the other byte \
         order: "
    ), "{text}");
    assert!(!message(&idx_u8(&[3], &[1, 2])).contains("byte order"));
    // A header of 255 axes is not shown whole.
    let many = message(&idx_u8(&[9; 255], &[]));
    assert!(many.contains("its header says 9×9×9×9×9×9×9×9×…;"), "{many}");
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_neither_waited_for_nor_replaced() {
    use std::sync::mpsc;
    let directory = TempDir::new();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let good = directory.write("labels", &idx_u8(&[2], &[0, 1]));
    let (sender, receiver) = mpsc::channel();
    let path = pipe.clone();
    std::thread::spawn(move || {
        sender.send(idx::read(&path).map(drop)).unwrap();
        let dataset = |images, labels| fanin_datasets::Dataset::from_idx(images, labels, 10);
        sender.send(dataset(&path, &good).map(drop)).unwrap();
        sender.send(dataset(&good, &path).map(drop)).unwrap();
    });
    for _ in 0..3 {
        let read = receiver.recv_timeout(std::time::Duration::from_secs(20));
        let error = read.expect("it waits for the pipe").unwrap_err();
        assert!(matches!(error, Error::NotAFile { found: "a device or a pipe", .. }), "{error}");
        assert!(error.to_string().ends_with(
            "pipe is a device or a pipe, and data are in a file; give the path of a file, or give an \
             open pipe to idx::Reader::read_from or Csv::read_from"
        ));
    }
    let array = Idx::new([1], IdxData::U8(vec![1]));
    for (path, what) in [(&*pipe, "a device or a pipe"), (directory.path(), "a directory")] {
        let error = array.save(path).unwrap_err();
        assert!(matches!(error, Error::NotAFile { found, .. } if found == what), "{error}");
        assert!(matches!(idx::read(path), Err(Error::NotAFile { found, .. }) if found == what));
    }
    assert!(matches!(idx::read("/dev/zero"), Err(Error::NotAFile { .. })));
    // Through a link, the file behind it is written, even if there is none yet.
    let link = directory.path().join("link.gz");
    std::os::unix::fs::symlink("behind", &link).unwrap();
    array.save(&link).unwrap();
    assert_eq!(idx::read(directory.path().join("behind")).unwrap(), array);
    assert!(link.is_symlink());
}

#[test]
fn a_foreign_file_is_named_and_shown() {
    let rest = "; an unpacked IDX file starts with two zero bytes, an element type (08, 09, \
                0B to 0E) and a number of axes (01 to FF), so take another file";
    let is = "x is no IDX file: ";
    assert_eq!(message(b""), format!("{is}it is empty{rest}"));
    assert_eq!(message(&[0, 0, 8]), format!("{is}it ends after 00 00 08{rest}"));
    assert_eq!(message(b"<!DOCTYPE"), format!("{is}it starts with 3C 21 44 4F (\"<!DO\"){rest}"));
    assert_eq!(message(&[0, 0, 8, 0]), format!("{is}it starts with 00 00 08 00{rest}"));
    assert_eq!(message(&gzip(&[0, 0, 10, 1])), format!("{is}it starts with 00 00 0A 01{rest}"));
}

#[test]
fn claims_beyond_the_limit_are_refused() {
    let claims = |shape: &[u32]| message(&idx_u8(shape, &[]));
    let next = "; if its header is right, raise the limit by idx::Reader::limit; if not, fetch \
                the file again";
    assert_eq!(
        claims(&[1 << 20, 1 << 20, 1 << 20]), // 2⁶⁰
        format!(
            "x claims 1,152,921,504,606,846,976 bytes, more than the limit of 1,073,741,824 bytes; \
             its header says 1048576×1048576×1048576{next}"
        )
    );
    assert_eq!(
        claims(&[u32::MAX, u32::MAX, u32::MAX]),
        format!(
            "x claims 2^64 bytes or more, more than the limit of 1,073,741,824 bytes; its header says \
             4294967295×4294967295×4294967295{next}"
        )
    );
    // The places fit, their bytes do not.
    let mut eight_bytes = idx_u8(&[1 << 31, 1 << 31], &[]);
    eight_bytes[2] = 0x0E;
    assert!(message(&eight_bytes).contains("2^64 bytes or more"));
    // No elements are no claim.
    assert_eq!(parse(&idx_u8(&[u32::MAX, u32::MAX, u32::MAX, 0], &[])).unwrap().data().len(), 0);
}

#[test]
fn the_limit_is_exact_and_can_be_set() {
    let bytes = idx_u8(&[10], &[1; 10]);
    assert!(Reader::new().limit(10).read_from("x", &bytes[..]).is_ok());
    let error = Reader::new().limit(9).read_from("x", &bytes[..]).unwrap_err();
    assert!(error.to_string().starts_with("x claims 10 bytes, more than the limit of 9 bytes"));
    assert_eq!(DEFAULT_LIMIT, 1 << 30);
}

#[test]
fn the_operating_systems_answer_is_passed_on() {
    let error = idx::read("no/such/file").unwrap_err();
    assert!(matches!(error, Error::Io { .. }));
    assert!(error.to_string().starts_with("no/such/file: cannot read: "), "{error}");

    let directory = TempDir::new();
    let array = Idx::new([1], IdxData::U8(vec![1]));
    let error = array.save(directory.path().join("none").join("array")).unwrap_err();
    assert!(error.to_string().contains("cannot write: "), "{error}");
}

/// Hands out a byte at a time, is interrupted before each, and breaks at the end.
struct Troubled<'a>(&'a [u8], bool);

impl Read for Troubled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.0 {
            _ if self.1 => Err(io::ErrorKind::Interrupted.into()),
            [] => Err(io::Error::other("the disk is gone")),
            [first, rest @ ..] => {
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
    }
}

#[test]
fn a_troubled_input_is_read_to_its_trouble() {
    let plain = idx_u8(&[2], &[4, 5]);
    for bytes in [&plain[..], &plain[..9], &plain[..1], &gzip(&plain)] {
        let error = Reader::new().read_from("x", Troubled(bytes, false)).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(error.to_string().contains("the disk is gone"));
    }
}

#[test]
fn an_impossible_array_panics_at_its_maker() {
    let (message, file, line) = panic_of(|| Idx::new([2, 2], IdxData::U8(vec![1])));
    assert_eq!((file.as_str(), line), (file!(), line!() - 1));
    assert!(message.contains("shape [2, 2] with 1 elements"), "{message}");
    panic_of(|| Idx::new([], IdxData::U8(vec![1])));
    panic_of(|| Idx::new(vec![1; 256], IdxData::U8(vec![1])));
    #[cfg(target_pointer_width = "64")]
    panic_of(|| Idx::new([1 << 32, 0], IdxData::U8(vec![])));
}

/// Bytes that get past the magic more often than not.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![8u8, 9, 10, 0x0B, 0x0C, 0x0D, 0x0E]);
    let sizes = prop::collection::vec(prop_oneof![0u32..5, any::<u32>()], 0..4);
    (kind, sizes, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|(kind, sizes, rest)| {
        let mut bytes = idx_u8(&sizes, &rest);
        bytes[2] = kind;
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn any_bytes_are_an_error_or_exactly_what_they_say(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), likely()],
        pack: bool,
    ) {
        let read = if pack { parse(&gzip(&bytes)) } else { parse(&bytes) };
        match read {
            Ok(read) => prop_assert_eq!(bytes_of(&read), bytes),
            Err(error) => prop_assert!(error.to_string().starts_with("x ")),
        }
    }

    #[test]
    fn any_bytes_behind_a_gzip_magic_are_survived(rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&[&[0x1f, 0x8b, 8][..], &rest].concat());
    }
}
