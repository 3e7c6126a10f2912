//! Losses against PyTorch's: golden/losses.txt, which golden/losses.py wrote, and golden/frame.txt.

mod cases;
mod fit;
mod refused;
mod weights;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use fanin_nn::losses::*;
use fanin_nn::{Param, Tape, Tensor, gradcheck, gradcheck_at};

use crate::golden::golden;
use cases::{Case, cases};

const REDUCTIONS: [(Reduction, &str); 4] = [
    (Reduction::Mean, "mean"),
    (Reduction::Sum, "sum"),
    (Reduction::BatchMean, "batch_mean"),
    (Reduction::None, "none"),
];

/// By their names in golden/frame.py.
fn losses(reduction: Reduction) -> Vec<(&'static str, Box<dyn Loss<Tensor>>)> {
    vec![
        ("mse", Box::new(Mse::new().reduction(reduction))),
        ("huber", Box::new(Huber::new(0.7).reduction(reduction))),
    ]
}

type WideLoss = Box<dyn Loss<Tensor<f64>, f64>>;

/// The same in f64, for gradient checks.
fn wide_losses() -> Vec<(&'static str, WideLoss)> {
    vec![("mse", Box::new(Mse::new())), ("huber", Box::new(Huber::new(0.7)))]
}

#[track_caller]
fn assert_close(what: &str, a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
        assert!((a - b).abs() <= 4.0 * f32::EPSILON * b.abs().max(1.0), "{what}: {a}, not {b}");
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden = golden("frame.txt");
    for (reduction, called) in
        [(Reduction::Mean, "mean"), (Reduction::Sum, "sum"), (Reduction::None, "none")]
    {
        for (name, loss) in losses(reduction) {
            let get = |what: &str| {
                let key = format!("{name}/{what}");
                golden.get(&*key).unwrap_or_else(|| panic!("golden/frame.py has no case {key}"))
            };
            let (y, mut tape, mut value) = (Param::new(get("y").clone()), Tape::new(), None);
            let (_, grads) = tape.value_and_grad(|t| {
                let l = loss.loss(t.param(&y), get("target"));
                value = Some(l.value());
                l.sum()
            });
            let what = format!("{name} {called}");
            assert_close(&what, &value.unwrap(), get(&format!("{called}/loss")));
            assert_close(&what, grads.get(&y).unwrap(), get(&format!("{called}/dy")));
        }
    }
}

/// `|got − want|` over `|want|`, or over 0.01 where want is smaller. Only what is finite is compared so.
fn deviation(got: f32, want: f32) -> f64 {
    if got == want || got.is_nan() && want.is_nan() {
        return 0.0;
    }
    let off = (f64::from(got) - f64::from(want)).abs() / f64::from(want.abs().max(0.01));
    if off.is_nan() { f64::INFINITY } else { off }
}

