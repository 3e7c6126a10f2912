//! Many trainings side by side are those one by one.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Mutex;
use std::thread;

use fanin_nn::init::{KaimingNormal, Scheme, XavierUniform, manual_seed};
use fanin_nn::layers::{Dropout, Relu};
use fanin_nn::losses::CrossEntropy;
use fanin_nn::tensor::parallel::num_threads;
use fanin_nn::{Adam, Linear, Sequential};
use fanin_train::metrics::Accuracy;
use fanin_train::{History, Interval, Result, Scores, Sweep, Trainer, Trial};

use crate::classes;

fn train(scheme: Scheme, rate: f64) -> Result<History> {
    let mut model = Sequential::new()
        .add(Linear::builder(4, 32).weight(scheme).build())
        .add(Relu)
        .add(Dropout::new(0.1))
        .add(Linear::new(32, 3));
    let data = classes(60);
    let mut trainer = Trainer::new(CrossEntropy::new(), Adam::new(rate)).epochs(3);
    trainer = trainer.metric(Accuracy::new());
    let mut history = trainer.silent().fit(&mut model, &data, &data)?;
    history.epochs.iter_mut().for_each(|epoch| epoch.seconds = 0.0);
    Ok(history)
}

fn sweep() -> Sweep {
    let schemes = [Scheme::from(KaimingNormal::default()), XavierUniform::default().into()];
    Sweep::new().seeds([1, 2, 3]).rates([0.001, 0.05]).schemes(schemes).silent()
}

#[test]
fn the_numbers_are_those_of_one_after_the_other() {
    let mut by_hand = vec![];
    for trial in sweep().trials() {
        manual_seed(trial.seed);
        by_hand.push(Scores::from(train(trial.scheme(), trial.rate()).unwrap()));
    }
    for threads in [1, 3, 16] {
        let seen = Mutex::new(BTreeSet::new());
        let results = sweep().threads(threads).run(|trial| {
            assert_eq!(num_threads(), 1, "kernels stay on their core");
            seen.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            train(trial.scheme(), trial.rate())
        });
        let results = results.unwrap();
        assert!(!results.interrupted && results.runs.len() == 12);
        let scores: Vec<_> = results.runs.iter().map(|run| run.scores.clone()).collect();
        assert_eq!(scores, by_hand, "{threads} threads");
        assert_eq!(
            results.runs.iter().map(|run| run.trial.clone()).collect::<Vec<_>>(),
            sweep().trials()
        );
        assert!(seen.into_inner().unwrap().len() <= threads);
    }
}

#[test]
fn the_table_has_means_and_intervals_over_the_seeds() {
    let score = |trial: &Trial| trial.seed as f64 + if trial.variant() == "b" { 10.0 } else { 0.0 };
    let sweep = Sweep::new().seeds(1..=5).variants(["a", "b"]).threads(2).silent();
    let results = sweep.run(|trial| -> Result<_> { Ok([("score", score(trial)), ("one", 1.0)]) });
    let results = results.unwrap();
    let rows = results.rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].score("score"), Some(Interval::of([1.0, 2.0, 3.0, 4.0, 5.0])));
    assert_eq!(results.best("score").unwrap().trial.variant(), "b");
    assert_eq!(results.lowest("score").unwrap().trial.variant(), "a");
    assert!(results.best("nothing").is_none());
    let table = results.to_string();
    assert_eq!(
        table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["trial", "runs", "score", "one"]
    );
    assert!(table.contains("3.0000 ± 1.9632") && table.contains("13.00 ± 1.9632"), "{table}");
    let csv = results.to_csv();
    assert_eq!(csv.lines().count(), 11);
    assert!(csv.starts_with("trial,seed,\"score\",\"one\",seconds\n\"a\",1,1,1,"), "{csv}");
}

#[test]
fn an_error_ends_the_sweep() {
    let fails = |trial: &Trial| match trial.seed {
        2 => Err(Box::<dyn Error + Send + Sync>::from(format!("seed {}", trial.seed))),
        _ => Ok(1.0),
    };
    let result = Sweep::new().seeds(0..40).threads(2).silent().run(fails);
    assert_eq!(result.unwrap_err().to_string(), "seed 2");
}

#[test]
#[should_panic(expected = "seed 3 panics")]
fn a_panic_reaches_the_caller() {
    let _ = Sweep::new().seeds(0..40).threads(2).silent().run(|trial| -> Result<f64> {
        assert!(trial.seed != 3, "seed 3 panics");
        Ok(1.0)
    });
}

#[test]
#[should_panic(expected = "rate: the sweep has none; give it some with .rates(…)")]
fn a_rate_that_was_not_given() {
    let _ = Sweep::new().silent().run(|trial| -> Result<f64> { Ok(trial.rate()) });
}

#[test]
fn no_seeds_are_no_trainings() {
    let none: [u64; 0] = [];
    let results = Sweep::new().seeds(none).silent().run(|_| -> Result<f64> { Ok(1.0) }).unwrap();
    assert!(results.runs.is_empty() && results.to_csv().is_empty());
    assert_eq!(results.to_string(), "no training was done\n");
}
