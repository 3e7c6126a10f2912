//! How well a sweep of 10,000 runs keeps a cluster busy: a simulation of the hand-out, by the very code that
//! hands out. `cargo run --release -p fanin-train --example hand_out`
//!
//! The lengths of runs are log-normal with a median of a minute. A process lives 100 hours on average, which
//! is short: then it dies, in the middle of a run. Either the others live on and one of them gets the run once
//! the dead one has been silent for 30 seconds, or all of them end with it, as under MPI by default, and start
//! again from the journal a minute later. The same seed gives the same table.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::f64::consts::TAU;

use fanin_init::TorchRng;
use fanin_init::rand::Rng;
use fanin_train::{HandOut, SweepPart};

/// What process 0 takes to hand out a run, in seconds: at most what `mpirun -n 12 sweep empty` prints in an
/// unoptimized build on a busy machine (crates/mpi/examples/sweep.rs).
const MESSAGE: f64 = 150e-6;
/// How often a process looks for messages.
const PAUSE: f64 = 1e-3;
/// How long a process may be silent.
const PATIENCE: f64 = 30.0;
/// How long it takes to start all processes again.
const RESTART: f64 = 60.0;
/// The mean life of a process.
pub(crate) const LIFE: f64 = 100.0 * 3600.0;

/// What a death does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Death {
    /// There is none.
    Never,
    /// The process is gone, and its run is given to another.
    Alone,
    /// All processes end, and start again from the journal.
    All,
}

/// What a sweep took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Until the last run is done, in seconds.
    pub(crate) time: f64,
    pub(crate) deaths: usize,
    /// The share of the processes' time in which they had no run.
    pub(crate) idle: f64,
    /// The share that went into runs that died.
    pub(crate) lost: f64,
    /// How often each run counted.
    pub(crate) counted: usize,
}

/// Log-normal lengths in seconds, by the Box-Muller transform.
pub(crate) fn lengths(runs: usize, spread: f64, rng: &mut TorchRng) -> Vec<f64> {
    let mut normal = || {
        let (u, v): (f64, f64) = (rng.random(), rng.random());
        (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * v).cos()
    };
    (0..runs).map(|_| 60.0 * (spread * normal()).exp()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Done { worker: usize, run: usize },
    Dies { worker: usize },
    Noticed { worker: usize },
}

/// A time that can be ordered, in nanoseconds.
fn at(time: f64) -> Reverse<u64> {
    Reverse((time * 1e9) as u64)
}

/// The processes of one start, and what they do.
struct Cluster<'a> {
    lengths: &'a [f64],
    hand_out: HandOut<usize>,
    events: BinaryHeap<(Reverse<u64>, Reverse<usize>, Event)>,
    count: usize,
    /// When each run began that is computed, by worker.
    computes: BTreeMap<usize, f64>,
    /// Who asked and got nothing.
    idle: BTreeSet<usize>,
    /// When process 0 has handled all messages.
    handled: f64,
}

impl Cluster<'_> {
    fn push(&mut self, time: f64, event: Event) {
        self.count += 1;
        self.events.push((at(time), Reverse(self.count), event));
    }

    /// A worker asks for a run, which takes two messages.
    fn ask(&mut self, worker: usize, time: f64, rng: &mut TorchRng) {
        let heard = self.handled.max(time + PAUSE * rng.random::<f64>()) + MESSAGE;
        self.handled = heard;
        let Some(run) = self.hand_out.free(worker) else {
            self.idle.insert(worker);
            return;
        };
        let begins = heard + PAUSE * rng.random::<f64>();
        self.computes.insert(worker, begins);
        self.push(begins + self.lengths[run], Event::Done { worker, run });
    }
}

