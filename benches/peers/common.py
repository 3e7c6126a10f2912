"""The code that the two Python programs share: options, data, the timing loop, and the output line.

common/src/lib.rs is its counterpart for the Rust programs. Keep the two equal, or the comparison is
invalid.
"""

import argparse
import json
import math
import os
import time
from dataclasses import dataclass

import numpy


@dataclass(frozen=True)
class Net:
    """A network and its training: `784-128-10:relu:adam:64`."""

    text: str
    sizes: list[int]
    tanh: bool
    adam: bool  # at 1e-3, else SGD at 0.01 with momentum 0.9
    batch: int

    @staticmethod
    def parse(text):
        sizes, activation, optimizer, batch = text.split(":")
        if activation not in ("tanh", "relu") or optimizer not in ("adam", "sgd"):
            raise argparse.ArgumentTypeError(f"cannot read the network {text}")
        sizes = [int(size) for size in sizes.split("-")]
        return Net(text, sizes, activation == "tanh", optimizer == "adam", int(batch))

    @property
    def is_regression(self):
        """One output is trained by mean squared error, more by cross-entropy."""
        return self.sizes[-1] == 1

    def inputs(self, rows):
        """The inputs of some samples in row-major order, in [0, 1)."""
        values = numpy.arange(rows * self.sizes[0]) * 7919 % 1009 / 1009
        return values.astype(numpy.float32).reshape(rows, -1)

    def labels(self):
        return [i % self.sizes[-1] for i in range(self.batch)]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", type=Net.parse, action="append", required=True,
                        help="layers:activation:optimizer:batch; may be repeated")
    parser.add_argument("--what", type=lambda text: text.split(","), required=True,
                        help="train,one,many and for some programs products, epoch")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--mnist", help="the directory with MNIST, for epoch")
    parser.add_argument("--compile", action="store_true", help="PyTorch: compile the model")
    return parser.parse_args()


SHORTEST_SAMPLE = 50e-6
"""Calls that take less than this are timed in groups, so that reading the clock costs nothing."""


def measure(seconds, call, least=5):
    """Warms up by five calls, then times calls for some seconds, at least five times.

    Or, for calls that last a second or so, another number than five.
    """

    def timed(calls):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - start) / calls

    timed(least - 1)
    calls = min(max(math.ceil(SHORTEST_SAMPLE / timed(1)), 1), 1000)
    start = time.perf_counter()
    samples = []
    while len(samples) < least or time.perf_counter() - start < seconds:
        samples.append(timed(calls) * 1e6)
    samples.sort()
    q1, median, q3 = (samples[len(samples) * quarter // 4] for quarter in (1, 2, 3))
    return {"median_us": median, "q1_us": q1, "q3_us": q3, "samples": len(samples)}


def report(program, what, net, threads, timing, **more):
    """Prints one measurement as a line of JSON."""
    line = {"program": program, "what": what, "net": net, "threads": threads}
    print(json.dumps(line | timing | more, ensure_ascii=False), flush=True)
