//! What the frame must carry, each with its hardest user: layers of two inputs and of integer ids,
//! buffers, parameter kinds, groups, clipping, sums of gradients, target networks, modes, losses.
//!
//! golden/frame.txt has PyTorch's numbers; golden/frame.py wrote it.

use std::collections::HashMap;
use std::thread;

use fanin_nn::init::{KaimingNormal, Normal, ParamKind, Zeros, manual_seed, presets};
use fanin_nn::layers::{BatchNorm1d, Bilinear, Dropout, Embedding, LayerNorm, Relu, Tanh};
use fanin_nn::losses::{self, CrossEntropy, Loss, Mse, Reduction};
use fanin_nn::optim::OptimizerState;
use fanin_nn::{
    Adam, AdamW, Checkpoint, Describe, Error, GradientSum, InitPlan, Linear, Mode, Module, MuP,
    Optimizer, Param, Parameters, Sequential, Sgd, Tape, Tensor, Var, gradcheck, gradcheck_module,
};

fn golden() -> HashMap<&'static str, Tensor> {
    let lines = include_str!("../golden/frame.txt").lines().filter(|line| !line.starts_with('#'));
    let tensor = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, shape) = (words.next().unwrap(), words.next().unwrap());
        let shape: Vec<usize> = match shape {
            "scalar" => vec![],
            _ => shape.split('x').map(|n| n.parse().unwrap()).collect(),
        };
        let bits = |hex| f32::from_bits(u32::from_str_radix(hex, 16).unwrap());
        (name, Tensor::from_vec(&shape[..], words.map(bits).collect()))
    };
    lines.map(tensor).collect()
}

/// The largest difference over the largest value.
fn error(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.shape(), b.shape());
    let pairs = a.as_slice().iter().zip(b.as_slice());
    let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let size = b.as_slice().iter().map(|b| b.abs()).fold(f32::MIN_POSITIVE, f32::max);
    difference / size
}

#[track_caller]
fn assert_close(what: &str, a: &Tensor, b: &Tensor, tolerance: f32) {
    let error = error(a, b);
    assert!(error <= tolerance, "{what}: {error:e}\n{a}\n{b}");
}

fn bits(model: &dyn Parameters) -> Vec<Vec<u32>> {
    let bits = |t: &Tensor| t.as_slice().iter().map(|x| x.to_bits()).collect();
    let params = model.named_params().into_iter().map(|(_, p)| bits(p.value()));
    params.chain(model.named_buffers().into_iter().map(|(_, b)| bits(b.value()))).collect()
}

fn random(shape: &[usize], seed: u64) -> Tensor {
    use fanin_nn::init::{Initializer, ParamSpec, TorchRng};
    Normal::new(0.0, 1.0).draw(&ParamSpec::weight(1, 1), shape, &mut TorchRng::seed(seed)).into()
}

// Batch normalization: buffers.

/// 50 steps of PyTorch's training, with batches of 2 to 33 rows. A mean of 50 has an ulp of 4e-6, of
/// which a spread of 0.1 makes 4e-5 in the output.
#[test]
fn running_statistics_are_those_of_pytorch() {
    let golden = golden();
    let get = |name: &str| &golden[name];
    let mut layer = BatchNorm1d::new(5);
    let (mut sgd, mut tape) = (Sgd::new(0.1), Tape::new());
    for step in 0..50 {
        let x = Param::new(get(&format!("batch_norm/x/{step}")).clone());
        let c = get(&format!("batch_norm/c/{step}"));
        let mut y = None;
        let (_, grads) = tape.value_and_grad(|t| {
            let out = layer.forward(t.param(&x));
            y = Some(out.value());
            (out * t.input(c)).sum()
        });
        let dx = grads.get(&x).unwrap().clone();
        sgd.step(&mut layer, grads);
        if [0, 1, 49].contains(&step) {
            let check = |what: &str, value: &Tensor, tolerance| {
                let name = format!("batch_norm/{what}/{step}");
                assert_close(&name, value, get(&name), tolerance);
            };
            check("y", &y.unwrap(), 1e-4);
            check("dx", &dx, 3e-4);
            check("mean", layer.running_mean(), 1e-6);
            check("var", layer.running_var(), 1e-6);
            check("weight", layer.param("weight").value(), 1e-5);
            check("bias", layer.param("bias").value(), 1e-5);
        }
    }
    let x = get("batch_norm/x/49");
    assert_close("evaluated", &layer.predict(x), get("batch_norm/evaluated"), 1e-5);
}

fn with_batch_norm() -> Sequential {
    manual_seed(3);
    let norm = BatchNorm1d::new(16);
    Sequential::new().add(Linear::new(8, 16)).add(norm).add(Relu).add(Linear::new(16, 3))
}

fn train(model: &mut Sequential, optimizer: &mut dyn Optimizer, seeds: std::ops::Range<u64>) {
    let mut tape = Tape::new();
    for seed in seeds {
        let x = random(&[32, 8], seed);
        let labels: Vec<usize> = (0..32).map(|i| i % 3).collect();
        let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).cross_entropy(&labels));
        optimizer.step(model, grads);
    }
}

