//! Writes and reads models for `interop/check.py`, which has the other frameworks.
//!
//! ```text
//! trade write DIR COUNT SEED     random networks: N.safetensors, N.npz, N.onnx, N.x.npy; outputs N.y.npy and N.y64.npy
//! trade read DIR COUNT           N.back.* of the other side: predictions to N.<format>.npy
//! trade import FILE.onnx X.npy Y.npy [OUTPUT]
//! trade train DIR OPTIMIZER      trains 10 steps, saves, and prints the losses of 10 more
//! trade resume DIR OPTIMIZER     goes on from what the other side saved, and prints the losses of 10 steps
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use fanin_interop::{npz, onnx, safetensors, torch};
use fanin_nn::init::manual_seed;
use fanin_nn::layers::{
    AlphaSpec, BatchNorm1dSpec, GroupNormSpec, Join, LayerNormSpec, LayerSpec, LinearSpec,
    NamedSpec, NetworkSpec, ParallelSpec, PreluSpec, ResidualSpec, RmsNormSpec, all_activations,
};
use fanin_nn::{Adam, AdamW, Module, Optimizer, Sequential, Sgd, Tape, Tensor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// SplitMix64: any generator will do.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn yes(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// From −2 to 2.
    fn tensor(&mut self, shape: [usize; 2]) -> Tensor {
        let values =
            (0..shape[0] * shape[1]).map(|_| (self.next() >> 40) as f32 / (1 << 22) as f32 - 2.0);
        Tensor::from_vec(shape, values.collect())
    }
}

/// How many kinds of layers `layer` draws from.
const KINDS: usize = 18;

/// Adds a layer of this kind, and says how many features it gives.
fn layer(
    kind: usize,
    rng: &mut Rng,
    features: usize,
    depth: usize,
    to: &mut Vec<LayerSpec>,
) -> usize {
    let linear = |rng: &mut Rng, outputs| {
        let mut linear = LinearSpec::new(features, outputs);
        if rng.below(4) == 0 {
            linear.bias = None;
        }
        linear
    };
    let wide = 2 * (1 + rng.below(6));
    match kind {
        0 | 1 => {
            to.push(linear(rng, wide).into());
            return wide;
        }
        2 => {
            let activations = all_activations::<f32>();
            to.push(activations[rng.below(activations.len())].2.clone());
        }
        3 => {
            let norm = BatchNorm1dSpec {
                affine: rng.yes(),
                momentum: rng.yes().then_some(0.3),
                track_running_stats: rng.below(4) > 0,
                epsilon: 1e-3,
                ..BatchNorm1dSpec::new(features)
            };
            to.push(LayerSpec::BatchNorm1d(norm));
        }
        4 => {
            let affine = rng.yes();
            let norm =
                LayerNormSpec { affine, bias: affine && rng.yes(), ..LayerNormSpec::new(features) };
            to.push(LayerSpec::LayerNorm(norm));
        }
        5 => {
            let epsilon = rng.yes().then_some(1e-4);
            to.push(LayerSpec::RmsNorm(RmsNormSpec {
                epsilon,
                affine: rng.yes(),
                ..RmsNormSpec::new(features)
            }));
        }
        6 => {
            let groups = if features.is_multiple_of(2) { 2 } else { 1 };
            to.push(LayerSpec::GroupNorm(GroupNormSpec {
                affine: rng.yes(),
                ..GroupNormSpec::new(groups, features)
            }));
        }
        7 => {
            to.push(LayerSpec::WeightNorm(linear(rng, wide)));
            return wide;
        }
        8 => {
            to.push(LayerSpec::SpectralNorm(linear(rng, wide)));
            return wide;
        }
        9 => {
            let features = rng.yes().then_some(features);
            to.push(PreluSpec { features, initial: 0.2 }.into());
        }
        10 if features.is_multiple_of(2) => {
            let half = features / 2;
            to.push(match rng.below(4) {
                0 => LayerSpec::Glu(half),
                1 => LayerSpec::Geglu(half),
                2 => LayerSpec::Reglu(half),
                _ => LayerSpec::Swiglu(half),
            });
            return half;
        }
        11 if depth > 0 => {
            let mut branch = vec![];
            let last = network(rng, features, depth - 1, &mut branch);
            branch.push(LinearSpec::new(last, features).into());
            let alpha = match rng.below(3) {
                0 => AlphaSpec::One,
                1 => AlphaSpec::Scaled(0.5),
                _ => AlphaSpec::Learned(0.25),
            };
            to.push(ResidualSpec { branch, alpha }.into());
        }
        12 if depth > 0 => {
            let join = if rng.yes() { Join::Concat } else { Join::Sum };
            let (mut branches, mut all) = (vec![], 0);
            for _ in 0..1 + rng.below(3) {
                let mut branch = vec![];
                let last = network(rng, features, depth - 1, &mut branch);
                branch.push(LinearSpec::new(last, wide).into());
                all += wide;
                branches.push(branch);
            }
            to.push(ParallelSpec { branches, join }.into());
            return if join == Join::Sum { wide } else { all };
        }
        13 => {
            to.push(
                [LayerSpec::Dropout(0.25), LayerSpec::AlphaDropout(0.25)][rng.below(2)].clone(),
            );
        }
        14 => {
            let name = format!("layer{}", to.len());
            to.push(NamedSpec::new(name, linear(rng, wide)).into());
            return wide;
        }
        15 if features.is_multiple_of(2) => {
            // Layers of three axes.
            let half = features / 2;
            to.push(LayerSpec::Unflatten(vec![2, half]));
            to.push(LinearSpec::new(half, wide).into());
            match rng.below(4) {
                0 => to.push(LayerSpec::BatchNorm1d(BatchNorm1dSpec::new(wide))),
                1 => to.push(LayerSpec::LayerNorm(LayerNormSpec::new(wide))),
                2 => to.push(LayerSpec::GroupNorm(GroupNormSpec::new(2, wide))),
                _ => to.push(PreluSpec { features: Some(wide), initial: 0.1 }.into()),
            }
            to.push(LayerSpec::Flatten);
            return 2 * wide;
        }
        16 => to.push(LayerSpec::Rrelu(0.1, 0.3)),
        17 => to.push(LayerSpec::Identity),
        _ => to.push(LayerSpec::Tanh),
    }
    features
}

