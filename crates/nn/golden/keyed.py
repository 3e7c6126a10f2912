"""Prints what torch draws for the parameters of a net, each from a generator of its own by its name.

    python keyed.py         # written with torch 2.15.0, numpy 2.4.6

A line: path, the FNV-1a hash of all bytes, the first two numbers as bits. The lines are in
crates/nn/tests/nn/plan.rs. The generator's state is numpy's init_by_array for the key, put into torch.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
import numpy
import torch

SEED = 20_260_101


def key(seed, path):
    text = path.encode()
    padded = text + bytes(-len(text) % 4)
    words = numpy.frombuffer(padded, "<u4").tolist()
    return [seed & 0xFFFFFFFF, seed >> 32, len(text), *words]


def enter(words):
    """Makes numpy's generator for these words that of torch."""
    torch.manual_seed(0)
    state = torch.get_rng_state().numpy().copy()
    # the seed (8 bytes), words left (4), seeded (4), next word (8), 624 words of 8 bytes
    left = state[8:12].view("<i4")
    assert left[0] == 1, "torch makes a new block at the first draw"
    state[24 : 24 + 8 * 624].view("<u8")[:] = numpy.random.RandomState(words).get_state()[1]
    torch.set_rng_state(torch.from_numpy(state))


def fnv(array):
    value = 0xCBF29CE484222325
    for byte in array.astype("<f4").tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


# torch's generator is where numpy's is
enter([1, 2, 3])
first = torch.empty(4).uniform_().numpy()
words = numpy.random.RandomState([1, 2, 3]).randint(0, 2**32, 4, dtype=numpy.uint32)
assert (first == ((words & 0xFFFFFF) / 2.0**24).astype("<f4")).all()

for path, shape in [("0", (40, 30)), ("2", (20, 40)), ("4", (5, 20))]:
    for kind in ["weight", "bias"]:
        name = f"{path}.{kind}"
        enter(key(SEED, name))
        if kind == "weight":
            values = torch.nn.init.kaiming_normal_(torch.empty(shape)).numpy()
        else:
            values = torch.empty(shape[0]).uniform_(-0.5, 0.25).numpy()
        head = ", ".join(f"0x{w:08x}" for w in values.ravel()[:2].view("<u4"))
        print(f'("{name}", 0x{fnv(values):016x}, [{head}]),')
