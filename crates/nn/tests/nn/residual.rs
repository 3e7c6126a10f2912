//! Residual layers: what deep networks of them make of a signal, their parameters, files, training.

use fanin_nn::init::{Fan, Fixup, KaimingNormal, Zeros, manual_seed, presets};
use fanin_nn::layers::{FixupBranch, Relu, Residual};
use fanin_nn::{
    Adam, Checkpoint, Describe, InitPlan, Linear, Module, Optimizer, Parameters, Sequential, Tape,
    Tensor,
};

const BLOCKS: usize = 50;
const WIDTH: usize = 32;

fn branch() -> Sequential {
    let linear = || Linear::builder(WIDTH, WIDTH).weight(KaimingNormal::default()).build();
    Sequential::new().add(linear()).add(Relu).add(linear())
}

fn network(block: impl Fn() -> Residual) -> Sequential {
    manual_seed(1);
    (0..BLOCKS).fold(Sequential::new(), |net, _| net.add(block()))
}

fn input() -> Tensor {
    let wave = |i: usize| ((i * 7919 % 1009) as f32 / 1009.0 - 0.5) * 3.0;
    Tensor::from_vec([16, WIDTH], (0..16 * WIDTH).map(wave).collect())
}

fn rms(x: &Tensor) -> f64 {
    let sum: f64 = x.as_slice().iter().map(|&x| f64::from(x).powi(2)).sum();
    (sum / x.len() as f64).sqrt()
}

#[test]
fn fifty_blocks_keep_the_signal_where_plain_ones_explode() {
    let growth = |net: Sequential| rms(&net.predict(&input())) / rms(&input());
    let plain = growth(network(|| Residual::new(branch())));
    assert!(plain > 1e6, "plain: × {plain:e}");
    let root = 1.0 / (BLOCKS as f64).sqrt();
    let scaled = growth(network(|| Residual::new(branch()).scaled(root)));
    assert!((1.0..3.0).contains(&scaled), "1/√L: × {scaled}");
    type Block = fn() -> Residual;
    let kept: [(&str, Block); 3] = [
        ("ReZero", || Residual::new(branch()).rezero()),
        ("SkipInit", || Residual::new(branch()).skip_init()),
        ("Fixup", || Residual::new(FixupBranch::new(WIDTH, WIDTH, BLOCKS, 2))),
    ];
    for (name, block) in kept {
        assert_eq!(network(block).predict(&input()), input(), "{name}");
    }
}

#[test]
fn they_learn_and_alpha_with_them() {
    let blocks: [fn() -> Residual; 2] = [
        || Residual::new(branch()).rezero(),
        || Residual::new(FixupBranch::new(WIDTH, WIDTH, BLOCKS, 2)),
    ];
    for block in blocks {
        let mut net = network(block);
        let (x, mut tape, mut adam) = (input(), Tape::new(), Adam::new(1e-3));
        let target = Tensor::zeros([16, WIDTH]);
        let mut losses = vec![];
        for _ in 0..30 {
            let (loss, grads) =
                tape.value_and_grad(|t| net.forward(t.input(&x)).mse(t.input(&target)));
            adam.step(&mut net, grads);
            losses.push(loss);
        }
        assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
    }
    let mut net = network(|| Residual::new(branch()).rezero());
    let (x, mut tape) = (input(), Tape::new());
    let (_, grads) = tape.value_and_grad(|t| net.forward(t.input(&x)).square().mean());
    // At first the α's alone have gradients that are not 0.
    for (path, p) in net.named_params() {
        let zero = grads.get(p).unwrap().as_slice().iter().all(|&g| g == 0.0);
        assert_eq!(zero, !path.ends_with("alpha"), "{path}");
    }
    Adam::new(1e-3).step(&mut net, grads);
    assert!(
        net.named_params()
            .iter()
            .all(|(path, p)| { !path.ends_with("alpha") || p.value().as_slice()[0] != 0.0 })
    );
}

