//! CSV files: what columns hold, and what is refused with file, line, column and value.

use std::io::{self, Read};

use fanin_datasets::csv::Csv;
use fanin_datasets::{Error, Frame, Place};
use proptest::prelude::*;

use crate::common::{TempDir, gzip};

fn read(text: &str) -> Result<Frame, Error> {
    Csv::new().read_from("t.csv", text.as_bytes())
}

/// The message of what `t.csv` with this text is refused for.
fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn texts(frame: &Frame, column: &str) -> Vec<Option<String>> {
    let column = frame.column(column).unwrap();
    (0..column.len()).map(|row| column.text(row).map(String::from)).collect()
}

#[test]
fn columns_are_inferred() {
    let frame = read("a,b,c\n1,x,\n-2.5e3, y ,4\n+.5,\"x, \"\"1\"\"\",NA\n").unwrap();
    assert_eq!(frame.column("a").unwrap().numbers(), Some(&[1.0, -2500.0, 0.5][..]));
    let b = texts(&frame, "b");
    assert_eq!(b, ["x", "y", "x, \"1\""].map(|text| Some(text.to_string())));
    let c = frame.column("c").unwrap();
    assert!(c.numbers().unwrap()[0].is_nan() && c.numbers().unwrap()[2].is_nan());
    assert_eq!((c.missing(), c.numbers().unwrap()[1]), (2, 4.0));
    assert_eq!(format!("{frame:?}"), "Frame { 3 × [a: numbers, b: categories, c: numbers] }");
    assert_eq!(frame.column(1).unwrap().name(), "b");
}

#[test]
fn missing_values_are_the_usual_ones_and_those_that_are_added() {
    let frame = read("a,b\n1,x\n,\nNA,NA\nNaN,N/A\nnan,nan\nnull,NULL\n?,?\n").unwrap();
    assert_eq!(frame.column("a").unwrap().missing(), 6);
    assert_eq!(frame.column("b").unwrap().missing(), 6);
    let text = "a,b\n1,x\n-,unknown\n";
    assert!(read(text).unwrap().column("a").unwrap().is_categorical());
    let frame = Csv::new().missing(["-", "unknown"]).read_from("t", text.as_bytes()).unwrap();
    assert_eq!(frame.columns().iter().map(|c| c.missing()).collect::<Vec<_>>(), [1, 1]);
    assert!(!frame.column("a").unwrap().is_categorical());
}

#[test]
fn files_come_in_all_dialects() {
    let want = "Frame { 2 × [a: numbers, b: categories] }";
    let shown =
        |csv: Csv, text: &str| format!("{:?}", csv.read_from("t", text.as_bytes()).unwrap());
    for text in [
        "a,b\n1,x\n2,y",
        "a,b\r\n1,x\r\n2,y\r\n",
        "\u{feff}a,b\n\n1,x\n\n2,y\n\n",
        "a,b\r1,x\r2,y\r",
    ] {
        assert_eq!(shown(Csv::new(), text), want, "{text:?}");
    }
    assert_eq!(shown(Csv::new().delimiter(b';'), "a;b\n1;x\n2;y\n"), want);
    assert_eq!(shown(Csv::new().delimiter(b'\t'), "a\tb\n1\tx\n2\ty\n"), want);
    let plain = Csv::new().header(false);
    assert_eq!(shown(plain, "1,x\n2,y\n"), "Frame { 2 × [0: numbers, 1: categories] }");
    // R and pandas write row names under an empty header.
    assert_eq!(shown(Csv::new(), ",b\n1,x\n2,y\n"), "Frame { 2 × [0: numbers, b: categories] }");
    let codes = Csv::new().categorical([0usize]).numeric(["b"]);
    assert_eq!(shown(codes, "a,b\n01,5\n02,6\n"), "Frame { 2 × [a: categories, b: numbers] }");
    let dropped = Csv::new().drop_columns(["c"]);
    assert_eq!(shown(dropped, "a,c,b\n1,9,x\n2,oops,y\n"), want);

    let directory = TempDir::new();
    let plain = directory.write("t.csv", b"a,b\n1,x\n2,y\n");
    let packed = directory.write("t.csv.gz", &gzip(b"a,b\n1,x\n2,y\n"));
    for path in [plain, packed] {
        assert_eq!(format!("{:?}", Frame::from_csv(path).unwrap()), want);
    }
}

