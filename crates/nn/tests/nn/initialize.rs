//! Initializers that look at data: what they promise, on deep models, and what they refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fanin_nn::diagnose::{LayerProbe, Probe};
use fanin_nn::init::*;
use fanin_nn::initialize::*;
use fanin_nn::layers::{FixupBranch, Relu, Residual, Tanh};
use fanin_nn::*;

const DEPTH: usize = 30;
const WIDTH: usize = 48;

/// Samples whose features have other means and scales than 0 and 1.
fn batch(samples: usize, features: usize) -> Tensor {
    let spec = ParamSpec::weight(features, samples);
    let x = Normal::new(0.5, 2.0).draw(&spec, &[samples, features], &mut TorchRng::seed(77));
    x.into()
}

fn deep(activation: impl Module + Copy + 'static) -> Sequential {
    manual_seed(3);
    let mut model = Sequential::new().add(Linear::new(20, WIDTH)).add(activation);
    for _ in 2..DEPTH {
        model = model.add(Linear::new(WIDTH, WIDTH)).add(activation);
    }
    model.add(Linear::new(WIDTH, 10))
}

/// Blocks of one's own, of which one layer is used twice.
#[derive(Parameters)]
struct Own {
    stem: Linear,
    blocks: Vec<Block>,
    shared: Linear,
    head: Option<Linear>,
}

#[derive(Parameters)]
struct Block {
    inner: Linear,
    outer: Linear,
}

impl Module for Own {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let x = self.blocks.forward(self.stem.forward(x).relu());
        let x = self.shared.forward(self.shared.forward(x).tanh()).tanh();
        self.head.forward(x)
    }
}

impl Module for Block {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x + self.outer.forward(self.inner.forward(x).gelu())
    }
}

fn own() -> Own {
    manual_seed(4);
    let block = |_| Block { inner: Linear::new(16, 32), outer: Linear::new(32, 16) };
    Own {
        stem: Linear::new(20, 16),
        blocks: (0..DEPTH / 2).map(block).collect(),
        shared: Linear::new(16, 16),
        head: Some(Linear::new(16, 3)),
    }
}

/// Mean and standard deviation, written down again.
fn moments(values: impl Iterator<Item = f32>) -> (f64, f64) {
    let values: Vec<f64> = values.map(f64::from).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| x * x).sum::<f64>() / n - mean * mean;
    (mean, variance.sqrt())
}

fn std(layer: &LayerProbe) -> f64 {
    moments(layer.pre_activation.as_slice().iter().copied()).1
}

fn unit(layer: &LayerProbe, unit: usize) -> (f64, f64) {
    let units = layer.weight.shape()[0];
    moments(layer.pre_activation.as_slice().iter().skip(unit).step_by(units).copied())
}

fn bits(model: &impl Module) -> Vec<Vec<u32>> {
    let bits = |p: &Param| p.value().as_slice().iter().map(|x| x.to_bits()).collect();
    model.named_params().into_iter().map(|(_, p)| bits(p)).collect()
}

#[test]
fn lsuv_gives_unit_deviations_at_depth_30() {
    let x = batch(300, 20);
    let (mut relu, mut tanh) = (deep(Relu), deep(Tanh));
    assert!(std(&Probe::forward(&relu, &x).layers()[DEPTH - 2]) < 0.1, "what it is needed for");

    for (model, name) in [(&mut relu, "ReLU"), (&mut tanh, "tanh")] {
        let report = Lsuv::default().keyed(1).init(model, &x).unwrap();
        let probe = Probe::forward(model, &x);
        assert_eq!((probe.layers().len(), report.layers().len()), (DEPTH, DEPTH));
        for (layer, signal) in probe.layers().iter().zip(report.layers()) {
            let std = std(layer);
            assert!((std - 1.0).abs() < 0.1, "{name}, {}: {std}", layer.weight_path);
            assert!((std - signal.std).abs() < 1e-5, "what the report says");
            assert!(signal.rounds <= 10);
        }
        assert!(report.worst() < 0.1);
    }

    let mut model = own();
    let report = Lsuv::default().tolerance(0.02).keyed(1).init(&mut model, &x).unwrap();
    let probe = Probe::forward(&model, &x);
    let stds: Vec<f64> = probe.layers().iter().map(std).collect();
    assert_eq!(stds.len(), 1 + 2 * (DEPTH / 2) + 2 + 1);
    let second_use = stds.len() - 2; // of `shared`, which is set at its first
    for (i, std) in stds.iter().enumerate() {
        assert!(i == second_use || (std - 1.0).abs() < 0.02, "layer {i}: {std}");
    }
    assert_eq!(report.layers()[second_use].weight_path, "shared.weight");
}

