//! Cross-validation on all cores: each trains the model of one fold.

use std::io;

use fanin::datasets::split::{Fold, KFold};
use fanin::prelude::*;
use fanin::train::SweepResults;

use crate::learn;
use crate::problem::{Kind, Problem};

/// Scores of all folds. The seed draws what goes to which fold.
pub(crate) fn run(problem: &Problem, count: usize, seed: u64) -> fanin::Result<SweepResults> {
    run_folds(problem, &folds(problem, count, seed)?)
}

/// Folds with the same share of each class, or of any rows if the target is a number.
pub(crate) fn folds(problem: &Problem, count: usize, seed: u64) -> fanin::Result<Vec<Fold>> {
    let (folds, rows) = (KFold::new(count).shuffle(seed), problem.frame.len());
    if problem.kind == Kind::Number && rows < 2 * count {
        let advice = format!("R2 is of two rows or more, so {count} folds need {}", 2 * count);
        return Err(
            io::Error::other(format!("there are {rows} rows; {advice}; take fewer folds")).into()
        );
    }
    Ok(match problem.kind {
        Kind::Class => folds.stratified(&problem.frame.labels(&*problem.target)?)?,
        Kind::Number => folds.indices(rows)?,
    })
}

/// Scores of these folds, in their order. Fold `i` is trained with the seed `i`.
pub(crate) fn run_folds(problem: &Problem, folds: &[Fold]) -> fanin::Result<SweepResults> {
    Sweep::new()
        .seeds(0..folds.len() as u64)
        .silent()
        .run(|trial| learn::fold(problem, &folds[trial.seed as usize]))
}
