//! Metrics equal scikit-learn's, by golden/metrics.txt, which golden/make.py wrote; models are
//! measured by the same metrics; mistakes panic at the caller's line.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use fanin_datasets::{Buffers, Data, Dataset, Table};
use fanin_init::{Identity, Zeros};
use fanin_nn::{Linear, Sequential};
use fanin_tensor::Tensor;
use fanin_train::metrics::{
    self, mean_absolute_error, r2, roc_auc, root_mean_squared_error, top_k_accuracy,
};
use fanin_train::{accuracy, confusion_matrix, evaluate, predict_all};

/// A case of the golden file: its lines by their first word.
struct Case {
    name: &'static str,
    lines: Vec<(&'static str, Vec<f64>)>,
    outputs: Tensor,
}

fn cases() -> Vec<Case> {
    let golden = include_str!("../golden/metrics.txt");
    let cases = golden.split("\n\n").skip(1).map(|text| {
        let (head, rest) = text.split_once('\n').unwrap();
        let head: Vec<&str> = head.split(' ').collect();
        let shape = [2, 3].map(|i| head[i].parse::<usize>().unwrap());
        let lines: Vec<(&str, Vec<f64>)> = rest
            .lines()
            .map(|line| {
                let (kind, numbers) = line.split_once(' ').unwrap();
                (kind, numbers.split(' ').map(|number| number.parse().unwrap()).collect())
            })
            .collect();
        let outputs = tensor(shape, &lines[0].1);
        Case { name: head[1], lines, outputs }
    });
    cases.collect()
}

fn tensor(shape: [usize; 2], values: &[f64]) -> Tensor {
    Tensor::from_vec(shape, values.iter().map(|&value| value as f32).collect())
}

impl Case {
    fn get(&self, kind: &str) -> Option<&[f64]> {
        self.lines.iter().find(|line| line.0 == kind).map(|line| &*line.1)
    }

    fn labels(&self) -> Vec<usize> {
        self.get("labels").unwrap().iter().map(|&label| label as usize).collect()
    }

    fn check(&self, kind: &str, got: &[f64]) {
        let want = self.get(kind).unwrap_or_else(|| panic!("no {kind} in {}", self.name));
        assert_eq!(got.len(), want.len(), "{kind} of {}", self.name);
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-12, "{kind} of {}: {got}, not {want}", self.name);
        }
    }
}

#[test]
fn classifications_are_judged_as_by_scikit_learn() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.get("confusion").is_some()) {
        let (labels, outputs) = (case.labels(), &case.outputs);
        let classes = outputs.shape()[1];
        case.check("accuracy", &[metrics::accuracy(outputs, &labels)]);
        for k in 1..classes {
            case.check(&format!("top{k}"), &[top_k_accuracy(outputs, &labels, k)]);
        }
        assert_eq!(top_k_accuracy(outputs, &labels, classes), 1.0);

        let matrix = metrics::confusion_matrix(outputs, &labels);
        assert_eq!(matrix.classes(), classes);
        let pairs = || (0..classes).flat_map(|t| (0..classes).map(move |p| (t, p)));
        // A transposed matrix differs from this one.
        assert!(pairs().any(|(t, p)| matrix.count(t, p) != matrix.count(p, t)));
        let counts: Vec<f64> = pairs().map(|(t, p)| matrix.count(t, p) as f64).collect();
        case.check("confusion", &counts);
        case.check("accuracy", &[matrix.accuracy()]);
        let each = |of: &dyn Fn(usize) -> f64| (0..classes).map(of).collect::<Vec<_>>();
        case.check("precision", &each(&|class| matrix.precision(class)));
        case.check("recall", &each(&|class| matrix.recall(class)));
        case.check("f1", &each(&|class| matrix.f1(class)));
        case.check("macro_precision", &[matrix.macro_precision()]);
        case.check("macro_recall", &[matrix.macro_recall()]);
        case.check("macro_f1", &[matrix.macro_f1()]);
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn regressions_are_judged_as_by_scikit_learn() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.get("r2").is_some()) {
        let (outputs, [n, columns]) =
            (&case.outputs, [0, 1].map(|axis| case.outputs.shape()[axis]));
        let targets = tensor([n, columns], case.get("targets").unwrap());
        case.check("r2", &[r2(outputs, &targets)]);
        case.check("mae", &[mean_absolute_error(outputs, &targets)]);
        case.check("rmse", &[root_mean_squared_error(outputs, &targets)]);
        assert_eq!(r2(&targets, &targets), 1.0);
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn areas_under_the_curve_are_scikit_learns() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.get("roc_auc").is_some()) {
        let labels = case.labels();
        case.check("roc_auc", &[roc_auc(&case.outputs, &labels)]);
        let flat = case.outputs.clone().reshape(labels.len());
        case.check("roc_auc", &[roc_auc(&flat, &labels)]);
        // Negated scores rank the other way round.
        let other = labels.iter().map(|label| 1 - label).collect::<Vec<_>>();
        case.check("roc_auc", &[1.0 - roc_auc(&flat, &other)]);
        seen += 1;
    }
    assert_eq!(seen, 2);
    let auc = |scores: &[f32], labels: &[usize]| roc_auc(&Tensor::from(scores.to_vec()), labels);
    assert_eq!(auc(&[1.0; 4], &[0, 1, 1, 0]), 0.5);
    assert_eq!(auc(&[-0.0, 0.0], &[1, 0]), 0.5, "these scores are equal");
    assert!(auc(&[0.1, 0.2], &[1, 1]).is_nan() && auc(&[], &[]).is_nan());
    assert!(auc(&[0.1, f32::NAN], &[0, 1]).is_nan());
}

