//! Weighted batches and random parts are torch's, by golden/tabular.txt.

use fanin_datasets::split::RandomSplit;
use fanin_datasets::{Data, balanced_weights};
use fanin_init::{TorchRng, manual_seed};

use crate::common::panic_of;

const GOLDEN: &str = include_str!("../../golden/tabular.txt");

fn lines(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = GOLDEN.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.filter(move |words| words.first() == Some(&kind))
}

fn parsed<T: std::str::FromStr>(words: &[&str]) -> Vec<T> {
    words.iter().map(|word| word.parse().ok().expect("a number")).collect()
}

fn weights(name: &str) -> Vec<f64> {
    let line = lines("weights").find(|line| line[1] == name).unwrap();
    parsed(&line[2..])
}

fn indices(n: usize) -> Vec<usize> {
    (0..n).collect()
}

#[test]
fn weighted_batches_come_in_the_order_of_torchs_sampler() {
    let mut seen = 0;
    for line in lines("weighted") {
        let (weights, want) = (weights(line[1]), parsed::<usize>(&line[4..]));
        let [seed, draws] = [2, 3].map(|i| line[i].parse::<usize>().unwrap());
        let data = indices(weights.len());
        let mut rng = TorchRng::seed(seed as u64);
        let batches = data.batches(7).weighted_with(&weights, draws, &mut rng);
        assert_eq!(batches.len(), draws.div_ceil(7));
        assert_eq!(batches.flatten().collect::<Vec<_>>(), want, "{line:?}");
        seen += 1;
    }
    for line in lines("loader") {
        let (weights, want) = (weights(line[1]), parsed::<usize>(&line[3..]));
        let data = indices(weights.len());
        manual_seed(line[2].parse().unwrap());
        let drawn: Vec<usize> = data.batches(3).weighted(&weights).flatten().collect();
        assert_eq!(drawn, want, "{line:?}");
        seen += 1;
    }
    assert_eq!(seen, 12);
}

#[test]
fn parts_by_fractions_are_those_of_torchs_random_split() {
    fn compare<const N: usize>(n: usize, fractions: &[f64], parts: &[Vec<usize>]) {
        let split = RandomSplit::<N>::fractions(fractions.try_into().unwrap()).seed(3);
        assert_eq!(&split.indices(n).unwrap()[..], parts);
    }
    let mut seen = 0;
    for line in GOLDEN.lines().filter_map(|line| line.strip_prefix("split ")) {
        let (sizes, parts) = line.split_once(" = ").unwrap();
        let (n, fractions) = sizes.split_once(' ').unwrap();
        let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
        let fractions: Vec<f64> = parsed(&words(fractions));
        let parts: Vec<Vec<usize>> = parts.split('/').map(|part| parsed(&words(part))).collect();
        match fractions.len() {
            2 => compare::<2>(n.parse().unwrap(), &fractions, &parts),
            _ => compare::<3>(n.parse().unwrap(), &fractions, &parts),
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn classes_are_drawn_equally_often_and_weights_of_zero_never() {
    let labels: Vec<usize> = (0..3_000).map(|i| if i % 30 == 0 { 0 } else { 1 + i % 2 }).collect();
    let weights = balanced_weights(&labels);
    let mut rng = TorchRng::seed(5);
    let mut counts = [0.0f64; 3];
    let batches = labels.batches(100).weighted_with(&weights, 30_000, &mut rng);
    batches.flatten().for_each(|label| counts[label] += 1.0);
    // The standard deviation of each count is √(30,000 · 1/3 · 2/3) = 82.
    assert!(counts.iter().all(|count| (count - 10_000.0).abs() < 400.0), "{counts:?}");

    let drawn = indices(4)
        .batches(50)
        .weighted_with(&[0.0, 1.0, 0.0, 0.0], 500, &mut rng)
        .flatten()
        .collect::<Vec<_>>();
    assert_eq!(drawn, vec![1; 500]);
}

#[test]
fn a_weighted_pass_goes_with_the_other_options() {
    let (data, weights) = (indices(10), [1.0; 10]);
    let pass = || data.batches(4).weighted_with(&weights, 10, &mut TorchRng::seed(1));
    assert_eq!(pass().drop_last().map(|batch| batch.len()).collect::<Vec<_>>(), [4, 4]);
    assert!(pass().prefetch().eq(pass()));
    // A later shuffle takes every sample once again.
    let batches = data
        .batches(4)
        .weighted_with(&weights, 99, &mut TorchRng::seed(1))
        .shuffle_with(&mut TorchRng::seed(2));
    let mut all: Vec<usize> = batches.flatten().collect();
    all.sort_unstable();
    assert_eq!(all, data);
}

#[test]
fn weights_that_are_none_panic_at_the_callers_line() {
    let check = |(message, file, line): (String, String, u32), expected: u32, text: &str| {
        assert_eq!((file.as_str(), line), (file!(), expected), "{message}");
        assert!(message.contains(text), "{message}");
    };
    let data = indices(2);
    check(panic_of(|| data.batches(1).weighted(&[1.0])), line!(), "1 weights for 2 samples");
    check(panic_of(|| data.batches(1).weighted(&[1.0, -1.0])), line!(), "weight 1 is -1");
    check(panic_of(|| data.batches(1).weighted(&[f64::NAN, 1.0])), line!(), "weight 0 is NaN");
    check(panic_of(|| data.batches(1).weighted(&[0.0, 0.0])), line!(), "the sum 0");
    let mut rng = TorchRng::seed(1);
    check(panic_of(|| data.batches(1).weighted_with(&[], 3, &mut rng)), line!(), "0 weights");
}
