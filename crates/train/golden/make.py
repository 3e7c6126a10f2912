"""Write metrics.txt: outputs, targets, and scikit-learn's metrics of them.

    python make.py        # needs scikit-learn and numpy; the output names their versions
"""

import warnings
import zlib
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics

warnings.simplefilter("ignore")  # of classes that never occur


def words(values):
    return " ".join(repr(v) for v in np.asarray(values).ravel().tolist())


def generator(name):
    """Of each case's own, so that a new case changes no other."""
    return np.random.default_rng(zlib.crc32(name.encode()))


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
        if not present:
            theirs = metrics.top_k_accuracy_score(labels, outputs, k=k, labels=every)
            # For two classes, scikit-learn takes no matrix of scores.
            assert np.isclose(theirs, top)
        yield f"top{k} {words(top)}"
    yield f"confusion {words(metrics.confusion_matrix(labels, predicted, labels=every))}"
    for kind, score in (("precision", metrics.precision_score), ("recall", metrics.recall_score),
                        ("f1", metrics.f1_score)):
        each = score(labels, predicted, average=None, labels=every, zero_division=0)
        yield f"{kind} {words(each)}"
        yield f"macro_{kind} {words(score(labels, predicted, average='macro', zero_division=0))}"


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


def main():
    cases = [
        classification("three-classes", 40, 3),
        classification("ten-classes", 60, 10),
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
