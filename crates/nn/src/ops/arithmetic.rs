//! `+ − × ÷` of two values with broadcasting, and of a value and a number.

use std::iter;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};
use std::panic::Location;

use fanin_tensor::Scalar;
use fanin_tensor::Set;
use fanin_tensor::map::map;
use fanin_tensor::simd::Isa;

use super::elementwise::Elementwise;
use super::expand::common_shape;
use crate::note::{Note, is_surprising};
use crate::tape::{Backward, Op, Var};

/// `y = a + b`; `da = dy`, `db = dy`.
#[derive(Debug)]
struct Sum;

impl<T: Scalar> Op<T> for Sum {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let dy = cx.dy();
        for i in 0..2 {
            if let Some((write, d)) = cx.grad(i) {
                map([dy], write, d, move |[dy]| dy);
            }
        }
    }
}

/// `y = a − b`; `da = dy`, `db = −dy`.
#[derive(Debug)]
struct Difference;

impl<T: Scalar> Op<T> for Difference {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let dy = cx.dy();
        if let Some((write, da)) = cx.grad(0) {
            map([dy], write, da, move |[dy]| dy);
        }
        if let Some((write, db)) = cx.grad(1) {
            map([dy], write, db, move |[dy]| -dy);
        }
    }
}

/// `y = a b`; `da = dy b`, `db = dy a`.
#[derive(Debug)]
struct Product;

impl<T: Scalar> Op<T> for Product {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (a, b, dy) = (cx.input(0).as_slice(), cx.input(1).as_slice(), cx.dy());
        if let Some((write, da)) = cx.grad(0) {
            map([dy, b], write, da, move |[dy, b]| dy * b);
        }
        if let Some((write, db)) = cx.grad(1) {
            map([dy, a], write, db, move |[dy, a]| dy * a);
        }
    }
}

/// `y = a / b`; `da = dy / b`, `db = −dy y / b`.
#[derive(Debug)]
struct Quotient;

impl<T: Scalar> Op<T> for Quotient {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (b, y, dy) = (cx.input(1).as_slice(), cx.output().as_slice(), cx.dy());
        if let Some((write, da)) = cx.grad(0) {
            map([dy, b], write, da, move |[dy, b]| dy / b);
        }
        if let Some((write, db)) = cx.grad(1) {
            map([dy, y, b], write, db, move |[dy, y, b]| -(dy * y / b));
        }
    }
}

/// `y = scale · x + shift`; `dx = scale · dy`.
#[derive(Clone, Copy, Debug)]
struct Affine<T> {
    scale: T,
    shift: T,
}

impl<T: Scalar> Elementwise<T> for Affine<T> {
    const ACTIVATION: bool = false;

    #[inline(always)]
    fn value<I: Isa>(self, x: T) -> T {
        self.scale * x + self.shift
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: T, _: T) -> T {
        self.scale
    }
}

/// `y = x / n`; `dx = dy / n`.
#[derive(Clone, Copy, Debug)]
struct Divided<T>(T);

impl<T: Scalar> Elementwise<T> for Divided<T> {
    const ACTIVATION: bool = false;