#[test]
fn lsuv_draws_orthonormal_weights_or_scales_those_there_are() {
    let x = batch(300, 20);
    let mut model = deep(Relu);
    Lsuv::default().init(&mut model, &x).unwrap();
    let params = model.named_params();
    let w = params[2].1.value().view().into_dimensionality::<tensor::ndarray::Ix2>().unwrap();
    let gram = w.dot(&w.t());
    let norm = gram[[0, 0]];
    for ((i, j), g) in gram.indexed_iter() {
        assert!((g / norm - f32::from(u8::from(i == j))).abs() < 1e-4, "rows {i} and {j}: {g}");
    }

    let mut model = deep(Relu);
    let before = bits(&model);
    Lsuv::default().orthonormal(false).init(&mut model, &x).unwrap();
    for (old, (path, param)) in before.iter().zip(model.named_params()) {
        let now = param.value().as_slice();
        let ratio = now[0] / f32::from_bits(old[0]);
        for (now, old) in now.iter().zip(old) {
            let old = f32::from_bits(*old);
            assert!((now - old * ratio).abs() <= 1e-4 * now.abs().max(1e-3), "{path}");
        }
        // Pre-activations vanish with torch's weights, behind the first layer.
        match path.ends_with("bias") {
            true => assert_eq!(ratio, 1.0, "{path}"),
            false => assert!(ratio > 1.2 || path == "0.weight", "{path}: {ratio}"),
        }
    }
}

#[test]
fn lsuv_is_repeatable_and_says_when_it_did_not_get_there() {
    let x = batch(300, 20);
    let run = |lsuv: Lsuv| {
        let mut model = deep(Tanh);
        let report = lsuv.init(&mut model, &x).unwrap();
        (bits(&model), report)
    };
    let keyed = run(Lsuv::default().keyed(5));
    assert_eq!(keyed, run(Lsuv::default().keyed(5)));
    assert_ne!(keyed.0, run(Lsuv::default().keyed(6)).0);

    let none = run(Lsuv::default().max_rounds(0)).1;
    assert!(none.worst() > 0.1 && none.layers().iter().all(|l| l.rounds == 0));
    // Without scaling, layers lie below 1.
    let least = none.layers().iter().map(|l| l.std).fold(1.0, f64::min);
    assert!(least < 0.9 && none.worst() >= 1.0 - least, "{none}");
    let text = keyed.1.to_string();
    assert_eq!(text.lines().count(), DEPTH + 1);
    assert!(text.lines().nth(1).unwrap().starts_with("0.weight"), "{text}");
}

#[test]
fn units_are_normalized_one_by_one() {
    let x = batch(300, 20);
    let (mut relu, mut tanh, mut own) = (deep(Relu), deep(Tanh), own());
    UnitNorm.init(&mut relu, &x).unwrap();
    UnitNorm.init(&mut tanh, &x).unwrap();
    UnitNorm.init(&mut own, &x).unwrap();
    for (probe, skip) in [
        (Probe::forward(&relu, &x), ""),
        (Probe::forward(&tanh, &x), ""),
        (Probe::forward(&own, &x), "shared.weight"),
    ] {
        for layer in probe.layers().iter().filter(|layer| layer.weight_path != skip) {
            for i in 0..layer.weight.shape()[0] {
                let (mean, std) = unit(layer, i);
                let path = &layer.weight_path;
                assert!(mean.abs() < 1e-3 && (std - 1.0).abs() < 1e-3, "{path}: {mean} {std}");
            }
        }
    }
}

