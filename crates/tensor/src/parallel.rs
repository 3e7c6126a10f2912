//! Threads: how many there are, when to use them, and a pool that starts work in 0.1 µs.
//!
//! A training step of a small network has a dozen parallel regions of some ten microseconds each. So
//! the cost of starting a region decides whether threads help. The workers therefore spin for a moment
//! after each region before they sleep, and one atomic store starts a region. Piece *i* belongs to
//! thread *i* while that thread is awake: it finds in its own cache what it wrote in the region before.
//! The pool runs one region at a time. A thread that finds the pool in use runs its pieces itself, so
//! models that train at the same time in one process never wait for each other.

use std::any::Any;
use std::hint;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

/// The most threads that [`set_num_threads`] accepts.
pub const MAX_THREADS: usize = 256;

/// The nanoseconds of work that make another thread worth starting.
const NANOS_PER_THREAD: usize = 2_500;

/// How long an idle thread spins before it sleeps, in pauses of some 15 ns.
const SPINS: u32 = 8_000;

/// 0 until the first call that asks for the number or sets it.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads a kernel may use: the number given to [`set_num_threads`], else that of the
/// environment variable `FANIN_NUM_THREADS`, else the number of CPUs.
#[inline]
pub fn num_threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => first_num_threads(),
        n => n,
    }
}

#[cold]
fn first_num_threads() -> usize {
    let n = from_environment()
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, |n| n.get()));
    let n = n.clamp(1, MAX_THREADS);
    // Keep the number that another thread may have set in the meantime.
    match THREADS.compare_exchange(0, n, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => n,
        Err(set) => set,
    }
}

/// The number in `FANIN_NUM_THREADS`. Warns on standard error if it is no number.
fn from_environment() -> Option<usize> {
    let text = std::env::var("FANIN_NUM_THREADS").ok()?;
    let number = text.parse().ok().filter(|n| *n > 0);
    if number.is_none() {
        eprintln!("fanin: FANIN_NUM_THREADS={text:?} is ignored: it must be a number from 1 on");
    }
    number
}

/// Lets kernels of the whole process use up to `n` threads, the calling one included. 0 counts as 1.
///
/// Results do not depend on the number: work is split along outputs, never along a sum.
pub fn set_num_threads(n: usize) {
    THREADS.store(n.clamp(1, MAX_THREADS), Ordering::Relaxed);
}

/// The number of pieces for a kernel that takes about `nanos` nanoseconds on one thread.
#[inline]
pub fn pieces(nanos: usize) -> usize {
    if nanos < 2 * NANOS_PER_THREAD { 1 } else { num_threads().min(nanos / NANOS_PER_THREAD) }
}

/// The `i`-th of `n` nearly equal ranges that cover `0..len`. The inner bounds are multiples of `grain`.
pub fn range(len: usize, grain: usize, n: usize, i: usize) -> std::ops::Range<usize> {
    let grains = len.div_ceil(grain);
    let at = |i: usize| (grains * i / n * grain).min(len);
    at(i)..at(i + 1)
}

/// Runs `f(0), …, f(n − 1)` on several threads, in any order, and waits for all.
///
/// # Panics
/// **Panics** with the panic of a piece, after all pieces that have begun have ended.
#[inline]
pub fn run(n: usize, f: impl Fn(usize) + Sync) {
    // Kernels never make more pieces than threads.
    if n <= 1 || n > MAX_THREADS || !POOL.run(n, &f) {
        (0..n).for_each(f);
    }
}

/// Splits slices of one length into `n` runs each and calls `f` for the i-th runs of all, on several
/// threads. `f` gets the index of the first element and the runs. Runs begin at multiples of `grain`.
///
/// # Panics
/// **Panics** if the slices differ in length.
#[track_caller]
pub fn split_each<T: Send, const N: usize>(
    data: [&mut [T]; N],
    grain: usize,
    n: usize,
    f: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    let len = data.first().map_or(0, |d| d.len());
    assert!(data.iter().all(|d| d.len() == len), "split_each: slices differ in length");
    if n <= 1 {
        return f(0, data);
    }
    let starts = data.map(|d| Shared(d.as_mut_ptr()));
    run(n, |i| {
        let part = range(len, grain, n, i);
        let starts = &starts;
        let parts = std::array::from_fn(|d| {
            // SAFETY: the slices are `&mut` and do not overlap. The ranges of different pieces do not
            // overlap and lie inside. The slices are borrowed until `run` returns, after the last piece.
            unsafe { std::slice::from_raw_parts_mut(starts[d].0.add(part.start), part.len()) }
        });
        f(part.start, parts);
    });
}

