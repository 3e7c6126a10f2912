//! The laws of `fanin-init` in a layer: what each does to the network that begins with it.

use fanin_nn::init::*;
use fanin_nn::{InitPlan, Linear, Module, Parameters, Sequential, Tensor};

fn input(n: usize, width: usize) -> Tensor {
    let mut rng = TorchRng::seed(9);
    let values = Uniform::new(-1.0, 1.0).draw(&ParamSpec::weight(1, 1), &[n, width], &mut rng);
    Tensor::from_vec([n, width], values.into_iter().collect())
}

#[test]
fn an_identity_passes_its_input_on() {
    let x = input(5, 4);
    let square = Linear::builder(4, 4).weight(Identity::default()).bias(Zeros).build();
    assert_eq!(square.predict(&x).as_slice(), x.as_slice());
    let wider = Linear::builder(4, 6).weight(Identity::default().gain(2.0)).no_bias().build();
    let y = wider.predict(&x);
    for (y, x) in y.as_slice().chunks(6).zip(x.as_slice().chunks(4)) {
        assert_eq!(y, [2.0 * x[0], 2.0 * x[1], 2.0 * x[2], 2.0 * x[3], 0.0, 0.0]);
    }
}

#[test]
fn sparse_units_hear_what_they_should() {
    manual_seed(3);
    let nonzero = |w: &[f32]| w.iter().filter(|&&w| w != 0.0).count();
    let martens = Linear::builder(100, 40).weight(SparseRows::default()).bias(Zeros).build();
    assert!(martens.weight().as_slice().chunks(100).all(|unit| nonzero(unit) == 15));
    let torch = Linear::builder(100, 40).weight(Sparse::new(0.9, 0.01)).bias(Zeros).build();
    assert_eq!(nonzero(torch.weight().as_slice()), 100 * 4);
}

/// Units on a line: where one of them is at the middle of its slope lies within the inputs.
#[test]
fn nguyen_widrow_spreads_its_units_over_the_inputs() {
    manual_seed(4);
    let (units, bound) = (200, 3.0);
    let law = NguyenWidrow::new(bound);
    let layer = Linear::builder(1, units).weight(law).bias(law).build();
    let centres: Vec<f32> = layer
        .weight()
        .as_slice()
        .iter()
        .zip(layer.bias().as_slice())
        .map(|(w, b)| -b / w / bound as f32)
        .collect();
    assert!(centres.iter().all(|c| c.abs() <= 1.0 + 1e-5));
    for quarter in [-1.0f32, -0.5, 0.0, 0.5] {
        let within = centres.iter().filter(|&&c| (quarter..quarter + 0.5).contains(&c)).count();
        assert!((30..=70).contains(&within), "{within} of {units} in the quarter from {quarter}");
    }
}

#[test]
fn a_prior_is_the_first_prediction() {
    let x = input(7, 20);
    let output =
        |law: &dyn Initializer| Linear::builder(20, 3).weight(Zeros).bias(law).build().predict(&x);
    let logits = output(&LogPrior::from_counts(&[5, 3, 2]));
    for row in logits.as_slice().chunks(3) {
        let total: f32 = row.iter().map(|z| z.exp()).sum();
        for (z, p) in row.iter().zip([0.5, 0.3, 0.2]) {
            assert!((z.exp() / total - p).abs() < 1e-6);
        }
    }
    let logits = output(&LogitPrior::new(0.01));
    assert!(logits.as_slice().iter().all(|z| (1.0 / (1.0 + (-z).exp()) - 0.01).abs() < 1e-6));
}

#[test]
fn a_corrected_truncated_normal_has_the_deviation_it_states() {
    manual_seed(5);
    let layer = Linear::builder(400, 100).weight(TruncatedNormal::corrected(0.02)).build();
    let w = layer.weight().as_slice();
    let square = w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / w.len() as f64;
    assert!((square.sqrt() / 0.02 - 1.0).abs() < 0.02, "{}", square.sqrt());
}

#[test]
fn presets_are_the_layers_of_other_frameworks() {
    // PyTorch's is the default, number for number.
    manual_seed(6);
    let preset = Linear::builder(30, 20).preset(presets::torch()).build();
    manual_seed(6);
    let default = Linear::new(30, 20);
    assert_eq!(preset.weight().as_slice(), default.weight().as_slice());
    assert_eq!(preset.bias().as_slice(), default.bias().as_slice());
    for (preset, has_zero_bias) in [
        (presets::keras(), true),
        (presets::flax(), true),
        (presets::candle(), false),
        (presets::tch(), false),
        (presets::burn(), false),
    ] {
        let layer = Linear::builder(30, 20).preset(preset.clone()).build();
        assert_eq!(layer.bias().as_slice() == [0.0; 20], has_zero_bias, "{preset:?}");
        // Field by field is the same thing.
        let draw = |builder: fanin_nn::layers::LinearBuilder<'_>| {
            manual_seed(7);
            builder.build().weight().as_slice().to_vec()
        };
        let whole = draw(Linear::builder(30, 20).preset(preset.clone()));
        let weight = Linear::builder(30, 20).weight(preset.weight).bias(preset.bias);
        assert_eq!(whole, draw(weight));
    }
}

#[test]
fn a_preset_gives_no_bias_to_a_layer_without() {
    let layer = Linear::builder(3, 2).no_bias().preset(presets::keras()).build();
    assert!(!layer.has_bias());
    let layer = Linear::builder(3, 2).preset(presets::keras()).no_bias().build();
    assert!(!layer.has_bias());
}

#[test]
fn a_plan_begins_a_model_as_another_framework() {
    for (name, preset) in presets::all() {
        manual_seed(8);
        let layer = |n, m| Linear::builder(n, m).preset(preset.clone()).build();
        let built = Sequential::new().add(layer(30, 20)).add(layer(20, 10));
        let mut planned = Sequential::new().add(Linear::new(30, 20)).add(Linear::new(20, 10));
        manual_seed(8);
        planned.init(&InitPlan::new().preset(preset)).unwrap();
        for (a, b) in built.named_params().into_iter().zip(planned.named_params()) {
            assert_eq!(a.1.value().as_slice(), b.1.value().as_slice(), "{name}: {}", a.0);
        }
    }
}

#[test]
#[should_panic(expected = "Linear(4 → 3): Dirac: `weight` of shape [3, 4] must have 3, 4 or 5")]
fn a_dirac_kernel_is_for_convolutions() {
    let _ = Linear::builder(4, 3).weight(Dirac::default()).build();
}

#[test]
#[should_panic(expected = "Linear(3 → 4): DeltaOrthogonal: `weight` of shape [4, 3] must have 3")]
fn delta_orthogonal_is_for_convolutions() {
    let _ = Linear::builder(3, 4).weight(DeltaOrthogonal::default()).build();
}

#[test]
#[should_panic(expected = "Linear(4 → 3): LogPrior: 2 classes do not fit `bias` of shape [3]")]
fn a_prior_for_other_classes_is_refused() {
    let _ = Linear::builder(4, 3).bias(LogPrior::from_counts(&[1, 2])).build();
}

#[test]
#[should_panic(expected = "Linear(4 → 3): LogitPrior: `weight` is no bias")]
fn a_prior_is_no_weight() {
    let _ = Linear::builder(4, 3).weight(LogitPrior::default()).build();
}
