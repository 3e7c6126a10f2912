//! Answers from a model that is part of the program: reads four measures of an iris a line, in
//! centimetres, and writes its species and how sure the network is. `bin/train.rs` made the model.
//!
//! ```text
//! echo '5.1 3.5 1.4 0.2' | cargo run --profile small -p fanin-serve
//! ```

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use fanin::prelude::*;

static MODEL: &[u8] = include_bytes!("../iris.fanin");
const SPECIES: [&str; 3] = ["setosa", "versicolor", "virginica"];

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let model = Sequential::from_bytes(MODEL)?;
    let mut tape = Tape::new();
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        match measures(&line) {
            Ok(measures) => {
                let x = Tensor::from([measures]);
                let probabilities = tape.value(|t| model.forward(t.input(&x)).softmax());
                let species = probabilities.argmax()[0];
                let sure = 100.0 * probabilities.as_slice()[species];
                writeln!(io::stdout(), "{} {sure:.1} %", SPECIES[species])?;
            }
            Err(why) => writeln!(io::stdout(), "line {}: {why}", number + 1)?,
        }
    }
    Ok(())
}

/// Four numbers of a line, between spaces or commas.
fn measures(line: &str) -> Result<[f32; 4], String> {
    let fields = line.split([' ', ',']).filter(|field| !field.is_empty());
    let numbers: Vec<f32> = fields
        .map(|field| field.parse().map_err(|_| format!("`{field}` is no number")))
        .collect::<Result<_, _>>()?;
    if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(format!("{number} is no length"));
    }
    numbers.try_into().map_err(|numbers: Vec<f32>| {
        format!(
            "{} numbers; sepal length and width, petal length and width are four",
            numbers.len()
        )
    })
}
