//! The numbers in the docs of the doctor: on one side of each limit a network is healthy, on the other
//! it has the fault.

use fanin_nn::diagnose::{Fault, InitReport};
use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::{Linear, Sequential, Tensor};

/// A layer with these weights, one row for each output, and no bias.
fn linear<const IN: usize>(rows: &[[f32; IN]]) -> Linear {
    let mut layer = Linear::builder(IN, rows.len()).no_bias().build();
    layer.weight_mut().value_mut().as_mut_slice().copy_from_slice(rows.as_flattened());
    layer
}

fn column(x: &[f32]) -> Tensor {
    Tensor::from_vec([x.len(), 1], x.to_vec())
}

fn has(report: &InitReport, is_it: impl Fn(&Fault) -> bool) -> bool {
    report.verdicts.iter().any(|verdict| is_it(&verdict.fault))
}

/// `copies` of 16 units are copies of an earlier one, and so are their columns in the next layer.
fn with_copies(copies: usize) -> Sequential {
    manual_seed(7);
    let (mut first, mut second) = (Linear::new(8, 16), Linear::new(16, 5));
    let weight = first.weight_mut().value_mut().as_mut_slice();
    (1..=copies).for_each(|unit| weight.copy_within(0..8, 8 * unit));
    let bias = first.bias_mut().unwrap().value_mut().as_mut_slice();
    let first_bias = bias[0];
    bias[1..=copies].fill(first_bias);
    for row in second.weight_mut().value_mut().as_mut_slice().chunks_exact_mut(16) {
        let first_column = row[0];
        row[1..=copies].fill(first_column);
    }
    Sequential::new().add(first).add(Tanh).add(second)
}

#[test]
fn symmetry_is_half_the_units() {
    let x = Tensor::from_vec([32, 8], (0..256).map(|i| (i as f32 * 0.7).sin()).collect());
    let healthy = InitReport::new(&with_copies(7), &x);
    assert_eq!(healthy.layers[0].identical, 7);
    assert!(!has(&healthy, |fault| matches!(fault, Fault::Symmetry { .. })), "{healthy}");
    let sick = InitReport::new(&with_copies(8), &x);
    assert!(has(&sick, |fault| matches!(fault, Fault::Symmetry { share: 0.5, .. })), "{sick}");
}

/// The report of one tanh unit whose pre-activations are these.
fn tanh_of(z: &[f32]) -> InitReport {
    InitReport::new(&Sequential::new().add(linear(&[[1.0]])).add(Tanh), &column(z))
}

#[test]
fn saturated_is_three_in_ten_outputs_with_a_derivative_below_4_percent() {
    let is_saturated = |report: &InitReport| has(report, |f| matches!(f, Fault::Saturated { .. }));
    // 1 − tanh²(z) is 0.04 at z = 2.2924.
    let mut z = [0.5, -0.5, 0.4, -0.4, 0.3, -0.3, 0.2, 2.295, -2.295, 2.295];
    let sick = tanh_of(&z);
    assert_eq!(sick.layers[0].saturated, Some(0.3));
    assert!(is_saturated(&sick), "{sick}");
    z[9] = 2.29;
    let healthy = tanh_of(&z);
    assert_eq!(healthy.layers[0].saturated, Some(0.2));
    assert!(!is_saturated(&healthy), "{healthy}");
}

#[test]
fn dead_is_nine_in_ten_units() {
    // Units with a negative weight are dead for positive inputs.
    let report = |dead: usize| {
        let rows: Vec<[f32; 1]> =
            (0..10).map(|i| [if i < dead { -1.0 } else { 1.0 } * (1.0 + 0.1 * i as f32)]).collect();
        let model = Sequential::new().add(linear(&rows)).add(Relu).add(Linear::new(10, 2));
        InitReport::new(&model, &column(&[0.5, 1.0, 1.5, 2.0]))
    };
    let (healthy, sick) = (report(8), report(9));
    assert_eq!((healthy.layers[0].dead, sick.layers[0].dead), (Some(0.8), Some(0.9)));
    assert!(!has(&healthy, |fault| matches!(fault, Fault::Dead { .. })), "{healthy}");
    assert!(has(&sick, |fault| matches!(fault, Fault::Dead { .. })), "{sick}");
}

