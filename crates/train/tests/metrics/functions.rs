//! The functions equal scikit-learn's, by golden/metrics.txt, which golden/make.py wrote; models are
//! measured by the same functions; mistakes panic at the caller's line.

use crate::common::{Case, cases, panic_of, tensor};
use fanin_datasets::{Buffers, Data, Dataset, Table};
use fanin_init::{Identity, Zeros};
use fanin_nn::{Linear, Sequential};
use fanin_tensor::Tensor;
use fanin_train::metrics::{
    self, Accuracy, Average, Metric, average_precision, balanced_accuracy, brier_score,
    expected_calibration_error, explained_variance, f1, log_loss, mean_absolute_error,
    mean_absolute_percentage_error, mean_squared_error, precision, r2, recall, roc_auc,
    roc_auc_ovr, root_mean_squared_error, top_k_accuracy,
};
use fanin_train::{accuracy, confusion_matrix, evaluate, predict_all};

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
        let averages = [Average::Macro, Average::Micro, Average::Weighted];
        for (average, name) in averages.into_iter().zip(["macro", "micro", "weighted"]) {
            case.check(&format!("{name}_precision"), &[precision(outputs, &labels, average)]);
            case.check(&format!("{name}_recall"), &[recall(outputs, &labels, average)]);
            case.check(&format!("{name}_f1"), &[f1(outputs, &labels, average)]);
            if case.get("macro_roc_auc").is_some() {
                case.check(&format!("{name}_roc_auc"), &[roc_auc_ovr(outputs, &labels, average)]);
            }
        }
        let one = |of: fn(&Tensor, &[usize], Average) -> f64| {
            each(&|class| of(outputs, &labels, Average::Class(class)))
        };
        case.check("precision", &one(precision));
        case.check("recall", &one(recall));
        case.check("f1", &one(f1));
        case.check("balanced_accuracy", &[balanced_accuracy(outputs, &labels)]);
        probabilistic(case, outputs, &labels);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

/// Metrics of logits, and of the probabilities themselves.
fn probabilistic(case: &Case, logits: &Tensor, labels: &[usize]) {
    case.check("log_loss", &[log_loss(logits, labels)]);
    case.check("brier", &[brier_score(logits, labels)]);
    for bins in [1, 10, 15] {
        let error = expected_calibration_error(logits, labels, bins);
        case.check(&format!("ece{bins}"), &[error]);
    }
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
        case.check("mse", &[mean_squared_error(outputs, &targets)]);
        case.check("mape", &[mean_absolute_percentage_error(outputs, &targets)]);
        case.check("explained", &[explained_variance(outputs, &targets)]);
        assert_eq!(r2(&targets, &targets), 1.0);
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn scores_are_judged_as_by_scikit_learn() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case.get("roc_auc").is_some()) {
        let labels = case.labels();
        case.check("average_precision", &[average_precision(&case.outputs, &labels)]);
        // A logit of class 1 beside the logit 0 of class 0.
        probabilistic(case, &case.outputs, &labels);
        let logits = case.outputs.as_slice().iter().flat_map(|&z| [1.0, z + 1.0]).collect();
        let both = Tensor::from_vec([labels.len(), 2], logits);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a}, not {b}");
        near(log_loss(&both, &labels), log_loss(&case.outputs, &labels));
        near(brier_score(&both, &labels), brier_score(&case.outputs, &labels));
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
    let ap = |scores: &[f32], labels: &[usize]| {
        average_precision(&Tensor::from(scores.to_vec()), labels)
    };
    assert_eq!(ap(&[1.0; 4], &[0, 1, 1, 0]), 0.5);
    assert_eq!(ap(&[-0.0, 0.0], &[1, 0]), 0.5, "these scores are equal");
    assert_eq!((ap(&[0.1, 0.2], &[1, 1]), ap(&[0.1, 0.2], &[0, 0])), (1.0, 0.0));
    assert!(ap(&[0.1, f32::NAN], &[0, 1]).is_nan() && ap(&[], &[]).is_nan());
}

