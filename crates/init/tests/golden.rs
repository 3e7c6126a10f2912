//! Number for number against PyTorch: `golden/torch.txt`, written by `golden/make.py`.

use std::collections::{BTreeSet, HashMap};

use fanin_init::ndarray::ArrayD;
use fanin_init::rand::{Rng, RngCore};
use fanin_init::*;

/// How far a normal number may be off, in units of `max(std, |value − mean|)`, besides the rounding
/// of the value itself.
const NORMAL: f64 = 2e-7;

struct Golden(HashMap<&'static str, Vec<&'static str>>);

impl Golden {
    fn read() -> Self {
        let records = include_str!("../golden/torch.txt").lines().map(|line| {
            let (key, values) = line.split_once(' ').unwrap();
            (key, values.split(' ').collect())
        });
        Golden(records.collect())
    }

    fn get(&self, key: &str) -> &[&'static str] {
        self.0.get(key).unwrap_or_else(|| panic!("golden/torch.txt has no {key}"))
    }

    fn floats(&self, key: &str) -> Vec<f32> {
        let bits = |hex: &&str| f32::from_bits(u32::from_str_radix(hex, 16).unwrap());
        self.get(key).iter().map(bits).collect()
    }

    fn hash(&self, key: &str) -> u64 {
        u64::from_str_radix(self.get(key)[0], 16).unwrap()
    }

    /// The generator must have spent as many words as PyTorch's.
    #[track_caller]
    fn after(&self, key: &str, rng: &mut impl RngCore) {
        let next = Uniform::new(0.0, 1.0).draw(&ParamSpec::bias(1, 1), &[1], rng)[0];
        let want = self.floats(&format!("{key}/after"))[0];
        assert_eq!(next, want, "{key}: the generator is elsewhere afterwards");
    }

    /// Every bit of the tensor.
    #[track_caller]
    fn exact(&self, key: &str, tensor: &ArrayD<f32>) {
        let head: Vec<f32> = tensor.iter().copied().take(8).collect();
        assert_eq!(head, self.floats(&format!("{key}/values")), "{key}");
        let hash = fnv(tensor.iter().flat_map(|x| x.to_le_bytes()));
        assert_eq!(hash, self.hash(&format!("{key}/fnv")), "{key}: beyond the first values");
    }

    /// The part of the tensor that `make.py` records, within `tolerance(want)`.
    #[track_caller]
    fn near(&self, key: &str, tensor: &ArrayD<f32>, tolerance: impl Fn(f64) -> f64) {
        let flat: Vec<f32> = tensor.iter().copied().collect();
        let n = flat.len();
        let mut chosen: BTreeSet<usize> = (0..n.min(64)).chain((0..n).step_by(97)).collect();
        chosen.extend(n.saturating_sub(32)..n);
        let want = self.floats(&format!("{key}/values"));
        assert_eq!(chosen.len(), want.len(), "{key}");
        for (i, want) in chosen.into_iter().zip(want) {
            let error = (f64::from(flat[i]) - f64::from(want)).abs();
            let allowed = tolerance(want.into());
            assert!(error <= allowed, "{key}[{i}]: {} is not {want} within {allowed:e}", flat[i]);
        }
    }
}

fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Half a unit in the last place of an f32 of this size.
fn rounding(x: f64) -> f64 {
    x.abs() * f64::from(f32::EPSILON) / 2.0
}

fn normal(mean: f64, std: f64) -> impl Fn(f64) -> f64 {
    move |want| {
        NORMAL * std.max((want - mean).abs()) + if mean == 0.0 { 0.0 } else { rounding(want) }
    }
}

const SEEDS: [u64; 6] = [0, 1, 42, (1 << 32) + 42, (1 << 40) + 12345, u64::MAX];

#[test]
fn linear_layers() {
    let golden = Golden::read();
    let weight = KaimingUniform::torch_default();
    for seed in SEEDS {
        manual_seed(seed);
        let key = format!("linear/{seed}");
        let w = weight.draw(&ParamSpec::weight(784, 128), &[128, 784], &mut default_rng());
        golden.exact(&format!("{key}/weight"), &w);
        let b = FanInUniform.draw(&ParamSpec::bias(784, 128), &[128], &mut default_rng());
        golden.exact(&format!("{key}/bias"), &b);
        golden.after(&key, &mut default_rng());
    }
    let mut rng = TorchRng::seed(7);
    for (i, (inputs, outputs)) in [(784, 256), (256, 128), (128, 10)].into_iter().enumerate() {
        let w = weight.draw(&ParamSpec::weight(inputs, outputs), &[outputs, inputs], &mut rng);
        golden.exact(&format!("mlp/{i}/weight"), &w);
        let b = FanInUniform.draw(&ParamSpec::bias(inputs, outputs), &[outputs], &mut rng);
        golden.exact(&format!("mlp/{i}/bias"), &b);
    }
    let mut rng = TorchRng::seed(7);
    golden.exact("tiny/weight", &weight.draw(&ParamSpec::weight(3, 2), &[2, 3], &mut rng));
    golden.exact("tiny/bias", &FanInUniform.draw(&ParamSpec::bias(3, 2), &[2], &mut rng));
}

