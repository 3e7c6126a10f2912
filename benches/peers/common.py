"""The code that the Python programs share: options, data, the timing loop, and the output line.

common/src/lib.rs is its counterpart for the Rust programs. Keep the two equal, or the comparison is
invalid.
"""

import argparse
import gzip
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

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


STEPS_OF_A_START = 200
"""Steps on one batch drift: what a small network has learned decays into subnormal numbers, which
slow some CPUs and some programs more than others. After this many timed steps all programs restart
from the first weights, with a new optimizer."""


def measure(seconds, call, least=5, start=lambda: None, calls_of_a_start=math.inf):
    """Warms up by five calls, then times calls for some seconds, at least five times.

    Or, for calls that last a second or so, another number than five.
    """

    def timed(calls):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        return (time.perf_counter() - begin) / calls

    start()
    timed(least - 1)
    calls = min(max(math.ceil(SHORTEST_SAMPLE / timed(1)), 1), 1000)
    begin, samples, since_start = time.perf_counter(), [], 0
    while len(samples) < least or time.perf_counter() - begin < seconds:
        if since_start >= calls_of_a_start:
            start()
            timed(least)
            since_start = 0
        samples.append(timed(calls) * 1e6)
        since_start += calls
    samples.sort()
    q1, median, q3 = (samples[len(samples) * quarter // 4] for quarter in (1, 2, 3))
    return {"median_us": median, "q1_us": q1, "q3_us": q3, "samples": len(samples)}


def train(program, net, options, start, step):
    """Measures training steps. `start` gives the model its first weights and a new optimizer, every
    STEPS_OF_A_START timed steps; neither it nor the warm-up after it is timed. `step` returns the
    loss."""
    start()
    first = float(step())
    timing = measure(options.seconds, step, start=start, calls_of_a_start=STEPS_OF_A_START)
    report(program, "train", net.text, options.threads, timing,
           first_loss=first, last_loss=float(step()))


MEAN, STD = 0.1307, 0.3081
"""Of the pixels of MNIST."""


def read_mnist(directory):
    """The training images, one row of bytes each, and their labels."""

    def read(name, header):
        plain, packed = Path(directory, name), Path(directory, name + ".gz")
        data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
        values = numpy.frombuffer(bytearray(data), numpy.uint8, offset=header)
        return values.reshape(int.from_bytes(data[4:8]), -1)

    labels = read("train-labels-idx1-ubyte", 8)[:, 0].astype(numpy.int64)
    return read("train-images-idx3-ubyte", 16), labels


def report(program, what, net, threads, timing, **more):
    """Prints one measurement as a line of JSON."""
    line = {"program": program, "what": what, "net": net, "threads": threads}
    print(json.dumps(line | timing | more, ensure_ascii=False), flush=True)
