//! `y_b = Σ_k f_k · x_{i_k}` over the entries k of a bag b, or their mean or maximum.

use fanin_tensor::{Scalar, Write, reduce, scratch};

use super::indices::Indices;
use super::rows::add_to_rows;
use crate::tape::{Backward, Forward, Op, Var};

/// How a bag of vectors becomes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    #[default]
    Mean,
    /// The maximum of each element.
    Max,
}

/// What is in the bags, bag after bag.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    /// The number of bags, empty ones among them.
    bags: usize,
    /// The bag of each entry.
    bag: Indices,
    /// The row of each entry in the table.
    row: Indices,
    /// Where each entry is among all ids, and has its weight.
    at: Indices,
}

impl Entries {
    pub(crate) fn new(bags: usize) -> Self {
        Self { bags, bag: Indices::new(), row: Indices::new(), at: Indices::new() }
    }

    /// Adds an entry. Bags come in their order.
    pub(crate) fn push(&mut self, bag: usize, row: usize, at: usize) {
        self.bag.push(bag);
        self.row.push(row);
        self.at.push(at);
    }

    /// The entries of each bag that has any.
    fn each_bag(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> + '_ {
        let mut start = 0;
        self.bag.chunk_by(|a, b| a == b).map(move |same| {
            start += same.len();
            (same[0], start - same.len()..start)
        })
    }
}

/// With the sum: `dx_i = Σ_{k: i_k = i} f_k · dy_{b_k}` and `df_k = ⟨dy_{b_k}, x_{i_k}⟩`. With the mean f is
/// 1 over the size of the bag. With the maximum dy goes to the first of the largest entries.
#[derive(Debug)]
struct Bag {
    entries: Entries,
    mode: BagMode,
}

impl<T: Scalar> Op<T> for Bag {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let Self { entries, mode } = self;
        let (x, y, dy) = (cx.input(0).as_slice(), cx.output().as_slice(), cx.dy());
        let features = cx.input(0).shape()[1];

        let weights = (cx.inputs() == 2).then(|| cx.input(1).as_slice());
        if weights.is_some()
            && let Some((write, df)) = cx.grad(1)
        {
            if write == Write::Set {
                df.fill(T::ZERO);
            }
            for ((&bag, &i), &at) in entries.bag.iter().zip(&*entries.row).zip(&*entries.at) {
                df[at] += reduce::dot(row(dy, features, bag), row(x, features, i));
            }
        }
        let Some((write, dx)) = cx.grad(0) else { return };
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        match mode {
            BagMode::Sum => {
                let of = |k: usize| (row(dy, features, entries.bag[k]), entries.weight(k, weights));
                add_to_rows(&entries.row, None, features, of, dx);
            }
            BagMode::Mean => scratch::with(entries.bags, |parts: &mut [T]| {
                for (bag, all) in entries.each_bag() {
                    parts[bag] = T::ONE / T::from_f64(all.len() as f64);
                }
                let parts = &*parts;
                let of = |k: usize| (row(dy, features, entries.bag[k]), parts[entries.bag[k]]);
                add_to_rows(&entries.row, None, features, of, dx);
            }),
            BagMode::Max => {
                for (bag, all) in entries.each_bag() {
                    for j in 0..features {
                        let (top, d) = (y[bag * features + j], dy[bag * features + j]);
                        let at = |k: &usize| entries.row[*k] * features + j;
                        if let Some(k) = all.clone().find(|k| x[at(k)] == top) {
                            dx[at(&k)] += d;
                        }
                    }
                }
            }
        }
    }
}

/// Row i of a matrix.
fn row<T>(of: &[T], features: usize, i: usize) -> &[T] {
    &of[i * features..][..features]
}

impl Entries {
    fn weight<T: Scalar>(&self, k: usize, weights: Option<&[T]>) -> T {
        weights.map_or(T::ONE, |weights| weights[self.at[k]])
    }

    #[inline]
    fn forward<T: Scalar>(&self, mode: BagMode, cx: &mut Forward<'_, T>) {
        let (x, features) = (cx.input(0).as_slice(), cx.input(0).shape()[1]);
        let weights = (cx.inputs() == 2).then(|| cx.input(1).as_slice());
        let y = cx.output([self.bags, features]);
        y.fill(T::ZERO);
        if features == 0 {
            return;
        }
        let row = |k: usize| row(x, features, self.row[k]);
        if mode == BagMode::Max {
            for (bag, all) in self.each_bag() {
                let y = &mut y[bag * features..][..features];
                y.copy_from_slice(row(all.start));
                for k in all {
                    y.iter_mut().zip(row(k)).for_each(|(y, &x)| *y = if x > *y { x } else { *y });
                }
            }
            return;
        }
        add_to_rows(&self.bag, None, features, |k| (row(k), self.weight(k, weights)), y);
        if mode == BagMode::Mean {
            for (bag, all) in self.each_bag() {
                let n = T::from_f64(all.len() as f64);
                y[bag * features..][..features].iter_mut().for_each(|y| *y /= n);
            }
        }
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The sum, mean or maximum of the rows of this table that are in each bag; 0 for an empty bag.
        pub(crate) fn embedding_bag<'a>(
            self,
            entries: &'a Entries,
            mode: BagMode,
            weights: Option<Self>,
        ) -> Self {
            let op = Bag { entries: entries.clone(), mode };
            let forward = |cx: &mut Forward<'_, T>| entries.forward(mode, cx);
            match weights {
                Some(weights) => self.tape().apply(op, &[self, weights], forward),
                None => self.tape().apply(op, &[self], forward),
            }
        }
    }
}
