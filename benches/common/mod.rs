//! The four networks of the benchmarks and their training.
//!
//! | | layers | activation | batch | optimizer | loss |
//! |---|---|---|---|---|---|
//! | A | 2-16-16-1 | tanh | 32 | SGD, momentum 0.9 | MSE |
//! | B | 784-128-10 | ReLU | 64 | Adam | cross-entropy |
//! | C | 784-512-256-10 | ReLU | 128 | Adam | cross-entropy |
//! | D | 784-2500-2000-1500-1000-500-10 | tanh | 256 | SGD, momentum 0.9 | cross-entropy |

use fanin::prelude::*;

pub(crate) struct Config {
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

impl Config {
    pub(crate) fn named(name: &str) -> &'static Config {
        CONFIGS.iter().find(|config| config.name == name).expect("A, B, C or D")
    }

    /// Whether the network has tanh and SGD, as A and D have.
    fn is_tanh(&self) -> bool {
        matches!(self.name, "A" | "D")
    }

    pub(crate) fn model(&self) -> Sequential {
        manual_seed(0);
        let mut model = Sequential::new().add(Linear::new(self.sizes[0], self.sizes[1]));
        for pair in self.sizes[1..].windows(2) {
            model = if self.is_tanh() { model.add(Tanh) } else { model.add(Relu) };
            model = model.add(Linear::new(pair[0], pair[1]));
        }
        model
    }

    pub(crate) fn input(&self, rows: usize) -> Tensor {
        let len = rows * self.sizes[0];
        let values = (0..len).map(|i| (i * 7919 % 1009) as f32 / 1009.0).collect();
        Tensor::from_vec([rows, self.sizes[0]], values)
    }

    pub(crate) fn training(&self) -> Training {
        let classes = self.sizes[self.sizes.len() - 1];
        Training {
            model: self.model(),
            x: self.input(self.batch),
            targets: Tensor::full([self.batch, classes], 0.5),
            labels: (0..self.batch).map(|i| i % classes).collect(),
            optimizer: if self.is_tanh() {
                Box::new(Sgd::new(0.01).momentum(0.9))
            } else {
                Box::new(Adam::new(1e-3))
            },
            tape: Tape::new(),
        }
    }
}

pub(crate) struct Training {
    model: Sequential,
    x: Tensor,
    /// The targets of a network with one output. The other networks have labels.
    targets: Tensor,
    labels: Vec<usize>,
    optimizer: Box<dyn Optimizer>,
    tape: Tape,
}

impl Training {
    /// Zero-grad, forward, loss, backward, optimizer.
    pub(crate) fn step(&mut self) -> f32 {
        let Self { model, x, targets, labels, optimizer, tape } = self;
        let (loss, grads) = tape.value_and_grad(|t| {
            let out = model.forward(t.input(x));
            if targets.shape()[1] == 1 {
                out.mse(t.input(targets))
            } else {
                out.cross_entropy(&*labels)
            }
        });
        optimizer.step(model, grads);
        loss
    }
}
