//! The table for the terminal, and the files with numbers.

use std::fmt::Write;

use crate::results::{EPOCH_LOSS, LAST_LOSS, Measure, Results, TEST, VALIDATION};
use crate::stats::{Summary, number};

/// The columns of the table: heading, function, digits.
pub(crate) const COLUMNS: [(&str, Measure, usize); 4] = [
    ("test %", TEST, 2),
    ("validation %", VALIDATION, 2),
    ("loss, last epoch", EPOCH_LOSS, 3),
    ("loss, last batch", LAST_LOSS, 3),
];

/// The table for the terminal.
pub(crate) fn table(results: &Results) -> String {
    let mut text = format!("{:24}{:22}", "scheme", "weights");
    COLUMNS.iter().for_each(|(heading, ..)| write!(text, "{heading:>18}").expect("a String"));
    for (i, one) in results.contenders.iter().enumerate() {
        write!(text, "\n{:24}{:22}", one.name, one.formula).expect("a String");
        for (_, of, digits) in COLUMNS {
            write!(text, "{:>18}", results.summary(i, of).text(digits)).expect("a String");
        }
    }
    text
}

/// CSV with one line for each contender: the numbers of the table and their intervals.
pub(crate) fn csv(results: &Results) -> String {
    let mut text = String::from("scheme,seeds");
    let names = ["test", "validation", "epoch_loss", "last_batch_loss"];
    for name in names {
        write!(text, ",{name},{name}_half_interval,{name}_sd,{name}_min,{name}_max")
            .expect("a String");
    }
    for (i, one) in results.contenders.iter().enumerate() {
        write!(text, "\n{},{}", one.key, results.setup.seeds).expect("a String");
        for (_, of, _) in COLUMNS {
            let Summary { mean, sd, half, min, max } = results.summary(i, of);
            for value in [mean, half, sd, min, max] {
                write!(text, ",{}", plain(value)).expect("a String");
            }
        }
    }
    text + "\n"
}

/// CSV of the first losses, with one line for each contender and step, over all seeds.
pub(crate) fn losses_csv(results: &Results) -> String {
    let mut text = String::from("scheme,step,mean,min,max\n");
    for (i, one) in results.contenders.iter().enumerate() {
        for step in 0..results.first_steps() {
            let Summary { mean, min, max, .. } = results.loss(i, step);
            let [mean, min, max] = [mean, min, max].map(plain);
            writeln!(text, "{},{},{mean},{min},{max}", one.key, step + 1).expect("a String");
        }
    }
    text
}

/// Six digits, or nothing if the number is not finite.
fn plain(value: f64) -> String {
    if value.is_finite() { format!("{}", (value * 1e6).round() / 1e6) } else { String::new() }
}

/// A number and its range over the seeds.
pub(crate) fn with_range(summary: &Summary, digits: usize) -> String {
    let [mean, min, max] = [summary.mean, summary.min, summary.max].map(|x| number(x, digits));
    format!("{mean} ({min} to {max})")
}
