//! What is done for each layer or parameter takes as long in a network of many layers as in one of few.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fanin_nn::diagnose::Probe;
use fanin_nn::init::Zeros;
use fanin_nn::layers::*;
use fanin_nn::tensor::parallel;
use fanin_nn::{
    Adam, Checkpoint, Describe, GradientSum, InitPlan, Linear, Module, Optimizer, Parameters,
    Sequential, Tape, Tensor,
};

use super::alone;

const FEW: usize = 250;
const MANY: usize = 4_000;

/// A quadratic part takes 16 times as long for each layer. Caches and the system take some of the rest.
const MOST: u32 = 6;

/// Linear layers, batch normalizations and residual branches in turn.
fn network(layers: usize) -> Sequential {
    (0..layers).fold(Sequential::new(), |model, i| match i % 4 {
        0 => model.add(Linear::new(4, 4)),
        1 => model.add_named(&format!("norm{i}"), BatchNorm1d::new(4)),
        2 => model.add(Residual::new(Linear::new(4, 4)).rezero()),
        _ => model.add(Tanh),
    })
}

/// The processor time of this thread, which does not count what else the machine does. Where the system
/// does not say, the time of the clock.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = text.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Measures a function of a network and of how many layers it has.
#[track_caller]
fn check(name: &str, f: impl Fn(usize) -> Box<dyn FnMut()>) {
    // The system counts in steps of some milliseconds.
    const LEAST: Duration = Duration::from_millis(40);
    let a_layer = |layers: usize| {
        let mut f = f(layers);
        f();
        let (start, mut count) = (processor_time(), 0);
        while processor_time() - start < LEAST {
            (0..MANY / layers).for_each(|_| f());
            count += MANY as u32;
        }
        (processor_time() - start) / count
    };
    let mut times = (Duration::ZERO, Duration::MAX);
    // What other processes leave of the caches differs from time to time.
    for _ in 0..4 {
        times = (a_layer(FEW), a_layer(MANY));
        if times.1 <= MOST * times.0 {
            break;
        }
    }
    let (few, many) = times;
    eprintln!("{name}: {few:?} a layer of {FEW}, {many:?} of {MANY}");
    assert!(many <= MOST * few, "{name}: {few:?} a layer of {FEW}, but {many:?} of {MANY}");
}

fn data() -> Tensor {
    Tensor::from_vec([2, 4], (0..8).map(|i| i as f32).collect())
}

#[test]
fn a_network_is_built_in_linear_time() {
    let _alone = alone();
    check("build", |layers| Box::new(move || drop(network(layers))));
    check("names", |layers| {
        let named = move |model: Sequential, i: usize| model.add_named(&format!("layer{i}"), Relu);
        Box::new(move || drop((0..layers).fold(Sequential::new(), named)))
    });
    check("clone, describe, display and summary", |layers| {
        let model = network(layers);
        Box::new(move || {
            let clone = model.clone();
            black_box((clone.describe(), clone.to_string(), clone.summary().to_string()));
        })
    });
    check("from_spec", |layers| {
        let layer =
            |i| if i % 2 == 0 { LayerSpec::from(LinearSpec::new(4, 4)) } else { LayerSpec::Tanh };
        let spec = NetworkSpec { layers: (0..layers).map(layer).collect() };
        Box::new(move || drop(Sequential::from_spec(&spec).unwrap()))
    });
    check("a plan", |layers| {
        let mut model = network(layers);
        let plan = InitPlan::new().weights(Zeros).biases(Zeros).set("*.branch.weight", Zeros);
        Box::new(move || model.init(&plan).unwrap())
    });
}

#[test]
fn a_step_takes_linear_time() {
    let _alone = alone();
    parallel::set_num_threads(1);
    check("a step", |layers| {
        let (mut model, mut tape, mut adam, x) =
            (network(layers), Tape::new(), Adam::new(1e-3), data());
        Box::new(move || {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
            adam.step(&mut model, grads);
        })
    });
    check("a first step, with groups", |layers| {
        let (mut model, x) = (network(layers), data());
        Box::new(move || {
            let (mut tape, mut adam) =
                (Tape::new(), Adam::new(1e-3).group("*.bias", |g| g.rate(0.1)));
            let (_, mut grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
            adam.step(&mut model, grads.reborrow());
            // A clone has new identities, and is found by its paths.
            let mut clone = model.clone();
            let (_, grads) = tape.value_and_grad(|t| clone.forward(t.input(&x)).mean());
            adam.step(&mut clone, grads);
        })
    });
    check("a sum of gradients", |layers| {
        let (mut model, x) = (network(layers), data());
        let (mut tape, mut sum, mut adam) = (Tape::new(), GradientSum::new(), Adam::new(1e-3));
        Box::new(move || {
            for _ in 0..2 {
                let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
                sum.add(&grads);
            }
            adam.step(&mut model, sum.gradients());
            sum.clear();
        })
    });
    check("gradients by parameter, backwards", |layers| {
        let (model, mut tape, x) = (network(layers), Tape::new(), data());
        Box::new(move || {
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
            let params = model.named_params();
            assert!(params.iter().rev().all(|(_, p)| grads.get(p).is_some()));
        })
    });
    check("a prediction", |layers| {
        let (model, x) = (network(layers), data());
        Box::new(move || drop(model.predict(&x)))
    });
    check("a probe", |layers| {
        let (model, x) = (network(layers), data());
        Box::new(move || drop(black_box(Probe::new(&model, &x))))
    });
}

#[test]
fn a_model_is_saved_and_loaded_in_linear_time() {
    let _alone = alone();
    check("a checkpoint", |layers| {
        let mut model = network(layers);
        Box::new(move || {
            let bytes = model.to_bytes().unwrap();
            model.load_bytes(&bytes).unwrap();
        })
    });
    check("copy_from and soft_update", |layers| {
        let (mut model, other) = (network(layers), network(layers));
        Box::new(move || {
            model.copy_from(&other);
            model.soft_update(&other, 0.1);
        })
    });
    check("the state of an optimizer", |layers| {
        let (mut model, mut tape, mut adam, x) =
            (network(layers), Tape::new(), Adam::new(1e-3), data());
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).mean());
        adam.step(&mut model, grads);
        Box::new(move || {
            let state = Optimizer::<f32>::state(&adam);
            adam.load_state(&model, state).unwrap();
        })
    });
}

/// Of a network of 100,000 layers. The limit is for debug builds and busy machines; a release build takes
/// a tenth of a second.
#[test]
fn a_hundred_thousand_layers() {
    let _alone = alone();
    let start = Instant::now();
    let model = (0..100_000).fold(Sequential::new(), |model, i| match i % 2 {
        0 => model.add(Linear::new(2, 2)),
        _ => model.add_named(&format!("activation{i}"), Relu),
    });
    let built = start.elapsed();
    let params = model.clone().num_params();
    let (cloned, rows) = (start.elapsed() - built, model.summary().rows().len());
    let summed = start.elapsed() - built - cloned;
    drop(model);
    let all = start.elapsed();
    eprintln!("built in {built:?}, cloned in {cloned:?}, summary in {summed:?}, with drop {all:?}");
    assert_eq!((params, rows), (50_000 * 6, 100_000));
    assert!(all < Duration::from_secs(8), "{all:?}");
}