/// Some layers, and the features of the last.
fn network(rng: &mut Rng, features: usize, depth: usize, to: &mut Vec<LayerSpec>) -> usize {
    let mut features = features;
    for _ in 0..1 + rng.below(4) {
        features = layer(rng.below(KINDS), rng, features, depth, to);
    }
    features
}

fn path(dir: &Path, i: usize, name: &str) -> PathBuf {
    dir.join(format!("{i}.{name}"))
}

/// The output in f64, which shows what rounding in f32 hides.
fn wide(model: &Sequential, x: &Tensor) -> Tensor<f64> {
    model.cast::<f64>().predict(&x.cast())
}

fn write(dir: &Path, count: usize, seed: u64) -> Result<()> {
    let activations = all_activations::<f32>();
    for i in 0..count {
        let mut rng = Rng(seed.wrapping_add(i as u64));
        let inputs = 2 + rng.below(6);
        let (spec, mut model) = loop {
            let mut layers = vec![LinearSpec::new(inputs, 4).into()];
            // First every kind and every activation once, then anything.
            if i < KINDS {
                layer(i, &mut rng, 4, 1, &mut layers);
            } else if let Some((_, _, activation)) = activations.get(i - KINDS) {
                layers.push(activation.clone());
            } else {
                network(&mut rng, 4, 2, &mut layers);
            }
            let spec = NetworkSpec { layers };
            manual_seed(seed.wrapping_add(i as u64));
            // A description may leave open how many features a branch gives.
            if let Ok(model) = Sequential::from_spec(&spec) {
                break (spec, model);
            }
        };
        // A step of training moves the statistics and the parameters that begin at 0 or 1.
        let (mut tape, mut sgd) = (Tape::new(), Sgd::new(0.05));
        for _ in 0..2 {
            let x = rng.tensor([8, inputs]);
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
            sgd.step(&mut model, grads);
        }
        let x = rng.tensor([5, inputs]);
        npz::write_npy(path(dir, i, "x.npy"), &x)?;
        npz::write_npy(path(dir, i, "y.npy"), &model.predict(&x))?;
        npz::write_npy(path(dir, i, "y64.npy"), &wide(&model, &x))?;
        safetensors::Writer::new(&model).architecture(&spec).save(path(dir, i, "safetensors"))?;
        npz::save(&model, path(dir, i, "npz"))?;
        onnx::Writer::new(&spec, &model).save(path(dir, i, "onnx"))?;
    }
    Ok(())
}

fn read(dir: &Path, count: usize) -> Result<()> {
    for i in 0..count {
        let x = npz::read_npy(path(dir, i, "x.npy"))?;
        let file = safetensors::Reader::open(path(dir, i, "back.safetensors"))?;
        npz::write_npy(path(dir, i, "safetensors.npy"), &wide(&file.build()?, &x))?;
        let spec = file.architecture()?.ok_or("an architecture")?;

        let mut model = Sequential::from_spec(&spec)?;
        npz::load(&mut model, path(dir, i, "back.npz"))?;
        npz::write_npy(path(dir, i, "npz.npy"), &wide(&model, &x))?;
        let mut model = Sequential::from_spec(&spec)?;
        torch::load(&mut model, path(dir, i, "back.pt"))?;
        npz::write_npy(path(dir, i, "pt.npy"), &wide(&model, &x))?;
    }
    Ok(())
}

