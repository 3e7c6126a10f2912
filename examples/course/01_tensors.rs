//! # Tensors
//!
//! A tensor is an array of numbers with a shape. Data, weights and predictions are tensors. The first
//! axis counts the samples: a batch of 64 images with 784 pixels each has the shape 64×784.
//!
//! The elements lie row by row, and the last index runs fastest. So `reshape` changes the shape and
//! moves no element.
//!
//! Arithmetic works element by element. The two shapes must be equal; a plain number works with any
//! shape. (Values on a tape, from the next lesson on, broadcast as in PyTorch.) `matmul` is the matrix
//! product: samples times weights gives outputs. A wrong shape is a bug in the program. It panics at
//! your line, and the message has both shapes.
//!
//! A clone costs nothing. It shares its elements with the original until one of them is changed.

use std::panic;

use fanin::prelude::*;

pub(crate) fn main() -> fanin::Result<()> {
    let x: Tensor = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].into();
    println!("x has the shape {:?}:\n{x}", x.shape());
    assert_eq!(x.shape(), [3, 2]);
    assert_eq!(x[[2, 0]], 5.0);

    let flat = x.clone().reshape(6);
    println!("reshaped: {flat}");
    assert_eq!(flat.as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(flat.as_slice(), x.as_slice());

    println!("x + x:\n{}", &x + &x);
    println!("10 x − 1:\n{}", 10.0 * &x - 1.0);
    assert_eq!((10.0 * &x - 1.0)[[2, 1]], 59.0);
    println!("mean of each feature: {}", x.mean_axis(0));
    assert_eq!(x.mean_axis(0).as_slice(), [3.0, 4.0]);

    let weights: Tensor = [[1.0, 0.0, -1.0], [0.5, 2.0, 1.0]].into();
    let outputs = x.matmul(&weights);
    println!("3 samples × 2 features times 2 features × 3 units:\n{outputs}");
    assert_eq!(outputs.shape(), [3, 3]);
    assert_eq!(outputs[[2, 2]], x[[2, 1]] - x[[2, 0]]);

    let mut copy = x.clone();
    assert!(x.is_shared());
    copy[[0, 0]] = 100.0;
    assert!(!x.is_shared());
    println!("the copy begins with {}, x still with {}", copy[[0, 0]], x[[0, 0]]);
    assert_eq!((copy[[0, 0]], x[[0, 0]]), (100.0, 1.0));

    // A program would not catch this panic: it would be corrected.
    panic::set_hook(Box::new(|panic| println!("{panic}")));
    let caught = panic::catch_unwind(|| &x + &flat).expect_err("the shapes differ");
    let _ = panic::take_hook();
    let message = caught.downcast_ref::<String>().expect("a message");
    assert!(message.contains("3×2") && message.contains("6"), "{message}");
    Ok(())
}
