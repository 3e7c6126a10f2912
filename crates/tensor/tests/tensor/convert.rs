//! Tensors from nested arrays, rows and ndarray.

use fanin_tensor::Tensor;
use fanin_tensor::ndarray::{Array2, ArrayD, array, s};

use crate::panic_here;

#[test]
fn nested_arrays() {
    let vector = Tensor::from([1.0f32, 2.0, 3.0]);
    assert_eq!((vector.shape(), vector.as_slice()), (&[3][..], &[1.0, 2.0, 3.0][..]));
    let matrix: Tensor = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].into();
    assert_eq!(matrix, array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].into());
    let cube = Tensor::from([[[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]]]);
    assert_eq!(cube, array![[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]].into());
    assert_eq!(Tensor::<f32>::from([[0.0; 0]; 2]).shape(), [2, 0]);
    assert_eq!(Tensor::from(&[1.0f32, 2.0][..]).shape(), [2]);
}

#[test]
fn rows() {
    let rows = vec![vec![1.0f32, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]];
    let want = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(Tensor::from_rows(&rows), want);
    assert_eq!(Tensor::from_rows(&rows[1..]), want.slice_rows(1..));
    let slices: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
    assert_eq!(Tensor::from_rows(slices), want);
    assert_eq!(Tensor::from_rows(rows), want);
    assert_eq!(Tensor::from_rows([[1.0f32, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]].into());
    assert_eq!(Tensor::<f32>::from_rows(Vec::<Vec<f32>>::new()).shape(), [0, 0]);
    let ragged = vec![vec![1.0f32, 2.0], vec![3.0, 4.0], vec![5.0]];
    let message = panic_here(|| Tensor::from_rows(&ragged));
    assert_eq!(message, "from_rows: row 2 has 1 elements, but row 0 has 2");
}

#[test]
fn borrowed_arrays() {
    let array = Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as f32);
    let x = Tensor::from(&array);
    assert_eq!((x.shape(), x[[3, 5]]), (&[4, 6][..], 35.0));
    assert_eq!(ArrayD::from(x), array.clone().into_dyn());
    let part = array.slice(s![1.., ..;2]);
    assert_eq!(Tensor::from(part), part.to_owned().into());
    assert_eq!(Tensor::from(array.t())[[5, 3]], 35.0);
    assert_eq!(Tensor::from(&array.t().to_owned())[[5, 3]], 35.0);
}
