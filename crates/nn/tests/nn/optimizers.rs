//! Optimizers against PyTorch's over 50 steps, L-BFGS and averaged weights too: golden/optim.txt, which
//! golden/optim.py wrote. Their state resumes to the bit, and options that cannot work are refused.
//!
//! `FANIN_WRITE_TABLES=1 cargo test -p fanin-nn optimizers` writes docs/toolbox/optimizers.md.

use std::fmt::Write as _;
use std::path::Path;

use fanin_nn::init::ParamSpec;
use fanin_nn::layers::{BatchNorm1d, Tanh};
use fanin_nn::optim::*;
use fanin_nn::{
    Buffer, Checkpoint, Linear, Module, NewF64, Param, Parameters, Scalar, Sequential, Tape,
    Tensor, Var,
};

use super::frame::{bits, mlp, random, train};
use super::panics::message;

/// Relative to max(1, |PyTorch's|), over 50 steps.
const TOLERANCE: f64 = 2e-6;
/// Muon's iteration multiplies the rounding errors of small singular values by up to 480; L-BFGS divides by
/// differences of gradients.
const TOLERANCE_SENSITIVE: f64 = 1e-4;
/// The steps after which golden/optim.txt shows the parameters.
const SHOWN: [usize; 6] = [1, 2, 7, 20, 26, 50];
/// The step after which the learning rate is multiplied by 0.7.
const SLOWER: usize = 25;

/// The lines of the golden file by their first word, from a case on to the next.
fn lines(case: &str) -> Vec<(&'static str, &'static str)> {
    let all = include_str!("../../golden/optim.txt").lines().filter(|line| !line.starts_with('#'));
    let mut at = "";
    let of_case = all.filter_map(|line| {
        let (key, rest) = line.split_once(' ').unwrap();
        if key == "case" {
            at = rest;
        }
        (at == case && key != "case").then_some((key, rest))
    });
    of_case.collect()
}

/// A tensor of the golden file, in `f64` or widened from `f32`.
fn tensor<T: Scalar>(text: &str) -> Tensor<T> {
    let mut words = text.split(' ');
    let shape: Vec<usize> = words.next().unwrap().split('x').map(|n| n.parse().unwrap()).collect();
    let number = |hex: &str| match hex.len() {
        8 => f64::from(f32::from_bits(u32::from_str_radix(hex, 16).unwrap())),
        _ => f64::from_bits(u64::from_str_radix(hex, 16).unwrap()),
    };
    Tensor::from_vec(&shape[..], words.map(|hex| T::from_f64(number(hex))).collect())
}

fn tensors<T: Scalar>(case: &str, key: &str) -> Vec<Tensor<T>> {
    lines(case).into_iter().filter(|line| line.0 == key).map(|line| tensor(line.1)).collect()
}

