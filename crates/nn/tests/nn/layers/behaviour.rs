//! What layers do beside computing: paths, plans, files, casts, the doctor, shapes that do not fit.

use fanin_nn::diagnose::{InitReport, Probe};
use fanin_nn::init::{Auto, KaimingNormal, ParamKind, Zeros, manual_seed};
use fanin_nn::layers::*;
use fanin_nn::{
    Checkpoint, Describe, Features, GradientSum, InitPlan, Linear, Mode, Module, Optimizer,
    Parameters, Sequential, Sgd, Tape, Tensor, Var,
};

use crate::panics::message;

fn wave(shape: &[usize]) -> Tensor {
    let len = shape.iter().product();
    let value = |i: usize| ((i * 7919 % 1009) as f32 / 1009.0 - 0.5) * 3.0;
    Tensor::from_vec(shape, (0..len).map(value).collect())
}

fn step(model: &mut Sequential, x: &Tensor) {
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(x)).square().mean());
    Sgd::new(0.1).step(model, grads);
}

/// One of each kind, as a network for 8 features.
fn all() -> Sequential {
    manual_seed(1);
    let branch = Sequential::new().add(Linear::new(8, 4)).add(Tanh);
    Sequential::new()
        .add(Identity)
        .add_named("encoder", WeightNorm::new(Linear::new(8, 8)))
        .add(BatchNorm1d::new(8).cumulative())
        .add(Relu)
        .add(SpectralNorm::new(Linear::new(8, 8)))
        .add(GroupNorm::new(2, 8).affine(false))
        .add(Parallel::new().add(branch).add_named("rest", Identity))
        .add(RmsNorm::new(12))
        .add(Unflatten::new(&[3, 4]))
        .add(Flatten)
        .add(Linear::new(12, 8))
        .add(LayerNorm::new(8).bias(false))
        .add(Parallel::sum().add(Linear::new(8, 2)).add(Linear::new(8, 2)))
}

#[test]
fn paths_summaries_files_clones_and_casts() {
    let mut model = all();
    let names: Vec<String> = model.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "encoder.weight_g",
            "encoder.weight_v",
            "encoder.bias",
            "2.weight",
            "2.bias",
            "4.weight",
            "4.bias",
            "6.0.0.weight",
            "6.0.0.bias",
            "7.weight",
            "10.weight",
            "10.bias",
            "11.weight",
            "12.0.weight",
            "12.0.bias",
            "12.1.weight",
            "12.1.bias"
        ]
    );
    let buffers: Vec<String> = model.named_buffers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        buffers,
        ["2.running_mean", "2.running_var", "2.num_batches_tracked", "4.weight_u", "4.weight_v"]
    );
    let summary = model.summary();
    let outputs: Vec<_> = summary.rows().iter().map(|row| row.output).collect();
    let known = |n: usize| Some(n).filter(|&n| n > 0);
    assert_eq!(outputs, [0, 8, 8, 8, 8, 8, 12, 12, 0, 0, 8, 8, 2].map(known));
    let text = summary.to_string();
    for row in [
        "encoder  WeightNorm(Linear(8 → 8))",
        "BatchNorm1d(8, cumulative)",
        "SpectralNorm(Linear(8 → 8))",
        "GroupNorm(8 in 2 groups, no affine)",
        "Parallel(Sequential(Linear(8 → 4), Tanh) | Identity)",
        "Unflatten(3×4)",
        "LayerNorm(8, no bias)",
        "Parallel(Linear(8 → 2) + Linear(8 → 2))",
        "KaimingUniform",
    ] {
        assert!(text.contains(row), "{row} is not in\n{text}");
    }

    let x = wave(&[6, 8]);
    for _ in 0..3 {
        step(&mut model, &x);
    }
    let y = model.predict(&x);
    let mut loaded = all();
    assert_ne!(loaded.predict(&x), y);
    loaded.load_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(loaded.predict(&x), y);
    assert_eq!(model.clone().predict(&x), y);
    let back = model.cast::<f64>();
    let double = back.predict(&x.cast());
    let deviation = double.as_slice().iter().zip(y.as_slice());
    assert!(deviation.clone().all(|(a, b)| (a - f64::from(*b)).abs() < 1e-5));
    assert_eq!(back.cast::<f32>().predict(&x), y);
}

