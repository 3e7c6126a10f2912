//! μP: variances and learning rates as table 3 has them, and what they are for.

use fanin_nn::diagnose::{CoordinateCheck, coordinate_check};
use std::collections::BTreeMap;

use fanin_nn::init::{KaimingNormal, LecunNormal, ParamSpec, TorchRng, Zeros, manual_seed};
use fanin_nn::layers::{Bilinear, FixupBranch, LayerNorm, Relu, Residual, Tanh};
use fanin_nn::{
    Adam, AdamW, InitPlan, Linear, Module, MuP, Optimizer, Param, Parameters, Sequential, Sgd,
    Tape, Tensor, Var,
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
         output weight is unknown; take a base model of another width, or say by MuP::delta what grows",
    );
    refused(MuP::sgd(&deep(0)), deep(4), "`2.weight`: it has a fan of 0 in the base model");
    refused(MuP::sgd(&deep(4)), deep(0), "`2.weight`: it has a fan of 0");
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
        "`0.scale`: it is 8 here and 4 in the base model, but its fans do not say what grows; state \
         them by Param::weight, Param::bias, Param::scale or Param::shift",
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

/// As in golden/mup.py.
fn wave(shape: &[usize], seed: usize, size: f64) -> Tensor<f64> {
    let wave = |i: usize| (((i * 7919 + seed * 613) % 1009) as f64 / 1009.0 - 0.5) * size;
    Tensor::from_vec(shape, (0..shape.iter().product()).map(wave).collect())
}

/// Standard deviation, scale of the rate, scale of the decay, and values after a step.
type Line = BTreeMap<&'static str, Vec<f64>>;

/// What mup 1.0.0 does, by case: optimizer, width, output_mult and input_mult.
fn golden() -> BTreeMap<(&'static str, usize, [&'static str; 2]), Line> {
    let mut cases: BTreeMap<_, Line> = BTreeMap::new();
    for line in include_str!("../../golden/mup.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [optimizer, width, output, input, path, ref numbers @ ..] = words[..] else {
            panic!("mup.txt: {line}")
        };
        let numbers = numbers.iter().map(|x| x.parse().unwrap()).collect();
        let case = (optimizer, width.parse().unwrap(), [output, input]);
        cases.entry(case).or_default().insert(path, numbers);
    }
    cases
}

/// Rates, decays and standard deviations are mup's, and so is what a step of each optimizer does.
#[test]
fn everything_is_as_in_the_authors_package() {
    let build = |width| {
        Sequential::new()
            .add_named("a", Linear::new(5, width))
            .add(Relu)
            .add_named("b", Linear::new(width, width))
            .add(Relu)
            .add_named("c", Linear::new(width, 3))
    };
    let cases = golden();
    assert_eq!(cases.len(), 4 * 3 * 2);
    for ((name, width, [output_mult, input_mult]), golden) in cases {
        let mup = match name {
            "adamw" => MuP::adamw(&build(8)),
            "sgd" => MuP::sgd(&build(8)),
            _ => MuP::adam(&build(8)),
        };
        let [output_mult, input_mult] = [output_mult, input_mult].map(|m| m.parse().unwrap());
        let mup = mup.delta(&build(24)).output_mult(output_mult).input_mult(input_mult);
        let mut model = build(width);
        mup.init_with(&mut model, &mut TorchRng::seed(1)).unwrap();
        let at =
            |path: &str| format!("{name}, width {width}, × {output_mult}, × {input_mult}, {path}");
        let close = |a: f64, b: f64, within: f64| (a - b).abs() <= within * b.abs();
        for (path, p) in model.named_params() {
            let [std, rate, decay] = golden[&*path][..3] else { panic!("{path}") };
            assert!(close(f64::from(p.lr_scale()), rate, 1e-7), "{}: rate", at(&path));
            let decays = close(f64::from(p.decay_scale()), decay, 1e-7);
            assert!(decays || name == "adam_without_decay", "{}: decay", at(&path));
            // One generator for all: the draws of the base's width, times a factor.
            let mut usual = build(width);
            let plan = InitPlan::new()
                .weights(KaimingNormal::default())
                .set("c.weight", LecunNormal)
                .biases(Zeros);
            usual.init_with(&plan, &mut TorchRng::seed(1)).unwrap();
            let usual_std = match &*path {
                "a.weight" => (2.0 / 5.0f64).sqrt(),
                "b.weight" => (2.0 / width as f64).sqrt(),
                "c.weight" => (1.0 / width as f64).sqrt(),
                _ => 0.0,
            };
            // mup divides by the multiplier in a network's constructor, which the script leaves out.
            let std = if path == "a.weight" { std / input_mult.sqrt() } else { std };
            let factor = if usual_std > 0.0 { std / usual_std } else { 0.0 };
            for (w, usual) in p.value().as_slice().iter().zip(usual.param(&path).value().as_slice())
            {
                let want = f64::from(*usual) * factor;
                assert!(close(f64::from(*w), want, 1e-6), "{}: {w} {want}", at(&path));
            }
        }
        let mut model: Sequential<f64> = model.cast();
        for (seed, (_, p)) in model.named_params_mut().into_iter().enumerate() {
            let shape = p.value().shape().to_vec();
            *p.value_mut() = wave(&shape, seed, 2.0 / (*shape.last().unwrap() as f64).sqrt());
        }
        let (x, y) = (wave(&[6, 5], 7, 3.0), wave(&[6, 3], 8, 2.0));
        let mut optimizer: Box<dyn Optimizer<f64>> = match name {
            "adam" => Box::new(Adam::new(0.01).weight_decay(0.3).epsilon(1e-30)),
            "adam_without_decay" => Box::new(Adam::new(0.01).epsilon(1e-30)),
            "adamw" => Box::new(AdamW::new(0.01).weight_decay(0.3).epsilon(1e-30)),
            _ => Box::new(Sgd::new(0.01).weight_decay(0.3)),
        };
        let mut tape = Tape::default();
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mse(t.input(&y)));
        optimizer.step(&mut model, grads);
        for (path, p) in model.named_params() {
            for (now, want) in p.value().as_slice().iter().zip(&golden[&*path][3..]) {
                assert!((now - want).abs() < 1e-7, "{}: {now}, not {want}", at(&path));
            }
        }
    }
}