#[test]
fn units_are_those_of_weight_normalization() {
    let x = batch(100, 6);
    manual_seed(8);
    let mut layer = Linear::new(6, 4);
    let v = layer.weight().clone();
    UnitNorm.init(&mut layer, &x).unwrap();
    for unit in 0..4 {
        // t = v·x/‖v‖, y = (t − μ)/σ; so w = (g/‖v‖)·v with g = 1/σ, and b = −μ/σ.
        let v = &v.as_slice()[unit * 6..][..6];
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        let dot = |x: &[f32]| x.iter().zip(v).map(|(x, v)| x * v).sum::<f32>() / norm;
        let (mean, std) = moments(x.as_slice().chunks(6).map(dot));
        let (g, b) = (1.0 / std, -mean / std);
        for (w, v) in layer.weight().as_slice()[unit * 6..].iter().zip(v) {
            assert!((f64::from(*w) - g * f64::from(v / norm)).abs() < 1e-5);
        }
        assert!((f64::from(layer.bias().as_slice()[unit]) - b).abs() < 1e-5);
    }
}

#[test]
fn krahenbuhl_makes_rates_equal_and_keeps_the_function() {
    let x = batch(300, 20);
    let (mut within, mut both) = (deep(Relu), deep(Relu));
    let law = Krahenbuhl::default().mean(0.3).keyed(1);
    law.within_layers_only().init(&mut within, &x).unwrap();
    law.init(&mut both, &x).unwrap();

    // From the gradient of each sample, along a direction of its own.
    let rates = |model: &Sequential| -> Vec<f64> {
        let square = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let probe = Probe::with_directions(model, &x);
        let rate = |l: &LayerProbe| {
            let [outputs, inputs] = l.weight.shape() else { panic!("a matrix") };
            let dz = l.pre_activation_grad.as_ref().unwrap().as_slice().chunks(*outputs);
            let rows = dz.zip(l.input.as_slice().chunks(*inputs));
            let gradients: f64 = rows.map(|(dz, x)| square(dz) * square(x)).sum();
            (gradients / square(l.weight.as_slice())).sqrt()
        };
        probe.layers().iter().map(rate).collect()
    };
    let spread = |rates: Vec<f64>| {
        let max = rates.iter().copied().fold(0.0, f64::max);
        max / rates.into_iter().fold(f64::MAX, f64::min)
    };
    let (before, after) = (spread(rates(&within)), spread(rates(&both)));
    assert!(before > 2.0, "{before}");
    assert!(after < 1.01, "{after}");

    let (a, b) = (within.predict(&x), both.predict(&x));
    let error =
        a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(error < 1e-3, "{error}");
    let layer = &Probe::forward(&within, &x).layers()[17].clone();
    let (mean, std) = unit(layer, 5);
    assert!((mean - 0.3).abs() < 1e-3 && (std - 1.0).abs() < 1e-3, "{mean} {std}");
}

#[test]
fn krahenbuhl_refuses_what_would_change_the_function() {
    let x = batch(300, 20);
    let mut model = deep(Tanh);
    let before = bits(&model);
    let error = Krahenbuhl::default().keyed(1).init(&mut model, &x).unwrap_err();
    assert!(matches!(error, InitError::NotHomogeneous { change } if change > 0.01), "{error}");
    assert_eq!(bits(&model), before);
    Krahenbuhl::default().within_layers_only().init(&mut model, &x).unwrap();
    assert!((std(&Probe::forward(&model, &x).layers()[DEPTH - 1]) - 1.0).abs() < 1e-3);
}

#[test]
fn the_first_loss_is_the_entropy_of_the_classes() {
    let x = batch(200, 20);
    let labels: Vec<usize> = (0..200).map(|i| [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][i % 10]).collect();
    let mut model = Sequential::new()
        .add(Linear::new(20, 16))
        .add(Relu)
        .add(Linear::builder(16, 3).weight(Normal::new(0.0, 1e-4)).build());
    let before = bits(&model);
    ClassPrior::from_labels(&labels).init(&mut model, &x).unwrap();
    assert_eq!(bits(&model)[..3], before[..3], "the last bias alone changes");
    let loss = Tape::new().value(|t| model.forward(t.input(&x)).cross_entropy(&labels)).item();
    let entropy = -[0.7f64, 0.2, 0.1].iter().map(|p| p * p.ln()).sum::<f64>();
    assert!((f64::from(loss) - entropy).abs() < 1e-3, "{loss} {entropy}");

    let set = bits(&model);
    ClassPrior::from_counts(&[70, 20, 10]).init(&mut model, &x).unwrap();
    assert_eq!(bits(&model), set);
    ClassPrior::from_counts(&[4, 1]).smoothed(1.0).init(&mut model, &x).unwrap();
    let bias = model.named_params()[3].1.value().clone();
    assert!((bias.as_slice()[2].exp() - 0.125).abs() < 1e-6);
}

