//! [`Prefetch`]: the next batch is made while the last one is in use.

use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use fanin_tensor::Tensor;

use crate::Dataset;
use crate::pass::Pass;

type Batch = (Tensor, Vec<usize>);

/// [`Batches`](crate::Batches) that another thread makes, one batch ahead; see
/// [`Batches::prefetch`](crate::Batches::prefetch).
///
/// Dropped before its end, it stops the thread and waits for it: for one batch at most.
#[must_use = "a thread makes the batches: loop over them"]
pub struct Prefetch {
    /// `None` once the thread is to stop.
    ready: Option<Receiver<Batch>>,
    /// `None` once it has been joined.
    worker: Option<JoinHandle<()>>,
    left: usize,
}

impl Prefetch {
    #[track_caller]
    pub(crate) fn new(data: Dataset, mut pass: Pass) -> Self {
        let left = pass.left(&data);
        // Without places of its own the channel keeps the thread, asleep, at the batch it has made
        // until that is asked for.
        let (send, ready) = sync_channel(0);
        let work = move || {
            while let Some(batch) = pass.next(&data) {
                if send.send(batch).is_err() {
                    return; // dropped
                }
            }
        };
        match Builder::new().name("fanin-prefetch".into()).spawn(work) {
            Ok(worker) => Self { ready: Some(ready), worker: Some(worker), left },
            Err(error) => no_thread(&error),
        }
    }

    /// Waits for the thread, and gives what it panicked with.
    fn join(&mut self) -> Result<(), Box<dyn std::any::Any + Send>> {
        self.ready = None;
        self.worker.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Iterator for Prefetch {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.left == 0 {
            return None;
        }
        if let Some(Ok(batch)) = self.ready.as_ref().map(Receiver::recv) {
            self.left -= 1;
            return Some(batch);
        }
        // With batches left, only a panic ends the thread.
        self.left = 0;
        self.join().unwrap_or_else(|panic| resume_unwind(panic));
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Prefetch {}
impl FusedIterator for Prefetch {}

impl Drop for Prefetch {
    fn drop(&mut self) {
        // Had it panicked over a batch that nobody asked for, that would be no panic of the caller's.
        let _ = self.join();
    }
}

impl fmt::Debug for Prefetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prefetch").field("left", &self.left).finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn no_thread(error: &io::Error) -> ! {
    panic!("prefetch: no thread could be started: {error}")
}