#[test]
fn the_first_of_equal_outputs_is_the_largest() {
    let outputs = Tensor::from_vec([1, 3], vec![1.0, 1.0, 0.0]);
    let ranks = |label| [1, 2, 3].map(|k| top_k_accuracy(&outputs, &[label], k));
    assert_eq!([ranks(0), ranks(1), ranks(2)], [[1.; 3], [0., 1., 1.], [0., 0., 1.]]);
    let broken = Tensor::from_vec([1, 3], vec![9.0, f32::NAN, f32::NAN]);
    let ranks = |label| [1, 2, 3].map(|k| top_k_accuracy(&broken, &[label], k));
    assert_eq!([ranks(1), ranks(2), ranks(0)], [[1.; 3], [0., 1., 1.], [0., 0., 1.]]);
    for label in 0..3 {
        let top = top_k_accuracy(&broken, &[label], 1);
        assert_eq!(metrics::accuracy(&broken, &[label]), top);
    }
}

/// A model whose outputs are its inputs.
fn identity(n: usize) -> Sequential {
    let layer = Linear::builder(n, n).weight(Identity::default()).bias(Zeros).build();
    Sequential::new().add(layer)
}

/// Labelled rows of a user's own type.
struct Own(Tensor, Vec<usize>);

impl Data for Own {
    type Batch = (Tensor, Vec<usize>);
    fn num_samples(&self) -> usize {
        self.1.len()
    }
    fn gather(&self, indices: &[usize], buffers: &mut Buffers) -> Self::Batch {
        (self.0.gather(indices, buffers), self.1.gather(indices, buffers))
    }
}

#[test]
fn models_are_judged_on_any_labelled_data() {
    // Several batches, the last one short.
    let n = 1_300;
    let x = (0..4 * n).map(|i| (i * 7919 % 1009) as f32).collect();
    let (x, labels) = (Tensor::from_vec([n, 4], x), (0..n).map(|i| i % 4).collect::<Vec<_>>());
    let model = identity(4);
    let want = metrics::confusion_matrix(&x, &labels);
    assert!((0.1..0.9).contains(&want.accuracy()));

    let table = Table::from_tensors(x.clone(), labels.clone());
    let pair = (x.clone(), labels.clone());
    let own = Own(x.clone(), labels.clone());
    assert_eq!(confusion_matrix(&model, &table), want);
    assert_eq!(confusion_matrix(&model, &pair), want);
    assert_eq!(confusion_matrix(&model, &own), want);
    let accuracies = [accuracy(&model, &table), accuracy(&model, &pair), accuracy(&model, &own)];
    assert_eq!(accuracies, [want.accuracy(); 3]);
    assert_eq!(evaluate(&model, &table, metrics::accuracy), want.accuracy());
    assert_eq!(predict_all(&model, &table), (x, labels));
}

#[test]
fn models_are_judged_on_images_and_on_numbers() {
    let bytes = vec![9, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0, 9];
    let images = Dataset::from_parts(bytes, 3, vec![0, 1, 2, 1], 3).unwrap();
    let matrix = confusion_matrix(&identity(3), &images);
    assert_eq!((matrix.count(2, 1), matrix.count(1, 2), matrix.count(1, 1)), (1, 1, 1));
    assert_eq!(accuracy(&identity(3), &images), 0.5);
    let text = "truth \\ predicted     0     1     2\n                0     1     ·     ·\n                \
                1     ·     1     1\n                2     ·     1     ·";
    assert_eq!(matrix.to_string(), text);

    let x = Tensor::from_vec([3, 1], vec![1.0, 2.0, 3.0]);
    let table = Table::from_tensors(x, Tensor::from_vec([3, 1], vec![1.0, 2.0, 5.0]));
    assert_eq!(evaluate(&identity(1), &table, mean_absolute_error), 2.0 / 3.0);
    assert!(accuracy(&identity(3), &images.take(0)).is_nan());
    assert!(confusion_matrix(&identity(3), &images.take(0)).accuracy().is_nan());
    assert!(evaluate(&identity(3), &images.take(0), metrics::accuracy).is_nan());
    assert!(evaluate(&identity(1), &table.take(0), r2).is_nan());
}

