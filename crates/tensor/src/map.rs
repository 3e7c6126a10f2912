//! Element by element: `y = f(x₁, x₂, …)` over slices of one length.
//!
//! A [`Function`] is what happens to one element. A closure is one; a struct is one that calls the
//! functions of [`vmath`](crate::vmath), which want to know the instruction set.

use crate::gemm::Write;
use crate::simd::{Isa, Kernel, dispatch};
use crate::{Scalar, parallel};

/// A function of `N` numbers, inlined into a vectorized loop.
pub trait Function<T, const N: usize>: Sync {
    /// About how long an element takes on one thread, in picoseconds: decides about threads alone.
    fn picos(&self) -> usize {
        100
    }

    /// The value for one element of each input.
    fn at<I: Isa>(&self, x: [T; N]) -> T;
}

impl<T, const N: usize, F: Fn([T; N]) -> T + Sync> Function<T, N> for F {
    #[inline(always)]
    fn at<I: Isa>(&self, x: [T; N]) -> T {
        self(x)
    }
}

/// `y = f(x₁, …)` or `y += f(x₁, …)`.
///
/// # Panics
/// **Panics** if the slices differ in length.
///
/// # Example
/// ```
/// use fanin_tensor::{gemm::Write, map::map};
///
/// let mut y = [0.0f32; 3];
/// map([&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]], Write::Set, &mut y, |[a, b]| a * b);
/// assert_eq!(y, [4.0, 10.0, 18.0]);
/// ```
#[track_caller]
pub fn map<T: Scalar, const N: usize>(
    inputs: [&[T]; N],
    write: Write,
    y: &mut [T],
    f: impl Function<T, N>,
) {
    check(&inputs, y.len());
    let pieces = parallel::pieces(y.len() * f.picos() / 1000);
    parallel::split_rows(y, 1, pieces, |first, y| {
        let inputs = inputs.map(|x| &x[first..first + y.len()]);
        dispatch(Loop { inputs, write, y, f: &f });
    });
}

#[track_caller]
fn check<T, const N: usize>(inputs: &[&[T]; N], len: usize) {
    if inputs.iter().any(|x| x.len() != len) {
        bad_lengths(&inputs.map(<[T]>::len), len);
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_lengths(inputs: &[usize], len: usize) -> ! {
    panic!("map: inputs of {inputs:?} elements do not fit an output of {len}")
}

struct Loop<'a, T, F, const N: usize> {
    inputs: [&'a [T]; N],
    write: Write,
    y: &'a mut [T],
    f: &'a F,
}

impl<T: Scalar, F: Function<T, N>, const N: usize> Kernel for Loop<'_, T, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { inputs, write, y, f } = self;
        let inputs = inputs.map(|x| &x[..y.len()]);
        let value = |i: usize| f.at::<I>(std::array::from_fn(|n| inputs[n][i]));
        match write {
            Write::Set => y.iter_mut().enumerate().for_each(|(i, y)| *y = value(i)),
            Write::Add => y.iter_mut().enumerate().for_each(|(i, y)| *y += value(i)),
        }
    }
}
