//! Layers against PyTorch: values, gradients, and what training makes of parameters and buffers.
//!
//! golden/layers.txt has PyTorch's numbers; golden/layers.py wrote it.

mod behaviour;
mod described;
mod gradients;

use std::path::Path;

use fanin_nn::init::manual_seed;
use fanin_nn::layers::*;
use fanin_nn::{Linear, Module, Optimizer, Param, Parameters, Sequential, Sgd, Tape, Tensor, Var};

use crate::golden::{Golden, error, golden_of_short};

#[derive(Parameters)]
struct With<L> {
    x: Option<Param>,
    layer: L,
}

/// Trains as the script does, and compares all that it wrote. Returns the largest deviation.
fn trained<L: Parameters>(
    golden: &Golden,
    case: &str,
    lr: f64,
    mut layer: L,
    forward: impl for<'t> Fn(&L, &'t Tape, Option<Var<'t>>, usize) -> Var<'t>,
) -> f32 {
    let get = |name: &str| golden.get(format!("{case}/{name}").as_str());
    let mut worst = 0.0;
    let mut compare = |what: &str, got: &Tensor, tolerance: f32| {
        let want = get(what).unwrap_or_else(|| panic!("there is no {case}/{what}"));
        let error = error(got, want);
        assert!(error <= tolerance, "{case}/{what}: {error:e}\n{got}\n{want}");
        worst = f32::max(worst, error);
    };
    let mut starts =
        golden.keys().filter(|name| name.starts_with(&format!("{case}/start/"))).count();
    for (name, param) in layer.named_params_mut() {
        let start = get(&format!("start/{name}")).unwrap_or_else(|| panic!("no {case} {name}"));
        // What the generator draws is PyTorch's too.
        let drawn = ["weight_norm", "spectral_norm", "embedding", "bag"];
        if drawn.iter().any(|drawn| case.starts_with(drawn)) && name.starts_with("weight") {
            let deviation = error(param.value(), start);
            assert!(deviation < 1e-6, "{case} {name}: {deviation:e}");
        }
        assert_eq!(param.value().shape(), start.shape(), "{case} {name}");
        *param.value_mut() = start.clone();
        starts -= 1;
    }
    assert_eq!(starts, 0, "{case}: PyTorch has more parameters");
    let x = |step: usize| get(&format!("x/{step}")).map(|x| Param::new(x.clone()));
    let (mut sgd, mut tape, mut steps) = (Sgd::new(lr), Tape::new(), 0);
    let mut both = With { x: None, layer };
    while let Some(c) = get(&format!("c/{steps}")) {
        both.x = x(steps);
        sgd = Sgd::new(sgd.lr());
        let mut y = None;
        let (_, grads) = tape.value_and_grad(|t| {
            let x = both.x.as_ref().map(|x| t.param(x));
            let out = forward(&both.layer, t, x, steps);
            y = Some(out.value());
            (out * t.input(c)).sum()
        });
        compare(&format!("y/{steps}"), &y.unwrap(), 1e-5);
        if steps == 0 {
            if let Some(x) = &both.x {
                compare("d/x", grads.get(x).unwrap(), 1e-4);
            }
            for (name, param) in both.layer.named_params() {
                compare(&format!("d/{name}"), grads.get(param).unwrap(), 1e-4);
            }
        }
        sgd.step(&mut both, grads);
        steps += 1;
    }
    for (name, param) in both.layer.named_params() {
        compare(&format!("end/{name}"), param.value(), 1e-4);
    }
    for (name, buffer) in both.layer.named_buffers() {
        compare(&format!("end/{name}"), buffer.value(), 1e-4);
    }
    let last = x(steps - 1);
    let evaluated = tape.value(|t| {
        let x = last.as_ref().map(|x| t.param(x));
        forward(&both.layer, t, x, steps - 1)
    });
    compare("evaluated", &evaluated, 1e-4);
    worst
}

/// A layer of one input.
fn module(golden: &Golden, case: &str, lr: f64, layer: impl Module) -> f32 {
    trained(golden, case, lr, layer, |layer, _, x, _| layer.forward(x.unwrap()))
}

/// A layer drawn after `torch.manual_seed(42)`.
fn seeded<L>(layer: impl FnOnce() -> L) -> L {
    manual_seed(42);
    layer()
}

