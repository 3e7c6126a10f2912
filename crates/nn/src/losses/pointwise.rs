//! Losses that are a function of each element by itself, and the backward pass that most losses share.

use std::array;
use std::fmt;

use fanin_tensor::map::{Function, apply_rows, map};
use fanin_tensor::simd::Isa;
use fanin_tensor::{Scalar, Set, reduce};

use super::Reduction;
use crate::tape::{Backward, Op, Var};

/// A function of `N` numbers, the loss of an element, and its derivatives.
pub(super) trait Pointwise<T, const N: usize>: Copy + Sync {
    /// Approximate time of an element in picoseconds; see [`Function::picos`].
    const PICOS: usize = 100;

    /// The loss.
    fn value<I: Isa>(self, x: [T; N]) -> T;
    /// Its derivative with respect to the `i`-th number.
    fn derivative<I: Isa>(self, i: usize, x: [T; N]) -> T;
}

#[derive(Clone, Copy)]
struct Value<F>(F);

impl<T, F: Pointwise<T, N>, const N: usize> Function<T, N> for Value<F> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, x: [T; N]) -> T {
        self.0.value::<I>(x)
    }
}

#[derive(Clone, Copy)]
struct Derivative<F, T> {
    f: F,
    i: usize,
    scale: T,
}

impl<T: Scalar, F: Pointwise<T, N>, const N: usize> Function<T, N> for Derivative<F, T> {
    fn picos(&self) -> usize {
        F::PICOS
    }
    #[inline(always)]
    fn at<I: Isa>(&self, x: [T; N]) -> T {
        self.scale * self.f.derivative::<I>(self.i, x)
    }
}

/// `dx_ik = dL_i · saved_ik`, where `saved` begins with the derivative of the loss with respect to each
/// input in turn, and `dL_i` is that of the element, of the row, or the one of all elements. A `saved_ik`
/// below [`Backward::limit`] counts as 0: softmax and sigmoid have tails.
pub(super) struct Saved {
    name: &'static str,
    inputs: usize,
}

impl Saved {
    /// For the derivative with respect to the first input alone.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, inputs: 1 }
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Scalar> Op<T> for Saved {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (saved, dy) = (cx.saved(), cx.dy());
        for i in 0..self.inputs {
            let limit = cx.limit(i);
            let Some((write, dx)) = cx.grad(i) else { continue };
            let saved = &saved[i * dx.len()..(i + 1) * dx.len()];
            if dx.len() == dy.len() {
                map([saved, dy], write, dx, move |[s, d]| d * s.zero_below(limit));
                continue;
            }
            let cols = (dx.len() / dy.len().max(1)).max(1);
            let rows = dx.chunks_exact_mut(cols).zip(saved.chunks_exact(cols));
            for ((dx, saved), &d) in rows.zip(dy) {
                map([saved], write, dx, move |[s]| d * s.zero_below(limit));
            }
        }
    }
}

/// A loss of each element, apart from its function.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a> {
    pub(super) name: &'static str,
    pub(super) reduction: Reduction,
    /// Whether the loss of a row is the mean of its elements' losses. Then rows are reduced, and not
    /// elements.
    pub(super) by_row: bool,
    /// The function's last arguments: a number for each column, or one for all.
    pub(super) columns: &'a [&'a [f64]],
    /// With respect to how many inputs the loss is differentiated, the first ones.
    pub(super) differentiable: usize,
}

impl Elements<'_> {
    /// The loss of each element of the first input, differentiated with respect to it.
    pub(super) fn new(name: &'static str, reduction: Reduction) -> Self {
        Self { name, reduction, by_row: false, columns: &[], differentiable: 1 }
    }
}

/// The losses of elements, reduced. All inputs have one shape.
///
/// Saves the derivatives, then the loss of each element, then the columns.
#[track_caller]
pub(super) fn pointwise<'t, T: Scalar, const V: usize, const N: usize>(
    loss: Elements<'_>,
    f: impl Pointwise<T, N>,
    inputs: [Var<'t, T>; V],
) -> Var<'t, T> {
    let Elements { name, reduction, by_row, columns, differentiable } = loss;
    let shape = inputs[0].shape();
    let len: usize = shape.iter().product();
    let cols = shape.last().copied().unwrap_or(1);
    let samples = shape.first().copied().unwrap_or(1);
    let denominator = match (by_row, reduction) {
        (false, _) => reduction.denominator(len, samples),
        (true, Reduction::Mean | Reduction::BatchMean) => len as f64,
        (true, Reduction::Sum | Reduction::None) => cols as f64,
    };
    let apart = reduction == Reduction::None;
    let op = Saved { name, inputs: differentiable };
    inputs[0].tape().apply(op, &inputs, |cx| {
        let vars: [&[T]; V] = array::from_fn(|i| cx.input(i).as_slice());
        let backward_follows = cx.differentiated();
        let to = match (apart, by_row) {
            (true, false) => &shape[..],
            (true, true) => &shape[..shape.len() - 1],
            (false, _) => &[],
        };
        let (y, saved) = cx.output_and_save(to, (differentiable + 1 + columns.len()) * len);
        let (derivatives, rest) = saved.split_at_mut(differentiable * len);
        let (losses, expanded) = rest.split_at_mut(len);
        for (column, numbers) in columns.iter().enumerate() {
            expand(numbers, cols, &mut expanded[column * len..][..len]);
        }
        let x: [&[T]; N] = array::from_fn(|i| match i < V {
            true => vars[i],
            false => &expanded[(i - V) * len..][..len],
        });
        if apart && !by_row {
            apply_rows(x, cols, Set, y, Value(f));
        } else {
            apply_rows(x, cols, Set, losses, Value(f));
        }
        let scale = T::from_f64(1.0 / denominator);
        if backward_follows {
            for (i, d) in derivatives.chunks_exact_mut(len.max(1)).enumerate() {
                apply_rows(x, cols, Set, d, Derivative { f, i, scale });
            }
        }
        match (apart, by_row) {
            (true, false) => {}
            (true, true) => {
                reduce::sum_cols(losses, cols, y);
                y.iter_mut().for_each(|y| *y /= T::from_f64(denominator));
            }
            (false, _) => y[0] = T::from_f64(reduce::sum(losses).to_f64() / denominator),
        }
    })
}

/// Repeats a number for each column, or the only one.
fn expand<T: Scalar>(numbers: &[f64], cols: usize, to: &mut [T]) {
    if let [number] = *numbers {
        return to.fill(T::from_f64(number));
    }
    for row in to.chunks_exact_mut(cols.max(1)) {
        row.iter_mut().zip(numbers).for_each(|(to, &number)| *to = T::from_f64(number));
    }
}
