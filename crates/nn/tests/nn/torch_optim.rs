//! Every optimizer against PyTorch's, after each of 20 steps: golden/torch_optim.txt, which
//! golden/make.py wrote.
//!
//! `cargo test -p fanin-nn torch_optim -- --nocapture` shows the largest deviation of each case.

use fanin_nn::optim::RmsProp;
use fanin_nn::{Adam, AdamW, Module, Optimizer, Param, Parameters, Sgd, Tape, Tensor, Var};

use crate::golden::tensor;

/// Relative to max(1, |PyTorch's|). Both round each step's few operations to `f32`, in orders that
/// differ; 20 steps add up to at most 3.4e-7 here.
const TOLERANCE: f32 = 6e-7;
const STEPS: usize = 20;

struct Golden {
    start: Vec<Tensor>,
    /// Of each step, for w and b.
    gradients: Vec<[Tensor; 2]>,
    cases: Vec<Case>,
}

struct Case {
    name: &'static str,
    /// What w and b are after each step.
    after: Vec<[Tensor; 2]>,
}

fn golden() -> Golden {
    let (mut start, mut gradients) = (vec![], vec![]);
    let mut cases: Vec<(&str, Vec<Tensor>)> = vec![];
    for line in include_str!("../../golden/torch_optim.txt").lines() {
        let mut words = line.split(' ');
        match words.next().unwrap() {
            "#" => {}
            "start" => start.push(tensor(words)),
            "gradient" => gradients.push(tensor(words)),
            "case" => cases.push((words.next().unwrap(), vec![])),
            "after" => cases.last_mut().unwrap().1.push(tensor(words)),
            _ => panic!("torch_optim.txt: {line}"),
        }
    }
    let of_steps = |all: Vec<Tensor>| -> Vec<[Tensor; 2]> {
        assert_eq!(all.len(), 2 * STEPS);
        all.chunks(2).map(|step| [step[0].clone(), step[1].clone()]).collect()
    };
    let cases = cases.into_iter().map(|(name, after)| Case { name, after: of_steps(after) });
    Golden { start, cases: cases.collect(), gradients: of_steps(gradients) }
}

#[derive(Parameters)]
struct Model {
    w: Param,
    b: Param,
}

impl Module for Model {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x
    }
}

fn optimizers() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let sgd = || Sgd::new(0.1);
    let adam = || Adam::new(0.05);
    let adamw = || AdamW::new(0.05);
    let rmsprop = || RmsProp::new(0.01);
    let fast = || rmsprop().alpha(0.9).epsilon(1e-3);
    vec![
        ("sgd", Box::new(sgd())),
        ("sgd-decay", Box::new(sgd().weight_decay(0.1))),
        ("sgd-momentum", Box::new(sgd().momentum(0.9))),
        ("sgd-dampening", Box::new(sgd().momentum(0.9).dampening(0.3))),
        ("sgd-nesterov", Box::new(sgd().momentum(0.9).nesterov())),
        ("sgd-momentum-decay", Box::new(sgd().momentum(0.8).weight_decay(0.1))),
        ("sgd-nesterov-decay", Box::new(sgd().momentum(0.8).nesterov().weight_decay(0.1))),
        ("sgd-momentum-rare", Box::new(sgd().momentum(0.9))),
        ("sgd-momentum-decay-frozen", Box::new(sgd().momentum(0.8).weight_decay(0.1))),
        ("sgd-momentum-schedule", Box::new(sgd().momentum(0.9))),
        ("adam", Box::new(adam())),
        ("adam-betas", Box::new(adam().betas(0.7, 0.9))),
        ("adam-epsilon", Box::new(adam().epsilon(0.1))),
        ("adam-decay", Box::new(adam().weight_decay(0.1))),
        ("adam-rare", Box::new(adam())),
        ("adam-decay-frozen", Box::new(adam().weight_decay(0.1))),
        ("adam-schedule", Box::new(adam())),
        ("adamw", Box::new(adamw())),
        ("adamw-decay", Box::new(adamw().betas(0.7, 0.9).weight_decay(0.5))),
        ("adamw-rare", Box::new(adamw().weight_decay(0.5))),
        ("adamw-schedule", Box::new(adamw().weight_decay(0.5))),
        ("sgd-scaled", Box::new(sgd())),
        ("sgd-momentum-decay-scaled", Box::new(sgd().momentum(0.8).weight_decay(0.1))),
        ("adam-decay-scaled", Box::new(adam().weight_decay(0.1))),
        ("adamw-scaled", Box::new(adamw().weight_decay(0.5))),
        ("rmsprop", Box::new(rmsprop())),
        ("rmsprop-decay", Box::new(fast().weight_decay(0.1))),
        ("rmsprop-centered", Box::new(fast().centered())),
        ("rmsprop-momentum-rare", Box::new(rmsprop().momentum(0.8))),
        ("rmsprop-centered-momentum", Box::new(fast().centered().momentum(0.8))),
    ]
}