#[derive(Parameters)]
struct Weighted {
    weight: Unnamed,
    sample_weights: Param,
}

/// The parameters of a layer under the name of the field that holds it.
struct Unnamed(EmbeddingBag);

impl Parameters for Unnamed {
    fn visit<'m>(
        &'m self,
        path: &fanin_nn::ParamPath<'_>,
        visitor: &mut dyn fanin_nn::Visitor<'m>,
    ) {
        visitor.param(path, self.0.table().named_params()[0].1);
    }
    fn visit_mut<'m>(
        &'m mut self,
        path: &fanin_nn::ParamPath<'_>,
        visitor: &mut dyn fanin_nn::VisitorMut<'m>,
    ) {
        visitor.param(path, self.0.table_mut().weight_mut());
    }
}

const IDS: [&[usize]; 3] = [&[1, 4, 1, 0], &[4, 4, 2], &[0, 3, 1]];
const IN_BAGS: [&[usize]; 2] = [&[1, 4, 1, 0, 2, 2], &[4, 4, 2, 0, 1, 3]];
const OFFSETS: [usize; 4] = [0, 2, 2, 5];

/// The rows of the table in docs/: the layer, PyTorch's name, the largest deviation.
fn rows(golden: &Golden) -> Vec<(&'static str, &'static str, f32)> {
    let module = |case, lr, layer: Box<dyn Module>| module(golden, case, lr, layer);
    let norm = || BatchNorm1d::new(4);
    let weights = || fanin_nn::init::KaimingUniform::torch_default();
    let embedding = |case, layer| {
        trained(golden, case, 0.5, layer, |layer: &Embedding, t, _, step| {
            layer.forward(t, IDS[step])
        })
    };
    let bags = |case: &str, mode, table: &dyn Fn() -> Embedding| {
        let layer = seeded(|| EmbeddingBag::of(table()).mode(mode));
        if case.ends_with("_fixed_max_norm") {
            return trained(golden, case, 0.5, layer, |layer: &EmbeddingBag, t, _, step| {
                layer.forward_fixed(t, IN_BAGS[step], 3)
            });
        }
        trained(golden, case, 0.5, layer, |layer: &EmbeddingBag, t, _, step| {
            layer.forward(t, IN_BAGS[step], &OFFSETS)
        })
    };
    let table = || Embedding::builder(5, 3);
    let branches = |layer: Parallel, width| {
        let second = Sequential::new().add(Linear::new(4, width)).add(Tanh);
        layer.add(Linear::new(4, 2)).add(second)
    };
    let mut rows = vec![
        ("Linear, 1 axis", "Linear", module("linear_vector", 0.5, Box::new(Linear::new(4, 3)))),
        ("Linear, 3 axes", "Linear", module("linear_three_axes", 0.5, Box::new(Linear::new(4, 3)))),
        (
            "Linear, 4 axes, no bias",
            "Linear(bias=False)",
            module(
                "linear_four_axes",
                0.5,
                Box::new(Linear::builder(4, 3).weight(weights()).no_bias().build()),
            ),
        ),
        (
            "Bilinear",
            "Bilinear",
            trained(golden, "bilinear", 0.5, Bilinear::new(3, 2, 4), |layer, _, x, _| {
                let x = x.unwrap();
                layer.forward(x.slice(1, ..3), x.slice(1, 3..))
            }),
        ),
        ("BatchNorm1d", "BatchNorm1d", module("batch_norm", 0.5, Box::new(norm()))),
        (
            "BatchNorm1d::momentum, ::epsilon",
            "BatchNorm1d(momentum=0.3, eps=0.01)",
            module("batch_norm_momentum", 0.5, Box::new(norm().momentum(0.3).epsilon(0.01))),
        ),
        (
            "BatchNorm1d::cumulative",
            "BatchNorm1d(momentum=None)",
            module("batch_norm_cumulative", 0.5, Box::new(norm().cumulative())),
        ),
        (
            "BatchNorm1d::affine(false)",
            "BatchNorm1d(affine=False)",
            module("batch_norm_plain", 0.5, Box::new(norm().affine(false))),
        ),
        (
            "BatchNorm1d::track_running_stats(false)",
            "BatchNorm1d(track_running_stats=False)",
            module("batch_norm_untracked", 0.5, Box::new(norm().track_running_stats(false))),
        ),
        (
            "BatchNorm1d::cumulative, ::track_running_stats(false)",
            "BatchNorm1d(momentum=None, track_running_stats=False)",
            module(
                "batch_norm_cumulative_untracked",
                0.5,
                Box::new(norm().cumulative().track_running_stats(false)),
            ),
        ),
        ("LayerNorm", "LayerNorm", module("layer_norm", 0.5, Box::new(LayerNorm::new(6)))),
        (
            "LayerNorm::bias(false), ::epsilon",
            "LayerNorm(bias=False, eps=0.1)",
            module("layer_norm_no_bias", 0.5, Box::new(LayerNorm::new(6).bias(false).epsilon(0.1))),
        ),
        (
            "LayerNorm::affine(false)",
            "LayerNorm(elementwise_affine=False)",
            module("layer_norm_plain", 0.5, Box::new(LayerNorm::new(6).affine(false))),
        ),
        ("RmsNorm", "RMSNorm", module("rms_norm", 0.5, Box::new(RmsNorm::new(6)))),
        (
            "RmsNorm::epsilon",
            "RMSNorm(eps=0.1)",
            module("rms_norm_epsilon", 0.5, Box::new(RmsNorm::new(6).epsilon(0.1))),
        ),
        (
            "RmsNorm::affine(false)",
            "RMSNorm(elementwise_affine=False)",
            module("rms_norm_plain", 0.5, Box::new(RmsNorm::new(6).affine(false))),
        ),
        ("GroupNorm", "GroupNorm(2, 6)", module("group_norm", 0.5, Box::new(GroupNorm::new(2, 6)))),
        (
            "GroupNorm of one group",
            "GroupNorm(1, 6, eps=0.1)",
            module("group_norm_one", 0.5, Box::new(GroupNorm::new(1, 6).epsilon(0.1))),
        ),
        (
            "GroupNorm::affine(false)",
            "GroupNorm(2, 6, affine=False)",
            module("group_norm_plain", 0.5, Box::new(GroupNorm::new(2, 6).affine(false))),
        ),
        (
            "WeightNorm",
            "parametrizations.weight_norm",
            module("weight_norm", 0.1, Box::new(seeded(|| WeightNorm::new(Linear::new(5, 3))))),
        ),
        (
            "WeightNorm, no bias",
            "parametrizations.weight_norm",
            module(
                "weight_norm_no_bias",
                0.1,
                Box::new(seeded(|| WeightNorm::new(Linear::builder(5, 3).no_bias().build()))),
            ),
        ),
        (
            "SpectralNorm",
            "parametrizations.spectral_norm",
            module("spectral_norm", 0.1, Box::new(seeded(|| SpectralNorm::new(Linear::new(6, 4))))),
        ),
        (
            "SpectralNorm::iterations",
            "parametrizations.spectral_norm(n_power_iterations=3)",
            module(
                "spectral_norm_iterated",
                0.1,
                Box::new(seeded(|| SpectralNorm::new(Linear::new(6, 20)).iterations(3))),
            ),
        ),
        ("Embedding", "Embedding", embedding("embedding", seeded(|| table().build()))),
        (
            "Embedding, padding_idx",
            "Embedding(padding_idx=1)",
            embedding("embedding_padding", seeded(|| table().padding_idx(1).build())),
        ),
        (
            "Embedding, max_norm",
            "Embedding(max_norm=1)",
            embedding("embedding_max_norm", seeded(|| table().max_norm(1.0).build())),
        ),
        (
            "Embedding, padding_idx, max_norm",
            "Embedding(padding_idx=-1, max_norm=1)",
            embedding("embedding_both", seeded(|| table().padding_idx(4).max_norm(1.0).build())),
        ),
    ];
    for (mode, [plain, padded, short], [torch, torch_padded, torch_short]) in [
        (
            BagMode::Sum,
            ["bag_sum", "bag_sum_padding", "bag_sum_fixed_max_norm"],
            [
                "EmbeddingBag(mode=\"sum\")",
                "EmbeddingBag(mode=\"sum\", padding_idx=1)",
                "EmbeddingBag(mode=\"sum\", max_norm=1)",
            ],
        ),
        (
            BagMode::Mean,
            ["bag_mean", "bag_mean_padding", "bag_mean_fixed_max_norm"],
            ["EmbeddingBag", "EmbeddingBag(padding_idx=1)", "EmbeddingBag(max_norm=1)"],
        ),
        (
            BagMode::Max,
            ["bag_max", "bag_max_padding", "bag_max_fixed_max_norm"],
            [
                "EmbeddingBag(mode=\"max\")",
                "EmbeddingBag(mode=\"max\", padding_idx=1)",
                "EmbeddingBag(mode=\"max\", max_norm=1)",
            ],
        ),
    ] {
        rows.extend([
            ("EmbeddingBag", torch, bags(plain, mode, &|| table().build())),
            (
                "EmbeddingBag, padding_idx",
                torch_padded,
                bags(padded, mode, &|| table().padding_idx(1).build()),
            ),
            (
                "EmbeddingBag::forward_fixed, max_norm",
                torch_short,
                bags(short, mode, &|| table().max_norm(1.0).build()),
            ),
        ]);
    }
    let weighted = seeded(|| Weighted {
        weight: Unnamed(EmbeddingBag::of(table().padding_idx(4).build()).mode(BagMode::Sum)),
        sample_weights: Param::new(Tensor::zeros(6)),
    });
    rows.extend([
        (
            "EmbeddingBag::forward_weighted",
            "EmbeddingBag(per_sample_weights)",
            trained(golden, "bag_weighted", 0.5, weighted, |layer, t, _, step| {
                let weights = t.param(&layer.sample_weights);
                layer.weight.0.forward_weighted(t, IN_BAGS[step], &OFFSETS, weights)
            }),
        ),
        (
            "Parallel::new, Identity",
            "cat of Linear, Sequential, Identity",
            module("parallel", 0.5, Box::new(branches(Parallel::new(), 3).add(Identity))),
        ),
        (
            "Parallel::sum",
            "sum of Linear, Sequential",
            module("parallel_sum", 0.5, Box::new(branches(Parallel::sum(), 2))),
        ),
        (
            "Flatten, Unflatten",
            "Flatten, Unflatten",
            module(
                "reshaped",
                0.5,
                Box::new(
                    Sequential::new()
                        .add(Flatten)
                        .add(Linear::new(6, 4))
                        .add(Unflatten::new(&[2, 2]))
                        .add(Linear::new(2, 3)),
                ),
            ),
        ),
    ]);
    rows
}