/// The message of a panic, and the line of this file that it names.
fn panic_of<T>(f: impl FnOnce() -> T) -> (String, u32) {
    thread_local! {
        static LINE: Cell<u32> = const { Cell::new(0) };
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let place = info.location().filter(|place| place.file() == file!());
        LINE.set(place.map_or(0, |place| place.line()));
    }));
    let payload = panic::catch_unwind(AssertUnwindSafe(f)).err().expect("a panic");
    panic::set_hook(usual);
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or_else(|| payload.downcast_ref::<&str>().map(|&m| m.to_owned()));
    (message.expect("a text"), LINE.get())
}

#[test]
fn mistakes_panic_at_the_callers_line_with_the_shapes() {
    let check = |(message, line): (String, u32), expected: u32, text: &str| {
        assert_eq!(line, expected, "{message}");
        assert!(message.contains(text), "{message}");
    };
    let (one, two) = (Tensor::zeros([4, 1]), Tensor::zeros([4, 2]));
    let labels = [0, 1, 0, 1];
    let text = "accuracy: outputs 4×1, but label 1 is 1; the model needs an output for each class";
    check(panic_of(|| metrics::accuracy(&one, &labels)), line!(), text);
    check(panic_of(|| metrics::accuracy(&two, &[0])), line!(), "outputs 4×2, but 1 labels");
    let flat = Tensor::zeros(4);
    check(panic_of(|| top_k_accuracy(&flat, &labels, 1)), line!(), "outputs 4; give (n, classes)");
    check(panic_of(|| top_k_accuracy(&two, &labels, 0)), line!(), "k is 0");
    let wrong = panic_of(|| metrics::confusion_matrix(&one, &labels));
    check(wrong, line!() - 1, "confusion_matrix: outputs 4×1, but label 1 is 1");
    let matrix = metrics::confusion_matrix(&two, &labels);
    check(panic_of(|| matrix.count(0, 2)), line!(), "count: no class 2 among 2");
    check(panic_of(|| matrix.precision(2)), line!(), "precision: no class 2 among 2");
    check(panic_of(|| matrix.recall(3)), line!(), "recall: no class 3 among 2");
    check(panic_of(|| matrix.f1(2)), line!(), "f1: no class 2 among 2");

    check(panic_of(|| r2(&one, &two)), line!(), "r2: outputs 4×1, but targets 4×2");
    check(panic_of(|| r2(&one, &flat)), line!(), "r2: outputs 4×1, but targets 4");
    let rmse = panic_of(|| root_mean_squared_error(&one, &two));
    check(rmse, line!() - 1, "root_mean_squared_error: outputs 4×1, but targets 4×2");
    let mae = panic_of(|| mean_absolute_error(&one, &two));
    check(mae, line!() - 1, "mean_absolute_error: outputs 4×1, but targets 4×2");
    check(panic_of(|| roc_auc(&two, &labels)), line!(), "roc_auc: scores 4×2, but 4 labels");
    check(panic_of(|| roc_auc(&one, &[0, 1, 2, 0])), line!(), "label 2 is 2");

    let images = Dataset::from_parts(vec![0; 4], 1, vec![0, 1, 0, 1], 2).unwrap();
    let model = identity(1);
    check(panic_of(|| accuracy(&model, &images)), line!(), "accuracy: outputs 4×1, but label 1");
    let matrix = panic_of(|| confusion_matrix(&model, &images));
    check(matrix, line!() - 1, "confusion_matrix: outputs 4×1, but label 1 is 1");
    check(panic_of(|| accuracy(&identity(2), &images)), line!(), "4×1");
}

/// Errors of one sign do not add up: the sums are trees.
#[test]
fn means_of_a_million_numbers_keep_their_digits() {
    let n = 1_000_000;
    let (outputs, targets) = (Tensor::full([n, 1], 0.1), Tensor::zeros([n, 1]));
    let tenth = f64::from(0.1f32);
    for mean in [
        fanin_train::metrics::mean_absolute_error(&outputs, &targets),
        fanin_train::metrics::root_mean_squared_error(&outputs, &targets),
    ] {
        let error = (mean - tenth).abs() / tenth / f64::EPSILON;
        assert!(error <= 20.0, "{error} ε");
    }
}