/// The largest difference, relative to max(1, |want|). A NaN is as far as can be.
fn deviation<T: Scalar>(got: &[Tensor<T>], want: &[Tensor<T>]) -> f64 {
    assert_eq!(got.len(), want.len());
    let pairs = got.iter().zip(want).flat_map(|(got, want)| {
        assert_eq!(got.shape(), want.shape());
        got.as_slice().iter().zip(want.as_slice())
    });
    let each = pairs.map(|(got, want)| {
        let (got, want) = (got.to_f64(), want.to_f64());
        (got - want).abs() / want.abs().max(1.0)
    });
    each.fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

#[derive(Parameters)]
struct Model {
    w: Param,
    b: Param,
}

/// Each case of the golden file, with PyTorch's name.
fn cases() -> Vec<(&'static str, &'static str, Box<dyn Optimizer>)> {
    let rest = || AdamW::new(0.004).weight_decay(0.3);
    let muon = || Muon::new(0.021, rest()).momentum(0.9);
    let options = Muon::new(0.03, rest()).momentum(0.4).nesterov(false).weight_decay(0.3);
    let options = options.coefficients(2.0, -1.5, 0.5).iterations(3);
    let radam = RAdam::new(0.023).betas(0.8, 0.99).weight_decay(0.2);
    let adadelta = || Adadelta::new(1.0);
    let adafactor = Adafactor::new(0.3).beta2_decay(-0.6).epsilons(1e-6, 0.5).clip(1.3);
    let rmsprop = RmsProp::new(0.007).alpha(0.93).epsilon(1e-5).weight_decay(0.03).momentum(0.6);
    let sgd = Sgd::new(0.037).momentum(0.77).dampening(0.21).weight_decay(0.013);
    vec![
        ("sgd-maximize", "SGD", Box::new(sgd.maximize())),
        (
            "sgd-nesterov",
            "SGD",
            Box::new(Sgd::new(0.013).momentum(0.93).nesterov().weight_decay(0.07)),
        ),
        (
            "adam-amsgrad",
            "Adam(amsgrad=True)",
            Box::new(
                Adam::new(0.031).betas(0.83, 0.917).epsilon(3e-5).weight_decay(0.021).amsgrad(),
            ),
        ),
        (
            "adamw-amsgrad",
            "AdamW(amsgrad=True)",
            Box::new(AdamW::new(0.031).betas(0.43, 0.917).weight_decay(0.21).amsgrad()),
        ),
        (
            "nadam",
            "NAdam",
            Box::new(
                NAdam::new(0.017)
                    .betas(0.81, 0.93)
                    .epsilon(1e-6)
                    .weight_decay(0.03)
                    .momentum_decay(0.05),
            ),
        ),
        ("nadam-decoupled", "NAdam", Box::new(NAdam::new(2e-3).weight_decay(0.3).decoupled())),
        (
            "radam",
            "RAdam",
            Box::new(RAdam::new(0.019).betas(0.9, 0.97).epsilon(1e-5).weight_decay(0.02)),
        ),
        ("radam-decoupled", "RAdam", Box::new(radam.decoupled())),
        ("adagrad", "Adagrad", Box::new(Adagrad::new(0.013))),
        (
            "adagrad-options",
            "Adagrad",
            Box::new(
                Adagrad::new(0.13)
                    .lr_decay(0.07)
                    .weight_decay(0.01)
                    .initial_accumulator(0.3)
                    .epsilon(1e-6),
            ),
        ),
        ("adadelta", "Adadelta", Box::new(adadelta())),
        (
            "adadelta-options",
            "Adadelta",
            Box::new(Adadelta::new(0.9).rho(0.87).epsilon(1e-4).weight_decay(0.02)),
        ),
        ("rmsprop-options", "RMSprop", Box::new(rmsprop.centered())),
        (
            "adamax",
            "Adamax",
            Box::new(Adamax::new(0.021).betas(0.87, 0.93).epsilon(1e-4).weight_decay(0.03)),
        ),
        ("rprop", "Rprop", Box::new(Rprop::new(0.03).etas(0.41, 1.37).step_sizes(1e-4, 0.5))),
        ("asgd", "ASGD", Box::new(asgd())),
        (
            "lion",
            "(reference in torch)",
            Box::new(Lion::new(0.011).betas(0.85, 0.97).weight_decay(0.07)),
        ),
        ("adafactor", "Adafactor", Box::new(Adafactor::new(0.01))),
        ("adafactor-options", "Adafactor", Box::new(adafactor.weight_decay(0.02))),
        ("adafactor-stack", "Adafactor", Box::new(Adafactor::new(0.05))),
        ("muon", "Muon, AdamW", Box::new(muon().weight_decay(0.03))),
        ("muon-wide", "Muon, AdamW", Box::new(muon().scale(MuonScale::MatchRmsAdamW))),
        ("muon-options", "Muon, AdamW", Box::new(options.scale(MuonScale::SpectralUnclamped))),
    ]
}

fn asgd() -> Asgd {
    Asgd::new(0.03).lambda(0.01).alpha(0.6).t0(12.0).weight_decay(0.01)
}

/// In which form a case has w.
fn form(case: &str, w: &Tensor) -> Tensor {
    match case {
        "muon-wide" => {
            let (rows, columns) = (w.shape()[0], w.shape()[1]);
            let at = |i| w.as_slice()[i % rows * columns + i / rows];
            Tensor::from_vec([columns, rows], (0..rows * columns).map(at).collect())
        }
        "adafactor-stack" => w.clone().reshape([2, 2, 3]),
        _ => w.clone(),
    }
}

/// What w and b are after each of the shown steps.
fn run(case: &str, optimizer: &mut dyn Optimizer) -> (Vec<Tensor>, Model) {
    let [w, b] = &tensors("", "start")[..] else { panic!("two parameters") };
    // Muon takes weights.
    let w = Param::weight(form(case, w), 3, 4);
    let mut model = Model { w, b: Param::new(b.clone()) };
    let (mut tape, mut shown) = (Tape::new(), vec![]);
    for (step, gradients) in (1..).zip(tensors::<f32>("", "gradient").chunks(2)) {
        let (gw, gb) = (form(case, &gradients[0]), &gradients[1]);
        let without_b = step % 3 == 2;
        let before = model.b.value().clone();
        // The gradient of Σ g ⊙ p with respect to p is g, exactly.
        let (_, grads) = tape.value_and_grad(|t| {
            let loss = (t.param(&model.w) * t.input(&gw)).sum();
            if without_b { loss } else { loss + (t.param(&model.b) * t.input(gb)).sum() }
        });
        optimizer.step(&mut model, grads);
        if without_b {
            assert_eq!(model.b.value(), &before, "{case}: b has no gradient in step {step}");
        }
        if step == SLOWER && case != "asgd" {
            optimizer.set_lr(optimizer.lr() * 0.7);
        }
        if SHOWN.contains(&step) {
            shown.extend([model.w.value().clone(), model.b.value().clone()]);
        }
    }
    (shown, model)
}

/// A row of the table.
struct Row {
    piece: String,
    torch: String,
    worst: f64,
    tolerance: f64,
}

fn rows_of_rules() -> Vec<Row> {
    let golden = include_str!("../../golden/optim.txt");
    let listed = golden.lines().filter_map(|line| line.strip_prefix("case "));
    let listed = listed.take_while(|name| *name != "ema");
    let cases = cases();
    assert_eq!(listed.collect::<Vec<_>>(), cases.iter().map(|case| case.0).collect::<Vec<_>>());
    let mut rows = vec![];
    for (name, torch, mut optimizer) in cases {
        let worst = deviation(&run(name, &mut *optimizer).0, &tensors(name, "after"));
        let sensitive = name.starts_with("muon");
        let tolerance = if sensitive { TOLERANCE_SENSITIVE } else { TOLERANCE };
        let piece = format!("{} ({name})", optimizer.state().optimizer);
        rows.push(Row { piece, torch: torch.into(), worst, tolerance });
    }
    // The average of ASGD.
    let mut asgd = asgd();
    let (_, mut model) = run("asgd", &mut asgd);
    asgd.apply_average(&mut model);
    let averages = [model.w.value().clone(), model.b.value().clone()];
    let worst = deviation(&averages, &tensors("asgd", "average"));
    let (piece, torch) = ("Asgd::apply_average".into(), "ASGD, state[\"ax\"]".into());
    rows.push(Row { piece, torch, worst, tolerance: TOLERANCE });
    rows
}

/// A parameter and a buffer.
#[derive(Parameters)]
struct Layer {
    w: Param,
    b: Buffer,
}

/// The averages after each update with the first gradients as weights.
fn averages<const EQUAL: bool>(mut averaging: Averaging<EQUAL>) -> Vec<Tensor> {
    let gradients = tensors("", "gradient");
    let mut all = vec![];
    let start = &gradients[..2];
    let mut layer = Layer { w: Param::new(start[0].clone()), b: Buffer::new(start[1].clone()) };
    for step in gradients.chunks(2).take(6) {
        *layer.w.value_mut() = step[0].clone();
        *layer.b.value_mut() = step[1].clone();
        averaging.update(&layer);
        averaging.swap(&mut layer);
        all.extend([layer.w.value().clone(), layer.b.value().clone()]);
        averaging.swap(&mut layer);
        assert_eq!(layer.w.value(), &step[0]);
    }
    all
}

fn rows_of_averages() -> Vec<Row> {
    let cases = [
        ("ema", "get_ema_avg_fn", averages(Ema::new(0.83))),
        ("ema-buffers", "get_ema_avg_fn, use_buffers", averages(Ema::new(0.83).average_buffers())),
        ("swa", "AveragedModel", averages(Swa::new())),
        ("swa-buffers", "AveragedModel, use_buffers", averages(Swa::new().average_buffers())),
    ];
    let rows = cases.into_iter().map(|(name, torch, got)| Row {
        piece: if name.starts_with("ema") { "Ema" } else { "Swa" }.to_owned() + " (" + name + ")",
        torch: torch.into(),
        worst: deviation(&got, &tensors(name, "averaged")),
        tolerance: TOLERANCE,
    });
    rows.collect()
}

/// `tanh(x·Wᵀ + b)·vᵀ + c`
#[derive(Parameters)]
struct Network<T: Scalar> {
    hidden: Linear<T>,
    output: Linear<T>,
}

impl<T: Scalar> Network<T> {
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.output.forward(self.hidden.forward(x).tanh())
    }
}

