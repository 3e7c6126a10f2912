//! The search for the recipe of `examples/mnist` on the full set: trains each recipe with several seeds
//! and prints its work and its test accuracies as a row of the table in docs/mnist_recipe.md.
//!
//! ```text
//! FANIN_DATA=path/to/mnist cargo bench --bench recipe -- --seeds 10 --floor 98 \
//!     "hidden=256" "hidden=128 epochs=3 batch=64:128"
//! ```
//!
//! - A recipe lists what differs from that of the example; `--help` prints all of it.
//! - Every core trains a seed of its own on one thread. The result has the same bits as with more
//!   threads, so neither they nor other programs change it.
//! - A recipe ends early at the first seed below the `--floor`: it cannot win.
//! - Work is the floating-point operations of the products, from the sizes alone. The recipes of the
//!   least work with every seed above the floor are then timed as processes by `recipe_time.py`.

use std::f64::consts::PI;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use fanin::datasets::Dataset;
use fanin::init::FanInUniform;
use fanin::prelude::*;
use fanin::tensor::parallel;

/// The recipe of the example.
const DEFAULT: &str = "hidden=160 epochs=2 batch=64 lr=0.005 warm=0.1 start=0 fall=line smooth=0.1 \
                       beta1=0.8 beta2=0.999 decay=0 init=torch scale=1 rule=adam act=relu";

/// How a network is built and trained.
#[derive(Clone, Debug)]
struct Recipe {
    hidden: Vec<usize>,
    epochs: usize,
    /// The images of a step in each epoch; the last number holds for the epochs that follow.
    batch: Vec<usize>,
    /// The peak of the learning rate.
    lr: f64,
    /// The share of the steps in which the rate rises from `start` times the peak.
    warm: f64,
    start: f64,
    /// How the rate falls to 0: `cos` or `line`.
    fall: String,
    /// The share of each label that is spread over all classes.
    smooth: f64,
    beta1: f64,
    beta2: f64,
    /// Decoupled weight decay; 0 is Adam.
    decay: f64,
    /// `torch`, or an initializer of the weights beside biases of 0.
    init: String,
    /// A factor of all inputs.
    scale: f32,
    rule: String,
    act: String,
}

impl Recipe {
    fn parse(text: &str) -> Self {
        let find = |name: &str| {
            let value = |words: &'_ str| {
                let mut values = words.split_whitespace().filter_map(|word| word.split_once('='));
                values.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            value(text).or_else(|| value(DEFAULT)).expect("every option has a default")
        };
        for word in text.split_whitespace() {
            let key = word.split('=').next();
            let known = DEFAULT.split_whitespace().any(|default| default.split('=').next() == key);
            assert!(known, "{word}: the options and their defaults are {DEFAULT}");
        }
        let number = |name: &str| find(name).parse::<f64>().expect(name);
        let sizes = |name: &str, sep: char| -> Vec<usize> {
            find(name).split(sep).map(|size| size.parse().expect("a size")).collect()
        };
        Self {
            hidden: sizes("hidden", ','),
            epochs: find("epochs").parse().expect("epochs"),
            batch: sizes("batch", ':'),
            lr: number("lr"),
            warm: number("warm"),
            start: number("start"),
            fall: find("fall"),
            smooth: number("smooth"),
            beta1: number("beta1"),
            beta2: number("beta2"),
            decay: number("decay"),
            init: find("init"),
            scale: number("scale") as f32,
            rule: find("rule"),
            act: find("act"),
        }
    }

    fn batch(&self, epoch: usize) -> usize {
        self.batch[epoch.min(self.batch.len() - 1)]
    }

    fn sizes(&self) -> Vec<usize> {
        [&[784], &*self.hidden, &[10]].concat()
    }

    /// 10⁹ operations of the products of a training. The first layer has no gradient of its input.
    fn work(&self, images: usize) -> f64 {
        let sizes = self.sizes();
        let products: usize = sizes.windows(2).map(|size| 6 * size[0] * size[1]).sum();
        (images * self.epochs) as f64 * (products - 2 * sizes[0] * sizes[1]) as f64 / 1e9
    }

