"""Write metrics.txt: outputs, targets, and scikit-learn's metrics of them.

    python make.py        # needs scikit-learn, scipy and numpy; the output names their versions

Files of src/metrics and what their numbers are compared with: accuracy, confusion_matrix,
precision_recall (and each average of it), log_loss, brier and roc_auc_ovr (of probabilities by scipy's
softmax), calibration (of the paper's formula, below), roc_auc, average_precision, regression, errors and
explained. The tests take every case as one batch and as several; collected and metric (the trait) are
compared with these.
"""

import warnings
import zlib
from pathlib import Path

import numpy as np
import sklearn
from scipy.special import expit, softmax
from sklearn import metrics

warnings.simplefilter("ignore")  # of classes that never occur


def words(values):
    return " ".join(repr(v) for v in np.asarray(values).ravel().tolist())


def generator(name):
    """Of each case's own, so that a new case changes no other."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def calibration_error(probabilities, labels, bins):
    """Guo et al. 2017, equations 2 and 3: bin m has the confidences in ((m - 1) / bins, m / bins]."""
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    error = 0.0
    for m in range(1, bins + 1):
        here = (confidence > (m - 1) / bins) & (confidence <= m / bins)
        if here.any():
            gap = (predicted[here] == labels[here]).mean() - confidence[here].mean()
            error += here.mean() * abs(gap)
    return error


def probabilistic(probabilities, labels):
    every = range(probabilities.shape[1])
    yield f"log_loss {words(metrics.log_loss(labels, probabilities, labels=every))}"
    # With two classes scikit-learn takes the probability of class 1 alone.
    theirs = probabilities[:, 1] if len(every) == 2 else probabilities
    yield f"brier {words(metrics.brier_score_loss(labels, theirs, labels=every))}"
    for bins in (1, 10, 15):
        yield f"ece{bins} {words(calibration_error(probabilities, labels, bins))}"


def classification(name, n, classes, present=None):
    rng = generator(name)
    labels = rng.choice(present or range(classes), size=n)
    outputs = rng.normal(size=(n, classes)).astype(np.float32)
    # Asymmetric errors: class c is often taken for c + 1, never the other way in particular.
    outputs[np.arange(n), labels] += 1
    outputs[np.arange(n), (labels + 1) % classes] += np.float32(0.7)
    if present:
        outputs[:, [c for c in range(classes) if c not in present]] -= 10
    predicted = outputs.argmax(axis=1)
    assert (np.sort(outputs, axis=1)[:, 1:] > np.sort(outputs, axis=1)[:, :-1]).all(), "a tie"
    yield f"case {name} {n} {classes}"
    yield f"outputs {words(outputs)}"
    yield f"labels {words(labels)}"
    yield f"accuracy {words(metrics.accuracy_score(labels, predicted))}"
    every = range(classes)
    for k in range(1, classes):
        top = np.mean([label in row[-k:] for label, row in zip(labels, outputs.argsort(axis=1))])
        if not present and classes > 2:
            theirs = metrics.top_k_accuracy_score(labels, outputs, k=k, labels=every)
            # For two classes, scikit-learn takes no matrix of scores.
            assert np.isclose(theirs, top)
        yield f"top{k} {words(top)}"
    yield f"confusion {words(metrics.confusion_matrix(labels, predicted, labels=every))}"
    for kind, score in (("precision", metrics.precision_score), ("recall", metrics.recall_score),
                        ("f1", metrics.f1_score)):
        each = score(labels, predicted, average=None, labels=every, zero_division=0)
        yield f"{kind} {words(each)}"
        for average in ("macro", "micro", "weighted"):
            one = score(labels, predicted, average=average, zero_division=0)
            yield f"{average}_{kind} {words(one)}"
    yield f"balanced_accuracy {words(metrics.balanced_accuracy_score(labels, predicted))}"
    probabilities = softmax(outputs.astype(np.float64), axis=1)
    yield from probabilistic(probabilities, labels)
    if not present:
        # scikit-learn takes one column for two classes; of each class against the rest, the mean.
        truth = np.eye(classes)[labels]
        for average in ("macro", "micro", "weighted"):
            theirs = metrics.roc_auc_score(truth, probabilities, average=average)
            if classes > 2:
                other = metrics.roc_auc_score(labels, probabilities, multi_class="ovr", average=average)
                assert theirs == other
            yield f"{average}_roc_auc {words(theirs)}"


def regression(name, n, columns, constant=False):
    rng = generator(name)
    targets = (3 + 2 * rng.normal(size=(n, columns))).astype(np.float32)
    outputs = (targets + rng.normal(size=(n, columns)) / 2).astype(np.float32)
    if constant:
        targets[:, 0] = 2.5
    yield f"case {name} {n} {columns}"
    yield f"outputs {words(outputs)}"
    yield f"targets {words(targets)}"
    t, y = targets.astype(np.float64), outputs.astype(np.float64)
    yield f"r2 {words(metrics.r2_score(t, y))}"
    yield f"mae {words(metrics.mean_absolute_error(t, y))}"
    yield f"rmse {words(metrics.root_mean_squared_error(t, y))}"
    yield f"mse {words(metrics.mean_squared_error(t, y))}"
    yield f"mape {words(metrics.mean_absolute_percentage_error(t, y))}"
    yield f"explained {words(metrics.explained_variance_score(t, y))}"


def ranking(name, n, levels):
    rng = generator(name)
    labels = rng.integers(2, size=n)
    scores = (rng.normal(size=n) + labels).astype(np.float32)
    if levels:
        scores = np.round(scores * levels / 4) / np.float32(levels)  # many ties
    yield f"case {name} {n} 1"
    yield f"outputs {words(scores.astype(np.float32))}"
    yield f"labels {words(labels)}"
    yield f"roc_auc {words(metrics.roc_auc_score(labels, scores))}"
    yield f"average_precision {words(metrics.average_precision_score(labels, scores))}"
    ones = expit(scores.astype(np.float64))
    yield from probabilistic(np.stack([1 - ones, ones], axis=1), labels)


def main():
    cases = [
        classification("three-classes", 40, 3),
        classification("ten-classes", 60, 10),
        classification("two-classes", 30, 2),
        classification("classes-that-never-occur", 30, 5, present=[0, 2, 3]),
        regression("one-column", 25, 1),
        regression("three-columns", 25, 3),
        regression("constant-column", 10, 2, constant=True),
        ranking("scores", 50, 0),
        ranking("scores-with-ties", 60, 8),
    ]
    versions = f"scikit-learn {sklearn.__version__} and numpy {np.__version__}"
    lines = [f"# Written by make.py with {versions}."]
    for case in cases:
        lines += ["", *case]
    Path(__file__).with_name("metrics.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
