//! Division among more threads than the machine has.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::MAX_THREADS;
use super::number::{Here, with};

thread_local! {
    /// The regions of the simulation so far.
    static REGIONS: RefCell<Vec<Vec<Duration>>> = const { RefCell::new(vec![]) };
}

/// Runs `f` on the calling thread alone, but divided as for so many threads: 1 to [`MAX_THREADS`]. Returns a
/// list for each parallel region, with the time of each of its pieces.
///
/// It shows how kernels are divided on a machine with more cores, and how even the pieces are. It does not show
/// what cores take from each other: caches and memory.
///
/// # Example
/// ```
/// use fanin_tensor::parallel::simulate;
/// use fanin_tensor::{Write, map::map};
///
/// let (x, mut y) = (vec![1.0f32; 1 << 20], vec![0.0; 1 << 20]);
/// let regions = simulate(16, || map([&x], Write::Set, &mut y, |[x]| x + 1.0));
/// assert_eq!((regions.len(), regions[0].len()), (1, 16));
/// ```
pub fn simulate(threads: usize, f: impl FnOnce()) -> Vec<Vec<Duration>> {
    let outer = Outer(REGIONS.take());
    with(Here::Simulated(threads.clamp(1, MAX_THREADS)), f);
    let regions = REGIONS.take();
    drop(outer);
    regions
}

/// The regions of a simulation around this one. They come back when it ends, also by a panic.
struct Outer(Vec<Vec<Duration>>);

impl Drop for Outer {
    fn drop(&mut self) {
        REGIONS.set(std::mem::take(&mut self.0));
    }
}

/// Runs the pieces of a region and notes their times.
pub(super) fn run(n: usize, f: &dyn Fn(usize)) {
    let time = |i| {
        let start = Instant::now();
        // A region within a piece is none: its thread would find the pool in use.
        with(Here::One, || f(i));
        start.elapsed()
    };
    let times = (0..n).map(time).collect();
    REGIONS.with_borrow_mut(|regions| regions.push(times));
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn a_simulation_inside_another_has_regions_of_its_own() {
        let outer = simulate(4, || {
            run(4, |_| {});
            assert_eq!(simulate(3, || run(3, |_| run(2, |_| {}))).len(), 1);
            let _ = catch_unwind(|| simulate(3, || run(2, |_| panic!("inside"))));
            run(2, |_| {});
        });
        assert_eq!(outer.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
        assert!(simulate(4, || {}).is_empty());
    }
}
