//! Metrics that see a data set batch by batch equal the functions of all of it, and scikit-learn's
//! numbers. Writes docs/toolbox/metrics.md.

use std::collections::BTreeMap;
use std::ops::Range;
use std::{env, fs};

use crate::common::{Case, cases, panic_of, tensor};
use fanin_tensor::Tensor;
use fanin_train::metrics::{
    self, Accuracy, Average, AveragePrecision, BalancedAccuracy, BrierScore, CalibrationError,
    Collected, ExplainedVariance, F1, LogLoss, MeanAbsoluteError, MeanAbsolutePercentageError,
    MeanSquaredError, Metric, Precision, R2, Recall, RocAuc, RocAucOvr, RootMeanSquaredError,
    TopKAccuracy,
};

type OfLabels = Box<dyn Metric<[usize]>>;
type OfNumbers = Box<dyn Metric<Tensor>>;

const AVERAGES: [(Average, &str); 3] =
    [(Average::Macro, "macro"), (Average::Micro, "micro"), (Average::Weighted, "weighted")];

/// Each metric of labels: the line of the golden file, scikit-learn's name, and the metric.
fn of_labels() -> Vec<(String, &'static str, OfLabels)> {
    let mut all: Vec<(String, &str, OfLabels)> = vec![
        ("accuracy".into(), "accuracy_score", Box::new(Accuracy::new())),
        ("top1".into(), "top_k_accuracy_score", Box::new(TopKAccuracy::new(1))),
        ("top2".into(), "top_k_accuracy_score", Box::new(TopKAccuracy::new(2))),
        ("balanced_accuracy".into(), "balanced_accuracy_score", Box::new(BalancedAccuracy::new())),
        ("log_loss".into(), "log_loss", Box::new(LogLoss::new())),
        ("brier".into(), "brier_score_loss", Box::new(BrierScore::new())),
        ("ece1".into(), "Guo 2017, eq. 3 (numpy)", Box::new(CalibrationError::new(1))),
        ("ece10".into(), "Guo 2017, eq. 3 (numpy)", Box::new(CalibrationError::new(10))),
        ("ece15".into(), "Guo 2017, eq. 3 (numpy)", Box::new(CalibrationError::new(15))),
        ("roc_auc".into(), "roc_auc_score", Box::new(RocAuc::new())),
        ("average_precision".into(), "average_precision_score", Box::new(AveragePrecision::new())),
    ];
    for (average, name) in AVERAGES {
        let line = |metric| format!("{name}_{metric}");
        all.push((line("precision"), "precision_score", Box::new(Precision::new(average))));
        all.push((line("recall"), "recall_score", Box::new(Recall::new(average))));
        all.push((line("f1"), "f1_score", Box::new(F1::new(average))));
        let ovr = "roc_auc_score(multi_class=\"ovr\")";
        all.push((line("roc_auc"), ovr, Box::new(RocAucOvr::new(average))));
    }
    all
}

/// Each metric of numbers: the line of the golden file, scikit-learn's name, and the metric.
fn of_numbers() -> Vec<(&'static str, &'static str, OfNumbers)> {
    vec![
        ("mse", "mean_squared_error", Box::new(MeanSquaredError::new())),
        ("rmse", "root_mean_squared_error", Box::new(RootMeanSquaredError::new())),
        ("mae", "mean_absolute_error", Box::new(MeanAbsoluteError::new())),
        ("mape", "mean_absolute_percentage_error", Box::new(MeanAbsolutePercentageError::new())),
        ("r2", "r2_score", Box::new(R2::new())),
        ("explained", "explained_variance_score", Box::new(ExplainedVariance::new())),
    ]
}

/// The value after batches of this many samples, with an empty batch among them.
fn in_batches<Y: ?Sized>(
    metric: &mut dyn Metric<Y>,
    outputs: &Tensor,
    size: usize,
    targets: impl Fn(Range<usize>) -> Box<Y>,
) -> f64 {
    let (n, columns) = (outputs.shape()[0], outputs.shape()[1]);
    let rows = |range: Range<usize>| {
        let values = &outputs.as_slice()[range.start * columns..range.end * columns];
        Tensor::from_vec([range.len(), columns], values.to_vec())
    };
    metric.reset();
    assert!(metric.value().is_nan(), "{} of no samples", metric.name());
    for start in (0..n).step_by(size) {
        for range in [start..start, start..(start + size).min(n)] {
            metric.update(&rows(range.clone()), &targets(range));
        }
    }
    metric.value()
}

