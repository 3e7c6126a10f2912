//! # The Trainer
//!
//! The loop of the earlier lessons is short, but a real training wants more: a validation set, metrics,
//! a learning rate that falls, an end at the right moment. `Trainer` is that loop with options. It
//! takes any model, data, loss and optimizer, and computes what the loop by hand computes, to the bit.
//!
//! 500 digits are few for 100,000 weights. After some epochs the network knows them by heart: the
//! training loss still falls, but the loss on digits that it is not trained on rises. That is
//! *overfitting*. `EarlyStopping::patience(5)` ends the training when the validation loss has not
//! improved for five epochs, and gives the model the weights of its best epoch back.
//!
//! A schedule sets the learning rate of every step. Here it follows half a cosine from 0.003 down to 0.
//! A metric is measured on the validation set after each epoch. `fit` returns the `History`, which
//! prints as a table, and is saved as CSV, JSON or a picture. While it trains, a bar or a line for
//! each epoch goes to standard error.

use fanin::prelude::*;

const EPOCHS: usize = 60;

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(11);
    let (digits, test) = datasets::mnist_bundled();
    let (train, valid) = (digits.select((0..4000).step_by(8)), digits.select((1..4000).step_by(4)));
    let mut model =
        Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10));

    let steps = EPOCHS * train.len().div_ceil(32);
    let history = Trainer::new(CrossEntropy::new(), AdamW::new(3e-3))
        .epochs(EPOCHS)
        .batch(32)
        .schedule(CosineAnnealing::new(steps))
        .metric(Accuracy::new())
        .early_stopping(EarlyStopping::patience(5))
        .fit(&mut model, &train, &valid)?;
    println!("{history}");

    assert_eq!(history.stopped, Stopped::Early);
    let best = history.best_epoch.expect("early stopping names it");
    let losses = history.valid_losses();
    assert_eq!(history.epochs.len(), best + 5);
    assert!(losses.iter().all(|&loss| loss >= losses[best - 1]));
    let last = history.last().expect("there are epochs");
    assert!(last.loss < history.epochs[best - 1].loss, "the training loss falls on");

    let rates: Vec<f64> = history.epochs.iter().map(|epoch| epoch.rate).collect();
    assert!(rates[0] < 3e-3 && rates.is_sorted_by(|a, b| a > b), "the rate falls");

    let measured = history.kept().expect("there are epochs").metrics["accuracy"];
    assert_eq!(measured, accuracy(&model, &valid), "the best weights are back");
    println!("on 1,000 new digits: {:.1} %", 100.0 * accuracy(&model, &test));
    assert!(history.to_csv().starts_with("epoch,") && history.to_svg().starts_with("<svg "));
    Ok(())
}
