//! Losses: PyTorch's options, and losses of one's own.

use fanin_nn::init::manual_seed;
use fanin_nn::losses::{CrossEntropy, Loss, Mse, Reduction};
use fanin_nn::{Adam, Linear, Module, Optimizer, Param, Tape, Tensor, Var, gradcheck, losses};

use super::assert_close;
use crate::golden::golden;

#[test]
fn cross_entropy_has_pytorchs_options() {
    let golden = golden("frame.txt");
    let labels = [0, 4, 2, 2, 1, 3];
    let weights = [1.0, 0.5, 4.0, 0.0, 2.0];
    let plain = CrossEntropy::new;
    let cases = [
        ("plain", plain()),
        ("smoothed", plain().label_smoothing(0.1)),
        ("weighted", plain().class_weights(&weights)),
        ("weighted_smoothed", plain().class_weights(&weights).label_smoothing(0.1)),
        ("ignored", plain().ignore_index(2)),
        ("all", plain().class_weights(&weights).label_smoothing(0.2).ignore_index(4)),
    ];
    let x = Param::new(golden["cross_entropy/x"].clone());
    let mut tape = Tape::new();
    for (name, loss) in &cases {
        for (reduction, called) in
            [(Reduction::Mean, "mean"), (Reduction::Sum, "sum"), (Reduction::None, "none")]
        {
            let loss = loss.clone().reduction(reduction);
            let get = |what: &str| &golden[&*format!("cross_entropy/{name}/{called}/{what}")];
            let mut value = None;
            let (_, grads) = tape.value_and_grad(|t| {
                let l = loss.loss(t.param(&x), &labels[..]);
                value = Some(l.value());
                let cotangent = match reduction {
                    Reduction::None => (1..7).map(|i| i as f32).collect::<Vec<_>>().into(),
                    _ => Tensor::scalar(1.5),
                };
                (l * t.input(&cotangent)).sum()
            });
            assert_close(name, &value.unwrap(), get("loss"), 1e-6);
            assert_close(name, grads.get(&x).unwrap(), get("dx"), 1e-6);
        }
    }
    for (_, loss) in cases {
        gradcheck(&[&[6, 5]], 1, |_, x| loss.loss(x[0], &labels[..])).assert_below(1e-6);
        let by_row = loss.reduction(Reduction::None);
        gradcheck(&[&[6, 5]], 1, |_, x| by_row.loss(x[0], &labels[..])).assert_below(1e-6);
    }
}

/// Trains a line by any loss.
fn fit(loss: &impl Loss<Tensor>) -> f32 {
    manual_seed(1);
    let x = Tensor::from_vec([4, 1], vec![0.0, 1.0, 2.0, 3.0]);
    let y = Tensor::from_vec([4, 1], vec![1.0, 3.0, 5.0, 7.0]);
    let (mut model, mut adam, mut tape) = (Linear::new(1, 1), Adam::new(0.05), Tape::new());
    for _ in 0..800 {
        let (_, grads) = tape.value_and_grad(|t| loss.loss(model.forward(t.input(&x)), &y));
        adam.step(&mut model, grads);
    }
    model.weight().item()
}

#[test]
fn a_loss_is_a_value_a_function_or_a_closure() {
    fn absolute<'t>(y: Var<'t>, target: Var<'t>) -> Var<'t> {
        (y - target).abs().mean()
    }
    let huber = losses::from_fn(|y, target| {
        let d = (y - target).abs();
        (d * d).mean() * 0.5 + d.mean() * 0.0
    });
    for slope in [fit(&Mse::new()), fit(&absolute), fit(&huber)] {
        assert!((slope - 2.0).abs() < 0.05, "{slope}");
    }
    assert!((fit(&losses::from_fn(|y, target| (y - target).square().mean())) - 2.0).abs() < 0.01);
}