#[test]
fn extreme_and_broken_logits_are_told() {
    let logits = Tensor::from([[1e4, -1e4], [-1e4, 1e4]]);
    assert_eq!(log_loss(&logits, &[0, 1]), 0.0);
    assert_eq!(log_loss(&logits, &[1, 0]), 2e4);
    assert_eq!((brier_score(&logits, &[0, 1]), brier_score(&logits, &[1, 0])), (0.0, 1.0));
    assert_eq!(expected_calibration_error(&logits, &[1, 0], 10), 1.0);
    // What the label's logit leaves to the others is kept, however little it is.
    let small = log_loss(&Tensor::from([[50.0, 0.0, 0.0]]), &[0]);
    assert!((small / (2.0 * (-50f64).exp()) - 1.0).abs() < 1e-12, "{small}");
    let one = log_loss(&Tensor::from([50.0]), &[1]);
    assert!((one / (-50f64).exp() - 1.0).abs() < 1e-12, "{one}");
    // The logarithms of probabilities 0 and 1.
    let certain = Tensor::from([[0.0, f32::NEG_INFINITY]]);
    assert_eq!((log_loss(&certain, &[0]), log_loss(&certain, &[1])), (0.0, f64::INFINITY));
    assert_eq!((brier_score(&certain, &[0]), brier_score(&certain, &[1])), (0.0, 1.0));
    for broken in [f32::NAN, f32::INFINITY] {
        let logits = Tensor::from([[broken, 0.0, 1.0], [0.0, 1.0, 2.0]]);
        assert!(log_loss(&logits, &[0, 1]).is_nan() && brier_score(&logits, &[0, 1]).is_nan());
        assert!(expected_calibration_error(&logits, &[0, 1], 5).is_nan());
        assert!(roc_auc_ovr(&logits, &[0, 1], Average::Micro).is_nan());
    }
    // Confidences at the edges of bins belong to the bin below: 1/2 is in the first of two.
    let halves = Tensor::from([[0.0, 0.0], [0.0, 0.0], [1e4, 0.0]]);
    let error = expected_calibration_error(&halves, &[0, 0, 1], 2);
    assert_eq!(error, (1.0 + 1.0) / 3.0);
}

