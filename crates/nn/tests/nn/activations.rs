//! Activations: all of them beside PyTorch's in a table, gated units, slopes that are learnt or drawn, gains.
//!
//! torch_ops.rs compares the operations, precise.rs in src/ops their digits, gradients.rs the derivatives of all
//! that have an entry in the table of activations.

mod described;

use std::fmt::Write as _;

use fanin_nn::diagnose::{InitReport, Probe};
use fanin_nn::init::rand::RngCore;
use fanin_nn::init::{Auto, Gain, ParamKind, manual_seed, with_default_rng};
use fanin_nn::layers::*;
use fanin_nn::tensor::parallel::simulate;
use fanin_nn::{
    Describe, Features, Linear, Mode, Module, Param, Parameters, Sequential, Tape, Tensor, Var,
    gradcheck, gradcheck_at, gradcheck_module,
};

use super::torch_ops::{OTHERWISE, differentiate, golden};
use crate::golden::tensor;

const TOLERANCE: f64 = 1e-6;

// Predictions ----------------------------------------------------------------------------------------

/// Numbers far from 0 and close to it, and some that are none.
fn numbers(rows: usize) -> Tensor {
    let special = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e-30, 88.8];
    let number =
        |i: usize| special.get(i % 200).copied().unwrap_or((i * 7919 % 1000) as f32 / 99.0 - 5.0);
    Tensor::from_vec([rows, 5], (0..5 * rows).map(number).collect())
}

/// A prediction computes a layer and the activation behind it in one pass. The bits are those of one after the
/// other, and of a step that is recorded.
#[test]
fn a_layer_and_its_activation_at_once_give_the_same_bits() {
    let bits = |y: &Tensor| y.as_slice().iter().map(|y| y.to_bits()).collect::<Vec<_>>();
    for (name, activation, _) in all_activations::<f32>() {
        for bias in [true, false] {
            let linear = Linear::builder(5, 37);
            let linear = if bias { linear.build() } else { linear.no_bias().build() };
            let model = Sequential::new().add(linear.clone()).add(activation.clone());
            // One parallel region: they are one pass.
            let x = numbers(2000);
            let regions = simulate(2, || drop(model.predict(&x))).len();
            assert!(
                regions == 1 || ["softmax", "softmin", "log_softmax"].contains(&name),
                "{name}"
            );
            for rows in [1, 3, 2000] {
                let x = numbers(rows);
                let both = bits(&model.predict(&x));
                assert_eq!(
                    both,
                    bits(&activation.predict(&linear.predict(&x))),
                    "{name}, {rows} rows"
                );
                let mut recorded = None;
                let _ = Tape::new().value_and_grad(|t| {
                    let y = model.forward(t.input(&x));
                    recorded = Some(y.value());
                    y.sum()
                });
                assert_eq!(both, bits(&recorded.unwrap()), "{name}, {rows} rows, recorded");
            }
        }
    }
}

/// The activation's parameters may be changed at any time.
#[test]
fn a_changed_activation_is_the_one_that_predicts() {
    let mut model =
        Sequential::new().add(Linear::new(5, 7)).add(LeakyRelu(0.1)).add(Linear::new(7, 2));
    let x = Tensor::ones([3, 5]);
    let before = model.predict(&x);
    model.get_mut::<LeakyRelu>(1).unwrap().0 = -3.0;
    let linear = |i| model.get::<Linear>(i).unwrap();
    let by_hand = linear(2).predict(&LeakyRelu(-3.0).predict(&linear(0).predict(&x)));
    assert_eq!(model.predict(&x), by_hand);
    assert_ne!(before, by_hand);
}

// The table of docs/toolbox/activations.md -----------------------------------------------------------

