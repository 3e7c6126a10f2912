//! μP: variances and learning rates as table 3 has them, and what they are for.

use fanin_nn::diagnose::{CoordinateCheck, coordinate_check};
use fanin_nn::init::{KaimingNormal, TorchRng, Zeros, manual_seed};
use fanin_nn::layers::{Relu, Residual, Tanh};
use fanin_nn::{
    Adam, InitPlan, Linear, Module, MuP, Optimizer, Param, Parameters, Sequential, Sgd, Tensor, Var,
};

const INPUTS: usize = 48;
const CLASSES: usize = 5;

fn net(width: usize) -> Sequential {
    Sequential::new()
        .add(Linear::new(INPUTS, width))
        .add(Relu)
        .add(Linear::new(width, width))
        .add(Relu)
        .add(Linear::new(width, width))
        .add(Relu)
        .add(Linear::new(width, CLASSES))
}

fn rates(model: &impl Module) -> Vec<f32> {
    model.named_params().iter().map(|(_, p)| p.lr_scale()).collect()
}

/// Each variance to 5 standard deviations of its estimate.
#[test]
fn variances_and_rates_are_those_of_table_3() {
    manual_seed(1);
    let mut model = net(256);
    MuP::adam(&net(64)).init(&mut model).unwrap();
    assert_eq!(rates(&model), [1.0, 1.0, 0.25, 1.0, 0.25, 1.0, 0.25, 1.0]);
    let gain = 2.0; // of ReLU, squared
    let want = [gain / 48.0, gain / 256.0, gain / 256.0, 1.0 / 256.0 / 4.0];
    let params = model.named_params();
    for (i, want) in want.into_iter().enumerate() {
        let w = params[2 * i].1.value().as_slice();
        let n = w.len() as f64;
        let variance = w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / n;
        let z = (variance / want - 1.0) / (2.0 / n).sqrt();
        assert!(z.abs() < 5.0, "layer {i}: variance {variance}, not {want}");
        assert!(params[2 * i + 1].1.value().as_slice().iter().all(|&b| b == 0.0));
    }

    MuP::sgd(&net(64)).init(&mut model).unwrap();
    assert_eq!(rates(&model), [4.0, 4.0, 1.0, 4.0, 1.0, 4.0, 0.25, 1.0]);
    // Hidden layers of two widths that grow apart.
    let uneven = |a, b| {
        Sequential::new().add(Linear::new(3, a)).add(Linear::new(a, b)).add(Linear::new(b, 2))
    };
    let mut model = uneven(32, 80);
    MuP::sgd(&uneven(16, 10)).init(&mut model).unwrap();
    assert_eq!(rates(&model), [2.0, 2.0, 4.0, 8.0, 0.125, 1.0]);
}

#[test]
fn at_the_bases_width_it_is_the_usual_parametrization() {
    let (mut ours, mut usual) = (net(64), net(64));
    MuP::adam(&net(64)).gain(1.5).init_with(&mut ours, &mut TorchRng::seed(3)).unwrap();
    let plan = InitPlan::new().weights(KaimingNormal::default().gain(1.5)).biases(Zeros);
    usual.init_with(&plan, &mut TorchRng::seed(3)).unwrap();
    for ((path, a), (_, b)) in ours.named_params().iter().zip(usual.named_params()) {
        assert_eq!(a.value(), b.value(), "{path}");
        assert_eq!(a.lr_scale(), 1.0, "{path}");
    }
}

#[test]
fn zero_output_and_frozen_parameters() {
    let mut model = net(128);
    model.set_trainable("2.weight", false);
    let before = model.named_params()[2].1.value().clone();
    MuP::adam(&net(64)).zero_output().init(&mut model).unwrap();
    assert_eq!(model.named_params()[2].1.value(), &before);
    assert!(model.predict(&Tensor::ones([3, INPUTS])).as_slice().iter().all(|&y| y == 0.0));

    // The α's of residual branches are neither weights nor biases.
    let residual = |width| {
        Sequential::new()
            .add(Linear::new(4, width))
            .add(Residual::new(Linear::new(width, width)).learned(0.5))
            .add(Linear::new(width, 2))
    };
    let mut model = residual(64);
    MuP::adam(&residual(16)).init(&mut model).unwrap();
    let (path, alpha) = model.named_params()[4].clone();
    assert_eq!((path.as_str(), alpha.value().item(), alpha.lr_scale()), ("1.alpha", 0.5, 1.0));
}

