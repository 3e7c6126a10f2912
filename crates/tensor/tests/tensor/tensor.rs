//! [`Tensor`]: conversions, sharing, reused memory, text and serde.

use fanin_tensor::ndarray::{Array1, Array2, Array3, ArrayD, IxDyn, array, s};
use fanin_tensor::{Tensor, show_shape};

use crate::panic_of;

#[test]
fn any_shape_is_taken() {
    let shapes = [
        Tensor::<f32>::zeros([2, 3]),
        Tensor::zeros((2, 3)),
        Tensor::zeros(vec![2, 3]),
        Tensor::zeros(&[2usize, 3][..]),
    ];
    assert!(shapes.iter().all(|t| t.shape() == [2, 3]));
    assert_eq!(Tensor::<f32>::zeros(5).shape(), [5]);
    assert_eq!(Tensor::scalar(2.5f32).item(), 2.5);
    assert_eq!((show_shape(&[]), show_shape(&[2, 3])), ("scalar".into(), "2×3".into()));
}

#[test]
fn ndarrays_of_any_dimension_and_order_come_in_row_major() {
    let matrix: Array2<f32> = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let transposed: Tensor = matrix.clone().reversed_axes().into();
    assert_eq!(transposed.shape(), [3, 2]);
    assert_eq!(transposed.as_slice(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);

    let sliced: Tensor = matrix.clone().slice_move(s![1.., 1..]).into();
    assert_eq!(sliced.as_slice(), [5.0, 6.0]);
    assert_eq!(sliced.into_vec(), [5.0, 6.0]);

    let inverted: Tensor = matrix.clone().slice_move(s![..;-1, ..]).into();
    assert_eq!(inverted.as_slice(), [4.0, 5.0, 6.0, 1.0, 2.0, 3.0]);

    let view: Tensor = matrix.slice(s![.., 0]).into();
    assert_eq!(view.as_slice(), [1.0, 4.0]);

    let vector: Tensor<f64> = Array1::from(vec![1.0, 2.0]).into();
    let cube: Tensor<f64> = Array3::zeros((2, 3, 4)).into();
    let empty: Tensor = Array2::zeros((0, 3)).into();
    assert_eq!(
        (vector.shape(), cube.shape(), empty.shape()),
        (&[2][..], &[2, 3, 4][..], &[0, 3][..])
    );

    let matrix_again: Array2<f32> = transposed.clone().try_into().unwrap();
    assert_eq!(matrix_again, matrix.clone().reversed_axes());
    assert!(Array3::try_from(transposed.clone()).is_err());
    let back: ArrayD<f32> = transposed.into();
    assert_eq!(back, matrix.reversed_axes().into_dyn());
}

#[test]
fn taking_an_ndarray_and_giving_it_back_copies_nothing() {
    let array = ArrayD::<f32>::zeros(IxDyn(&[100, 100]));
    let at = array.as_ptr();
    let tensor: Tensor = array.into();
    assert_eq!(tensor.as_slice().as_ptr(), at);
    let vec = tensor.reshape(10_000).into_vec();
    assert_eq!(vec.as_ptr(), at);
}

#[test]
fn clones_share_until_one_is_written_to() {
    let mut a = Tensor::from_vec(3, vec![1.0f32, 2.0, 3.0]);
    let b = a.clone();
    assert_eq!(a.as_slice().as_ptr(), b.as_slice().as_ptr());
    assert!(a.is_shared() && b.is_shared());
    a.view_mut()[[1]] = 9.0;
    assert_eq!((a.as_slice(), b.as_slice()), (&[1.0, 9.0, 3.0][..], &[1.0, 2.0, 3.0][..]));
    let at = a.as_slice().as_ptr();
    a.as_mut_slice()[0] = 5.0;
    assert_eq!(a.as_slice().as_ptr(), at, "an owner writes in place");
}

#[test]
fn memory_is_used_again_unless_it_is_shared() {
    let mut a = Tensor::<f32>::zeros([8, 4]);
    let at = a.as_slice().as_ptr();
    a.reuse(&[3, 4]).fill(1.0);
    assert_eq!((a.shape(), a.as_slice()), (&[3, 4][..], &[1.0; 12][..]));
    a.reuse(&[2, 2, 8]).fill(2.0);
    assert_eq!((a.as_slice().as_ptr(), a.shape()), (at, &[2, 2, 8][..]));
    let b = a.clone();
    a.reuse(&[2, 2, 8]).fill(3.0);
    assert!(b.as_slice().iter().all(|&x| x == 2.0), "a clone keeps its values");
    a.reuse(&[]).fill(4.0);
    assert_eq!(a.item(), 4.0);
}

#[test]
fn text() {
    let t = Tensor::from_vec([2, 2], vec![1.0f32, 2.5, -3.0, 4.0]);
    assert_eq!(t.to_string(), "[[1, 2.5],\n [-3, 4]]");
    assert!(format!("{t:?}").starts_with("Tensor 2×2\n"));
}

#[test]
fn serde_round_trip_and_refusal() {
    for t in [
        Tensor::from_vec([2, 3], vec![0.1f32, f32::MIN_POSITIVE, -0.0, 1e30, 5.0, 6.0]),
        Tensor::scalar(1.5),
        Tensor::zeros([0, 4]),
    ] {
        let text = serde_json::to_string(&t).unwrap();
        assert_eq!(serde_json::from_str::<Tensor>(&text).unwrap(), t);
    }
    let wrong = r#"{"v":1,"dim":[2,3],"data":[1.0,2.0]}"#;
    assert!(serde_json::from_str::<Tensor>(wrong).is_err());
}

#[test]
#[should_panic(expected = "from_vec: shape 2×3 has 6 places, but there are 5 values")]
fn a_vector_of_the_wrong_length() {
    let _ = Tensor::from_vec([2, 3], vec![0.0f32; 5]);
}

#[test]
fn mistakes_are_shown_at_the_callers_line() {
    let huge = 1usize << 40;
    let mistakes: [fn(usize); 4] = [
        |_| _ = Tensor::from_vec((4, 2), vec![0.0f32; 6]),
        |_| _ = Tensor::<f32>::zeros([2, 3]).reshape([4, 2]),
        |huge| _ = Tensor::<f32>::zeros([huge, huge]),
        |huge| _ = Tensor::from_vec([huge, huge], vec![0.0f32; 1]),
    ];
    for mistake in mistakes {
        let (_, file, _) = panic_of(|| mistake(huge));
        assert_eq!(file, file!());
    }
}

#[test]
#[should_panic(expected = "item: a tensor 2×3 has no single element")]
fn an_item_of_many() {
    let _ = Tensor::<f32>::zeros([2, 3]).item();
}
