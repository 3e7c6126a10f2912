//! Broadcasting between shapes, and its transpose, the sum over the repeated axes.
//!
//! Shapes are aligned at their last axes, by NumPy's rule. An axis of length 1, or a missing one, is
//! repeated. Neighbouring axes that are both repeated, or both kept, are one axis: so the two kinds
//! alternate, and the innermost axis is a fill, a copy or a sum over adjacent elements.

use std::ops::Range;

use crate::once::once;
use crate::split::Split;
use crate::{Scalar, Write, parallel, reduce, scratch, show_shape};

/// Merged axes that need no heap. Unmerged shapes may have more.
const FEW: usize = 8;

/// Elements that are copied at once while a run is repeated: they stay in the first cache.
const COPIED: usize = 2048;

once! {
    /// `y = x`, repeated along the axes that `to` adds to `from`.
    ///
    /// # Shapes
    /// x `from`, y `to`. Aligned at the last axes, each axis of `from` is 1 or that of `to`.
    ///
    /// # Panics
    /// **Panics** if the shapes do not fit each other or the slices.
    ///
    /// # Example
    /// ```
    /// let mut y = [0.0f32; 6];
    /// fanin_tensor::broadcast::expand(&[1.0, 2.0], &[2, 1], &[2, 3], &mut y);
    /// assert_eq!(y, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    /// ```
    pub fn expand(x: &[T], from: &[usize], to: &[usize], y: &mut [T]) = expand_generic;

    /// `dx = Σ dy` or `dx += Σ dy`, over the axes that [`expand`] repeats: its derivative.
    ///
    /// # Shapes
    /// dy `to`, dx `from`. Aligned at the last axes, each axis of `from` is 1 or that of `to`.
    ///
    /// # Panics
    /// **Panics** if the shapes do not fit each other or the slices.
    ///
    /// # Example
    /// ```
    /// use fanin_tensor::{Write, broadcast};
    ///
    /// let mut dx = [0.5f32; 2];
    /// broadcast::reduce_to(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], &[2, 1], Write::Add, &mut dx);
    /// assert_eq!(dx, [6.5, 15.5]);
    /// ```
    pub fn reduce_to(dy: &[T], to: &[usize], from: &[usize], write: Write, dx: &mut [T])
        = reduce_to_generic;
}

#[track_caller]
fn expand_generic<T: Scalar>(x: &[T], from: &[usize], to: &[usize], y: &mut [T]) {
    check("expand", from, x.len(), to, y.len());
    if y.is_empty() {
        return;
    }
    with_axes(from, to, |axes| {
        let Some((&Axis { len, repeated }, inner)) = axes.split_first() else {
            return y.copy_from_slice(x);
        };
        let (cols, step) = (y.len() / len, if repeated { 0 } else { x.len() / len });
        let split = Split::along(false, len, cols, y.len(), y.len() / 8);
        in_rows(split, cols, y, |rows, y| {
            let x = if repeated { x } else { &x[rows.start * step..rows.end * step] };
            with_first(Axis { len: rows.len(), repeated }, inner, |axes| expand_axes(x, axes, y));
        });
    });
}

/// Calls `f` with the rows of each piece, and with its part of y, whose rows have `cols` elements.
fn in_rows<T: Scalar>(
    split: Split,
    cols: usize,
    y: &mut [T],
    f: impl Fn(Range<usize>, &mut [T]) + Sync,
) {
    let start = parallel::Shared(y.as_mut_ptr());
    parallel::run(split.pieces(), |i| {
        let (start, (rows, _)) = (&start, split.part(i));
        let (first, len) = (rows.start * cols, rows.len() * cols);
        // SAFETY: rows of different pieces do not overlap, and lie in `y`, which is borrowed.
        f(rows, unsafe { std::slice::from_raw_parts_mut(start.0.add(first), len) });
    });
}

