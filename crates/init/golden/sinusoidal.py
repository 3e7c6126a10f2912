"""Writes sinusoidal.txt, the values of the sinusoidal initialization. Written with mpmath 1.3.0.

    python sinusoidal.py    # needs mpmath

A line after the first: the shape, then all values in row-major order, in 9 digits. Row i of 1 … m and
column j of 0 … n - 1 is a·sin(2π·i·(j/n + 1/m)); a makes the variance, with n·m - 1 in the
denominator, equal to 2/(n + m). 40 digits are computed.
"""

import itertools
import os

import mpmath as mp

mp.mp.dps = 40
SHAPES = [(3, 2), (2, 3), (1, 3), (3, 1), (5, 4), (4, 7), (12, 5), (3, 2, 2), (4, 2, 1, 3)]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sinusoidal.txt"), "w") as out:
    print("written-by mpmath-" + mp.__version__, file=out)
    for shape in SHAPES:
        m, n = shape[0], 1
        for size in shape[1:]:
            n *= size
        sines = [mp.sinpi(2 * i * (mp.mpf(j) / n + mp.mpf(1) / m)) for i, j in itertools.product(range(1, m + 1), range(n))]
        mean = sum(sines) / len(sines)
        variance = sum((s - mean) ** 2 for s in sines) / (len(sines) - 1)
        amplitude = mp.sqrt(2 / (variance * (n + m)))
        values = [s * amplitude for s in sines]
        print("x".join(map(str, shape)), *(mp.nstr(mp.chop(v, 1e-30), 9) for v in values), file=out)
