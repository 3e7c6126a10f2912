//! The same seed trains the same network as PyTorch: initial weights, order of the batches and 100
//! losses, from golden/training.txt, which golden/make.py wrote.
//!
//! `cargo test -p fanin training_parity -- --nocapture` shows the largest deviation of each case.

use fanin::prelude::*;

/// Of a loss, relative. At first only sums in another order differ, by 1e-7, and training could magnify
/// that; at most 6.4e-7 was seen, with any instruction set.
const TOLERANCE: f64 = 5e-6;

struct Case {
    /// FNV-1a of all initial parameters.
    parameters: u64,
    losses: Vec<f32>,
}

fn golden(name: &str) -> Case {
    let text = include_str!("../../golden/training.txt");
    let mut lines = text.lines().skip_while(|line| *line != format!("case {name}")).skip(1);
    let mut words = |key: &str| lines.next().unwrap().strip_prefix(key).unwrap().split_whitespace();
    let parameters = u64::from_str_radix(words("parameters").next().unwrap(), 16).unwrap();
    let bits = |hex| f32::from_bits(u32::from_str_radix(hex, 16).unwrap());
    Case { parameters, losses: words("losses").map(bits).collect() }
}

fn shallow() -> Sequential {
    Sequential::new().add(Linear::new(784, 128)).add(Relu).add(Linear::new(128, 10))
}

fn deep() -> Sequential {
    let first = Sequential::new().add(Linear::new(784, 256)).add(Tanh);
    first.add(Linear::new(256, 128)).add(Gelu).add(Linear::new(128, 10))
}

fn fnv(model: &Sequential) -> u64 {
    let params = model.named_params();
    let bytes = params.iter().flat_map(|(_, p)| p.value().as_slice()).flat_map(|x| x.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Initial parameters' hash, and the losses of as many steps as the golden file has.
fn train(
    seed: u64,
    new: fn() -> Sequential,
    mut optimizer: impl Optimizer,
    smoothing: f64,
    steps: usize,
) -> Case {
    let (train, _) = datasets::mnist_bundled();
    manual_seed(seed);
    let mut model = new();
    let parameters = fnv(&model);
    let mut tape = Tape::new();
    let mut losses = vec![];
    while losses.len() < steps {
        // Several epochs: each draws its order when it begins, from the one generator.
        for (x, y) in train.batches(64).shuffle().take(steps - losses.len()) {
            let (loss, grads) = tape.value_and_grad(|t| {
                let loss = losses::CrossEntropy::new().label_smoothing(smoothing);
                loss.loss(model.forward(t.input(&x)), &y)
            });
            optimizer.step(&mut model, grads);
            losses.push(loss);
        }
    }
    Case { parameters, losses }
}

/// The largest relative difference, and the step at which it is. A NaN is as far as can be.
fn worst(got: &[f32], want: &[f32]) -> (f64, usize) {
    assert_eq!(got.len(), want.len());
    let each = got.iter().zip(want).enumerate().map(|(step, (&got, &want))| {
        let deviation = f64::from((got - want).abs() / want);
        (if deviation.is_nan() { f64::INFINITY } else { deviation }, step)
    });
    each.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[track_caller]
fn check(name: &str, new: fn() -> Sequential, optimizer: impl Optimizer, smoothing: f64) {
    let want = golden(name);
    assert_eq!(want.losses.len(), 100);
    let got = train(42, new, optimizer, smoothing, 100);
    assert_eq!(got.parameters, want.parameters, "{name}: other initial parameters than PyTorch's");
    let (deviation, step) = worst(&got.losses, &want.losses);
    eprintln!("{name}: {deviation:.1e} at step {step}");
    assert!(deviation < TOLERANCE, "{name}: {deviation:e} from PyTorch at step {step}");
    // It did learn, so that there was something to compare.
    assert!(want.losses[99] < 0.4 * want.losses[0] || smoothing > 0.0, "{name}");
}

#[test]
fn a_network_trains_as_in_pytorch_by_adam() {
    check("shallow-adam", shallow, Adam::new(1e-3), 0.0);
}

#[test]
fn a_network_trains_as_in_pytorch_by_sgd() {
    check("shallow-sgd", shallow, Sgd::new(0.1), 0.0);
}

#[test]
fn a_network_trains_as_in_pytorch_by_momentum() {
    check("shallow-momentum", shallow, Sgd::new(0.1).momentum(0.9), 0.0);
}

#[test]
fn a_deeper_network_trains_as_in_pytorch_by_adam() {
    check("deep-adam", deep, Adam::new(1e-3), 0.0);
}

#[test]
fn a_deeper_network_trains_as_in_pytorch_by_adamw_with_smoothed_labels() {
    check("deep-adamw-smooth", deep, AdamW::new(1e-3).weight_decay(0.1), 0.1);
}

/// What the comparison must notice: another seed, from the first loss on; and a rule of training that
/// is slightly different.
#[test]
fn other_training_is_found() {
    let want = golden("shallow-adam");
    let other_seed = train(43, shallow, Adam::new(1e-3), 0.0, 100);
    assert_ne!(other_seed.parameters, want.parameters);
    assert!(worst(&other_seed.losses[..1], &want.losses[..1]).0 > 1e-3);
    for (smoothing, adam) in [
        (0.0, Adam::new(1.01e-3)),
        (0.0, Adam::new(1e-3).betas(0.89, 0.999)),
        (0.0, Adam::new(1e-3).weight_decay(1e-3)),
        (0.001, Adam::new(1e-3)),
    ] {
        let other = train(42, shallow, adam.clone(), smoothing, 100);
        assert_eq!(other.parameters, want.parameters);
        let (deviation, _) = worst(&other.losses, &want.losses);
        eprintln!("other: {deviation:.1e}");
        assert!(deviation > 1e-3, "{adam:?}, {smoothing}: {deviation:e}");
    }
}