/// The table: how a metric is called here, by scikit-learn, and how far its values are apart.
#[derive(Default)]
struct Table(BTreeMap<(String, &'static str), f64>);

impl Table {
    fn add(&mut self, name: String, theirs: &'static str, case: &Case, line: &str, got: f64) {
        let want = case.get(line).expect("a line")[0];
        let off = (got - want).abs();
        assert!(off < 1e-12 * want.abs().max(1.0), "{line} of {}: {got}, not {want}", case.name);
        let worst = self.0.entry((name, theirs)).or_default();
        *worst = worst.max(off);
    }

    fn to_markdown(&self) -> String {
        let head = "# Metrics beside scikit-learn's\n\nWritten by `crates/train/tests/metrics/batchwise.rs` \
                    (`FANIN_WRITE_TABLES=1 cargo test -p fanin-train --test metrics`). Each metric sees every \
                    case of `crates/train/golden/metrics.txt` in batches of 1, 7 and all samples.\n\n\
                    | metric | scikit-learn's name | worst deviation |\n|---|---|---|\n";
        let rows = self
            .0
            .iter()
            .map(|((ours, theirs), off)| format!("| {ours} | {theirs} | {off:.0e} |\n"));
        head.to_owned() + &rows.collect::<String>()
    }
}

#[test]
fn batches_give_scikit_learns_numbers_and_the_table_lists_them() {
    let mut table = Table::default();
    for case in &cases() {
        let n = case.outputs.shape()[0];
        for size in [1, 7, n] {
            if case.get("labels").is_some() {
                let labels = case.labels();
                for (line, theirs, mut metric) in of_labels() {
                    if case.get(&line).is_some() {
                        let part = |range: Range<usize>| labels[range].to_vec().into();
                        let got = in_batches(&mut *metric, &case.outputs, size, part);
                        table.add(metric.name(), theirs, case, &line, got);
                    }
                }
            } else {
                let targets = case.get("targets").unwrap();
                let columns = case.outputs.shape()[1];
                for (line, theirs, mut metric) in of_numbers() {
                    let part = |range: Range<usize>| {
                        let values = &targets[range.start * columns..range.end * columns];
                        Box::new(tensor([range.len(), columns], values))
                    };
                    let got = in_batches(&mut *metric, &case.outputs, size, part);
                    table.add(metric.name(), theirs, case, line, got);
                }
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/toolbox/metrics.md");
    let text = table.to_markdown();
    if env::var_os("FANIN_WRITE_TABLES").is_some() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/toolbox")).unwrap();
        fs::write(path, &text).unwrap();
    }
    // Last digits differ from CPU to CPU; the names do not.
    let names = |text: &str| {
        let rows = text.lines().filter_map(|line| line.rsplit_once(" | "));
        rows.map(|(names, _)| names.to_owned()).collect::<Vec<_>>()
    };
    let found = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(names(&found), names(&text), "run the tests with FANIN_WRITE_TABLES=1");
    assert!(names(&text).len() > 24, "{text}");
}

#[test]
fn a_direction_says_which_value_is_better() {
    let errors = ["log_loss", "brier_score", "calibration_error"];
    for (_, _, metric) in of_labels() {
        assert_eq!(metric.higher_is_better(), !errors.contains(&&*metric.name()));
    }
    for (_, _, metric) in of_numbers() {
        let better = ["r2", "explained_variance"].contains(&&*metric.name());
        assert_eq!(metric.higher_is_better(), better, "{}", metric.name());
    }
}

#[test]
fn any_function_becomes_a_metric() {
    let outputs = Tensor::from([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]);
    let labels = [2, 2, 2];
    let top = |y: &Tensor, labels: &[usize]| metrics::top_k_accuracy(y, labels, 2);
    let mut metric = Collected::new("top", true, top);
    assert_eq!((metric.name(), metric.higher_is_better()), ("top".into(), true));
    for size in [1, 2, 3] {
        let got = in_batches(&mut metric, &outputs, size, |range: Range<usize>| {
            labels[range].to_vec().into()
        });
        assert_eq!(got, 2.0 / 3.0);
    }
    assert!(format!("{metric:?}").contains("\"top\""));

    let r2: fn(&Tensor, &Tensor) -> f64 = metrics::r2;
    let mut metric = Collected::new("r2", true, r2);
    let targets = [1.0, 2.0, 3.0];
    let outputs = Tensor::from([[1.0], [2.0], [2.0]]);
    let part = |range: Range<usize>| Box::new(tensor([range.len(), 1], &targets[range]));
    assert_eq!(in_batches(&mut metric, &outputs, 2, part), 0.5);
}

#[test]
fn a_mean_far_from_zero_costs_no_digits() {
    // Around a million, with a variance of 1/12: sums of squares alone would lose all digits of it.
    let n = 100_000;
    let value = |i: usize| 1e6 + (i * 7919 % 1009) as f64 / 1009.0;
    let targets = Tensor::from_vec([n, 1], (0..n).map(|i| value(i) as f32).collect());
    let outputs = Tensor::from_vec([n, 1], (0..n).map(|i| value(i + 1) as f32).collect());
    let (mut r2, mut explained) = (R2::new(), ExplainedVariance::new());
    for start in (0..n).step_by(1_000) {
        let part =
            |x: &Tensor| Tensor::from_vec([1_000, 1], x.as_slice()[start..][..1_000].to_vec());
        r2.update(&part(&outputs), &part(&targets));
        explained.update(&part(&outputs), &part(&targets));
    }
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-11, "{a}, not {b}");
    near(r2.value(), metrics::r2(&outputs, &targets));
    near(explained.value(), metrics::explained_variance(&outputs, &targets));
}

#[test]
fn mistakes_panic_at_the_callers_line() {
    let check = |(message, line): (String, u32), expected: u32, text: &str| {
        assert_eq!(line, expected, "{message}");
        assert!(message.contains(text), "{message}");
    };
    let (one, two) = (Tensor::zeros([4, 1]), Tensor::zeros([4, 2]));
    let (flat, labels) = (Tensor::zeros(4), &[0, 1, 0, 1][..]);
    check(panic_of(|| TopKAccuracy::new(0)), line!(), "TopKAccuracy: k is 0");
    check(panic_of(|| CalibrationError::new(0)), line!(), "CalibrationError: 0 bins");
    let mut top = TopKAccuracy::new(1);
    check(panic_of(|| top.update(&one, labels)), line!(), "TopKAccuracy: outputs 4×1, but label 1");
    let mut f1 = F1::new(Average::Macro);
    check(panic_of(|| f1.update(&flat, &[2; 4])), line!(), "F1: logits 4 of class 1, but label 0");
    let cube = Tensor::zeros([4, 2, 1]);
    check(panic_of(|| f1.update(&cube, labels)), line!(), "F1: outputs 4×2×1; give (n, classes)");
    f1.update(&two, labels);
    let three = Tensor::zeros([4, 3]);
    check(panic_of(|| f1.update(&three, labels)), line!(), "3 classes after batches of 2");
    let mut recall = Recall::new(Average::Class(2));
    check(panic_of(|| recall.update(&two, labels)), line!(), "Recall: no class 2 among 2");
    let mut ovr = RocAucOvr::new(Average::Class(2));
    check(panic_of(|| ovr.update(&two, labels)), line!(), "the average is that of class 2");
    let mut loss = LogLoss::new();
    check(panic_of(|| loss.update(&one, &[2; 4])), line!(), "LogLoss: logits 4×1 of class 1, but");
    let mut brier = BrierScore::new();
    check(panic_of(|| brier.update(&two, &[0])), line!(), "BrierScore: outputs 4×2, but 1 labels");
    let mut ece = CalibrationError::new(5);
    check(panic_of(|| ece.update(&two, &[0])), line!(), "CalibrationError: outputs 4×2, but 1");
    let mut auc = RocAuc::new();
    check(panic_of(|| auc.update(&two, labels)), line!(), "RocAuc: scores 4×2, but 4 labels");
    let mut ap = AveragePrecision::new();
    check(panic_of(|| ap.update(&one, &[2; 4])), line!(), "AveragePrecision: scores 4×1");
    let mut ovr = RocAucOvr::new(Average::Macro);
    check(panic_of(|| ovr.update(&one, &[0; 4])), line!(), "RocAucOvr: logits 4×1; give 2 or more");
    ovr.update(&two, labels);
    check(panic_of(|| ovr.update(&three, labels)), line!(), "4×3 after batches of 2 classes");
    let mut mse = MeanSquaredError::new();
    check(panic_of(|| mse.update(&one, &flat)), line!(), "MeanSquaredError: outputs 4×1");
    let mut rmse = RootMeanSquaredError::new();
    check(panic_of(|| rmse.update(&one, &two)), line!(), "RootMeanSquaredError: outputs 4×1, but");
    rmse.update(&one, &one);
    check(panic_of(|| rmse.update(&two, &two)), line!(), "targets 4×2 after batches of 1 columns");
    let mut r2 = R2::new();
    check(panic_of(|| r2.update(&one, &flat)), line!(), "R2: outputs 4×1, but targets 4");
    r2.update(&one, &one);
    check(panic_of(|| r2.update(&two, &two)), line!(), "R2: targets 4×2 after batches of 1");
    let mut explained = ExplainedVariance::new();
    check(panic_of(|| explained.update(&one, &two)), line!(), "ExplainedVariance: outputs 4×1");
}