#[test]
fn the_output_bias_is_found_where_the_output_comes_from() {
    // Fields are listed in another order than they are used.
    #[derive(Parameters)]
    struct Reversed {
        head: Linear,
        stem: Linear,
    }
    impl Module for Reversed {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            self.head.forward(self.stem.forward(x).relu())
        }
    }
    let mut model = Reversed { head: Linear::new(3, 2), stem: Linear::new(20, 3) };
    ClassPrior::from_counts(&[1, 3]).init(&mut model, &batch(8, 20)).unwrap();
    assert_eq!(model.head.bias().as_slice(), [0.25f64.ln() as f32, 0.75f64.ln() as f32]);
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let x = batch(8, 20);
    let mut model = Sequential::new().add(Linear::new(20, 3));
    let before = bits(&model);
    let refused =
        |prior: ClassPrior, model: &mut Sequential| prior.init(model, &x).unwrap_err().to_string();
    for (labels, want) in [
        (vec![], "the labels do not fit: there are no labels"),
        (vec![0, 1, 3, 2], "the labels do not fit: label 3 is not below the number of outputs, 3"),
        (vec![0, 2, usize::MAX], "the labels do not fit: label 18446744073709551615 is not below"),
        (vec![0, 2, 2], "the labels do not fit: class 1 has no samples, so its bias would be −∞"),
    ] {
        let error = refused(ClassPrior::from_labels(&labels), &mut model);
        assert!(error.starts_with(want), "{error}");
    }
    let error = refused(ClassPrior::from_counts(&[0, 0, 0]), &mut model);
    assert_eq!(error, "the labels do not fit: there are no labels");
    let mut softmax = Sequential::new().add(Linear::new(20, 3)).add(layers::Softmax);
    let error = refused(ClassPrior::from_counts(&[1, 1, 1]), &mut softmax);
    assert!(error.starts_with("the model's output is not that of a linear layer"), "{error}");
    let mut bare = Sequential::new().add(Linear::builder(20, 3).no_bias().build());
    refused(ClassPrior::from_counts(&[1, 1, 1]), &mut bare);
    assert_eq!(bits(&model), before);
}

#[test]
fn the_output_bias_is_not_one_behind_which_relu_lets_all_through() {
    let layer = Linear::builder(20, 3).weight(Zeros).bias(Constant(1.0)).build();
    let mut model = Sequential::new().add(layer).add(Relu);
    let error = ClassPrior::from_counts(&[1, 1, 2]).init(&mut model, &batch(8, 20)).unwrap_err();
    assert!(matches!(error, InitError::NoOutputBias), "{error}");
    assert_eq!(model.named_params()[1].1.value().as_slice(), [1.0; 3]);
}

#[test]
fn a_frozen_output_bias_keeps_its_values() {
    let mut model = Linear::new(20, 3);
    model.bias_mut().unwrap().set_trainable(false);
    let before = bits(&model);
    let error = ClassPrior::from_counts(&[1, 1, 2]).init(&mut model, &batch(8, 20)).unwrap_err();
    assert!(matches!(&error, InitError::Frozen { pattern } if pattern == "bias"), "{error}");
    assert_eq!(bits(&model), before);
}

/// Every initializer's answer for this model and batch.
fn answers(model: &mut impl Module, x: &Tensor) -> Vec<std::result::Result<(), InitError>> {
    vec![
        Lsuv::default().orthonormal(false).init(model, x).map(drop),
        UnitNorm.init(model, x).map(drop),
    ]
}

