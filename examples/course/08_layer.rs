//! # A layer of your own
//!
//! A layer is a struct that derives `Parameters`. Each field is a parameter or a layer, and all of
//! them are trained, saved and counted under the names of the fields. With `impl Module` it maps one
//! value to another and can be added to a `Sequential`. Its gradient needs no code: the tape
//! differentiates what `forward` computes.
//!
//! A model with two inputs is the same kind of struct. It implements no trait: its `forward` is an
//! ordinary method with two arguments. Optimizers and files need `Parameters` alone.
//!
//! The task shows why two inputs are needed. Points lie on two spirals, and the network says on
//! which. The spirals turn to the left or to the right, and that is the second input. The points
//! alone do not say it. With it the network finds the right spiral for 99 % of new points.

use std::f32::consts::PI;

use fanin::prelude::*;

/// `y = x + σ(G x) ⊙ tanh(V x)`: a gate decides where the layer changes its input.
#[derive(Clone, Parameters)]
struct Gated {
    gate: Linear,
    value: Linear,
}

impl Module for Gated {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + self.gate.forward(x).sigmoid() * self.value.forward(x).tanh()
    }
}

fn gated(size: usize) -> Gated {
    Gated { gate: Linear::new(size, size), value: Linear::new(size, size) }
}

/// Two inputs: a point, and which way the spirals turn.
#[derive(Parameters)]
struct Model {
    point: Linear,
    turn: Linear,
    rest: Sequential,
}

impl Model {
    fn forward<'t>(&self, point: Var<'t>, turn: Var<'t>) -> Var<'t> {
        self.rest.forward(self.point.forward(point) * self.turn.forward(turn))
    }
}

/// Points, which way their spirals turn (−1 or 1), and the spiral that each is on.
fn spirals(n: usize, rng: &mut StdRng) -> (Tensor, Tensor, Vec<usize>) {
    let (mut points, mut turns, mut labels) = (vec![], vec![], vec![]);
    for i in 0..n {
        let (t, turn, label): (f32, f32, usize) = (rng.random(), [-1.0, 1.0][i / 2 % 2], i % 2);
        let (radius, angle) = (0.1 + 0.9 * t, 3.0 * PI * t + PI * label as f32);
        let noise = [(); 2].map(|()| rng.random_range(-0.03..0.03));
        points.push([radius * angle.cos() + noise[0], turn * radius * angle.sin() + noise[1]]);
        turns.push([turn]);
        labels.push(label);
    }
    (Tensor::from_rows(points), Tensor::from_rows(turns), labels)
}

pub(crate) fn main() -> fanin::Result<()> {
    manual_seed(8);
    let mut rng = StdRng::seed_from_u64(8);
    let (points, turns, labels) = spirals(1000, &mut rng);
    let rest = Sequential::new().add(gated(32)).add(gated(32)).add(Linear::new(32, 2));
    let mut model = Model { point: Linear::new(2, 32), turn: Linear::new(1, 32), rest };
    let names: Vec<_> = model.named_params().into_iter().map(|(name, _)| name).collect();
    println!("{} parameters: {}", model.num_params(), names.join(", "));
    assert_eq!(
        names[..5],
        ["point.weight", "point.bias", "turn.weight", "turn.bias", "rest.0.gate.weight"]
    );

    let (mut adam, mut tape) = (Adam::new(0.01), Tape::new());
    for step in 1..=500 {
        let (loss, grads) = tape.value_and_grad(|t| {
            model.forward(t.input(&points), t.input(&turns)).cross_entropy(&labels)
        });
        adam.step(&mut model, grads);
        if step % 100 == 0 {
            println!("step {step}: loss {loss:.5}");
        }
    }

    let (points, turns, labels) = spirals(1000, &mut rng);
    let outputs = tape.value(|t| model.forward(t.input(&points), t.input(&turns)));
    let right = outputs.argmax().iter().zip(&labels).filter(|(a, b)| a == b).count();
    println!("{right} of 1000 new points are on the spiral that the network says");
    assert!(right >= 990);
    Ok(())
}
