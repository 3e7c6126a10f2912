//! `fit` computes what the loop by hand computes, to the bit.

use std::cell::RefCell;
use std::collections::BTreeSet;

use fanin_datasets::augment::shift;
use fanin_nn::init::{TorchRng, manual_seed, with_default_rng};
use fanin_nn::losses::{CrossEntropy, Loss, Mse};
use fanin_nn::optim::Ema;
use fanin_nn::{
    Adam, AdamW, GradientSum, Linear, Mode, Module, Optimizer, Parameters, Sequential, Sgd, Tape,
    Tensor,
};
use fanin_train::metrics::{Accuracy, Metric};
use fanin_train::schedule::ReduceOnPlateau;
use fanin_train::{Trainer, accuracy, predict_all};

use crate::{classes, line, network, values};

/// The loss of each epoch.
fn by_hand(model: &mut Sequential, epochs: usize) -> Vec<f64> {
    let data = classes(47);
    let (mut adamw, mut tape) = (AdamW::new(0.01), Tape::new());
    let epoch = |_| {
        let mut sum = 0.0;
        for (x, y) in data.batches(10).shuffle() {
            let (loss, grads) =
                tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
            adamw.step(model, grads);
            sum += f64::from(loss) * y.len() as f64;
        }
        sum / 47.0
    };
    (0..epochs).map(epoch).collect()
}

#[test]
fn fit_is_the_loop_by_hand() {
    let mut by_hand_model = network();
    let losses = by_hand(&mut by_hand_model, 3);
    let mut model = network();
    let mut trainer =
        Trainer::new(CrossEntropy::new(), AdamW::new(0.01)).epochs(3).batch(10).silent();
    let history = trainer.fit(&mut model, &classes(47), &classes(20)).unwrap();
    assert_eq!(values(&model), values(&by_hand_model));
    assert_eq!(history.losses(), losses);
    assert_eq!((history.epochs[2].steps, history.epochs[2].samples), (5, 47));

    // Without validation too, and a second call goes on.
    let mut model = network();
    let mut trainer =
        Trainer::new(CrossEntropy::new(), AdamW::new(0.01)).epochs(2).batch(10).silent();
    trainer.fit_all(&mut model, &classes(47)).unwrap();
    trainer = trainer.epochs(1);
    let last = trainer.fit_all(&mut model, &classes(47)).unwrap();
    assert_eq!(values(&model), values(&by_hand_model));
    assert_eq!(last.losses(), losses[2..]);
}

#[test]
fn schedule_and_clipping_are_those_by_hand() {
    let schedule = |base: f64, step: usize| base / (1.0 + step as f64);
    let mut model = network();
    let mut trainer = Trainer::new(CrossEntropy::new(), Sgd::new(0.5).momentum(0.9))
        .schedule(schedule)
        .clip_norm(0.5)
        .clip_value(0.1)
        .epochs(2)
        .batch(16)
        .seed(5)
        .silent();
    let history = trainer.fit_all(&mut model, &classes(40)).unwrap();
    assert_eq!(trainer.optimizer().lr(), 0.5, "the optimizer has its rate again");
    assert_eq!(history.epochs.iter().map(|e| e.rate).collect::<Vec<_>>(), [0.5 / 3.0, 0.5 / 6.0]);

    let mut hand = network();
    let (mut sgd, mut tape) = (Sgd::new(0.5).momentum(0.9), Tape::new());
    let (mut rng, mut step) = (TorchRng::seed(5), 0);
    for _ in 0..2 {
        for (x, y) in classes(40).batches(16).shuffle_with(&mut rng) {
            sgd.set_lr(schedule(0.5, step));
            step += 1;
            let (_, mut grads) =
                tape.value_and_grad(|t| hand.forward(t.input(&x)).cross_entropy(&y));
            grads.clip_norm(0.5);
            grads.clip_value(0.1);
            sgd.step(&mut hand, grads);
        }
    }
    assert_eq!(values(&model), values(&hand));
}

#[test]
fn a_plateau_is_that_by_hand() {
    let plateau = || ReduceOnPlateau::new(0.5).patience(1).cooldown(1);
    let (train, valid) = (classes(40), classes(20));
    let fit = |trainer: Trainer<'_, _, _, [usize]>| {
        let mut model = network();
        let mut trainer = trainer.epochs(9).batch(16).silent();
        let history = trainer.fit(&mut model, &train, &valid).unwrap();
        (values(&model), history.epochs.iter().map(|epoch| epoch.rate).collect::<Vec<_>>())
    };
    let trainer = || Trainer::new(CrossEntropy::new(), Sgd::new(4.0));
    let (weights, rates) = fit(trainer().reduce_on_plateau(plateau()));
    assert!(rates[0] == 4.0 && rates[8] <= 1.0, "{rates:?}");

    let mut own = plateau();
    let by_hand =
        trainer().on_epoch(|end| end.set_rate(4.0 * own.observe(end.epoch.valid_loss.unwrap())));
    assert_eq!((weights, rates), fit(by_hand));
}

