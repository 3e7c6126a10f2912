"""The polynomial coefficients of src/vmath, by Remez's exchange algorithm.

Written with Python 3.11, NumPy 2.4, mpmath 1.3. Run: python minimax.py

Each block names a function g, the number of coefficients, the interval, and the weight w. The
polynomial p minimizes the largest |w (g - p)|. Coefficients are rounded one at a time, highest power
first, and the rest are fitted again after each: the lower ones absorb the rounding of the higher.

Reference: E. Remez, "Sur la détermination des polynômes d'approximation de degré donnée", 1934.
"""

import struct
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def to_f32(value):
    return mp.mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def to_f64(value):
    return mp.mpf(float(value))


def remez(g, count, weight, grid):
    """The `count` coefficients of the best polynomial for the values g on the grid, and its error."""
    unknowns = count + 1
    picks = [round((len(grid) - 1) * (1 - np.cos(np.pi * i / (unknowns - 1))) / 2) for i in range(unknowns)]
    for _ in range(60):
        system = mp.matrix(unknowns, unknowns)
        right = mp.matrix(unknowns, 1)
        for row, at in enumerate(picks):
            for power in range(count):
                system[row, power] = grid[at] ** power
            system[row, unknowns - 1] = (-1) ** row / weight[at]
            right[row] = g[at]
        solution = mp.lu_solve(system, right)
        coefficients = list(solution)[:-1]
        errors = []
        for x, value, w in zip(grid, g, weight):
            errors.append(w * (value - mp.polyval(coefficients[::-1], x)))
        # One extremum of each run of errors with the same sign.
        runs = []
        for i, e in enumerate(errors):
            if runs and (errors[runs[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[runs[-1]]):
                    runs[-1] = i
            else:
                runs.append(i)
        while len(runs) > unknowns:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        worst = max(abs(e) for e in errors)
        if len(runs) < unknowns or runs == picks:
            return coefficients, worst
        picks = runs
    return coefficients, worst


def fit(name, g, powers, weight, interval, rounding, points=400):
    """Prints the rounded coefficients of the best polynomial, lowest power first."""
    a, b = map(mp.mpf, interval)
    grid = [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / points) for i in range(points)]
    left = [g(x) for x in grid]
    weights = [weight(x) for x in grid]
    done = []
    for count in range(powers, 0, -1):
        coefficients, worst = remez(left, count, weights, grid)
        ideal = worst if not done else ideal
        c = rounding(coefficients[-1])
        done.insert(0, c)
        left = [value - c * x ** (count - 1) for value, x in zip(left, grid)]
    worst = max(abs(w * e) for w, e in zip(weights, left))
    print(f"// {name}: error 2^{float(mp.log(worst, 2)):.1f}, 2^{float(mp.log(ideal, 2)):.1f} before rounding")
    for c in done:
        show(c, rounding)
    print()


def show(value, rounding, name=None):
    text = repr(float(value)) if rounding is to_f64 else np.format_float_scientific(np.float32(float(value)))
    print(f"const {name}: f32 = {text};" if name else f"    {text},")


def top_bits(value, bits):
    """The first `bits` bits of a number."""
    mantissa, exponent = mp.frexp(value)
    return mp.ldexp(mp.floor(mantissa * 2**bits), exponent - bits)


def main():
    print(f"// Python {sys.version.split()[0]}, NumPy {np.__version__}, mpmath {mp.__version__}\n")

    ln2 = mp.log(2)
    high = top_bits(ln2, 16)
    show(high, to_f32, "LN_2_HIGH")
    show(ln2 - high, to_f32, "LN_2_LOW")
    print()

    rest, parts = mp.pi / 2, []
    for bits in (32, 32, 53):
        parts.append(top_bits(rest, bits))
        rest -= parts[-1]
    print("// PARTS of π/2:", *map(float, parts), "\n")

    slack = mp.mpf(2) ** -10  # n is rounded from an inexact quotient, so r may pass the middle
    half = mp.mpf(1) / 2 + slack
    r = ln2 * half
    q = lambda x: (mp.expm1(x) - x) / x**2
    fit("EXP: (e^r - 1 - r) / r²", q, 5, lambda x: x**2 / mp.exp(x), (-r, r), to_f32)
    fit("EXPM1: the same, relative to e^r - 1", q, 6, lambda x: x**2 / abs(mp.expm1(x)), (-r, r), to_f32)

    fit(
        "TANH: (tanh x - x) / x³ in x², |x| < 0.55",
        lambda z: (mp.tanh(mp.sqrt(z)) - mp.sqrt(z)) / mp.sqrt(z) ** 3,
        5,
        lambda z: mp.sqrt(z) ** 3 / mp.tanh(mp.sqrt(z)),
        (0, mp.mpf("0.55") ** 2),
        to_f32,
    )
    fit(
        "LN: (ln(1 + f) - f + f²/2) / f³",
        lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3,
        8,
        lambda f: abs(f**3 / mp.log1p(f)),
        (mp.sqrt(0.5) - 1, mp.sqrt(2) - 1),
        to_f32,
    )

    erf_ratio = lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1
    relative = lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z))
    fit("BELOW_1: erf(x) / x - 1 in x², |x| < 1", erf_ratio, 7, relative, (0, 1), to_f32)
    fit(
        "LOG2_ERFC: log2(erfc x), 1 <= x <= 4, by the error of erfc",
        lambda x: mp.log(mp.erfc(x), 2),
        7,
        lambda x: mp.erfc(x) * ln2,
        (1, 4),
        to_f32,
    )
    fit(
        "EXP2: (2^r - 1) / r",
        lambda x: (mp.mpf(2) ** x - 1) / x,
        6,
        lambda x: x * mp.mpf(2) ** -x,
        (-half, half),
        to_f32,
    )

    fit("BELOW_1_F64: erf(x) / x - 1 in x², |x| < 1", erf_ratio, 13, relative, (0, 1), to_f64)
    to_x = lambda t: 2 * (1 + t) / (1 - t)
    fit(
        "ERFCX_F64: e^(x²) erfc(x) in t = (x - 2) / (x + 2), 1 <= x <= 6, by the error of erfc",
        lambda t: mp.exp(to_x(t) ** 2) * mp.erfc(to_x(t)),
        13,
        lambda t: mp.exp(-(to_x(t) ** 2)),
        (mp.mpf(-1) / 3, mp.mpf(1) / 2),
        to_f64,
    )


if __name__ == "__main__":
    main()