#[test]
fn every_case_is_as_pytorch_computes_it() {
    let golden = golden("losses.txt");
    // Value and gradient, by loss.
    let mut worst: BTreeMap<String, (&str, [f64; 2])> = BTreeMap::new();
    let (mut tape, mut compared, mut faults) = (Tape::new(), 0, vec![]);
    for (reduction, called) in REDUCTIONS {
        for case in cases::<f32>(reduction) {
            let Case { name, torch, run } = &case;
            let get = |what: &str| golden.get(&*format!("{name}/{called}/{what}"));
            let Some(want) = get("loss") else {
                let has_all = name.ends_with("/plain") || name.ends_with("/weighted");
                let several = matches!(called, "mean" | "sum") && !name.starts_with("pairwise");
                assert!(called != "mean" && !(has_all && several), "no golden {name} {called}");
                continue;
            };
            let (x, given) = case.inputs(&golden);
            let x: Vec<_> = x.into_iter().map(Param::new).collect();
            let cotangent = match called {
                "none" => (0..want.len()).map(|i| 0.5 + (i % 7) as f32 / 4.0).collect(),
                _ => vec![1.0; want.len()],
            };
            let cotangent = Tensor::from_vec(want.shape(), cotangent);
            let mut value = None;
            let (_, grads) = tape.value_and_grad(|t| {
                let vars: Vec<_> = x.iter().map(|x| t.param(x)).collect();
                let l = run(&vars, &given);
                value = Some(l.value());
                (l * t.input(&cotangent)).sum()
            });
            let mut compare = |part: usize, what: &str, got: &Tensor, want: &Tensor| {
                assert_eq!(got.shape(), want.shape(), "{name} {called} {what}");
                let (kind, _) = name.split_once('/').unwrap();
                let row = worst.entry(format!("{kind} {torch}")).or_insert((torch, [0.0; 2]));
                for (i, (&got, &want)) in got.as_slice().iter().zip(want.as_slice()).enumerate() {
                    let off = deviation(got, want);
                    row.1[part] = row.1[part].max(off);
                    if off > [1e-5, 1e-4][part] {
                        faults.push(format!("{name} {called} {what} {i}: {got}, not {want}"));
                    }
                }
                compared += 1;
            };
            compare(0, "loss", &value.unwrap(), want);
            for (i, x) in x.iter().enumerate() {
                let key = format!("d{i}");
                compare(1, &key, grads.get(x).unwrap(), get(&key).unwrap());
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let results = golden.keys().filter(|key| {
        let end = key.rsplit('/').next().unwrap();
        end == "loss" || end.starts_with('d')
    });
    assert_eq!(compared, results.count(), "a case of golden/losses.py is not in cases.rs");
    check_table(&worst);
}

/// Writes docs/toolbox/losses.md if `FANIN_WRITE_TABLES` is set, and otherwise asserts that it has every loss.
fn check_table(worst: &BTreeMap<String, (&str, [f64; 2])>) {
    let mut text = String::from(
        "# Losses beside PyTorch\n\n\
         Written by `FANIN_WRITE_TABLES=1 cargo test -p fanin-nn --test nn every_case`, from \
         crates/nn/golden/losses.txt.\n\
         A deviation is relative to the number, or to 0.01 where the number is smaller. Infinities \
         and NaN must agree.\n\n\
         | loss | PyTorch | worst deviation of the value | of a gradient |\n|---|---|---|---|\n",
    );
    let mut rows = vec![];
    for (key, (torch, [value, gradient])) in worst {
        let name: String = key.split(' ').next().unwrap().into();
        rows.push(format!("| {name} | {torch} |"));
        let [value, gradient] = [value, gradient].map(|off| match *off {
            0.0 => "0".to_owned(),
            off => format!("{off:.0e}"),
        });
        writeln!(text, "| {name} | {torch} | {value} | {gradient} |").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/toolbox/losses.md");
    eprintln!("{text}");
    if env::var_os("FANIN_WRITE_TABLES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    for row in rows {
        assert!(written.contains(&row), "docs/toolbox/losses.md lacks {row}");
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    assert_eq!(losses(Reduction::Mean).len(), wide_losses().len());
    for (name, loss) in wide_losses() {
        eprintln!("{name}");
        let target = Tensor::full([4, 7], 0.1);
        gradcheck(&[&[4, 7]], 1, |_, x| loss.loss(x[0], &target)).assert_below(1e-6);
    }
    let golden = golden("losses.txt");
    for reduction in [Reduction::Mean, Reduction::None] {
        for case in cases::<f64>(reduction) {
            let name = case.name;
            // Where there is no derivative, or none over a step; and variances below ε, which have
            // PyTorch's gradient.
            let skipped = ["kink", "same", "extreme", "ignored", "gaussian_nll/full"];
            if skipped.iter().any(|part| name.contains(part)) && name != "nll/all_ignored" {
                continue;
            }
            if name.contains("ignored") && reduction == Reduction::Mean {
                continue; // NaN
            }
            let (x, given) = case.inputs(&golden);
            let check = gradcheck_at(x, 1, |_, x| (case.run)(x, &given));
            assert!(check.worst() < 1e-6, "{name} {reduction:?}: {check:?}");
        }
    }
}

/// The batch mean is the sum over the number of samples, of each loss.
#[test]
fn a_batch_mean_is_a_sum_over_samples() {
    let golden = golden("losses.txt");
    for (sum, mean) in cases::<f32>(Reduction::Sum).iter().zip(cases::<f32>(Reduction::BatchMean)) {
        if sum.name.contains("extreme") {
            continue;
        }
        let (x, given) = sum.inputs(&golden);
        let value = |case: &Case<f32>| {
            let value = Tape::new().value(|t| {
                let vars: Vec<_> = x.iter().map(|x| t.input(x)).collect();
                (case.run)(&vars, &given)
            });
            value.item()
        };
        let (sum, mean) = (value(sum), value(&mean) * x[0].shape()[0] as f32);
        assert!((sum - mean).abs() <= 1e-6 * sum.abs(), "{sum} {mean}");
    }
}

/// Where PyTorch overflows to ∞ and NaN.
#[test]
fn a_soft_margin_of_any_score_is_finite() {
    let scores = Tensor::from_vec(4, vec![-1e4, 1e4, -200.0, 1e30]);
    let (y, target) = (Param::new(scores), Tensor::from_vec(4, vec![1.0, -1.0, 1.0, 1.0]));
    let mut tape = Tape::new();
    let loss = SoftMargin::new().reduction(Reduction::Sum);
    let (value, grads) = tape.value_and_grad(|t| loss.loss(t.param(&y), &target));
    assert_eq!(value, 20_200.0);
    assert_eq!(grads.get(&y).unwrap().as_slice(), [-1.0, 1.0, -1.0, 0.0]);
}

/// The loss of a sure and right logit is small, and has as many digits as a large one; so has its derivative.
#[test]
fn losses_of_logits_keep_what_is_small() {
    let mut tape = Tape::new();
    for i in -340..=340 {
        let logit = i as f32 / 4.0;
        let z = Param::new(Tensor::from_vec([1, 1], vec![logit]));
        let small = |x: f64| if x > 30.0 { x } else { x.exp().ln_1p() };
        for (t, sign) in [(0.0, 1.0), (1.0, -1.0)] {
            let x = sign * f64::from(logit);
            let (value, slope) = (small(x), sign / (1.0 + (-x).exp()));
            let target = Tensor::full([1, 1], t);
            let signs = target.map(|t| 2.0 * t - 1.0);
            let losses: [(&str, Box<dyn Loss<Tensor>>, &Tensor); 3] = [
                ("bce_with_logits", Box::new(BceWithLogits::new()), &target),
                ("multi_label_soft_margin", Box::new(MultiLabelSoftMargin::new()), &target),
                ("soft_margin", Box::new(SoftMargin::new()), &signs),
            ];
            for (name, loss, target) in losses {
                let (got, grads) = tape.value_and_grad(|t| loss.loss(t.param(&z), target));
                let gradient = grads.get(&z).unwrap().item();
                for (what, got, want) in [("loss", got, value), ("gradient", gradient, slope)] {
                    let off = (f64::from(got) - want).abs() / want.abs();
                    let bound = 4.0 * f64::from(f32::EPSILON);
                    assert!(off <= bound, "{name} of {logit}, {what}: {got}, not {want}");
                }
            }
        }
    }
}

/// A subnormal derivative is 0 for the operation below, and kept for a parameter.
#[test]
fn tails_of_derivatives_are_0() {
    let z = Param::new(Tensor::from_vec(1, vec![-100.0]));
    let target = Tensor::zeros(1);
    let mut tape = Tape::new();
    let (_, grads) = tape.value_and_grad(|t| t.param(&z).bce_with_logits(&target));
    let kept = grads.get(&z).unwrap().item();
    assert!(kept > 0.0 && kept < f32::MIN_POSITIVE, "{kept}");
    let (_, grads) = tape.value_and_grad(|t| (t.param(&z) * 1.0).bce_with_logits(&target));
    assert_eq!(grads.get(&z).unwrap().item(), 0.0);
}

#[test]
fn triplets_by_a_distance_of_ones_own() {
    let [a, p, n] = [1.0, 2.0, 4.0].map(|x| Tensor::full([2, 3], x));
    let loss = TripletMargin::new().margin(3.0).swap();
    let value = Tape::new().value(|t| {
        let triplet = [t.input(&a), t.input(&p), t.input(&n)];
        loss.loss_by(triplet, |a, b| (a - b).abs().mean_axis(1))
    });
    assert_eq!(value.item(), 3.0 + 1.0 - 2.0);
}
