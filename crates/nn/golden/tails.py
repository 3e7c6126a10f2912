"""The polynomial coefficients of src/ops/activations/tails.rs and shrink.rs.

Written with Python 3.11 and mpmath 1.3. Run: python tails.py

Each polynomial interpolates its function at Chebyshev's nodes, and is then written in powers. Its error
is a small multiple of the smallest possible one.

Functions of a = |x|:
- NORMAL: e^(a²/2) Phi(-a) / t in w, where t = 4 / (4 + a) and w = 1 - 2t
- GELU: e^(a²/2) gelu'(-a) / (root - a) in w
- SILU: (1 + e^-a - a) / h in h = root - a, |h| <= 1/2
- GELU_TANH: (1 + e^-s(a) - a s'(a)) / h in h, |h| <= 1/2, where s(a) = 2 sqrt(2/pi) (a + 0.044715 a³)
- TANHSHRINK: (x - tanh x) / x³ in w = x² - 9/8, |x| <= 3/2
- MISH: ((z + 2)(n + 2) - 4 a (z + 1)) / h in h, |h| <= 1/2, where z = e^-a and n = z (z + 2)
"""

import sys

import mpmath as mp

mp.mp.dps = 60
ROOT_2PI = mp.sqrt(2 * mp.pi)


def interpolated(f, count, low, high):
    """The coefficients of x^0, x^1, … of the polynomial through Chebyshev's nodes."""
    nodes = [mp.cos(mp.pi * (j + mp.mpf(1) / 2) / count) for j in range(count)]
    nodes = [(low + high) / 2 + (high - low) / 2 * x for x in nodes]
    powers = mp.matrix(count, count)
    for row, x in enumerate(nodes):
        for power in range(count):
            powers[row, power] = x**power
    return list(mp.lu_solve(powers, mp.matrix([f(x) for x in nodes])))


def error(f, coefficients, low, high):
    """The largest relative error."""
    points = [low + (high - low) * mp.mpf(i) / 500 for i in range(501)]
    return max(abs(mp.polyval(coefficients[::-1], x) / f(x) - 1) for x in points)


def show(name, f, low, high, bits):
    for kind, goal in (("F32", 27), ("F64", 56)):
        if kind not in bits:
            continue
        low_, high_ = low, high[kind] if isinstance(high, dict) else high
        count = 3
        while error(f, coefficients := interpolated(f, count, low_, high_), low_, high_) > mp.mpf(2) ** -goal:
            count += 1
        print(f"const {name}_{kind}: [f64; {count}] = [")
        for c in coefficients:
            print(f"    {float(c)!r},")
        print("];")


def show_root(name, root):
    high = mp.mpf(float(root))
    print(f"const {name}_ROOT: [f64; 2] = [{float(high)!r}, {float(root - high)!r}];")


def without_pole(k, root):
    """k(root - h) / h."""

    def f(h):
        if abs(h) < mp.mpf(10) ** -25:
            h = mp.mpf(10) ** -25
        return k(root - h) / h

    return f


def main():
    print(f"// Python {sys.version.split()[0]}, mpmath {mp.__version__}")
    # e^(a²/2) Phi(-a), without the overflow of the first factor.
    tail = lambda a: mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2
    at = lambda w: 8 / (1 - w) - 4
    ends = {"F32": at_inverse(16), "F64": at_inverse(40)}
    both = ("F32", "F64")
    show("NORMAL", lambda w: tail(at(w)) / ((1 - w) / 2), mp.mpf(-1), ends, both)

    k = lambda a: tail(a) - a / ROOT_2PI
    root = mp.findroot(k, 0.75)
    show_root("GELU", root)
    quotient = without_pole(k, root)
    show("GELU", lambda w: quotient(root - at(w)), mp.mpf(-1), ends, both)

    def tanhshrink(w):
        s = w + mp.mpf(9) / 8
        x = mp.sqrt(max(s, mp.mpf(10) ** -30))
        return (x - mp.tanh(x)) / x**3

    show("TANHSHRINK", tanhshrink, -mp.mpf(9) / 8, mp.mpf(9) / 8, both)

    half = mp.mpf(1) / 2
    c = 2 * mp.sqrt(2 / mp.pi)
    cubic = mp.mpf("0.044715")
    s = lambda a: c * (a + cubic * a**3)
    slope = lambda a: c * (1 + 3 * cubic * a**2)

    def mish(a):
        z = mp.exp(-a)
        n = z * (z + 2)
        return (z + 2) * (n + 2) - 4 * a * (z + 1)

    for name, k, start in (
        ("SILU", lambda a: 1 + mp.exp(-a) - a, 1.28),
        ("GELU_TANH", lambda a: 1 + mp.exp(-s(a)) - a * slope(a), 0.75),
        ("MISH", mish, 1.19),
    ):
        root = mp.findroot(k, start)
        show_root(name, root)
        show(name, without_pole(k, root), -half, half, both)


def at_inverse(a):
    return 1 - mp.mpf(8) / (4 + a)


if __name__ == "__main__":
    main()
