//! Broadcasting and its transpose against ndarray's, for every way to repeat the axes of many shapes.

use fanin_tensor::broadcast::{expand, reduce_to};
use fanin_tensor::ndarray::{ArrayView, ArrayViewD, Axis, IxDyn};
use fanin_tensor::{Scalar, Write, parallel};

/// Whole numbers: every order of summation gives the same.
fn values<T: Scalar>(shape: &[usize]) -> Vec<T> {
    (0..shape.iter().product()).map(|i| T::from_f64((i * 31 % 17) as f64 - 8.0)).collect()
}

fn view<'a, T>(shape: &[usize], x: &'a [T]) -> ArrayViewD<'a, T> {
    ArrayView::from_shape(IxDyn(shape), x).unwrap()
}

/// The shapes that broadcast to `to`: each axis kept or 1, and without some leading axes.
fn sources(to: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![];
    for kept in 0..1usize << to.len() {
        let from: Vec<usize> = to
            .iter()
            .enumerate()
            .map(|(i, &len)| if kept >> i & 1 == 1 { len } else { 1 })
            .collect();
        let leading = from.iter().take_while(|&&len| len == 1).count();
        all.extend((0..=leading).map(|skipped| from[skipped..].to_vec()));
    }
    all
}

fn check<T: Scalar>(from: &[usize], to: &[usize]) {
    let (x, dy) = (values::<T>(from), values::<T>(to));
    let mut y = vec![T::from_f64(99.0); dy.len()];
    expand(&x, from, to, &mut y);
    assert_eq!(view(to, &y), view(from, &x).broadcast(to).unwrap(), "{from:?} to {to:?}");

    let aligned: Vec<usize> =
        std::iter::repeat_n(1, to.len() - from.len()).chain(from.iter().copied()).collect();
    let mut sums = view(to, &dy).to_owned();
    for (axis, _) in aligned.iter().zip(to).enumerate().filter(|(_, (a, b))| a != b) {
        let sum = sums.fold_axis(Axis(axis), T::ZERO, |&sum, &x| sum + x);
        sums = sum.insert_axis(Axis(axis));
    }
    let sums: Vec<T> = sums.iter().copied().collect();
    let mut dx = vec![T::from_f64(99.0); x.len()];
    reduce_to(&dy, to, from, Write::Set, &mut dx);
    assert_eq!(dx, sums, "{from:?} from {to:?}");
    dx.fill(T::ONE);
    reduce_to(&dy, to, from, Write::Add, &mut dx);
    assert!(dx.iter().zip(&sums).all(|(&dx, &sum)| dx == sum + T::ONE), "{from:?} from {to:?}");
}

#[test]
fn every_way_to_repeat_axes() {
    let shapes: [&[usize]; 17] = [
        &[],
        &[1],
        &[7],
        &[3, 5],
        &[40, 33],
        &[2, 1, 3],
        &[5, 4, 3],
        &[2, 3, 1, 2],
        &[3, 2, 5, 4],
        &[2, 3, 2, 3, 2],
        &[2, 2, 2, 2, 2, 2, 2, 2, 2],
        &[0],
        &[0, 3],
        &[3, 0],
        &[2, 0, 3],
        // Long enough for two threads, and rows longer than a block of a sum.
        &[100, 500],
        &[3, 3000],
    ];
    for to in shapes {
        for from in sources(to) {
            check::<f32>(&from, to);
            check::<f64>(&from, to);
        }
    }
}

/// More axes that alternate than fit the stack.
#[test]
fn twelve_alternating_axes() {
    let to = [2; 12];
    for odd in [0, 1] {
        let from: Vec<usize> = (0..12).map(|i| 1 + usize::from(i % 2 == odd)).collect();
        check::<f32>(&from, &to);
    }
}

#[test]
fn threads_change_no_bit() {
    let to = [300, 7, 40];
    let dy: Vec<f32> = (0..300 * 7 * 40).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect();
    for from in sources(&to) {
        let results = |threads| {
            parallel::set_num_threads(threads);
            let mut dx = vec![0.5; from.iter().product()];
            reduce_to(&dy, &to, &from, Write::Add, &mut dx);
            let mut y = vec![0.0; dy.len()];
            expand(&dx, &from, &to, &mut y);
            [dx, y].concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let one = results(1);
        assert!(results(2) == one && results(3) == one, "{from:?}");
    }
}

#[test]
#[should_panic(expected = "expand: 2×3 with 6 elements, repeated to 4×3 with 12 elements")]
fn a_length_that_is_not_1_is_not_repeated() {
    expand(&[0.0f32; 6], &[2, 3], &[4, 3], &mut [0.0; 12]);
}

#[test]
#[should_panic(expected = "reduce_to: 3 with 3 elements, repeated to 2×3 with 5 elements")]
fn a_slice_of_another_length_than_its_shape() {
    reduce_to(&[0.0f32; 5], &[2, 3], &[3], Write::Set, &mut [0.0; 3]);
}
