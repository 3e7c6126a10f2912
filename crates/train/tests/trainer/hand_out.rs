//! Every run is done once, whoever is lost in between.

use std::collections::{BTreeMap, BTreeSet};

use fanin_nn::init::TorchRng;
use fanin_nn::init::rand::Rng;
use fanin_train::HandOut;

/// Workers that take runs, finish them, die and come back in a random order.
fn play(seed: u64) {
    let mut rng = TorchRng::seed(seed);
    let (runs, workers) = (rng.random_range(0..40), rng.random_range(1..9));
    let (death, revival) = (rng.random_range(0.0..0.4), rng.random_range(0.0..1.0));
    let mut hand_out = HandOut::new(0..runs);
    // What each worker computes. Process 0 believes those in `thought_dead` to be gone.
    let mut computes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut thought_dead: BTreeSet<usize> = BTreeSet::new();
    let mut counted = vec![0; runs];
    let mut results = 0;
    for moment in 0.. {
        assert!(moment < 200_000, "seed {seed}: it does not end");
        if hand_out.is_over() {
            break;
        }
        let worker = rng.random_range(0..workers);
        match computes.get(&worker).copied() {
            None if thought_dead.contains(&worker) => {
                // Another process with this number takes its place.
                thought_dead.remove(&worker);
            }
            None => {
                if let Some(run) = hand_out.free(worker) {
                    assert_eq!(counted[run], 0, "seed {seed}: run {run} is done already");
                    computes.insert(worker, run);
                }
            }
            Some(run) if rng.random_bool(death) && !thought_dead.contains(&worker) => {
                hand_out.lost(worker);
                thought_dead.insert(worker);
                // It may only have been silent, and answers later.
                if !rng.random_bool(revival) {
                    computes.remove(&worker);
                }
                assert!(hand_out.busy().all(|busy| busy != worker), "run {run}");
            }
            Some(run) => {
                computes.remove(&worker);
                thought_dead.remove(&worker);
                results += 1;
                counted[run] += usize::from(hand_out.done(worker, run));
            }
        }
    }
    assert_eq!(counted, vec![1; runs], "seed {seed}");
    assert!(hand_out.count_done() == runs && results >= runs);
}

#[test]
fn every_run_counts_once_whoever_is_lost() {
    (0..2_000).for_each(play);
}

#[test]
fn runs_are_given_in_order_and_lost_ones_first() {
    let mut runs = HandOut::new([0, 1, 2, 5]);
    assert_eq!(["a", "b", "c"].map(|worker| runs.free(worker)), [Some(0), Some(1), Some(2)]);
    assert_eq!((runs.lost("b"), runs.lost("b"), runs.lost("z")), (Some(1), None, None));
    assert!(runs.done("a", 0));
    assert_eq!((runs.free("a"), runs.free("d"), runs.free("e")), (Some(1), Some(5), None));
    // The one that was lost answers after all, and the second result does not count.
    assert!(runs.done("b", 1) && !runs.done("a", 1));
    assert_eq!(runs.busy().collect::<Vec<_>>(), ["c", "d"]);
    runs.stop();
    runs.lost("c");
    assert!(runs.free("a").is_none() && !runs.is_over());
    assert!(runs.done("d", 5) && runs.is_over() && runs.count_done() == 3);
}

#[test]
#[should_panic(expected = "free: worker 7 has run 0; call done or lost first")]
fn a_worker_has_one_run() {
    let mut runs = HandOut::new(0..2);
    runs.free(7);
    runs.free(7);
}

#[path = "../../examples/hand_out.rs"]
#[allow(dead_code)]
mod simulation;

/// The simulation of the example, in small: processes die, and nothing is lost.
#[test]
fn a_cluster_whose_processes_die_does_every_run_once() {
    use simulation::{Death, lengths, parts, simulate};

    let lengths = lengths(2_000, 1.0, &mut TorchRng::seed(3));
    let sum: f64 = lengths.iter().sum();
    let longest = lengths.iter().copied().fold(0.0, f64::max);
    let mut deaths = 0;
    for processes in [1, 7, 50] {
        let calm = simulate(&lengths, processes, (Death::Never, 1.0), 5);
        // List scheduling: at most the mean and one run (Graham 1966).
        let most = sum / processes as f64 + longest + 30.0;
        assert!(calm.time <= most, "{processes} processes: {calm:?}, at most {most}");
        assert!((0.0..0.5).contains(&calm.idle) && calm.lost == 0.0, "{processes}: {calm:?}");
        assert!(processes == 1 || calm.time < parts(&lengths, processes).time);
        for (death, seed) in [Death::Alone, Death::All].into_iter().flat_map(|d| [(d, 5), (d, 6)]) {
            let outcome = simulate(&lengths, processes, (death, 5.0 * 3600.0), seed);
            assert_eq!(outcome.counted, 2_000, "{processes} processes, {death:?}: {outcome:?}");
            assert_eq!(
                outcome,
                simulate(&lengths, processes, (death, 5.0 * 3600.0), seed),
                "the same again"
            );
            assert!(
                outcome.lost < 0.6 && (outcome.deaths > 0 || outcome.lost == 0.0),
                "{outcome:?}"
            );
            deaths += outcome.deaths;
        }
    }
    assert!(deaths > 20, "{deaths} processes died");
}
