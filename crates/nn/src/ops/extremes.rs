//! Maximum and minimum of two values, and along an axis.
//!
//! A NaN counts both as the maximum and as the minimum.

use fanin_tensor::Scalar;
use fanin_tensor::map::map;

use super::axes::{Along, without};
use crate::tape::{Backward, Op, Var};

/// `y = max(a, b)` or `min(a, b)`. The gradient goes to the input that y equals. If both are equal,
/// each gets half of it.
#[derive(Debug)]
struct Pick {
    larger: bool,
}

impl<T: Scalar> Op<T> for Pick {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (a, b, dy) = (cx.input(0).as_slice(), cx.input(1).as_slice(), cx.dy());
        let half = T::from_f64(0.5);
        // All of it if a is the result, or if either is NaN. Selected, because 0 times ∞ would be NaN.
        let share = move |dy: T, a: T, b: T| {
            if a == b {
                half * dy
            } else if a < b {
                T::ZERO
            } else {
                dy
            }
        };
        let larger = self.larger;
        let share = move |dy: T, own: T, other: T| match larger {
            true => share(dy, own, other),
            false => share(dy, other, own),
        };
        if let Some((write, da)) = cx.grad(0) {
            map([dy, a, b], write, da, move |[dy, a, b]| share(dy, a, b));
        }
        if let Some((write, db)) = cx.grad(1) {
            map([dy, a, b], write, db, move |[dy, a, b]| share(dy, b, a));
        }
    }
}

/// `y_{o,i} = max_k x_{o,k,i}` or the minimum. The elements that equal y share the gradient evenly.
/// The number of these elements is saved.
#[derive(Debug)]
struct Extreme {
    along: Along,
}

impl<T: Scalar> Op<T> for Extreme {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, y) = (cx.input(0).as_slice(), cx.output().as_slice());
        let (count, dy) = (cx.saved(), cx.dy());
        let (block, inner) = (self.along.block(), self.along.inner);
        let Some((write, dx)) = cx.grad(0) else { return };
        if x.is_empty() {
            return;
        }
        for (o, (x, dx)) in x.chunks_exact(block).zip(dx.chunks_exact_mut(block)).enumerate() {
            let at = o * inner..(o + 1) * inner;
            if let ([y], [count], [dy]) = (&y[at.clone()], &count[at.clone()], &dy[at.clone()]) {
                let (y, d) = (*y, *dy / *count);
                map([x], write, dx, move |[x]| if same(x, y) { d } else { T::ZERO });
                continue;
            }
            let (y, count, dy) = (&y[at.clone()], &count[at.clone()], &dy[at]);
            for (x, dx) in x.chunks_exact(inner).zip(dx.chunks_exact_mut(inner)) {
                map(
                    [x, y, count, dy],
                    write,
                    dx,
                    |[x, y, count, dy]| {
                        if same(x, y) { dy / count } else { T::ZERO }
                    },
                );
            }
        }
    }
}

#[inline(always)]
fn same<T: Scalar>(x: T, y: T) -> bool {
    x == y || x.is_nan() && y.is_nan()
}

