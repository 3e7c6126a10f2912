//! Elementwise kernels: `y = f(x₁, x₂, …)` over slices of one length.
//!
//! f is a closure. It is a [`Function`] if it calls [`vmath`](crate::vmath), which needs to know the
//! instruction set. Write `move` before a closure that captures numbers: they then stay in registers. A
//! captured reference is read again for each element, since the results might overlap it.

use std::ops::Range;

use crate::simd::{Isa, Kernel, dispatch};
use crate::split::{GRAIN, Split, runs};
use crate::{Mode, Scalar, parallel};

/// A function of `N` numbers that is inlined into a vectorized loop.
pub trait Function<T, const N: usize>: Copy + Sync {
    /// An estimate of the picoseconds for one element on one thread. It decides about threads only.
    fn picos(&self) -> usize {
        100
    }

    /// The value for one element of each input.
    fn at<I: Isa>(&self, x: [T; N]) -> T;

    /// Whether [`at`](Self::at) holds for all numbers. A function without branches may be wrong far from 0.
    const EVERYWHERE: bool = true;

    /// Whether [`at`](Self::at) holds for these numbers.
    fn holds(&self, x: [T; N]) -> bool {
        let _ = x;
        true
    }

    /// The value where [`at`](Self::at) does not hold. It may have branches and calls.
    fn elsewhere(&self, x: [T; N]) -> T {
        unreachable!("`at` holds for all {} numbers", x.len())
    }
}

/// `y = f(x₁, …)` or `y += f(x₁, …)`.
///
/// # Panics
/// **Panics** if the slices differ in length.
///
/// # Example
/// ```
/// use fanin_tensor::{Write, map::map};
///
/// let mut y = [0.0f32; 3];
/// map([&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]], Write::Set, &mut y, |[a, b]| a * b);
/// assert_eq!(y, [4.0, 10.0, 18.0]);
/// ```
#[track_caller]
pub fn map<T: Scalar, const N: usize>(
    inputs: [&[T]; N],
    write: impl Mode,
    y: &mut [T],
    f: impl Fn([T; N]) -> T + Copy + Sync,
) {
    #[derive(Clone, Copy)]
    struct Closure<F>(F);
    impl<T, const N: usize, F: Fn([T; N]) -> T + Copy + Sync> Function<T, N> for Closure<F> {
        #[inline(always)]
        fn at<I: Isa>(&self, x: [T; N]) -> T {
            (self.0)(x)
        }
    }
    apply(inputs, write, y, Closure(f));
}

/// [`map`] for a [`Function`].
///
/// # Panics
/// **Panics** if the slices differ in length.
#[track_caller]
pub fn apply<T: Scalar, const N: usize>(
    inputs: [&[T]; N],
    write: impl Mode,
    y: &mut [T],
    f: impl Function<T, N>,
) {
    apply_rows(inputs, y.len(), write, y, f);
}

/// [`apply`] to a matrix with rows of `cols` elements. It is divided among threads like the product that
/// computed it, so each thread finds its part in its own cache.
///
/// # Panics
/// **Panics** if the slices differ in length, or are not whole rows.
#[track_caller]
pub fn apply_rows<T: Scalar, const N: usize>(
    inputs: [&[T]; N],
    cols: usize,
    write: impl Mode,
    y: &mut [T],
    f: impl Function<T, N>,
) {
    check(&inputs, y.len());
    if y.is_empty() {
        return;
    }
    // A division takes longer than the work on a short row.
    let rows = if y.len() == cols { 1 } else { y.len().checked_div(cols).unwrap_or(0) };
    assert!(rows * cols == y.len(), "apply_rows: {} elements in rows of {cols}", y.len());
    let nanos = y.len().saturating_mul(f.picos()) / 1000;
    let start = parallel::Shared(y.as_mut_ptr());
    in_parts(rows, cols, nanos, &move |part| {
        let start = &start;
        // SAFETY: parts do not overlap and lie in `y`, which is borrowed.
        let y = unsafe { std::slice::from_raw_parts_mut(start.0.add(part.start), part.len()) };
        let inputs = inputs.map(|x| &x[part.clone()]);
        // What is to be added is computed into a block first, so that the loop is compiled once.
        let mut block = [T::ZERO; BLOCK];
        let step = if write.adds() { BLOCK } else { y.len() };
        let mut first = 0;
        while first < y.len() {
            let end = y.len().min(first + step);
            let out = match write.adds() {
                true => &mut block[..end - first],
                false => &mut y[first..end],
            };
            dispatch(Loop { inputs: inputs.map(|x| &x[first..end]), y: out, f });
            if write.adds() {
                add_to(&mut y[first..end], &block[..end - first]);
            }
            first = end;
        }
    });
}

