//! The pool: workers, regions, and how a worker waits for the next one.
//!
//! `crates/tensor/loom` checks this file with loom; see [`sync`](super::sync).

use std::any::Any;
use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use super::MAX_THREADS;
use super::sync::{
    AtomicPtr, AtomicU64, AtomicUsize, Builder, Instant, JoinHandle, Mutex, MutexGuard, Ordering,
    SPINS, array, constant, park, spin_loop, yield_now,
};

/// How long a thread spins whose last calls all came too late for it.
const FEWEST_SPINS: u32 = SPINS / 80;

/// The time of a pause. It differs between CPUs: 15 to 45 ns.
const NANOS_PER_SPIN: u128 = 30;

/// How long the caller waits for a worker that is awake before it takes the worker's piece. The data of that
/// piece are in the worker's cache.
const PATIENCE: u32 = SPINS / 500;

/// After the system has refused a thread, how many regions pass before it is asked again.
const REGIONS_BETWEEN_REQUESTS: usize = 10_000;

/// A closure as two thin pointers, which fit into atomics.
#[derive(Clone, Copy)]
struct Pieces {
    closure: *const (),
    call: unsafe fn(*const (), usize),
}

impl Pieces {
    fn new<F: Fn(usize) + Sync>(f: &F) -> Self {
        unsafe fn call<F: Fn(usize)>(closure: *const (), i: usize) {
            // SAFETY: the caller's promise: it is the closure of `new`, and still borrowed.
            unsafe { (*closure.cast::<F>())(i) }
        }
        Self { closure: ptr::from_ref(f).cast(), call: call::<F> }
    }
}

/// The region that runs, in one word: its generation and the number of its pieces. Or the workers that
/// may stay, when the others are to end.
#[derive(Clone, Copy)]
struct Call(u64);

impl Call {
    /// Added to the number of workers that may stay. No region has as many pieces.
    const STAY: usize = 0x8000;

    /// Generations count regions and never repeat: at one a microsecond, 48 bits last nine years.
    fn next(self, pieces: usize) -> Self {
        Self((self.generation() + 1) << 16 | pieces as u64)
    }
    fn generation(self) -> u64 {
        self.0 >> 16
    }
    fn pieces(self) -> usize {
        (self.0 & 0xffff) as usize
    }
    /// How many workers may stay, if the others are to end.
    fn stay(self) -> Option<usize> {
        self.pieces().checked_sub(Self::STAY)
    }
}

/// Padded to two cache lines to prevent false sharing.
#[repr(align(128))]
struct Padded<T>(T);

/// What a worker reads when a region begins. It is in one cache line, because each line that comes from
/// another core takes some 50 to 150 ns.
struct Region {
    /// The last region, a [`Call`].
    call: AtomicU64,
    /// The region's closure, [`Pieces`]. Valid while any claimed piece has not ended.
    closure: AtomicPtr<()>,
    function: AtomicPtr<()>,
}

pub(super) struct Pool {
    /// The workers: worker `i` is `workers[i − 1]`. The thread whose region runs holds the lock.
    workers: Mutex<Vec<JoinHandle<()>>>,
    /// For how many regions the system is not asked for another thread.
    until_request: AtomicUsize,
    #[cfg(test)]
    refusals: AtomicUsize,
    region: Padded<Region>,
    /// For each piece, the last generation in which a thread claimed it.
    claims: [Padded<AtomicU64>; MAX_THREADS],
    /// How many pieces of all regions have ended, modulo 2⁶⁴.
    ended: Padded<AtomicU64>,
    /// Which workers sleep: worker `i` is bit `i % 64` of word `i / 64`.
    sleepers: Padded<[AtomicU64; MAX_THREADS.div_ceil(64)]>,
    /// The first panic of the region.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Pool {
    constant! {
        pub(super) fn new() -> Self {
            Self {
                workers: Mutex::new(Vec::new()),
                until_request: AtomicUsize::new(0),
                #[cfg(test)]
                refusals: AtomicUsize::new(0),
                region: Padded(Region {
                    call: AtomicU64::new(0),
                    closure: AtomicPtr::new(ptr::null_mut()),
                    function: AtomicPtr::new(ptr::null_mut()),
                }),
                claims: array![Padded(AtomicU64::new(0)); MAX_THREADS],
                ended: Padded(AtomicU64::new(0)),
                sleepers: Padded(array![AtomicU64::new(0); MAX_THREADS.div_ceil(64)]),
                panic: Mutex::new(None),
            }
        }
    }

