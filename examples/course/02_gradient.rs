//! # A first gradient
//!
//! Training is going downhill. A loss says how wrong the parameters are; its gradient says in which
//! direction the loss grows. A step against the gradient makes the loss smaller.
//!
//! The simplest loss is a parabola, `(w − 3)²`. Its derivative is `2 (w − 3)`, and its minimum is at
//! 3. `Tape::value_and_grad` runs a function, records each operation on the tape, and then goes
//! through the operations backwards (the backward pass). It gives the value and the gradient of every
//! parameter. Nobody writes down a derivative.
//!
//! A step with learning rate 0.1 is `w ← w − 0.1 · 2 (w − 3)`. It multiplies the distance to 3 by 0.8,
//! so 20 steps leave `0.8²⁰`, about 1 %, of it. The optimizer `Sgd` takes the same step, for all
//! parameters of a model. A model is any struct that derives `Parameters`.

use fanin::prelude::*;

#[derive(Parameters)]
struct Model {
    w: Param,
}

pub(crate) fn main() -> fanin::Result<()> {
    let mut model = Model { w: Param::new(Tensor::scalar(0.0)) };
    let mut by_hand = 0.0;
    let mut sgd = Sgd::new(0.1);
    let mut tape = Tape::new();

    println!("step        w     loss  gradient");
    for step in 0..20 {
        let (loss, grads) = tape.value_and_grad(|t| (t.param(&model.w) - 3.0).square());
        let w = model.w.value().item();
        let gradient = grads.get(&model.w).expect("the loss depends on w").item();
        if step % 4 == 0 {
            println!("{step:>4} {w:>8.4} {loss:>8.4} {gradient:>9.4}");
        }
        assert!((gradient - 2.0 * (w - 3.0)).abs() < 1e-6);

        by_hand -= 0.1 * 2.0 * (by_hand - 3.0);
        sgd.step(&mut model, grads);
        assert!((model.w.value().item() - by_hand).abs() < 1e-5);
    }

    let w = model.w.value().item();
    let left = (3.0 - w) / 3.0;
    println!("after 20 steps w = {w:.4}: {:.1} % of the way is left", 100.0 * left);
    assert!((left - 0.8f32.powi(20)).abs() < 1e-5);
    Ok(())
}
