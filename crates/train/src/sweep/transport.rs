//! [`Transport`]: how the processes of a sweep talk to each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::journal::Finished;

/// Carries messages between the processes that share the runs of a sweep. fanin-mpi implements it with MPI.
///
/// Messages between two processes arrive in the order in which they were sent. All methods are called from
/// the thread that called [`Sweep::run_on`](crate::Sweep::run_on).
pub trait Transport {
    /// Which process this is, from 0. Process 0 hands out and collects.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn size(&self) -> usize;

    /// Sends a message to a process. It may wait until a long message is received.
    fn send(&self, to: usize, message: &[u8]);

    /// A message that has arrived, and who sent it. It does not wait for one.
    fn receive(&self) -> Option<(usize, Vec<u8>)>;

    /// How long a process may be silent before its runs are given to others. `None` if the others do not
    /// outlive a process, as under MPI by default: then the sweep goes on from its journal.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// A process is given up. All others are told before they get the results.
    fn lost(&self, process: usize) {
        let _ = process;
    }
}

/// One process, which does all runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Transport for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn send(&self, _: usize, _: &[u8]) {}

    fn receive(&self) -> Option<(usize, Vec<u8>)> {
        None
    }
}

/// What processes tell each other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// To process 0: here is a process with this many threads, which knows this sweep.
    Hello { threads: usize, settings: String, runs: usize },
    /// From process 0: a thread is to do a run.
    Do { thread: usize, run: usize },
    /// To process 0: a thread has done what it was given.
    Done { thread: usize, run: usize, seconds: f64, answer: Answer },
    /// To process 0: the process is alive.
    Alive,
    /// From process 0: all is over, with the processes that are lost, and the results if they are shared.
    End { lost: Vec<usize>, result: Result<Vec<Finished>, Failure> },
}

/// What came of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// Its result.
    Done(String),
    /// Ctrl-C ended it.
    Interrupted,
    /// It failed for this reason.
    Failed(String),
}

/// Why a sweep ended without results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The run that failed, unless it was something else.
    pub(super) run: Option<usize>,
    /// Which process it failed in.
    pub(super) process: usize,
    pub(super) text: String,
}

impl Message {
    pub(super) fn send(&self, transport: &dyn Transport, to: usize) {
        let bytes = serde_json::to_vec(self).expect("it has strings and finite numbers alone");
        transport.send(to, &bytes);
    }

    /// A message that has arrived. Bytes that are none come from a program that is not this one.
    pub(super) fn receive(transport: &dyn Transport) -> Option<(usize, Result<Self, Failure>)> {
        let (process, bytes) = transport.receive()?;
        let message = serde_json::from_slice(&bytes).map_err(|error| Failure {
            run: None,
            process,
            text: format!(
                "it sent what is no message of a sweep ({error}); start the same program in all processes"
            ),
        });
        Some((process, message))
    }
}