/// Piece, PyTorch's name, case of the golden file, and the layer.
fn pieces() -> Vec<(&'static str, &'static str, &'static str, Sequential)> {
    let one = Sequential::new;
    vec![
        ("Relu", "nn.ReLU", "relu", one().add(Relu)),
        ("LeakyRelu(0.01)", "nn.LeakyReLU", "leaky_relu", one().add(LeakyRelu::default())),
        ("LeakyRelu(0.2)", "nn.LeakyReLU", "leaky_relu/0.2", one().add(LeakyRelu(0.2))),
        ("Relu6", "nn.ReLU6", "relu6", one().add(Relu6)),
        ("Prelu::new()", "nn.PReLU", "prelu/matrix", one().add(Prelu::new())),
        ("Prelu::per_feature(7)", "nn.PReLU", "prelu/features", one().add(Prelu::per_feature(7))),
        ("Elu(1)", "nn.ELU", "elu", one().add(Elu::default())),
        ("Elu(0.7)", "nn.ELU", "elu/0.7", one().add(Elu(0.7))),
        ("Celu(1)", "nn.CELU", "celu", one().add(Celu::default())),
        ("Celu(0.7)", "nn.CELU", "celu/0.7", one().add(Celu(0.7))),
        ("Selu", "nn.SELU", "selu", one().add(Selu)),
        ("Gelu", "nn.GELU", "gelu", one().add(Gelu)),
        ("GeluTanh", "nn.GELU(approximate='tanh')", "gelu_tanh", one().add(GeluTanh)),
        ("Silu", "nn.SiLU", "silu", one().add(Silu)),
        ("Mish", "nn.Mish", "mish", one().add(Mish)),
        ("Tanh", "nn.Tanh", "tanh", one().add(Tanh)),
        ("Sigmoid", "nn.Sigmoid", "sigmoid", one().add(Sigmoid)),
        ("LogSigmoid", "nn.LogSigmoid", "log_sigmoid", one().add(LogSigmoid)),
        ("Softplus", "nn.Softplus", "softplus", one().add(Softplus)),
        ("SoftplusWith(1, 20)", "nn.Softplus", "softplus_with", one().add(SoftplusWith::default())),
        (
            "SoftplusWith(3, 10)",
            "nn.Softplus",
            "softplus_with/3,10",
            one().add(SoftplusWith(3.0, 10.0)),
        ),
        ("Softsign", "nn.Softsign", "softsign", one().add(Softsign)),
        ("Hardtanh(-1, 1)", "nn.Hardtanh", "hardtanh", one().add(Hardtanh::default())),
        ("Hardtanh(-2, 0.5)", "nn.Hardtanh", "hardtanh/-2,0.5", one().add(Hardtanh(-2.0, 0.5))),
        ("Hardsigmoid", "nn.Hardsigmoid", "hardsigmoid", one().add(Hardsigmoid)),
        ("Hardswish", "nn.Hardswish", "hardswish", one().add(Hardswish)),
        ("Tanhshrink", "nn.Tanhshrink", "tanhshrink", one().add(Tanhshrink)),
        ("Softshrink(0.5)", "nn.Softshrink", "softshrink", one().add(Softshrink::default())),
        ("Softshrink(2)", "nn.Softshrink", "softshrink/2", one().add(Softshrink(2.0))),
        ("Hardshrink(0.5)", "nn.Hardshrink", "hardshrink", one().add(Hardshrink::default())),
        ("Hardshrink(2)", "nn.Hardshrink", "hardshrink/2", one().add(Hardshrink(2.0))),
        ("Threshold(0, 0)", "nn.Threshold", "threshold", one().add(Threshold::default())),
        ("Threshold(0.5, 20)", "nn.Threshold", "threshold/0.5,20", one().add(Threshold(0.5, 20.0))),
        ("Sine(30)", "torch.sin, in float64", "sine", one().add(Sine::default())),
        ("Sine(1.5)", "torch.sin, in float64", "sine/1.5", one().add(Sine(1.5))),
        ("Softmax", "nn.Softmax", "softmax", one().add(Softmax)),
        ("Softmin", "nn.Softmin", "softmin", one().add(Softmin)),
        ("LogSoftmax", "nn.LogSoftmax", "log_softmax", one().add(LogSoftmax)),
        ("Glu", "nn.GLU", "glu", one().add(Glu::new(7))),
        ("Reglu", "a * F.relu(b)", "reglu", one().add(Reglu::new(7))),
        ("Geglu", "a * F.gelu(b)", "geglu", one().add(Geglu::new(7))),
        ("Swiglu", "a * F.silu(b)", "swiglu", one().add(Swiglu::new(7))),
    ]
}