#[test]
fn predictions_from_eight_threads_agree_and_change_nothing() {
    let mut model = with_batch_norm();
    train(&mut model, &mut Adam::new(1e-2), 0..10);
    let before = bits(&model);
    let x = random(&[40, 8], 99);
    let all = model.predict(&x);
    thread::scope(|scope| {
        for first in 0..8 {
            let (model, x, all) = (&model, &x, &all);
            scope.spawn(move || {
                // A sample's prediction does not depend on the others.
                for row in (first..40).step_by(8) {
                    let one = Tensor::from_vec([1, 8], x.as_slice()[8 * row..][..8].to_vec());
                    let want = Tensor::from_vec([1, 3], all.as_slice()[3 * row..][..3].to_vec());
                    assert_close("one", &model.predict(&one), &want, 1e-6);
                }
            });
        }
    });
    assert_eq!(bits(&model), before);
}

#[test]
fn buffers_are_saved_loaded_cloned_cast_and_never_trained() {
    let mut model = with_batch_norm();
    train(&mut model, &mut AdamW::new(1e-2).weight_decay(10.0), 0..5);
    let norm = model.get::<BatchNorm1d>(1).unwrap();
    assert!(norm.running_mean().as_slice().iter().all(|&m| m != 0.0));
    assert_eq!(model.num_params(), 8 * 16 + 16 + 16 + 16 + 16 * 3 + 3);

    let mut loaded = with_batch_norm();
    loaded.load_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(bits(&loaded), bits(&model));
    assert_eq!(bits(&model.clone()), bits(&model));
    let back = model.cast::<f64>().cast::<f32>();
    assert_eq!(bits(&back), bits(&model));

    // A file without them is another model.
    let mut without = Sequential::new().add(Linear::new(8, 16)).add(LayerNorm::new(16));
    without = without.add(Relu).add(Linear::new(16, 3));
    let refused = loaded.load_bytes(&without.to_bytes().unwrap()).unwrap_err();
    let named = "1.running_mean (16) is in the model only";
    assert!(refused.to_string().contains(named), "{refused}");
    assert!(matches!(refused, Error::OtherModel { .. }));
}

#[test]
fn only_a_training_step_updates_buffers() {
    let mut model = with_batch_norm();
    let before = bits(&model);
    let (x, mut tape, mut sgd) = (random(&[16, 8], 1), Tape::new(), Sgd::new(0.0));
    model.predict(&x);
    tape.value_in(Mode::Train, |t| model.forward(t.input(&x)));
    let _ = fanin_nn::diagnose::Probe::new(&model, &x);
    let (_, grads) =
        tape.value_and_grad_in(Mode::Evaluate, |t| model.forward(t.input(&x)).square().mean());
    sgd.step(&mut model, grads);
    assert_eq!(bits(&model), before);
    let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
    assert_eq!(grads.count(), 6);
    sgd.step(&mut model, grads);
    let changed: Vec<_> = bits(&model).iter().zip(&before).map(|(a, b)| a != b).collect();
    assert_eq!(changed, [false, false, false, false, false, false, true, true]);
}

#[test]
fn micro_batches_update_buffers_in_their_order() {
    let (mut once, mut summed) = (BatchNorm1d::new(2), BatchNorm1d::new(2));
    let (mut tape, mut sgd, mut sum) = (Tape::new(), Sgd::new(0.0), GradientSum::new());
    for seed in 0..4 {
        let x = random(&[8, 2], seed);
        let (_, grads) = tape.value_and_grad(|t| once.forward(t.input(&x)).sum());
        sgd.step(&mut once, grads);
        let (_, grads) = tape.value_and_grad(|t| summed.forward(t.input(&x)).sum());
        sum.add(&grads);
    }
    Sgd::new(0.0).step(&mut summed, sum.gradients());
    assert_eq!(bits(&once)[2..], bits(&summed)[2..]);
    assert_ne!(summed.running_mean().as_slice(), [0.0; 2]);
}

#[test]
fn gradients_of_normalizations() {
    gradcheck_module(LayerNorm::new(7).cast(), &[4, 7], 1).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(7).cast(), &[5, 7], 2).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(130).cast(), &[3, 130], 3).assert_below(1e-6);
    gradcheck_module(BatchNorm1d::new(3).cast(), &[5, 2, 3], 4).assert_below(1e-6);
    let golden = golden();
    let get = |name: &str| &golden[name];
    let params =
        ["x", "weight", "bias"].map(|p| Param::new(get(&format!("layer_norm/{p}")).clone()));
    let (mut tape, mut y) = (Tape::new(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let [x, weight, bias] = [0, 1, 2].map(|i| t.param(&params[i]));
        let out = x.layer_norm(Some([weight, bias]), 1e-5);
        y = Some(out.value());
        (out * t.input(get("layer_norm/c"))).sum()
    });
    assert_close("y", &y.unwrap(), get("layer_norm/y"), 1e-6);
    for (param, name) in params.iter().zip(["dx", "dweight", "dbias"]) {
        let name = format!("layer_norm/{name}");
        assert_close(&name, grads.get(param).unwrap(), get(&name), 2e-6);
    }
}

