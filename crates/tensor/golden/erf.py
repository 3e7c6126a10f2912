"""Writes erf.csv: x and erf x, the latter rounded once to a double.

Written with Python 3.11, mpmath 1.3. Run in this directory: python erf.py > erf.csv
"""

import random
import struct

import mpmath as mp

mp.mp.dps = 60

rng = random.Random(7)
xs = [5e-324, 2.0**-1022, 1e-300, 1e-20, 1e-8, 0.5]
xs += [1 - 2.0**-53, 1.0, 1 + 2.0**-52, 2.0, 5.9, 5.93, 6.0, 1e300]  # both sides of every seam
xs += [10 ** rng.uniform(-6, 0) for _ in range(40)]
xs += [rng.uniform(0.5, 1.5) for _ in range(60)]
xs += [rng.uniform(1, 6.1) for _ in range(60)]


def double(value):
    """The nearest double, halves to even, subnormal ones included."""
    if value == 0:
        return 0.0
    exponent = max(mp.frexp(value)[1] - 53, -1074)
    return float(mp.ldexp(mp.nint(mp.ldexp(value, -exponent)), exponent))


for x in xs:
    x = struct.unpack("d", struct.pack("d", x))[0]
    print(f"{x!r},{double(mp.erf(mp.mpf(x)))!r}")
