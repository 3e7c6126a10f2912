"""Writes line_search.txt: where PyTorch's line search of L-BFGS ends on losses that are drawn from few values.

    python line_search.py    # needs torch (CPU); the output names the version

Losses of few values are often equal, and no smooth loss shows what a search does then.
"""

import math
import platform
from pathlib import Path

import torch
from torch.optim.lbfgs import _strong_wolfe

lines = [
    f"# Written by line_search.py with torch {torch.__version__}, Python {platform.python_version()}.",
    "#",
    "# At the start, the loss is 0 and its derivative -1. Evaluation n >= 1 has the loss ((s >> 8) % 12 - 8) / 8",
    "# and the derivative ((s >> 16) % 17 - 8) / 2, where s = (1103515245 s + 12345) % 2**31, from the seed on.",
    "# Each line: the seed, the length t, the loss there, and the number of evaluations.",
    "# PyTorch's length is NaN where its cubic divides 0 by 0. Those seeds are left out.",
]
for seed in range(1, 129):
    state = seed

    def evaluate(x, t, d):
        global state
        state = (state * 1103515245 + 12345) % 2**31
        slope = torch.tensor([((state >> 16) % 17 - 8) / 2], dtype=torch.float64)
        return ((state >> 8) % 12 - 8) / 8, slope

    one = torch.ones(1, dtype=torch.float64)
    loss, _, t, count = _strong_wolfe(evaluate, 0 * one, 1.0, one, 0.0, -one, (-one).dot(one))
    if math.isnan(float(t)):
        continue
    lines.append(f"{seed} {float(t)!r} {float(loss)!r} {count}")
Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
