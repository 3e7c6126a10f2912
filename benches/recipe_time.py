"""The time of `examples/mnist` as a process, beside PyTorch with the same network and recipe.

    cargo build --release --example mnist
    FANIN_DATA=path/to/mnist python benches/recipe_time.py [--seeds 10] [--options="--hidden 128"]

Both are started in turn, once for each seed; the time of a process is from its start to its end,
imports and reading of the data included. --options are those of the example and go to it alone; with
--alone PyTorch is left out. The Python that runs this must have torch.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MNIST = ROOT / "target/release/examples/mnist"
TORCH = ROOT / "benches/peers/torch_mnist.py"


def run(command):
    """Seconds and accuracy of a process."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stdout.splitlines()[-1].split()[2])


def row(name, results):
    times, accuracies = zip(*results)
    print(
        f"| {name} | {statistics.median(times):.2f} | {min(times):.2f} to {max(times):.2f} "
        f"| {min(accuracies):.2f} | {statistics.median(accuracies):.2f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--options", action="append", help="once for each recipe to time")
    parser.add_argument("--alone", action="store_true")
    args = parser.parse_args()
    programs = {
        f"fanin {options}".strip(): [str(MNIST), *options.split()] for options in args.options or [""]
    }
    if not args.alone:
        programs["PyTorch"] = [sys.executable, str(TORCH)]
    results = {name: [] for name in programs}
    for seed in range(args.seeds):
        for name, command in programs.items():
            results[name].append(run([*command, "--seed", str(seed)]))
            seconds, accuracy = results[name][-1]
            print(f"seed {seed}, {name}: {seconds:.2f} s, {accuracy:.2f} %", file=sys.stderr)
    print("| process | median s | from to | lowest % | median % |\n|---|---|---|---|---|")
    for name, found in results.items():
        row(name, found)


if __name__ == "__main__":
    main()