/// How far L-BFGS is from PyTorch's over its steps. The losses and evaluations are the same.
fn lbfgs<T: Scalar>(case: &str, mut lbfgs: Lbfgs<T>, mut tape: Tape<T>) -> f64 {
    let start = tensors::<T>("swa-buffers", "lbfgs");
    let [x, y, ..] = &start[..] else { panic!("inputs and targets") };
    let mut model = Network { hidden: Linear::new(2, 3).cast(), output: Linear::new(3, 1).cast() };
    for ((_, p), start) in model.named_params_mut().into_iter().zip(&start[2..]) {
        *p.value_mut() = start.clone();
    }
    let (mut got, mut want) = (vec![], vec![]);
    let mut parameters = tensors::<T>(case, "after").into_iter();
    for (key, text) in lines(case) {
        match key {
            "loss" => {
                let loss = lbfgs.step(&mut model, &mut tape, |model, t| {
                    model.forward(t.input(x)).mse(t.input(y))
                });
                got.push(Tensor::full(1, loss));
                want.push(tensor(text));
            }
            "evaluations" => assert_eq!(lbfgs.evaluations().to_string(), text, "{case}"),
            "after" if got.len() % 5 == 1 => {
                got.extend(model.named_params().into_iter().map(|(_, p)| p.value().clone()));
                want.extend(parameters.by_ref().take(4));
            }
            "after" => {}
            _ => panic!("{key} in {case}"),
        }
    }
    assert!(got.len() >= 5, "{case}");
    deviation(&got, &want)
}