const WIDE: &[usize] = &[200, 300];
const CONV: &[usize] = &[16, 8, 3, 3];

#[track_caller]
fn exact(golden: &Golden, key: &str, seed: u64, shape: &[usize], law: impl Initializer) {
    let mut rng = TorchRng::seed(seed);
    golden.exact(key, &law.draw(&spec(shape), shape, &mut rng));
    golden.after(key, &mut rng);
}

#[track_caller]
fn near(
    golden: &Golden,
    key: &str,
    seed: u64,
    shape: &[usize],
    law: impl Initializer,
    tolerance: impl Fn(f64) -> f64,
) {
    let mut rng = TorchRng::seed(seed);
    golden.near(key, &law.draw(&spec(shape), shape, &mut rng), tolerance);
    golden.after(key, &mut rng);
}

fn spec(shape: &[usize]) -> ParamSpec {
    if shape.len() < 2 { ParamSpec::bias(1, 1) } else { ParamSpec::for_weight_shape(shape) }
}

#[test]
fn the_uniform_family_bit_for_bit() {
    let golden = &Golden::read();
    for (key, low, high) in [
        ("uniform/-0.3..0.7", -0.3, 0.7),
        ("uniform/1000..1000.1", 1000.0, 1000.1),
        ("uniform/1e-9..1", 1e-9, 1.0),
    ] {
        exact(golden, key, 3, &[1000], Uniform::new(low, high));
    }
    exact(golden, "xavier_uniform/1", 4, WIDE, XavierUniform::default());
    let tanh = XavierUniform::default().gain(Nonlinearity::Tanh);
    exact(golden, "xavier_uniform/tanh", 5, WIDE, tanh);
    exact(golden, "xavier_uniform/conv", 6, CONV, XavierUniform::default());
    for (name, nonlinearity, fan) in KAIMING {
        let law = KaimingUniform::default().nonlinearity(nonlinearity).fan(fan);
        exact(golden, &format!("kaiming_uniform/{name}"), 8, WIDE, law);
    }
    exact(golden, "kaiming_uniform/default", 8, WIDE, KaimingUniform::default());
    exact(golden, "kaiming_uniform/conv", 9, CONV, KaimingUniform::default());
    exact(golden, "constant/0.3", 9, &[5], Constant(0.3));
}

const KAIMING: [(&str, Nonlinearity, Fan); 8] = [
    ("relu-in", Nonlinearity::Relu, Fan::In),
    ("relu-out", Nonlinearity::Relu, Fan::Out),
    ("leaky0.2-in", Nonlinearity::LeakyRelu(0.2), Fan::In),
    ("leaky0.01-out", Nonlinearity::LeakyRelu(0.01), Fan::Out),
    ("linear-in", Nonlinearity::Linear, Fan::In),
    ("sigmoid-in", Nonlinearity::Sigmoid, Fan::In),
    ("tanh-out", Nonlinearity::Tanh, Fan::Out),
    ("selu-in", Nonlinearity::Selu, Fan::In),
];

#[test]
fn the_normal_family() {
    let golden = &Golden::read();
    for n in [16, 17, 31, 48, 100, 1000] {
        near(golden, &format!("normal/{n}"), 10, &[n], Normal::new(0.0, 1.0), normal(0.0, 1.0));
    }
    for seed in [0, 42, (1 << 40) + 12345] {
        let key = format!("normal/784x128/{seed}");
        near(golden, &key, seed, &[128, 784], Normal::new(0.0, 1.0), normal(0.0, 1.0));
    }
    near(golden, "normal/0.5,0.02", 11, &[1000], Normal::new(0.5, 0.02), normal(0.5, 0.02));
    let std = (2.0f64 / 500.0).sqrt();
    near(golden, "xavier_normal/1", 13, WIDE, XavierNormal::default(), normal(0.0, std));
    let tanh = XavierNormal::default().gain(Nonlinearity::Tanh);
    near(golden, "xavier_normal/tanh", 14, WIDE, tanh, normal(0.0, std * 5.0 / 3.0));
    for (name, nonlinearity, fan) in KAIMING {
        let law = KaimingNormal::default().nonlinearity(nonlinearity).fan(fan);
        let std = nonlinearity.gain().get() / if fan == Fan::In { 300f64 } else { 200.0 }.sqrt();
        near(golden, &format!("kaiming_normal/{name}"), 15, WIDE, law, normal(0.0, std));
    }
    let std = (2.0f64 / 300.0).sqrt();
    let he = KaimingNormal::default();
    near(golden, "kaiming_normal/default", 15, WIDE, he, normal(0.0, std));
    near(golden, "kaiming_normal/conv", 16, CONV, he, normal(0.0, 1.0 / 6.0));
}

