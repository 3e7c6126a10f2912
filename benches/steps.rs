//! Training steps and predictions of four networks, from tiny to large: `cargo bench`.
//!
//! | | layers | activation | batch | optimizer | loss |
//! |---|---|---|---|---|---|
//! | A | 2-16-16-1 | tanh | 32 | SGD, momentum 0.9 | MSE |
//! | B | 784-128-10 | ReLU | 64 | Adam | cross-entropy |
//! | C | 784-512-256-10 | ReLU | 128 | Adam | cross-entropy |
//! | D | 784-2500-2000-1500-1000-500-10 | tanh | 256 | SGD, momentum 0.9 | cross-entropy |
//!
//! `cargo bench -- train` runs the steps alone, `FANIN_NUM_THREADS=1 cargo bench` with one thread.

use divan::Bencher;
use fanin::prelude::*;

fn main() {
    divan::main();
}

struct Config {
    name: &'static str,
    sizes: &'static [usize],
    batch: usize,
}

const CONFIGS: [Config; 4] = [
    Config { name: "A", sizes: &[2, 16, 16, 1], batch: 32 },
    Config { name: "B", sizes: &[784, 128, 10], batch: 64 },
    Config { name: "C", sizes: &[784, 512, 256, 10], batch: 128 },
    Config { name: "D", sizes: &[784, 2500, 2000, 1500, 1000, 500, 10], batch: 256 },
];
const NAMES: [&str; 4] = ["A", "B", "C", "D"];

impl Config {
    fn named(name: &str) -> &'static Config {
        CONFIGS.iter().find(|config| config.name == name).expect("a name of the table")
    }

    /// A and D are those with tanh and SGD.
    fn is_tanh(&self) -> bool {
        matches!(self.name, "A" | "D")
    }

    fn model(&self) -> Sequential {
        manual_seed(0);
        let mut model = Sequential::new().add(Linear::new(self.sizes[0], self.sizes[1]));
        for pair in self.sizes[1..].windows(2) {
            model = if self.is_tanh() { model.add(Tanh) } else { model.add(Relu) };
            model = model.add(Linear::new(pair[0], pair[1]));
        }
        model
    }

    fn input(&self, rows: usize) -> Tensor {
        let len = rows * self.sizes[0];
        let values = (0..len).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
        Tensor::from_vec([rows, self.sizes[0]], values)
    }
}

/// Zero-grad, forward, loss, backward, optimizer.
#[divan::bench(args = NAMES, sample_size = 1, sample_count = 300, max_time = 3)]
fn train(bencher: Bencher<'_, '_>, name: &str) {
    let config = Config::named(name);
    let classes = config.sizes[config.sizes.len() - 1];
    let (mut model, x) = (config.model(), config.input(config.batch));
    let targets = Tensor::full([config.batch, classes], 0.5);
    let labels: Vec<usize> = (0..config.batch).map(|i| i % classes).collect();
    let mut optimizer: Box<dyn Optimizer> = if config.is_tanh() {
        Box::new(Sgd::new(0.01).momentum(0.9))
    } else {
        Box::new(Adam::new(1e-3))
    };
    let mut tape = Tape::new();
    bencher.bench_local(|| {
        let (loss, grads) = tape.value_and_grad(|t| {
            let out = model.forward(t.input(&x));
            if classes == 1 { out.mse(t.input(&targets)) } else { out.cross_entropy(&labels) }
        });
        optimizer.step(&mut model, grads);
        loss
    });
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