/// Values within 1e-5, gradients and trajectories within 1e-4, and the table of them in docs/.
#[test]
fn layers_are_those_of_pytorch() {
    let rows = rows(&golden_of_short("layers.txt"));
    let mut table = String::from(
        "# Layers beside PyTorch's\n\nWritten by `FANIN_WRITE_TABLES=1 cargo test -p fanin-nn \
         layers_are_those_of_pytorch`. A deviation is the largest difference over the largest value, of \
         outputs, gradients, trained parameters, buffers and predictions.\n\n| layer | PyTorch | worst \
         deviation |\n|---|---|---|\n",
    );
    let names = |table: &str| -> Vec<String> {
        let rows = table.lines().filter(|line| line.starts_with('|'));
        rows.map(|line| line.rsplitn(3, '|').nth(2).unwrap().to_owned()).collect()
    };
    for (layer, torch, deviation) in &rows {
        println!("{layer} | {torch} | {deviation:.1e}");
        table += &format!("| {layer} | `{torch}` | {deviation:.0e} |\n");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/toolbox/layers.md");
    if std::env::var_os("FANIN_WRITE_TABLES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(names(&written), names(&table), "write {} anew", path.display());
    assert_eq!(
        rows.len(),
        golden_of_short("layers.txt").keys().filter(|name| name.ends_with("/evaluated")).count()
    );
}

/// The vectors of the power iteration begin as PyTorch's, from the same generator.
#[test]
fn singular_vectors_begin_as_pytorchs() {
    let golden = golden_of_short("layers.txt");
    let layer = seeded(|| SpectralNorm::new(Linear::new(6, 4)));
    for (name, buffer) in layer.named_buffers() {
        let deviation =
            error(buffer.value(), &golden[format!("spectral_norm/first/{name}").as_str()]);
        assert!(deviation < 1e-5, "{name}: {deviation:e}");
    }
}
