"""Write the four CSV files of this folder from scikit-learn's wheel, and SHA256SUMS.

    python make.py        # needs scikit-learn
"""

import csv
import gzip
import hashlib
import io
from pathlib import Path

import sklearn
from sklearn import datasets

HERE = Path(__file__).parent


def number(text):
    """The digits of scikit-learn's file, without zeros that say nothing."""
    value = float(text)
    short = repr(value)[:-2] if repr(value).endswith(".0") else repr(value)
    assert float(short) == value
    return short


def write(name, header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    packed = gzip.compress(text.getvalue().encode(), 9, mtime=0)
    (HERE / f"{name}.csv.gz").write_bytes(packed)
    return f"{hashlib.sha256(packed).hexdigest()}  {name}.csv.gz\n"


def labelled(name, load):
    data = load()
    header = [*data.feature_names, "class"]
    rows = [[*map(number, x), data.target_names[y]] for x, y in zip(data.data, data.target)]
    return write(name, header, rows)


def main():
    sums = [
        labelled("iris", datasets.load_iris),
        labelled("wine", datasets.load_wine),
        labelled("breast_cancer", datasets.load_breast_cancer),
    ]
    data = datasets.load_diabetes(scaled=False)
    rows = [[*map(number, x), number(y)] for x, y in zip(data.data, data.target)]
    sums.append(write("diabetes", [*data.feature_names, "progression"], rows))
    (HERE / "SHA256SUMS").write_text("".join(sums))
    print(f"scikit-learn {sklearn.__version__}")


if __name__ == "__main__":
    main()
