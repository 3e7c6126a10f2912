//! [`Prefetch`]: the next batch is made while the last one is in use.

use std::any::Any;
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use fanin_tensor::Tensor;

/// [`Batches`](crate::Batches) that another thread makes, one batch ahead; see
/// [`Batches::prefetch`](crate::Batches::prefetch).
///
/// When it is dropped before its end, it stops the thread and waits for it: for one batch at most.
#[must_use = "a thread makes the batches: loop over them"]
pub struct Prefetch<B = (Tensor, Vec<usize>)> {
    worker: Worker,
    left: usize,
    batches: PhantomData<fn() -> B>,
}

/// A batch of any type. One type of channel serves all data, so that a user's crate compiles none.
type AnyBatch = Box<dyn Any + Send>;

/// The thread that makes the batches.
struct Worker {
    /// `None` once the thread is to stop.
    ready: Option<Receiver<AnyBatch>>,
    /// `None` once it has been joined.
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    #[track_caller]
    fn start(mut make: Box<dyn FnMut() -> Option<AnyBatch> + Send>) -> Self {
        // A channel without a buffer: the thread sleeps at the batch it has made until that is
        // asked for.
        let (send, ready) = sync_channel(0);
        let work = move || {
            while let Some(batch) = make() {
                if send.send(batch).is_err() {
                    return; // dropped
                }
            }
        };
        match Builder::new().name("fanin-prefetch".into()).spawn(work) {
            Ok(thread) => Self { ready: Some(ready), thread: Some(thread) },
            Err(error) => no_thread(&error),
        }
    }

    /// The next batch. `None` if the thread has ended.
    fn next(&self) -> Option<AnyBatch> {
        self.ready.as_ref()?.recv().ok()
    }

    /// Waits for the thread, and gives what it panicked with.
    fn join(&mut self) -> Result<(), Box<dyn Any + Send>> {
        self.ready = None;
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Ignore a panic: it was in a batch that nobody asked for.
        let _ = self.join();
    }
}

impl<B: Send + 'static> Prefetch<B> {
    /// Starts a thread for `left` batches that `make` makes.
    #[track_caller]
    pub(crate) fn new(left: usize, mut make: impl FnMut() -> Option<B> + Send + 'static) -> Self {
        let make = Box::new(move || make().map(|batch| Box::new(batch) as AnyBatch));
        Self { worker: Worker::start(make), left, batches: PhantomData }
    }
}

impl<B: 'static> Iterator for Prefetch<B> {
    type Item = B;

    fn next(&mut self) -> Option<B> {
        if self.left == 0 {
            return None;
        }
        if let Some(batch) = self.worker.next() {
            self.left -= 1;
            return batch.downcast().ok().map(|batch| *batch);
        }
        // With batches left, only a panic ends the thread.
        self.left = 0;
        self.worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<B: 'static> ExactSizeIterator for Prefetch<B> {}
impl<B: 'static> FusedIterator for Prefetch<B> {}

impl<B> fmt::Debug for Prefetch<B> {
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
