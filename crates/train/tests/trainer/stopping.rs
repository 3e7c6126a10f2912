//! Why training ends, and which weights the model has then.

use fanin_datasets::Table;
use fanin_nn::losses::{CrossEntropy, Mse};
use fanin_nn::{Adam, Linear, Module, Sequential, Sgd, Tape, Tensor};
use fanin_train::metrics::Accuracy;
use fanin_train::{EarlyStopping, Error, Stopped, Trainer};

use crate::{classes, line, network, values};

/// Validation on other classes than training: the loss soon rises.
fn rising() -> (Table<Vec<usize>>, Table<Vec<usize>>) {
    let (train, valid) = (classes(60), classes(30));
    let wrong = valid.labels().iter().map(|label| (label + 1) % 3).collect::<Vec<_>>();
    (train, Table::from_tensors(valid.inputs().clone(), wrong))
}

#[test]
fn the_best_weights_come_back() {
    let (train, valid) = rising();
    let (mut model, mut by_epoch) = (network(), vec![]);
    let history = Trainer::new(CrossEntropy::new(), Adam::new(0.05))
        .early_stopping(EarlyStopping::patience(2))
        .on_epoch(|end| by_epoch.push(values(end.model())))
        .epochs(50)
        .silent()
        .fit(&mut model, &train, &valid)
        .unwrap();
    assert_eq!(history.stopped, Stopped::Early);
    let losses = history.valid_losses();
    let best = (0..losses.len()).min_by(|&i, &j| losses[i].total_cmp(&losses[j])).unwrap();
    assert_eq!((history.best_epoch, losses.len()), (Some(best + 1), best + 3));
    assert_eq!(values(&model), by_epoch[best], "parameters and buffers");
    assert_ne!(values(&model), by_epoch[best + 2]);
    assert_eq!(history.kept().unwrap().number, best + 1);
}

#[test]
fn a_metric_knows_which_way_is_better() {
    let mut model = network();
    let history = Trainer::new(CrossEntropy::new(), Adam::new(0.05))
        .metric(Accuracy::new())
        .early_stopping(EarlyStopping::patience(3).metric("accuracy"))
        .epochs(200)
        .silent()
        .fit(&mut model, &classes(60), &classes(30))
        .unwrap();
    let accuracies = history.metric("accuracy");
    let best = accuracies.iter().copied().fold(0.0, f64::max);
    assert_eq!(history.stopped, Stopped::Early);
    assert_eq!(history.kept().unwrap().metrics["accuracy"], best);
    assert!(best > 0.8, "{best}");

    let history = Trainer::new(CrossEntropy::new(), Adam::new(0.05))
        .early_stopping(EarlyStopping::patience(usize::MAX))
        .epochs(6)
        .silent()
        .fit(&mut network(), &rising().0, &rising().1)
        .unwrap();
    assert_eq!(history.stopped, Stopped::Finished);
    assert!(history.best_epoch.is_some_and(|best| best < 6));
}

#[test]
fn a_diverging_loss_names_the_step_and_keeps_good_weights() {
    let mut model = Sequential::new().add(Linear::new(2, 4)).add(Linear::new(4, 1));
    let mut by_epoch = vec![];
    let error = Trainer::new(Mse::new(), Sgd::new(30.0))
        .on_epoch(|end| by_epoch.push(values(end.model())))
        .batch(64)
        .epochs(1_000)
        .silent()
        .fit_all(&mut model, &line(64))
        .unwrap_err();
    let Error::NonFinite { epoch, step, ref place, ref history, .. } = error else {
        panic!("{error}")
    };
    // One step an epoch, so the epochs before the step are all there.
    assert_eq!((epoch, step, history.epochs.len()), (step, epoch, epoch - 1));
    assert!(place.contains(".weight") || place.contains(".bias"), "{place}");
    let good = by_epoch.iter().rposition(|tensors| {
        tensors.iter().all(|tensor| tensor.as_slice().iter().all(|x| x.is_finite()))
    });
    let good = good.unwrap();
    assert_eq!(values(&model), by_epoch[good]);
    let text = error.to_string();
    assert!(text.contains(&format!("the end of epoch {}", good + 1)), "{text}");
    assert!(text.contains("lower learning rate"), "{text}");
}

#[test]
fn a_nan_among_the_samples_is_found() {
    let (x, y) = (line(64).inputs().clone(), line(64).targets().clone());
    let mut x = x;
    x.as_mut_slice()[2 * 50 + 1] = f32::NAN;
    let mut model = Linear::new(2, 1);
    let before = values(&model);
    let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).shuffle(false).batch(16).silent();
    let error = trainer.fit_all(&mut model, &(x, y)).unwrap_err().to_string();
    assert!(error.starts_with("epoch 1, step 4: the loss is NaN: an input"), "{error}");
    assert!(error.contains("[2, 1]") && error.contains("the beginning"), "{error}");
    assert_eq!(values(&model), before);
}

#[test]
fn a_gradient_that_is_nan_is_found_a_step_later() {
    // √0 has no derivative; the loss of the first step is finite.
    let mut model = Linear::builder(2, 1).no_bias().build();
    model.weight_mut().value_mut().as_mut_slice().fill(0.0);
    let error = Trainer::from_fn(Sgd::new(0.1), |t, model: &Linear, x: &Tensor| {
        model.forward(Tape::input(t, x)).square().sqrt().mean()
    })
    .batch(8)
    .silent()
    .fit_all(&mut model, &Tensor::ones([16, 2]))
    .unwrap_err()
    .to_string();
    assert!(
        error.starts_with("epoch 1, step 2: the loss is NaN: the parameter weight is NaN"),
        "{error}"
    );
    assert_eq!(model.weight().as_slice(), [0.0, 0.0]);
}

#[test]
fn a_validation_loss_that_is_nan_ends_training() {
    let mut valid = line(8).inputs().clone();
    valid.as_mut_slice()[3] = f32::INFINITY;
    let valid = (valid, line(8).targets().clone());
    let train = (line(32).inputs().clone(), line(32).targets().clone());
    let mut trainer = Trainer::new(Mse::new(), Sgd::new(0.1)).silent();
    let error = trainer.fit(&mut Linear::new(2, 1), &train, &valid).unwrap_err().to_string();
    assert!(
        error.contains("the validation loss is ") && error.contains("a sample of the validation"),
        "{error}"
    );
}