    fn model(&self) -> Sequential {
        let mut layers = vec![];
        for (i, size) in self.sizes().windows(2).enumerate() {
            if i > 0 {
                layers.push(match &*self.act {
                    "relu" => LayerSpec::Relu,
                    "leaky" => LayerSpec::LeakyRelu(0.1),
                    "gelu" => LayerSpec::Gelu,
                    other => panic!("act={other}"),
                });
            }
            let mut linear = LinearSpec::new(size[0], size[1]);
            if self.init == "torch" {
                linear.bias = Some(FanInUniform.into());
            } else {
                linear.weight = self.init.parse().expect("an initializer");
                linear.bias = Some(Zeros.into());
            }
            layers.push(linear.into());
        }
        Sequential::from_spec(&NetworkSpec { layers }).expect("a network")
    }

    fn optimizer(&self) -> Box<dyn Optimizer> {
        match &*self.rule {
            "adam" if self.decay > 0.0 => {
                Box::new(AdamW::new(self.lr).betas(self.beta1, self.beta2).weight_decay(self.decay))
            }
            "adam" => Box::new(Adam::new(self.lr).betas(self.beta1, self.beta2)),
            "sgd" => {
                Box::new(Sgd::new(self.lr).momentum(self.beta1).nesterov().weight_decay(self.decay))
            }
            other => panic!("rule={other}"),
        }
    }

    /// The learning rate after the fraction `t` of the training.
    fn rate(&self, t: f64) -> f64 {
        let left = (1.0 - t) / (1.0 - self.warm);
        self.lr
            * if t < self.warm {
                self.start + (1.0 - self.start) * t / self.warm
            } else if self.fall == "cos" {
                0.5 - 0.5 * (PI * left).cos()
            } else {
                left
            }
    }

    /// The test accuracy in per cent after a training from this seed.
    fn train(&self, train: &Dataset, test: &Dataset, seed: u64) -> f64 {
        manual_seed(seed);
        let mut model = self.model();
        let mut optimizer = self.optimizer();
        let mut tape = Tape::new();
        let (mut seen, all) = (0, self.epochs * train.len());
        for epoch in 0..self.epochs {
            for (x, y) in train.batches(self.batch(epoch)).shuffle() {
                optimizer.set_lr(self.rate(seen as f64 / all as f64));
                let (loss, grads) = tape.value_and_grad(|t| {
                    let loss = CrossEntropy::new().label_smoothing(self.smooth);
                    loss.loss(model.forward(t.input(&x)), &y)
                });
                if !loss.is_finite() {
                    return 0.0;
                }
                optimizer.step(&mut model, grads);
                seen += y.len();
            }
        }
        100.0 * accuracy(&model, test)
    }
}

fn main() {
    let (mut seeds, mut floor, mut recipes) = (10, 0.0, vec![]);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().expect("a value");
        match &*arg {
            "--seeds" => seeds = value().parse().expect("a number of seeds"),
            "--floor" => floor = value().parse().expect("an accuracy in per cent"),
            "--help" => return println!("{DEFAULT}"),
            "--bench" => {}     // cargo says it
            "--test" => return, // there is nothing to search
            _ => recipes.push(arg),
        }
    }
    parallel::set_num_threads(1);
    let (train, test) = fanin::datasets::mnist().expect("MNIST where FANIN_DATA says");
    println!("| recipe | work, 10⁹ | seeds | lowest | median | mean |\n|---|---|---|---|---|---|");
    for text in recipes {
        let recipe = Recipe::parse(&text);
        let scale = recipe.scale;
        let [train, test] =
            [&train, &test].map(|data| Arc::new(data.clone().normalize(0.1307, 0.3081 / scale)));
        let (next, low, found) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(vec![]));
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while !low.load(Relaxed) {
                        let seed = next.fetch_add(1, Relaxed);
                        if seed >= seeds {
                            break;
                        }
                        let accuracy = recipe.train(&train, &test, seed as u64);
                        found.lock().expect("no thread panics").push(accuracy);
                        low.fetch_or(accuracy < floor, Relaxed);
                    }
                });
            }
        });
        let mut found = found.into_inner().expect("no thread panics");
        found.sort_by(f64::total_cmp);
        let (n, mean) = (found.len(), found.iter().sum::<f64>() / found.len() as f64);
        let median = (found[(n - 1) / 2] + found[n / 2]) / 2.0;
        println!(
            "| {text} | {:.0} | {n} | {:.2} | {median:.2} | {mean:.2} |",
            recipe.work(train.len()),
            found[0]
        );
    }
}