/// Rate · decay of every parameter is that of the optimizer: the part that a step of decay removes does not
/// depend on the width.
#[test]
fn decay_removes_the_same_part_at_every_width() {
    let net = |width| {
        let norm = LayerNorm::new(width);
        Sequential::new()
            .add(Linear::new(8, width))
            .add(norm)
            .add(Linear::new(width, width))
            .add(Relu)
            .add(Linear::new(width, 2))
    };
    type Make = fn() -> Box<dyn Optimizer>;
    let optimizers: [(MuP, Make); 2] = [
        (MuP::adamw(&net(64)), || Box::new(AdamW::new(0.01).weight_decay(0.01))),
        (MuP::sgd(&net(64)), || Box::new(Sgd::new(0.01).weight_decay(0.01))),
    ];
    for (mup, optimizer) in optimizers {
        for width in [64, 256, 1024] {
            let mut model = net(width);
            mup.clone().init(&mut model).unwrap();
            let ones = |p: &mut Param| p.value_mut().as_mut_slice().fill(1.0);
            model.named_params_mut().into_iter().for_each(|(_, p)| ones(p));
            // The gradients are 0, and there are some.
            let (x, mut tape) = (Tensor::ones([4, 8]), Tape::new());
            let (_, grads) = tape.value_and_grad(|t| (model.forward(t.input(&x)) * 0.0).sum());
            optimizer().step(&mut model, grads);
            for (path, p) in model.named_params() {
                let removed = 1.0 - p.value().as_slice()[0];
                assert!((removed - 1e-4).abs() < 1e-6, "width {width}, {path}: {removed}");
            }
        }
    }
}

#[test]
fn a_delta_model_says_what_grows() {
    // The paper's recipe: tuned at the base's width, with an output of 0, and scaled up in one loop.
    let mup = MuP::adam(&net(64)).delta(&net(128)).zero_output().output_mult(32.0);
    for width in [64, 128, 256] {
        let mut model = net(width);
        mup.init(&mut model).unwrap();
        assert!(model.predict(&Tensor::ones([3, INPUTS])).as_slice().iter().all(|&y| y == 0.0));
        let m = width as f32 / 64.0;
        assert_eq!(rates(&model), [1.0, 1.0, 1.0 / m, 1.0, 1.0 / m, 1.0, 32.0 / m, 1.0]);
    }
    // With it, what is drawn and learned is the same as without, at other widths.
    let drawn = |mup: MuP| {
        let mut model = net(256);
        mup.init_with(&mut model, &mut TorchRng::seed(2)).unwrap();
        let values: Vec<Tensor> =
            model.named_params().iter().map(|(_, p)| p.value().clone()).collect();
        (values, rates(&model))
    };
    assert_eq!(drawn(MuP::sgd(&net(64))), drawn(MuP::sgd(&net(64)).delta(&net(96))));

    let refused = |mup: MuP, mut model: Sequential| mup.init(&mut model).unwrap_err().to_string();
    let classes = |n| Sequential::new().add(Linear::new(8, 16)).add(Linear::new(16, n));
    assert_eq!(
        refused(MuP::adam(&classes(3)).delta(&classes(3)), classes(5)),
        "`1.weight`: fan_out is 5 here and 3 in the base model, but the delta model says that it does \
         not grow"
    );
    assert_eq!(
        refused(MuP::adam(&net(64)).delta(&net(64)).zero_output(), net(64)),
        "`MuP::zero_output`: no weight differs from the base model in its fan_in alone, so the \
         output weight is unknown; take a delta model of another width"
    );
    let error = refused(MuP::adam(&net(64)).delta(&classes(3)), net(64));
    assert_eq!(error, "`2.weight`: the delta model has no such parameter");
    let error = refused(MuP::adam(&net(64)).input_mult(0.5), net(64));
    assert!(error.starts_with("`MuP::input_mult`: no weight differs"), "{error}");
    assert!(error.contains("its fan_out alone, so the input weight is unknown"), "{error}");
}