/// `y = f(y)`, on the calling thread: for the [epilogue](crate::gemm::gemm_epilogue) of a product.
///
/// # Example
/// ```
/// use fanin_tensor::map::{Function, apply_in_place};
/// use fanin_tensor::simd::Isa;
/// use fanin_tensor::vmath::Math;
///
/// #[derive(Clone, Copy)]
/// struct Tanh;
/// impl Function<f32, 1> for Tanh {
///     fn at<I: Isa>(&self, [x]: [f32; 1]) -> f32 {
///         x.vtanh::<I>()
///     }
/// }
/// let mut y = [0.0, 100.0];
/// apply_in_place(&mut y, Tanh);
/// assert_eq!(y, [0.0, 1.0]);
/// ```
pub fn apply_in_place<T: Scalar>(y: &mut [T], f: impl Function<T, 1>) {
    dispatch(InPlace { y, f });
}

/// Calls `kernel` with ranges that together are `rows · cols` elements, on as many threads as work of
/// `nanos` nanoseconds is worth. Not generic: the kernel of a function is compiled in one place.
fn in_parts(rows: usize, cols: usize, nanos: usize, kernel: &(dyn Fn(Range<usize>) + Sync)) {
    let split = Split::new(rows, cols, rows * cols, nanos);
    if split.pieces() <= 1 {
        return kernel(0..rows * cols);
    }
    parallel::run(split.pieces(), move |i| {
        let (rows, columns) = split.part(i);
        runs(rows, columns, cols).for_each(kernel);
    });
}

/// Updates `M` slices together, as an optimizer updates a parameter and its moments. For each index, `f`
/// gets the elements of the `M` slices and of the `N` inputs, and returns the new elements of the slices.
///
/// # Panics
/// **Panics** if the slices differ in length.
///
/// # Example
/// ```
/// let (mut p, mut v) = ([1.0f32, 2.0], [0.0, 1.0]);
/// fanin_tensor::map::update([&mut p, &mut v], [&[0.5, 0.5]], |[p, v], [g]| {
///     let v = 0.9 * v + g;
///     [p - 0.1 * v, v]
/// });
/// assert_eq!((p, v), ([0.95, 1.86], [0.5, 1.4]));
/// ```
#[track_caller]
pub fn update<T: Scalar, const M: usize, const N: usize>(
    state: [&mut [T]; M],
    inputs: [&[T]; N],
    f: impl Fn([T; M], [T; N]) -> [T; M] + Copy + Sync,
) {
    let len = state[0].len();
    check(&inputs, len);
    check(&state.each_ref().map(|s| &**s), len);
    let pieces = parallel::pieces(len * (M + N) / 8);
    parallel::split_each(state, GRAIN, pieces, move |first, state| {
        let inputs = inputs.map(|x| &x[first..first + state[0].len()]);
        dispatch(Update { state, inputs, f });
    });
}