/// Layers that refuse each other do so while the network is built, also behind one that says nothing.
#[test]
fn features() {
    assert_eq!(all().summary().rows()[12].output, Some(2));
    let both = Parallel::new().add(Linear::new(8, 3)).add(Identity);
    assert_eq!(both.features(), Features::Map { input: 8, output: 11 });
    let none = Parallel::<f32>::new().add(Identity).add(Tanh);
    assert_eq!(none.features(), Features::Unknown);
    assert_eq!(Parallel::<f32>::sum().add(Identity).add(Tanh).features(), Features::Same);
    assert_eq!(Describe::features(&Flatten), Features::Unknown);
}

#[test]
fn plans_leave_the_parts_of_normalized_weights_alone() {
    let mut model = all();
    let before: Vec<Tensor> = model.named_params().iter().map(|(_, p)| p.value().clone()).collect();
    model.init(&InitPlan::new().weights(Zeros).biases(Zeros)).unwrap();
    for ((name, param), before) in model.named_params().iter().zip(&before) {
        let norm = ["encoder.weight_g", "encoder.weight_v", "2.", "7.", "11."];
        let kept = norm.iter().any(|norm| name.starts_with(norm));
        let zero = param.value().as_slice().iter().all(|&w| w == 0.0);
        assert!(if kept { param.value() == before } else { zero }, "{name}");
    }
    let kinds: Vec<_> = model.named_params().iter().map(|(_, p)| p.spec().kind).collect();
    assert_eq!(kinds[..3], [ParamKind::Scale, ParamKind::Weight, ParamKind::Bias]);
}

/// A layer that begins with the weights of the one it wraps, which an activation added later scales.
#[test]
fn weight_normalization_keeps_the_initialization() {
    let linear = || {
        manual_seed(3);
        Linear::builder(6, 5).weight(Auto::default()).build()
    };
    let plain = Sequential::new().add(linear()).add(Relu);
    let normed = Sequential::new().add(WeightNorm::new(linear())).add(Relu);
    let spectral = Sequential::new().add(SpectralNorm::new(linear())).add(Relu);
    let close = |a: &Tensor, b: &Tensor| {
        a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-6)
    };
    let weight = plain.get::<Linear>(0).unwrap().weight();
    assert!(!close(weight, linear().weight()), "relu scales the weights");
    assert!(close(&normed.get::<WeightNorm>(0).unwrap().weight(), weight));
    assert_eq!(spectral.get::<SpectralNorm>(0).unwrap().linear().weight(), weight);
    let back = normed.get::<WeightNorm>(0).unwrap().clone().into_linear();
    assert!(close(back.weight(), weight));
    assert_eq!(back.bias(), linear().bias());
}

