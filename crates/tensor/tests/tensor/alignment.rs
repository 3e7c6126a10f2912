//! What the library allocates begins at a cache line, whatever made or changed it.

use fanin_tensor::ndarray::{Array2, ArrayD, s};
use fanin_tensor::{Scalar, Tensor};

#[track_caller]
fn aligned<T: Scalar>(x: &Tensor<T>) {
    let at = x.as_slice().as_ptr().addr();
    assert!(at.is_multiple_of(64) || x.len() == 0, "{at:#x}, shape {:?}", x.shape());
    assert_eq!(x.len(), x.shape().iter().product::<usize>());
}

const SHAPES: [&[usize]; 12] = [
    &[],
    &[0],
    &[1],
    &[3],
    &[7, 0],
    &[2, 3],
    &[5, 7],
    &[16, 16],
    &[3, 1, 4, 1, 5],
    &[31, 33],
    &[1000, 11],
    // malloc maps such sizes, and puts its own words in front.
    &[300, 1001],
];

fn every_constructor<T: Scalar>() {
    for shape in SHAPES {
        let len = shape.iter().product::<usize>();
        let filled = Tensor::full(shape, T::ONE);
        // Shift the allocator between cases.
        let keep: Vec<Vec<u8>> = (0..3).map(|i| vec![0; 24 + 16 * i]).collect();
        aligned(&filled);
        aligned(&Tensor::<T>::zeros(shape));
        aligned(&Tensor::<T>::ones(shape));
        aligned(&Tensor::<T>::default());
        aligned(&Tensor::scalar(T::ONE));
        aligned(&Tensor::from_vec(shape, vec![T::ONE; len]));
        aligned(&Tensor::from(vec![T::ONE; len]));
        aligned(&Tensor::from(&vec![T::ONE; len][..]));
        aligned(&Tensor::from([T::ONE; 5]));
        aligned(&Tensor::from([[T::ONE; 5]; 3]));
        aligned(&Tensor::from([[[T::ONE; 5]; 3]; 2]));
        aligned(&Tensor::from_rows(vec![vec![T::ONE; 5]; 3]));
        aligned(&filled.cast::<f32>());
        aligned(&filled.cast::<f64>());
        aligned(&filled.map(|x| x + x));
        aligned(&(&filled + &filled));
        aligned(&(&filled * T::ONE));
        aligned(&-&filled);
        aligned(&Tensor::stack([&filled, &filled]));
        let array: ArrayD<T> = filled.clone().into();
        aligned(&Tensor::from(&array));
        aligned(&Tensor::from(array.view()));
        aligned(&Tensor::from(array.view().reversed_axes()));
        if !shape.is_empty() {
            aligned(&Tensor::concat([&filled, &filled]));
            aligned(&filled.slice_rows(shape[0].min(1)..));
            aligned(&filled.sum_axis(0));
        }
        if let &[rows, _] = shape {
            aligned(&filled.transpose());
            aligned(&filled.matmul(&filled.transpose()));
            aligned(&filled.rows(&(0..rows).rev().collect::<Vec<_>>()));
        }
        let text = serde_json::to_string(&filled).unwrap();
        let read: Tensor<T> = serde_json::from_str(&text).unwrap();
        aligned(&read);
        assert_eq!(read, filled);
        drop(keep);
    }
}

#[test]
fn constructors_and_results() {
    every_constructor::<f32>();
    every_constructor::<f64>();
}

fn every_change<T: Scalar>() {
    for shape in SHAPES {
        let len = shape.iter().product::<usize>();
        // An array of the caller's, unaligned or not; the copy before a write is the library's.
        let unaligned = |len: usize| {
            let memory = vec![T::ONE; len + 1];
            ArrayD::from_shape_vec(vec![len + 1], memory).unwrap().slice_move(s![1..])
        };
        let mut x: Tensor<T> = unaligned(len).into();
        let keep = x.clone();
        x.as_mut_slice().fill(T::ZERO);
        aligned(&x);
        assert!(keep.iter().all(|&x| x == T::ONE));

        let mut x: Tensor<T> = unaligned(len).into();
        let keep = x.clone();
        _ = x.view_mut();
        aligned(&x);
        aligned(&keep.clone().reshape(shape));
        aligned(&Tensor::from(ArrayD::from(keep.clone())));

        let mut x = Tensor::<T>::full(shape, T::ONE);
        for to in SHAPES {
            x.reuse(to).fill(T::ZERO);
            aligned(&x);
            let keep = x.clone();
            x.reuse(to).fill(T::ONE);
            aligned(&x);
            drop(keep);
            let to_vec = x.clone().reshape(x.len()).into_vec();
            assert!(to_vec == vec![T::ONE; x.len()]);
            x += T::ONE;
            aligned(&x);
            x = x.reshape(to);
            aligned(&x);
        }
    }
}

#[test]
fn changes() {
    every_change::<f32>();
    every_change::<f64>();
}

/// Larger and smaller in turn: the memory of the largest shape serves them all.
#[test]
fn memory_is_kept_after_shrinking_and_growing() {
    let mut x = Tensor::<f32>::zeros([64, 33]);
    let at = x.as_slice().as_ptr();
    for rows in [1, 64, 0, 63, 64, 17] {
        x.reuse(&[rows, 33]).fill(rows as f32);
        assert_eq!((x.as_slice().as_ptr(), x.len()), (at, rows * 33));
        assert!(x.iter().all(|&x| x == rows as f32));
    }
    x.reuse(&[65, 33]);
    aligned(&x);
    let at = x.as_slice().as_ptr();
    x.reuse(&[66, 33]);
    assert_eq!(x.as_slice().as_ptr(), at, "memory grows by a factor");
}

#[test]
fn an_array_of_the_callers_keeps_its_memory_and_its_elements() {
    let array = Array2::from_shape_fn((5, 7), |(i, j)| (7 * i + j) as f32);
    let sliced = array.clone().slice_move(s![1..4, ..]);
    let at = sliced.as_ptr();
    let x: Tensor = sliced.into();
    assert_eq!((x.as_slice().as_ptr(), x.shape(), x[[2, 6]]), (at, &[3, 7][..], 27.0));
    let back: ArrayD<f32> = x.into();
    assert_eq!(back.as_ptr(), at);
    assert_eq!(back, array.slice(s![1..4, ..]).into_dyn());
}
