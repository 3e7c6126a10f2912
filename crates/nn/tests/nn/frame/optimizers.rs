//! Groups of parameters, and the state of an optimizer.

use fanin_nn::init::manual_seed;
use fanin_nn::layers::{LayerNorm, Relu};
use fanin_nn::optim::OptimizerState;
use fanin_nn::{Adam, AdamW, Linear, Module, Optimizer, Parameters, Sequential, Tape, Tensor};

use super::{Turned, bits, mlp, random, train};

/// A step with gradients of 0, so that nothing but weight decay moves a parameter. Returns the factor
/// of each.
fn decay_factors(optimizer: &mut dyn Optimizer) -> Vec<f32> {
    manual_seed(4);
    let norm = LayerNorm::new(4);
    let mut model =
        Sequential::new().add(Linear::new(3, 4)).add(norm).add(Relu).add(Linear::new(4, 2));
    *model.param_mut("1.bias").value_mut() = Tensor::ones(4);
    let before = model.clone();
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| {
        let zeros = model.named_params().into_iter().map(|(_, p)| (t.param(p) * 0.0).sum());
        zeros.reduce(|a, b| a + b).unwrap()
    });
    optimizer.step(&mut model, grads);
    let pairs = model.named_params().into_iter().zip(before.named_params());
    pairs.map(|((_, a), (_, b))| a.value().as_slice()[0] / b.value().as_slice()[0]).collect()
}

#[test]
fn groups_by_pattern_have_options_of_their_own() {
    // 0.weight, 0.bias, 1.weight, 1.bias, 3.weight, 3.bias.
    let adamw = AdamW::new(0.1).weight_decay(0.5);
    let close = |got: Vec<f32>, want: [f32; 6]| {
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {want:?}");
    };
    close(decay_factors(&mut adamw.clone()), [0.95; 6]);
    let mut usual = adamw
        .clone()
        .group("*.bias", |g| g.weight_decay(0.0))
        .group("1.*", |g| g.weight_decay(0.0));
    close(decay_factors(&mut usual), [0.95, 1.0, 1.0, 1.0, 0.95, 1.0]);
    // The last group that matches counts; the rate of a group follows that of the optimizer.
    let mut slow = usual.group("3.*", |g| g.weight_decay(1.0).rate(0.01));
    close(decay_factors(&mut slow), [0.95, 1.0, 1.0, 1.0, 0.99, 0.99]);
    slow.set_lr(0.2);
    close(decay_factors(&mut slow), [0.9, 1.0, 1.0, 1.0, 0.98, 0.98]);
}

#[test]
#[should_panic(expected = "step: the group `*.bais` of AdamW matches no parameter")]
fn a_group_that_matches_nothing_is_refused() {
    decay_factors(&mut AdamW::new(0.1).group("*.bais", |g| g.weight_decay(0.0)));
}

/// A layer in front, with shapes of the layer behind it, does not take that one's moments.
#[test]
fn state_belongs_to_the_parameter() {
    let square = || Linear::new(8, 8);
    manual_seed(1);
    let mut adam = Adam::new(1e-2);
    let (mut first, mut second) = (Sequential::new().add(square()), square());
    let x = random(&[16, 8], 1);
    let mut tape = Tape::new();
    for _ in 0..3 {
        let (_, grads) = tape.value_and_grad(|t| first.forward(t.input(&x)).square().mean());
        adam.step(&mut first, grads);
    }
    let moments = |adam: &Adam, path: &str| {
        let state: OptimizerState = adam.state();
        state.params.into_iter().find(|p| p.path == path).map(|p| (p.steps, p.slots))
    };
    let before = moments(&adam, "0.weight").unwrap();
    // The same parameters at another path: what is remembered goes along.
    let mut longer = Stack { front: second.clone(), back: first };
    longer.set_trainable("back.*", false);
    let (_, grads) = tape
        .value_and_grad(|t| longer.back.forward(longer.front.forward(t.input(&x))).square().mean());
    adam.step(&mut longer, grads);
    assert_eq!(moments(&adam, "back.0.weight").unwrap(), before);
    assert_eq!(moments(&adam, "front.weight").unwrap().0, 1);
    second.set_trainable("*", false);
}

#[derive(Parameters)]
struct Stack {
    front: Linear,
    back: Sequential,
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let (mut model, mut adam) = (mlp(1), Adam::new(1e-2));
    train(&mut model, &mut adam, 0..2);
    let state: OptimizerState = adam.state();
    let refused = |why: &str, optimizer: &mut dyn Optimizer, model: &Sequential, state| {
        let error = optimizer.load_state(model, state).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    refused("this optimizer is AdamW", &mut AdamW::new(1e-2), &model, state.clone());
    let other = Sequential::new().add(Linear::new(8, 16));
    refused("the model has no parameter 2.weight", &mut Adam::new(0.1), &other, state.clone());
    let mut wrong = state.clone();
    wrong.params[0].slots[1].1 = Tensor::zeros(3);
    refused("v of 0.weight is 3, and the parameter is 16×8", &mut Adam::new(0.1), &model, wrong);
    let mut wrong = state.clone();
    wrong.params[0].slots.pop();
    refused("0.weight has [\"m\"] and not [\"m\", \"v\"]", &mut Adam::new(0.1), &model, wrong);
    let mut wrong = state;
    wrong.lr = f64::NAN;
    refused("its learning rate is NaN", &mut Adam::new(0.1), &model, wrong);
}

/// A hand-written `visit` may show parameters in another order than `visit_mut`, or none.
#[test]
fn a_step_goes_by_the_order_of_visit_mut() {
    let mut plain = Linear::new(8, 3);
    let mut turned = Turned(plain.clone());
    let (x, mut tape) = (random(&[16, 8], 1), Tape::new());
    let (mut a, mut b) = (Adam::new(1e-2), Adam::new(1e-2));
    for _ in 0..3 {
        let (_, grads) = tape.value_and_grad(|t| plain.forward(t.input(&x)).square().mean());
        a.step(&mut plain, grads);
        let (_, grads) = tape.value_and_grad(|t| turned.0.forward(t.input(&x)).square().mean());
        b.step(&mut turned, grads);
    }
    assert_eq!(bits(&turned.0), bits(&plain));
}
