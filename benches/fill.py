"""Measures the time to fill weights by fanin and by PyTorch, and prints both in milliseconds.

    pip install torch numpy
    python3 benches/fill.py [--rounds 3]

Each round runs `cargo bench --bench fill` and then PyTorch with its default number of threads. It
prints the median of the best round of each, and the ratio of the medians.
"""

import argparse
import os
import statistics
import subprocess
import time

import torch
from torch.nn import init

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {
    "uniform 4096": (4096, lambda w: init.uniform_(w, -0.1, 0.1)),
    "normal 4096": (4096, lambda w: init.normal_(w, 0.0, 0.1)),
    "truncated 4096": (4096, lambda w: init.trunc_normal_(w, 0.0, 0.1, -0.2, 0.2)),
    "orthogonal 1024": (1024, init.orthogonal_),
}


def theirs():
    result = {}
    for name, (n, fill) in CASES.items():
        weight = torch.empty(n, n)
        times = []
        for _ in range(15):
            start = time.perf_counter()
            fill(weight)
            times.append(1e3 * (time.perf_counter() - start))
        result[name] = statistics.median(times)
    return result


def ours():
    lines = subprocess.run(["cargo", "bench", "--quiet", "--bench", "fill"], cwd=HERE,
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: float(ms) for name, _, ms in (line.rpartition(" ") for line in lines) if name in CASES}


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=3)
rounds = [(ours(), theirs()) for _ in range(parser.parse_args().rounds)]
print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
print(f"{'':16} {'fanin ms':>9} {'torch ms':>9} {'torch/fanin':>12}")
for name in CASES:
    fanin, pytorch = (min(r[i][name] for r in rounds) for i in (0, 1))
    print(f"{name:16} {fanin:9.1f} {pytorch:9.1f} {pytorch / fanin:12.2f}")