/// Hands these runs out to this many processes, which live this long on average.
pub(crate) fn simulate(
    lengths: &[f64],
    processes: usize,
    (death, mean): (Death, f64),
    seed: u64,
) -> Outcome {
    let mut rng = TorchRng::seed(seed);
    let life = |rng: &mut TorchRng| -mean * (1.0 - rng.random::<f64>()).ln();
    let mut counted = vec![0; lengths.len()];
    let (mut start, mut alive, mut lost, mut deaths) = (0.0, 0.0, 0.0, 0);
    loop {
        let left = (0..lengths.len()).filter(|&run| counted[run] == 0);
        let mut cluster = Cluster {
            lengths,
            hand_out: HandOut::new(left),
            events: BinaryHeap::new(),
            count: 0,
            computes: BTreeMap::new(),
            idle: BTreeSet::new(),
            handled: start,
        };
        let mut dead: BTreeMap<usize, f64> = BTreeMap::new();
        for worker in 0..processes {
            cluster.ask(worker, start, &mut rng);
            if death != Death::Never && worker > 0 {
                let dies = start + life(&mut rng);
                cluster.push(dies, Event::Dies { worker });
            }
        }
        let mut end = start;
        let mut all_end = false;
        while !cluster.hand_out.is_over() {
            let (Reverse(time), _, event) = cluster.events.pop().expect("somebody computes");
            let time = time as f64 / 1e9;
            match event {
                // The dead do not answer.
                Event::Done { worker, .. } if dead.contains_key(&worker) => {}
                Event::Done { worker, run } => {
                    cluster.computes.remove(&worker);
                    counted[run] += usize::from(cluster.hand_out.done(worker, run));
                    end = time;
                    cluster.ask(worker, time, &mut rng);
                }
                Event::Dies { worker } => {
                    deaths += 1;
                    if death == Death::All {
                        lost += cluster
                            .computes
                            .values()
                            .map(|begun| (time - begun).max(0.0))
                            .sum::<f64>();
                        alive += processes as f64 * (time + RESTART - start);
                        start = time + RESTART;
                        all_end = true;
                        break;
                    }
                    dead.insert(worker, time);
                    cluster.idle.remove(&worker);
                    let begun = cluster.computes.remove(&worker);
                    lost += begun.map_or(0.0, |begun| (time - begun).max(0.0));
                    cluster.push(time + PATIENCE, Event::Noticed { worker });
                }
                Event::Noticed { worker } => {
                    cluster.hand_out.lost(worker);
                    if let Some(next) = cluster.idle.pop_first() {
                        cluster.ask(next, time, &mut rng);
                    }
                }
            }
        }
        if all_end {
            continue;
        }
        alive += processes as f64 * (end - start);
        alive -= dead.values().map(|died| (end - died).max(0.0)).sum::<f64>();
        let useful: f64 = lengths.iter().sum();
        let idle = (alive - useful - lost) / alive;
        let counted = counted.iter().filter(|&&count| count == 1).count();
        return Outcome { time: end, deaths, idle, lost: lost / alive, counted };
    }
}

/// The same runs in parts of equal number, one for each process.
pub(crate) fn parts(lengths: &[f64], processes: usize) -> Outcome {
    let share = |number| -> f64 {
        let part = SweepPart::new(number, processes);
        lengths.iter().enumerate().filter(|(run, _)| part.holds(*run)).map(|(_, time)| time).sum()
    };
    let shares: Vec<f64> = (1..=processes).map(share).collect();
    let time = shares.iter().copied().fold(0.0, f64::max);
    let idle = 1.0 - shares.iter().sum::<f64>() / (time * processes as f64);
    Outcome { time, deaths: 0, idle, lost: 0.0, counted: lengths.len() }
}

fn main() {
    const RUNS: usize = 10_000;
    println!(
        "| spread | processes | at best | `--part` | idle | handed out | idle | deaths | a death costs its run \
         | idle | lost | deaths | a death ends all | idle | lost |"
    );
    println!("|{}", "---|".repeat(15));
    for spread in [0.5, 1.0] {
        let lengths = lengths(RUNS, spread, &mut TorchRng::seed(1));
        let (sum, longest) =
            (lengths.iter().sum::<f64>(), lengths.iter().copied().fold(0.0, f64::max));
        for processes in [10, 100, 300, 1_000] {
            let hours = |time: f64| format!("{:.2} h", time / 3600.0);
            let percent = |share: f64| format!("{:.1} %", 100.0 * share);
            let best = (sum / processes as f64).max(longest);
            let fixed = parts(&lengths, processes);
            let [never, alone, all] = [Death::Never, Death::Alone, Death::All]
                .map(|death| simulate(&lengths, processes, (death, LIFE), 7));
            for outcome in [never, alone, all] {
                assert_eq!(outcome.counted, RUNS, "every run counts once");
            }
            let mut cells = vec![spread.to_string(), processes.to_string(), hours(best)];
            cells.extend([hours(fixed.time), percent(fixed.idle)]);
            cells.extend([hours(never.time), percent(never.idle)]);
            for one in [alone, all] {
                cells.push(one.deaths.to_string());
                cells.extend([hours(one.time), percent(one.idle), percent(one.lost)]);
            }
            println!("| {} |", cells.join(" | "));
        }
    }
}