#[test]
fn small_normal_draws_share_pairs() {
    let golden = Golden::read();
    let law = Normal::new(1.0, 2.0);
    let mut rng = TorchRng::seed(12);
    for (step, n) in [1, 3, 5, 15, 2, 20, 7, 1, 16, 1].into_iter().enumerate() {
        let key = format!("small/{step}");
        // A generator behind other generators, as a layer may hand it over.
        let mut wrapped: Box<dyn RngCore> = Box::new(&mut rng);
        golden.near(&key, &law.draw(&spec(&[n]), &[n], &mut wrapped), normal(1.0, 2.0));
        drop(wrapped);
        golden.after(&key, &mut rng);
    }
    // A new seed forgets the half of a pair.
    let unit = Normal::new(0.0, 1.0);
    manual_seed(99);
    unit.draw(&spec(&[1]), &[1], &mut default_rng());
    manual_seed(12);
    let w = unit.draw(&spec(&[3]), &[3], &mut default_rng());
    golden.near("small/reseeded", &w, normal(0.0, 1.0));
}

#[test]
fn truncated_normals() {
    let golden = &Golden::read();
    let laws: [(&str, [f64; 4]); 6] = [
        ("0,1,-2,2", [0.0, 1.0, -2.0, 2.0]),
        ("0,0.02,-2,2", [0.0, 0.02, -2.0, 2.0]),
        ("1,2,-1,1.5", [1.0, 2.0, -1.0, 1.5]),
        ("0,1,1,3", [0.0, 1.0, 1.0, 3.0]),
        ("3,0.5,0,1", [3.0, 0.5, 0.0, 1.0]),
        ("0,1,-0.1,0.1", [0.0, 1.0, -0.1, 0.1]),
    ];
    for (i, (name, [mean, std, low, high])) in laws.into_iter().enumerate() {
        let law = TruncatedNormal::new(mean, std, low, high);
        let rejects = i >= 3;
        let tolerance = |want| if rejects { 0.0 } else { normal(mean, std)(want) };
        near(golden, &format!("trunc_normal/{name}"), 17, WIDE, law, tolerance);
        near(golden, &format!("trunc_normal/{name}/10"), 18, &[10], law, tolerance);
    }
    let std = TruncatedNormal::std(1.0);
    near(golden, "trunc_normal/0,1,-2,2", 17, WIDE, std, normal(0.0, 1.0));
}

#[test]
fn orthogonal_matrices() {
    let golden = &Golden::read();
    let shapes: [(&str, &[usize]); 9] = [
        ("5x5", &[5, 5]),
        ("3x7", &[3, 7]),
        ("7x3", &[7, 3]),
        ("1x4", &[1, 4]),
        ("64x64", &[64, 64]),
        ("40x100", &[40, 100]),
        ("100x40", &[100, 40]),
        ("128x784", &[128, 784]),
        ("16x8x3x3", CONV),
    ];
    for (name, shape) in shapes {
        near(golden, &format!("orthogonal/{name}"), 19, shape, Orthogonal::default(), |_| 1e-5);
    }
    let law = Orthogonal::default().gain(Nonlinearity::Tanh);
    near(golden, "orthogonal/gain", 20, &[20, 30], law, |_| 1e-5);
}

#[test]
fn gains() {
    let golden = Golden::read();
    for (key, nonlinearity) in [
        ("linear/None", Nonlinearity::Linear),
        ("sigmoid/None", Nonlinearity::Sigmoid),
        ("tanh/None", Nonlinearity::Tanh),
        ("relu/None", Nonlinearity::Relu),
        ("leaky_relu/None", Nonlinearity::LeakyRelu(0.01)),
        ("leaky_relu/0.2", Nonlinearity::LeakyRelu(0.2)),
        ("leaky_relu/2.23606797749979", Nonlinearity::LeakyRelu(5f64.sqrt())),
        ("selu/None", Nonlinearity::Selu),
    ] {
        let want = f64::from_bits(golden.hash(&format!("gain/{key}")));
        assert_eq!(nonlinearity.gain().get(), want, "{key}");
    }
}

#[test]
fn permutations_and_epochs() {
    let golden = Golden::read();
    let check = |key: &str, order: &[usize]| {
        let head: Vec<usize> =
            golden.get(&format!("{key}/head")).iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(order[..order.len().min(10)], head, "{key}");
        let bytes = order.iter().flat_map(|&i| (i as u64).to_le_bytes());
        assert_eq!(fnv(bytes), golden.hash(&format!("{key}/fnv")), "{key}: beyond its head");
    };
    for (n, seed) in [(1, 0), (10, 0), (10, 42), (60_000, 42)] {
        let key = format!("randperm/{n}/{seed}");
        let mut rng = TorchRng::seed(seed);
        check(&key, &randperm(n, &mut rng));
        golden.after(&key, &mut rng);
    }
    manual_seed(21);
    for epoch in 0..2 {
        check(&format!("epoch/{epoch}"), &epoch_order(1000, &mut default_rng()));
    }
    golden.after("epoch", &mut default_rng());
}

#[test]
fn the_file_names_its_writer() {
    let golden = Golden::read();
    assert!(golden.get("written-by")[0].starts_with("torch-2."));
    // A generator of another family gives other numbers, so the agreement is not of our making.
    let mut other = fanin_init::rand::rngs::mock::StepRng::new(1, 1);
    assert_ne!(other.random::<u32>(), TorchRng::seed(0).random::<u32>());
}