#[test]
fn nothing_changes_on_an_error() {
    let good = batch(40, 20);
    let mut nan = good.clone();
    nan.as_mut_slice()[21] = f32::NAN;
    let mut model = deep(Relu);
    let before = bits(&model);
    for (x, want) in [
        (
            batch(40, 19),
            "the batch does not fit: [40, 19] does not end in the 20 features of the model",
        ),
        (Tensor::zeros([0, 20]), "the batch does not fit: [0, 20] has no samples"),
        (nan, "the batch does not fit: element 21 is NaN"),
    ] {
        for answer in answers(&mut model, &x) {
            assert_eq!(answer.unwrap_err().to_string(), want);
        }
        assert_eq!(Lsuv::default().init(&mut model, &x).unwrap_err().to_string(), want);
        assert_eq!(Krahenbuhl::default().init(&mut model, &x).unwrap_err().to_string(), want);
        let prior = ClassPrior::from_counts(&[1; 10]).init(&mut model, &x);
        assert_eq!(prior.unwrap_err().to_string(), want);
    }
    assert_eq!(bits(&model), before);

    // A dead unit at layer 3, after others have been changed.
    let mut model = deep(Relu);
    model.init(&InitPlan::new().biases(Constant(0.1))).unwrap();
    let row = from_fn(|param, rng, mut w| {
        Normal::new(0.0, 0.3).fill(param, rng, w.view_mut());
        w.outer_iter_mut().nth(7).unwrap().fill(0.0);
    });
    model.init(&InitPlan::new().set("6.weight", row)).unwrap();
    let before_row = bits(&model);
    let error = UnitNorm.init(&mut model, &good).unwrap_err();
    assert!(error.to_string().starts_with("layer `6.weight`: unit 7 has the same"), "{error}");
    assert_eq!(bits(&model), before_row);
    Lsuv::default().orthonormal(false).init(&mut model, &good).unwrap();

    // Samples that are all the same, and weights of 0.
    let error = UnitNorm.init(&mut model, &Tensor::full([40, 20], 0.3)).unwrap_err();
    assert!(matches!(&error, InitError::Constant { layer, unit: Some(0) } if layer == "0.weight"));
    model.init(&InitPlan::new().set("10.weight", Zeros)).unwrap();
    let zeros = bits(&model);
    let error = Lsuv::default().orthonormal(false).init(&mut model, &good).unwrap_err();
    assert!(error.to_string().starts_with("layer `10.weight`: all units have the same"), "{error}");
    assert_eq!(bits(&model), zeros);

    // Infinite numbers.
    model
        .init(&InitPlan::new().set("0.weight", from_fn(|_, _, mut w| w.fill(f32::INFINITY))))
        .unwrap();
    let infinite = bits(&model);
    for answer in answers(&mut model, &good) {
        let error = answer.unwrap_err();
        assert!(matches!(&error, InitError::NonFinite { layer } if layer == "0.weight"), "{error}");
    }
    assert_eq!(bits(&model), infinite);
}

#[test]
fn lsuv_refuses_a_layer_that_is_given_nothing_but_zeros() {
    // Its biases differ, so that there is a deviation, which no scale of its weights changes.
    let mut model = deep(Relu);
    model.init(&InitPlan::new().set("8.bias", Constant(-100.0))).unwrap();
    let before = bits(&model);
    let lsuv = Lsuv::default().orthonormal(false);
    let error = lsuv.init(&mut model, &batch(40, 20)).unwrap_err();
    assert!(matches!(&error, InitError::Constant { layer, .. } if layer == "10.weight"), "{error}");
    assert_eq!(bits(&model), before);
    // With orthonormal weights the biases are set to 0, unless they are to keep their values.
    Lsuv::default().init(&mut model.clone(), &batch(40, 20)).unwrap();
    model.set_trainable("8.bias", false);
    let error = Lsuv::default().init(&mut model, &batch(40, 20)).unwrap_err();
    assert!(matches!(&error, InitError::Constant { layer, .. } if layer == "10.weight"), "{error}");
    assert_eq!(bits(&model), before);
}

#[test]
fn after_an_error_auto_still_waits_for_its_activation() {
    let layer = Linear::builder(4, 3).weight(Auto::default()).build();
    let want = Sequential::new().add(layer.clone()).add(Relu);
    let mut model = Sequential::new().add(layer);
    assert!(UnitNorm.init(&mut model, &Tensor::ones([5, 4])).is_err(), "all samples are the same");
    assert_eq!(bits(&model.add(Relu)), bits(&want));
}