/// `|got − want| / max(1, |want|)`, the largest.
fn deviation(case: &str, got: &Tensor, want: &Tensor) -> f64 {
    assert_eq!(got.shape(), want.shape(), "{case}");
    let pairs = got.as_slice().iter().zip(want.as_slice());
    let otherwise = |i| OTHERWISE.iter().any(|row| (row.0, row.1) == (case, i));
    let differences = pairs.enumerate().filter(|(i, _)| !otherwise(*i)).map(|(_, (got, want))| {
        let (got, want) = (f64::from(*got), f64::from(*want));
        if got == want { 0.0 } else { (got - want).abs() / want.abs().max(1.0) }
    });
    differences.fold(0.0, |worst, d| if d > worst || d.is_nan() { d } else { worst })
}

/// Compares the first two columns with the file, or writes it if FANIN_WRITE_TABLES is set.
fn table(path: &str, head: &str, rows: &[[String; 3]]) {
    let path = format!("{}/../../docs/toolbox/{path}", env!("CARGO_MANIFEST_DIR"));
    let mut text =
        format!("{head}\n\n| piece | PyTorch's name | worst deviation |\n|---|---|---|\n");
    for [piece, torch, worst] in rows {
        writeln!(text, "| `{piece}` | {torch} | {worst} |").unwrap();
    }
    if std::env::var_os("FANIN_WRITE_TABLES").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let names = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|line| line.starts_with('|'));
        rows.map(|row| row.rsplitn(3, '|').nth(2).unwrap().to_owned()).collect()
    };
    let file = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        names(&file) == names(&text),
        "{path} is another table: FANIN_WRITE_TABLES=1 writes it"
    );
}

#[test]
fn layers_are_pytorchs() {
    let (golden, mut rows) = (golden(), vec![]);
    for (piece, torch, name, mut layer) in pieces() {
        let case = golden.iter().find(|case| case.name == name).expect(name);
        let mut values = case.x[1..].iter();
        layer.visit_params_mut(&mut |_, p| *p.value_mut() = values.next().unwrap().clone());
        assert!(values.next().is_none(), "{name}: parameters are missing");
        let x = Param::new(case.x[0].clone());
        let mut params = vec![&x];
        params.extend(layer.named_params().into_iter().map(|(_, p)| p));
        let (y, d) = differentiate(&case.c, &params, |t| layer.forward(t.param(&x)));
        let value = deviation(name, &y, &case.value());
        let gradients = d.iter().zip(&case.d).enumerate();
        let gradient = gradients
            .map(|(i, (d, want))| deviation(&format!("{name} d{i}"), d, want))
            .fold(0.0, f64::max);
        // Gradients of sums of ten numbers of about 1 too.
        assert!(value <= 1e-6 && gradient <= 2e-6, "{name}: {value:e}, gradient {gradient:e}");
        let worst = format!("{value:.0e}, gradient {gradient:.0e}");
        println!("{piece} | {torch} | {worst}");
        rows.push([piece.to_owned(), torch.to_owned(), worst]);
    }
    for (piece, torch) in [("Rrelu", "nn.RReLU"), ("AlphaDropout", "nn.AlphaDropout")] {
        rows.push([piece.to_owned(), torch.to_owned(), "0, the same random numbers".to_owned()]);
    }
    // What is new in the table of activations is missing here.
    for (name, layer, _) in all_activations::<f32>() {
        let named =
            |row: &[String; 3]| row[0].split('(').next() == layer.describe().split('(').next();
        assert!(rows.iter().any(named), "{name} has no row");
    }
    let head = "# Activations beside PyTorch\n\nWritten by crates/nn/tests/nn/activations.rs from golden values of \
                PyTorch 2.15 in f32. A deviation is `|ours − PyTorch's| / max(1, |PyTorch's|)`, the largest of a \
                case. Where PyTorch itself is wrong at ±∞, tests/nn/torch_ops.rs says so.";
    table("activations.md", head, &rows);
}

#[test]
fn a_table_with_other_names_is_refused() {
    let rows = [["Nothing".to_owned(), "nn.Nothing".to_owned(), "0".to_owned()]];
    if std::env::var_os("FANIN_WRITE_TABLES").is_none() {
        let other = std::panic::catch_unwind(|| table("activations.md", "", &rows));
        assert!(other.is_err());
    }
}