/// Rows of zeros begin at zero and learn.
#[test]
fn weight_normalization_of_zeros_learns() {
    let mut layer = WeightNorm::new(Linear::builder(3, 2).weight(Zeros).bias(Zeros).build());
    let x = wave(&[4, 3]);
    assert_eq!(layer.predict(&x), Tensor::zeros([4, 2]));
    let mut tape = Tape::new();
    for _ in 0..2 {
        let (_, grads) =
            tape.value_and_grad(|t| (layer.forward(t.input(&x)) - 1.0).square().mean());
        Sgd::new(0.1).step(&mut layer, grads);
    }
    let weight = layer.weight();
    assert!(weight.as_slice().iter().all(|w| w.is_finite() && *w != 0.0), "{weight}");
    let mut layer = SpectralNorm::new(Linear::builder(3, 2).weight(Zeros).bias(Zeros).build());
    assert_eq!(layer.predict(&x), Tensor::zeros([4, 2]));
    for _ in 0..30 {
        let (_, grads) =
            tape.value_and_grad(|t| (layer.forward(t.input(&x)) - 1.0).square().mean());
        Sgd::new(0.1).step(&mut layer, grads);
    }
    let y =
        layer.predict(&Tensor::from_vec([3, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
    assert!(y.as_slice().iter().all(|w| w.is_finite() && *w != 0.0), "{y}");
}

/// σ of the divided weights is 1 once the power iteration has ended.
#[test]
fn spectral_normalization_bounds_the_largest_singular_value() {
    manual_seed(4);
    let mut layer = SpectralNorm::new(Linear::builder(2, 2).no_bias().build());
    let x = wave(&[4, 2]);
    for _ in 0..50 {
        let mut tape = Tape::new();
        let (_, grads) = tape.value_and_grad(|t| layer.forward(t.input(&x)).sum());
        Sgd::new(0.0).step(&mut layer, grads);
    }
    let longest = (0..360).map(|degree| {
        let (sin, cos) = f32::sin_cos((degree as f32).to_radians());
        let y = layer.predict(&Tensor::from_vec([1, 2], vec![cos, sin]));
        y.as_slice().iter().map(|y| y * y).sum::<f32>().sqrt()
    });
    let longest = longest.fold(0.0, f32::max);
    assert!((longest - 1.0).abs() < 1e-3, "{longest}");
}

#[test]
fn the_doctor_sees_normalized_weights() {
    manual_seed(5);
    let he = || Linear::builder(16, 16).weight(KaimingNormal::default()).build();
    let model = Sequential::new()
        .add(WeightNorm::new(he()))
        .add(RmsNorm::new(16))
        .add(Relu)
        .add(SpectralNorm::new(he()))
        .add(GroupNorm::new(2, 16))
        .add(Relu);
    let probe = Probe::new(&model, &wave(&[32, 16]));
    let paths: Vec<&str> = probe.layers().iter().map(|layer| layer.weight_path.as_str()).collect();
    assert_eq!(paths, ["0.weight_v", "3.weight"]);
    for layer in probe.layers() {
        assert_eq!(layer.activation.as_ref().unwrap().name, "Relu");
        assert!(layer.normalized.is_some() && layer.weight_grad.is_some());
    }
    let weight = model.get::<WeightNorm>(0).unwrap().weight();
    assert_eq!(probe.layers()[0].weight, weight);
    let report = InitReport::new(&model, &wave(&[32, 16]));
    assert!(report.verdicts.is_empty(), "{report}");
}

/// A cumulative average counts micro-batches of one step, each with equal weight.
#[test]
fn a_cumulative_average_of_micro_batches() {
    let (mut once, mut summed) =
        (BatchNorm1d::new(3).cumulative(), BatchNorm1d::new(3).cumulative());
    let (mut tape, mut sum) = (Tape::new(), GradientSum::new());
    let batch = |k: usize| wave(&[4, 3]) * k as f32;
    for steps in 0..2 {
        for micro in 0..3 {
            let x = batch(3 * steps + micro);
            let (_, grads) = tape.value_and_grad(|t| once.forward(t.input(&x)).sum());
            Sgd::new(0.0).step(&mut once, grads);
            let (_, grads) = tape.value_and_grad(|t| summed.forward(t.input(&x)).sum());
            sum.add(&grads);
        }
        Sgd::new(0.0).step(&mut summed, sum.gradients());
        sum.clear();
    }
    // Two passes within one step as well.
    let mut twice = BatchNorm1d::new(3).cumulative();
    for k in [0, 2, 4] {
        let (a, b) = (batch(k), batch(k + 1));
        let (_, grads) = tape.value_and_grad(|t| {
            twice.forward(t.input(&a)).sum() + twice.forward(t.input(&b)).sum()
        });
        Sgd::new(0.0).step(&mut twice, grads);
    }
    for other in [&summed, &twice] {
        for ((name, a), (_, b)) in once.named_buffers().iter().zip(other.named_buffers()) {
            let (a, b) = (a.value(), b.value());
            let close = a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close, "{name}: {a} {b}");
        }
    }
    assert_eq!(once.named_buffers()[2].1.value().item(), 6.0);
    let mean = once.running_mean().as_slice()[0];
    let want: f32 = (0..6).map(|k| batch(k).as_slice().iter().step_by(3).sum::<f32>() / 4.0).sum();
    assert!((mean - want / 6.0).abs() < 1e-5);
}

#[test]
fn without_running_statistics_a_prediction_uses_its_batch() {
    let layer = BatchNorm1d::new(3).track_running_stats(false);
    assert_eq!(layer.named_buffers().len(), 0);
    let y = layer.predict(&wave(&[64, 3]));
    assert!((0..3).all(|j| y.as_slice().iter().skip(j).step_by(3).sum::<f32>().abs() < 1e-3));
}

/// Rows are shortened in the table by the step, and only those that were looked up.
#[test]
fn a_largest_norm_shortens_the_table() {
    let mut table =
        Embedding::builder(4, 3).weight(fanin_nn::init::Constant(2.0)).max_norm(1.0).build();
    let before = table.weight().clone();
    let mut tape = Tape::new();
    tape.value_in(Mode::Train, |t| table.forward(t, &[1]));
    tape.value(|t| table.forward(t, &[1]));
    assert_eq!(table.weight(), &before, "without a step the table stays");
    let mut sum = GradientSum::new();
    for ids in [[1, 1], [3, 1]] {
        let (_, grads) = tape.value_and_grad(|t| table.forward(t, &ids).sum());
        sum.add(&grads);
    }
    Sgd::new(0.0).step(&mut table, sum.gradients());
    let norms: Vec<f32> = table
        .weight()
        .as_slice()
        .chunks(3)
        .map(|row| row.iter().map(|w| w * w).sum::<f32>().sqrt())
        .collect();
    assert!(norms[0] > 3.0 && norms[2] > 3.0);
    assert!((norms[1] - 1.0).abs() < 1e-5 && (norms[3] - 1.0).abs() < 1e-5, "{norms:?}");
    // A frozen table is not changed.
    let mut frozen =
        Embedding::builder(4, 3).weight(fanin_nn::init::Constant(2.0)).max_norm(1.0).build();
    frozen.weight_mut().set_trainable(false);
    let (_, grads) = tape.value_and_grad(|t| frozen.forward(t, &[0]).sum());
    assert_eq!(grads.count(), 0);
}

/// The same bits for ids that are frequent, in a sum of halves.
#[test]
fn many_ids_in_bags() {
    let bags = EmbeddingBag::new(7, 5).mode(BagMode::Sum);
    let ids: Vec<usize> = (0..3000).map(|i| i * i % 7).collect();
    let y = Tape::new().value(|t| bags.forward(t, &ids, &[0, 1000, 1000]));
    let row = |i: usize| &bags.weight().as_slice()[i * 5..][..5];
    for (bag, range) in [(0, 0..1000), (1, 0..0), (2, 1000..3000)] {
        for j in 0..5 {
            let want: f64 = ids[range.clone()].iter().map(|&i| f64::from(row(i)[j])).sum();
            let got = f64::from(y.as_slice()[bag * 5 + j]);
            assert!((got - want).abs() < 1e-3 * want.abs().max(0.1), "{bag} {j}: {got} {want}");
        }
    }
}

#[test]
fn a_function_as_a_layer() {
    let model = Sequential::new()
        .add(Linear::new(4, 3))
        .add(Lambda::new("cubed", |x: Var<'_>| x * x * x))
        .add(Linear::new(3, 2));
    assert_eq!(model.predict(&wave(&[5, 4])).shape(), [5, 2]);
    assert!(model.summary().to_string().contains("cubed"));
    let message = message(|| model.cast::<f64>());
    assert!(message.starts_with("Sequential: layer 1, cubed, is of another crate or a function"));
}

/// A layer that is given a generator draws from it, and leaves the thread's own alone.
#[test]
fn layers_draw_from_the_generator_that_they_are_given() {
    use fanin_nn::init::rand::RngCore;
    use fanin_nn::init::{TorchRng, with_default_rng};
    type Draw = fn(Option<&mut TorchRng>) -> Vec<Tensor>;
    fn values(model: &impl Parameters) -> Vec<Tensor> {
        model.named_params().iter().map(|(_, p)| p.value().clone()).collect()
    }
    let layers: [Draw; 3] = [
        |rng| match rng {
            Some(rng) => values(&Linear::builder(3, 4).rng(rng).build()),
            None => values(&Linear::builder(3, 4).build()),
        },
        |rng| match rng {
            Some(rng) => values(&Bilinear::builder(3, 4, 2).rng(rng).build()),
            None => values(&Bilinear::builder(3, 4, 2).build()),
        },
        |rng| match rng {
            Some(rng) => values(&Embedding::builder(5, 3).rng(rng).build()),
            None => values(&Embedding::builder(5, 3).build()),
        },
    ];
    for draw in layers {
        manual_seed(9);
        let want = draw(None);
        manual_seed(1);
        let first = with_default_rng(|rng| rng.next_u32());
        manual_seed(1);
        assert_eq!(draw(Some(&mut TorchRng::seed(9))), want);
        assert_eq!(with_default_rng(|rng| rng.next_u32()), first);
    }
}
