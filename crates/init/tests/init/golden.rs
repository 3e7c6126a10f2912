//! Number for number against PyTorch: `golden/torch.txt`, written by `golden/make.py`.

use std::collections::{BTreeSet, HashMap};

use fanin_init::ndarray::ArrayD;
use fanin_init::rand::{Rng, RngCore};
use fanin_init::*;

/// PyTorch factorizes in f32; here it is done in f64.
const ORTHOGONAL: f32 = 1e-5;

struct Golden(HashMap<&'static str, Vec<&'static str>>);

impl Golden {
    fn read() -> Self {
        let records = include_str!("../../golden/torch.txt").lines().map(|line| {
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

    /// The generator must have advanced as far as PyTorch's.
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

    /// The part of the tensor that `make.py` records, within `allowed`.
    #[track_caller]
    fn near(&self, key: &str, tensor: &ArrayD<f32>, allowed: f32) {
        let flat: Vec<f32> = tensor.iter().copied().collect();
        let n = flat.len();
        let mut chosen: BTreeSet<usize> = (0..n.min(64)).chain((0..n).step_by(97)).collect();
        chosen.extend(n.saturating_sub(32)..n);
        let want = self.floats(&format!("{key}/values"));
        assert_eq!(chosen.len(), want.len(), "{key}");
        for (i, want) in chosen.into_iter().zip(want) {
            let error = (flat[i] - want).abs();
            assert!(error <= allowed, "{key}[{i}]: {} is not {want} within {allowed:e}", flat[i]);
        }
    }
}

fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
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
fn exact(golden: &Golden, key: &str, seed: u64, shape: &[usize], initializer: impl Initializer) {
    let mut rng = TorchRng::seed(seed);
    golden.exact(key, &initializer.draw(&spec(shape), shape, &mut rng));
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
        let initializer = KaimingUniform::default().nonlinearity(nonlinearity).fan(fan);
        exact(golden, &format!("kaiming_uniform/{name}"), 8, WIDE, initializer);
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
fn the_normal_family_bit_for_bit() {
    let golden = &Golden::read();
    for n in [16, 17, 31, 48, 100, 1000] {
        exact(golden, &format!("normal/{n}"), 10, &[n], Normal::new(0.0, 1.0));
    }
    for seed in [0, 42, (1 << 40) + 12345] {
        let key = format!("normal/784x128/{seed}");
        exact(golden, &key, seed, &[128, 784], Normal::new(0.0, 1.0));
    }
    exact(golden, "normal/0.5,0.02", 11, &[1000], Normal::new(0.5, 0.02));
    exact(golden, "xavier_normal/1", 13, WIDE, XavierNormal::default());
    let tanh = XavierNormal::default().gain(Nonlinearity::Tanh);
    exact(golden, "xavier_normal/tanh", 14, WIDE, tanh);
    for (name, nonlinearity, fan) in KAIMING {
        let initializer = KaimingNormal::default().nonlinearity(nonlinearity).fan(fan);
        exact(golden, &format!("kaiming_normal/{name}"), 15, WIDE, initializer);
    }
    exact(golden, "kaiming_normal/default", 15, WIDE, KaimingNormal::default());
    exact(golden, "kaiming_normal/conv", 16, CONV, KaimingNormal::default());
}

#[test]
fn small_normal_draws_share_pairs() {
    let golden = Golden::read();
    let initializer = Normal::new(1.0, 2.0);
    let mut rng = TorchRng::seed(12);
    for (step, n) in [1, 3, 5, 15, 2, 20, 7, 1, 16, 1].into_iter().enumerate() {
        let key = format!("small/{step}");
        // A generator inside wrappers, as a layer may pass it.
        let mut wrapped: Box<dyn RngCore> = Box::new(&mut rng);
        golden.exact(&key, &initializer.draw(&spec(&[n]), &[n], &mut wrapped));
        drop(wrapped);
        golden.after(&key, &mut rng);
    }
    // A new seed drops the spare number of a pair.
    let unit = Normal::new(0.0, 1.0);
    manual_seed(99);
    unit.draw(&spec(&[1]), &[1], &mut default_rng());
    manual_seed(12);
    golden.exact("small/reseeded", &unit.draw(&spec(&[3]), &[3], &mut default_rng()));
}

#[test]
fn truncated_normals_bit_for_bit() {
    let golden = &Golden::read();
    let initializers: [(&str, [f64; 4]); 10] = [
        ("0,1,-2,2", [0.0, 1.0, -2.0, 2.0]),
        ("0,0.02,-2,2", [0.0, 0.02, -2.0, 2.0]),
        ("1,2,-1,1.5", [1.0, 2.0, -1.0, 1.5]),
        ("0,1,1,3", [0.0, 1.0, 1.0, 3.0]),
        ("3,0.5,0,1", [3.0, 0.5, 0.0, 1.0]),
        ("0,1,-0.1,0.1", [0.0, 1.0, -0.1, 0.1]),
        // Of which PyTorch keeps little, and a range far away.
        ("0,1,2,8", [0.0, 1.0, 2.0, 8.0]),
        ("0,1,3,8", [0.0, 1.0, 3.0, 8.0]),
        ("5,1,-3,2.5", [5.0, 1.0, -3.0, 2.5]),
        ("-20,0.5,1,1.1", [-20.0, 0.5, 1.0, 1.1]),
    ];
    for (name, [mean, std, low, high]) in initializers {
        let initializer = TruncatedNormal::new(mean, std, low, high);
        exact(golden, &format!("trunc_normal/{name}"), 17, WIDE, initializer);
        exact(golden, &format!("trunc_normal/{name}/10"), 18, &[10], initializer);
    }
    exact(golden, "trunc_normal/0,1,-2,2", 17, WIDE, TruncatedNormal::std(1.0));
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
    let near = |key: &str, seed, shape: &[usize], initializer: Orthogonal| {
        let mut rng = TorchRng::seed(seed);
        golden.near(key, &initializer.draw(&spec(shape), shape, &mut rng), ORTHOGONAL);
        golden.after(key, &mut rng);
    };
    for (name, shape) in shapes {
        near(&format!("orthogonal/{name}"), 19, shape, Orthogonal::default());
    }
    near("orthogonal/gain", 20, &[20, 30], Orthogonal::default().gain(Nonlinearity::Tanh));
}

#[test]
fn identities() {
    let golden = &Golden::read();
    for shape in [[4, 4], [3, 7], [7, 3]] {
        exact(golden, &format!("eye/{}", times(&shape)), 22, &shape, Identity::default());
    }
    let diracs: [(&[usize], usize); 8] = [
        (&[4, 4, 3], 1),
        (&[6, 4, 5], 2),
        (&[3, 7, 4], 1),
        (CONV, 1),
        (CONV, 2),
        (&[12, 3, 4, 5], 2),
        (&[6, 2, 2, 3, 4], 1),
        (&[6, 2, 2, 3, 4], 2),
    ];
    for (shape, groups) in diracs {
        let key = format!("dirac/{}/{groups}", times(shape));
        exact(golden, &key, 23, shape, Dirac::new(groups));
    }
}

#[test]
fn sparse_matrices_bit_for_bit() {
    let golden = &Golden::read();
    for seed in [0, 42, (1 << 40) + 12345] {
        for (shape, sparsity, std) in [
            ([3, 5], 0.1, 0.01),
            ([20, 7], 0.3, 0.01),
            ([7, 20], 0.5, 1.0),
            ([128, 784], 0.9, 0.01),
            ([784, 128], 0.9, 0.5),
        ] {
            let key = format!("sparse/{}/{seed}", times(&shape));
            exact(golden, &key, seed, &shape, Sparse::new(sparsity, std));
        }
    }
}

fn times(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
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
    // The tests do compare: another seed gives other numbers.
    assert_ne!(TorchRng::seed(1).random::<u32>(), TorchRng::seed(0).random::<u32>());
}