#[test]
fn wrong_rows_are_refused_with_their_line() {
    let short = refused("a,b\n1,x\n2\n");
    assert_eq!(
        short,
        "t.csv, line 3 has 1 field, but line 1 has 2; quote a field that contains the \
        delimiter ',', or correct the line"
    );
    // Lines are those of an editor, whatever lies between: empty lines, breaks in quotes, \r\n.
    let lines = [
        "a,b\n\n1,\"x\ny\"\n\n2,z,3\n",
        "a,b\r\n\r\n1,\"x\r\ny\"\r\n\r\n2,z,3\r\n",
        "a,b\r\r1,\"x\ry\"\r\r2,z,3\r",
    ];
    for text in lines {
        let error = read(text).unwrap_err();
        let at = Place::Line { file: "t.csv".into(), line: 6 };
        assert!(
            matches!(&error, Error::Fields { at: found, found: 3, expected: 2, .. } if *found == at),
            "{error}"
        );
    }
    let first = Csv::new().header(false).read_from("t.csv", "1,2\n3\n".as_bytes()).unwrap_err();
    assert!(first.to_string().starts_with("t.csv, line 2 has 1 field, but line 1 has 2"));

    let text = refused("age,b\n31,x\n12a,y\n45,z\n");
    assert!(
        text.starts_with(r#"t.csv, line 3, column "age" is "12a", and a number is needed; "#),
        "{text}"
    );
    let said = Csv::new().numeric(["b"]).read_from("t.csv", "a,b\n1,x\n".as_bytes()).unwrap_err();
    assert!(said.to_string().starts_with(r#"t.csv, line 2, column "b" is "x""#), "{said}");
    for value in ["inf", "-Infinity", "1e999"] {
        let error = refused(&format!("a\n1\n{value}\n"));
        assert!(
            error.starts_with("t.csv, line 3, column \"a\" is ") && error.contains("inf: "),
            "{error}"
        );
    }

    let open = refused("a,b\n1,\"x\n2,y\n3,z\n");
    assert_eq!(
        open,
        "t.csv, line 2: a quote is opened here or in the row's other lines, and never closed; close it"
    );
    let latin = Csv::new().read_from("t.csv", &b"a,b\n1,x\n2,caf\xe9\n"[..]).unwrap_err();
    assert!(
        latin.to_string().starts_with("t.csv, line 3: the bytes E9 0A are no UTF-8; "),
        "{latin}"
    );
}

#[test]
fn wrong_headers_are_refused() {
    for (text, message) in [
        ("", "t.csv is empty; "),
        ("\n\r\n\n", "t.csv is empty; "),
        ("a,b\n", "t.csv has a header and no rows; "),
        ("a,b,a\n1,2,3\n", r#"t.csv has two columns "a"; rename one of them"#),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", r#"t.csv: the header names "5.1", "3.5" by numbers"#),
    ] {
        let error = refused(text);
        assert!(error.starts_with(message), "{error}");
    }
    let years = Csv::new().header(true).read_from("t", "1999,2000\n1,2\n".as_bytes()).unwrap();
    assert_eq!(years.len(), 1);
    let none = Csv::new().header(false).read_from("t.csv", &b""[..]).unwrap_err();
    assert!(none.to_string().starts_with("t.csv is empty"));
    let wide = refused(&format!("{}\n", ",".repeat(1 << 16)));
    assert!(wide.starts_with("t.csv has 65,537 columns, more than 65,536; "), "{wide}");
}

#[test]
fn columns_that_do_not_exist_are_refused_with_the_nearest() {
    let text = "rooms,Price,price per m2\n1,2,3\n";
    let frame = read(text).unwrap();
    let message = |error: Error| error.to_string();
    let near = message(frame.column("price").map(drop).unwrap_err());
    assert_eq!(near, r#"t.csv has no column "price"; the nearest names are "Price""#);
    let far = message(frame.regression(["x"]).map(drop).unwrap_err());
    assert_eq!(far, r#"t.csv has no column "x"; it has "rooms", "Price", "price per m2""#);
    let index = message(frame.column(3).map(drop).unwrap_err());
    assert_eq!(index, "t.csv has no column 3; its 3 columns have the indices 0 to 2");
    for csv in [
        Csv::new().categorical(["room"]),
        Csv::new().numeric(["room"]),
        Csv::new().drop_columns(["room"]),
    ] {
        let error = message(csv.read_from("t.csv", text.as_bytes()).map(drop).unwrap_err());
        assert_eq!(error, r#"t.csv has no column "room"; the nearest names are "rooms""#);
    }
    let joined = message(read("a;b\n1;2\n").unwrap().column("a").map(drop).unwrap_err());
    assert!(joined.ends_with("so the delimiter may be ';'"), "{joined}");
}

#[test]
fn frames_become_tables_where_nothing_is_to_be_done() {
    let frame = read("x,y,class\n1,2,b\n3,4,a\n5,6,b\n").unwrap();
    let table = frame.classification("class").unwrap();
    assert_eq!(
        (table.labels(), table.class_names()),
        (&[1, 0, 1][..], &["a".to_string(), "b".into()][..])
    );
    assert_eq!(table.feature_names(), ["x", "y"]);
    assert_eq!(table.inputs().as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // Classes may be numbers, and are sorted by size.
    let numbers = read("x,class\n1,10\n2,9\n3,-0\n4,0\n").unwrap().classification("class").unwrap();
    assert_eq!(
        (numbers.labels(), numbers.class_names().join(" ")),
        (&[2, 1, 0, 0][..], "0 9 10".into())
    );
    let two = frame.drop_columns(["class"]).unwrap().regression(["y", "x"]).map(drop).unwrap_err();
    assert_eq!(two.to_string(), "t.csv has no columns to learn from; give some");
    assert_eq!(frame.drop_columns([2usize]).unwrap().inputs().unwrap().features(), 2);

    let message = |error: Error| error.to_string();
    let texts = message(frame.regression(["x"]).map(drop).unwrap_err());
    assert!(
        texts.starts_with(r#"t.csv: column "class" holds categories, and numbers are needed; "#),
        "{texts}"
    );
    let missing = read("x,class\n1,a\n,b\n3,\n").unwrap();
    let gap = message(missing.classification("class").map(drop).unwrap_err());
    assert!(gap.starts_with(r#"t.csv, line 3, column "x" has no value; "#), "{gap}");
    let class = message(missing.labels("class").map(drop).unwrap_err());
    assert!(class.starts_with(r#"t.csv, line 4, column "class" has no value; "#), "{class}");
    let large =
        message(read("x,y\n1,2\n1e39,2\n").unwrap().regression(["y"]).map(drop).unwrap_err());
    assert!(large.starts_with(r#"t.csv, line 3, column "x" is 1e39: "#), "{large}");
}

#[test]
fn lines_follow_the_rows() {
    let frame = read("x,c\n1,a\n2,b\n,c\n4,d\n").unwrap();
    let part = frame.select([3, 2]);
    let error = part.drop_columns(["c"]).unwrap().inputs().map(drop).unwrap_err();
    assert!(error.to_string().starts_with("t.csv, line 4, column \"x\" has no value"), "{error}");
    let (train, test) = frame.train_test_split(0.25, 1);
    assert_eq!((train.len(), test.len()), (3, 1));
}

#[test]
fn what_is_no_file_and_what_is_too_large_is_refused() {
    let directory = TempDir::new();
    assert!(matches!(Frame::from_csv(directory.path()), Err(Error::NotAFile { .. })));
    assert!(matches!(Frame::from_csv(directory.path().join("none.csv")), Err(Error::Io { .. })));
    let limit = Csv::new().limit(10);
    assert_eq!(limit.read_from("t", &b"a,b\n1,2\n3\n"[..8]).unwrap().len(), 1);
    let error = limit.read_from("t", io::repeat(b'x')).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 10, .. }), "{error}");
    let mut packed = gzip(b"a,b\n1,2\n");
    packed.truncate(packed.len() - 9);
    assert!(matches!(Csv::new().read_from("t", &packed[..]), Err(Error::Truncated { .. })));
    let mut packed = gzip(b"a,b\n1,2\n");
    packed[12] ^= 0xff;
    assert!(Csv::new().read_from("t", &packed[..]).is_err());

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = Csv::new().read_from("t", (&b"a,b\n"[..]).chain(Broken)).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"));
}

/// Any bytes are read or refused, and what was read is whole.
fn check(bytes: &[u8]) {
    for csv in [Csv::new(), Csv::new().header(false), Csv::new().delimiter(b';').header(true)] {
        let Ok(frame) = csv.read_from("t", bytes) else { continue };
        assert!(!frame.is_empty() && !frame.columns().is_empty());
        for column in frame.columns() {
            assert_eq!(column.len(), frame.len());
            let present = column.len() - column.missing();
            let counted = match column.numbers() {
                Some(numbers) => numbers.iter().filter(|x| x.is_finite()).count(),
                None => (0..column.len()).filter(|&row| column.text(row).is_some()).count(),
            };
            assert_eq!(counted, present);
        }
        let _ = frame.inputs();
        let _ = frame.classification(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_text_of_csvs_characters_is_read_or_refused(text in "[abN?1.,;\"\r\n \te-]{0,120}") {
        check(text.as_bytes());
    }

    /// What the csv crate writes is what is read.
    #[test]
    fn fields_survive(rows in proptest::collection::vec(("[a-z,\"\n ;]{1,8}x", -1e6..1e6f64), 1..20)) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = String::from("t,n\n");
        rows.iter().for_each(|(t, n)| text += &format!("{},{n}\n", quoted(t)));
        let frame = read(&text).unwrap();
        let found = texts(&frame, "t");
        for (i, (t, n)) in rows.iter().enumerate() {
            prop_assert_eq!(found[i].as_deref(), Some(t.trim()));
            prop_assert_eq!(frame.column("n").unwrap().numbers().unwrap()[i], *n);
        }
    }
}
