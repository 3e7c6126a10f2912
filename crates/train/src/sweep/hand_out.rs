//! [`HandOut`]: which worker does which run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Gives numbered runs to workers, one at a time, as they become free. It is the bookkeeping alone: threads,
/// messages and clocks are the caller's, so a sweep on one machine, one under MPI and a simulation share it.
///
/// Runs are given in the order of their numbers. The run of a worker that is lost goes to the next one that
/// is free. If the lost worker answers all the same, its result counts, unless another one was faster. So
/// every run counts exactly once.
///
/// # Example
/// ```
/// use fanin_train::HandOut;
///
/// let mut runs = HandOut::new(0..3);
/// assert_eq!((runs.free("ann"), runs.free("bob")), (Some(0), Some(1)));
/// runs.lost("ann");                                 // ann dies
/// assert!(runs.done("bob", 1));
/// assert_eq!(runs.free("bob"), Some(0));
/// assert!(runs.done("bob", 0));
/// assert_eq!(runs.free("bob"), Some(2));
/// assert!(!runs.is_over());
/// assert!(runs.done("bob", 2) && runs.is_over());
/// ```
#[derive(Clone, Debug)]
pub struct HandOut<W> {
    waiting: BTreeSet<usize>,
    given: BTreeMap<W, usize>,
    done: BTreeSet<usize>,
    stopped: bool,
}

impl<W: Copy + Debug + Ord> HandOut<W> {
    /// These runs wait.
    pub fn new(runs: impl IntoIterator<Item = usize>) -> Self {
        let waiting = runs.into_iter().collect();
        Self { waiting, given: BTreeMap::new(), done: BTreeSet::new(), stopped: false }
    }

    /// The next run, for a worker that has none. `None` if none waits; a run may wait again later, if a
    /// worker is lost.
    ///
    /// # Panics
    /// **Panics** if the worker has a run.
    #[track_caller]
    pub fn free(&mut self, worker: W) -> Option<usize> {
        if let Some(run) = self.given.get(&worker) {
            panic!("free: worker {worker:?} has run {run}; call done or lost first");
        }
        if self.stopped {
            return None;
        }
        let run = self.waiting.pop_first()?;
        self.given.insert(worker, run);
        Some(run)
    }

    /// A worker has done a run. Gives whether its result counts: `false` if another worker was given the
    /// run as well and was faster.
    pub fn done(&mut self, worker: W, run: usize) -> bool {
        if self.given.get(&worker) == Some(&run) {
            self.given.remove(&worker);
        }
        self.waiting.remove(&run);
        self.done.insert(run)
    }

    /// A worker is lost, or gives up its run. Gives the run that waits again.
    pub fn lost(&mut self, worker: W) -> Option<usize> {
        let run = self.given.remove(&worker)?;
        let elsewhere = self.given.values().any(|&given| given == run);
        if self.done.contains(&run) || elsewhere {
            return None;
        }
        self.waiting.insert(run);
        Some(run)
    }

    /// Nothing is given any more; what is given may still be done.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether no worker has a run, and none is to be given.
    pub fn is_over(&self) -> bool {
        self.given.is_empty() && (self.stopped || self.waiting.is_empty())
    }

    /// The workers that have a run.
    pub fn busy(&self) -> impl Iterator<Item = W> + '_ {
        self.given.keys().copied()
    }

    /// How many runs are done.
    pub fn count_done(&self) -> usize {
        self.done.len()
    }
}
