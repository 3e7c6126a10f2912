//! Threads: how many there are, when to use them, and a pool that starts work in 0.1 µs.
//!
//! A training step of a small network has a dozen parallel regions of some ten microseconds each. So
//! the cost of starting a region decides whether threads help. The workers therefore spin for a moment
//! after each region before they sleep, as long as regions come close together, and one atomic store
//! starts a region. Piece *i* belongs to thread *i* while that thread is awake: it finds in its own cache
//! what it wrote in the region before.
//! The pool runs one region at a time. A thread that finds the pool in use runs its pieces itself, so
//! models that train at the same time in one process never wait for each other.

mod number;
mod pool;
mod simulate;
mod sync;

pub use number::{num_threads, set_num_threads, single_threaded};
pub use simulate::simulate;

use number::{Here, here};
use pool::Pool;

/// The most threads that [`set_num_threads`] accepts.
pub const MAX_THREADS: usize = 256;

/// The nanoseconds of work that make another thread worth starting.
const NANOS_PER_THREAD: usize = 2_500;

/// The nanoseconds by which each thread delays the start and the end of a region: two cache lines that go from
/// one core to another.
const NANOS_PER_START: usize = 100;

/// The number of pieces for a kernel that takes about `nanos` nanoseconds on one thread.
#[inline]
pub fn pieces(nanos: usize) -> usize {
    if nanos < 2 * NANOS_PER_THREAD { 1 } else { at_most(nanos / NANOS_PER_THREAD, nanos) }
}

/// The threads that there are, but no more than `most`, and no more than pay: n of them take
/// `nanos/n + n · NANOS_PER_START`, which is least for `n = √(nanos / NANOS_PER_START)`.
#[inline]
pub(crate) fn at_most(most: usize, nanos: usize) -> usize {
    let threads = num_threads().min(most);
    if threads <= 2 { threads } else { threads.min((nanos / NANOS_PER_START).isqrt()).max(2) }
}

/// The `i`-th of `n` nearly equal ranges that cover `0..len`. The inner bounds are multiples of `grain`;
/// a grain of 0 counts as 1.
///
/// # Panics
/// **Panics** if `n` is 0.
///
/// # Example
/// ```
/// use fanin_tensor::parallel::range;
/// assert_eq!([0, 1, 2].map(|i| range(100, 16, 3, i)), [0..32, 32..64, 64..100]);
/// ```
#[track_caller]
pub fn range(len: usize, grain: usize, n: usize, i: usize) -> std::ops::Range<usize> {
    assert!(n > 0, "range: {len} elements cannot be divided into 0 ranges");
    let grain = grain.max(1);
    let grains = len.div_ceil(grain);
    // ⌊grains · i / n⌋, whose product would overflow for a long slice of a type without size.
    let share = |i: usize| (grains / n).saturating_mul(i).saturating_add(grains % n * i / n);
    let at = |i: usize| share(i).saturating_mul(grain).min(len);
    at(i)..at(i + 1)
}

/// Runs `f(0), …, f(n − 1)` on several threads, in any order, and waits for all.
///
/// # Panics
/// **Panics** with the panic of a piece, after all pieces that have begun have ended.
#[inline]
pub fn run(n: usize, f: impl Fn(usize) + Sync) {
    match here() {
        // Kernels never make more pieces than threads.
        Here::Many(threads) if n > 1 && n <= MAX_THREADS && POOL.run(n, threads, &f) => {}
        Here::Simulated(_) if n > 1 => simulate::run(n, &f),
        _ => (0..n).for_each(f),
    }
}

