"""Write tabular.txt and tabular.csv: what scikit-learn and torch make of tables.

    python tabular.py        # needs scikit-learn and torch; the output names their versions
"""

import csv
import io
import random
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn import datasets
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler, random_split

HERE = Path(__file__).parent
TRAIN = 28  # of the rows of tabular.csv


def words(values):
    return " ".join(f"{v:.9g}" if isinstance(v, float) else str(v) for v in np.asarray(values).ravel().tolist())


def classics():
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        options = {"scaled": False} if name == "diabetes" else {}
        data = getattr(datasets, f"load_{name}")(**options)
        x, y = data.data, data.target
        yield f"shape {name} {x.shape[0]} {x.shape[1]}"
        yield f"mean {name} {words(x.mean(0))} {words([float(y.mean())])}"
        yield f"std {name} {words(x.std(0))} {words([float(y.std())])}"
        for row in (0, 1, len(x) - 1):
            yield f"row {name} {row} {words(x[row])} {words([float(y[row])])}"
        yield f"names {name} {'|'.join(data.feature_names)}"


def table():
    """Forty rows with missing values, and a city that only the last rows have."""
    rng = random.Random(5)
    rows = []
    for i in range(40):
        age = "" if i % 9 == 4 else rng.randint(18, 80)
        income = "NA" if i % 11 == 3 else round(rng.lognormvariate(10, 0.6), 2)
        rooms = "?" if i % 13 == 7 else rng.choice([1, 2, 2, 3, 3, 4, 5])
        city = "" if i % 10 == 6 else rng.choice(["Oslo", "Rome", "Kyiv", "São Paulo"])
        if i in (31, 38):
            city = "Lima"
        grade = rng.choice("abc")
        rows.append([age, income, rooms, 7, city, grade, round(rng.gauss(100, 30), 3)])
    return ["age", "income", "rooms", "constant", "city", "grade", "price"], rows


def columns(rows):
    missing = ("", "NA", "?")
    numbers = np.array([[np.nan if v in missing else float(v) for v in row[:4]] for row in rows])
    texts = np.array([[np.nan if v in missing else v for v in row[4:6]] for row in rows], dtype=object)
    return numbers, texts


def transformers():
    imputers = {
        "mean": SimpleImputer(strategy="mean"),
        "median": SimpleImputer(strategy="median"),
        "most_frequent": SimpleImputer(strategy="most_frequent"),
        "number": SimpleImputer(strategy="constant", fill_value=-3.5),
    }
    scalers = {
        "keep": FunctionTransformer(),
        "standardize": StandardScaler(),
        "min_max": MinMaxScaler((-1, 2)),
    }
    for impute, imputer in imputers.items():
        for scale, scaler in scalers.items():
            yield f"numbers {impute} {scale}", make_pipeline(imputer, scaler), 0
    fills = {
        "most_frequent": SimpleImputer(strategy="most_frequent"),
        "category": SimpleImputer(strategy="constant", fill_value="none"),
    }
    encoders = {
        "one_hot": OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    }
    for impute, imputer in fills.items():
        for encode, encoder in encoders.items():
            yield f"texts {impute} {encode}", make_pipeline(imputer, encoder), 1


def preprocessing(rows):
    parts = columns(rows)
    for name, pipeline, part in transformers():
        pipeline.fit(parts[part][:TRAIN])
        x = pipeline.transform(parts[part])
        yield f"{name} {x.shape[1]} {words(x.astype(float))}"
    price = np.array([[float(row[6])] for row in rows])
    yield f"target standardize 1 {words(StandardScaler().fit(price[:TRAIN]).transform(price))}"


def sampling():
    weights = {
        "few": [0.0, 1.0, 2.0, 0.0, 5.0],
        "even": [1.0] * 7,
        "many": [round(0.1 + (i * 37 % 101) / 10, 1) for i in range(200)],
    }
    for name, w in weights.items():
        yield f"weights {name} {words(w)}"
        for seed in (0, 7):
            generator = torch.Generator().manual_seed(seed)
            drawn = list(WeightedRandomSampler(w, 60, generator=generator))
            yield f"weighted {name} {seed} 60 {words(drawn)}"
            torch.manual_seed(seed)
            loader = DataLoader(TensorDataset(torch.arange(len(w))), batch_size=3, sampler=WeightedRandomSampler(w, len(w)))
            yield f"loader {name} {seed} {words(torch.cat([x for (x,) in loader]).numpy())}"
    for n, fractions in ((10, [0.6, 0.2, 0.2]), (17, [0.5, 0.25, 0.25]), (100, [0.7, 0.3]), (11, [1 / 3, 1 / 3, 1 / 3])):
        parts = random_split(range(n), fractions, generator=torch.Generator().manual_seed(3))
        yield f"split {n} {' '.join(map(repr, fractions))} = {' / '.join(words(part.indices) for part in parts)}"


def main():
    header, rows = table()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    (HERE / "tabular.csv").write_text(text.getvalue())
    lines = [
        f"# Written by tabular.py with scikit-learn {sklearn.__version__}, numpy {np.__version__} and torch {torch.__version__}.",
        f"# Preprocessing is fitted to the first {TRAIN} rows of tabular.csv and applied to all.",
        *classics(),
        f"train {TRAIN}",
        *preprocessing(rows),
        *sampling(),
    ]
    (HERE / "tabular.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
