//! Rows of a table, looked up by index.

use fanin_tensor::map::map;
use fanin_tensor::{Scalar, Write, scratch};

use super::axes::with_length;
use super::indices::Indices;
use crate::tape::{Backward, Op, Var, cap_factor};

/// `y_k = x_{i_k}`; `dx_i = Σ_{k: i_k = i} dy_k`, and 0 for the padding.
#[derive(Debug)]
struct Rows {
    indices: Indices,
    /// The row that gets no gradient.
    padding: Option<usize>,
}

impl<T: Scalar> Op<T> for Rows {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (dy, row) = (cx.dy(), cx.input(0).shape()[1..].iter().product::<usize>());
        let Some((write, dx)) = cx.grad(0) else { return };
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        add_to_rows(&self.indices, self.padding, row, |k| (&dy[k * row..][..row], T::ONE), dx);
    }
}

/// The rows whose sum is not a plain loop's.
const PLAIN: usize = 32;

/// `dx_i += Σ_{k: i_k = i} f_k · v_k` for rows of this many elements, where `of` gives v and f. Nothing is
/// added to the row `skip`.
pub(super) fn add_to_rows<'a, T: Scalar>(
    indices: &[usize],
    skip: Option<usize>,
    row: usize,
    of: impl Fn(usize) -> (&'a [T], T) + Copy,
    dx: &mut [T],
) {
    if row == 0 {
        return;
    }
    let wanted = |i: usize| Some(i) != skip;
    // A few are added one after the other. An index that is more frequent gets a tree of its own.
    if indices.len() <= PLAIN {
        let places = indices.iter().copied().enumerate().filter(|(_, i)| wanted(*i));
        return add_rows(places, row, of, dx);
    }
    scratch::with(dx.len() / row, |counts: &mut [usize]| {
        counts.fill(0);
        indices.iter().for_each(|&i| counts[i] += 1);
        let seldom = |i: usize| counts[i] <= PLAIN;
        let places = indices.iter().copied().enumerate();
        add_rows(places.filter(|(_, i)| seldom(*i) && wanted(*i)), row, of, dx);
        scratch::with(indices.len(), |order: &mut [usize]| {
            let mut often = 0;
            let all = 0..indices.len();
            for k in all.filter(|&k| !seldom(indices[k]) && wanted(indices[k])) {
                order[often] = k;
                often += 1;
            }
            let order = &mut order[..often];
            order.sort_unstable_by_key(|&k| (indices[k], k));
            for same in order.chunk_by(|&a, &b| indices[a] == indices[b]) {
                add_tree(same, of, &mut dx[indices[same[0]] * row..][..row]);
            }
        });
    });
}

/// `dx_i += f_k · v_k` for each (k, i).
fn add_rows<'a, T: Scalar>(
    places: impl Iterator<Item = (usize, usize)>,
    row: usize,
    of: impl Fn(usize) -> (&'a [T], T),
    dx: &mut [T],
) {
    for (k, i) in places {
        let (v, f) = of(k);
        map([v], Write::Add, &mut dx[i * row..][..row], move |[v]| f * v);
    }
}

/// Adds f · v of these indices to the row dx, as a tree.
fn add_tree<'a, T: Scalar>(
    indices: &[usize],
    of: impl Fn(usize) -> (&'a [T], T) + Copy,
    dx: &mut [T],
) {
    let row = dx.len();
    if indices.len() <= PLAIN {
        return add_rows(indices.iter().map(|&k| (k, 0)), row, of, dx);
    }
    let (first, second) = indices.split_at(indices.len() / 2);
    add_tree(first, of, dx);
    scratch::with(row, |rest| {
        rest.fill(T::ZERO);
        add_tree(second, of, rest);
        map([rest], Write::Add, dx, |[rest]| rest);
    });
}

/// The largest norm of each row: `cap` for those that were looked up, and infinite for the others.
#[derive(Debug)]
struct Caps;

impl<T: Scalar> Op<T> for Caps {
    fn backward(&self, _: &mut Backward<'_, T>) {
        unreachable!("caps have no inputs")
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The elements of the first axis at these indices: rows, for a matrix. An index may occur
        /// more than once. Its gradients are then added.
        ///
        /// # Shapes
        /// The value's shape, except that the first axis has one element per index.
        ///
        /// # Panics
        /// **Panics** if the value is a scalar, or an index is not below the length of the first
        /// axis.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        /// let y = Tape::new().value(|t| t.input(&x).rows(&[2, 0]));
        /// assert_eq!(y.as_slice(), [5.0, 6.0, 1.0, 2.0]);
        /// ```
        #[doc(alias = "index_select")]
        #[doc(alias = "embedding")]
        #[doc(alias = "take")]
        #[must_use]
        #[track_caller]
        pub fn rows<'a>(self, indices: &'a [usize]) -> Self {
            let shape = self.shape();
            assert!(!shape.is_empty(), "rows: a scalar has no rows");
            if let Some(bad) = indices.iter().find(|&&i| i >= shape[0]) {
                panic!("rows: index {bad} is outside {shape}");
            }
            self.lookup(indices, None, None)
        }

        /// [`rows`](Self::rows), whose indices were checked. The row `padding` gets no gradient. Rows longer
        /// than `max_norm` are brought to it. The gradient is that of the row that was brought to it, as
        /// in PyTorch.
        pub(crate) fn lookup<'a>(
            self,
            indices: &'a [usize],
            padding: Option<usize>,
            max_norm: Option<f64>,
        ) -> Self {
            let shape = self.shape();
            let row = shape[1..].iter().product::<usize>();
            let to = with_length(&shape, 0, indices.len());
            let op = Rows { indices: Indices::of(indices), padding };
            self.tape().apply(op, &[self], |cx| {
                let x = cx.input(0).as_slice();
                for (y, &i) in cx.output(&to).chunks_exact_mut(row.max(1)).zip(indices) {
                    let x = &x[i * row..][..row];
                    y.copy_from_slice(x);
                    let cap = max_norm.and_then(|cap| cap_factor(x, T::from_f64(cap)));
                    if let Some(factor) = cap {
                        y.iter_mut().for_each(|y| *y *= factor);
                    }
                }
            })
        }

        /// For each row of this table the norm that it may have at most: `max_norm` for those with an
        /// index.
        pub(crate) fn caps<'a>(self, indices: &'a [usize], max_norm: f64) -> Self {
            let rows = self.with_shape(|shape| shape[0]);
            self.tape().apply(Caps, &[], |cx| {
                let caps = cx.output(rows);
                caps.fill(T::ONE / T::ZERO);
                indices.iter().for_each(|&i| caps[i] = T::from_f64(max_norm));
            })
        }
    }
}