#[test]
fn models_of_which_it_cannot_tell() {
    let refused = |mup: MuP, mut model: Sequential, reason: &str| {
        let before: Vec<Tensor> =
            model.named_params().iter().map(|(_, p)| p.value().clone()).collect();
        let error = mup.init(&mut model).unwrap_err();
        assert_eq!(error.to_string(), reason);
        for ((path, p), before) in model.named_params().iter().zip(before) {
            assert_eq!((p.value(), p.lr_scale()), (&before, 1.0), "{path}");
        }
    };
    let shallow = || Sequential::new().add(Linear::new(3, 8)).add(Tanh);
    let deep = |width| shallow().add(Linear::new(8, width));
    refused(MuP::adam(&shallow()), deep(4), "`2.weight`: the base model has no such parameter");
    refused(
        MuP::adam(&deep(4)),
        shallow(),
        "`2.weight`: the base model has this parameter, but the model does not",
    );
    refused(
        MuP::adam(&net(64)).zero_output(),
        net(64),
        "`MuP::zero_output`: no weight differs from the base model in its fan_in alone, so the \
         output weight is unknown; take a base model of another width",
    );
    refused(MuP::sgd(&deep(0)), deep(4), "`2.weight`: it has a fan of 0 in the base model");
    #[derive(Clone, Parameters)]
    struct Scaled {
        scale: Param,
    }
    impl Module for Scaled {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            x * x.tape().param(&self.scale)
        }
    }
    let scaled = |width| Sequential::new().add(Scaled { scale: Param::new(Tensor::ones(width)) });
    refused(
        MuP::adam(&scaled(4)),
        scaled(8),
        "`0.scale`: it is 8 here and 4 in the base model, but its fans do not say what grows",
    );
    assert!(MuP::adam(&scaled(4)).init(&mut scaled(4)).is_ok());
}

fn check(mup: bool, adam: bool) -> CoordinateCheck {
    let wave = |i: usize| ((i * 7919 % 1009) as f32 / 1009.0 - 0.5) * 3.4;
    let x = Tensor::from_vec([16, INPUTS], (0..16 * INPUTS).map(wave).collect());
    let labels: Vec<usize> = (0..16).map(|i| i * i % CLASSES).collect();
    coordinate_check(&[64, 128, 256, 512], 4, 4, &x, &labels, |width, seed| {
        manual_seed(seed);
        let mut model = net(width);
        match (mup, adam) {
            (true, true) => MuP::adam(&net(64)).init(&mut model).unwrap(),
            (true, false) => MuP::sgd(&net(64)).init(&mut model).unwrap(),
            (false, _) => {
                let usual = InitPlan::new().weights(KaimingNormal::default()).biases(Zeros);
                model.init(&usual).unwrap();
            }
        }
        let optimizer: Box<dyn Optimizer> =
            if adam { Box::new(Adam::new(2e-3)) } else { Box::new(Sgd::new(0.05)) };
        (Box::new(model), optimizer)
    })
}

#[test]
fn under_mup_activations_change_alike_at_every_width() {
    for adam in [true, false] {
        let check = check(true, adam);
        println!("μP, Adam: {adam}\n{check}");
        assert_eq!(check.layers.len(), 4);
        for layer in &check.layers {
            assert!(layer.slope.abs() < 0.15, "Adam: {adam}\n{check}");
        }
    }
}

#[test]
fn in_the_usual_parametrization_they_grow_with_the_width() {
    for adam in [true, false] {
        let check = check(false, adam);
        println!("usual, Adam: {adam}\n{check}");
        for layer in &check.layers[1..] {
            assert!(layer.slope > 0.3, "Adam: {adam}\n{check}");
        }
    }
}
