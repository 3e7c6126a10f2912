//! What cannot work is refused before the first step, and the model is as it was.

use fanin_datasets::Table;
use fanin_nn::losses::{CrossEntropy, Mse, Nll, Reduction};
use fanin_nn::{Adam, Linear, Tensor};
use fanin_train::schedule::{PlateauMode, ReduceOnPlateau};
use fanin_train::{EarlyStopping, Result, Schedule, Trainer};

use crate::{classes, line, values};

type Classifier = Trainer<'static, CrossEntropy, Adam, [usize]>;
type Fit<'a> = &'a dyn Fn(&mut Linear) -> Result<()>;

fn refused(inputs: usize, outputs: usize, fit: Fit<'_>, why: &[&str]) {
    let mut model = Linear::new(inputs, outputs);
    let before = values(&model);
    let error = fit(&mut model).expect_err(why[0]).to_string();
    for part in why {
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
    assert_eq!(values(&model), before, "{error}");
}

fn trainer() -> Classifier {
    Trainer::new(CrossEntropy::new(), Adam::new(0.1)).silent()
}

#[test]
fn data_that_do_not_fit() {
    let empty = (Tensor::zeros([0, 4]), Vec::<usize>::new());
    let (train, valid) = (classes(20), classes(10));
    let fit = |model: &mut Linear| trainer().fit_all(model, &empty).map(drop);
    refused(4, 3, &fit, &["the training set has no samples"]);
    let pairs = (train.inputs().clone(), train.labels().to_vec());
    let fit = |model: &mut Linear| trainer().fit(model, &pairs, &empty).map(drop);
    refused(4, 3, &fit, &["the validation set has no samples"]);

    let fit = |model: &mut Linear| trainer().fit(model, &train, &valid).map(drop);
    refused(5, 3, &fit, &["the training set: a sample has 4 features, and the model takes 5"]);
    refused(
        4,
        2,
        &fit,
        &["the training set: the label of row 2 is 2, and the model has 2 outputs"],
    );

    let mut labels = valid.labels().to_vec();
    labels[7] = 9;
    let valid = Table::from_tensors(valid.inputs().clone(), labels.clone());
    let fit = |model: &mut Linear| trainer().fit(model, &train, &valid).map(drop);
    refused(
        4,
        3,
        &fit,
        &["the validation set: the label of row 7 is 9, and the model has 3 outputs"],
    );
    let fit =
        |model: &mut Linear| trainer().fit_batches(model, |_| valid.batches(4), &train).map(drop);
    refused(4, 3, &fit, &["the training batches: the label of row 7 is 9"]);

    // A label that the loss leaves out need not be a class.
    let mut ignoring = Trainer::new(CrossEntropy::new().ignore_index(9), Adam::new(0.1)).silent();
    ignoring.fit_all(&mut Linear::new(4, 3), &valid).unwrap();
    let mut ignoring = Trainer::new(Nll::new().ignore_index(9), Adam::new(0.1)).silent();
    ignoring.fit_all(&mut Linear::new(4, 3), &valid).unwrap();
}

#[test]
fn options_that_make_no_sense() {
    let data = classes(20);
    let fit = |change: &dyn Fn(Classifier) -> Classifier, why: &[&str]| {
        refused(4, 3, &|model| change(trainer()).fit_all(model, &data).map(drop), why);
    };
    fit(&|t| t.epochs(0), &["epochs(0): give at least 1"]);
    fit(&|t| t.batch(0), &["batch(0): give at least 1"]);
    fit(&|t| t.accumulate(0), &["accumulate(0)"]);
    fit(&|t| t.clip_norm(f64::NAN), &["clip_norm(NaN): give a positive number"]);
    fit(&|t| t.clip_value(-1.0), &["clip_value(-1)"]);
    fit(&|t| t.average_weights(1.0), &["average_weights(1): a decay is in [0, 1)"]);
    fit(
        &|t| t.reduce_on_plateau(ReduceOnPlateau::new(0.5).mode(PlateauMode::Max)),
        &["reduce_on_plateau: the trainer observes the loss"],
    );
    fit(
        &|t| t.early_stopping(EarlyStopping::patience(1).metric("f1")),
        &["early_stopping on f1", "no metric"],
    );
    fit(&|t| t.schedule(|_: f64, _: usize| f64::NAN), &["learning rate at step 0 is NaN"]);
    fit(
        &|t| {
            t.schedule(|base: f64, step: usize| if step == 1 { -base } else { base })
                .epochs(2)
                .batch(10)
        },
        &["learning rate at step 1 is -0.1"],
    );
    for share in [0.0, 1.0, 0.001, f64::NAN] {
        refused(
            4,
            3,
            &|model| trainer().fit_split(model, &data, share).map(drop),
            &["fit_split with a share of", "of 20 samples"],
        );
    }
    use fanin_train::metrics::Accuracy;
    fit(&|t| t.metric(Accuracy::new()).metric(Accuracy::new()), &["metric accuracy: two metrics"]);
}

#[test]
fn a_schedule_that_ends_too_early() {
    struct Short(usize);
    impl Schedule for Short {
        fn lr(&self, base: f64, _: usize) -> f64 {
            base
        }
        fn steps(&self) -> Option<usize> {
            Some(self.0)
        }
    }
    let data = classes(20);
    let with = |steps: usize| trainer().batch(8).accumulate(2).epochs(3).schedule(Short(steps));
    let fit = |model: &mut Linear| with(5).fit_all(model, &data).map(drop);
    refused(4, 3, &fit, &["the schedule has 5 steps, and training takes 6"]);
    with(6).fit_all(&mut Linear::new(4, 3), &data).unwrap();
    let fit = |model: &mut Linear| with(5).fit_batches(model, |_| data.batches(8), &data).map(drop);
    refused(4, 3, &fit, &["the schedule has 5 steps, and training takes 6"]);
}

#[test]
fn a_loss_for_each_sample() {
    let loss = Mse::new().reduction(Reduction::None);
    let fit = |model: &mut Linear| {
        Trainer::new(loss, Adam::new(0.1)).silent().fit_all(model, &line(8)).map(drop)
    };
    refused(2, 1, &fit, &["the loss is ", "reduce it to its mean"]);
}

/// A target `(n)` beside outputs `(n, 1)` is a bug of the program, and panics at its line.
#[test]
fn targets_of_another_shape_panic_at_the_line_of_fit() {
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
    use std::sync::Mutex;
    static AT: Mutex<String> = Mutex::new(String::new());
    let hook = take_hook();
    set_hook(Box::new(|info| {
        let text = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        *AT.lock().unwrap() = text.unwrap_or_default();
    }));
    let mut trainer = Trainer::new(Mse::new(), Adam::new(0.1)).silent();
    let (mut model, data) = (Linear::new(2, 1), (Tensor::zeros([8, 2]), Tensor::zeros(8)));
    let line = line!() + 1;
    let result = catch_unwind(AssertUnwindSafe(|| trainer.fit_all(&mut model, &data)));
    set_hook(hook);
    assert!(result.is_err());
    let at = AT.lock().unwrap().clone();
    assert!(at.ends_with(&format!("refused.rs:{line}")), "{at}");
}
