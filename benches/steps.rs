//! Training steps and predictions of four networks, from tiny to large: `cargo bench`. The module
//! `common` describes A, B, C and D.
//!
//! `cargo bench -- train` runs the steps only; `FANIN_NUM_THREADS=1 cargo bench` uses one thread.

mod common;

use common::Config;
use divan::Bencher;
use fanin::prelude::*;

fn main() {
    divan::main();
}

const NAMES: [&str; 4] = ["A", "B", "C", "D"];

/// Zero-grad, forward, loss, backward, optimizer.
#[divan::bench(args = NAMES, sample_size = 1, sample_count = 300, max_time = 3)]
fn train(bencher: Bencher<'_, '_>, name: &str) {
    let mut training = Config::named(name).training();
    bencher.bench_local(|| training.step());
}

/// A prediction of one sample.
#[divan::bench(args = NAMES, max_time = 1)]
fn predict_one(bencher: Bencher<'_, '_>, name: &str) {
    let config = Config::named(name);
    let (model, x) = (config.model(), config.input(1));
    bencher.bench_local(|| model.predict(&x));
}

/// A prediction of 1024 samples.
#[divan::bench(args = NAMES, max_time = 2)]
fn predict_1024(bencher: Bencher<'_, '_>, name: &str) {
    let config = Config::named(name);
    let (model, x) = (config.model(), config.input(1024));
    bencher.bench_local(|| model.predict(&x));
}
