//! # An operation of your own
//!
//! What can be composed from the operations of `Var` needs no gradient code. Sometimes that is not good
//! enough. `asinh(x) = ln(x + √(x² + 1))` is a logarithm for numbers of both signs, and useful for data
//! whose sizes differ a million times. For x = −10,000 the formula adds −10,000 and 10,000, which is 0
//! in `f32`, and its logarithm is −∞. The value is −9.9.
//!
//! So asinh becomes an operation, in two parts that stand together. The forward pass is a closure that
//! writes the output. The backward pass is an `Op`: it knows the input x and the gradient `dy` of the
//! output, and writes the gradient of the input, `dx = dy / √(x² + 1)`. `map` runs a function over
//! slices; its argument `write` says whether to set the gradient or to add to it.
//!
//! A wrong backward pass raises no error. The network only learns badly. So every operation is checked:
//! `gradcheck` compares it with finite differences in `f64`.

use fanin::prelude::*;
use fanin::tensor::{Write, map::map};

fn asinh<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    x.tape().apply(Asinh, &[x], |cx| {
        let x = cx.input(0);
        let y = cx.output(x.shape());
        map([x.as_slice()], Write::Set, y, |[x]| T::from_f64(x.to_f64().asinh()));
    })
}

/// `dx = dy / √(x² + 1)`
#[derive(Debug)]
struct Asinh;

impl<T: Scalar> Op<T> for Asinh {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, dy) = (cx.input(0).as_slice(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([x, dy], write, dx, |[x, dy]| dy / (x * x + T::ONE).sqrt());
        }
    }
}

/// The same function of operations that there are.
fn composed<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    (x + (x.square() + T::ONE).sqrt()).ln()
}

/// The same forward pass with a mistake: `dx = dy / (x² + 1)`.
#[derive(Debug)]
struct Wrong;

impl Op<f64> for Wrong {
    fn backward(&self, cx: &mut Backward<'_, f64>) {
        let (x, dy) = (cx.input(0).as_slice(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([x, dy], write, dx, |[x, dy]| dy / (x * x + 1.0));
        }
    }
}

pub(crate) fn main() -> fanin::Result<()> {
    let x = Tensor::from([-10_000.0, -1.0, 0.0, 1.0, 10_000.0]);
    let mut tape = Tape::new();
    let (own, formula) =
        (tape.value(|t| asinh(t.input(&x))), tape.value(|t| composed(t.input(&x))));
    println!("x          {x}\noperation  {own}\nformula    {formula}");
    assert!((own[[0]] + 9.903_488).abs() < 1e-5 && (own[[4]] - 9.903_488).abs() < 1e-5);
    assert_eq!(formula[[0]], f32::NEG_INFINITY);

    let check = gradcheck(&[&[4, 7]], 1, |_, x| asinh(x[0]));
    println!("largest error of the gradient: {:.0e}", check.worst());
    check.assert_below(1e-6);

    let wrong = gradcheck(&[&[4, 7]], 1, |t, x| {
        t.apply(Wrong, &[x[0]], |cx| {
            let x = cx.input(0);
            map([x.as_slice()], Write::Set, cx.output(x.shape()), |[x]: [f64; 1]| x.asinh());
        })
    });
    println!("with the mistake: {:.2}", wrong.worst());
    assert!(wrong.worst() > 0.01);
    Ok(())
}
