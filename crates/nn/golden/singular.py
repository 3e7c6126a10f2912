"""Singular values by numpy, of matrices that both sides make by a formula: golden/singular.txt.

    python golden/singular.py

A line a matrix: its name, rows, columns, and its singular values, the largest first.
"""
import pathlib

import numpy as np


def waves(m, n):
    i, j = np.mgrid[1 : m + 1, 1 : n + 1].astype(np.float64)
    return np.sin(i * i * 0.37 + j * 1.7 + i * j * 0.11)


def graded(m, n):
    """Rows from 1 down to 1e-8."""
    return waves(m, n) * 10.0 ** (-8.0 * np.arange(m)[:, None] / (m - 1))


def rank_two(m, n):
    i, j = np.mgrid[1 : m + 1, 1 : n + 1].astype(np.float64)
    return np.sin(i) * np.cos(j) + 0.25 * np.cos(i) * np.sin(j)


cases = [
    ("waves", waves, 1, 1), ("waves", waves, 1, 6), ("waves", waves, 5, 1), ("waves", waves, 5, 3),
    ("waves", waves, 3, 5), ("waves", waves, 40, 25), ("waves", waves, 25, 40), ("waves", waves, 64, 64),
    ("graded", graded, 12, 9), ("rank_two", rank_two, 20, 12),
]
lines = [f"# numpy {np.__version__}, by golden/singular.py"]
for name, make, m, n in cases:
    sigma = np.linalg.svd(make(m, n), compute_uv=False)
    lines.append(" ".join([name, str(m), str(n)] + [repr(float(s)) for s in sigma]))
pathlib.Path(__file__).with_name("singular.txt").write_text("\n".join(lines) + "\n")
