//! Operators against ndarray's.

use fanin_tensor::Tensor;

use crate::{panic_here, values};

fn pair() -> (Tensor, Tensor) {
    let x = Tensor::from_vec([13, 17], values(13 * 17));
    let y = Tensor::from_vec([13, 17], values(2 * 13 * 17)[13 * 17..].to_vec()).map(|y| y + 2.5);
    (x, y)
}

#[test]
fn every_operator_in_every_form() {
    let (x, y) = pair();
    let (a, b) = (x.view().to_owned(), y.view().to_owned());
    macro_rules! check {
        ($($op:tt $assign:tt)*) => {$(
            let exact = Tensor::from(&a $op &b);
            assert_eq!(&x $op &y, exact);
            assert_eq!(x.clone() $op &y, exact);
            assert_eq!(&x $op y.clone(), exact);
            assert_eq!(x.clone() $op y.clone(), exact);
            let mut z = x.clone();
            z $assign &y;
            assert_eq!(z, exact);
            let mut z = x.clone();
            z $assign y.clone();
            assert_eq!(z, exact);

            let exact = Tensor::from(&a $op 0.3);
            assert_eq!(&x $op 0.3, exact);
            assert_eq!(x.clone() $op 0.3, exact);
            let mut z = x.clone();
            z $assign 0.3;
            assert_eq!(z, exact);

            let exact = Tensor::from(b.mapv(|b| 0.3 $op b));
            assert_eq!(0.3 $op &y, exact);
            assert_eq!(0.3 $op y.clone(), exact);
        )*};
    }
    check!(+ += - -= * *= / /=);
    assert_eq!(-&x, Tensor::from(-&a));
    assert_eq!(-x.clone(), Tensor::from(-a));
    let double = Tensor::from([1.0f64, 3.0]);
    assert_eq!((1.0 - &double * 2.0).as_slice(), [-1.0, -5.0]);
}

#[test]
fn an_owned_operand_gives_its_memory_and_a_shared_one_keeps_its_elements() {
    let (x, y) = pair();
    let (before, at) = (x.clone(), y.as_slice().as_ptr());
    let shared = &x - y;
    assert_eq!(shared.as_slice().as_ptr(), at);
    let moved = x + &shared;
    assert_ne!(moved.as_slice().as_ptr(), before.as_slice().as_ptr());
    assert_eq!(before, pair().0);
    let alone = Tensor::from(values(100));
    let at = alone.as_slice().as_ptr();
    assert_eq!((2.0 * alone / 3.0).as_slice().as_ptr(), at);
}

#[test]
fn a_tensor_with_itself() {
    let (x, _) = pair();
    let mut y = x.clone();
    y -= &x;
    assert!(y.iter().all(|&y| y == 0.0));
    assert_eq!(&x + &x, &x * 2.0);
}

#[test]
fn shapes_that_differ() {
    let (x, mut y) = (Tensor::<f32>::ones([2, 3]), Tensor::<f32>::ones([3, 2]));
    let text = "shapes 2×3 and 3×2 differ, and only numbers are broadcast; a `Var` is \
                broadcast, in `Tape::value`";
    assert_eq!(panic_here(|| &x + &y), format!("tensor + tensor: {text}"));
    assert_eq!(panic_here(|| x.clone() - &y), format!("tensor - tensor: {text}"));
    assert_eq!(panic_here(|| x.clone() / y.clone()), format!("tensor / tensor: {text}"));
    let text = "shapes 3×2 and 2×3 differ, and only numbers are broadcast; a `Var` is \
                broadcast, in `Tape::value`";
    assert_eq!(panic_here(|| y *= &x), format!("tensor * tensor: {text}"));
    assert_eq!(panic_here(|| y += x.clone()), format!("tensor + tensor: {text}"));
    let row = Tensor::<f32>::ones([3]);
    assert!(panic_here(|| &x * &row).contains("2×3 and 3 differ"));
}