#[test]
fn names_and_files() {
    let net = Sequential::new()
        .add(Residual::new(branch()).learned(0.25))
        .add(Residual::new(FixupBranch::new(WIDTH, 8, 2, 3)));
    let names: Vec<String> = net.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "0.branch.0.weight",
            "0.branch.0.bias",
            "0.branch.2.weight",
            "0.branch.2.bias",
            "0.alpha",
            "1.branch.layers.0.weight",
            "1.branch.layers.1.weight",
            "1.branch.layers.2.weight",
            "1.branch.biases.0",
            "1.branch.biases.1",
            "1.branch.biases.2",
            "1.branch.biases.3",
            "1.branch.biases.4",
            "1.branch.scale",
        ]
    );
    let mut other = Sequential::new()
        .add(Residual::new(branch()).rezero())
        .add(Residual::new(FixupBranch::new(WIDTH, 8, 2, 3)));
    other.load_bytes(&net.to_bytes().unwrap()).unwrap();
    assert_eq!(other.predict(&input()), net.predict(&input()));
}

/// A plan for all weights, or all biases, leaves the factors alone.
#[test]
fn plans_leave_alpha_alone() {
    let mut net = Residual::new(branch()).learned(0.25);
    net.init(&InitPlan::new().weights(KaimingNormal::default()).biases(Zeros)).unwrap();
    assert_eq!(net.alpha(), 0.25);
    for plan in [InitPlan::new().set("*", KaimingNormal::default()), torch()] {
        net.init(&plan).unwrap();
        assert_eq!(net.alpha(), 0.25);
    }
    net.init(&InitPlan::new().set("alpha", Zeros)).unwrap();
    assert_eq!(net.alpha(), 0.0);
}

#[test]
fn descriptions() {
    let linear = || Linear::new(3, 3);
    assert_eq!(Residual::<f32>::new(linear()).describe(), "Residual(Linear(3 → 3))");
    let fixed = Residual::<f32>::new(linear()).scaled(0.5);
    assert_eq!(fixed.describe(), "Residual(Linear(3 → 3), α = 0.5)");
    assert_eq!(
        Residual::<f32>::new(linear()).rezero().describe(),
        "Residual(Linear(3 → 3), α learned)"
    );
}

fn torch() -> InitPlan {
    InitPlan::new().preset(presets::torch())
}

/// He's standard deviation by the fan that the base has, times L^(−1/2).
#[test]
fn fixups_base_divides_by_the_fan_that_it_is_told() {
    let std = |fixup: Fixup| {
        manual_seed(1);
        let branch = FixupBranch::with_fixup(40, 160, fixup);
        let w = branch.param("layers.0.weight").value();
        (rms(w), branch.named_params().len())
    };
    let base = Fixup::new(25, 2);
    let he = |fan: f64| (2.0 / fan).sqrt() / 5.0;
    let (paper, params) = std(base);
    assert!((paper / he(40.0) - 1.0).abs() < 0.03, "{paper}");
    assert_eq!(params, 2 + 3 + 1);
    let authors = base.base(KaimingNormal::default().fan(Fan::Out));
    let (authors, _) = std(authors);
    assert!((authors / he(160.0) - 1.0).abs() < 0.03, "{authors}");
    manual_seed(1);
    let new = FixupBranch::new(40, 160, 25, 2);
    assert_eq!(rms(new.param("layers.0.weight").value()), paper);

    // The authors train the scalars at a tenth of the rate.
    let mut net = network(|| Residual::new(FixupBranch::new(WIDTH, 8, 2, 3)));
    net.set_lr_scale("*.biases.*", 0.1);
    net.set_lr_scale("*.scale", 0.1);
    for (path, p) in net.named_params() {
        assert_eq!(p.lr_scale(), if path.ends_with("weight") { 1.0 } else { 0.1 }, "{path}");
    }
}