struct Update<'a, T, F, const M: usize, const N: usize> {
    state: [&'a mut [T]; M],
    inputs: [&'a [T]; N],
    f: F,
}

impl<T, F, const M: usize, const N: usize> Kernel for Update<'_, T, F, M, N>
where
    T: Scalar,
    F: Fn([T; M], [T; N]) -> [T; M],
{
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { state, inputs, f } = self;
        let len = state[0].len();
        check(&inputs, len);
        check(&state.each_ref().map(|s| &**s), len);
        let mut i = 0;
        while i < len {
            let mut old = [T::ZERO; M];
            let mut m = 0;
            while m < M {
                // Unchecked, because a loop with checks is not vectorized.
                // SAFETY: i < len, and every slice has len elements.
                old[m] = unsafe { *state[m].get_unchecked(i) };
                m += 1;
            }
            // SAFETY: as above.
            let next = f(old, unsafe { at(&inputs, i) });
            let mut m = 0;
            while m < M {
                // SAFETY: as above.
                unsafe { *state[m].get_unchecked_mut(i) = next[m] };
                m += 1;
            }
            i += 1;
        }
    }
}

#[track_caller]
fn check<T, const N: usize>(inputs: &[&[T]; N], len: usize) {
    for x in inputs {
        if x.len() != len {
            bad_lengths(&inputs.map(<[T]>::len), len);
        }
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_lengths(inputs: &[usize], len: usize) -> ! {
    panic!("map: inputs of {inputs:?} elements do not fit an output of {len}")
}

/// The elements at index i.
///
/// # Safety
/// Every input must have more than i elements.
#[inline(always)]
unsafe fn at<T: Scalar, const N: usize>(inputs: &[&[T]; N], i: usize) -> [T; N] {
    let mut x = [T::ZERO; N];
    let mut n = 0;
    while n < N {
        // SAFETY: the caller's promise.
        x[n] = unsafe { *inputs[n].get_unchecked(i) };
        n += 1;
    }
    x
}

struct Loop<'a, T, F, const N: usize> {
    inputs: [&'a [T]; N],
    y: &'a mut [T],
    f: F,
}

impl<T: Scalar, F: Function<T, N>, const N: usize> Kernel for Loop<'_, T, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { inputs, y, f } = self;
        let len = y.len();
        check(&inputs, len);
        // Plain loops: an iterator adapter is compiled again for each function and instruction set.
        if !F::EVERYWHERE {
            let (mut i, mut holds) = (0, true);
            while i < len {
                // SAFETY: as below.
                holds &= f.holds(unsafe { at(&inputs, i) });
                i += 1;
            }
            if !holds {
                for (i, y) in y.iter_mut().enumerate() {
                    // SAFETY: as below.
                    let x = unsafe { at(&inputs, i) };
                    *y = if f.holds(x) { f.at::<I>(x) } else { f.elsewhere(x) };
                }
                return;
            }
        }
        let mut i = 0;
        while i < len {
            // Unchecked, because a loop with checks is not vectorized.
            // SAFETY: i < len, and y and every input have len elements.
            unsafe { *y.get_unchecked_mut(i) = f.at::<I>(at(&inputs, i)) };
            i += 1;
        }
    }
}

struct InPlace<'a, T, F> {
    y: &'a mut [T],
    f: F,
}

impl<T: Scalar, F: Function<T, 1>> Kernel for InPlace<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { y, f } = self;
        if F::EVERYWHERE || y.iter().fold(true, |holds, &y| holds & f.holds([y])) {
            for y in y {
                *y = f.at::<I>([*y]);
            }
        } else {
            for y in y {
                *y = if f.holds([*y]) { f.at::<I>([*y]) } else { f.elsewhere([*y]) };
            }
        }
    }
}

/// How many elements are computed before they are added: a kilobyte of `f32`.
const BLOCK: usize = 256;

/// `y += terms`
#[inline(never)]
fn add_to<T: Scalar>(y: &mut [T], terms: &[T]) {
    for (y, &term) in y.iter_mut().zip(terms) {
        *y += term;
    }
}