/// [`expand`] for merged axes. No axis has length 0.
fn expand_axes<T: Scalar>(x: &[T], axes: &[Axis], y: &mut [T]) {
    match axes {
        [] | [Axis { repeated: false, .. }] => y.copy_from_slice(x),
        [Axis { repeated: true, .. }] => y.fill(x[0]),
        [Axis { repeated: false, .. }, Axis { len, .. }] => {
            for (y, &x) in y.chunks_exact_mut(*len).zip(x) {
                y.fill(x);
            }
        }
        [Axis { len, repeated: false }, inner @ ..] => {
            let (xs, ys) = (x.chunks_exact(x.len() / len), y.len() / len);
            xs.zip(y.chunks_exact_mut(ys)).for_each(|(x, y)| expand_axes(x, inner, y));
        }
        [Axis { len, repeated: true }, inner @ ..] => {
            let first = y.len() / len;
            expand_axes(x, inner, &mut y[..first]);
            // Each copy doubles what there is, as long as it stays in the first cache.
            let most = first * (COPIED / first).max(1);
            let mut done = first;
            while done < y.len() {
                let count = done.min(most).min(y.len() - done);
                y.copy_within(..count, done);
                done += count;
            }
        }
    }
}

#[track_caller]
fn reduce_to_generic<T: Scalar>(
    dy: &[T],
    to: &[usize],
    from: &[usize],
    write: Write,
    dx: &mut [T],
) {
    check("reduce_to", from, dx.len(), to, dy.len());
    if dy.is_empty() {
        if write == Write::Set {
            dx.fill(T::ZERO);
        }
        return;
    }
    with_axes(from, to, |axes| {
        let Some((&Axis { len, repeated: false }, inner)) = axes.split_first() else {
            return reduce_axes(dy, axes, write, dx);
        };
        let (cols, step) = (dy.len() / len, dx.len() / len);
        let split = Split::along(false, len, cols, dy.len(), dy.len() / 16);
        in_rows(split, step, dx, |rows, dx| {
            let dy = &dy[rows.start * cols..rows.end * cols];
            let outer = Axis { len: rows.len(), repeated: false };
            with_first(outer, inner, |axes| reduce_axes(dy, axes, write, dx));
        });
    });
}

/// [`reduce_to`] for merged axes. No axis has length 0.
fn reduce_axes<T: Scalar>(dy: &[T], axes: &[Axis], write: Write, dx: &mut [T]) {
    match axes {
        [] | [Axis { repeated: false, .. }] => match write {
            Write::Set => dx.copy_from_slice(dy),
            Write::Add => dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy),
        },
        [Axis { repeated: true, .. }] => {
            let sum = reduce::sum(dy);
            dx[0] = if write == Write::Add { dx[0] + sum } else { sum };
        }
        [Axis { repeated: true, .. }, Axis { .. }] => reduce::sum_rows(dy, write, dx),
        [Axis { repeated: false, .. }, Axis { len, .. }] => {
            reduce::sum_cols_into(dy, *len, write, dx);
        }
        [Axis { len, repeated: false }, inner @ ..] => {
            let (dys, dxs) = (dy.chunks_exact(dy.len() / len), dx.len() / len);
            dys.zip(dx.chunks_exact_mut(dxs))
                .for_each(|(dy, dx)| reduce_axes(dy, inner, write, dx));
        }
        [Axis { len, repeated: true }, inner @ ..] => reduce_outer(dy, *len, inner, write, dx),
    }
}

/// Places of a repeated outer axis that are summed in plain order.
const PLAIN: usize = 8;

