//! A model of one fold: prepare the table, train the network, score it.

use fanin::datasets::preprocess::{Impute, Scale, Unseen};
use fanin::datasets::split::Fold;
use fanin::metrics::{self, Average};
use fanin::prelude::*;

use crate::problem::{Kind, Problem};

/// The share of the training rows that is held out, to end training before it overfits.
const HELD_OUT: f64 = 0.1;

/// Names and values of scores on the rows to test on, and how many epochs the training had.
pub(crate) type Scored = fanin::Result<[(&'static str, f64); 4]>;

/// Trains on the rows of a fold, and scores on the others.
pub(crate) fn fold(problem: &Problem, fold: &Fold) -> Scored {
    let train = problem.frame.select(fold.train.iter().copied());
    let test = problem.frame.select(fold.test.iter().copied());
    // What is missing is filled in. A category that no training row has is none of the known ones. A column of
    // more than 100 categories is most likely a name of the row.
    let prepare = Preprocessor::new()
        .impute(Impute::Mean)
        .impute_categories(Impute::MostFrequent)
        .unseen(Unseen::Zeros)
        .max_categories(100);
    match problem.kind {
        Kind::Class => classify(&prepare.class(&*problem.target), &train, &test),
        Kind::Number => {
            let prepare = prepare.target(&*problem.target).scale_targets(Scale::Standardize);
            regress(&prepare, &train, &test)
        }
    }
}

fn classify(prepare: &Preprocessor, train: &Frame, test: &Frame) -> Scored {
    let pipeline = prepare.fit(train)?; // measures the training rows alone
    let mut model = network(pipeline.features(), pipeline.outputs());
    let table = pipeline.labelled(train)?;
    let history = trainer(CrossEntropy::new()).fit_split(&mut model, &table, HELD_OUT)?;

    let (x, labels) = pipeline.labelled(test)?.tensors();
    let logits = model.predict(&x);
    Ok([
        ("accuracy", metrics::accuracy(&logits, &labels)),
        ("macro F1", metrics::f1(&logits, &labels, Average::Macro)),
        ("log loss", metrics::log_loss(&logits, &labels)),
        ("epochs", history.epochs.len() as f64),
    ])
}

fn regress(prepare: &Preprocessor, train: &Frame, test: &Frame) -> Scored {
    let pipeline = prepare.fit(train)?;
    let mut model = network(pipeline.features(), pipeline.outputs());
    let table = pipeline.table(train)?;
    let history = trainer(Mse::new()).fit_split(&mut model, &table, HELD_OUT)?;

    let (x, targets) = pipeline.table(test)?.tensors();
    // Back from mean 0 and standard deviation 1 to the unit of the column.
    let [y, targets] = [model.predict(&x), targets].map(|y| pipeline.undo_targets(&y));
    Ok([
        ("R2", metrics::r2(&y, &targets)),
        ("RMSE", metrics::root_mean_squared_error(&y, &targets)),
        ("MAE", metrics::mean_absolute_error(&y, &targets)),
        ("epochs", history.epochs.len() as f64),
    ])
}

fn network(inputs: usize, outputs: usize) -> Sequential {
    Sequential::new()
        .add(Linear::new(inputs, 64))
        .add(Relu)
        .add(Linear::new(64, 32))
        .add(Relu)
        .add(Linear::new(32, outputs))
}

/// Ends after 20 epochs without a better loss on the rows held out, and restores the best weights.
fn trainer<'c, L, Y: ?Sized>(loss: L) -> Trainer<'c, L, Adam, Y> {
    Trainer::new(loss, Adam::new(1e-3))
        .epochs(500)
        .batch(32)
        .early_stopping(EarlyStopping::patience(20))
}
