//! One training run: the notebook's network, one initialization, one seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fanin::datasets::Dataset;
use fanin::init::randperm;
use fanin::prelude::*;

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

/// All runs that are to be compared. They have numbers: seed by seed, and in a seed by contender.
pub(crate) struct Plan<'a> {
    pub(crate) contenders: &'a [Contender],
    pub(crate) train: &'a Dataset,
    pub(crate) test: &'a Dataset,
    pub(crate) seeds: usize,
    pub(crate) epochs: usize,
    images: Mutex<BTreeMap<usize, Arc<Images<'a>>>>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(
        contenders: &'a [Contender],
        (train, test): (&'a Dataset, &'a Dataset),
        (seeds, epochs): (usize, usize),
    ) -> Self {
        Self { contenders, train, test, seeds, epochs, images: Mutex::default() }
    }

    /// The names of the runs.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let name = move |number: usize| {
            let (seed, contender) = self.seed_and_contender(number);
            format!("{}, seed {seed}", self.contenders[contender].key)
        };
        (0..self.seeds * self.contenders.len()).map(name)
    }

    fn seed_and_contender(&self, number: usize) -> (usize, usize) {
        (number / self.contenders.len(), number % self.contenders.len())
    }

    /// Does one of them.
    pub(crate) fn run(&self, number: usize) -> Run {
        let (seed, contender) = self.seed_and_contender(number);
        train_one(&self.contenders[contender], &self.images(seed), seed, self.epochs)
    }

    /// The runs by contender, then by seed.
    pub(crate) fn sorted(&self, runs: Vec<Run>) -> Vec<Vec<Run>> {
        let mut sorted: Vec<Vec<Run>> = self.contenders.iter().map(|_| vec![]).collect();
        for (number, run) in runs.into_iter().enumerate() {
            sorted[self.seed_and_contender(number).1].push(run);
        }
        sorted
    }

    /// The images of a seed, which runs at the same time share.
    fn images(&self, seed: usize) -> Arc<Images<'a>> {
        let mut known = self.images.lock().expect("no thread panicked");
        known.retain(|&other, images| other == seed || Arc::strong_count(images) > 1);
        let images = known.entry(seed).or_insert_with(|| {
            let order = randperm(self.train.len(), &mut generator(seed, Stream::Split));
            let (kept, aside) = order.split_at(self.train.len() / 5 * 4);
            Arc::new(Images {
                train: self.train.select(kept.iter().copied()),
                validation: self.train.select(aside.iter().copied()),
                test: self.test,
            })
        });
        Arc::clone(images)
    }
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
