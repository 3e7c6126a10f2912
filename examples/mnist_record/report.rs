//! docs/mnist_record.md: errors by epoch, time and network.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use fanin::tensor::parallel;

use crate::args::Args;
use crate::train::Run;

const HEAD: &str = "\
# MNIST in five minutes

Written by `FANIN_DATA=path/to/mnist cargo run --release --example mnist_record -- --seeds 3 --report
docs/mnist_record.md`. A multilayer perceptron is trained on the 60,000 training images, each changed at
random in every epoch, and tested on the 10,000 test images. Times are wall times from the first step on,
with making the images and testing. The error that counts is that after the last epoch; no network is
chosen by its test.

";

/// Writes the file.
pub(crate) fn write(path: &Path, args: &Args, runs: &[Run]) -> io::Result<()> {
    let recipe = &args.recipe;
    let layers: Vec<String> = recipe.hidden.iter().map(|size| format!("{size}-")).collect();
    let mut text = HEAD.to_owned();
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "| {key} | {value} |");
    };
    line("what", "value".into());
    line("---", "---".into());
    line("network", format!("784-{}10, ReLU, PyTorch's initialization", layers.concat()));
    line(
        "regularization",
        format!("dropout {}, labels smoothed by {}", recipe.dropout, recipe.smoothing),
    );
    line(
        "optimizer",
        format!(
            "AdamW, batches of {}, learning rate up to {} in the first epoch, then linearly to 0",
            recipe.batch, recipe.lr
        ),
    );
    line(
        "images",
        format!(
            "shifted by up to {} pixels, turned by up to {}°, height and width times {:.2} to {:.2}, \
             slanted by up to {}°, bent (Simard 2003: σ 4, α {})",
            recipe.shift,
            recipe.rotate,
            1.0 - recipe.stretch,
            1.0 + recipe.stretch,
            recipe.shear,
            recipe.elastic
        ),
    );
    line("threads", parallel::num_threads().to_string());
    for run in runs {
        let (error, seconds) = (run.error(), run.seconds());
        line(
            &format!("seed {}", run.seed),
            format!("{} epochs, {seconds:.0} s, **{error:.2} %**", run.epochs),
        );
    }
    let mean = runs.iter().map(Run::error).sum::<f64>() / runs.len() as f64;
    line("mean", format!("**{mean:.2} %**"));

    text += "\nErrors in per cent, and seconds, after an epoch:\n\n| epoch |";
    for run in runs {
        let _ = write!(text, " seed {} | s |", run.seed);
    }
    let _ = writeln!(text, "\n|---|{}", "---|---|".repeat(runs.len()));
    let epochs: std::collections::BTreeSet<usize> =
        runs.iter().flat_map(|run| run.tests.iter().map(|test| test.epoch)).collect();
    for epoch in epochs {
        let _ = write!(text, "| {epoch} |");
        for run in runs {
            let _ = match run.tests.iter().find(|test| test.epoch == epoch) {
                Some(test) => write!(text, " {:.2} | {:.0} |", test.error, test.seconds),
                None => write!(text, " | |"),
            };
        }
        text.push('\n');
    }
    fs::write(path, text)
}
