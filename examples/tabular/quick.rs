//! What the example promises, in a few seconds: scores, and messages for tables that cannot be learnt.

use std::path::PathBuf;
use std::{env, fs, process};

use fanin::prelude::*;
use fanin::train::Interval;

use crate::problem::{Kind, Problem};
use crate::{compare, cross_validate};

/// The smallest mean score over the ten folds of each table.
const LEAST: [(&str, f64); 4] =
    [("iris", 0.945), ("wine", 0.97), ("breast_cancer", 0.972), ("diabetes", 0.46)];

pub(crate) fn check() -> fanin::Result<()> {
    for (ours, (table, least)) in compare::bundled(None)?.iter().zip(LEAST) {
        let score = Interval::of(ours.scores()).mean;
        assert_eq!(ours.table, table);
        assert!(score > least, "{table}: {score}, and {least} is promised");
    }
    let file = File(env::temp_dir().join(format!("fanin-tabular-{}.csv", process::id())));
    homes(&file)?;
    refused(&file)?;
    println!("all checks passed");
    Ok(())
}

/// A table with texts and missing values, both ways.
fn homes(file: &File) -> fanin::Result<()> {
    let mut csv = String::from("size,city,price,sold\n");
    for i in 0..240 {
        let (size, city) = (30 + i * 37 % 150, ["Oslo", "Rome", "Bern"][i * i % 7 % 3]);
        let price = 3 * size + if city == "Rome" { 200 } else { 0 } + i % 11;
        let sold = if price < 500 { "yes" } else { "no" };
        let size = if i % 40 == 7 { String::new() } else { size.to_string() };
        let city = if i % 50 == 9 { "" } else { city };
        csv += &format!("{size},{city},{price},{sold}\n");
    }
    let frame = file.frame(&csv)?;
    for (target, other, kind, metric, least) in [
        ("price", "sold", Kind::Number, "R2", 0.8),
        ("sold", "price", Kind::Class, "accuracy", 0.9),
    ] {
        let problem = Problem::new(frame.drop_columns([other])?, target, false)?;
        assert!(problem.kind == kind);
        let results = cross_validate::run(&problem, 3, 0)?;
        println!("{target} of homes\n{results}");
        let score = results.rows()[0].score(metric).expect("the metric of this kind").mean;
        assert!(score > least, "{target}: {metric} {score}, and {least} is promised");
    }
    Ok(())
}

/// Tables that cannot be learnt, and the beginning of what is said of each.
fn refused(file: &File) -> fanin::Result<()> {
    let rows = |row: &str| row.repeat(20);
    for (csv, target, message) in [
        (format!("size,price\n{}", rows("50,210\n")), "prize", "has no column \"prize\""),
        (
            format!("size,price\n{}5O,210\n", rows("50,210\n")),
            "price",
            "line 22, column \"size\" is \"5O\"",
        ),
        (format!("size,price\n{}50\n", rows("50,210\n")), "price", "line 22 has 1 field"),
        (
            format!("size,price\n{}50,\n", rows("50,210\n")),
            "price",
            "line 22, column \"price\" has no value",
        ),
        (format!("size,sold\n{}", rows("50,yes\n")), "sold", "column \"sold\" has a single class"),
        (
            "size,price\n50,210\n60,250\n".into(),
            "price",
            "there are 2 rows; R2 is of two rows or more, so 10 folds need 20",
        ),
        (format!("price\n{}", rows("210\n")), "price", "has no columns to learn from"),
    ] {
        let learnt = || {
            let problem = Problem::new(file.frame(&csv)?, target, false)?;
            cross_validate::run(&problem, 10, 0)
        };
        let error = learnt().expect_err(message).to_string();
        assert!(error.contains(message), "{error:?} instead of {message:?}");
        println!("refused: {error}");
    }
    Ok(())
}

/// A file that is removed in the end.
struct File(PathBuf);

impl File {
    fn frame(&self, csv: &str) -> fanin::Result<Frame> {
        fs::write(&self.0, csv)?;
        Ok(Frame::from_csv(&self.0)?)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
