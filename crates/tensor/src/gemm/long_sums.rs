//! Long sums: each is the sum of its halves, so that rounding errors grow with the logarithm of the length.

use std::ops::Range;

use super::{Path, Product, Start, epilogue_nanos};
use crate::map::map;
use crate::split::GRAIN;
use crate::{Scalar, Write, parallel, scratch};

/// Elements of C whose second halves of sums are computed at once: 2 MiB of `f32`.
const HALVES: usize = 1 << 19;

/// Up to so many, they are on the stack: 4 KiB of `f32`.
const FEW_ELEMENTS: usize = 1024;

/// Computes C by a path. Long sums are a tree: the sum of both halves.
pub(super) fn long_sums<T: Scalar>(path: Path, of: &Product<'_, T>, c: &mut [T]) {
    let Product { a, b, start, epilogue } = *of;
    let (m, k, n, len) = (a.rows, a.cols, b.cols, c.len());
    let longest = path.longest(n);
    if k <= longest || (path == Path::Nt && is_one_tree(m, k, longest)) {
        return path.run(of, c);
    }
    // Many rows at once, so that they repay the packing of B, but not so many that memory would double.
    let rows = (HALVES / n).max(128);
    if m > rows {
        for (i, c) in c.chunks_mut(rows * n).enumerate() {
            let rows = i * rows..m.min((i + 1) * rows);
            long_sums(path, &Product { a: &a.rows(rows), ..*of }, c);
        }
        return;
    }
    let half = first_half(k, longest);
    let part = |terms: Range<usize>, start, c: &mut [T]| {
        let (a, b) = (&a.cols(terms.clone()), &b.rows(terms));
        long_sums(path, &Product { a, b, start, epilogue: None }, c);
    };
    part(0..half, start, c);
    let mut add_rest = |rest: &mut [T]| {
        part(half..k, Start::Zero, rest);
        map([&*rest], Write::Add, c, |[rest]| rest);
    };
    match len {
        ..=FEW_ELEMENTS => add_rest(&mut [T::ZERO; FEW_ELEMENTS][..len]),
        _ => scratch::with(len, add_rest),
    }
    if let Some(epilogue) = epilogue {
        parallel::split_each([c], GRAIN, parallel::pieces(epilogue_nanos(len)), |_, [c]| {
            epilogue(c);
        });
    }
}

/// How many terms the first half of a long sum has.
pub(super) fn first_half(k: usize, longest: usize) -> usize {
    (k / 2).next_multiple_of(longest.min(256))
}

/// Whether a kernel computes sums of more than `longest` terms in one go, by their [`Leaves`].
pub(super) fn is_one_tree(m: usize, k: usize, longest: usize) -> bool {
    m == 1 && k <= MOST_LEAVES / 4 * longest
}

/// The most leaves of the tree of a sum. A tree of `MOST_LEAVES / 4 · longest` terms never has more, since first
/// halves are rounded up.
const MOST_LEAVES: usize = 64;

/// The most sums of such a tree that wait for their second halves.
pub(super) const MOST_WAITING: usize = 8;

/// The tree of a long sum, as its leaves in their order.
pub(super) struct Leaves([Leaf; MOST_LEAVES], usize);

#[derive(Clone, Copy)]
pub(super) struct Leaf {
    /// The end of its terms.
    pub(super) to: usize,
    /// How many sums of two halves are complete after this leaf.
    pub(super) ends: usize,
}

impl Leaves {
    pub(super) fn of(k: usize, longest: usize) -> Self {
        let mut leaves = Self([Leaf { to: 0, ends: 0 }; MOST_LEAVES], 0);
        leaves.grow(0..k, 0, longest);
        leaves
    }

    pub(super) fn list(&self) -> &[Leaf] {
        &self.0[..self.1]
    }

    fn grow(&mut self, terms: Range<usize>, ends: usize, longest: usize) {
        if terms.len() <= longest {
            self.0[self.1] = Leaf { to: terms.end, ends };
            self.1 += 1;
            return;
        }
        let middle = terms.start + first_half(terms.len(), longest);
        self.grow(terms.start..middle, 0, longest);
        self.grow(middle..terms.end, ends + 1, longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tree_has_room_for_its_leaves() {
        for longest in [128, 512, 1024] {
            for k in (1..).take_while(|&k| is_one_tree(1, k, longest)) {
                let (mut from, mut halves) = (0, 0);
                for &Leaf { to, ends } in Leaves::of(k, longest).list() {
                    assert!(
                        from < to
                            && to - from <= longest
                            && ends <= halves
                            && halves < MOST_WAITING
                    );
                    (from, halves) = (to, halves - ends + 1);
                }
                assert_eq!((from, halves), (k, 1));
            }
        }
    }
}
