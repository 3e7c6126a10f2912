//! A user's layer and a user's operation. The layer needs no gradient code; the operation's
//! gradient is one line and is checked. A network of both learns to separate two spirals and draws
//! its decision.
//!
//! ```text
//! cargo run --release --example custom_layer
//! cargo run --release --example custom_layer -- --quick     # fewer steps
//! ```
//!
//! Checks the operation against finite differences to 1e-6, and that at least 99 % of 1,000 new
//! points are classified correctly.

mod common;
#[path = "common/spirals.rs"]
mod spirals;

use fanin::init::TorchRng;
use fanin::nn::{Backward, Op, gradcheck};
use fanin::prelude::*;
use fanin::tensor::{Scalar, Write, map::map};
use spirals::spirals;

/// `y = sin x`
fn sin<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    x.tape().apply(Sin, &[x], |cx| {
        let x = cx.input(0);
        map([x.as_slice()], Write::Set, cx.output(x.shape()), |[x]| T::from_f64(x.to_f64().sin()));
    })
}

/// `dx = dy · cos x`
#[derive(Debug)]
struct Sin;

impl<T: Scalar> Op<T> for Sin {
    fn backward(&self, cx: &mut Backward<'_, T>) {
        let (x, dy) = (cx.input(0).as_slice(), cx.dy());
        if let Some((write, dx)) = cx.grad(0) {
            map([x, dy], write, dx, |[x, dy]| dy * T::from_f64(x.to_f64().cos()));
        }
    }
}

/// `y = x + σ(G x) ⊙ sin(V x)`: a gate decides where the layer changes its input.
#[derive(Clone, Parameters)]
struct Gated {
    gate: Linear,
    value: Linear,
}

impl Gated {
    fn new(size: usize) -> Self {
        Self { gate: Linear::new(size, size), value: Linear::new(size, size) }
    }
}

impl Module for Gated {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + self.gate.forward(x).sigmoid() * sin(self.value.forward(x))
    }
}

fn main() {
    let check = gradcheck(&[&[4, 7]], 1, |_, x| sin(x[0]));
    println!("sin: largest error of its gradient {:.0e}", check.worst());
    check.assert_below(1e-6);

    manual_seed(1);
    let mut rng = TorchRng::seed(1);
    let (x, y) = spirals(1_000, &mut rng);
    let mut model = Sequential::new()
        .add(Linear::new(2, 32))
        .add(Gated::new(32))
        .add(Gated::new(32))
        .add(Linear::new(32, 2));
    let (mut adam, mut tape) = (Adam::new(0.01), Tape::new());
    let steps = if common::quick() { 200 } else { 500 };
    for step in 1..=steps {
        let (loss, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
        adam.step(&mut model, grads);
        if step % 100 == 0 {
            println!("step {step:>4}  loss {loss:.5}");
        }
    }

    let classes = |x: &Tensor| -> Vec<usize> {
        model.predict(x).as_slice().chunks(2).map(|z| usize::from(z[1] > z[0])).collect()
    };
    let grid = (0..24).flat_map(|row| (0..48).map(move |column| (row, column)));
    let points =
        grid.flat_map(|(row, column)| [column as f32 / 23.5 - 1.0, 1.0 - row as f32 / 11.5]);
    for row in classes(&Tensor::from_vec([24 * 48, 2], points.collect())).chunks(48) {
        println!("{}", row.iter().map(|&class| ['·', '█'][class]).collect::<String>());
    }

    let (new, truth) = spirals(1_000, &mut rng);
    let right = classes(&new).iter().zip(&truth).filter(|(a, b)| a == b).count();
    println!("{right} of 1000 new points are classified correctly");
    assert!(right >= 990, "990 are promised");
}
