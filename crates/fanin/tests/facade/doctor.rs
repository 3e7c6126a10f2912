//! The doctor on handwritten digits: pixels are from 0 to 1, most of them 0, and not of mean 0.

use fanin::prelude::*;

const SEEDS: [u64; 3] = [1, 2, 3];

fn digits(samples: usize) -> (Tensor, Vec<usize>) {
    let (train, _) = datasets::mnist_bundled();
    manual_seed(0);
    let (x, y) = train.batches(samples).shuffle().next().expect("there are digits");
    (x, y.to_vec())
}

/// 784, this many hidden layers of this many units, 10.
fn net(
    hidden: &[usize],
    weight: &dyn Initializer,
    bias: &dyn Initializer,
    add: impl Fn(Sequential) -> Sequential,
) -> Sequential {
    let layer = |n, m| Linear::builder(n, m).weight(weight).bias(bias).build();
    let (mut model, mut inputs) = (Sequential::new(), 784);
    for &units in hidden {
        model = add(model.add(layer(inputs, units)));
        inputs = units;
    }
    model.add(layer(inputs, 10))
}

fn relu(model: Sequential) -> Sequential {
    model.add(Relu)
}

/// The faults that several seeds have, without and with labels.
fn each(build: impl Fn() -> Sequential, judge: impl Fn(&InitReport)) {
    let (x, y) = digits(128);
    for seed in SEEDS {
        manual_seed(seed);
        let model = build();
        judge(&InitReport::new(&model, &x));
        judge(&InitReport::with_labels(&model, &x, &y));
    }
}

fn assert_healthy(build: impl Fn() -> Sequential) {
    each(build, |report| assert!(report.is_healthy(), "{report}"));
}

fn assert_first(build: impl Fn() -> Sequential, is_it: impl Fn(&Fault) -> bool) {
    each(build, |report| {
        let first = report.verdicts.first().unwrap_or_else(|| panic!("no fault:\n{report}"));
        assert!(is_it(&first.fault), "{report}");
    });
}

#[test]
fn what_is_sick_is_named() {
    let shallow = [256, 128];
    let uniform = Uniform::new(0.0, 1.0);
    assert_first(|| net(&shallow, &Zeros, &Zeros, relu), |f| matches!(f, Fault::Symmetry { .. }));
    assert_first(|| net(&shallow, &Ones, &Zeros, relu), |f| matches!(f, Fault::Symmetry { .. }));
    assert_first(
        || net(&shallow, &uniform, &Zeros, relu),
        |f| matches!(f, Fault::ExplodingActivations { .. }),
    );
    let deep = [64; 30];
    let default = KaimingUniform::torch_default();
    assert_first(
        || net(&deep, &default, &FanInUniform, relu),
        |f| matches!(f, Fault::VanishingActivations { per_layer, .. } if *per_layer < 0.6),
    );
    assert_first(
        || net(&deep, &XavierNormal::default(), &Zeros, relu),
        |f| matches!(f, Fault::VanishingActivations { per_layer, .. } if *per_layer < 0.8),
    );
    let large = Normal::new(0.0, 1.0);
    assert_first(
        || net(&[256, 256], &large, &Zeros, |model| model.add(Sigmoid)),
        |f| matches!(f, Fault::Saturated { .. }),
    );
    assert_first(
        || net(&shallow, &KaimingNormal::default(), &Constant(-10.0), relu),
        |f| matches!(f, Fault::Dead { .. }),
    );
}

#[test]
fn what_is_well_is_left_in_peace() {
    let default = KaimingUniform::torch_default();
    assert_healthy(|| net(&[128], &default, &FanInUniform, relu));
    assert_healthy(|| net(&[256, 128], &default, &FanInUniform, relu));
    assert_healthy(|| net(&[128], &XavierUniform::default(), &Zeros, |model| model.add(Tanh)));
    assert_healthy(|| net(&[], &Zeros, &Zeros, relu));
    assert_healthy(|| net(&[64; 30], &KaimingNormal::default(), &Zeros, relu));
    assert_healthy(|| net(&[64; 100], &Orthogonal::default(), &Zeros, |model| model.add(Tanh)));
}

/// What the doctor says of the default at depth 30, and what it advises, hold in training.
#[test]
fn the_advice_helps() {
    let deep = [64; 30];
    let losses = |weight: &dyn Initializer, bias: &dyn Initializer| {
        manual_seed(1);
        let mut model = net(&deep, weight, bias, relu);
        let (train, _) = datasets::mnist_bundled();
        let (mut adam, mut tape) = (Adam::new(1e-3), Tape::new());
        let mut last = vec![];
        for _epoch in 0..3 {
            last.clear();
            for (x, y) in train.batches(50).shuffle() {
                let (loss, grads) =
                    tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&y));
                adam.step(&mut model, grads);
                last.push(loss);
            }
        }
        last.iter().sum::<f32>() / last.len() as f32
    };
    let default = losses(&KaimingUniform::torch_default(), &FanInUniform);
    let advised = losses(&KaimingNormal::default(), &Zeros);
    assert!(advised < 1.0 && default > 2.0, "{advised} as advised, {default} by default");
}
