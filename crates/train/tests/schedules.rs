//! Schedules against PyTorch's schedulers, step by step: golden/schedules.txt, which golden/schedules.py
//! wrote.
//!
//! `FANIN_WRITE_TABLES=1 cargo test -p fanin-train --test schedules` writes docs/toolbox/schedules.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::path::Path;

use fanin_train::Schedule;
use fanin_train::schedule::*;

/// PyTorch multiplies from step to step, where a function of the step takes a power.
const TOLERANCE: f64 = 1e-12;

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ').map(|word| word.parse().unwrap()).collect()
}

/// The rates of a case of the golden file.
fn golden(name: &str) -> &'static str {
    let mut lines = include_str!("../golden/schedules.txt").lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap()
}

/// Its name, type and PyTorch's name, base rate, and schedule.
type Case = (&'static str, &'static str, &'static str, f64, Box<dyn Schedule>);

/// Each schedule of the golden file.
fn schedules() -> Vec<Case> {
    let one_cycle = || OneCycle::new(41).max(0.7);
    let sequence = Sequence::new(ConstantLr::factor(0.3, 4))
        .then(5, Exponential::new(0.9))
        .then(17, StepLr::new(3, 0.5));
    let constant = WarmUp::new(8, StepLr::new(5, 0.4)).factor(0.2).form(WarmUpForm::Constant);
    let cyclic2 = Cyclic::new(0.7, 4).down(7).mode(CyclicMode::Triangular2);
    let cyclic_exp = Cyclic::new(0.7, 3).down(2).mode(CyclicMode::ExpRange(0.94));
    let linear = one_cycle().anneal(Anneal::Linear).start(0.41).div_factor(7.0);
    let warm_restarts = CosineWarmRestarts::new(3).mult(2).min(0.01);
    let three_linear = one_cycle().start(0.5).three_phase().anneal(Anneal::Linear);
    let product = Product::new(LinearLr::new(0.5, 1.0, 8)).times(Exponential::new(0.95));
    let function = |base: f64, step: usize| base / (1.0 + step as f64).sqrt();
    let restarts = "CosineAnnealingWarmRestarts";
    vec![
        ("constant", "ConstantLr", "ConstantLR", 0.13, Box::new(ConstantLr::factor(0.31, 7))),
        ("linear", "LinearLr", "LinearLR", 0.13, Box::new(LinearLr::new(0.2, 0.9, 13))),
        ("linear-down", "LinearLr", "LinearLR", 0.13, Box::new(LinearLr::new(1.0, 0.0, 30))),
        ("step", "StepLr", "StepLR", 0.7, Box::new(StepLr::new(6, 0.37))),
        (
            "multi-step",
            "MultiStep",
            "MultiStepLR",
            0.7,
            Box::new(MultiStep::new([3, 11, 11, 30], 0.37)),
        ),
        ("exponential", "Exponential", "ExponentialLR", 0.7, Box::new(Exponential::new(0.93))),
        ("polynomial", "Polynomial", "PolynomialLR", 0.7, Box::new(Polynomial::new(31, 1.7))),
        (
            "cosine",
            "CosineAnnealing",
            "CosineAnnealingLR",
            0.7,
            Box::new(CosineAnnealing::new(40).min(0.03)),
        ),
        (
            "cosine-wrapping",
            "CosineAnnealing",
            "CosineAnnealingLR",
            0.7,
            Box::new(CosineAnnealing::new(9).min(0.03).wrapping()),
        ),
        ("restarts", "CosineWarmRestarts", restarts, 0.7, Box::new(CosineWarmRestarts::new(7))),
        ("restarts-mult", "CosineWarmRestarts", restarts, 0.7, Box::new(warm_restarts)),
        ("one-cycle", "OneCycle", "OneCycleLR", 0.1, Box::new(one_cycle())),
        (
            "one-cycle-linear",
            "OneCycle",
            "OneCycleLR",
            0.1,
            Box::new(linear.final_div_factor(33.0)),
        ),
        (
            "one-cycle-three",
            "OneCycle",
            "OneCycleLR",
            0.1,
            Box::new(one_cycle().start(0.23).three_phase()),
        ),
        ("one-cycle-three-linear", "OneCycle", "OneCycleLR", 0.1, Box::new(three_linear)),
        // The largest rate is the base rate unless it is given.
        ("one-cycle-short", "OneCycle", "OneCycleLR", 0.7, Box::new(OneCycle::new(7))),
        ("cyclic", "Cyclic", "CyclicLR", 0.1, Box::new(Cyclic::new(0.7, 5))),
        ("cyclic-2", "Cyclic", "CyclicLR", 0.1, Box::new(cyclic2)),
        ("cyclic-exp", "Cyclic", "CyclicLR", 0.1, Box::new(cyclic_exp)),
        (
            "warm-up",
            "WarmUp",
            "SequentialLR, LinearLR",
            0.7,
            Box::new(WarmUp::within(41, 10, CosineAnnealing::new).factor(0.25)),
        ),
        ("warm-up-constant", "WarmUp", "SequentialLR, ConstantLR", 0.7, Box::new(constant)),
        ("sequence", "Sequence", "SequentialLR", 0.7, Box::new(sequence)),
        ("product", "Product", "ChainedScheduler", 0.7, Box::new(product)),
        ("function", "closure", "LambdaLR", 0.7, Box::new(function)),
    ]
}

fn plateaus() -> Vec<(&'static str, ReduceOnPlateau)> {
    let max = || ReduceOnPlateau::new(0.5).mode(PlateauMode::Max);
    vec![
        ("plateau", ReduceOnPlateau::new(0.3).patience(2)),
        (
            "plateau-absolute",
            ReduceOnPlateau::new(0.3).patience(1).threshold(PlateauThreshold::Absolute(0.02)),
        ),
        (
            "plateau-cooldown",
            ReduceOnPlateau::new(0.3).patience(0).cooldown(3).min_factor(0.05 / 0.7),
        ),
        ("plateau-max", max().patience(1).threshold(PlateauThreshold::Relative(0.05))),
        ("plateau-max-absolute", max().patience(2).threshold(PlateauThreshold::Absolute(0.05))),
    ]
}

/// The largest relative deviation; numbers below 1e-15 count as 0.
fn deviation(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let each = got.iter().zip(want).map(|(got, want)| (got - want).abs() / want.abs().max(1e-3));
    each.fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

#[test]
fn rates_are_pytorchs_in_every_step() {
    let golden_file = include_str!("../golden/schedules.txt").lines().skip(1);
    let listed: BTreeSet<&str> = golden_file.map(|line| line.split(' ').next().unwrap()).collect();
    let (schedules, plateaus) = (schedules(), plateaus());
    let names = schedules.iter().map(|case| case.0).chain(plateaus.iter().map(|case| case.0));
    assert_eq!(listed, names.collect());

    let mut table = String::from(
        "# Schedules beside PyTorch's\n\n\
         Written by crates/train/tests/schedules.rs: `FANIN_WRITE_TABLES=1 cargo test -p fanin-train \
         --test schedules`. Golden data by crates/train/golden/schedules.py: the rates of 41 steps, of \
         30 epochs for plateaus. A deviation is relative.\n\n\
         | piece | PyTorch's name | worst deviation |\n|---|---|---|\n",
    );
    let mut row = |name: &str, piece: &str, torch: &str, got: &[f64], want: &[f64]| {
        let worst = deviation(got, want);
        assert!(worst < TOLERANCE, "{name}: {worst:e} from PyTorch\n{got:?}\n{want:?}");
        writeln!(table, "| {piece} ({name}) | {torch} | {worst:.1e} |").unwrap();
    };
    for (name, piece, torch, base, schedule) in &schedules {
        let want = numbers(golden(name));
        let got: Vec<f64> = (0..want.len()).map(|step| schedule.lr(*base, step)).collect();
        row(name, piece, torch, &got, &want);
    }
    for (name, mut plateau) in plateaus {
        let (values, want) = golden(name).split_once(" | ").unwrap();
        let got: Vec<f64> =
            numbers(values).into_iter().map(|value| 0.7 * plateau.observe(value)).collect();
        row(name, "ReduceOnPlateau", "ReduceLROnPlateau", &got, &numbers(want));
    }
    check_table("schedules.md", &table);
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

/// Each option matters: no schedule passes for another.
#[test]
fn schedules_are_told_apart() {
    let schedules = schedules();
    for (a, (name, .., base, schedule)) in schedules.iter().enumerate() {
        for (b, (other, ..)) in schedules.iter().enumerate() {
            let want = numbers(golden(other));
            let got: Vec<f64> = (0..want.len()).map(|step| schedule.lr(*base, step)).collect();
            let distance = deviation(&got, &want);
            assert!(a == b || distance > 1e-3, "{name} passes for {other}: {distance:e}");
        }
    }
}

/// A rate is a function of the step: in any order, the same bits.
#[test]
fn a_schedule_is_a_function_of_the_step() {
    for (name, .., base, schedule) in schedules() {
        let forwards: Vec<f64> = (0..60).map(|step| schedule.lr(base, step)).collect();
        let mut backwards: Vec<f64> = (0..60).rev().map(|step| schedule.lr(base, step)).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards, "{name}");
        assert!(schedule.lr(base, usize::MAX).is_finite(), "{name}");
    }
}

#[test]
fn schedules_say_where_they_end() {
    let steps = |schedule: &dyn Schedule| schedule.steps();
    assert_eq!(steps(&CosineAnnealing::new(9)), Some(9));
    assert_eq!(steps(&CosineAnnealing::new(9).wrapping()), None);
    assert_eq!(steps(&OneCycle::new(9)), Some(9));
    assert_eq!(steps(&Polynomial::new(9, 2.0)), Some(9));
    assert_eq!(steps(&StepLr::new(9, 0.5)), None);
    assert_eq!(steps(&WarmUp::new(3, CosineAnnealing::new(9))), Some(12));
    assert_eq!(steps(&Sequence::new(ConstantLr::new()).then(5, OneCycle::new(9))), Some(14));
    let boxed: Box<dyn Schedule> = Box::new(WarmUp::new(3, OneCycle::new(9)));
    assert_eq!((boxed.steps(), boxed.lr(0.1, 11)), (Some(12), OneCycle::new(9).lr(0.1, 8)));
}

#[test]
fn options_that_cannot_work_are_refused_at_the_callers_line() {
    let mistakes: [(fn(), &str); 19] = [
        (|| drop(ConstantLr::factor(0.1, 0)), "ConstantLr: the number of steps is 0"),
        (|| drop(ConstantLr::factor(-0.1, 5)), "ConstantLr: factor -0.1 must be finite and not"),
        (|| drop(LinearLr::new(f64::NAN, 1.0, 5)), "LinearLr: the first factor NaN must be finite"),
        (|| drop(LinearLr::new(1.0, -1.0, 5)), "LinearLr: the last factor -1 must be finite"),
        (|| drop(LinearLr::new(1.0, 0.5, 0)), "LinearLr: the number of steps is 0"),
        (|| drop(StepLr::new(0, 0.1)), "StepLr: the period is 0"),
        (|| drop(StepLr::new(3, -0.1)), "StepLr: gamma -0.1 must be finite and not negative"),
        (|| drop(MultiStep::new([5, 3], 0.1)), "MultiStep: the milestones [5, 3] must rise"),
        (|| drop(Exponential::new(f64::INFINITY)), "Exponential: gamma inf must be finite"),
        (|| drop(Polynomial::new(0, 1.0)), "Polynomial: the number of steps is 0"),
        (|| drop(CosineAnnealing::new(0)), "CosineAnnealing: the number of steps is 0"),
        (|| drop(CosineWarmRestarts::new(5).mult(0)), "CosineWarmRestarts: mult is 0"),
        (
            || drop(OneCycle::new(9).start(1.5)),
            "OneCycle: the share 1.5 of rising steps is outside",
        ),
        (|| drop(OneCycle::new(9).start(0.6).three_phase()), "share of 0.6 each, are longer than"),
        (|| drop(Cyclic::new(0.1, 4).down(0)), "Cyclic: the number of steps down is 0"),
        (
            || drop(WarmUp::within(10, 10, CosineAnnealing::new)),
            "WarmUp: a warm-up of 10 steps is not shorter than the whole training of 10",
        ),
        (|| drop(WarmUp::new(0, ConstantLr::new())), "WarmUp: the number of steps is 0"),
        (
            || {
                drop(
                    Sequence::new(ConstantLr::new())
                        .then(5, StepLr::new(1, 0.5))
                        .then(5, ConstantLr::new()),
                );
            },
            "Sequence: a schedule from step 5 on cannot follow one from step 5 on",
        ),
        (|| drop(ReduceOnPlateau::new(1.0)), "ReduceOnPlateau: the factor 1 is outside (0, 1)"),
    ];
    for (mistake, message) in mistakes {
        let panic = catch_unwind(mistake).unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned());
        assert!(text.contains(message), "{text}");
    }
}

/// The only test that sets the panic hook, which is the process's: other tests' panics may come first.
#[test]
fn panics_name_the_callers_line() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location().unwrap();
        let _ = sender.send((location.file().to_owned(), location.line()));
    }));
    let (line, panic) = (line!(), catch_unwind(|| drop(StepLr::new(0, 0.1))));
    std::panic::set_hook(hook);
    assert!(panic.is_err());
    assert!(receiver.iter().any(|(file, at)| file.ends_with("schedules.rs") && at == line));
}
