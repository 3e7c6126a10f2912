//! What the frame must carry, each with its hardest user: layers of two inputs and of integer ids,
//! buffers, parameter kinds, groups, clipping, sums of gradients, target networks, modes, losses.
//!
//! golden/frame.txt has PyTorch's numbers; golden/frame.py wrote it.

mod gradients;
mod kinds;
mod losses;
mod normalization;
mod optimizers;
mod parameters;
mod sequential;
mod targets;

use fanin_nn::init::{Normal, manual_seed};
use fanin_nn::layers::{BatchNorm1d, Relu};
use fanin_nn::{
    Linear, Module, Optimizer, ParamPath, Parameters, Sequential, Tape, Tensor, Visitor, VisitorMut,
};

use crate::golden::error;

#[track_caller]
fn assert_close(what: &str, a: &Tensor, b: &Tensor, tolerance: f32) {
    let error = error(a, b);
    assert!(error <= tolerance, "{what}: {error:e}\n{a}\n{b}");
}

pub(crate) fn bits(model: &dyn Parameters) -> Vec<Vec<u32>> {
    let bits = |t: &Tensor| t.as_slice().iter().map(|x| x.to_bits()).collect();
    let params = model.named_params().into_iter().map(|(_, p)| bits(p.value()));
    params.chain(model.named_buffers().into_iter().map(|(_, b)| bits(b.value()))).collect()
}

pub(crate) fn random(shape: &[usize], seed: u64) -> Tensor {
    use fanin_nn::init::{Initializer, ParamSpec, TorchRng};
    Normal::new(0.0, 1.0).draw(&ParamSpec::weight(1, 1), shape, &mut TorchRng::seed(seed)).into()
}

fn with_batch_norm() -> Sequential {
    manual_seed(3);
    let norm = BatchNorm1d::new(16);
    Sequential::new().add(Linear::new(8, 16)).add(norm).add(Relu).add(Linear::new(16, 3))
}

pub(crate) fn mlp(seed: u64) -> Sequential {
    manual_seed(seed);
    Sequential::new().add(Linear::new(8, 16)).add(Relu).add(Linear::new(16, 3))
}

/// A layer whose `visit` shows its parameters in another order than `visit_mut`.
pub(crate) struct Turned(pub(crate) Linear);

impl Parameters for Turned {
    fn visit<'m>(&'m self, path: &ParamPath<'_>, visitor: &mut dyn Visitor<'m>) {
        visitor.param(&path.name("bias"), self.0.param("bias"));
        visitor.param(&path.name("weight"), self.0.param("weight"));
    }
    fn visit_mut<'m>(&'m mut self, path: &ParamPath<'_>, visitor: &mut dyn VisitorMut<'m>) {
        self.0.visit_mut(path, visitor);
    }
}

pub(crate) fn train(
    model: &mut Sequential,
    optimizer: &mut dyn Optimizer,
    seeds: std::ops::Range<u64>,
) {
    let mut tape = Tape::new();
    for seed in seeds {
        let x = random(&[32, 8], seed);
        let labels: Vec<usize> = (0..32).map(|i| i % 3).collect();
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&labels));
        optimizer.step(model, grads);
    }
}