// Parameters apart from Module.

#[test]
fn two_inputs_and_integer_ids_are_those_of_pytorch() {
    let golden = golden();
    let get = |name: &str| &golden[name];
    manual_seed(42);
    let layer = Bilinear::new(3, 4, 2);
    assert_eq!(layer.weight(), get("bilinear/weight"));
    assert_eq!(layer.param("bias").value(), get("bilinear/bias"));
    let [a, b] = ["a", "b"].map(|name| Param::new(get(&format!("bilinear/{name}")).clone()));
    let (mut tape, mut y) = (Tape::new(), None);
    let (_, grads) = tape.value_and_grad(|t| {
        let out = layer.forward(t.param(&a), t.param(&b));
        y = Some(out.value());
        out.square().sum()
    });
    assert_close("y", &y.unwrap(), get("bilinear/y"), 1e-6);
    for (param, name) in [(&a, "da"), (&b, "db"), (layer.param("weight"), "dweight")] {
        let name = format!("bilinear/{name}");
        assert_close(&name, grads.get(param).unwrap(), get(&name), 1e-6);
    }
    let wide = layer.cast::<f64>();
    gradcheck(&[&[5, 3], &[5, 4]], 1, |_, x| wide.forward(x[0], x[1])).assert_below(1e-6);

    manual_seed(42);
    let table = Embedding::new(20, 6);
    assert_eq!(table.weight(), get("embedding/weight"));
    let (_, grads) = tape.value_and_grad(|t| table.forward(t, &[3, 19, 3, 0]).square().sum());
    let dweight = grads.get(table.param("weight")).unwrap();
    assert_close("embedding", dweight, get("embedding/dweight"), 1e-6);
    // By row: those that were not looked up have none.
    let used = |row: usize| dweight.as_slice()[6 * row..][..6].iter().any(|&g| g != 0.0);
    assert_eq!((0..20).filter(|&row| used(row)).collect::<Vec<_>>(), [0, 3, 19]);
}

#[derive(Parameters)]
struct Everything<M> {
    one: Linear,
    some: Option<Param>,
    none: Option<Linear>,
    list: Vec<Linear>,
    array: [Param; 2],
    boxed: Box<dyn Module>,
    nested: Inner,
    generic: M,
    #[parameters(skip)]
    note: String,
}

#[derive(Parameters)]
struct Inner(Param, #[parameters(skip)] usize, BatchNorm1d);

#[derive(Parameters)]
enum Either {
    Plain(Linear),
    Normed { layer: Linear, norm: LayerNorm },
    Nothing,
}

#[derive(Parameters)]
struct OfAnyType<T: fanin_nn::Scalar> {
    layer: Linear<T>,
    scale: Param<T>,
}

#[test]
fn the_derive_lists_every_field() {
    let param = || Param::new(Tensor::ones(1));
    let mut model = Everything {
        one: Linear::new(2, 2),
        some: Some(param()),
        none: None,
        list: vec![Linear::new(2, 2), Linear::builder(2, 2).no_bias().build()],
        array: [param(), param()],
        boxed: Box::new(Linear::new(1, 1)),
        nested: Inner(param(), 7, BatchNorm1d::new(2)),
        generic: OfAnyType { layer: Linear::new(1, 1), scale: param() },
        note: String::new(),
    };
    let names: Vec<String> = model.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "one.weight",
            "one.bias",
            "some",
            "list.0.weight",
            "list.0.bias",
            "list.1.weight",
            "array.0",
            "array.1",
            "boxed.weight",
            "boxed.bias",
            "nested.0",
            "nested.2.weight",
            "nested.2.bias",
            "generic.layer.weight",
            "generic.layer.bias",
            "generic.scale",
        ]
    );
    let buffers: Vec<String> = model.named_buffers().into_iter().map(|(name, _)| name).collect();
    assert_eq!(buffers, ["nested.2.running_mean", "nested.2.running_var"]);
    let mut shown = vec![];
    model.visit_params_mut(&mut |path, _| shown.push(path.to_string()));
    assert_eq!(shown, names);
    assert_eq!((model.describe(), model.note.len(), model.nested.1), ("Everything".into(), 0, 7));
    assert!(model.none.is_none());

    let either = Either::Normed { layer: Linear::new(2, 2), norm: LayerNorm::new(2) };
    let names: Vec<String> = either.named_params().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["layer.weight", "layer.bias", "norm.weight", "norm.bias"]);
    assert_eq!(Either::Plain(Linear::new(2, 2)).num_params(), 6);
    assert_eq!(Either::Nothing.num_params(), 0);
}

