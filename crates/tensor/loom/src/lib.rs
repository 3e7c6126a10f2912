//! The thread pool of fanin-tensor under loom. Each test is a model: loom runs it once for every order
//! in which its threads can run and for every value that a load may return. `./run` runs all of them and
//! prints the number of executions.
//!
//! `pool.rs` is the library's own file. [`sync`] gives it loom's atomics, locks and threads.
//!
//! Each piece writes to a loom cell without a lock. So loom also reports two threads in one piece, and a
//! region that returns before the caller can see what its pieces wrote.

#![cfg(test)]

#[path = "../../src/parallel/pool.rs"]
#[allow(dead_code, reason = "the library also asks again for threads, and its tests count")]
mod pool;
mod sync;

/// Of the models. The library's is 256.
const MAX_THREADS: usize = 3;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::UnsafeCell;
use loom::model::Builder;
use loom::thread;
use pool::Pool;

/// Runs a model in all orders with at most this many preemptions, or in all orders if there is none, and
/// prints how many executions that took. Ends the workers after each.
fn check(name: &str, preemptions: Option<usize>, f: impl Fn(&'static Pool) + Send + Sync + 'static) {
    static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);
    EXECUTIONS.store(0, Ordering::Relaxed);
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 100_000;
    builder.check(move || {
        EXECUTIONS.fetch_add(1, Ordering::Relaxed);
        let pool = Box::into_raw(Box::new(Pool::new()));
        // SAFETY: it lives until its workers have ended.
        let shared: &'static Pool = unsafe { &*pool };
        f(shared);
        shared.end();
        // SAFETY: nobody uses it any more.
        drop(unsafe { Box::from_raw(pool) });
    });
    let bound = preemptions.map_or("any".to_owned(), |n| format!("up to {n}"));
    println!("loom: {name}: {} executions, {bound} preemptions", EXECUTIONS.load(Ordering::Relaxed));
}

/// A number for each piece, which a piece changes without a lock.
struct Pieces(Vec<UnsafeCell<usize>>);

// SAFETY: loom reports it if two threads use a cell at the same time.
unsafe impl Sync for Pieces {}

impl Pieces {
    fn new(n: usize) -> Self {
        Self((0..n).map(|_| UnsafeCell::new(0)).collect())
    }

    fn add(&self, i: usize) {
        // SAFETY: as above.
        self.0[i].with_mut(|count| unsafe { *count += 1 });
    }

    /// Whether each piece ran this many times.
    #[track_caller]
    fn assert(&self, times: usize) {
        // SAFETY: as above.
        assert!(self.0.iter().all(|count| count.with(|count| unsafe { *count }) == times));
    }
}

/// Runs a region, also if another thread has the pool, as `parallel::run` does.
fn region(pool: &'static Pool, n: usize) {
    let pieces = Pieces::new(n);
    let f = |i| pieces.add(i);
    if !pool.run(n, MAX_THREADS, &f) {
        (0..n).for_each(f);
    }
    pieces.assert(1);
}

#[test]
fn one_region() {
    check("one region of 2 pieces", None, |pool| region(pool, 2));
}

/// Between the two, the worker is awake, about to sleep, asleep, or about to wake up.
#[test]
fn two_regions() {
    check("two regions of 2 pieces", Some(5), |pool| {
        region(pool, 2);
        region(pool, 2);
    });
}

#[test]
fn three_regions() {
    check("three regions of 2 pieces", Some(3), |pool| (0..3).for_each(|_| region(pool, 2)));
}

#[test]
fn two_workers() {
    check("one region of 3 pieces", Some(2), |pool| region(pool, 3));
}

/// The second worker sleeps through the region that does not need it.
#[test]
fn fewer_pieces_than_threads() {
    check("regions of 3, 2 and 3 pieces", Some(1), |pool| {
        region(pool, 3);
        region(pool, 2);
        region(pool, 3);
    });
}

/// The second worker ends while the first one is awake, about to sleep or asleep, and another one takes
/// its place.
#[test]
fn fewer_threads() {
    check("regions of 3 pieces, and one thread fewer between them", Some(1), |pool| {
        region(pool, 3);
        pool.limit(2);
        region(pool, 3);
    });
}

/// More pieces than threads: the system refused one.
#[test]
fn more_pieces_than_threads() {
    check("two regions of 3 pieces on 2 threads", Some(3), |pool| {
        for _ in 0..2 {
            let pieces = Pieces::new(3);
            assert!(pool.run(3, 2, &|i| pieces.add(i)));
            pieces.assert(1);
        }
    });
}

/// Whoever finds the pool in use does its work itself.
#[test]
fn two_callers() {
    check("two callers of a region each", Some(3), |pool| {
        let other = thread::spawn(move || region(pool, 2));
        region(pool, 2);
        other.join().unwrap();
    });
}

#[test]
fn a_region_in_a_region() {
    check("a region in a region", Some(3), |pool| {
        let pieces = Pieces::new(2);
        let f = |i| {
            region(pool, 2);
            pieces.add(i);
        };
        assert!(pool.run(2, MAX_THREADS, &f));
        pieces.assert(1);
    });
}

/// The panic reaches the caller after all pieces have ended, and the pool is usable.
#[test]
fn a_panic() {
    for bad in 0..2 {
        check("a panic in a piece, then a region", Some(3), move |pool| {
            let pieces = Pieces::new(2);
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                pool.run(2, MAX_THREADS, &|i| {
                    pieces.add(i);
                    if i == bad {
                        // Without the message.
                        resume_unwind(Box::new(()));
                    }
                })
            }));
            assert!(panicked.is_err());
            pieces.assert(1);
            region(pool, 2);
        });
    }
}