// Random numbers -------------------------------------------------------------------------------------

fn bits(x: &Tensor) -> Vec<u32> {
    x.as_slice().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn random_activations_are_pytorchs_bit_for_bit() {
    let mut lines = include_str!("../../golden/activations_random.txt").lines();
    let mut cases = 0;
    while let Some(line) = lines.next() {
        let mut words = line.split(' ');
        match words.next().unwrap() {
            "#" => continue,
            key => assert_eq!(key, "case"),
        }
        let (name, numbers, seed) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let numbers: Vec<f64> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let [x, y, next, c, d] = [(); 5].map(|()| tensor(lines.next().unwrap().split(' ').skip(1)));
        let layer = match (name, &numbers[..]) {
            ("rrelu", &[lower, upper]) => Sequential::new().add(Rrelu::new(lower, upper)),
            ("alpha_dropout", &[p]) => Sequential::new().add(AlphaDropout::new(p)),
            _ => panic!("{line}"),
        };
        manual_seed(seed.parse().unwrap());
        let x = Param::new(x);
        let (got, grads) = differentiate(&c, &[&x], |t| layer.forward(t.param(&x)));
        assert_eq!(bits(&got), bits(&y), "{line}");
        assert_eq!(grads[0], d, "{line}");
        let word = with_default_rng(RngCore::next_u32);
        assert_eq!((word & 0xff_ffff) as f32 / 16_777_216.0, next.item(), "{line}: the generator");
        cases += 1;
    }
    assert_eq!(cases, 9);
}

/// Slopes are uniform: mean and variance to 5 standard deviations, and none is outside.
#[test]
fn slopes_are_uniform_in_training_and_their_mean_in_prediction() {
    const N: usize = 100_000;
    let (layer, x) = (Rrelu::new(0.2, 0.8), Tensor::full(N, -1.0));
    manual_seed(1);
    let y = Tape::new().value_in(Mode::Train, |t| layer.forward(t.input(&x)));
    let slopes: Vec<f64> = y.as_slice().iter().map(|&y| -f64::from(y)).collect();
    assert!(slopes.iter().all(|slope| (0.2 - 1e-7..=0.8 + 1e-7).contains(slope)));
    let mean = slopes.iter().sum::<f64>() / N as f64;
    let variance = slopes.iter().map(|s| (s - 0.5).powi(2)).sum::<f64>() / N as f64;
    let expected = 0.6 * 0.6 / 12.0;
    assert!((mean - 0.5).abs() < 5.0 * (expected / N as f64).sqrt(), "{mean}");
    // The kurtosis of a uniform distribution is 1.8.
    assert!((variance - expected).abs() < 5.0 * expected * (0.8 / N as f64).sqrt(), "{variance}");
    assert_eq!(layer.predict(&x), Tensor::full(N, -0.5));
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad_in(Mode::Evaluate, |t| layer.forward(t.input(&x)).sum());
    assert_eq!(grads.count(), 0);
}

/// Mean 0 and variance 1 stay so, and elements that are dropped have one value.
#[test]
fn alpha_dropout_keeps_mean_and_variance() {
    const N: usize = 200_000;
    for (seed, p) in [0.05, 0.3, 0.5, 0.9].into_iter().enumerate() {
        manual_seed(seed as u64);
        let mut rng = with_default_rng(|rng| rng.clone());
        // ±1 has mean 0 and variance 1.
        let signs = (0..N).map(|_| if rng.next_u32() & 1 == 0 { -1.0 } else { 1.0 }).collect();
        let x = Tensor::from_vec(N, signs);
        manual_seed(seed as u64 + 100);
        let layer = AlphaDropout::new(p);
        let y = Tape::new().value_in(Mode::Train, |t| layer.forward(t.input(&x)));
        let y: Vec<f64> = y.as_slice().iter().map(|&y| f64::from(y)).collect();
        let mean = y.iter().sum::<f64>() / N as f64;
        let variance = y.iter().map(|y| y * y).sum::<f64>() / N as f64;
        let fourth = y.iter().map(|y| y.powi(4)).sum::<f64>() / N as f64;
        assert!(mean.abs() < 5.0 / (N as f64).sqrt(), "p = {p}: mean {mean}");
        let allowed = 5.0 * ((fourth - 1.0) / N as f64).sqrt();
        assert!((variance - 1.0).abs() < allowed, "p = {p}: variance {variance}, within {allowed}");
        assert_eq!(layer.predict(&x), x);
    }
}

// Gradients ------------------------------------------------------------------------------------------

type Function = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

#[test]
fn gradients_of_activations_with_parameters() {
    let functions: [(&str, Function); 12] = [
        ("celu", |x| x.celu(0.7)),
        ("softplus_with", |x| x.softplus_with(3.0, 5.0)),
        ("hardtanh", |x| x.hardtanh(-0.3, 0.8)),
        ("softshrink", |x| x.softshrink(0.2)),
        ("hardshrink", |x| x.hardshrink(0.2)),
        ("threshold", |x| x.threshold(0.2, 3.0)),
        ("sine", |x| x.sine(2.0)),
        ("softmin", |x| x.softmin()),
        ("glu", |x| x.glu()),
        ("reglu", |x| x.reglu()),
        ("geglu", |x| x.geglu()),
        ("swiglu", |x| x.swiglu()),
    ];
    for (name, f) in functions {
        for seed in [1, 2] {
            let check = gradcheck(&[&[3, 8]], seed, |_, x| f(x[0]));
            assert!(check.worst() < TOLERANCE, "{name}: {check:?}");
            // Added to a gradient that is there.
            let check = gradcheck(&[&[2, 2, 4]], seed, |_, x| f(x[0]) + f(x[0] * 0.9));
            assert!(check.worst() < TOLERANCE, "{name}, added: {check:?}");
        }
    }
    // Gated units where their gates are steep, flat and saturated.
    let points = vec![
        1.5, -0.3, 2.0, 0.7, -40.0, -2.0, -1e-3, 1e-3, 3.0, -1.0, 0.2, 5.0, 0.3, 9.0, 40.0, -9.0,
    ];
    let x = Tensor::from_vec([2, 8], points);
    let gates: [Function; 4] = [|x| x.glu(), |x| x.reglu(), |x| x.geglu(), |x| x.swiglu()];
    for f in gates {
        gradcheck_at(vec![x.clone()], 1, |_, x| f(x[0])).assert_below(TOLERANCE);
    }
}

#[test]
fn gradients_of_slopes() {
    for slopes in [1, 8] {
        for seed in [1, 2, 3] {
            gradcheck(&[&[3, 8], &[slopes]], seed, |_, x| x[0].prelu(x[1])).assert_below(TOLERANCE);
            gradcheck(&[&[2, 3, 8], &[slopes]], seed, |_, x| {
                x[0].prelu(x[1]) + x[0].square().prelu(x[1] * x[1]) - x[0].prelu(x[1])
            })
            .assert_below(TOLERANCE);
        }
    }
    gradcheck_module(Prelu::new().cast(), &[4, 7], 1).assert_below(TOLERANCE);
    gradcheck_module(Prelu::per_feature(7).cast(), &[4, 7], 2).assert_below(TOLERANCE);
    gradcheck_module(Glu::new(3), &[4, 6], 1).assert_below(TOLERANCE);
}

/// With the same random numbers at every evaluation.
#[test]
fn gradients_of_random_activations() {
    let negative = || Tensor::from_vec([2, 3], vec![-0.5, 1.0, -1.5, 2.0, -2.5, 3.0]);
    gradcheck_at(vec![negative()], 1, |_, x| {
        manual_seed(5);
        x[0].rrelu(0.1, 0.9) + x[0]
    })
    .assert_below(TOLERANCE);
    gradcheck_at(vec![negative()], 1, |_, x| {
        manual_seed(5);
        x[0].alpha_dropout(0.5) * x[0]
    })
    .assert_below(TOLERANCE);
}

// Gains ----------------------------------------------------------------------------------------------

/// `1 / √E[f(z)²]` by the midpoint rule.
fn gain_of(f: impl Fn(f64) -> f64) -> f64 {
    const N: usize = 400_000;
    let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let at = |i: usize| 24.0 * (i as f64 + 0.5) / N as f64 - 12.0;
    let moment: f64 = (0..N).map(|i| f(at(i)).powi(2) * density(at(i))).sum();
    (moment * 24.0 / N as f64).sqrt().recip()
}

#[test]
fn every_activation_keeps_a_signals_second_moment_by_its_gain() {
    let mut layers: Vec<Box<dyn Layer<f64>>> =
        all_activations::<f64>().into_iter().map(|(_, layer, _)| layer).collect();
    layers.push(Box::new(Celu(0.5)));
    layers.push(Box::new(SoftplusWith(4.0, 2.0)));
    layers.push(Box::new(Hardtanh(-0.2, 2.0)));
    layers.push(Box::new(Softshrink(1.2)));
    layers.push(Box::new(Hardshrink(1.2)));
    layers.push(Box::new(Threshold(0.3, -2.0)));
    layers.push(Box::new(Sine(2.0)));
    layers.push(Box::new(Prelu::new().initial(-0.4).cast::<f64>()));
    let rows = ["Softmax", "Softmin", "LogSoftmax"];
    for layer in layers {
        let name = layer.describe();
        let Some(gain) = layer.activation_gain() else {
            assert!(rows.contains(&&name[..]), "{name} has no gain");
            continue;
        };
        // All points at once.
        const N: usize = 200_000;
        let at = |i: usize| 24.0 * (i as f64 + 0.5) / N as f64 - 12.0;
        let y = layer.predict(&Tensor::from_vec([1, N], (0..N).map(at).collect()));
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let terms = y.as_slice().iter().enumerate().map(|(i, y)| y * y * density(at(i)));
        let want = (terms.sum::<f64>() * 24.0 / N as f64).sqrt().recip();
        assert!((gain.get() / want - 1.0).abs() < 1e-4, "{name}: {gain:?}, not {want}");
    }
    // In training the mean square of the slopes counts.
    let square: f64 = (0.2f64 * 0.2 + 0.2 * 0.8 + 0.8 * 0.8) / 3.0;
    let want = gain_of(|z| if z > 0.0 { z } else { square.sqrt() * z });
    let got = Rrelu::new(0.2, 0.8).activation_gain().unwrap().get();
    assert!((got / want - 1.0).abs() < 1e-5, "{got}, not {want}");
    let mut prelu = Prelu::per_feature(2);
    prelu.weight_mut().value_mut().as_mut_slice().copy_from_slice(&[0.1, 0.5]);
    let square = (0.01 + 0.25) / 2.0;
    let want = gain_of(|z| if z > 0.0 { z } else { f64::sqrt(square) * z });
    assert!((prelu.activation_gain().unwrap().get() / want - 1.0).abs() < 1e-5);
}

/// `Auto` takes the gain of a gated unit: from inputs of variance 1 the output has the second moment of
/// independent a and b of variance gain².
#[test]
fn automatic_gains_of_gated_units() {
    let gates: [(Sequential, Gain); 4] = [
        (Sequential::new().add(Glu::new(64)), Sigmoid.activation_gain().unwrap()),
        (Sequential::new().add(Reglu::new(64)), Relu.activation_gain().unwrap()),
        (Sequential::new().add(Geglu::new(64)), Gelu.activation_gain().unwrap()),
        (Sequential::new().add(Swiglu::new(64)), Silu.activation_gain().unwrap()),
    ];
    for (glu, gain) in gates {
        manual_seed(2);
        let linear = Linear::builder(400, 128).weight(Auto::default()).build();
        let model = Sequential::new().add(linear).add(glu);
        let weight = model.named_params()[0].1.value();
        let square = weight.as_slice().iter().map(|w| f64::from(w * w)).sum::<f64>();
        let std = (square / weight.len() as f64 * 400.0).sqrt();
        assert!((std / gain.get() - 1.0).abs() < 0.02, "{model}: {std}, not {gain:?}");
        assert_eq!(model.features(), Features::Map { input: 400, output: 64 });
    }
}

/// What cannot keep a signal has no gain, and a network with it can be built.
#[test]
fn an_activation_that_is_0_nearly_everywhere_has_no_gain() {
    assert_eq!(Hardshrink(100.0).activation_gain(), None);
    assert_eq!(Threshold(100.0, 0.0).activation_gain(), None);
    assert_eq!(Softshrink(-1.0).activation_gain(), None, "impossible");
    let auto = Linear::builder(3, 4).weight(Auto::default()).build();
    let model = Sequential::new().add(auto).add(Softshrink(100.0));
    assert_eq!(model.predict(&Tensor::ones([2, 3])), Tensor::zeros([2, 4]));
}

// The doctor -----------------------------------------------------------------------------------------

fn batch(rows: usize, cols: usize) -> Tensor {
    let number = |i: usize| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 3f32.sqrt();
    Tensor::from_vec([rows, cols], (0..rows * cols).map(number).collect())
}

#[test]
fn the_doctor_knows_slopes() {
    type Build = fn() -> Sequential;
    let activations: [(&str, Build); 3] = [
        ("Prelu", || Sequential::new().add(Prelu::new())),
        ("Prelu", || Sequential::new().add(Prelu::per_feature(32))),
        ("LeakyRelu", || Sequential::new().add(Rrelu::default())),
    ];
    for (name, activation) in activations {
        manual_seed(4);
        let mut model = Sequential::new();
        for _ in 0..6 {
            let linear = Linear::builder(32, 32).weight(Auto::default()).build();
            model = model.add(linear).add(activation());
        }
        let model = model.add(Linear::new(32, 1));
        let report = InitReport::new(&model, &batch(64, 32));
        assert!(report.is_healthy(), "{name}: {report}");
        let probe = Probe::new(&model, &batch(64, 32));
        let found = &probe.layers()[0].activation.as_ref().unwrap().name;
        assert!(found.starts_with(name), "{found}");
        assert_eq!(probe.layers().len(), 7);
    }
}

#[test]
fn slopes_are_scales_and_are_trained() {
    let model = Sequential::new().add(Linear::new(3, 4)).add(Prelu::per_feature(4));
    let slopes = model.param("1.weight");
    assert_eq!(slopes.spec().kind, ParamKind::Scale);
    assert_eq!(model.num_params(), 3 * 4 + 4 + 4);
    assert_eq!(Prelu::<f32>::default().features(), Features::Same);
    assert_eq!(Prelu::per_feature(4).features(), Features::Map { input: 4, output: 4 });
}

/// Angles beyond 10⁶ are left to std's sine. They change no bit of the others, in value or gradient.
#[test]
fn a_sine_far_from_0_leaves_its_neighbours_as_they_are() {
    let near: Vec<f32> = (0..100).map(|i| (i as f32 - 50.0) * 0.731).collect();
    let with = |far: &[f32]| {
        let x: Tensor = near.iter().chain(far).copied().collect();
        let x = Param::new(x);
        let functions: [for<'t> fn(Var<'t>) -> Var<'t>; 3] =
            [|x| x.sine(30.0), |x| x.sin(), |x| x.cos()];
        let values = functions.map(|f| Tape::new().value(|t| f(t.param(&x))));
        let slopes = functions.map(|f| {
            let mut tape = Tape::new();
            let (_, grads) = tape.value_and_grad(|t| f(t.param(&x)).sum());
            grads.get(&x).unwrap().clone()
        });
        [values, slopes].concat()
    };
    let far = [1e6f32, -3e9, 1.2345e30, f32::INFINITY, f32::NAN];
    for (alone, among) in with(&[]).iter().zip(with(&far)) {
        assert_eq!(alone.as_slice(), &among.as_slice()[..near.len()]);
    }
    let [sine, sin, cos] = [0, 1, 2].map(|i| with(&far)[i].as_slice()[near.len()..].to_vec());
    let want = |f: fn(f64) -> f64, factor: f64| far.map(|x| f(factor * f64::from(x)) as f32);
    for (got, want) in
        [(sine, want(f64::sin, 30.0)), (sin, want(f64::sin, 1.0)), (cos, want(f64::cos, 1.0))]
    {
        assert_eq!(format!("{got:?}"), format!("{want:?}"));
    }
}