#[test]
fn a_seed_leaves_the_default_generator_alone() {
    manual_seed(9);
    let state = with_default_rng(|rng| rng.clone());
    let mut model = Linear::new(2, 1);
    let after_model = with_default_rng(|rng| rng.clone());
    assert!(state != after_model);
    Trainer::new(Mse::new(), Adam::new(0.01))
        .seed(3)
        .silent()
        .fit_all(&mut model, &line(20))
        .unwrap();
    assert!(with_default_rng(|rng| *rng == after_model));
    Trainer::new(Mse::new(), Adam::new(0.01)).silent().fit_all(&mut model, &line(20)).unwrap();
    assert!(with_default_rng(|rng| *rng != after_model));
}

#[test]
fn accumulated_batches_are_one_step() {
    // By hand, with a last step of batches of 8 and 3.
    let mut hand = network();
    let (mut adam, mut tape, mut sum) = (Adam::new(0.01), Tape::new(), GradientSum::new());
    let batches: Vec<_> = classes(35).batches(8).collect();
    for group in batches.chunks(3) {
        let samples: usize = group.iter().map(|(_, y)| y.len()).sum();
        for (x, y) in group {
            let (_, mut grads) = tape.value_and_grad(|t| hand.forward(t.input(x)).cross_entropy(y));
            if y.len() != 8 {
                grads.scale(y.len() as f32 / 8.0);
            }
            sum.add(&grads);
        }
        let mut grads = sum.gradients();
        grads.scale(8.0 / samples as f32);
        adam.step(&mut hand, grads);
        sum.clear();
    }
    let mut model = network();
    let trainer =
        || Trainer::new(CrossEntropy::new(), Adam::new(0.01)).shuffle(false).epochs(1).silent();
    let history = trainer().batch(8).accumulate(3).fit_all(&mut model, &classes(35)).unwrap();
    assert_eq!(history.epochs[0].steps, 2);
    assert_eq!(values(&model), values(&hand));

    // Without layers that look at the batch it is the step on all samples.
    let [mut whole, mut parts] = [7, 7].map(|seed| {
        manual_seed(seed);
        Linear::new(4, 3)
    });
    let sgd = || Trainer::new(CrossEntropy::new(), Sgd::new(1.0)).shuffle(false).epochs(1).silent();
    sgd().batch(35).fit_all(&mut whole, &classes(35)).unwrap();
    sgd().batch(8).accumulate(5).fit_all(&mut parts, &classes(35)).unwrap();
    let apart = |(a, b): (&f32, &f32)| (a - b).abs();
    for (a, b) in values(&whole).iter().zip(&values(&parts)) {
        assert!(a.as_slice().iter().zip(b.as_slice()).map(apart).all(|apart| apart < 1e-6));
    }
}

#[test]
fn batches_of_any_making() {
    let (train, test) = fanin_datasets::mnist_bundled();
    let (train, test) = (train.take(200), test.take(50));
    let model = || {
        manual_seed(3);
        Linear::new(784, 10)
    };
    let mut hand = model();
    let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
    for _ in 0..2 {
        for (x, y) in train.batches(32).shuffle().augment(shift(2)).prefetch() {
            let (_, grads) = tape.value_and_grad(|t| hand.forward(t.input(&x)).cross_entropy(&y));
            adam.step(&mut hand, grads);
        }
    }
    let (mut fitted, mut epochs) = (model(), vec![]);
    let batches = |epoch| {
        epochs.push(epoch);
        train.batches(32).shuffle().augment(shift(2)).prefetch()
    };
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(1e-3)).epochs(2).silent();
    trainer.fit_batches(&mut fitted, batches, &test).unwrap();
    assert_eq!(values(&fitted), values(&hand));
    assert_eq!(epochs, [0, 1]);
}

#[test]
fn a_split_trains_on_one_part_and_measures_on_the_other() {
    let (trained, measured) = (RefCell::new(vec![]), RefCell::new(vec![]));
    let mut model = Linear::new(2, 1);
    let indices: Vec<usize> = (0..50).collect();
    let loss = |t: &Tape, _: &Linear, batch: &Vec<usize>| {
        let seen = if t.mode() == Mode::Train { &trained } else { &measured };
        seen.borrow_mut().extend(batch);
    };
    let history = Trainer::from_fn(Sgd::new(0.1), |t, model: &Linear, batch: &Vec<usize>| {
        loss(t, model, batch);
        model.forward(Tape::input(t, &Tensor::ones([batch.len(), 2]))).mean()
    })
    .epochs(2)
    .batch(8)
    .silent()
    .fit_split(&mut model, &indices, 0.3)
    .unwrap();
    let distinct =
        |seen: &RefCell<Vec<usize>>| seen.borrow().iter().copied().collect::<BTreeSet<_>>();
    let (train, valid) = (distinct(&trained), distinct(&measured));
    assert_eq!((train.len(), valid.len(), trained.borrow().len()), (35, 15, 70));
    assert!(train.is_disjoint(&valid));
    assert_ne!(valid, (35..50).collect(), "the split is drawn");
    assert_eq!(history.epochs[0].samples, 35);
}

