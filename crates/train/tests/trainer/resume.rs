//! A training that was stopped and goes on ends with the bytes of one that never stopped.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use fanin_nn::init::rand::Rng;
use fanin_nn::init::{manual_seed, with_default_rng};
use fanin_nn::losses::CrossEntropy;
use fanin_nn::optim::*;
use fanin_nn::tensor::parallel::set_num_threads;
use fanin_nn::{Adam, AdamW, Checkpoint, Optimizer, Sequential, Sgd};
use fanin_train::metrics::Accuracy;
use fanin_train::schedule::{PlateauThreshold, ReduceOnPlateau};
use fanin_train::{Checkpoints, EarlyStopping, Error, History, Stopped, Trainer};

use crate::{classes, network};

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("fanin-resume-{}-{number}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// It lowers the rate in the second epoch and each one after it.
fn plateau() -> ReduceOnPlateau {
    ReduceOnPlateau::new(0.7).patience(0).threshold(PlateauThreshold::Absolute(100.0))
}

/// Shuffled, with dropout, batch normalization, augmentation, a schedule and a plateau, clipping, averaged
/// weights.
/// Stops after step `stop`, if there is one; after an odd one it panics.
fn train(optimizer: impl Optimizer, dir: Option<&Path>, stop: usize) -> (Sequential, History) {
    let mut model = network();
    // A process of its own begins with another generator.
    manual_seed(if dir.is_some_and(Path::exists) { 999 } else { 7 });
    let (train, valid) = (classes(42), classes(12));
    let mut trainer = Trainer::new(CrossEntropy::new(), optimizer)
        .epochs(4)
        .metric(Accuracy::new())
        .clip_norm(2.0)
        .schedule(|lr: f64, step: usize| lr / (1.0 + 0.1 * step as f64))
        .average_weights(0.9)
        .early_stopping(EarlyStopping::patience(10))
        .reduce_on_plateau(plateau())
        .on_step(move |end| {
            if end.step == stop {
                assert!(stop.is_multiple_of(2), "stopped");
                end.stop();
            }
        })
        .silent();
    if let Some(dir) = dir {
        trainer = trainer.checkpoints(Checkpoints::new(dir).every_steps(1)).resume();
    }
    let batches = |_| {
        train.batches(8).shuffle().augment(|row, _, rng| {
            row.iter_mut().for_each(|x| *x += 0.05 * rng.random::<f32>());
        })
    };
    let history = trainer.fit_batches(&mut model, batches, &valid).unwrap();
    (model, history)
}

fn without_seconds(mut history: History) -> History {
    history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    history
}

fn goes_on_to_the_bit<O: Optimizer>(name: &str, stops: &[&[usize]], new: impl Fn() -> O) {
    let (whole, history) = train(new(), None, usize::MAX);
    let whole = whole.to_bytes().unwrap();
    for stops in stops {
        let scratch = Scratch::new();
        for &stop in *stops {
            let run = AssertUnwindSafe(|| train(new(), Some(&scratch.0), stop));
            match catch_unwind(run) {
                Ok((_, history)) => assert_eq!(history.stopped, Stopped::Callback),
                Err(_) => assert!(!stop.is_multiple_of(2)),
            }
        }
        set_num_threads(2);
        let (model, resumed) = train(new(), Some(&scratch.0), usize::MAX);
        set_num_threads(1);
        assert!(model.to_bytes().unwrap() == whole, "{name}, stopped after {stops:?}");
        assert_eq!(without_seconds(resumed), without_seconds(history.clone()), "{name}");
    }
}

/// An epoch has 6 steps.
#[test]
fn after_any_step() {
    for stop in 1..=24 {
        goes_on_to_the_bit("Adam", &[&[stop]], || Adam::new(0.01));
    }
    goes_on_to_the_bit("Adam", &[&[2, 5, 6, 7], &[12, 13, 19, 24]], || Adam::new(0.01));
}

#[test]
fn with_each_optimizer() {
    macro_rules! each {
        ($($new:expr;)*) => {$(goes_on_to_the_bit(stringify!($new), &[&[4, 7]], || $new);)*};
    }
    each! {
        Sgd::new(0.1).momentum(0.9).nesterov();
        Adam::new(0.01);
        AdamW::new(0.01).weight_decay(0.1).group("*.bias", |g| g.weight_decay(0.0));
        RmsProp::new(0.01).momentum(0.5).centered();
        NAdam::new(0.01);
        RAdam::new(0.01);
        Adagrad::new(0.1);
        Adadelta::new(1.0);
        Adamax::new(0.01);
        Rprop::new(0.01);
        Asgd::new(0.1);
        Lion::new(0.001);
        Muon::new(0.01, AdamW::new(0.01));
        Adafactor::new(0.01);
    }
}

#[test]
fn a_damaged_checkpoint_is_skipped_and_the_last_ones_are_kept() {
    let (whole, _) = train(Adam::new(0.01), None, usize::MAX);
    let scratch = Scratch::new();
    train(Adam::new(0.01), Some(&scratch.0), 10);
    let at = Checkpoints::new(&scratch.0);
    let files = at.files().unwrap();
    assert_eq!(files.len(), 3);
    assert!(files[0].ends_with("step-000000010.fanin"), "{files:?}");
    assert!(scratch.0.join("best.fanin").exists());

    let bytes = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &bytes[..bytes.len() / 2]).unwrap();
    let mut changed = fs::read(&files[1]).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&files[1], changed).unwrap();
    let (model, history) = train(Adam::new(0.01), Some(&scratch.0), usize::MAX);
    assert_eq!(model.to_bytes().unwrap(), whole.to_bytes().unwrap());
    assert_eq!(history.epochs.len(), 4);
}