/// A pointer that the pieces of one kernel share. Each piece writes to elements of its own.
pub(crate) struct Shared<T>(pub(crate) *mut T);
// SAFETY: whoever makes one promises that the pieces touch disjoint elements.
unsafe impl<T: Send> Sync for Shared<T> {}

static POOL: Pool = Pool::new();

type Piece<'a> = &'a (dyn Fn(usize) + Sync);

/// The region that runs, in one word: its generation and the number of its pieces.
#[derive(Clone, Copy)]
struct Call(u64);

impl Call {
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
}

/// Padded to two cache lines to prevent false sharing.
#[repr(align(128))]
struct Padded<T>(T);

struct Pool {
    /// The number of workers. The thread whose region runs holds the lock.
    region: Mutex<usize>,
    /// The last region, a [`Call`].
    call: Padded<AtomicU64>,
    /// The region's closure, a `Piece`. Valid while any claimed piece is unfinished.
    piece: AtomicPtr<()>,
    /// For each piece, the last generation in which a thread claimed it.
    claims: [Padded<AtomicU64>; MAX_THREADS],
    /// How many pieces of the region have not ended.
    unfinished: Padded<AtomicUsize>,
    /// Which workers sleep.
    asleep: [AtomicBool; MAX_THREADS + 1],
    sleep_lock: Mutex<()>,
    wake_up: Condvar,
    /// The first panic of the region.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Pool {
    const fn new() -> Self {
        Self {
            region: Mutex::new(0),
            call: Padded(AtomicU64::new(0)),
            piece: AtomicPtr::new(ptr::null_mut()),
            claims: [const { Padded(AtomicU64::new(0)) }; MAX_THREADS],
            unfinished: Padded(AtomicUsize::new(0)),
            asleep: [const { AtomicBool::new(false) }; MAX_THREADS + 1],
            sleep_lock: Mutex::new(()),
            wake_up: Condvar::new(),
            panic: Mutex::new(None),
        }
    }

    /// Runs the pieces and returns true. Returns false and runs none if the pool is in use.
    fn run(&'static self, n: usize, f: Piece<'_>) -> bool {
        let Ok(mut region) = self.region.try_lock() else { return false };
        self.spawn_workers(&mut region, n.min(num_threads()) - 1);
        self.piece.store(ptr::from_ref(&f).cast_mut().cast(), Ordering::Relaxed);
        self.unfinished.0.store(n, Ordering::Relaxed);
        let call = Call(self.call.0.load(Ordering::Relaxed)).next(n);
        self.call.0.store(call.0, Ordering::SeqCst);
        if self.asleep[1..n].iter().any(|asleep| asleep.load(Ordering::SeqCst)) {
            drop(self.sleep_lock.lock());
            self.wake_up.notify_all();
        }
        self.work(call, 0);
        let mut spins = 0u32;
        while self.unfinished.0.load(Ordering::Acquire) > 0 {
            // The system may have suspended a thread that holds a piece: let it run.
            spins += 1;
            if spins > SPINS { thread::yield_now() } else { hint::spin_loop() }
        }
        if let Some(panic) = self.panic.lock().ok().and_then(|mut p| p.take()) {
            drop(region);
            resume_unwind(panic);
        }
        true
    }

    /// Starts workers until there are `n`. If the system refuses one, the others run its pieces.
    fn spawn_workers(&'static self, workers: &mut MutexGuard<'_, usize>, n: usize) {
        while **workers < n {
            let place = **workers + 1;
            let worker =
                thread::Builder::new().name("fanin".into()).spawn(move || self.worker_loop(place));
            if worker.is_err() {
                return;
            }
            **workers += 1;
        }
    }