#[test]
fn a_unit_is_dead_below_a_thousandth_of_the_largest_derivative() {
    // The derivative of softplus is the sigmoid: 0.001 at −6.9068.
    let report = |z: f32| {
        let model = Sequential::new().add(linear(&[[1.0]])).add(Softplus);
        InitReport::new(&model, &column(&[z, z - 1.0])).layers[0].dead
    };
    assert_eq!((report(-6.9), report(-6.92)), (Some(0.0), Some(1.0)));
}

#[test]
fn signals_may_shrink_to_a_thousandth_and_grow_to_a_hundredfold() {
    // Three layers of factor f: activations and gradients change by f³ and f².
    let report = |total: f32, layers: i32| {
        let factor = total.powf(1.0 / layers as f32);
        let layer = || linear(&[[factor, 0.0], [0.0, factor]]);
        let model = (0..layers).fold(Sequential::new(), |net, _| net.add(layer()));
        let x = Tensor::from_vec([4, 2], vec![1.0, -0.5, -1.0, 0.3, 0.2, 1.0, -0.7, -1.0]);
        InitReport::new(&model, &x)
    };
    let activations = |r: &InitReport| {
        [
            has(r, |f| matches!(f, Fault::VanishingActivations { .. })),
            has(r, |f| matches!(f, Fault::ExplodingActivations { .. })),
        ]
    };
    assert_eq!(activations(&report(1.1e-3, 3)), [false, false]);
    assert_eq!(activations(&report(0.9e-3, 3)), [true, false]);
    assert_eq!(activations(&report(98.0, 3)), [false, false]);
    assert_eq!(activations(&report(102.0, 3)), [false, true]);
    let gradients = |r: &InitReport| {
        [
            has(r, |f| matches!(f, Fault::VanishingGradients { .. })),
            has(r, |f| matches!(f, Fault::ExplodingGradients { .. })),
        ]
    };
    assert_eq!(gradients(&report(1.1e-3f32.powf(1.5), 3)), [false, false]);
    assert_eq!(gradients(&report(0.9e-3f32.powf(1.5), 3)), [true, false]);
    assert_eq!(gradients(&report(98f32.powf(1.5), 3)), [false, false]);
    assert_eq!(gradients(&report(102f32.powf(1.5), 3)), [false, true]);
}

#[test]
fn overconfident_is_five_times_the_loss_of_a_uniform_prediction() {
    // Logits (a, 0) of a sample of class 1 have the loss ln(1 + eᵃ); 5 ln 2 = 3.466.
    let report = |a: f32| {
        let model = Sequential::new().add(linear(&[[a], [0.0]]));
        InitReport::with_labels(&model, &column(&[1.0, 1.0]), &[1, 1])
    };
    let (healthy, sick) = (report(3.42), report(3.45));
    assert!(healthy.loss < 5.0 * 2f64.ln() && sick.loss > 5.0 * 2f64.ln());
    assert!(!has(&healthy, |fault| matches!(fault, Fault::Overconfident { .. })), "{healthy}");
    assert!(has(&sick, |fault| matches!(fault, Fault::Overconfident { .. })), "{sick}");
}

#[test]
fn data_are_unscaled_above_an_rms_of_5() {
    let report = |x: f32| InitReport::new(&linear(&[[1.0], [-2.0]]), &column(&[x, -x]));
    let unscaled = |r: &InitReport| has(r, |f| matches!(f, Fault::UnscaledInput { .. }));
    assert!(!unscaled(&report(5.0)) && unscaled(&report(5.01)));
}

/// `E[z²] = Var[w] Σx² + E[w]² (Σx)² + 2 E[w] E[b] Σx + E[b²]`, exact where the terms are the same in
/// every unit.
#[test]
fn theory_counts_the_product_of_mean_weight_and_mean_bias() {
    for bias in [0.5_f32, -0.5] {
        let mut layer = Linear::new(2, 2);
        layer.weight_mut().value_mut().as_mut_slice().copy_from_slice(&[0.25; 4]);
        layer.bias_mut().unwrap().value_mut().as_mut_slice().fill(bias);
        let report = InitReport::new(&layer, &Tensor::from_vec([2, 2], vec![1.0, 2.0, 2.0, 1.0]));
        let (z, input_rms) = (0.25 * 3.0 + f64::from(bias), 2.5f64.sqrt());
        let [layer] = &report.layers[..] else { panic!("{report}") };
        assert!((layer.predicted_growth - z.abs() / input_rms).abs() < 1e-6, "{report}");
        assert!((layer.growth - z.abs() / input_rms).abs() < 1e-6, "{report}");
    }
}
