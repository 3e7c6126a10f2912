//! How many threads kernels may use.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{MAX_THREADS, POOL};
use crate::environment;

/// 0 until the first call that asks for the number or sets it.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What a function around the call has asked for.
    static HERE: Cell<Option<Here>> = const { Cell::new(None) };
}

/// How kernels of this thread run.
#[derive(Clone, Copy)]
pub(super) enum Here {
    /// On up to so many threads.
    Many(usize),
    /// On this one.
    One,
    /// On this one, divided as for so many.
    Simulated(usize),
}

#[inline]
pub(super) fn here() -> Here {
    HERE.get().unwrap_or_else(|| {
        Here::Many(match THREADS.load(Ordering::Relaxed) {
            0 => first_num_threads(),
            n => n,
        })
    })
}

/// Calls `f`, whose kernels run in this way.
pub(super) fn with<R>(here: Here, f: impl FnOnce() -> R) -> R {
    struct Reset(Option<Here>);
    impl Drop for Reset {
        fn drop(&mut self) {
            HERE.set(self.0);
        }
    }
    let _reset = Reset(HERE.replace(Some(here)));
    f()
}

/// How many threads a kernel may use: 1 in [`single_threaded`], the number given to
/// [`simulate`](super::simulate) in a simulation, else the number given to
/// [`set_num_threads`], else that of the environment variable `FANIN_NUM_THREADS`, else the number of
/// CPUs.
#[inline]
pub fn num_threads() -> usize {
    match here() {
        Here::Many(n) | Here::Simulated(n) => n,
        Here::One => 1,
    }
}

#[cold]
fn first_num_threads() -> usize {
    let available = || thread::available_parallelism().map_or(1, |n| n.get()).min(MAX_THREADS);
    let n = match environment::variable("FANIN_NUM_THREADS") {
        Some(text) => {
            let (number, complaint) = read_num_threads(&text, available);
            if let Some(complaint) = complaint {
                environment::say_once("FANIN_NUM_THREADS", &complaint);
            }
            number
        }
        None => available(),
    };
    // Keep the number that another thread may have set in the meantime.
    match THREADS.compare_exchange(0, n, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => n,
        Err(set) => set,
    }
}

/// The number of threads that a value of `FANIN_NUM_THREADS` stands for, and what to say about the
/// value if it asks for something else.
fn read_num_threads(text: &str, available: impl Fn() -> usize) -> (usize, Option<String>) {
    match text.trim().parse::<u128>() {
        Ok(n @ 1..) if n <= MAX_THREADS as u128 => (n as usize, None),
        Ok(1..) => {
            let complaint = format!(
                "{MAX_THREADS} threads are used, which is the most; write 1 to {MAX_THREADS}"
            );
            (MAX_THREADS, Some(complaint))
        }
        _ => {
            let n = available();
            let complaint = format!(
                "it is ignored, and {n} threads are used, as many as there are CPUs; write 1 to \
                 {MAX_THREADS}"
            );
            (n, Some(complaint))
        }
    }
}

/// Lets kernels of the whole process use up to `n` threads, the calling one included: 1 to
/// [`MAX_THREADS`]. A smaller or larger number counts as the nearest of these.
///
/// Threads beyond the number end. If the system refuses to start a thread, kernels use those that there
/// are, and ask again after some thousand regions. A call of this function lets them ask at once.
///
/// Results do not depend on the number: work is split along outputs, never along a sum.
pub fn set_num_threads(n: usize) {
    let n = n.clamp(1, MAX_THREADS);
    THREADS.store(n, Ordering::Relaxed);
    POOL.limit(n);
}

/// Runs `f`, whose kernels stay on the calling thread: for models that train side by side, one on each
/// core. Other threads are as free as before.
///
/// # Example
/// ```
/// use fanin_tensor::parallel::{num_threads, single_threaded};
/// assert_eq!(single_threaded(num_threads), 1);
/// ```
pub fn single_threaded<R>(f: impl FnOnce() -> R) -> R {
    with(Here::One, f)
}

#[cfg(test)]
mod tests {
    use super::super::pieces;
    use super::*;
    use std::panic::catch_unwind;
    use std::process::Command;

    #[test]
    fn kernels_of_one_thread_can_be_kept_on_it() {
        let before = num_threads();
        set_num_threads(3);
        let inside =
            single_threaded(|| (num_threads(), pieces(1_000_000), single_threaded(num_threads)));
        assert_eq!(inside, (1, 1, 1));
        let panic = catch_unwind(|| single_threaded(|| panic!("inside")));
        assert!(panic.is_err() && (2..=3).contains(&pieces(1_000_000)));
        single_threaded(|| {
            let other = thread::spawn(|| pieces(1_000_000)).join().unwrap();
            assert!((2..=3).contains(&other));
        });
        set_num_threads(before);
    }

    #[test]
    fn a_number_that_cannot_be_used_is_named() {
        let read = |text| read_num_threads(text, || 2);
        assert_eq!(read("3"), (3, None));
        assert_eq!(read(" 256 "), (256, None));
        for text in ["257", "1000", "99999999999999999999"] {
            let (n, complaint) = read(text);
            assert_eq!(n, 256);
            assert!(complaint.unwrap().contains("write 1 to 256"), "{text}");
        }
        for text in ["0", "-1", "two", "1.5", "\u{fffd}"] {
            let (n, complaint) = read(text);
            assert_eq!(n, 2);
            assert!(complaint.unwrap().contains("write 1 to 256"), "{text}");
        }
    }

    /// In a process of its own, whose threads all look at the variables for the first time at once.
    #[test]
    fn a_variable_that_cannot_be_used_is_named_once() {
        const CHILD: &str = "FANIN_TEST_VARIABLES";
        if std::env::var_os(CHILD).is_some() {
            thread::scope(|s| {
                for _ in 0..8 {
                    s.spawn(|| (num_threads(), crate::simd::level()));
                }
            });
            return;
        }
        let stderr = |threads: &str, simd: &str| {
            let test = "parallel::number::tests::a_variable_that_cannot_be_used_is_named_once";
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
            let out =
                child.env("FANIN_NUM_THREADS", threads).env("FANIN_SIMD", simd).output().unwrap();
            assert!(out.status.success());
            String::from_utf8(out.stderr).unwrap()
        };
        let said = stderr("1000", "sse");
        let lines = |name| said.lines().filter(|line| line.contains(name)).count();
        assert_eq!(
            (lines("fanin: FANIN_NUM_THREADS=\"1000\""), lines("fanin: FANIN_SIMD=")),
            (1, 1)
        );
        assert!(said.contains("256 threads are used, which is the most; write 1 to 256"), "{said}");
        assert!(!stderr("", "").contains("fanin:") && !stderr("2", "portable").contains("fanin:"));
    }
}
