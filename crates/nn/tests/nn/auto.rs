//! `Auto` takes the gain of the activation that follows in a `Sequential`.

use fanin_nn::init::{Auto, Gain, LecunNormal, Nonlinearity, manual_seed};
use fanin_nn::layers::{Gelu, Relu, Softmax, Tanh};
use fanin_nn::{
    Checkpoint, Describe, Features, Linear, Module, Parameters, Sequential, Tensor, Var,
};

fn auto(inputs: usize, outputs: usize) -> Linear {
    Linear::builder(inputs, outputs).weight(Auto::default()).build()
}

/// The ratio of a model's weights to LeCun's draw under the same seed: the gain.
fn gain(build: impl Fn(Linear) -> Sequential, inputs: usize, outputs: usize) -> f64 {
    manual_seed(3);
    let model = build(auto(inputs, outputs));
    manual_seed(3);
    let plain = Linear::builder(inputs, outputs).weight(LecunNormal).build();
    let weight = model.named_params()[0].1.value();
    let ratios = weight.as_slice().iter().zip(plain.weight().as_slice()).map(|(w, p)| w / p);
    let (mut low, mut high) = (f32::MAX, f32::MIN);
    for ratio in ratios {
        (low, high) = (low.min(ratio), high.max(ratio));
    }
    assert!(high - low < 1e-5, "one factor for all: {low} to {high}");
    f64::from(low)
}

#[track_caller]
fn assert_gain(build: impl Fn(Linear) -> Sequential, want: Gain) {
    let got = gain(build, 30, 20);
    assert!((got - want.get()).abs() < 1e-5, "{got}, not {}", want.get());
}

/// Keeps features, as dropout does.
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
struct Through;
impl Module for Through {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x
    }
}
impl Describe for Through {
    fn features(&self) -> Features {
        Features::Same
    }
}

/// An activation of a user's own.
#[derive(Clone, Parameters)]
#[parameters(no_describe)]
struct Cube;
impl Module for Cube {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        x * x * x
    }
}
impl Describe for Cube {
    fn features(&self) -> Features {
        Features::Same
    }
    fn activation_gain(&self) -> Option<Gain> {
        Some(Gain::preserving(|z| z.powi(3)))
    }
}

#[test]
fn the_activation_that_follows() {
    assert_gain(|l| Sequential::new().add(l).add(Relu), Nonlinearity::Relu.gain());
    assert_gain(|l| Sequential::new().add(l).add(Gelu), Nonlinearity::Gelu.exact_gain());
    assert_gain(|l| Sequential::new().add(l).add(Tanh), Nonlinearity::Tanh.exact_gain());
    assert_gain(|l| Sequential::new().add(l).add(Cube), Gain::from(15f64.sqrt().recip()));
}

#[test]
fn only_the_first_that_follows() {
    assert_gain(|l| Sequential::new().add(l).add(Tanh).add(Relu), Nonlinearity::Tanh.exact_gain());
    assert_gain(|l| Sequential::new().add(l).add(Through).add(Relu), Nonlinearity::Relu.gain());
    assert_gain(
        |l| Sequential::new().add(Sequential::new().add(l)).add(Relu),
        Nonlinearity::Relu.gain(),
    );
    assert_gain(|l| Sequential::new().add(l).add(auto(20, 5)).add(Relu), Gain::ONE);
}

#[test]
fn an_activation_in_a_network_of_its_own_or_in_an_option() {
    let nested = || Sequential::new().add(Through).add(Relu).add(auto(20, 5));
    assert_gain(|l| Sequential::new().add(l).add(nested()), Nonlinearity::Relu.gain());
    // Tanh is behind Relu, and not behind the layer.
    let relu = || Sequential::new().add(Relu);
    assert_gain(|l| Sequential::new().add(l).add(relu()).add(Tanh), Nonlinearity::Relu.gain());
    let linear = || Sequential::new().add(auto(20, 5)).add(Relu);
    assert_gain(|l| Sequential::new().add(l).add(linear()), Gain::ONE);

    assert_gain(|l| Sequential::new().add(Some(l)).add(Relu), Nonlinearity::Relu.gain());
    assert_gain(|l| Sequential::new().add(l).add(Some(Relu)).add(Tanh), Nonlinearity::Relu.gain());
    let none: Option<Relu> = None;
    assert_gain(|l| Sequential::new().add(l).add(none).add(Tanh), Nonlinearity::Tanh.exact_gain());
}

#[test]
fn no_activation_is_a_gain_of_one() {
    assert_gain(|l| Sequential::new().add(l), Gain::ONE);
    assert_gain(|l| Sequential::new().add(l).add(Softmax), Gain::ONE);
}

#[test]
fn other_laws_stay_as_they_were() {
    manual_seed(3);
    let alone = Linear::new(30, 20);
    manual_seed(3);
    let model = Sequential::new().add(Linear::new(30, 20)).add(Relu);
    let (_, weight) = model.named_params()[0];
    assert_eq!(weight.value(), alone.weight());
    assert_eq!(weight.spec().activation, Some(Nonlinearity::Relu.gain()), "but they know of it");
}

#[test]
fn a_value_set_in_between_is_left_alone() {
    let mut layer = auto(4, 3);
    layer.weight_mut().value_mut().as_mut_slice().fill(0.5);
    let model = Sequential::new().add(layer).add(Relu);
    assert_eq!(model.named_params()[0].1.value().as_slice(), [0.5; 12]);

    let name = format!("fanin-auto-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let saved = auto(4, 3);
    saved.save(&file).unwrap();
    let mut loaded = auto(4, 3);
    loaded.load(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let model = Sequential::new().add(loaded).add(Relu);
    assert_eq!(model.named_params()[0].1.value(), saved.weight());
}

#[test]
fn a_deep_network_keeps_its_signal() {
    manual_seed(0);
    let deep = (0..30).fold(Sequential::new(), |net, _| net.add(auto(256, 256)).add(Tanh));
    let x: Vec<f32> = (0..64 * 256).map(|i| (i as f32 * 0.7).sin()).collect();
    let y = deep.predict(&Tensor::from_vec([64, 256], x));
    let moment: f32 = y.as_slice().iter().map(|y| y * y).sum::<f32>() / y.len() as f32;
    let gain = Nonlinearity::Tanh.exact_gain().get() as f32;
    let kept = moment * gain * gain;
    assert!((0.8..1.25).contains(&kept), "{kept} of the second moment after 30 layers");
}
