//! One training run: the notebook's network, one initialization, one seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fanin::datasets::Dataset;
use fanin::init::randperm;
use fanin::prelude::*;
use fanin::tensor::parallel;

use crate::probe::{Snapshot, snapshot};
use crate::schemes::Contender;

/// The batch size.
pub(crate) const BATCH: usize = 100;
/// The dropout probability of hidden outputs.
pub(crate) const DROPOUT: f64 = 0.2;
pub(crate) const LEARNING_RATE: f64 = 1e-3;
/// 784-256-128-10 for 28×28 images of ten classes.
pub(crate) const HIDDEN: [usize; 2] = [256, 128];

/// The results of one run.
pub(crate) struct Run {
    /// The loss of every step.
    pub(crate) losses: Vec<f32>,
    /// The mean of each epoch.
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) before: Snapshot,
    pub(crate) after: Snapshot,
}

pub(crate) struct Epoch {
    /// The mean loss of the epoch's steps.
    pub(crate) loss: f64,
    /// The accuracy on the validation images, in per cent.
    pub(crate) validation: f64,
    /// The accuracy on the test images, in per cent.
    pub(crate) test: f64,
}

impl Run {
    /// The numbers at the end of the training.
    pub(crate) fn last(&self) -> &Epoch {
        self.epochs.last().expect("one epoch or more")
    }
}

/// The images of one seed.
struct Images<'a> {
    train: Dataset,
    validation: Dataset,
    test: &'a Dataset,
}

/// The purposes of a seed's generators. Each purpose has its own generator, so that the number of
/// draws of a scheme changes neither the data nor the dropout.
enum Stream {
    Split,
    Weights,
    Order,
    Dropout,
}

impl Stream {
    fn seed(self, seed: usize) -> u64 {
        10 * seed as u64 + self as u64
    }
}

fn generator(seed: usize, stream: Stream) -> TorchRng {
    TorchRng::seed(stream.seed(seed))
}

/// Trains every contender with every seed. The result is by contender, then by seed.
pub(crate) fn train_all(
    contenders: &[Contender],
    (train, test): (&Dataset, &Dataset),
    (seeds, epochs): (usize, usize),
    workers: usize,
) -> Vec<Vec<Run>> {
    // Several small networks in parallel use the cores better than one network on all cores.
    parallel::set_num_threads(1);
    let mut all: Vec<Vec<Run>> = contenders.iter().map(|_| vec![]).collect();
    for seed in 0..seeds {
        let order = randperm(train.len(), &mut generator(seed, Stream::Split));
        let (kept, aside) = order.split_at(train.len() / 5 * 4);
        let images = Images {
            train: train.select(kept.iter().copied()),
            validation: train.select(aside.iter().copied()),
            test,
        };
        let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![]));
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(contender) = contenders.get(i) else { break };
                        let run = train_one(contender, &images, seed, epochs);
                        done.lock().expect("no thread panicked").push((i, run));
                    }
                });
            }
        });
        for (i, run) in done.into_inner().expect("no thread panicked") {
            all[i].push(run);
        }
        eprintln!("seed {} of {seeds} is done", seed + 1);
    }
    all
}

fn train_one(contender: &Contender, images: &Images<'_>, seed: usize, epochs: usize) -> Run {
    let mut net = Net::new(contender, images, seed);
    let probe = images.validation.take(500).tensors();
    let before = snapshot(&net, &probe, seed == 0);
    let (mut adam, mut tape) = (Adam::new(LEARNING_RATE), Tape::new());
    let mut order = generator(seed, Stream::Order);
    // Dropout draws from the thread's default generator.
    manual_seed(Stream::Dropout.seed(seed));
    let (mut losses, mut results) = (vec![], vec![]);
    for _ in 0..epochs {
        let start = losses.len();
        for (x, y) in images.train.batches(BATCH).shuffle_with(&mut order) {
            let (loss, grads) = tape.value_and_grad(|t| net.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut net, grads);
            losses.push(loss);
        }
        let sum: f64 = losses[start..].iter().map(|&loss| f64::from(loss)).sum();
        results.push(Epoch {
            loss: sum / (losses.len() - start) as f64,
            validation: 100.0 * accuracy(&net, &images.validation),
            test: 100.0 * accuracy(&net, images.test),
        });
    }
    let after = snapshot(&net, &probe, seed == 0);
    Run { losses, epochs: results, before, after }
}

/// Linear layers with ReLU and dropout between them. The output is logits.
#[derive(Parameters)]
pub(crate) struct Net {
    pub(crate) layers: Vec<Linear>,
    dropout: Dropout,
}

impl Net {
    fn new(contender: &Contender, images: &Images<'_>, seed: usize) -> Self {
        let mut rng = generator(seed, Stream::Weights);
        let sizes = [&[images.train.input_size()], &HIDDEN[..], &[images.train.classes()]].concat();
        let layers = sizes.windows(2).zip(&contender.weights).map(|(size, initializer)| {
            let layer = Linear::builder(size[0], size[1]).rng(&mut rng);
            layer.weight(initializer).bias(&*contender.bias).build()
        });
        let mut net = Self { layers: layers.collect(), dropout: Dropout::new(DROPOUT) };
        if let Some(adapt) = contender.adapt {
            let (x, _) = images.train.take(5 * BATCH).tensors();
            adapt(&mut net, &x);
        }
        net
    }
}

impl Module for Net {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let h = hidden.iter().fold(x, |h, layer| self.dropout.forward(layer.forward(h).relu()));
        last.forward(h)
    }
}