fn import(file: &str, x: &str, y: &str, output: Option<&str>) -> Result<()> {
    let reader = onnx::Reader::open(file)?;
    let reader = match output {
        Some(output) => reader.output(output),
        None => reader,
    };
    let model = reader.build()?;
    println!("{}", model.to_string().trim_end().replace('\n', "; "));
    Ok(npz::write_npy(y, &model.predict(&npz::read_npy(x)?))?)
}

/// The steps of each part of a training.
const STEPS: usize = 10;

fn mlp() -> NetworkSpec {
    let layers = vec![
        LinearSpec::new(6, 16).into(),
        LayerSpec::BatchNorm1d(BatchNorm1dSpec::new(16)),
        LayerSpec::Tanh,
        LayerSpec::WeightNorm(LinearSpec::new(16, 8)),
        LayerSpec::Relu,
        LinearSpec::new(8, 1).into(),
    ];
    NetworkSpec { layers }
}

/// The batch of a step: the other side reads it from `data.npz`.
fn batch(step: usize) -> [Tensor; 2] {
    let mut rng = Rng(1000 + step as u64);
    let x = rng.tensor([32, 6]);
    let y = x.as_slice().chunks(6).map(|row| (row[0] * row[1]).sin() + row[2]).collect();
    [x, Tensor::from_vec([32, 1], y)]
}

fn steps<O: Optimizer>(model: &mut Sequential, optimizer: &mut O, from: usize) -> Vec<f32> {
    let mut tape = Tape::new();
    let one = |step| {
        let [x, y] = batch(step);
        let (loss, grads) =
            tape.value_and_grad(|t| (model.forward(t.input(&x)) - t.input(&y)).square().mean());
        optimizer.step(model, grads);
        loss
    };
    (from..from + STEPS).map(one).collect()
}

fn print(losses: &[f32]) {
    losses.iter().for_each(|loss| println!("{loss:.9}"));
}

fn train_with<O: Optimizer>(dir: &Path, mut optimizer: O) -> Result<()> {
    let spec = mlp();
    manual_seed(7);
    let mut model = Sequential::from_spec(&spec)?;
    let data: Vec<_> = (0..3 * STEPS)
        .flat_map(|step| {
            let [x, y] = batch(step);
            [(format!("x{step}"), x), (format!("y{step}"), y)]
        })
        .collect();
    npz::write(dir.join("data.npz"), data.iter().map(|(name, value)| (&**name, value)))?;
    steps(&mut model, &mut optimizer, 0);
    let file = safetensors::Writer::new(&model).architecture(&spec).optimizer(&optimizer.state());
    file.save(dir.join("trained.safetensors"))?;
    print(&steps(&mut model, &mut optimizer, STEPS));
    print(&steps(&mut model, &mut optimizer, 2 * STEPS));
    Ok(())
}

fn resume<O: Optimizer>(dir: &Path, mut optimizer: O) -> Result<()> {
    let file = safetensors::Reader::open(dir.join("back.safetensors"))?;
    let mut model = file.build()?;
    let state = file.optimizer(&model)?.ok_or("the state of an optimizer")?;
    optimizer.load_state(&model, state)?;
    print(&steps(&mut model, &mut optimizer, 2 * STEPS));
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(|arg| &**arg).collect();
    match args[..] {
        ["write", dir, count, seed] => write(Path::new(dir), count.parse()?, seed.parse()?),
        ["read", dir, count] => read(Path::new(dir), count.parse()?),
        ["import", file, x, y] => import(file, x, y, None),
        ["import", file, x, y, output] => import(file, x, y, Some(output)),
        [what @ ("train" | "resume"), dir, optimizer] => {
            let dir = Path::new(dir);
            let train = what == "train";
            macro_rules! run {
                ($optimizer:expr) => {
                    if train { train_with(dir, $optimizer) } else { resume(dir, $optimizer) }
                };
            }
            match optimizer {
                "adam" => run!(Adam::new(1e-2)),
                "adamw" => run!(AdamW::new(1e-2).weight_decay(0.1)),
                "amsgrad" => run!(Adam::new(1e-2).amsgrad()),
                "sgd" => run!(Sgd::new(1e-2)),
                "momentum" => run!(Sgd::new(1e-2).momentum(0.9).weight_decay(1e-3)),
                "nesterov" => run!(Sgd::new(1e-2).momentum(0.9).nesterov()),
                other => Err(format!("there is no optimizer {other}").into()),
            }
        }
        _ => Err("usage: trade write|read|import|train|resume …; see the file's head".into()),
    }
}