/// Another training is refused, and the model stays.
#[test]
fn another_training_is_refused() {
    let scratch = Scratch::new();
    train(Adam::new(0.01), Some(&scratch.0), 10);
    let (data, mut model) = (classes(42), network());
    let before = model.to_bytes().unwrap();
    let trainer = |checkpoints: bool| {
        let trainer = Trainer::new(CrossEntropy::new(), Sgd::new(0.1)).silent();
        let at = Checkpoints::new(&scratch.0);
        if checkpoints { trainer.checkpoints(at).resume() } else { trainer.resume() }
    };
    let refused = |result: Result<History, Error>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    refused(trainer(false).fit_all(&mut model, &data), "say where the checkpoints are");
    refused(trainer(true).batch(7).fit_all(&mut model, &data), "and this training has 7 and 1");
    refused(trainer(true).fit_all(&mut model, &data), "early stopping");
    let same = trainer(true).average_weights(0.9).early_stopping(EarlyStopping::patience(10));
    refused({ same }.fit_all(&mut model, &data), "lowers the rate on a plateau");
    let same = trainer(true).average_weights(0.9).early_stopping(EarlyStopping::patience(10));
    let same = same.reduce_on_plateau(plateau());
    refused({ same }.fit_all(&mut model, &data), "Adam");
    let every = Checkpoints::new(&scratch.0).every_steps(0);
    refused(trainer(false).checkpoints(every).fit_all(&mut model, &data), "every_steps(0)");
    assert_eq!(model.to_bytes().unwrap(), before);

    let mut other = Sequential::new().add(fanin_nn::Linear::new(4, 3));
    let error = trainer(true).fit_all(&mut other, &data).unwrap_err();
    assert!(matches!(error, Error::Checkpoint(fanin_nn::Error::OtherModel { .. })), "{error}");
}

/// Longer training, options of parameters, and a generator that goes on.
#[test]
fn more_epochs_and_frozen_parameters_come_back() {
    let scratch = Scratch::new();
    let data = classes(42);
    let run = |epochs: usize, freeze: bool| {
        let mut model = network();
        manual_seed(if freeze { 7 } else { 8 });
        if freeze {
            use fanin_nn::Parameters;
            model.set_trainable("0.*", false);
            model.set_lr_scale("4.*", 0.5);
        }
        let history = Trainer::new(CrossEntropy::new(), Sgd::new(0.1))
            .epochs(epochs)
            .seed(3)
            .checkpoints(Checkpoints::new(&scratch.0).keep(1))
            .resume()
            .silent()
            .fit_all(&mut model, &data)
            .unwrap();
        (model.to_bytes().unwrap(), history.epochs.len(), with_default_rng(|rng| rng.clone()))
    };
    run(2, true);
    let (resumed, epochs, rng) = run(5, false);
    assert_eq!(epochs, 5);
    fs::remove_dir_all(&scratch.0).unwrap();
    let (whole, _, whole_rng) = run(5, true);
    assert_eq!((resumed == whole, rng), (true, whole_rng));
}