fn rows_of_lbfgs() -> Vec<Row> {
    type Options<T> = fn() -> Lbfgs<T>;
    fn cases<T: Scalar>() -> [(&'static str, Options<T>); 4] {
        [
            ("wolfe", || Lbfgs::new(1.0).strong_wolfe().max_iter(5)),
            ("wolfe-history", || Lbfgs::new(0.7).strong_wolfe().history_size(3).max_iter(12)),
            ("fixed", || Lbfgs::new(0.3).max_iter(4)),
            ("fixed-evaluations", || Lbfgs::new(0.2).max_iter(20).max_eval(7).history_size(2)),
        ]
    }
    let mut rows = vec![];
    let mut push = |case: String, worst, tolerance| {
        let piece = format!("Lbfgs ({case})");
        rows.push(Row { piece, torch: "LBFGS".into(), worst, tolerance });
    };
    for (name, options) in cases::<f32>() {
        let case = format!("lbfgs-{name}-f32");
        let worst = lbfgs(&case, options(), Tape::new());
        push(case, worst, TOLERANCE_SENSITIVE);
    }
    for (name, options) in cases::<f64>() {
        let case = format!("lbfgs-{name}-f64");
        let worst = lbfgs(&case, options(), <Tape<f64> as NewF64>::new());
        push(case, worst, 1e-9);
    }
    rows
}

#[test]
fn trajectories_are_pytorchs() {
    let mut rows = rows_of_rules();
    rows.extend(rows_of_lbfgs());
    rows.extend(rows_of_averages());
    let mut table = String::from(
        "# Optimizers beside PyTorch's\n\n\
         Written by crates/nn/tests/nn/optimizers.rs: \
         `FANIN_WRITE_TABLES=1 cargo test -p fanin-nn --test nn optimizers`. Golden data by \
         crates/nn/golden/optim.py. Rules take 50 steps in `f32` with awkward options, a rate that \
         changes and a parameter without gradient in every third step. A deviation is relative to \
         max(1, |PyTorch's|). Lion is not in PyTorch; its reference is the paper's algorithm. Muon is \
         compared with PyTorch's that iterates in float32 in place of bfloat16. L-BFGS needs \
         the same number of evaluations.\n\n\
         | piece | PyTorch's name | worst deviation |\n|---|---|---|\n",
    );
    let mut failed = vec![];
    for Row { piece, torch, worst, tolerance } in &rows {
        eprintln!("{piece}: {worst:.1e}");
        writeln!(table, "| {piece} | {torch} | {worst:.1e} |").unwrap();
        if worst >= tolerance {
            failed.push(format!("{piece}: {worst:e} from PyTorch, not {tolerance:e}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    check_table("optimizers.md", &table);
}

/// Writes a table of docs/toolbox, or compares the names in it.
fn check_table(name: &str, table: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/toolbox");
    if std::env::var_os("FANIN_WRITE_TABLES").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), table).unwrap();
    }
    let written = std::fs::read_to_string(folder.join(name)).unwrap();
    let names = |table: &str| -> Vec<String> {
        let rows = table.lines().filter(|line| line.starts_with('|'));
        rows.map(|row| row.rsplitn(3, '|').last().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&written), names(table), "write {name} anew: FANIN_WRITE_TABLES=1");
}

/// Each option matters: no optimizer passes for another.
#[test]
fn optimizers_are_told_apart() {
    let count = cases().len();
    for a in 0..count {
        for b in 0..count {
            let ((name, _, mut optimizer), case) = (cases().swap_remove(a), cases()[b].0);
            // Of the same options.
            let same = ["adafactor", "adafactor-stack"];
            if a == b || (same.contains(&name) && same.contains(&case)) {
                continue;
            }
            let distance = deviation(&run(case, &mut *optimizer).0, &tensors(case, "after"));
            assert!(distance > 1e-3, "{name} passes for {case}: {distance:e}");
        }
    }
}

/// Every optimizer with a rule, with options that need all of its slots.
fn all() -> Vec<fn() -> Box<dyn Optimizer>> {
    vec![
        || Box::new(Sgd::new(0.1)),
        || Box::new(Sgd::new(0.1).momentum(0.9).maximize()),
        || Box::new(Adam::new(1e-2).group("*.bias", |g| g.rate(1e-3))),
        || Box::new(Adam::new(1e-2).amsgrad()),
        || Box::new(AdamW::new(1e-2)),
        || Box::new(NAdam::new(1e-2)),
        || Box::new(RAdam::new(1e-2)),
        || Box::new(Adagrad::new(1e-2).initial_accumulator(0.1)),
        || Box::new(Adadelta::new(1.0)),
        || Box::new(RmsProp::new(1e-2).centered().momentum(0.5)),
        || Box::new(Adamax::new(1e-2)),
        || Box::new(Rprop::new(1e-2)),
        || Box::new(Asgd::new(1e-2).t0(3.0)),
        || Box::new(Lion::new(1e-3)),
        || Box::new(Adafactor::new(1e-2)),
        || Box::new(Muon::new(1e-2, AdamW::new(1e-3)).group("2.*", |g| g.adamw())),
    ]
}

#[test]
fn every_optimizer_resumes_to_the_bit() {
    for optimizer in all() {
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

        // Slots of another shape are refused, whatever shape they should have.
        let mut wrong = state.clone();
        if let Some((_, slot)) = wrong.params[0].slots.last_mut() {
            *slot = Tensor::zeros([7, 7, 7]);
            let error = optimizer().load_state(&resumed, wrong).unwrap_err().to_string();
            assert!(error.contains("is 7×7×7, and the parameter is"), "{error}");
        }
    }
}

#[test]
fn a_rate_of_nan_is_refused() {
    let refused = |f: &mut dyn FnMut()| {
        let text = message(f);
        assert!(text.contains("learning rate NaN is outside [0, inf)"), "{text}");
    };
    for optimizer in all() {
        refused(&mut || optimizer().set_lr(f64::NAN));
    }
    let news: [fn(f64); 14] = [
        |lr| drop(Sgd::new(lr)),
        |lr| drop(Adam::new(lr)),
        |lr| drop(AdamW::new(lr)),
        |lr| drop(NAdam::new(lr)),
        |lr| drop(RAdam::new(lr)),
        |lr| drop(Adagrad::new(lr)),
        |lr| drop(Adadelta::new(lr)),
        |lr| drop(RmsProp::new(lr)),
        |lr| drop(Adamax::new(lr)),
        |lr| drop(Rprop::new(lr)),
        |lr| drop(Asgd::new(lr)),
        |lr| drop(Lion::new(lr)),
        |lr| drop(Adafactor::new(lr)),
        |lr| drop(Muon::new(lr, AdamW::new(0.1))),
    ];
    for new in news {
        refused(&mut || new(f64::NAN));
    }
    refused(&mut || drop(Lbfgs::<f32>::new(f64::NAN)));
}

#[test]
fn options_that_cannot_work_are_refused() {
    let mistakes: [(fn(), &str); 12] = [
        (|| drop(Adagrad::new(0.1).lr_decay(-1.0)), "Adagrad: lr_decay -1 is outside [0, inf)"),
        (|| drop(Adadelta::new(0.1).rho(1.0)), "Adadelta: rho 1 is outside [0, 1)"),
        (|| drop(NAdam::new(0.1).betas(0.9, 1.0)), "NAdam: beta2 1 is outside [0, 1)"),
        (
            || drop(Rprop::new(0.1).etas(1.2, 0.5)),
            "Rprop: etas 1.2 and 0.5 must be 0 < η₋ < 1 < η₊",
        ),
        (|| drop(Rprop::new(0.1).step_sizes(1.0, 0.5)), "Rprop: step sizes 1 and 0.5 must be"),
        (|| drop(Adafactor::new(0.1).clip(0.5)), "Adafactor: clip 0.5 is outside [1, inf)"),
        (|| drop(Adafactor::new(0.1).beta2_decay(0.8)), "beta2_decay 0.8 must be 0 or less"),
        (
            || drop(Muon::new(0.0, AdamW::new(0.1))),
            "AdamW cannot have a rate of 0.1 beside one of 0",
        ),
        (
            || drop(Muon::new(0.1, AdamW::new(0.1).group("*.bias", |g| g))),
            "Muon: the AdamW has groups; give them to Muon",
        ),
        (|| drop(Lbfgs::<f32>::new(1.0).max_iter(0)), "Lbfgs: max_iter is 0"),
        (|| drop(Lbfgs::<f32>::new(1.0).history_size(0)), "Lbfgs: history_size is 0"),
        (|| drop(Ema::<f32>::new(1.0)), "Ema: decay 1 is outside [0, 1)"),
    ];
    for (mistake, want) in mistakes {
        let text = message(mistake);
        assert!(text.contains(want), "{text}");
    }
}

/// Weights of layers go Muon's way, but for the group that says otherwise; all else is AdamW's.
#[test]
fn muon_leaves_all_but_hidden_matrices_to_adamw() {
    let rest = || AdamW::new(3e-3).weight_decay(0.2);
    let run = |optimizer: &mut dyn Optimizer| {
        let mut model = mlp(1);
        train(&mut model, optimizer, 0..1);
        model
    };
    let muon = run(&mut Muon::new(0.02, rest()).group("2.*", |g| g.adamw()));
    let adamw = run(&mut rest());
    for ((path, muon), (_, adamw)) in muon.named_params().into_iter().zip(adamw.named_params()) {
        assert_eq!(muon.value() == adamw.value(), path != "0.weight", "{path}");
    }
    // Matrices that are no weights: a table of vectors, and one of no stated kind.
    let g = random(&[4, 3], 5);
    let step = |optimizer: &mut dyn Optimizer| {
        let table = Param::with_spec(Tensor::ones([4, 3]), ParamSpec::embedding(3));
        let mut model = Model { w: Param::new(Tensor::ones([4, 3])), b: table };
        let mut tape = Tape::new();
        let (_, grads) =
            tape.value_and_grad(|t| ((t.param(&model.w) + t.param(&model.b)) * t.input(&g)).sum());
        optimizer.step(&mut model, grads);
        bits(&model)
    };
    assert_eq!(step(&mut Muon::new(0.02, rest())), step(&mut rest()));
}

/// With enough iterations of Newton and Schulz' cubic form, the step is orthogonal.
#[test]
fn muon_steps_along_an_orthogonal_matrix() {
    let g = random(&[4, 6], 3);
    let mut layer = Linear::new(6, 4);
    let before = layer.weight().clone();
    let mut muon = Muon::new(1.0, AdamW::new(0.0)).weight_decay(0.0);
    muon = muon.coefficients(1.5, -0.5, 0.0).iterations(60);
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| (t.param(layer.param("weight")) * t.input(&g)).sum());
    muon.step(&mut layer, grads);
    let step = &before - layer.weight();
    for i in 0..4 {
        for j in 0..4 {
            let row = |i: usize| &step.as_slice()[6 * i..][..6];
            let dot: f32 = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
            assert!((dot - f32::from(i == j)).abs() < 1e-4, "{i} {j}: {dot}");
        }
    }
}

/// Adafactor remembers a number for each row and column, and one for each element of a vector.
#[test]
fn adafactor_remembers_rows_and_columns() {
    let (mut model, mut adafactor) = (mlp(1), Adafactor::new(1e-2));
    train(&mut model, &mut adafactor, 0..2);
    let state: OptimizerState = adafactor.state();
    let shapes = |path: &str| -> Vec<Vec<usize>> {
        let of_path = state.params.iter().find(|param| param.path == path).unwrap();
        of_path.slots.iter().map(|(_, slot)| slot.shape().to_vec()).collect()
    };
    let weight = model.param("0.weight").value().shape().to_vec();
    assert_eq!(shapes("0.weight"), [[weight[0], 1], [1, weight[1]]]);
    assert_eq!(shapes("0.bias"), [[weight[0]], [0]]);
}

#[test]
fn lbfgs_takes_buffers_along_and_leaves_frozen_parameters() {
    let x = random(&[16, 2], 1);
    let mut model =
        Sequential::new().add(Linear::new(2, 3)).add(BatchNorm1d::new(3)).add(Linear::new(3, 1));
    model.set_trainable("0.*", false);
    let before = model.clone();
    let (mut lbfgs, mut tape) = (Lbfgs::new(1.0).strong_wolfe(), Tape::new());
    let mut step = |model: &mut Sequential| {
        lbfgs.step(model, &mut tape, |m, t| m.forward(t.input(&x)).square().mean())
    };
    let first = step(&mut model);
    assert!(step(&mut model) < first / 10.0);
    assert_eq!(model.param("0.weight").value(), before.param("0.weight").value());
    assert_ne!(model.param("2.weight").value(), before.param("2.weight").value());
    assert_ne!(model.named_buffers()[0].1.value(), before.named_buffers()[0].1.value());
}

#[test]
#[should_panic(expected = "step: the loss depends on no trainable parameter that the model shows")]
fn lbfgs_refuses_a_loss_without_parameters() {
    let (mut model, mut tape, x) = (Linear::new(2, 1), Tape::new(), random(&[4, 2], 1));
    model.set_trainable("*", false);
    Lbfgs::new(1.0).step(&mut model, &mut tape, |m, t| m.forward(t.input(&x)).sum());
}

#[test]
fn lbfgs_resumes_to_the_bit_and_refuses_what_does_not_fit() {
    let (x, y) = (random(&[32, 8], 1), random(&[32, 3], 2));
    let run = |model: &mut Sequential, lbfgs: &mut Lbfgs, steps| {
        let mut tape = Tape::new();
        for _ in 0..steps {
            lbfgs.step(model, &mut tape, |m, t| m.forward(t.input(&x)).mse(t.input(&y)));
        }
    };
    let new = || Lbfgs::new(1.0).strong_wolfe().max_iter(4).history_size(6);
    let (mut model, mut whole) = (mlp(1), new());
    run(&mut model, &mut whole, 3);
    let (saved, text) = (model.to_bytes().unwrap(), serde_json::to_string(&whole.state()).unwrap());
    run(&mut model, &mut whole, 3);

    let (mut resumed, mut half) = (mlp(2), new());
    resumed.load_bytes(&saved).unwrap();
    let state: LbfgsState = serde_json::from_str(&text).unwrap();
    half.load_state(&resumed, state.clone()).unwrap();
    run(&mut resumed, &mut half, 3);
    assert_eq!(bits(&resumed), bits(&model));
    assert_eq!(half.state(), whole.state());

    let refused = |why: &str, state: &LbfgsState| {
        let error = new().load_state(&resumed, state.clone()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    let other = new().load_state(&Linear::new(2, 1), state.clone()).unwrap_err().to_string();
    assert!(other.contains("it is of 195 numbers, and the model trains 3"), "{other}");
    let mut wrong = state.clone();
    wrong.lr = f64::NAN;
    refused("its learning rate is NaN", &wrong);
    let mut wrong = state.clone();
    wrong.gradient[7] = f32::INFINITY;
    refused("a number of it is inf", &wrong);
    let mut wrong = state.clone();
    wrong.pairs[0].0.iter_mut().for_each(|y| *y = -*y);
    refused("the curvature of a pair is -", &wrong);
    let mut wrong = state;
    wrong.pairs.extend(wrong.pairs.clone());
    refused("and the history size is 6", &wrong);
}

/// A loss that is NaN changes nothing, and the next step goes on.
#[test]
fn lbfgs_keeps_the_parameters_where_the_loss_is_not_finite() {
    let (mut model, mut tape) = (Linear::new(2, 1), Tape::new());
    let before = bits(&model);
    let mut lbfgs = Lbfgs::new(1.0).strong_wolfe();
    let x = Tensor::full([4, 2], f32::NAN);
    let loss = lbfgs.step(&mut model, &mut tape, |m, t| m.forward(t.input(&x)).square().mean());
    assert!(loss.is_nan());
    assert_eq!(bits(&model), before);
    let x = random(&[4, 2], 1);
    let mut step =
        || lbfgs.step(&mut model, &mut tape, |m, t| m.forward(t.input(&x)).square().mean());
    let first = step();
    assert!(step() < first);
}

#[test]
fn averages_resume_to_the_bit_and_refuse_other_models() {
    let mut model = Sequential::new().add(Linear::new(2, 3)).add(BatchNorm1d::new(3)).add(Tanh);
    let mut whole = Ema::new(0.9).average_buffers();
    let change = |model: &mut Sequential, seed| {
        for (_, p) in model.named_params_mut() {
            *p.value_mut() = random(p.value().shape(), seed);
        }
    };
    for seed in 0..3 {
        change(&mut model, seed);
        whole.update(&model);
    }
    let text = serde_json::to_string(&whole.state()).unwrap();
    let mut resumed = Ema::new(0.9).average_buffers();
    resumed.load_state(&model, serde_json::from_str(&text).unwrap()).unwrap();
    // A clone has the same paths and other identities.
    let mut clone = model.clone();
    change(&mut model, 3);
    change(&mut clone, 3);
    whole.update(&model);
    resumed.update(&clone);
    assert_eq!(whole.state(), resumed.state());

    let other = Sequential::new().add(Linear::new(2, 4));
    let error = Ema::new(0.9).load_state(&other, whole.state()).unwrap_err().to_string();
    assert!(error.contains("0.weight is 4×2 in the model and 3×2 in the average"), "{error}");
    let mut wrong = whole.state();
    wrong.updates = 0;
    let error = Ema::new(0.9).load_state(&model, wrong).unwrap_err().to_string();
    assert!(error.contains("it has averages of 0 updates"), "{error}");
}

#[test]
#[should_panic(
    expected = "update: 0.weight is 4×2 in the model and 3×2 in the average; an Ema serves one model"
)]
fn an_average_refuses_another_model() {
    let mut ema = Ema::new(0.9);
    ema.update(&Sequential::new().add(Linear::new(2, 3)));
    ema.update(&Sequential::new().add(Linear::new(2, 4)));
}

#[test]
#[should_panic(expected = "swap: Swa has seen no weights; update it first")]
fn an_average_of_nothing_is_refused() {
    Swa::new().swap(&mut Linear::new(2, 3));
}