#[test]
fn a_panic_in_forward_puts_the_values_back() {
    #[derive(Parameters)]
    struct Moody {
        first: Linear,
        second: Linear,
    }
    impl Module for Moody {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            let y = self.first.forward(x);
            // Once the first layer is normalized, the pre-activations reach further.
            let max = y.value().as_slice().iter().copied().fold(0.0, f32::max);
            assert!(max < 1.5, "too much for me");
            self.second.forward(y)
        }
    }
    manual_seed(2);
    let small = |i, o| Linear::builder(i, o).weight(Normal::new(0.0, 1e-3)).build();
    let mut model = Moody { first: small(20, 8), second: small(8, 2) };
    let before = bits(&model);
    let x = batch(50, 20);
    assert!(catch_unwind(AssertUnwindSafe(|| UnitNorm.init(&mut model, &x))).is_err());
    assert_eq!(bits(&model), before);
}

#[test]
fn frozen_parameters_and_missing_biases() {
    let x = batch(100, 20);
    let mut model = Sequential::new()
        .add(Linear::new(20, 9))
        .add(Relu)
        .add(Linear::builder(9, 7).no_bias().build());
    model.set_trainable("0*", false);
    let before = bits(&model);
    let report = Lsuv::default().tolerance(1e-4).keyed(1).init(&mut model, &x).unwrap();
    assert_eq!(bits(&model)[..2], before[..2]);
    assert_eq!((report.layers()[0].rounds, report.layers()[1].rounds), (0, 1));
    UnitNorm.init(&mut model, &x).unwrap();
    assert_eq!(bits(&model)[..2], before[..2]);
    let (_, std) = unit(&Probe::forward(&model, &x).layers()[1], 3);
    assert!((std - 1.0).abs() < 1e-4, "{std}");
}

#[test]
fn other_element_types_and_more_axes() {
    let mut model: Linear<f64> = Linear::new(20, 5).cast();
    let x: Tensor<f64> = batch(120, 20).cast().reshape([4, 30, 20]);
    UnitNorm.init(&mut model, &x).unwrap();
    let y = model.predict(&x);
    let mean = y.as_slice().iter().skip(2).step_by(5).sum::<f64>() / 120.0;
    assert!(mean.abs() < 1e-12, "{mean}");
    let report = Lsuv::default().init(&mut model, &x).unwrap();
    assert!(report.worst() < 0.1);
}

/// As in golden/lsuv.py.
fn wave(shape: &[usize], seed: usize, size: f64) -> Tensor {
    let wave = |i: usize| ((((i * 7919 + seed * 613) % 1009) as f64 / 1009.0 - 0.5) * size) as f32;
    Tensor::from_vec(shape, (0..shape.iter().product()).map(wave).collect())
}

/// The authors' PyTorch program gave the numbers of golden/lsuv.txt.
#[test]
fn lsuv_centred_is_the_authors_program() {
    let x = wave(&[20, 6], 9, 4.0);
    let x = Tensor::from_vec([20, 6], x.as_slice().iter().map(|x| x + 0.5).collect());
    for (case, biases) in [("zero_biases", 0.0), ("biases", 1.0)] {
        let mut model = Sequential::new()
            .add(Linear::new(6, 7))
            .add(Relu)
            .add(Linear::new(7, 7))
            .add(Relu)
            .add(Linear::new(7, 3));
        for (seed, (_, p)) in model.named_params_mut().into_iter().enumerate() {
            let shape = p.value().shape().to_vec();
            *p.value_mut() = wave(&shape, seed, if shape.len() == 2 { 1.0 } else { biases });
        }
        let lsuv = Lsuv::default().orthonormal(false).tolerance(0.01);
        let mut plain = model.clone();
        lsuv.init(&mut plain, &x).unwrap();
        let report = lsuv.centred(true).init(&mut model, &x).unwrap();
        let mut lines = 0;
        for line in include_str!("../../golden/lsuv.txt").lines() {
            let mut words = line.split(' ');
            if words.next() != Some(case) {
                continue;
            }
            let path = words.next().unwrap();
            let want: Vec<f32> = words.map(|x| x.parse().unwrap()).collect();
            let now = model.param(path).value().as_slice();
            assert_eq!(now.len(), want.len());
            for (now, want) in now.iter().zip(want) {
                assert!((now - want).abs() < 2e-5, "{case} {path}: {now} {want}");
            }
            lines += 1;
        }
        assert_eq!(lines, 6);
        // The first layer is within the tolerance from the start, and so is not centred.
        let [first, rest @ ..] = report.layers() else { panic!("there are layers") };
        assert!(first.mean != 0.0 && first.rounds == 0 || biases != 0.0, "{report}");
        let centred = rest.iter().all(|layer| layer.mean.abs() < 1e-3);
        assert!(centred || biases != 0.0, "{report}");
        // The other form leaves the biases alone, and the means as they come.
        let bias = |model: &Sequential| model.param("2.bias").value().clone();
        assert_eq!(bias(&plain), wave(&[7], 3, biases));
        assert_ne!(bias(&model), bias(&plain));
    }
}

