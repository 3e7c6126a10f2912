"""Writes tails.txt, quantiles and moments of truncated normal distributions. Written with mpmath 1.3.0.

    python tails.py         # needs mpmath; takes a few seconds

A line after the first: mean, std, low, high, then the mean and the standard deviation of what is
drawn, then its 15 quantiles at 1/16 to 15/16. All but the first four are given as distances from
the bound that is nearer to the mean (or from the mean, if that lies inside), towards the other
bound, in units of std. 60 digits are computed, 17 are written.
"""

import os

import mpmath as mp

mp.mp.dps = 60
RANGES = [
    # The public bug report: 5 to 100 standard deviations.
    (0, 0.02, 0.1, 2.0), (0, 0.02, -2.0, -0.1), (0, 1, 8, 20), (3, 0.5, -7, -1),
    # A tail with no end to speak of; narrow ranges far away; the edges of PyTorch's ways.
    (0, 1, 0.6, 1e6), (0, 1, 1.5, 1e4), (0, 1, 30, 1e30), (-100, 1, 0, 0.001), (-1000, 1, 0, 1), (0, 1, 100, 101),
    (0, 1, 2, 9.9), (0, 1, 2, 10.1), (0, 1, 5, 8), (0, 1, 5, 8.5), (1, 2, -1e5, -3),
    # So far that only the exponential factor is left, and tiny and huge units.
    (-500, 1e-3, 0, 1000), (0, 1e-30, 1e-29, 1e-20), (0, 1e30, 1e31, 1e35), (-1e4, 1, 0, 1e-3), (0, 1, 0.7, 40),
]


def number(x):
    return mp.nstr(x, 17, min_fixed=-5, max_fixed=5)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tails.txt"), "w") as out:
    print("written-by mpmath-" + mp.__version__, file=out)
    for given in RANGES:
        mean, std, low, high = map(mp.mpf, given)
        edge = min(max(mean, low), high)
        t, w = abs(edge - mean) / std, (high - low) / std
        # The density of s in [0, w] is proportional to exp(-ts - s²/2): with Q the upper tail,
        # P(s > x) = (Q(t+x) - Q(t+w)) / (Q(t) - Q(t+w)).
        tail = lambda x: mp.erfc(x / mp.sqrt(2)) / 2
        density = lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
        whole = tail(t) - tail(t + w)
        first = (density(t) - density(t + w)) / whole                       # E[t + s]
        second = 1 + (t * density(t) - (t + w) * density(t + w)) / whole    # E[(t + s)²]
        moments = [first - t, mp.sqrt(second - first**2)]
        quantiles = []
        for k in range(1, 16):
            above = whole * (16 - k) / 16 + tail(t + w)
            lower, upper = mp.mpf(0), min(w, mp.mpf(60))
            for _ in range(220):
                middle = (lower + upper) / 2
                lower, upper = (middle, upper) if tail(t + middle) > above else (lower, middle)
            quantiles.append(lower)
        print(*map(repr, given), *map(number, moments + quantiles), file=out)
