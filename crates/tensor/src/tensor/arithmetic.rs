//! `+ − · /` of tensors of one shape, and of a tensor and a number, element by element.
//!
//! Shapes must be equal: nothing is broadcast but a number. A matrix plus a vector of the wrong axis
//! would otherwise give a result of a shape that nobody meant, and no error. Use
//! [`broadcast`](crate::broadcast) or a [`view`](Tensor::view) where broadcasting is meant.
//!
//! ```
//! use fanin_tensor::Tensor;
//!
//! let (x, y) = (Tensor::from([1.0f32, 2.0]), Tensor::from([3.0, 5.0]));
//! assert_eq!((&x + &y).as_slice(), [4.0, 7.0]);
//! assert_eq!((1.0 - &x / 2.0).as_slice(), [0.5, 0.0]);
//! let mut sum = -x;                       // writes in place: no clone shares the elements
//! sum += &y;
//! sum *= 10.0;
//! assert_eq!(sum.as_slice(), [20.0, 30.0]);
//! ```

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Tensor;
use crate::map::update;
use crate::once::{Once, once};
use crate::{Scalar, show_shape};

/// What is done to an element x and an operand c.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// x + c
    Add,
    /// x − c
    Sub,
    /// x · c
    Mul,
    /// x / c
    Div,
    /// c − x
    SubFrom,
    /// c / x
    DivInto,
}

impl Once for Operation {
    type F32 = Self;
    fn into_f32(self) -> Self {
        self
    }
    fn from_f32(x: Self) -> Self {
        x
    }
}

once! {
    fn with_tensor(op: Operation, x: &mut Tensor<T>, y: &Tensor<T>) = with_tensor_generic;
    fn with_number(op: Operation, x: &mut Tensor<T>, c: T) = with_number_generic;
}

#[track_caller]
fn with_tensor_generic<T: Scalar>(op: Operation, x: &mut Tensor<T>, y: &Tensor<T>) {
    if x.shape() != y.shape() {
        bad_shapes(op, x.shape(), y.shape());
    }
    let (x, y) = ([x.as_mut_slice()], [y.as_slice()]);
    match op {
        Operation::Add => update(x, y, |[x], [y]| [x + y]),
        Operation::Sub => update(x, y, |[x], [y]| [x - y]),
        Operation::Mul => update(x, y, |[x], [y]| [x * y]),
        Operation::Div => update(x, y, |[x], [y]| [x / y]),
        Operation::SubFrom => update(x, y, |[x], [y]| [y - x]),
        Operation::DivInto => update(x, y, |[x], [y]| [y / x]),
    }
}

fn with_number_generic<T: Scalar>(op: Operation, x: &mut Tensor<T>, c: T) {
    let x = [x.as_mut_slice()];
    match op {
        Operation::Add => update(x, [], move |[x], []| [x + c]),
        Operation::Sub => update(x, [], move |[x], []| [x - c]),
        Operation::Mul => update(x, [], move |[x], []| [x * c]),
        Operation::Div => update(x, [], move |[x], []| [x / c]),
        Operation::SubFrom => update(x, [], move |[x], []| [c - x]),
        Operation::DivInto => update(x, [], move |[x], []| [c / x]),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn bad_shapes(op: Operation, x: &[usize], y: &[usize]) -> ! {
    let name = match op {
        Operation::Add => "+",
        Operation::Sub | Operation::SubFrom => "-",
        Operation::Mul => "*",
        Operation::Div | Operation::DivInto => "/",
    };
    panic!(
        "tensor {name} tensor: shapes {} and {} differ, and only numbers are broadcast; a `Var` is \
         broadcast, in `Tape::value`",
        show_shape(x),
        show_shape(y)
    )
}

/// An operator between tensors and between a tensor and a number, in all forms of ownership. All go
/// through the assigning form: an owned tensor's memory becomes that of the result.
macro_rules! operator {
    ($trait:ident $method:ident, $assign_trait:ident $assign:ident, $from_left:ident, [$($number:ty)*]) => {
        impl<T: Scalar> $assign_trait<&Tensor<T>> for Tensor<T> {
            #[track_caller]
            fn $assign(&mut self, y: &Tensor<T>) {
                with_tensor(Operation::$trait, self, y);
            }
        }
        impl<T: Scalar> $assign_trait for Tensor<T> {
            #[track_caller]
            fn $assign(&mut self, y: Tensor<T>) {
                with_tensor(Operation::$trait, self, &y);
            }
        }
        impl<T: Scalar> $assign_trait<T> for Tensor<T> {
            fn $assign(&mut self, c: T) {
                with_number(Operation::$trait, self, c);
            }
        }
        impl<T: Scalar> $trait<&Tensor<T>> for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(mut self, y: &Tensor<T>) -> Tensor<T> {
                with_tensor(Operation::$trait, &mut self, y);
                self
            }
        }
        impl<T: Scalar> $trait for Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, y: Tensor<T>) -> Tensor<T> {
                self.$method(&y)
            }
        }
        impl<T: Scalar> $trait for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, y: &Tensor<T>) -> Tensor<T> {
                self.clone().$method(y)
            }
        }
        impl<T: Scalar> $trait<Tensor<T>> for &Tensor<T> {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, mut y: Tensor<T>) -> Tensor<T> {
                with_tensor(Operation::$from_left, &mut y, self);
                y
            }
        }
        impl<T: Scalar> $trait<T> for Tensor<T> {
            type Output = Tensor<T>;
            fn $method(mut self, c: T) -> Tensor<T> {
                with_number(Operation::$trait, &mut self, c);
                self
            }
        }
        impl<T: Scalar> $trait<T> for &Tensor<T> {
            type Output = Tensor<T>;
            fn $method(self, c: T) -> Tensor<T> {
                self.clone().$method(c)
            }
        }
        $(
            impl $trait<Tensor<$number>> for $number {
                type Output = Tensor<$number>;
                fn $method(self, mut x: Tensor<$number>) -> Tensor<$number> {
                    with_number(Operation::$from_left, &mut x, self);
                    x
                }
            }
            impl $trait<&Tensor<$number>> for $number {
                type Output = Tensor<$number>;
                fn $method(self, x: &Tensor<$number>) -> Tensor<$number> {
                    self.$method(x.clone())
                }
            }
        )*
    };
}
operator!(Add add, AddAssign add_assign, Add, [f32 f64]);
operator!(Sub sub, SubAssign sub_assign, SubFrom, [f32 f64]);
operator!(Mul mul, MulAssign mul_assign, Mul, [f32 f64]);
operator!(Div div, DivAssign div_assign, DivInto, [f32 f64]);

impl<T: Scalar> Neg for Tensor<T> {
    type Output = Self;
    fn neg(self) -> Self {
        self * -T::ONE
    }
}

impl<T: Scalar> Neg for &Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Tensor<T> {
        -self.clone()
    }
}