#[test]
fn lsuv_sets_biases_to_zero_with_orthonormal_weights() {
    let x = batch(100, 20);
    let mut model = deep(Relu);
    let biases = |model: &Sequential| -> Vec<Tensor> {
        let params = model.named_params().into_iter();
        params.filter(|(path, _)| path.ends_with("bias")).map(|(_, p)| p.value().clone()).collect()
    };
    assert!(biases(&model).iter().all(|b| b.as_slice()[0] != 0.0));
    Lsuv::default().init(&mut model, &x).unwrap();
    assert!(biases(&model).iter().all(|b| b.as_slice().iter().all(|&b| b == 0.0)));
}

/// What the rule makes of 20-64-64-64-10 and 256 samples N(0, 1), to what one draw of weights and directions
/// moves it: with one direction for the whole batch the first factor of the linear network is 247.
#[test]
fn krahenbuhl_scales_by_the_samples_gradients() {
    let x: Tensor = Normal::new(0.0, 1.0)
        .draw(&ParamSpec::weight(20, 256), &[256, 20], &mut TorchRng::seed(5))
        .into();
    let net = |activated: bool| {
        let relu = || activated.then_some(Relu);
        Sequential::new()
            .add(Linear::new(20, 64))
            .add(relu())
            .add(Linear::new(64, 64))
            .add(relu())
            .add(Linear::new(64, 64))
            .add(relu())
            .add(Linear::new(64, 10))
    };
    for (activated, want) in [(false, [0.76, 0.95, 0.95, 1.46]), (true, [1.18, 0.92, 0.82, 1.13])] {
        // The numbers are those of mean 0; a mean of 0.1 moves them a little.
        for (mean, tolerance) in [(0.0, 0.08), (0.1, 0.15)] {
            let (mut within, mut both) = (net(activated), net(activated));
            let krahenbuhl = Krahenbuhl::default().mean(mean).keyed(3);
            krahenbuhl.within_layers_only().init(&mut within, &x).unwrap();
            let report = krahenbuhl.init(&mut both, &x).unwrap();
            let weight =
                |model: &Sequential, i: usize| model.named_params()[2 * i].1.value().as_slice()[0];
            let factors = [0, 1, 2, 3].map(|i| f64::from(weight(&both, i) / weight(&within, i)));
            for (factor, want) in factors.into_iter().zip(want) {
                assert!((factor / want - 1.0).abs() < tolerance, "{factors:.3?}, not {want:?}");
            }
            assert!((factors.iter().product::<f64>() - 1.0).abs() < 1e-3);
            assert_eq!(report.far_off().count(), 0, "{report}");
        }
    }
    // A mean of the inputs changes nothing: the first step takes it out.
    let shifted = Tensor::from_vec([256, 20], x.as_slice().iter().map(|x| x + 0.5).collect());
    let report = Krahenbuhl::default().keyed(3).init(&mut net(false), &shifted).unwrap();
    assert_eq!(report.far_off().count(), 0, "{report}");
}