    /// Runs the pieces on up to `threads` threads and returns true. Returns false and runs none if the
    /// pool is in use.
    #[inline]
    pub(super) fn run<F: Fn(usize) + Sync>(&'static self, n: usize, threads: usize, f: &F) -> bool {
        self.run_pieces(n, threads, Pieces::new(f))
    }

    fn run_pieces(&'static self, n: usize, threads: usize, pieces: Pieces) -> bool {
        let Ok(mut workers) = self.workers.try_lock() else { return false };
        self.end_beyond(&mut workers, threads);
        if workers.len() + 1 < n.min(threads) {
            self.spawn_workers(&mut workers, n.min(threads) - 1);
        }
        let region = &self.region.0;
        region.closure.store(pieces.closure.cast_mut(), Ordering::Relaxed);
        region.function.store(pieces.call as *mut (), Ordering::Relaxed);
        let before = self.ended.0.load(Ordering::Relaxed);
        let call = Call(region.call.load(Ordering::Relaxed)).next(n);
        region.call.store(call.0, Ordering::Release);
        let all_awake = !self.wake(&workers, n) && workers.len() + 1 >= n;
        self.work(call, 0..1);
        let (mut spins, patience) = (0u32, if all_awake { PATIENCE } else { 0 });
        while self.ended.0.load(Ordering::Acquire).wrapping_sub(before) < n as u64 {
            if spins == patience {
                self.work(call, 1..n);
            }
            // The system may have suspended a thread that holds a piece: let it run.
            spins = spins.saturating_add(1);
            if spins > SPINS { yield_now() } else { spin_loop() }
        }
        if let Some(panic) = self.panic.lock().ok().and_then(|mut p| p.take()) {
            drop(workers);
            resume_unwind(panic);
        }
        true
    }

    /// Lets the next region ask the system for threads that it has refused, and ends the workers beyond
    /// `threads`. While a region runs they stay: the next one ends them.
    pub(super) fn limit(&self, threads: usize) {
        self.until_request.store(0, Ordering::Relaxed);
        if let Ok(mut workers) = self.workers.try_lock() {
            self.end_beyond(&mut workers, threads);
        }
    }

    /// Ends the workers that are too many for this many threads, the caller's included.
    #[inline]
    fn end_beyond(&self, workers: &mut MutexGuard<'_, Vec<JoinHandle<()>>>, threads: usize) {
        if workers.len() >= threads.max(1) {
            self.keep(workers, threads.max(1) - 1);
        }
    }

    /// Ends all workers but the first `n`, and waits for their end.
    #[cold]
    fn keep(&self, workers: &mut MutexGuard<'_, Vec<JoinHandle<()>>>, n: usize) {
        let call = Call(self.region.0.call.load(Ordering::Relaxed)).next(Call::STAY + n);
        self.region.0.call.store(call.0, Ordering::Release);
        self.wake(workers, workers.len() + 1);
        for worker in workers.drain(n..) {
            // A worker does not panic: it catches the panics of pieces.
            let _ = worker.join();
        }
    }

    /// Starts workers until there are `n`. If the system refuses one, the others run its pieces, and
    /// regions to come do not ask for a while: a refusal takes as long as a hundred regions.
    #[cold]
    fn spawn_workers(&'static self, workers: &mut MutexGuard<'_, Vec<JoinHandle<()>>>, n: usize) {
        let wait = self.until_request.load(Ordering::Relaxed);
        if wait > 0 {
            self.until_request.store(wait - 1, Ordering::Relaxed);
            return;
        }
        while workers.len() < n {
            let place = workers.len() + 1;
            match Builder::new().name("fanin".into()).spawn(move || self.worker_loop(place)) {
                Ok(worker) => workers.push(worker),
                Err(_) => {
                    #[cfg(test)]
                    self.refusals.fetch_add(1, Ordering::Relaxed);
                    return self.until_request.store(REGIONS_BETWEEN_REQUESTS, Ordering::Relaxed);
                }
            }
        }
    }

    /// Wakes those of the first `n − 1` workers that sleep, and returns whether there was one.
    ///
    /// A worker sets its bit before it looks for a call a last time, and here the call is stored before
    /// the bits are read. Both change the same word, so one of the two comes second and sees what the
    /// other has done before: the worker sees the call, or the caller sees the bit.
    fn wake(&self, workers: &[JoinHandle<()>], n: usize) -> bool {
        let mut woken = false;
        for (i, sleepers) in self.sleepers.0.iter().enumerate().take(n.div_ceil(64)) {
            let count = (n - 64 * i).min(64);
            // Place 0 is the caller's.
            let called = u64::MAX >> (64 - count) & !u64::from(i == 0);
            let mut asleep = sleepers.fetch_and(!called, Ordering::AcqRel) & called;
            woken |= asleep != 0;
            while asleep != 0 {
                let place = 64 * i + asleep.trailing_zeros() as usize;
                workers[place - 1].thread().unpark();
                asleep &= asleep - 1;
            }
        }
        woken
    }

