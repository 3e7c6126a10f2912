//! What callbacks see and may do.

use fanin_nn::losses::{CrossEntropy, Mse};
use fanin_nn::{Adam, Linear, Module, Sgd, Tape, Tensor};
use fanin_train::metrics::Accuracy;
use fanin_train::{Stopped, Trainer};

use crate::{classes, line};

#[test]
fn a_step_shows_its_loss_and_the_model_after_it() {
    let mut model = Linear::new(2, 1);
    let (mut steps, mut weights) = (vec![], vec![]);
    let history = Trainer::new(Mse::new(), Sgd::new(0.1))
        .on_step(|step| {
            steps.push((step.epoch, step.step, step.rate));
            weights.push(step.model.param("weight").value().clone());
        })
        .batch(16)
        .epochs(2)
        .silent()
        .fit_all(&mut model, &line(40))
        .unwrap();
    let numbers: Vec<_> = (1..=6).map(|step| (1 + (step - 1) / 3, step, 0.1)).collect();
    assert_eq!(steps, numbers);
    assert_eq!(&weights[5], model.weight());
    assert_eq!(history.stopped, Stopped::Finished);
}

#[test]
fn a_step_may_end_training() {
    let mut model = Linear::new(2, 1);
    let mut after_four = None;
    let history = Trainer::new(Mse::new(), Sgd::new(0.1))
        .on_step(|step| {
            if step.step == 4 {
                after_four = Some(step.model.param("weight").value().clone());
                step.stop();
            }
        })
        .batch(16)
        .silent()
        .fit(&mut model, &line(40), &line(10))
        .unwrap();
    assert_eq!((history.stopped, history.epochs.len()), (Stopped::Callback, 2));
    let last = history.last().unwrap();
    assert_eq!((last.steps, last.samples, last.valid_loss), (1, 16, None));
    assert_eq!(Some(model.weight()), after_four.as_ref());
}

#[test]
fn an_epoch_sees_numbers_and_predictions_and_may_set_the_rate() {
    let mut model = Linear::new(4, 3);
    let (x, mut seen) = (Tensor::ones([2, 4]), vec![]);
    let history = Trainer::new(CrossEntropy::new(), Adam::new(0.1))
        .metric(Accuracy::new())
        .on_epoch(|end| {
            let accuracy = end.epoch.metrics["accuracy"];
            seen.push((end.epoch.number, accuracy, end.predict(&x)));
            end.set_rate(end.rate() / 2.0);
        })
        .on_epoch(|end| {
            if end.epoch.number == 3 {
                end.stop();
            }
        })
        .silent()
        .fit(&mut model, &classes(60), &classes(20))
        .unwrap();
    assert_eq!(history.stopped, Stopped::Callback);
    let rates: Vec<_> = history.epochs.iter().map(|epoch| epoch.rate).collect();
    assert_eq!(rates, [0.1, 0.05, 0.025]);
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].1, history.metric("accuracy")[2]);
    assert_eq!(seen[2].2, model.predict(&x));
}

#[test]
fn a_rate_that_is_set_is_the_base_of_the_schedule() {
    let mut model = Linear::new(2, 1);
    let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.8))
        .schedule(|base: f64, step: usize| base / (1 + step) as f64)
        .on_epoch(|end| end.set_rate(end.rate() / 2.0))
        .epochs(2)
        .batch(64)
        .silent();
    let history = trainer.fit_all(&mut model, &line(64)).unwrap();
    assert_eq!((history.epochs[0].rate, history.epochs[1].rate), (0.8, 0.2));
    assert_eq!(trainer.optimizer().lr(), 0.2);
}

/// Bytes as data, and a loss that is no loss of targets.
#[test]
fn any_function_is_a_loss() {
    let mut model = Linear::new(2, 1);
    let history = Trainer::from_fn(Sgd::new(0.1), |t, model: &Linear, bytes: &Vec<u8>| {
        let x = Tensor::full([bytes.len(), 2], f32::from(bytes[0]) / 255.0);
        (model.forward(Tape::input(t, &x)) - 1.0).square().mean()
    })
    .epochs(200)
    .silent()
    .fit_all(&mut model, &vec![255u8; 10])
    .unwrap();
    assert!(history.epochs[199].loss < 1e-6);
    assert_eq!(history.epochs[0].samples, 10);
}