/// [`reduce_axes`] where the outermost axis is repeated: the sum of both halves.
fn reduce_outer<T: Scalar>(dy: &[T], len: usize, inner: &[Axis], write: Write, dx: &mut [T]) {
    let place = dy.len() / len;
    if len <= PLAIN {
        let mut write = write;
        for dy in dy.chunks_exact(place) {
            reduce_axes(dy, inner, write, dx);
            write = Write::Add;
        }
        return;
    }
    let half = (len / 2).next_multiple_of(PLAIN);
    let (first, second) = dy.split_at(half * place);
    reduce_outer(first, half, inner, write, dx);
    scratch::with(dx.len(), |rest| {
        reduce_outer(second, len - half, inner, Write::Set, rest);
        dx.iter_mut().zip(rest).for_each(|(dx, rest)| *dx += *rest);
    });
}

/// Neighbouring axes of one kind, as one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    /// How many places it has in the larger shape.
    len: usize,
    /// Whether the smaller shape has one place instead.
    repeated: bool,
}

/// Lends the merged axes, outermost first, to `f`. Axes of length 1 in both shapes are left out.
fn with_axes(from: &[usize], to: &[usize], f: impl FnOnce(&[Axis])) {
    let (mut few, mut many) = ([Axis { len: 1, repeated: false }; FEW], vec![]);
    let mut count = 0;
    let missing = to.len() - from.len();
    for (i, &len) in to.iter().enumerate().filter(|(_, len)| **len != 1) {
        let axis = Axis { len, repeated: i < missing || from[i - missing] != len };
        let axes = if many.is_empty() { &mut few[..count] } else { &mut many[..] };
        match axes.last_mut() {
            Some(last) if last.repeated == axis.repeated => last.len *= len,
            _ if count < FEW => {
                few[count] = axis;
                count += 1;
            }
            _ => {
                if many.is_empty() {
                    many.extend(few);
                }
                many.push(axis);
            }
        }
    }
    f(if many.is_empty() { &few[..count] } else { &many });
}

/// Lends `outer` and the axes inside it to `f`.
fn with_first(outer: Axis, inner: &[Axis], f: impl FnOnce(&[Axis])) {
    if inner.len() < FEW {
        let mut few = [outer; FEW];
        few[1..=inner.len()].copy_from_slice(inner);
        f(&few[..=inner.len()]);
    } else {
        f(&[&[outer], inner].concat());
    }
}

#[track_caller]
fn check(op: &str, from: &[usize], x: usize, to: &[usize], y: usize) {
    let aligned = from.iter().rev().zip(to.iter().rev());
    let fits = from.len() <= to.len() && aligned.into_iter().all(|(&a, &b)| a == b || a == 1);
    let len = |shape: &[usize]| shape.iter().product::<usize>();
    if !fits || len(from) != x || len(to) != y {
        bad_shapes(op, from, x, to, y);
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_shapes(op: &str, from: &[usize], x: usize, to: &[usize], y: usize) -> ! {
    panic!(
        "{op}: {} with {x} elements, repeated to {} with {y} elements: only missing axes and axes of \
         length 1 can be repeated",
        show_shape(from),
        show_shape(to)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(from: &[usize], to: &[usize]) -> Vec<(usize, bool)> {
        let mut axes = vec![];
        with_axes(from, to, |all| axes = all.iter().map(|a| (a.len, a.repeated)).collect());
        axes
    }

    #[test]
    fn neighbouring_axes_of_one_kind_are_one() {
        assert_eq!(axes(&[2, 3], &[4, 5, 2, 3]), [(20, true), (6, false)]);
        assert_eq!(axes(&[2, 1, 1, 1], &[2, 3, 1, 4]), [(2, false), (12, true)]);
        assert_eq!(axes(&[1, 1], &[1, 1]), []);
        assert_eq!(axes(&[1, 7, 1], &[5, 7, 3]), [(5, true), (7, false), (3, true)]);
        let (mut from, to) = ([2; 20], [2; 20]);
        from.iter_mut().step_by(2).for_each(|len| *len = 1);
        let alternating: Vec<_> = (0..20).map(|i| (2, i % 2 == 0)).collect();
        assert_eq!(axes(&from, &to), alternating);
    }
}