    /// Runs those of some pieces of a call that nobody has claimed.
    fn work(&self, call: Call, pieces: Range<usize>) {
        let region = &self.region.0;
        for i in pieces {
            let claim = &self.claims[i];
            let last = claim.0.load(Ordering::Relaxed);
            let mine = last < call.generation()
                && claim
                    .0
                    .compare_exchange(last, call.generation(), Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if !mine {
                continue;
            }
            let closure = region.closure.load(Ordering::Relaxed);
            let function = region.function.load(Ordering::Relaxed);
            // SAFETY: a region ends after all its pieces are claimed and done. This thread has just
            // claimed one, so the region still runs, and `Pieces::new` made both pointers for it.
            let piece = || unsafe {
                mem::transmute::<*mut (), unsafe fn(*const (), usize)>(function)(closure, i);
            };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(piece))
                && let Ok(mut first) = self.panic.lock()
            {
                match &*first {
                    None => *first = Some(panic),
                    // Not dropped: a drop could panic again inside the region.
                    Some(_) => mem::forget(panic),
                }
            }
            self.ended.0.fetch_add(1, Ordering::Release);
        }
    }

    /// What a worker does until the process ends. It begins each region with the piece of its own
    /// number, so that the same rows of a matrix stay in the same core's cache.
    fn worker_loop(&self, place: usize) {
        let (mut answered, mut spins) = (0, SPINS);
        loop {
            let call = self.await_call(place, answered, &mut spins);
            match call.stay() {
                Some(stay) if place > stay => return,
                Some(_) => {}
                None => self.work(call, place..call.pieces()),
            }
            answered = call.generation();
        }
    }

    /// Spins for the next call and then sleeps. A region with fewer pieces does not call this worker.
    fn await_call(&self, place: usize, answered: u64, spins: &mut u32) -> Call {
        let called = || {
            let call = Call(self.region.0.call.load(Ordering::Acquire));
            (call.generation() != answered && place < call.pieces()).then_some(call)
        };
        for gap in 0..*spins {
            if let Some(call) = called() {
                *spins = next_spins(*spins, gap);
                return call;
            }
            spin_loop();
        }
        let start = Instant::now();
        let (sleepers, bit) = (&self.sleepers.0[place / 64], 1 << (place % 64));
        let call = loop {
            // In each round, because a caller that wakes this worker clears the bit.
            sleepers.fetch_or(bit, Ordering::AcqRel);
            if let Some(call) = called() {
                break call;
            }
            park();
        };
        sleepers.fetch_and(!bit, Ordering::Relaxed);
        let slept = (start.elapsed().as_nanos() / NANOS_PER_SPIN).min(u128::from(SPINS));
        *spins = next_spins(*spins, *spins + slept as u32);
        call
    }

    /// Ends the workers and waits for them.
    #[cfg(test)]
    pub(super) fn end(&self) {
        self.keep(&mut self.workers.lock().unwrap(), 0);
    }

    /// How many workers there are.
    #[cfg(test)]
    pub(super) fn count_workers(&self) -> usize {
        self.workers.lock().unwrap().len()
    }

    /// How often the system has refused a thread.
    #[cfg(test)]
    pub(super) fn count_refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    /// How many workers sleep.
    #[cfg(test)]
    pub(super) fn count_sleepers(&self) -> usize {
        self.sleepers.0.iter().map(|s| s.load(Ordering::SeqCst).count_ones() as usize).sum()
    }
}

/// How long to spin for the next call, where it was `spins`, and the last call came after `gap` pauses.
///
/// Spinning pays while calls come close together, as in a training step. Then a worker spins four times
/// as long as the longest gap, so that none of them puts it to sleep. Each call that comes too late for
/// any spinning halves the time. So regions that are far apart cost little processor time, and a pause
/// between two training steps does not keep a worker from spinning in the second one.
pub(super) fn next_spins(spins: u32, gap: u32) -> u32 {
    if gap < SPINS {
        spins.max(gap.saturating_mul(4)).min(SPINS)
    } else {
        (spins / 2).max(FEWEST_SPINS)
    }
}
