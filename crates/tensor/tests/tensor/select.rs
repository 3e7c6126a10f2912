//! Rows, stacks, transposes, products and indices against ndarray's.

use fanin_tensor::Tensor;
use fanin_tensor::ndarray::{self, Array2, Axis, Ix2, s};

use crate::{panic_here, values};

fn tensor(shape: &[usize]) -> Tensor {
    Tensor::from_vec(shape, values(shape.iter().product()))
}

#[test]
fn rows_in_any_order() {
    let x = tensor(&[5, 2, 3]);
    for rows in [&[][..], &[0], &[4, 0, 4], &[1, 2, 3]] {
        assert_eq!(x.rows(rows), x.view().select(Axis(0), rows).into());
    }
    assert_eq!(x.row(3), x.view().index_axis(Axis(0), 3).into());
    let vector = tensor(&[4]);
    assert_eq!((vector.row(2).shape(), vector.row(2).item()), (&[][..], vector[[2]]));
    assert_eq!(panic_here(|| x.rows(&[0, 5])), "rows: a tensor 5×2×3 has no row 5");
    assert_eq!(panic_here(|| x.row(9)), "rows: a tensor 5×2×3 has no row 9");
    let scalar = Tensor::scalar(1.0f32);
    assert_eq!(panic_here(|| scalar.row(0)), "rows: a tensor without axes has no rows");
}

#[test]
fn ranges_of_rows() {
    let x = tensor(&[5, 3]);
    assert_eq!(x.slice_rows(1..3), x.view().slice_axis(Axis(0), (1..3).into()).into());
    assert_eq!(x.slice_rows(2..=3), x.slice_rows(2..4));
    assert_eq!((x.slice_rows(..), x.slice_rows(5..).shape()), (x.clone(), &[0, 3][..]));
    assert_eq!(panic_here(|| x.slice_rows(2..6)), "slice_rows: a tensor 5×3 has no rows 2..6");
    #[expect(clippy::reversed_empty_ranges, reason = "the mistake under test")]
    let reversed = 3..2;
    assert_eq!(panic_here(|| x.slice_rows(reversed)), "slice_rows: a tensor 5×3 has no rows 3..2");
}

#[test]
fn stacks() {
    let (a, b) = (tensor(&[2, 3]), tensor(&[2, 3]) * 2.0);
    let views = [a.view(), b.view()];
    assert_eq!(Tensor::stack([&a, &b]), ndarray::stack(Axis(0), &views).unwrap().into());
    assert_eq!(Tensor::concat([&a, &b]), ndarray::concatenate(Axis(0), &views).unwrap().into());
    let (one, many) = (a.slice_rows(..1), vec![a.clone(), b]);
    assert_eq!(Tensor::concat([&one, &a]).shape(), [3, 3]);
    assert_eq!(Tensor::stack(&many).shape(), [2, 2, 3]);
    assert_eq!(
        panic_here(|| Tensor::stack([&a, &one])),
        "stack: tensor 1 is 1×3, but tensor 0 is 2×3"
    );
    let other = tensor(&[2, 4]);
    assert_eq!(
        panic_here(|| Tensor::concat([&a, &other])),
        "concat: tensor 1 is 2×4, but tensor 0 is 2×3: all axes but the first must agree"
    );
    assert_eq!(panic_here(|| Tensor::<f32>::stack([])), "stack: there is no tensor");
    assert_eq!(panic_here(|| Tensor::<f32>::concat([])), "concat: there is no tensor");
}

#[test]
fn transposes() {
    for (m, n) in [(1, 1), (3, 5), (16, 16), (17, 40), (100, 33), (0, 4)] {
        let x = tensor(&[m, n]);
        assert_eq!(x.transpose(), x.view().reversed_axes().into());
    }
    let cube = tensor(&[2, 3, 4]);
    assert_eq!(panic_here(|| cube.transpose()), "transpose: a tensor 2×3×4 is no matrix");
}

#[test]
fn matrix_products() {
    let (x, y) = (tensor(&[9, 20]), tensor(&[20, 7]));
    let arrays = [&x, &y].map(|x| x.view().into_dimensionality::<Ix2>().unwrap().to_owned());
    let exact: Array2<f32> = arrays[0].dot(&arrays[1]);
    let product = x.matmul(&y);
    assert_eq!(product.shape(), [9, 7]);
    assert!(product.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-5));
    assert_eq!(
        panic_here(|| y.matmul(&x)),
        "matmul: 20×7 by 9×20: both must be matrices, with as many columns in the first as rows in \
         the second"
    );
    let vector = tensor(&[20]);
    assert!(panic_here(|| x.matmul(&vector)).starts_with("matmul: 9×20 by 20:"));
}

#[test]
fn indices() {
    let mut x = tensor(&[3, 4, 5]);
    let before = x.clone();
    assert_eq!(x[[2, 1, 3]], x.view()[[2, 1, 3]]);
    x[[2, 1, 3]] = 8.0;
    assert_eq!((x[[2, 1, 3]], x.view()[[2, 1, 3]]), (8.0, 8.0));
    assert_eq!(before.view().slice(s![..2, .., ..]), x.view().slice(s![..2, .., ..]));
    assert_ne!(before, x);
    assert_eq!(Tensor::scalar(3.0f32)[[]], 3.0);
    assert_eq!(panic_here(|| x[[2, 4, 0]]), "index: a tensor 3×4×5 has no element [2, 4, 0]");
    assert_eq!(panic_here(|| x[[2, 1]]), "index: a tensor 3×4×5 has no element [2, 1]");
    assert_eq!(panic_here(|| x[[0, 0, 5]] = 1.0), "index: a tensor 3×4×5 has no element [0, 0, 5]");
}

#[test]
fn maps_and_iterators() {
    let x = tensor(&[7, 300]);
    assert_eq!(x.map(|x| 2.0 * x + 1.0), x.view().mapv(|x| 2.0 * x + 1.0).into());
    assert_eq!(x.iter().copied().collect::<Vec<_>>(), x.as_slice());
}