#[test]
fn parameters_by_path_and_pattern() {
    let mut model = with_batch_norm();
    assert_eq!(model.param("3.weight").value().shape(), [3, 16]);
    model.param_mut("3.bias").set_lr_scale(2.0);
    model.set_lr_scale("*.weight", 0.5);
    model.set_trainable("1.*", false);
    let state: Vec<_> =
        model.named_params().iter().map(|(_, p)| (p.lr_scale(), p.is_trainable())).collect();
    let (on, off) = (true, false);
    assert_eq!(state, [(0.5, on), (1.0, on), (0.5, off), (1.0, off), (0.5, on), (2.0, on)]);
}

// Kinds.

#[test]
fn plans_leave_normalizations_and_embeddings_alone() {
    let build = || Sequential::new().add(Linear::new(8, 4)).add(LayerNorm::new(4)).add(Relu);
    let mut model = build();
    model.init(&InitPlan::new().preset(presets::torch())).unwrap();
    model
        .init(&InitPlan::new().weights(KaimingNormal::default()).biases(Normal::new(0.0, 1.0)))
        .unwrap();
    model.init(&InitPlan::new().set("*", Normal::new(0.0, 1.0))).unwrap();
    assert_eq!(model.param("1.weight").value().as_slice(), [1.0; 4]);
    assert_eq!(model.param("1.bias").value().as_slice(), [0.0; 4]);
    // Named in full, they are drawn.
    model.init(&InitPlan::new().set("1.weight", Zeros)).unwrap();
    assert_eq!(model.param("1.weight").value().as_slice(), [0.0; 4]);
    assert_eq!(model.param("1.weight").spec().kind, ParamKind::Scale);
    assert_eq!(model.param("1.bias").spec().kind, ParamKind::Shift);

    let mut table = Embedding::new(10, 3);
    let before = bits(&table);
    table.init(&InitPlan::new().weights(Zeros)).unwrap();
    assert_eq!(bits(&table), before);

    // The scalar biases of Fixup's branches begin at 0, and stay.
    let branch = fanin_nn::layers::FixupBranch::new(4, 8, 2, 2);
    let mut fixup = Sequential::new().add(fanin_nn::layers::Residual::new(branch));
    fixup.init(&InitPlan::new().preset(presets::torch())).unwrap();
    assert_eq!(fixup.param("0.branch.biases.0").value().item(), 0.0);
}

#[test]
fn mup_treats_normalizations_as_vectors() {
    let net = |width| {
        let norm = LayerNorm::new(width);
        Sequential::new().add(Linear::new(8, width)).add(norm).add(Relu).add(Linear::new(width, 2))
    };
    let rates = |model: &Sequential| -> Vec<f32> {
        model.named_params().iter().map(|(_, p)| p.lr_scale()).collect()
    };
    let mut wide = net(64);
    MuP::adam(&net(16)).init(&mut wide).unwrap();
    assert_eq!(rates(&wide), [1.0, 1.0, 1.0, 1.0, 0.25, 1.0]);
    MuP::sgd(&net(16)).init(&mut wide).unwrap();
    assert_eq!(rates(&wide), [4.0, 4.0, 4.0, 4.0, 0.25, 1.0]);
    assert_eq!(wide.param("1.weight").value().as_slice(), [1.0; 64]);
}

#[test]
fn the_doctor_sees_through_a_normalization() {
    use fanin_nn::diagnose::{Fault, InitReport, Probe};
    manual_seed(1);
    let deep = |gain: f64| {
        let mut model = Sequential::new();
        for _ in 0..20 {
            let linear = Linear::builder(32, 32).weight(Normal::new(0.0, gain / 32f64.sqrt()));
            model = model.add(linear.bias(Zeros).build()).add(LayerNorm::new(32)).add(Tanh);
        }
        model.add(Linear::new(32, 3))
    };
    let x = random(&[64, 32], 5);
    let probe = Probe::new(&deep(1.0), &x);
    let layer = &probe.layers()[3];
    assert_eq!(layer.activation.as_ref().unwrap().name, "Tanh");
    assert!(layer.normalized.is_some() && layer.output() == &probe.layers()[4].input);
    // Weights 50 times too large saturate tanh, unless a normalization stands between.
    assert!(
        InitReport::new(&deep(50.0), &x).verdicts.iter().all(|v| !matches!(
            v.fault,
            Fault::Saturated { .. } | Fault::ExplodingActivations { .. }
        ))
    );
    let mut flat = Sequential::new();
    for _ in 0..3 {
        let linear = Linear::builder(32, 32).weight(Normal::new(0.0, 50.0 / 32f64.sqrt()));
        flat = flat.add(linear.bias(Zeros).build()).add(Tanh);
    }
    let report = InitReport::new(&flat, &x);
    assert!(report.verdicts.iter().any(|v| matches!(v.fault, Fault::Saturated { .. })), "{report}");
}