#[test]
fn krahenbuhls_mean_is_the_authors() {
    assert_eq!(Krahenbuhl::default(), Krahenbuhl::default().mean(0.1));
    let x = batch(300, 20);
    let mut model = deep(Relu);
    Krahenbuhl::default().within_layers_only().init(&mut model, &x).unwrap();
    let (mean, std) = unit(&Probe::forward(&model, &x).layers()[3], 7);
    assert!((mean - 0.1).abs() < 1e-3 && (std - 1.0).abs() < 1e-3, "{mean} {std}");
}

#[test]
fn a_report_names_layers_that_end_far_off() {
    let x = batch(100, 20);
    let mut model = deep(Tanh);
    let report = Lsuv::default().orthonormal(false).max_rounds(0).init(&mut model, &x).unwrap();
    let far: Vec<_> = report.far_off().map(|layer| layer.weight_path.as_str()).collect();
    assert!(far.len() > DEPTH / 2 && !far.contains(&"0.weight"), "{report}");
    let text = report.to_string();
    let first = text.lines().nth(DEPTH + 1).expect("a line below the table");
    let start = format!("{} is far off: its standard deviation is 0.", far[0]);
    assert!(first.starts_with(&start), "{text}");
    assert_eq!(text.lines().count(), DEPTH + 1 + far.len());
    let near = Lsuv::default().keyed(1).init(&mut model, &x).unwrap();
    assert_eq!((near.far_off().count(), near.to_string().lines().count()), (0, DEPTH + 1));
}

/// Initializers that look at data keep what a layer set on purpose, and say so.
#[test]
fn what_a_layer_set_on_purpose_is_kept() {
    let x = batch(100, 20);
    let mut model = Sequential::new()
        .add(Linear::new(20, 16))
        .add(Residual::new(FixupBranch::new(16, 16, 2, 2)))
        .add(Linear::new(16, 3));
    let before = model.param("1.branch.layers.0.weight").value().clone();
    let first = model.param("0.weight").value().clone();
    for i in 0..3 {
        let report = match i {
            0 => Lsuv::default().init(&mut model, &x).unwrap(),
            1 => UnitNorm.init(&mut model, &x).unwrap(),
            _ => Krahenbuhl::default().within_layers_only().init(&mut model, &x).unwrap(),
        };
        assert_eq!(model.param("1.branch.layers.0.weight").value(), &before);
        let end = model.param("1.branch.layers.1.weight").value();
        assert!(end.as_slice().iter().all(|&w| w == 0.0));
        assert_ne!(model.param("0.weight").value(), &first);
        let kept: Vec<bool> = report.layers().iter().map(|layer| layer.kept).collect();
        assert_eq!(kept, [false, true, true, false]);
        assert!(report.worst() < 0.1 && report.far_off().count() == 0, "{report}");
        assert!(report.to_string().lines().nth(3).unwrap().ends_with("kept"), "{report}");
    }
}

#[test]
fn a_class_prior_stays_under_a_later_plan() {
    let x = batch(8, 20);
    let mut model = Sequential::new().add(Linear::new(20, 9)).add(Relu).add(Linear::new(9, 3));
    let prior = ClassPrior::from_counts(&[1, 2, 5]);
    prior.init(&mut model, &x).unwrap();
    let set = model.param("2.bias").value().clone();
    model.init(&InitPlan::new().preset(presets::torch())).unwrap();
    Lsuv::default().init(&mut model, &x).unwrap();
    assert_eq!(model.param("2.bias").value(), &set);
    assert_eq!(model.param("0.bias").value().as_slice(), [0.0; 9]);
    ClassPrior::from_counts(&[1, 1, 1]).init(&mut model, &x).unwrap();
    assert_ne!(model.param("2.bias").value(), &set);
    // An error protects nothing.
    let mut other = Sequential::new().add(Linear::new(20, 3));
    ClassPrior::from_counts(&[1, 0, 1]).init(&mut other, &x).unwrap_err();
    assert!(!other.param("0.bias").is_protected());
}

#[test]
#[should_panic(expected = "Krahenbuhl: a mean of inf is impossible")]
fn a_mean_that_is_not_finite_is_refused() {
    _ = Krahenbuhl::default().mean(f64::INFINITY);
}
