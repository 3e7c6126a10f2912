"""Writes keyed.txt, what generators with a key draw. Written with numpy 2.4.6.

    python keyed.py

A line after the first: seed, path, the numbers 1 to 5 and number 2000, with tabs between them.
numpy.random.RandomState(words) is the reference init_by_array.
"""

import os

import numpy

PATHS = ["", "0.weight", "0.bias", "encoder.blocks.11.mlp.outer.weight", "größe.重み", "a." * 1300]  # the last has more words than the state
SEEDS = [0, 42, 0xFEDC_BA98_7654_3210]


def key(seed, path):
    text = path.encode()
    padded = text + bytes(-len(text) % 4)
    words = numpy.frombuffer(padded, "<u4").tolist()
    return [seed & 0xFFFFFFFF, seed >> 32, len(text), *words]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keyed.txt"), "w") as out:
    print("written-by", "numpy-" + numpy.__version__, file=out)
    for seed in SEEDS:
        for path in PATHS:
            rng = numpy.random.RandomState(key(seed, path))
            drawn = rng.randint(0, 2**32, 2000, dtype=numpy.uint32)
            print(seed, path, *drawn[:5], drawn[1999], sep="\t", file=out)