    /// Runs the unclaimed pieces of a call, from the `place`-th on.
    fn work(&self, call: Call, place: usize) {
        for (i, claim) in self.claims.iter().enumerate().take(call.pieces()).skip(place) {
            let last = claim.0.load(Ordering::Relaxed);
            let mine = last < call.generation()
                && claim
                    .0
                    .compare_exchange(last, call.generation(), Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if !mine {
                continue;
            }
            let f = self.piece.load(Ordering::Relaxed).cast::<Piece<'_>>();
            // SAFETY: a region ends after all its pieces are claimed and done. This thread has just
            // claimed one, so the region still runs, and the closure is its own.
            let f = unsafe { *f };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| f(i)))
                && let Ok(mut first) = self.panic.lock()
            {
                match &*first {
                    None => *first = Some(panic),
                    // Not dropped: a drop could panic again inside the region.
                    Some(_) => mem::forget(panic),
                }
            }
            self.unfinished.0.fetch_sub(1, Ordering::Release);
        }
    }

    /// What a worker does until the process ends. It begins each region with the piece of its own
    /// number, so that the same rows of a matrix stay in the same core's cache.
    fn worker_loop(&self, place: usize) {
        let (mut idle, mut answered) = (0, 0);
        // A region with fewer pieces does not keep this thread awake.
        let called = |call: Call, answered| call.generation() != answered && place < call.pieces();
        loop {
            let call = Call(self.call.0.load(Ordering::Acquire));
            if called(call, answered) {
                self.work(call, place);
                answered = call.generation();
                idle = 0;
            } else if idle < SPINS {
                idle += 1;
                hint::spin_loop();
            } else {
                self.asleep[place].store(true, Ordering::SeqCst);
                let mut guard = self.sleep_lock.lock().unwrap_or_else(|e| e.into_inner());
                while !called(Call(self.call.0.load(Ordering::SeqCst)), answered) {
                    guard = self.wake_up.wait(guard).unwrap_or_else(|e| e.into_inner());
                }
                drop(guard);
                self.asleep[place].store(false, Ordering::SeqCst);
                idle = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn every_piece_runs_once() {
        for n in [1, 2, 3, 7, 64] {
            for _ in 0..500 {
                let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
                run(n, |i| {
                    counts[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn regions_of_several_threads_and_nested_ones_do_not_block_each_other() {
        let total = AtomicUsize::new(0);
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..300 {
                        run(3, |_| {
                            run(2, |_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 4 * 300 * 6);
    }

    /// Whether two pieces ran at the same time. Each waits for the other, for at most 200 ms.
    fn meet() -> bool {
        let (here, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
        run(2, |_| {
            here.fetch_add(1, Ordering::SeqCst);
            let start = Instant::now();
            while here.load(Ordering::SeqCst) < 2 && start.elapsed() < Duration::from_millis(200) {
                thread::yield_now();
            }
            met.fetch_add(usize::from(here.load(Ordering::SeqCst) == 2), Ordering::SeqCst);
        });
        met.into_inner() == 2
    }

    /// Other tests may use the pool at times, so one success of 20 is enough. Without threads all 20 fail.
    #[test]
    fn two_pieces_run_at_the_same_time_also_after_a_sleep() {
        set_num_threads(2);
        for pause in [0, 50] {
            assert!((0..20).any(|_| {
                thread::sleep(Duration::from_millis(pause));
                meet()
            }));
        }
    }

    #[test]
    fn large_work_is_for_all_threads_and_small_work_for_one() {
        let before = num_threads();
        set_num_threads(3);
        assert!((2..=3).contains(&pieces(1_000_000)));
        assert_eq!(pieces(1_000), 1);
        set_num_threads(before);
    }

    #[test]
    fn a_panic_in_a_piece_reaches_the_caller_once_all_that_began_have_ended() {
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let result = catch_unwind(AssertUnwindSafe(|| {
            run(4, |i| {
                begun.fetch_add(1, Ordering::SeqCst);
                assert_ne!(i, 2, "piece 2");
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }));
        assert!(result.is_err());
        assert_eq!(ended.into_inner() + 1, begun.into_inner());
        run(2, |_| {}); // the pool still works
    }

    #[test]
    fn ranges_cover_everything_once() {
        for (len, grain, n) in [(0, 1, 3), (10, 1, 3), (100, 16, 4), (5, 16, 2), (64, 16, 3)] {
            let ranges: Vec<_> = (0..n).map(|i| range(len, grain, n, i)).collect();
            assert_eq!(ranges[0].start, 0);
            assert_eq!(ranges[n - 1].end, len);
            assert!(ranges.windows(2).all(|w| w[0].end == w[1].start));
        }
    }

    #[test]
    fn slices_are_split_without_overlap() {
        let (mut a, mut b) = (vec![0usize; 50], vec![0usize; 50]);
        split_each([&mut a, &mut b], 16, 3, |first, parts| {
            assert_eq!(first % 16, 0);
            for part in parts {
                part.iter_mut().enumerate().for_each(|(i, v)| *v += first + i);
            }
        });
        assert!(a.iter().enumerate().all(|(i, &v)| v == i) && a == b);
    }
}