#[test]
fn single_classes_and_no_samples_are_told() {
    let (outputs, none) = (Tensor::from([[1.0, 0.0], [0.0, 1.0]]), Tensor::zeros([0, 2]));
    // Of class 0 alone: scikit-learn's numbers with zero_division=0.
    let of = |average| {
        [precision, recall, f1]
            .map(|of: fn(&Tensor, &[usize], Average) -> f64| of(&outputs, &[0, 0], average))
    };
    assert_eq!(of(Average::Macro), [0.5, 0.25, 1.0 / 3.0]);
    assert_eq!(of(Average::Weighted), [1.0, 0.5, 2.0 / 3.0]);
    assert_eq!(of(Average::Micro), [0.5; 3]);
    assert_eq!(of(Average::Class(1)), [0.0; 3]);
    assert_eq!(balanced_accuracy(&outputs, &[0, 0]), 0.5, "class 1 has no samples");
    assert!(roc_auc_ovr(&outputs, &[0, 0], Average::Macro).is_nan());
    for average in [Average::Macro, Average::Micro, Average::Weighted, Average::Class(1)] {
        assert!(precision(&none, &[], average).is_nan() && recall(&none, &[], average).is_nan());
        assert!(f1(&none, &[], average).is_nan() && roc_auc_ovr(&none, &[], average).is_nan());
    }
    assert!(balanced_accuracy(&none, &[]).is_nan() && log_loss(&none, &[]).is_nan());
    assert!(brier_score(&none, &[]).is_nan());
    assert!(expected_calibration_error(&none, &[], 5).is_nan());
    assert!(mean_squared_error(&none, &none).is_nan());
    assert!(mean_absolute_percentage_error(&none, &none).is_nan());
    assert!(explained_variance(&none, &none).is_nan());
    // A target of 0: scikit-learn divides by 2⁻⁵².
    let share = mean_absolute_percentage_error(&Tensor::from([[1.0]]), &Tensor::from([[0.0]]));
    assert_eq!(share, 1.0 / f64::EPSILON);
    let constant = Tensor::from([[2.0], [2.0]]);
    assert_eq!(explained_variance(&Tensor::from([[1.0], [1.0]]), &constant), 1.0);
    assert_eq!(explained_variance(&Tensor::from([[1.0], [3.0]]), &constant), 0.0);
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

/// One logit z for each sample counts as the two outputs 0 and z.
#[test]
fn one_logit_is_two_classes() {
    let logits = [-2.0, 0.0, 0.5, 3.0, -0.1, 1.0, f32::MIN_POSITIVE];
    let labels = [0, 0, 1, 1, 1, 0, 1];
    let [flat, column] = [&[7][..], &[7, 1]].map(|s| Tensor::from(logits.to_vec()).reshape(s));
    let two = Tensor::from_rows(logits.map(|z| [0.0, z]));
    let all = |y: &Tensor| {
        let average = Average::Class(1);
        let (mut accuracy, mut f1) = (Accuracy::new(), metrics::F1::new(average));
        accuracy.update(y, &labels[..]);
        f1.update(y, &labels[..]);
        [
            metrics::accuracy(y, &labels),
            metrics::precision(y, &labels, average),
            metrics::recall(y, &labels, average),
            metrics::f1(y, &labels, average),
            metrics::balanced_accuracy(y, &labels),
            accuracy.value(),
            f1.value(),
        ]
    };
    // 3 of 4 are rightly taken for class 1, 1 of 4 of class 1 is missed, 5 of 7 are right.
    assert_eq!(all(&two), [5.0 / 7.0, 0.75, 0.75, 0.75, (0.75 + 2.0 / 3.0) / 2.0, 5.0 / 7.0, 0.75]);
    assert_eq!((all(&flat), all(&column)), (all(&two), all(&two)));
    assert_eq!(
        metrics::confusion_matrix(&column, &labels),
        metrics::confusion_matrix(&two, &labels)
    );
    assert_eq!(metrics::confusion_matrix(&flat, &labels).count(0, 1), 1);

    let data = (column.clone(), labels.to_vec());
    let identity = Sequential::new();
    assert_eq!(fanin_train::accuracy(&identity, &data), 5.0 / 7.0);
    assert_eq!(fanin_train::confusion_matrix(&identity, &data).accuracy(), 5.0 / 7.0);
    assert!(metrics::accuracy(&Tensor::zeros([0, 1]), &[]).is_nan());
}

#[test]
fn mistakes_panic_at_the_callers_line_with_the_shapes() {
    let check = |(message, line): (String, u32), expected: u32, text: &str| {
        assert_eq!(line, expected, "{message}");
        assert!(message.contains(text), "{message}");
    };
    let (one, two) = (Tensor::zeros([4, 1]), Tensor::zeros([4, 2]));
    let labels = [0, 1, 0, 1];
    let text = "accuracy: outputs 4×2, but label 1 is 2; the model needs an output for each class";
    check(panic_of(|| metrics::accuracy(&two, &[0, 2, 0, 1])), line!(), text);
    let text = "accuracy: logits 4×1 of class 1, but label 1 is 2; labels are 0 or 1";
    check(panic_of(|| metrics::accuracy(&one, &[0, 2, 0, 1])), line!(), text);
    check(panic_of(|| metrics::accuracy(&one, &[0])), line!(), "4×1 of class 1, but 1 labels");
    check(panic_of(|| metrics::accuracy(&two, &[0])), line!(), "outputs 4×2, but 1 labels");
    let flat = Tensor::zeros(4);
    check(panic_of(|| top_k_accuracy(&flat, &labels, 1)), line!(), "outputs 4; give (n, classes)");
    check(panic_of(|| top_k_accuracy(&two, &labels, 0)), line!(), "k is 0");
    let text = "top_k_accuracy: outputs 4×1, but label 1 is 1; the model needs an output for each";
    check(panic_of(|| top_k_accuracy(&one, &labels, 1)), line!(), text);
    let wrong = panic_of(|| metrics::confusion_matrix(&two, &[0, 2, 0, 1]));
    check(wrong, line!() - 1, "confusion_matrix: outputs 4×2, but label 1 is 2");
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
    let mse = panic_of(|| mean_squared_error(&one, &flat));
    check(mse, line!() - 1, "mean_squared_error: outputs 4×1, but targets 4; give both");
    let mape = panic_of(|| mean_absolute_percentage_error(&one, &two));
    check(mape, line!() - 1, "mean_absolute_percentage_error: outputs 4×1, but targets 4×2");
    let explained = panic_of(|| explained_variance(&one, &two));
    check(explained, line!() - 1, "explained_variance: outputs 4×1, but targets 4×2");
    let of = |average| precision(&two, &labels, average);
    assert!(of(Average::Class(1)).is_finite());
    let class = panic_of(|| precision(&two, &labels, Average::Class(2)));
    check(class, line!() - 1, "precision: no class 2 among 2");
    check(panic_of(|| recall(&one, &[2; 4], Average::Macro)), line!(), "recall: logits 4×1 of");
    let cube = Tensor::zeros([4, 2, 1]);
    check(panic_of(|| f1(&cube, &labels, Average::Macro)), line!(), "f1: outputs 4×2×1; give (n,");
    check(panic_of(|| balanced_accuracy(&two, &[0])), line!(), "outputs 4×2, but 1 labels");
    check(panic_of(|| log_loss(&one, &[0, 1, 2, 0])), line!(), "log_loss: logits 4×1 of class 1");
    check(panic_of(|| log_loss(&flat, &[0])), line!(), "logits 4 of class 1, but 1 labels");
    check(panic_of(|| brier_score(&two, &[0, 1, 2, 0])), line!(), "brier_score: outputs 4×2");
    let bins = panic_of(|| expected_calibration_error(&two, &labels, 0));
    check(bins, line!() - 1, "expected_calibration_error: 0 bins; give 1 or more");
    let ovr = panic_of(|| roc_auc_ovr(&one, &[0; 4], Average::Macro));
    check(ovr, line!() - 1, "roc_auc_ovr: logits 4×1; give 2 or more classes");
    let ovr = panic_of(|| roc_auc_ovr(&two, &labels, Average::Class(2)));
    check(ovr, line!() - 1, "roc_auc_ovr: logits 4×2, and the average is that of class 2");
    let ap = panic_of(|| average_precision(&one, &[0, 1, 2, 0]));
    check(ap, line!() - 1, "average_precision: scores 4×1, but label 2 is 2");
    check(panic_of(|| roc_auc(&two, &labels)), line!(), "roc_auc: scores 4×2, but 4 labels");
    check(panic_of(|| roc_auc(&one, &[0, 1, 2, 0])), line!(), "label 2 is 2");

    let images = Dataset::from_parts(vec![0; 4], 1, vec![0, 2, 0, 1], 3).unwrap();
    let model = identity(1);
    check(panic_of(|| accuracy(&model, &images)), line!(), "accuracy: logits 4×1 of class 1, but");
    let matrix = panic_of(|| confusion_matrix(&model, &images));
    check(matrix, line!() - 1, "confusion_matrix: logits 4×1 of class 1, but label 1 is 2");
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
        mean_squared_error(&outputs, &targets).sqrt(),
    ] {
        let error = (mean - tenth).abs() / tenth / f64::EPSILON;
        assert!(error <= 20.0, "{error} ε");
    }
}