#[inline(always)]
fn larger<T: Scalar>(a: T, b: T) -> T {
    if a >= b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn smaller<T: Scalar>(a: T, b: T) -> T {
    if a <= b || a.is_nan() { a } else { b }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        /// The larger of two values, element by element: `y = max(a, b)`.
        ///
        /// The gradient goes to the larger value. Equal values get half of it each, as in PyTorch.
        /// If either value is NaN, so is the result.
        ///
        /// # Shapes
        /// The shapes of both broadcast to one.
        ///
        /// # Panics
        /// **Panics** if the shapes do not broadcast.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (a, b) = (Tensor::from_vec(2, vec![1.0, 4.0]), Tensor::from_vec(2, vec![3.0, 2.0]));
        /// let y = Tape::new().value(|t| t.input(&a).maximum(t.input(&b)));
        /// assert_eq!(y.as_slice(), [3.0, 4.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn maximum(self, other: Self) -> Self {
            self.binary("maximum", other, Pick { larger: true }, |[a, b]| larger(a, b))
        }

        /// The smaller of two values, element by element: `y = min(a, b)`.
        ///
        /// Gradient and NaN are treated as in [`maximum`](Self::maximum).
        ///
        /// # Shapes
        /// The shapes of both broadcast to one.
        ///
        /// # Panics
        /// **Panics** if the shapes do not broadcast.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let (a, b) = (Tensor::from_vec(2, vec![1.0, 4.0]), Tensor::from_vec(2, vec![3.0, 2.0]));
        /// let y = Tape::new().value(|t| t.input(&a).minimum(t.input(&b)));
        /// assert_eq!(y.as_slice(), [1.0, 2.0]);
        /// ```
        #[must_use]
        #[track_caller]
        pub fn minimum(self, other: Self) -> Self {
            self.binary("minimum", other, Pick { larger: false }, |[a, b]| smaller(a, b))
        }

        /// The maximum of all elements, a scalar.
        ///
        /// Elements that equal the maximum share its gradient evenly, as in `torch.max(x)`. If any
        /// element is NaN, so is the result.
        ///
        /// # Panics
        /// **Panics** if there are no elements.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([2, 2], vec![1.0, 5.0, -7.0, 5.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).max()).item(), 5.0);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).min()).item(), -7.0);
        /// ```
        #[doc(alias = "amax")]
        #[must_use]
        #[track_caller]
        pub fn max(self) -> Self {
            self.extreme("max", None, true)
        }

        /// The minimum of all elements, a scalar. Gradient and NaN are treated as in
        /// [`max`](Self::max).
        ///
        /// # Panics
        /// **Panics** if there are no elements.
        #[doc(alias = "amin")]
        #[must_use]
        #[track_caller]
        pub fn min(self) -> Self {
            self.extreme("min", None, false)
        }

        /// The maximum along one axis. The result does not have this axis.
        ///
        /// Elements that equal the maximum share its gradient evenly, as in `torch.amax`.
        /// (`torch.max` with an axis gives all of it to one element.) A NaN along the axis gives
        /// NaN.
        ///
        /// # Panics
        /// **Panics** if the axis does not exist or has length 0.
        ///
        /// # Example
        /// ```
        /// use fanin_nn::{Tape, Tensor};
        /// let x = Tensor::from_vec([2, 3], vec![1.0, 2.0, 9.0, 4.0, 5.0, 6.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).max_axis(0)).as_slice(), [4.0, 5.0, 9.0]);
        /// assert_eq!(Tape::new().value(|t| t.input(&x).min_axis(1)).as_slice(), [1.0, 4.0]);
        /// ```
        #[doc(alias = "amax")]
        #[must_use]
        #[track_caller]
        pub fn max_axis(self, axis: usize) -> Self {
            self.extreme("max_axis", Some(axis), true)
        }

        /// The minimum along one axis. The result does not have this axis. Gradient and NaN are
        /// treated as in [`max_axis`](Self::max_axis).
        ///
        /// # Panics
        /// **Panics** if the axis does not exist or has length 0.
        #[doc(alias = "amin")]
        #[must_use]
        #[track_caller]
        pub fn min_axis(self, axis: usize) -> Self {
            self.extreme("min_axis", Some(axis), false)
        }

        #[track_caller]
        fn extreme<'n>(self, op: &'n str, axis: Option<usize>, largest: bool) -> Self {
            let from = self.shape();
            let (along, to) = match axis {
                Some(axis) => (Along::new(op, &from, axis), without(&from, axis)),
                None => (Along::all(&from), [][..].into()),
            };
            assert!(along.length > 0, "{op}: {from} has no elements to compare");
            self.tape().apply(Extreme { along }, &[self], |cx| {
                let x = cx.input(0).as_slice();
                let (y, count) = cx.output_and_save(&to, &to);
                if largest {
                    extremes(x, along, y, count, larger);
                } else {
                    extremes(x, along, y, count, smaller);
                }
            })
        }
    }
}

/// The extreme of each column of each block, and the number of elements equal to it.
fn extremes<T: Scalar>(
    x: &[T],
    along: Along,
    y: &mut [T],
    count: &mut [T],
    better: impl Fn(T, T) -> T + Copy,
) {
    let (block, inner) = (along.block(), along.inner);
    if x.is_empty() {
        return;
    }
    let results = y.chunks_exact_mut(inner).zip(count.chunks_exact_mut(inner));
    for (x, (y, count)) in x.chunks_exact(block).zip(results) {
        y.copy_from_slice(&x[..inner]);
        for row in x.chunks_exact(inner).skip(1) {
            y.iter_mut().zip(row).for_each(|(y, &x)| *y = better(*y, x));
        }
        // Adding ones to an f32 would stop at 2²⁴.
        if inner == 1 || along.length > 1 << 24 {
            for (i, (count, &y)) in count.iter_mut().zip(&*y).enumerate() {
                let column = x.iter().skip(i).step_by(inner);
                *count = T::from_f64(column.filter(|&&x| same(x, y)).count() as f64);
            }
            continue;
        }
        count.fill(T::ZERO);
        for row in x.chunks_exact(inner) {
            let columns = count.iter_mut().zip(&*y).zip(row);
            columns.for_each(|((count, &y), &x)| {
                if same(x, y) {
                    *count += T::ONE;
                }
            });
        }
    }
}