/// A shape that grows otherwise than its fans is refused, whatever the kind.
#[test]
fn fans_that_do_not_say_what_grows() {
    #[derive(Clone, Parameters)]
    struct One(Param);
    let refused =
        |mut model: One, base: One| MuP::sgd(&base).init(&mut model).unwrap_err().to_string();
    let of = |n, spec: fn(usize) -> ParamSpec| One(Param::with_spec(Tensor::ones(n), spec(n)));
    for spec in [
        (|_| ParamSpec::scale()) as fn(usize) -> ParamSpec,
        |_| ParamSpec::shift_of(1),
        |n| ParamSpec::bias(n, 1),
        |_| ParamSpec::weight(3, 4),
    ] {
        let error = refused(of(8, spec), of(4, spec));
        assert!(error.contains("its fans do not say what grows"), "{error}");
    }
    let mut stated = One(Param::scale(Tensor::ones(8)));
    MuP::sgd(&One(Param::scale(Tensor::ones(4)))).init(&mut stated).unwrap();
    assert_eq!(stated.0.lr_scale(), 2.0);
    // The fans of a bilinear layer are those of its left input.
    let mut wide = Bilinear::new(8, 8, 3);
    let error = MuP::adam(&Bilinear::new(4, 4, 3)).init(&mut wide).unwrap_err().to_string();
    assert!(error.contains("3×8×8 here and 3×4×4 in the base model"), "{error}");
    MuP::adam(&Bilinear::new(4, 8, 3)).init(&mut wide).unwrap();
    // A matrix of one shape whose fans differ.
    let matrix = |fan| One(Param::weight(Tensor::ones([4, 4]), fan, 4));
    let error = refused(matrix(8), matrix(4));
    assert!(error.contains("its fans do not say what grows"), "{error}");
}

#[test]
fn what_a_layer_set_on_purpose_is_kept_and_learns_at_its_rate() {
    let net = |width| {
        Sequential::new()
            .add(Linear::new(8, width))
            .add(Residual::new(FixupBranch::new(width, width, 4, 2)))
            .add(Linear::new(width, 2))
    };
    let mut model = net(64);
    let before = model.param("1.branch.layers.0.weight").value().clone();
    MuP::adam(&net(16)).init(&mut model).unwrap();
    assert_eq!(model.param("1.branch.layers.0.weight").value(), &before);
    assert!(model.param("1.branch.layers.1.weight").value().as_slice().iter().all(|&w| w == 0.0));
    assert_eq!(model.param("1.branch.layers.1.weight").lr_scale(), 0.25);
}

#[test]
#[should_panic(expected = "MuP: output_mult of 0.0 must be positive and finite")]
fn a_multiplier_of_zero_is_refused() {
    let _ = MuP::adam(&net(64)).output_mult(0.0);
}

#[test]
#[should_panic(expected = "weight: a weight decay cannot be scaled by -1")]
fn a_negative_scale_of_the_decay_is_refused() {
    Linear::new(3, 2).weight_mut().set_decay_scale(-1.0);
}

/// Between once and twice √(m/n) is the spectral norm of each matrix, at every width.
#[test]
fn spectral_norms_are_the_root_of_the_fans() {
    // Largest over the limit of a Gaussian matrix, √n + √m times its standard deviation.
    for width in [64, 512] {
        let mut model = net(width);
        MuP::adam(&net(128)).spectral().gain(1.0).init(&mut model).unwrap();
        assert_eq!(model.param("2.weight").lr_scale(), 128.0 / width as f32);
        for (path, p) in
            model.named_params().into_iter().filter(|(path, _)| path.ends_with("weight"))
        {
            let [m, n] = p.value().shape() else { panic!("{path}") };
            let (m, n) = (*m as f64, *n as f64);
            let w = p.value().as_slice();
            let variance = w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / (m * n);
            let want = m.min(n) / (n * n);
            let z = (variance / want - 1.0) / (2.0 / (m * n)).sqrt();
            assert!(z.abs() < 5.0, "{path}: variance {variance}, not {want}");
            let norm = fanin_nn::diagnose::singular_values(p.value())[0];
            let want = (m / n).sqrt() * (1.0 + (m.min(n) / m.max(n)).sqrt());
            assert!((norm / want - 1.0).abs() < 0.25, "{path}: {norm}, not {want}");
        }
    }
}