/// Splits slices of one length into `n` runs each and calls `f` for the i-th runs of all, on several
/// threads. `f` gets the index of the first element and the runs. Runs begin at multiples of `grain`;
/// a grain of 0 counts as 1.
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
    run(n, move |i| {
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

#[cfg(test)]
mod tests {
    use super::pool::next_spins;
    use super::sync::SPINS;
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::Command;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
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

    /// A region of n threads takes longer to start than one of fewer.
    #[test]
    fn no_more_threads_are_started_than_pay() {
        let with = |threads, nanos| {
            let mut n = 0;
            simulate(threads, || n = pieces(nanos));
            n
        };
        assert_eq!([5_000, 10_000, 40_000].map(|nanos| with(16, nanos)), [2, 4, 16]);
        assert_eq!([40_000, 160_000, 640_000].map(|nanos| with(256, nanos)), [16, 40, 80]);
        assert_eq!(with(256, usize::MAX), 256);
        // By the model, a thread less or a thread more takes longer.
        for nanos in [160_000, 640_000, 3_000_000] {
            let time = |n: usize| nanos / n + n * NANOS_PER_START;
            let n = with(256, nanos);
            assert!(time(n) <= time(n - 8) && time(n) <= time(n + 8), "{nanos}: {n}");
        }
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

    #[test]
    fn a_grain_of_0_is_one_of_1() {
        assert_eq!([0, 1, 2].map(|i| range(10, 0, 3, i)), [0..3, 3..6, 6..10]);
        let mut a = vec![0usize; 50];
        split_each([&mut a], 0, 3, |first, [part]| {
            part.iter_mut().enumerate().for_each(|(i, v)| *v += first + i);
        });
        assert!(a.iter().enumerate().all(|(i, &v)| v == i));
    }

    #[test]
    fn ranges_of_any_length_are_those_of_exact_arithmetic() {
        let most = usize::MAX;
        for len in [0, 1, 31, 32, 1000, most / 2, most - 1, most] {
            for grain in [1, 2, 32, most / 2, most] {
                for n in [1, 2, 3, 7, 255, 256] {
                    let at = |i: usize| {
                        let grains = len.div_ceil(grain) as u128;
                        (grains * i as u128 / n as u128 * grain as u128).min(len as u128) as usize
                    };
                    for i in 0..n {
                        assert_eq!(range(len, grain, n, i), at(i)..at(i + 1), "{len} {grain} {n}");
                    }
                }
            }
        }
        split_each([&mut vec![(); most][..]], 1, 3, |_, [part]| assert!(part.len() > most / 4));
    }

    #[test]
    fn calls_far_apart_end_the_spinning_and_calls_close_together_bring_it_back() {
        let after = |spins, gaps: &[u32]| gaps.iter().fold(spins, |s, &gap| next_spins(s, gap));
        let rare = after(SPINS, &[u32::MAX; 10]);
        assert_eq!(rare, SPINS / 80);
        assert_eq!(after(rare, &[300]), 1200);
        assert_eq!(after(SPINS, &[0; 1000]), SPINS);
    }

    /// Steps of twelve regions with gaps of up to 300 pauses, and a long time between two steps.
    #[test]
    fn a_pause_between_steps_puts_no_worker_to_sleep_within_one() {
        let mut spins = SPINS;
        for _ in 0..100 {
            for gap in [30, 300, 10, 50, 300, 2, 8, 60, 20, 300, 100] {
                assert!(gap < spins);
                spins = next_spins(spins, gap);
            }
            spins = next_spins(spins, u32::MAX);
        }
        assert!(spins < 1300);
    }

    /// Waits until this many workers of the pool sleep.
    fn await_sleepers(pool: &Pool, n: usize) -> bool {
        let start = Instant::now();
        while pool.count_sleepers() != n && start.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(1));
        }
        pool.count_sleepers() == n
    }

    #[test]
    fn a_region_wakes_the_workers_that_it_needs_and_no_others() {
        static POOL: Pool = Pool::new();
        assert!(POOL.run(100, 100, &|_| {}));
        assert!(await_sleepers(&POOL, 99));
        for n in [2, 3, 64, 65, 66, 100] {
            let fewest = AtomicUsize::new(usize::MAX);
            // A worker that was woken for nothing would have set its bit again when the region ends.
            let count = |_| _ = fewest.fetch_min(POOL.count_sleepers(), Ordering::SeqCst);
            assert!(POOL.run(n, 100, &count));
            assert!(fewest.into_inner() >= 100 - n, "{n}");
            assert!(await_sleepers(&POOL, 99));
        }
        POOL.end();
    }

    #[test]
    fn fewer_threads_leave_no_worker_behind() {
        static POOL: Pool = Pool::new();
        for many in [64, 256] {
            assert!(POOL.run(many, many, &|_| {}));
            assert_eq!(POOL.count_workers(), many - 1);
            POOL.limit(2);
            assert_eq!(POOL.count_workers(), 1);
            // From within a region they cannot end. The next region ends them.
            assert!(POOL.run(many, many, &|i| {
                if i == 0 {
                    POOL.limit(3);
                }
            }));
            assert_eq!(POOL.count_workers(), many - 1);
            let sum = AtomicUsize::new(0);
            assert!(POOL.run(3, 3, &|i| _ = sum.fetch_add(i, Ordering::Relaxed)));
            assert_eq!((POOL.count_workers(), sum.into_inner()), (2, 3));
        }
        POOL.end();
        assert_eq!(POOL.count_workers(), 0);
    }

    /// In a process of its own, whose threads would need stacks that are too large for any system.
    #[test]
    fn a_system_that_refuses_threads_is_not_asked_at_every_region() {
        const CHILD: &str = "FANIN_TEST_REFUSED";
        if std::env::var_os(CHILD).is_some() {
            static POOL: Pool = Pool::new();
            let sum = AtomicUsize::new(0);
            for _ in 0..25_000 {
                assert!(POOL.run(3, 3, &|i| _ = sum.fetch_add(i, Ordering::Relaxed)));
            }
            assert_eq!(sum.into_inner(), 25_000 * 3);
            assert_eq!(POOL.count_refusals(), 3);
            POOL.limit(3);
            assert!(POOL.run(3, 3, &|_| {}));
            assert_eq!(POOL.count_refusals(), 4);
            return;
        }
        let test = "parallel::tests::a_system_that_refuses_threads_is_not_asked_at_every_region";
        let mut child = Command::new(std::env::current_exe().unwrap());
        // With one test thread, the test runs on the main thread.
        child.args(["--exact", test, "--test-threads=1", "--nocapture"]).env(CHILD, "1");
        let out = child.env("RUST_MIN_STACK", (1u64 << 60).to_string()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}
