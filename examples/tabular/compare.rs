//! The bundled tables, beside scikit-learn's MLPs with the same network on the same folds.

use std::fmt::Write;
use std::path::Path;
use std::{fs, process};

use fanin::datasets::split::Fold;
use fanin::prelude::*;
use fanin::train::{Interval, SweepResults};

use crate::cross_validate;
use crate::problem::{Kind, Problem};

/// What `scikit_learn.py` wrote.
const SCIKIT_LEARN: &str = include_str!("scikit_learn.txt");

const FOLDS: usize = 10;
const SEED: u64 = 0;

/// The bundled tables, with their targets.
const TABLES: [(&str, &str); 4] =
    [("iris", "class"), ("wine", "class"), ("breast_cancer", "class"), ("diabetes", "progression")];

/// When scikit-learn ends a training, as the file calls it, and in words.
const STOPPINGS: [(&str, &str); 2] = [
    ("held_out", "rows held out (`early_stopping=True`)"),
    ("loss", "training loss (its default)"),
];

/// A bundled table and our scores.
pub(crate) struct Ours {
    pub(crate) table: &'static str,
    metric: &'static str,
    results: SweepResults,
    /// Of the processor, for all folds.
    seconds: f64,
}

impl Ours {
    /// The score of each fold.
    pub(crate) fn scores(&self) -> impl Iterator<Item = f64> {
        self.results.runs.iter().filter_map(|run| run.scores.get(self.metric))
    }
}

fn train(table: &'static str, target: &str) -> fanin::Result<Ours> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/classics");
    let frame = Frame::from_csv(format!("{dir}/{table}.csv.gz"))?;
    let problem = Problem::new(frame, target, false)?;
    let folds = cross_validate::folds(&problem, FOLDS, SEED)?;
    assert_same_rows(table, &folds);
    let metric = if problem.kind == Kind::Class { "accuracy" } else { "R2" };
    let before = processor_seconds();
    let results = cross_validate::run_folds(&problem, &folds)?;
    let seconds = processor_seconds() - before;
    Ok(Ours { table, metric, results, seconds })
}

/// Compares all tables, and promises that no mean is below scikit-learn's beyond the noise.
pub(crate) fn bundled(report: Option<&Path>) -> fanin::Result<Vec<Ours>> {
    let (mut text, mut below, mut all) = (head(), vec![], vec![]);
    for (table, target) in TABLES {
        let ours = train(table, target)?;
        if ours.results.interrupted {
            println!("stopped by Ctrl-C");
            process::exit(130);
        }
        for (stopping, words) in STOPPINGS {
            let theirs = theirs(ours.table, stopping);
            let differences = ours.scores().zip(&theirs).map(|(ours, theirs)| ours - theirs.score);
            let difference = Interval::of(differences);
            if difference.mean + difference.half < 0.0 {
                below.push(format!("{table} ({stopping}) by {difference}"));
            }
            let epochs = ours.results.runs.iter().filter_map(|run| run.scores.get("epochs"));
            let _ = writeln!(
                text,
                "| {} | {} | {words} | {} | {} | {:+.4} ± {:.4} | {:.0} | {:.0} | {:.3} | {:.3} |",
                ours.table,
                ours.metric.replace("R2", "R²"),
                Interval::of(ours.scores()),
                Interval::of(theirs.iter().map(|fold| fold.score)),
                difference.mean,
                difference.half,
                mean(epochs),
                mean(theirs.iter().map(|fold| fold.epochs)),
                ours.seconds / FOLDS as f64,
                mean(theirs.iter().map(|fold| fold.seconds)),
            );
        }
        all.push(ours);
    }
    println!("{text}");
    if let Some(path) = report {
        fs::write(path, text)?;
        println!("written: {}", path.display());
    }
    assert!(below.is_empty(), "below scikit-learn beyond the noise: {}", below.join(", "));
    Ok(all)
}

fn head() -> String {
    let versions = SCIKIT_LEARN.lines().next().unwrap_or_default();
    format!(
        "\
# Four tables beside scikit-learn

Written by `cargo run --release --example tabular -- --report docs/toolbox/tabular.md`. Ten folds of each
bundled table, the same rows in both. Both train the same network on one core a model: hidden layers of 64
and 32 units with ReLU, Adam with the rate 0.001, batches of 32, at most 500 epochs; inputs, and targets
that are numbers, are standardized by the training rows. fanin has an output for each class;
scikit-learn has one for two classes.

fanin ends a training after 20 epochs without a better loss on a tenth of the training rows, and restores
the best weights. This recipe was fixed before the first comparison, and is the same for all tables.
scikit-learn ends a training in either of its ways, with the same patience: by the accuracy or R² on a tenth
of the rows, or by the training loss. Fold i is trained once, with the seed i. Scores are means over the
folds, ± half of their 95 % interval by Student's t; the difference is that of the paired folds. Seconds are
those of one processor for a fold: to prepare the rows, to train and to score.

{}

| table | metric | scikit-learn watches | fanin | scikit-learn | fanin − scikit-learn | epochs, fanin | epochs, scikit-learn | s, fanin | s, scikit-learn |
|---|---|---|---|---|---|---|---|---|---|
",
        versions.trim_start_matches("# scikit_learn.py: ")
    )
}

/// A fold of scikit-learn's.
struct Theirs {
    score: f64,
    seconds: f64,
    epochs: f64,
}

/// scikit-learn's folds, in their order.
fn theirs(table: &str, stopping: &str) -> Vec<Theirs> {
    let start = format!("{table} {stopping} ");
    let folds: Vec<Theirs> = SCIKIT_LEARN
        .lines()
        .filter_map(|line| line.strip_prefix(&start))
        .map(|line| {
            let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [_, score, seconds, epochs] = numbers[..] else {
                panic!("scikit_learn.txt: {start}{line}");
            };
            Theirs { score, seconds, epochs }
        })
        .collect();
    assert_eq!(folds.len(), FOLDS, "scikit_learn.txt: folds of {start}");
    folds
}

/// Panics unless scikit-learn was tested on the same rows.
fn assert_same_rows(table: &str, folds: &[Fold]) {
    for (i, fold) in folds.iter().enumerate() {
        let rows: Vec<String> = fold.test.iter().map(usize::to_string).collect();
        let line = format!("rows {table} {i} {}", rows.join(" "));
        assert!(SCIKIT_LEARN.lines().any(|known| known == line), "other rows: {line}");
    }
}

/// The time that processors have worked for this process; NaN where the system does not say.
fn processor_seconds() -> f64 {
    let read = || {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in brackets, may contain spaces.
        let mut ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        Some((ticks.next()?.parse::<f64>().ok()? + ticks.next()?.parse::<f64>().ok()?) / 100.0)
    };
    read().unwrap_or(f64::NAN)
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    Interval::of(values).mean
}
