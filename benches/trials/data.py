# Writes data/: five CSV tables and a picture, the same each time.
import csv
from pathlib import Path

import numpy as np
from sklearn import datasets

rng = np.random.default_rng(0)


def write(name, x, y, columns, whole):
    order = rng.permutation(len(y))
    with open(f"data/{name}.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow([*columns, "target"])
        for row, target in zip(x[order], y[order]):
            target = int(target) if whole else repr(float(target))
            table.writerow([*(repr(float(value)) for value in row), target])


def houses(n):
    """Like California's: features of very different scales, a price that depends on the place."""
    income = np.exp(rng.normal(1.2, 0.5, n))
    age = rng.integers(1, 53, n).astype(float)
    rooms = rng.gamma(6, 0.9, n) + 1
    bedrooms = rooms * 0.2 * np.exp(rng.normal(0, 0.1, n))
    people = np.exp(rng.normal(7, 0.7, n))
    household = rng.gamma(9, 0.33, n) + 0.5
    north, east = rng.uniform(32, 42, n), rng.uniform(-124, -114, n)
    price = (
        0.45 * income
        + 0.35 * np.sin(north) * np.cos(east * 0.7)
        + 0.8 * np.exp(-((north - 34) ** 2 + (east + 118) ** 2) / 2)
        + 0.6 * np.exp(-((north - 37.7) ** 2 + (east + 122) ** 2) / 2)
        - 0.25 * np.log(household)
        + 0.005 * age
        + 0.1 * np.log(rooms)
        + rng.normal(0, 0.25, n)
    )
    x = np.stack([income, age, rooms, bedrooms, people, household, north, east], axis=1)
    return x, np.clip(price, 0.15, 5.0)


Path("data").mkdir(exist_ok=True)
classics = {
    "diabetes": datasets.load_diabetes(scaled=False),
    "breast_cancer": datasets.load_breast_cancer(),
    "wine": datasets.load_wine(),
}
for name, bunch in classics.items():
    columns = [column.replace(" ", "_").replace(",", "") for column in bunch.feature_names]
    write(name, bunch.data, bunch.target, columns, whole=name != "diabetes")
x, y = houses(8000)
columns = "income age rooms bedrooms people household north east".split()
write("houses", x, y, columns, whole=False)
# Two classes, of which one is rare.
x, y = datasets.make_classification(
    6000,
    20,
    n_informative=8,
    n_redundant=4,
    weights=[0.95],
    flip_y=0.01,
    class_sep=0.9,
    random_state=0,
)
write("fraud", x, y, [f"f{i}" for i in range(20)], whole=True)

# Waves in two channels, a chessboard in the third.
a, b = np.mgrid[0:64, 0:64] / 63
channels = [
    0.5 + 0.5 * np.sin(20 * a * b),
    0.5 + 0.5 * np.cos(15 * np.hypot(a - 0.4, b - 0.6)),
    ((a * 8).astype(int) + (b * 8).astype(int)) % 2 * 0.6 + 0.2,
]
Path("data/image.rgb").write_bytes((np.stack(channels, axis=-1) * 255).astype(np.uint8).tobytes())
