//! Training steps and predictions of four networks, from tiny to large: `cargo bench`.
//! `common` says what A, B, C and D are.
//!
//! `cargo bench -- train` runs the steps alone, `FANIN_NUM_THREADS=1 cargo bench` with one thread.

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

/// One sample through the model.
#[divan::bench(args = NAMES, max_time = 1)]
fn predict_one(bencher: Bencher<'_, '_>, name: &str) {
    let config = Config::named(name);
    let (model, x) = (config.model(), config.input(1));
    bencher.bench_local(|| model.predict(&x));
}

/// 1024 samples through the model.
#[divan::bench(args = NAMES, max_time = 2)]
fn predict_1024(bencher: Bencher<'_, '_>, name: &str) {
    let config = Config::named(name);
    let (model, x) = (config.model(), config.input(1024));
    bencher.bench_local(|| model.predict(&x));
}