#[test]
fn the_doctor_names_a_parameter_that_the_model_hides() {
    use fanin_nn::diagnose::{Fault, InitReport};
    #[derive(Parameters)]
    struct Net {
        a: Linear,
        #[parameters(skip)]
        b: Linear,
    }
    impl Module for Net {
        fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
            self.b.forward(self.a.forward(x).tanh())
        }
    }
    manual_seed(1);
    let mut net = Net { a: Linear::new(8, 16), b: Linear::new(16, 3) };
    let report = InitReport::new(&net, &random(&[32, 8], 1));
    let names = ["weight 3×16".to_owned(), "bias 3".to_owned()].to_vec();
    assert_eq!(report.verdicts[0].fault, Fault::HiddenParameters { names }, "{report}");
    net.b.set_trainable("*", false);
    assert!(InitReport::new(&net, &random(&[32, 8], 1)).is_healthy());
}

// Optimizers.

/// A step with gradients of 0, so that nothing but weight decay moves a parameter. Returns the factor
/// of each.
fn decay_factors(optimizer: &mut dyn Optimizer) -> Vec<f32> {
    manual_seed(4);
    let norm = LayerNorm::new(4);
    let mut model =
        Sequential::new().add(Linear::new(3, 4)).add(norm).add(Relu).add(Linear::new(4, 2));
    *model.param_mut("1.bias").value_mut() = Tensor::ones(4);
    let before = model.clone();
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| {
        let zeros = model.named_params().into_iter().map(|(_, p)| (t.param(p) * 0.0).sum());
        zeros.reduce(|a, b| a + b).unwrap()
    });
    optimizer.step(&mut model, grads);
    let pairs = model.named_params().into_iter().zip(before.named_params());
    pairs.map(|((_, a), (_, b))| a.value().as_slice()[0] / b.value().as_slice()[0]).collect()
}

#[test]
fn groups_by_pattern_have_options_of_their_own() {
    // 0.weight, 0.bias, 1.weight, 1.bias, 3.weight, 3.bias.
    let adamw = AdamW::new(0.1).weight_decay(0.5);
    let close = |got: Vec<f32>, want: [f32; 6]| {
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {want:?}");
    };
    close(decay_factors(&mut adamw.clone()), [0.95; 6]);
    let mut usual = adamw
        .clone()
        .group("*.bias", |g| g.weight_decay(0.0))
        .group("1.*", |g| g.weight_decay(0.0));
    close(decay_factors(&mut usual), [0.95, 1.0, 1.0, 1.0, 0.95, 1.0]);
    // The last group that matches counts; the rate of a group follows that of the optimizer.
    let mut slow = usual.group("3.*", |g| g.weight_decay(1.0).rate(0.01));
    close(decay_factors(&mut slow), [0.95, 1.0, 1.0, 1.0, 0.99, 0.99]);
    slow.set_lr(0.2);
    close(decay_factors(&mut slow), [0.9, 1.0, 1.0, 1.0, 0.98, 0.98]);
}

#[test]
#[should_panic(expected = "step: the group `*.bais` of AdamW matches no parameter")]
fn a_group_that_matches_nothing_is_refused() {
    decay_factors(&mut AdamW::new(0.1).group("*.bais", |g| g.weight_decay(0.0)));
}

fn mlp(seed: u64) -> Sequential {
    manual_seed(seed);
    Sequential::new().add(Linear::new(8, 16)).add(Relu).add(Linear::new(16, 3))
}

/// A layer in front, with shapes of the layer behind it, does not take that one's moments.
#[test]
fn state_belongs_to_the_parameter() {
    let square = || Linear::new(8, 8);
    manual_seed(1);
    let mut adam = Adam::new(1e-2);
    let (mut first, mut second) = (Sequential::new().add(square()), square());
    let x = random(&[16, 8], 1);
    let mut tape = Tape::new();
    for _ in 0..3 {
        let (_, grads) = tape.value_and_grad(|t| first.forward(t.input(&x)).square().mean());
        adam.step(&mut first, grads);
    }
    let moments = |adam: &Adam, path: &str| {
        let state: OptimizerState = adam.state();
        state.params.into_iter().find(|p| p.path == path).map(|p| (p.steps, p.slots))
    };
    let before = moments(&adam, "0.weight").unwrap();
    // The same parameters at another path: what is remembered goes along.
    let mut longer = Stack { front: second.clone(), back: first };
    longer.set_trainable("back.*", false);
    let (_, grads) = tape
        .value_and_grad(|t| longer.back.forward(longer.front.forward(t.input(&x))).square().mean());
    adam.step(&mut longer, grads);
    assert_eq!(moments(&adam, "back.0.weight").unwrap(), before);
    assert_eq!(moments(&adam, "front.weight").unwrap().0, 1);
    second.set_trainable("*", false);
}

#[derive(Parameters)]
struct Stack {
    front: Linear,
    back: Sequential,
}

