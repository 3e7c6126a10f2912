//! Sums of rows as a tree over runs of rows, while the rows come one after the other.

use std::mem::MaybeUninit;

/// Rows that are added in plain order.
pub(super) const RUN: usize = 16;

/// For 2⁴⁴ rows.
const LEVELS: usize = 40;

/// The sums of complete runs. A sum is a value of type `S`.
pub(super) struct Tree<S> {
    /// How many runs there are.
    count: usize,
    /// At level l, if the count has bit l: the sum of 2^l runs that waits for its neighbour.
    levels: [MaybeUninit<S>; LEVELS],
}

impl<S: Copy> Tree<S> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { count: 0, levels: [const { MaybeUninit::uninit() }; LEVELS] }
    }

    /// Adds the sum of a run. `add(sum, other)` adds to a sum.
    #[inline(always)]
    pub(super) fn push(&mut self, mut sum: S, add: impl Fn(&mut S, &S)) {
        let mut level = 0;
        while self.count >> level & 1 == 1 {
            // SAFETY: the count has this bit, so the level was written.
            add(&mut sum, unsafe { self.levels[level].assume_init_ref() });
            level += 1;
        }
        self.levels[level].write(sum);
        self.count += 1;
    }

    /// Adds the sums of all runs to that of the rows after them.
    #[inline(always)]
    pub(super) fn add_to(&self, rest: &mut S, add: impl Fn(&mut S, &S)) {
        let (mut left, mut level) = (self.count, 0);
        while left > 0 {
            if left & 1 == 1 {
                // SAFETY: the count has this bit, so the level was written.
                add(rest, unsafe { self.levels[level].assume_init_ref() });
            }
            left >>= 1;
            level += 1;
        }
    }
}