/// What w and b are after each step, with the gradients, freezing, schedule and scales that a case's name asks for.
fn train(name: &str, optimizer: &mut dyn Optimizer, golden: &Golden) -> Vec<[Tensor; 2]> {
    let [w, b] = [0, 1].map(|i| Param::new(golden.start[i].clone()));
    let mut model = Model { w, b };
    if name.ends_with("-scaled") {
        model.w.set_lr_scale(2.0);
        model.b.set_lr_scale(0.25);
    }
    model.b.set_trainable(!name.ends_with("-frozen"));
    let mut tape = Tape::new();
    let steps = golden.gradients.iter().enumerate().map(|(step, [gw, gb])| {
        let without_b = name.ends_with("-rare") && step % 3 != 2;
        let before = model.b.value().clone();
        // The gradient of Σ g ⊙ p with respect to p is g, exactly.
        let (_, grads) = tape.value_and_grad(|t| {
            let loss = (t.param(&model.w) * t.input(gw)).sum();
            if without_b { loss } else { loss + (t.param(&model.b) * t.input(gb)).sum() }
        });
        assert_eq!(grads.count(), if without_b || !model.b.is_trainable() { 1 } else { 2 });
        optimizer.step(&mut model, grads);
        if name.ends_with("-schedule") {
            optimizer.set_lr(optimizer.lr() * 0.8);
        }
        if without_b || !model.b.is_trainable() {
            assert_eq!(model.b.value(), &before, "{name}: b has no gradient in step {step}");
        }
        [model.w.value().clone(), model.b.value().clone()]
    });
    steps.collect()
}

/// The largest difference, relative to max(1, |want|). A NaN is as far as can be.
fn deviation(got: &[[Tensor; 2]], want: &[[Tensor; 2]]) -> f32 {
    assert_eq!(got.len(), want.len());
    let pairs = got.iter().flatten().zip(want.iter().flatten()).flat_map(|(got, want)| {
        assert_eq!(got.shape(), want.shape());
        got.as_slice().iter().zip(want.as_slice())
    });
    let each = pairs.map(|(got, want)| (got - want).abs() / want.abs().max(1.0));
    each.fold(0.0, |worst: f32, d| if d.is_nan() { f32::INFINITY } else { worst.max(d) })
}

#[test]
fn parameters_are_pytorchs_after_every_step() {
    let golden = golden();
    let optimizers = optimizers();
    assert_eq!(golden.cases.len(), optimizers.len());
    for (case, (name, mut optimizer)) in golden.cases.iter().zip(optimizers) {
        assert_eq!(case.name, name);
        let worst = deviation(&train(name, &mut *optimizer, &golden), &case.after);
        eprintln!("{name}: {worst:.1e}");
        assert!(worst < TOLERANCE, "{name}: {worst:e} from PyTorch");
    }
}

/// Each option matters: no optimizer passes for another.
#[test]
fn optimizers_are_told_apart() {
    let golden = golden();
    for (a, (name, _)) in optimizers().iter().enumerate() {
        for (b, case) in golden.cases.iter().enumerate() {
            // The same rule for the case's own gradients is the same case.
            let rule = |name: &'static str| {
                let ends = ["-rare", "-frozen", "-schedule", "-scaled"];
                ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
            };
            if a == b || rule(name) == rule(case.name) {
                continue;
            }
            let (_, mut optimizer) = optimizers().swap_remove(a);
            let distance = deviation(&train(case.name, &mut *optimizer, &golden), &case.after);
            assert!(distance > 1e-3, "{name} passes for {}: {distance:e}", case.name);
        }
    }
}

#[test]
fn clones_and_casts_keep_the_scale_of_the_learning_rate() {
    let mut p = Param::new(Tensor::<f32>::ones(3));
    assert_eq!(p.lr_scale(), 1.0);
    p.set_lr_scale(0.5);
    assert_eq!((p.clone().lr_scale(), p.cast::<f64>().lr_scale()), (0.5, 0.5));
}

/// A scale of the decay is a group with another decay, to the bit.
#[test]
fn a_scale_of_the_decay_is_a_group_with_another_decay() {
    let golden = golden();
    type Make = fn(f64, f64) -> Box<dyn Optimizer>;
    let optimizers: [Make; 4] = [
        |w, b| Box::new(Adam::new(0.01).weight_decay(w).group("b", |g| g.weight_decay(b))),
        |w, b| Box::new(AdamW::new(0.01).weight_decay(w).group("b", |g| g.weight_decay(b))),
        |w, b| Box::new(Sgd::new(0.01).weight_decay(w).group("b", |g| g.weight_decay(b))),
        |w, b| Box::new(RmsProp::new(0.01).weight_decay(w).group("b", |g| g.weight_decay(b))),
    ];
    let run = |mut optimizer: Box<dyn Optimizer>, scale: f32| {
        let [w, b] = [0, 1].map(|i| Param::new(golden.start[i].clone()));
        let (mut model, mut tape) = (Model { w, b }, Tape::new());
        model.set_decay_scale("b", scale);
        for [gw, gb] in &golden.gradients {
            let (_, grads) = tape.value_and_grad(|t| {
                (t.param(&model.w) * t.input(gw)).sum() + (t.param(&model.b) * t.input(gb)).sum()
            });
            optimizer.step(&mut model, grads);
        }
        [model.w.value().clone(), model.b.value().clone()]
    };
    for make in optimizers {
        let (scaled, group) = (run(make(0.1, 0.1), 4.0), run(make(0.1, 0.4), 1.0));
        assert_eq!(scaled, group);
        assert_eq!(run(make(0.1, 0.1), 0.0), run(make(0.1, 0.0), 1.0));
        assert_ne!(scaled, run(make(0.1, 0.1), 1.0));
    }
    let mut p = Param::new(Tensor::<f32>::ones(3));
    assert_eq!(p.decay_scale(), 1.0);
    p.set_decay_scale(0.5);
    assert_eq!((p.clone().decay_scale(), p.cast::<f64>().decay_scale()), (0.5, 0.5));
}