#[test]
fn training_goes_on_to_the_bit_from_saved_state() {
    let optimizers: [fn() -> Box<dyn Optimizer>; 3] = [
        || Box::new(Adam::new(1e-2).group("*.bias", |g| g.rate(1e-3))),
        || Box::new(Sgd::new(0.1).momentum(0.9)),
        || Box::new(Sgd::new(0.1)),
    ];
    for optimizer in optimizers {
        let (mut model, mut whole) = (mlp(1), optimizer());
        train(&mut model, &mut *whole, 0..10);
        whole.set_lr(0.5 * whole.lr());
        let (saved, state) = (model.to_bytes().unwrap(), whole.state());
        let text = serde_json::to_string(&state).unwrap();
        train(&mut model, &mut *whole, 10..20);

        let (mut resumed, mut half) = (mlp(2), optimizer());
        resumed.load_bytes(&saved).unwrap();
        half.load_state(&resumed, serde_json::from_str(&text).unwrap()).unwrap();
        train(&mut resumed, &mut *half, 10..20);
        assert_eq!(bits(&resumed), bits(&model), "{}", state.optimizer);
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let (mut model, mut adam) = (mlp(1), Adam::new(1e-2));
    train(&mut model, &mut adam, 0..2);
    let state: OptimizerState = adam.state();
    let refused = |why: &str, optimizer: &mut dyn Optimizer, model: &Sequential, state| {
        let error = optimizer.load_state(model, state).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    };
    refused("this optimizer is AdamW", &mut AdamW::new(1e-2), &model, state.clone());
    let other = Sequential::new().add(Linear::new(8, 16));
    refused("the model has no parameter 2.weight", &mut Adam::new(0.1), &other, state.clone());
    let mut wrong = state.clone();
    wrong.params[0].slots[1].1 = Tensor::zeros(3);
    refused("v of 0.weight is 3, and the parameter is 16×8", &mut Adam::new(0.1), &model, wrong);
    let mut wrong = state.clone();
    wrong.params[0].slots.pop();
    refused("0.weight has [\"m\"] and not [\"m\", \"v\"]", &mut Adam::new(0.1), &model, wrong);
    let mut wrong = state;
    wrong.lr = f64::NAN;
    refused("its learning rate is NaN", &mut Adam::new(0.1), &model, wrong);
}

// Gradients that are changed.

#[test]
fn clipping_is_that_of_pytorch() {
    let golden = golden();
    for max in ["0.5", "1000.0"] {
        let get = |name: &str| &golden[&*format!("clip/{max}/{name}")];
        let params = [[3, 4].to_vec(), vec![7]].map(|s| Param::new(Tensor::zeros(&s[..])));
        let mut tape = Tape::new();
        let (_, mut grads) = tape.value_and_grad(|t| {
            let [a, b] = [("grad/2", 0), ("grad/1", 1)]
                .map(|(name, i)| (t.param(&params[i]) * t.input(get(name))).sum());
            a + b
        });
        let norm = grads.clip_norm(max.parse().unwrap());
        assert!((norm / get("norm").item() - 1.0).abs() < 1e-6);
        assert_close("2", grads.get(&params[0]).unwrap(), get("clipped/2"), 1e-6);
        assert_close("1", grads.get(&params[1]).unwrap(), get("clipped/1"), 1e-6);
    }
}

#[test]
fn gradients_are_clipped_by_value_scaled_and_edited() {
    let p = Param::new(Tensor::<f32>::zeros(4));
    let c = Tensor::from_vec(4, vec![-5.0, 0.25, 3.0, f32::NAN]);
    let mut tape = Tape::new();
    let (_, mut grads) = tape.value_and_grad(|t| (t.param(&p) * t.input(&c)).sum());
    grads.clip_value(1.0);
    grads.scale(2.0);
    grads.get_mut(&p).unwrap().as_mut_slice()[3] = 7.0;
    assert_eq!(grads.get(&p).unwrap().as_slice(), [-2.0, 0.5, 2.0, 7.0]);
    assert!(grads.clip_norm(f64::MAX) > 0.0);
}

/// `((g₁ + g₂) + g₃) + g₄`, as PyTorch accumulates.
#[test]
fn four_micro_batches_sum_to_the_bits_of_one_order() {
    let model = mlp(5);
    let (mut tape, mut sum) = (Tape::new(), GradientSum::new());
    let mut want: Vec<Vec<f32>> = vec![];
    for round in 0..2 {
        want.clear();
        sum.clear();
        for seed in 0..4 {
            let x = random(&[16, 8], seed + 10 * round);
            let (_, grads) = tape.value_and_grad(|t| model.forward(t.input(&x)).square().mean());
            for (i, (_, p)) in model.named_params().into_iter().enumerate() {
                let grad = grads.get(p).unwrap().as_slice();
                match want.get_mut(i) {
                    Some(sum) => sum.iter_mut().zip(grad).for_each(|(sum, g)| *sum += g),
                    None => want.push(grad.to_vec()),
                }
            }
            sum.add(&grads);
        }
        let grads = sum.gradients();
        for ((_, p), want) in model.named_params().into_iter().zip(&want) {
            let got = grads.get(p).unwrap().as_slice();
            assert!(got.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
        assert_eq!(grads.count(), 4);
    }
}

#[test]
fn a_step_gives_back_its_output() {
    let (model, x) = (mlp(1), random(&[4, 8], 1));
    let mut tape = Tape::new();
    let (loss, logits, grads) = tape.value_and_grad_with(|t| {
        let logits = model.forward(t.input(&x));
        (logits.cross_entropy(&[0, 1, 2, 0]), logits)
    });
    assert_eq!((logits, grads.count()), (model.predict(&x), 4));
    let again = Tape::new().value(|t| model.forward(t.input(&x)).cross_entropy(&[0, 1, 2, 0]));
    assert_eq!(loss, again.item());
}

// Target networks.

/// Double Q-learning on a chain of states: the target network is a clone that follows by τ.
#[test]
fn a_double_dqn_has_a_target_network() {
    manual_seed(0);
    const STATES: usize = 5;
    let mut online =
        Sequential::new().add(Linear::new(STATES, 32)).add(Relu).add(Linear::new(32, 2));
    let mut target = online.clone();
    assert_eq!(bits(&online), bits(&target));
    let (mut adam, mut tape) = (Adam::new(5e-3), Tape::new());
    let one_hot = |states: &[usize]| {
        let mut x = Tensor::zeros([states.len(), STATES]);
        states.iter().enumerate().for_each(|(i, s)| x.as_mut_slice()[i * STATES + s] = 1.0);
        x
    };
    // Action 1 goes right, action 0 left; the right end pays 1 and ends the episode.
    let states: Vec<usize> = (0..STATES - 1).flat_map(|s| [s, s]).collect();
    let actions: Vec<usize> = (0..STATES - 1).flat_map(|_| [0, 1]).collect();
    let next: Vec<usize> = states
        .iter()
        .zip(&actions)
        .map(|(&s, &a)| if a == 1 { s + 1 } else { s.saturating_sub(1) })
        .collect();
    let (x, after) = (one_hot(&states), one_hot(&next));
    for _ in 0..600 {
        let (q_online, q_target) = (online.predict(&after), target.predict(&after));
        let returns: Vec<f32> = (0..next.len())
            .map(|i| {
                let q = &q_online.as_slice()[2 * i..][..2];
                let best = usize::from(q[1] > q[0]);
                let end = next[i] == STATES - 1;
                if end { 1.0 } else { 0.9 * q_target.as_slice()[2 * i + best] }
            })
            .collect();
        let returns = Tensor::from_vec(next.len(), returns);
        let taken: Vec<usize> = actions.iter().enumerate().map(|(i, a)| 2 * i + a).collect();
        let (_, grads) = tape.value_and_grad(|t| {
            let q = online.forward(t.input(&x)).reshape(2 * next.len()).rows(&taken);
            q.mse(t.input(&returns))
        });
        adam.step(&mut online, grads);
        target.soft_update(&online, 0.05);
    }
    let q = online.predict(&one_hot(&[0, 1, 2, 3]));
    for (state, q) in q.as_slice().chunks(2).enumerate() {
        let want = 0.9f32.powi((STATES - 2 - state) as i32);
        assert!((q[1] - want).abs() < 0.05 && q[1] > q[0], "state {state}: {q:?}, not {want}");
    }
    target.copy_from(&online);
    assert_eq!(bits(&target), bits(&online));
}

#[test]
fn soft_updates_move_by_tau_and_refuse_other_models() {
    let [mut a, b] = [0.0f32, 1.0].map(|v| {
        let mut model = with_batch_norm();
        model.visit_params_mut(&mut |_, p| p.value_mut().as_mut_slice().fill(v));
        model
    });
    a.soft_update(&b, 0.25);
    a.soft_update(&b, 0.25);
    a.visit_params(&mut |_, p| assert!(p.value().as_slice().iter().all(|&v| v == 0.4375)));
    let panic = std::panic::catch_unwind(|| {
        let mut small = Sequential::new().add(Linear::new(8, 4));
        small.copy_from(&with_batch_norm());
    });
    let message = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("this model has 0.weight (4×8) where the other has 0.weight (16×8)"));
}

// Modes.

#[test]
fn the_mode_is_apart_from_gradients() {
    manual_seed(2);
    let model =
        Sequential::new().add(Linear::new(8, 64)).add(Dropout::new(0.5)).add(Linear::new(64, 1));
    let x = Param::new(random(&[4, 8], 1));
    let mut tape = Tape::new();
    let mut gradient = |mode| {
        let (loss, grads) =
            tape.value_and_grad_in(mode, |t| model.forward(t.param(&x)).square().mean());
        (loss, grads.get(&x).unwrap().clone())
    };
    assert_eq!(gradient(Mode::Evaluate), gradient(Mode::Evaluate));
    assert_ne!(gradient(Mode::Train), gradient(Mode::Train));
    let predicted = model.predict(x.value());
    assert_eq!(gradient(Mode::Evaluate).0, predicted.map(|y| y * y).mean());
    let mut sample = || tape.value_in(Mode::Train, |t| model.forward(t.input(x.value())));
    assert_ne!(sample(), sample());
}

// Losses.

#[test]
fn cross_entropy_has_pytorchs_options() {
    let golden = golden();
    let labels = [0, 4, 2, 2, 1, 3];
    let weights = [1.0, 0.5, 4.0, 0.0, 2.0];
    let plain = CrossEntropy::new;
    let cases = [
        ("plain", plain()),
        ("smoothed", plain().label_smoothing(0.1)),
        ("weighted", plain().class_weights(&weights)),
        ("weighted_smoothed", plain().class_weights(&weights).label_smoothing(0.1)),
        ("ignored", plain().ignore_index(2)),
        ("all", plain().class_weights(&weights).label_smoothing(0.2).ignore_index(4)),
    ];
    let x = Param::new(golden["cross_entropy/x"].clone());
    let mut tape = Tape::new();
    for (name, loss) in &cases {
        for (reduction, called) in
            [(Reduction::Mean, "mean"), (Reduction::Sum, "sum"), (Reduction::None, "none")]
        {
            let loss = loss.clone().reduction(reduction);
            let get = |what: &str| &golden[&*format!("cross_entropy/{name}/{called}/{what}")];
            let mut value = None;
            let (_, grads) = tape.value_and_grad(|t| {
                let l = loss.loss(t.param(&x), &labels[..]);
                value = Some(l.value());
                let cotangent = match reduction {
                    Reduction::None => (1..7).map(|i| i as f32).collect::<Vec<_>>().into(),
                    _ => Tensor::scalar(1.5),
                };
                (l * t.input(&cotangent)).sum()
            });
            assert_close(name, &value.unwrap(), get("loss"), 1e-6);
            assert_close(name, grads.get(&x).unwrap(), get("dx"), 1e-6);
        }
    }
    for (_, loss) in cases {
        gradcheck(&[&[6, 5]], 1, |_, x| loss.loss(x[0], &labels[..])).assert_below(1e-6);
        let by_row = loss.reduction(Reduction::None);
        gradcheck(&[&[6, 5]], 1, |_, x| by_row.loss(x[0], &labels[..])).assert_below(1e-6);
    }
}

/// Trains a line by any loss.
fn fit(loss: &impl Loss<Tensor>) -> f32 {
    manual_seed(1);
    let x = Tensor::from_vec([4, 1], vec![0.0, 1.0, 2.0, 3.0]);
    let y = Tensor::from_vec([4, 1], vec![1.0, 3.0, 5.0, 7.0]);
    let (mut model, mut adam, mut tape) = (Linear::new(1, 1), Adam::new(0.05), Tape::new());
    for _ in 0..800 {
        let (_, grads) = tape.value_and_grad(|t| loss.loss(model.forward(t.input(&x)), &y));
        adam.step(&mut model, grads);
    }
    model.weight().item()
}

#[test]
fn a_loss_is_a_value_a_function_or_a_closure() {
    fn absolute<'t>(y: Var<'t>, target: Var<'t>) -> Var<'t> {
        (y - target).abs().mean()
    }
    let huber = losses::from_fn(|y, target| {
        let d = (y - target).abs();
        (d * d).mean() * 0.5 + d.mean() * 0.0
    });
    for slope in [fit(&Mse::new()), fit(&absolute), fit(&huber)] {
        assert!((slope - 2.0).abs() < 0.05, "{slope}");
    }
    assert!((fit(&losses::from_fn(|y, target| (y - target).square().mean())) - 2.0).abs() < 0.01);
}

// Sequential.

#[test]
fn layers_by_type_and_summaries() {
    manual_seed(1);
    let mut model = with_batch_norm();
    model.get_mut::<Linear>(3).unwrap().weight_mut().set_trainable(false);
    assert!(model.get::<Linear>(1).is_none() && model.get::<Linear>(9).is_none());
    let summary = model.summary();
    assert_eq!((summary.num_params(), summary.rows()[3].frozen), (model.num_params(), 48));
    let outputs: Vec<_> = summary.rows().iter().map(|row| row.output).collect();
    assert_eq!(outputs, [Some(16), Some(16), Some(16), Some(3)]);
    let text = summary.to_string();
    assert!(text.contains("BatchNorm1d(16)") && text.contains("(48 frozen)"), "{text}");
    assert!(text.ends_with("227 parameters"), "{text}");
    // One spelling for f64.
    let mut wide = Sequential::<f64>::new().add(Relu);
    wide = wide.add(model.get::<Linear>(3).unwrap().cast());
    use fanin_nn::NewF64;
    let x = Tensor::<f64>::ones([2, 16]);
    let y = Tape::<f64>::new().value(|t| wide.forward(t.input(&x)));
    assert_eq!(y.shape(), [2, 3]);
    Adam::new(0.1).step(&mut wide, Tape::<f64>::new().value_and_grad(|t| t.scalar(0.0)).1);
}

#[test]
fn adding_a_layer_does_not_walk_the_network() {
    let build = |layers: usize| {
        let start = std::time::Instant::now();
        let model = (0..layers).fold(Sequential::<f32>::new(), |model, _| model.add(Relu));
        assert_eq!(model.layers().len(), layers);
        start.elapsed().as_secs_f64()
    };
    build(100);
    // Linear, with room for noise; a quadratic one would take 100 times as long.
    let (few, many) = (build(2_000).max(1e-5), build(20_000));
    assert!(many < 50.0 * few, "{few} s, {many} s");
}
