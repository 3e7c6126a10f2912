//! Reductions against ndarray's in f64, and their errors over long axes.

use fanin_tensor::Tensor;
use fanin_tensor::ndarray::Axis;

use crate::{panic_here, values};

#[test]
fn sums_and_means() {
    let shapes: [&[usize]; 7] =
        [&[5], &[7, 9], &[1, 4], &[3, 4, 5], &[2, 1, 3, 2], &[40, 300], &[1500, 3]];
    for shape in shapes {
        let x = Tensor::from_vec(shape, values(shape.iter().product()));
        let exact = x.cast::<f64>();
        let near = |a: f32, b: f64| assert!((f64::from(a) - b).abs() < 1e-4, "{a} {b} {shape:?}");
        near(x.sum(), exact.view().sum());
        near(x.mean(), exact.view().mean().unwrap());
        for axis in 0..shape.len() {
            for (got, want) in [
                (x.sum_axis(axis), exact.view().sum_axis(Axis(axis))),
                (x.mean_axis(axis), exact.view().mean_axis(Axis(axis)).unwrap()),
            ] {
                assert_eq!(got.shape(), want.shape());
                got.iter().zip(&want).for_each(|(&got, &want)| near(got, want));
            }
        }
    }
    assert!(Tensor::<f32>::zeros([0, 2]).mean().is_nan());
    assert_eq!(Tensor::<f32>::zeros([0, 2]).sum_axis(0).as_slice(), [0.0; 2]);
    assert_eq!(Tensor::<f32>::zeros([2, 0]).sum_axis(1).as_slice(), [0.0; 2]);
    assert!(Tensor::<f32>::zeros([2, 0]).mean_axis(1).iter().all(|x| x.is_nan()));
}

/// One after the other, 60,000 summands of 0.1 would be wrong by 6e-4.
#[test]
fn long_sums_are_trees() {
    let exact = 60_000.0 * f64::from(0.1f32);
    let close = |sum: f32| assert!((f64::from(sum) / exact - 1.0).abs() < 1e-5, "{sum}");
    let long = Tensor::full([60_000, 3], 0.1f32);
    close(long.sum() / 3.0);
    long.sum_axis(0).iter().for_each(|&sum| close(sum));
    long.mean_axis(0).iter().for_each(|&mean| close(mean * 60_000.0));
    Tensor::full([3, 60_000], 0.1f32).sum_axis(1).iter().for_each(|&sum| close(sum));
    Tensor::full([2, 60_000, 2], 0.1f32).sum_axis(1).iter().for_each(|&sum| close(sum));
}

#[test]
fn extremes() {
    for len in [1, 15, 16, 17, 1000] {
        let x = Tensor::from(values(len));
        assert_eq!(x.max(), x.iter().copied().fold(f32::MIN, f32::max));
        assert_eq!(x.min(), x.iter().copied().fold(f32::MAX, f32::min));
    }
    let with_nan = Tensor::from([1.0f32, f32::NAN, 2.0]);
    assert!(with_nan.max().is_nan() && with_nan.min().is_nan());
    let infinite = Tensor::from([f32::NEG_INFINITY; 2]);
    assert_eq!((infinite.max(), infinite.min()), (f32::NEG_INFINITY, f32::NEG_INFINITY));
    let none = Tensor::<f32>::zeros([2, 0]);
    assert_eq!(panic_here(|| none.max()), "max: a tensor 2×0 has no elements");
    assert_eq!(panic_here(|| none.min()), "min: a tensor 2×0 has no elements");
}

#[test]
fn extremes_along_an_axis() {
    for shape in [&[5][..], &[7, 9], &[1, 4], &[3, 4, 5], &[2, 1, 3, 2]] {
        let x = Tensor::from_vec(shape, values(shape.iter().product()));
        for axis in 0..shape.len() {
            let of = |f: fn(f32, f32) -> f32, first: f32| {
                x.view().fold_axis(Axis(axis), first, |&a, &b| f(a, b))
            };
            let (max, min) = (of(f32::max, f32::MIN), of(f32::min, f32::MAX));
            assert_eq!(x.max_axis(axis).shape(), max.shape());
            assert!(x.max_axis(axis).iter().eq(&max), "{shape:?} {axis}");
            assert!(x.min_axis(axis).iter().eq(&min), "{shape:?} {axis}");
        }
    }
    let with_nan = Tensor::from([[1.0f32, f32::NAN], [2.0, 0.0], [f32::NAN, 3.0]]);
    assert!(with_nan.max_axis(0).iter().chain(with_nan.min_axis(0).iter()).all(|x| x.is_nan()));
    assert_eq!(with_nan.max_axis(1).as_slice()[1], 2.0);
    assert_eq!(Tensor::<f32>::zeros([0, 4]).max_axis(1).shape(), [0]);
    assert_eq!(Tensor::<f32>::zeros([3, 0]).max_axis(0).shape(), [0]);
    let none = Tensor::<f32>::zeros([2, 0]);
    assert_eq!(panic_here(|| none.max_axis(1)), "max_axis: axis 1 of a tensor 2×0 has length 0");
    assert_eq!(panic_here(|| none.min_axis(2)), "min_axis: a tensor 2×0 has no axis 2");
}

#[test]
fn argmax_along_the_last_axis() {
    let x = Tensor::from([[1.0f32, 3.0, 3.0], [f32::NAN, 9.0, 1.0], [-2.0, -3.0, -1.0]]);
    assert_eq!(x.argmax(), [1, 0, 2]);
    assert_eq!(Tensor::from([1.0f32, 2.0]).argmax(), [1]);
    assert_eq!(Tensor::scalar(1.0f32).argmax(), [0]);
    assert_eq!(x.reshape([3, 1, 3]).argmax(), [1, 0, 2]);
    assert_eq!(Tensor::<f32>::zeros([0, 4]).argmax(), [0; 0]);
    let none = Tensor::<f32>::zeros([2, 0]);
    assert_eq!(panic_here(|| none.argmax()), "argmax: the rows of a tensor 2×0 are empty");
}

#[test]
fn an_axis_that_is_not_there() {
    let x = Tensor::<f32>::zeros([2, 3]);
    assert_eq!(panic_here(|| x.sum_axis(2)), "sum_axis: a tensor 2×3 has no axis 2");
    assert_eq!(panic_here(|| x.mean_axis(2)), "mean_axis: a tensor 2×3 has no axis 2");
}
