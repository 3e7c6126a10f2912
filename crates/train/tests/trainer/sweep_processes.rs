//! A sweep that processes share. Threads stand for processes, and channels for MPI.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use fanin_train::{Error, Result, Runs, Sweep, SweepResults, Transport, Trial};

type Letter = (usize, Vec<u8>);

struct Wire {
    rank: usize,
    to: Vec<Sender<Letter>>,
    inbox: Receiver<Letter>,
    patience: Option<Duration>,
    /// How often it sends before it dies.
    sends: Cell<usize>,
}

impl Transport for Wire {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn send(&self, to: usize, message: &[u8]) {
        assert!(self.sends.get() > 0, "process {} dies", self.rank);
        self.sends.set(self.sends.get() - 1);
        // The other one may be dead.
        let _ = self.to[to].send((self.rank, message.to_vec()));
    }

    fn receive(&self) -> Option<Letter> {
        self.inbox.try_recv().ok()
    }

    fn patience(&self) -> Option<Duration> {
        self.patience
    }
}

/// Runs `program` in this many processes. A process that dies gives `None`.
fn processes<R: Send>(
    size: usize,
    change: impl Fn(&mut Wire),
    program: impl Fn(&Wire) -> R + Sync,
) -> Vec<Option<R>> {
    let (to, inboxes): (Vec<_>, Vec<_>) = (0..size).map(|_| channel()).unzip();
    let wires = inboxes.into_iter().enumerate().map(|(rank, inbox)| {
        let mut wire =
            Wire { rank, to: to.clone(), inbox, patience: None, sends: Cell::new(usize::MAX) };
        change(&mut wire);
        wire
    });
    let (wires, program) = (wires.collect::<Vec<_>>(), &program);
    thread::scope(|scope| {
        let run = |wire: Wire| {
            scope.spawn(move || catch_unwind(AssertUnwindSafe(|| program(&wire))).ok())
        };
        let running: Vec<_> = wires.into_iter().map(run).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn sweep() -> Sweep {
    Sweep::new().seeds(0..12).rates([0.25, 0.5]).silent()
}

fn score(trial: &Trial) -> Result<f64> {
    Ok((trial.seed as f64).sqrt() * trial.rate())
}

fn without_seconds(mut results: SweepResults) -> SweepResults {
    results.runs.iter_mut().for_each(|run| run.seconds = 0.0);
    results
}

#[test]
fn all_processes_get_the_results_of_one() {
    let alone = without_seconds(sweep().run(score).unwrap());
    for (size, threads) in [(1, None), (2, None), (4, Some(3)), (9, None)] {
        let done = AtomicUsize::new(0);
        let results = processes(
            size,
            |_| {},
            |wire| {
                let sweep = threads.iter().fold(sweep(), |sweep, &threads| sweep.threads(threads));
                // Two of them, one after the other, do not disturb each other.
                let first = sweep.run_on(wire, |trial| {
                    done.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(trial.seed % 3));
                    score(trial)
                });
                let second = sweep.clone().seeds(0..3).run_on(wire, score).unwrap();
                assert_eq!(second.runs.len(), 6);
                without_seconds(first.unwrap())
            },
        );
        assert_eq!(results.len(), size);
        for result in results {
            assert_eq!(result.unwrap(), alone, "{size} processes");
        }
        assert_eq!(done.into_inner(), 24, "each run once");
    }
}

#[test]
fn all_processes_work() {
    let by = processes(
        3,
        |_| {},
        |wire| {
            let mine = AtomicUsize::new(0);
            let results = sweep().run_on(wire, |trial| {
                mine.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
                score(trial)
            });
            results.unwrap();
            mine.into_inner()
        },
    );
    assert!(by.iter().all(|runs| runs.unwrap() >= 4), "{by:?}");
    // The results of runs that are no trainings are process 0's alone.
    let lengths = processes(
        3,
        |_| {},
        |wire| {
            let runs = Runs::new("", ["a", "b", "c", "d"]).silent();
            runs.run_on(wire, |run| Ok::<_, Error>(run.to_string())).unwrap().len()
        },
    );
    assert_eq!(lengths, [Some(4), Some(0), Some(0)]);
}

#[test]
fn a_failure_ends_all_processes() {
    let errors = processes(
        3,
        |_| {},
        |wire| {
            let rank = wire.rank();
            let result = sweep().run_on(wire, move |trial| {
                thread::sleep(Duration::from_millis(5));
                match rank {
                    2 => Err(Error::Option { option: "this".into(), advice: "fails".into() }),
                    _ => score(trial),
                }
            });
            result.unwrap_err().to_string()
        },
    );
    assert_eq!(
        errors[2].as_deref(),
        Some("this: fails"),
        "where it happened, it is the error itself"
    );
    for error in &errors[..2] {
        let error = error.as_deref().unwrap();
        assert!(
            error.starts_with("process 2, run ") && error.ends_with("): this: fails"),
            "{error}"
        );
    }

    let ends = processes(
        2,
        |_| {},
        |wire| {
            let rank = wire.rank();
            let result = sweep().run_on(wire, move |trial| {
                thread::sleep(Duration::from_millis(5));
                assert!(rank != 1, "it is broken");
                score(trial)
            });
            result.unwrap_err().to_string()
        },
    );
    assert!(ends[1].is_none(), "the panic is that of the process");
    assert!(ends[0].as_deref().unwrap().ends_with("it panicked: it is broken"), "{ends:?}");
}

#[test]
fn processes_with_other_settings_are_told() {
    let errors = processes(
        3,
        |_| {},
        |wire| {
            let settings = if wire.rank() == 2 { "20 epochs" } else { "10 epochs" };
            sweep().settings(settings).run_on(wire, score).unwrap_err().to_string()
        },
    );
    let want = "process 2: it is of a sweep with `20 epochs`, and this one has `10 epochs`; give all \
                processes the same options";
    assert!(errors.iter().all(|error| error.as_deref() == Some(want)), "{errors:?}");

    let errors = processes(
        3,
        |_| {},
        |wire| sweep().journal("/nowhere/journal").run_on(wire, score).unwrap_err().to_string(),
    );
    let all = errors.iter().all(|error| error.as_deref().unwrap().contains("/nowhere/journal"));
    assert!(all, "{errors:?}");
}

#[test]
fn the_run_of_a_dead_process_is_given_to_another() {
    let alone = without_seconds(sweep().run(score).unwrap());
    let dies = |sends: usize| {
        move |wire: &mut Wire| {
            wire.patience = Some(Duration::from_millis(300));
            if wire.rank == 1 {
                wire.sends.set(sends);
            }
        }
    };
    // Before it said hello, with its first run, and with a later one.
    for sends in [0, 1, 3] {
        let done = AtomicUsize::new(0);
        let results = processes(3, dies(sends), |wire| {
            let results = sweep().run_on(wire, |trial| {
                done.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(10));
                score(trial)
            });
            without_seconds(results.unwrap())
        });
        assert_eq!(results[0], Some(alone.clone()), "it died after {sends} messages");
        assert_eq!(results[2], Some(alone.clone()), "it died after {sends} messages");
        assert!(results[1].is_none());
        let again = usize::from(sends > 0);
        assert_eq!(done.into_inner(), 24 + again, "it lost its run alone");
    }
}

#[test]
fn a_process_with_a_long_run_is_not_dead() {
    let done = AtomicUsize::new(0);
    let patient = |wire: &mut Wire| wire.patience = Some(Duration::from_millis(400));
    let results = processes(2, patient, |wire| {
        let sweep = sweep().seeds(0..2);
        let results = sweep.run_on(wire, |trial| {
            done.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(900));
            score(trial)
        });
        results.unwrap().runs.len()
    });
    assert_eq!(results, [Some(4), Some(4)]);
    assert_eq!(done.into_inner(), 4, "none was given to another");
}
