"""Cross-validates scikit-learn's MLPs on the bundled tables, for `cargo run --release --example tabular`.

    python examples/tabular/scikit_learn.py          # writes scikit_learn.txt beside this file

The network, the optimizer, the batches and the folds are those of the example. Training ends in either of
scikit-learn's ways: `held_out` scores a tenth of the training rows after each epoch (early_stopping=True,
the best weights are restored), `loss` watches the training loss (early_stopping=False, its default).
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # a model on one core, as in the example

import csv
import gzip
import platform
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
TABLES = ["iris", "wine", "breast_cancer", "diabetes"]
FOLDS, SEED = 10, 0
PATIENCE, EPOCHS = 20, 500

warnings.filterwarnings("ignore", category=ConvergenceWarning)
torch.set_num_threads(1)


def read(table):
    """Inputs and targets of a table: numbers, or the class in the last column."""
    path = HERE / "../../datasets/classics" / f"{table}.csv.gz"
    with gzip.open(path, "rt") as file:
        _, *rows = csv.reader(file)
    x = np.array([row[:-1] for row in rows], dtype=float)
    y = np.array([row[-1] for row in rows])
    return x, y.astype(float) if table == "diabetes" else y


def folds(y, classes):
    """The rows to test on in each fold, as fanin's KFold draws them from torch's generator."""
    rng = torch.Generator().manual_seed(SEED)
    if not classes:
        return np.array_split(torch.randperm(len(y), generator=rng).numpy(), FOLDS)
    members = [np.flatnonzero(y == name) for name in np.unique(y)]
    dealt = np.concatenate([m[torch.randperm(len(m), generator=rng).numpy()] for m in members])
    return [dealt[fold::FOLDS] for fold in range(FOLDS)]


def model(classes, held_out, seed):
    options = dict(
        hidden_layer_sizes=(64, 32),
        batch_size=32,
        learning_rate_init=1e-3,
        early_stopping=held_out,
        validation_fraction=0.1,
        n_iter_no_change=PATIENCE,
        max_iter=EPOCHS,
        random_state=seed,
    )
    if classes:
        return make_pipeline(StandardScaler(), MLPClassifier(**options))
    network = make_pipeline(StandardScaler(), MLPRegressor(**options))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def fit(x, y, test, held_out, seed):
    """Score, seconds of the processor and epochs of a fold."""
    classes = y.dtype.kind == "U"
    train = np.setdiff1d(np.arange(len(y)), test)
    clock = time.process_time()
    fitted = model(classes, held_out, seed).fit(x[train], y[train])
    score = fitted.score(x[test], y[test])  # accuracy or R²
    seconds = time.process_time() - clock
    network = fitted[-1] if classes else fitted.regressor_[-1]
    return score, seconds, network.n_iter_


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ")[1]
    return "?"


def main():
    versions = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}"
    lines = [
        f"# scikit_learn.py: {versions}; one thread of {cpu()}",
        "# <table> <stopping> <fold> <accuracy or R²> <seconds> <epochs>; rows <table> <fold> <test rows>",
    ]
    for table in TABLES:
        x, y = read(table)
        tests = folds(y, y.dtype.kind == "U")
        for fold, test in enumerate(tests):
            lines.append(f"rows {table} {fold} " + " ".join(map(str, sorted(test))))
        for held_out in [True, False]:
            stopping = "held_out" if held_out else "loss"
            for fold, test in enumerate(tests):
                score, seconds, epochs = fit(x, y, test, held_out, seed=fold)
                lines.append(f"{table} {stopping} {fold} {score:.6f} {seconds:.4f} {epochs}")
                print(lines[-1], flush=True)
    (HERE / "scikit_learn.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
