//! # A table from a CSV file
//!
//! A table has columns of numbers and of categories, and fields without a value. A network wants
//! numbers of about the size 1. Three types lead from one to the other:
//!
//! - A `Frame` holds the raw columns, as the file has them.
//! - A `Preprocessor` says what is to be done: which column is the target, what stands for missing
//!   numbers, how targets are scaled. Inputs are standardized and categories one-hot unless it says
//!   otherwise.
//! - A `Pipeline` is what `fit` measures of the rows to train on: means, medians, the categories. It is
//!   applied to all other rows. So nothing of the test rows leaks into training.
//!
//! The pipeline is saved in one file with the model, because neither is of use without the other. Data
//! from outside may be wrong, and that is an error and no panic. The error names the file, the line, the
//! column and the value.

use std::fmt::Write;
use std::{env, fs, process};

use datasets::preprocess::{Impute, Scale};
use fanin::prelude::*;

/// Homes whose price is 3 for each square metre, more in Oslo, and uncertain by 20 or so. Some sizes are
/// missing.
fn homes() -> String {
    let mut rng = StdRng::seed_from_u64(12);
    let mut text = String::from("size,city,price\n");
    for i in 0..400 {
        let (size, city) = (rng.random_range(30..150), ["Oslo", "Rome", "Lima"][i % 3]);
        let price = 3 * size + [250, 100, 0][i % 3] + rng.random_range(-35..=35);
        let size = if i % 25 == 7 { String::new() } else { size.to_string() };
        writeln!(text, "{size},{city},{price}").expect("a String takes all");
    }
    text
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(12);
    let dir = env::temp_dir().join(format!("fanin-lesson-{}", process::id()));
    fs::create_dir_all(&dir)?;
    let (csv, saved) = (dir.join("homes.csv"), dir.join("homes.fanin"));
    fs::write(&csv, homes())?;

    let (train, test) = Frame::from_csv(&csv)?.train_test_split(0.25, 42);
    let pipeline = Preprocessor::new()
        .target("price")
        .scale_targets(Scale::Standardize)
        .impute(Impute::Median)
        .fit(&train)?;
    println!("inputs: {}", pipeline.feature_names().join(", "));
    assert_eq!(pipeline.feature_names(), ["size", "city=Lima", "city=Oslo", "city=Rome"]);

    let (train, test) = (pipeline.table(&train)?, pipeline.table(&test)?);
    let mut model = Sequential::new().add(Linear::new(4, 32)).add(Relu).add(Linear::new(32, 1));
    Trainer::new(Mse::new(), AdamW::new(3e-3))
        .epochs(60)
        .silent()
        .fit(&mut model, &train, &test)?;
    let r2 = evaluate(&model, &test, metrics::r2);
    println!("R² on {} other homes: {r2:.3}", test.len());
    assert!(r2 > 0.9);

    pipeline.save_with_model(&saved, &model.to_bytes()?)?;
    let (pipeline, bytes) = Pipeline::load_with_model(&saved)?;
    let model = Sequential::from_bytes(&bytes)?;
    let home = pipeline.rows([["100", "Oslo"]])?;
    let price = pipeline.undo_targets(&model.predict(&home)).item();
    println!("100 m² in Oslo: {price:.0}");
    assert!((price - 550.0).abs() < 40.0);

    let text = "size,city,price\n70,Oslo,460\n7o,Rome,310\n";
    let wrong = pipeline.csv().read_from("new.csv", text.as_bytes()).unwrap_err();
    println!("{wrong}");
    assert!(wrong.to_string().starts_with(r#"new.csv, line 3, column "size" is "7o""#));
    let unknown = pipeline.rows([["70", "Paris"]]).unwrap_err();
    println!("{unknown}");
    assert!(unknown.to_string().contains("Paris"));
    fs::remove_dir_all(&dir)?;
    Ok(())
}