#[test]
fn metrics_are_those_of_the_validation_set_or_of_the_training_batches() {
    let (train, valid) = (classes(60), classes(24));
    let mut model = network();
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(0.02))
        .metric(Accuracy::new())
        .epochs(4)
        .silent();
    let history = trainer.fit(&mut model, &train, &valid).unwrap();
    assert_eq!(history.metric("accuracy")[3], accuracy(&model, &valid));
    let (outputs, labels) = predict_all(&model, &valid);
    let loss =
        Tape::new().value(|t| CrossEntropy::new().loss(t.input(&outputs), &labels[..])).item();
    assert_eq!(history.epochs[3].valid_loss, Some(f64::from(loss)));

    let evaluation = trainer.evaluate(&model, &valid).unwrap();
    assert_eq!(evaluation.metrics["accuracy"], accuracy(&model, &valid));
    assert_eq!(Some(evaluation.loss), history.epochs[3].valid_loss);
    assert_eq!(trainer.predict(&model, &valid), outputs);

    // In order, without dropout's numbers: as the loop by hand sees them.
    let mut model = Linear::new(4, 3);
    let mut hand = model.clone();
    let history = Trainer::new(CrossEntropy::new(), Sgd::new(0.1))
        .metric(Accuracy::new())
        .shuffle(false)
        .epochs(1)
        .silent()
        .fit_all(&mut model, &train)
        .unwrap();
    let (mut sgd, mut tape, mut seen) = (Sgd::new(0.1), Tape::new(), Accuracy::new());
    for (x, y) in train.batches(32) {
        let (_, outputs, grads) = tape.value_and_grad_with(|t| {
            let outputs = hand.forward(t.input(&x));
            (outputs.cross_entropy(&y), outputs)
        });
        seen.update(&outputs, &y[..]);
        sgd.step(&mut hand, grads);
    }
    assert_eq!(history.metric("accuracy"), [seen.value()]);
    assert_eq!(values(&model), values(&hand));
}

#[test]
fn a_tensor_is_its_own_target() {
    let x = Tensor::from_vec([16, 4], (0..64).map(|i| (i % 7) as f32 / 7.0).collect());
    manual_seed(2);
    let mut model = Sequential::new().add(Linear::new(4, 4));
    let history = Trainer::new(Mse::new(), Adam::new(0.05))
        .epochs(100)
        .silent()
        .fit_all(&mut model, &x)
        .unwrap();
    assert!(history.epochs[99].loss < 0.05 * history.epochs[0].loss);
}

#[test]
fn averaged_weights_are_those_by_hand() {
    let mut model = Linear::new(2, 1);
    let (mut hand, mut average, mut ema) = (model.clone(), model.clone(), Ema::new(0.9));
    let mut averaged = vec![];
    let history = Trainer::new(Mse::new(), Sgd::new(0.1))
        .average_weights(0.9)
        .on_epoch(|end| averaged.push(end.model().named_params()[0].1.value().clone()))
        .shuffle(false)
        .batch(8)
        .epochs(3)
        .silent()
        .fit(&mut model, &line(32), &line(16))
        .unwrap();
    let (mut sgd, mut tape) = (Sgd::new(0.1), Tape::new());
    assert_eq!(averaged.len(), 3);
    for (epoch, averaged) in averaged.iter().enumerate() {
        for (x, y) in line(32).batches(8) {
            let (_, grads) = tape.value_and_grad(|t| hand.forward(t.input(&x)).mse(t.input(&y)));
            sgd.step(&mut hand, grads);
            ema.update(&hand);
        }
        ema.apply_to(&mut average);
        let (outputs, targets) = predict_all(&average, &line(16));
        let loss = Tape::new().value(|t| t.input(&outputs).mse(t.input(&targets))).item();
        assert_eq!(history.epochs[epoch].valid_loss, Some(f64::from(loss)), "epoch {epoch}");
        assert_eq!(averaged, average.param("weight").value());
    }
    assert_eq!(values(&model), values(&average));
}

#[test]
fn frozen_parameters_stay() {
    let mut model = network();
    model.set_trainable("0.*", false);
    let before = values(&model);
    let mut trainer = Trainer::new(CrossEntropy::new(), AdamW::new(0.1)).epochs(2).silent();
    trainer.fit(&mut model, &classes(30), &classes(10)).unwrap();
    let after = values(&model);
    assert_eq!(before[..2], after[..2]);
    assert_ne!(before[4], after[4]);
}