    #[inline(always)]
    fn value<I: Isa>(self, x: T) -> T {
        x / self.0
    }
    #[inline(always)]
    fn derivative<I: Isa>(self, _: T, _: T) -> T {
        T::ONE / self.0
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    #[track_caller]
    pub(super) fn binary(
        self,
        name: &str,
        other: Self,
        op: impl Op<T>,
        f: impl Fn([T; 2]) -> T + Copy + Sync,
    ) -> Self {
        let (mut a, mut b) = (self, other);
        let (left, right) = (a.shape(), b.shape());
        if left != right {
            let shape = common_shape(name, &left, &right);
            if is_surprising(&left, &right) && a.tape().listens() {
                let [left, right, to] = [&left, &right, &shape].map(|shape| shape[..].into());
                let note = Note::Broadcast { op: name.into(), left, right, to };
                a.tape().note(note, Some(Location::caller()));
            }
            (a, b) = (a.expand(&shape), b.expand(&shape));
        }
        a.tape().apply(op, &[a, b], |cx| {
            let (a, b) = (cx.input(0), cx.input(1));
            map([a.as_slice(), b.as_slice()], Set, cx.output(a.shape()), f);
        })
    }
}

once! {
    impl<'t, T: Scalar> Var<'t, T> {
        #[track_caller]
        fn sum_with(self, other: Self) -> Self {
            self.binary("add", other, Sum, |[a, b]| a + b)
        }
        #[track_caller]
        fn difference_with(self, other: Self) -> Self {
            self.binary("sub", other, Difference, |[a, b]| a - b)
        }
        #[track_caller]
        fn product_with(self, other: Self) -> Self {
            self.binary("mul", other, Product, |[a, b]| a * b)
        }
        #[track_caller]
        fn quotient_with(self, other: Self) -> Self {
            self.binary("div", other, Quotient, |[a, b]| a / b)
        }
        fn affine(self, scale: T, shift: T) -> Self {
            self.elementwise(Affine { scale, shift })
        }
        fn divided_by(self, n: T) -> Self {
            self.elementwise(Divided(n))
        }
    }
}

/// The operator for two values, for a value and a number, and for a number and a value.
macro_rules! operator {
    ($trait:ident::$method:ident, $assign:ident::$method_assign:ident, $of_two:ident,
     |$x:ident, $number:ident| $right:expr, |$n:ident, $v:ident| $left:expr) => {
        impl<'t, T: Scalar> $trait for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            fn $method(self, other: Self) -> Self {
                self.$of_two(other)
            }
        }
        impl<'t, T: Scalar> $trait<T> for Var<'t, T> {
            type Output = Var<'t, T>;
            fn $method(self, $number: T) -> Self {
                let $x = self;
                $right
            }
        }
        impl<'t, T: Scalar> $assign for Var<'t, T> {
            #[track_caller]
            fn $method_assign(&mut self, other: Self) {
                *self = self.$of_two(other);
            }
        }
        impl<'t, T: Scalar> $assign<T> for Var<'t, T> {
            fn $method_assign(&mut self, $number: T) {
                let $x = *self;
                *self = $right;
            }
        }
        operator!(number f32, $trait, $method, |$n, $v| $left);
        operator!(number f64, $trait, $method, |$n, $v| $left);
    };
    (number $t:ident, $trait:ident, $method:ident, |$n:ident, $v:ident| $left:expr) => {
        impl<'t> $trait<Var<'t, $t>> for $t {
            type Output = Var<'t, $t>;
            fn $method(self, $v: Var<'t, $t>) -> Var<'t, $t> {
                let $n = self;
                $left
            }
        }
    };
}

operator!(Add::add, AddAssign::add_assign, sum_with, |x, n| x.affine(T::ONE, n), |n, x| x
    .affine(1.0, n));
operator!(Sub::sub, SubAssign::sub_assign, difference_with, |x, n| x.affine(T::ONE, -n), |n, x| x
    .affine(-1.0, n));
operator!(Mul::mul, MulAssign::mul_assign, product_with, |x, n| x.affine(n, T::ZERO), |n, x| x
    .affine(n, 0.0));
operator!(Div::div, DivAssign::div_assign, quotient_with, |x, n| x.divided_by(n), |n, x| x
    .tape()
    .scalar(n)
    / x);

impl<'t, T: Scalar> Neg for Var<'t, T> {
    type Output = Var<'t, T>;
    fn neg(self) -> Self {
        self.affine(-T::ONE, T::ZERO)
    }
}

/// The sum of values whose shapes are equal or broadcast.
///
/// # Panics
/// **Panics** if there are no values, because their sum would have no tape.
///
/// # Example
/// ```
/// use fanin_nn::{Tape, Tensor, Var};
/// let xs = [Tensor::ones(2), Tensor::full(2, 2.0)];
/// let y = Tape::new().value(|t| xs.iter().map(|x| t.input(x)).sum());
/// assert_eq!(y.as_slice(), [3.0, 3.0]);
/// ```
impl<'t, T: Scalar> iter::Sum for Var<'t, T> {
    #[track_caller]
    fn sum<I: Iterator<Item = Self>>(mut values: I) -> Self {
        let Some(mut sum) = values.next() else {
            panic!("sum: there are no values to add, and so no tape for their sum")
        };
        for value in values {
            sum += value;
        }
        sum
    }
}
