"""Values and derivatives of every function of one number, for tests in src/ops/precise.rs; and rows,
losses and norms for tests/nn/precise.rs.

Written with Python 3.11, NumPy 2.4, mpmath 1.3. Run: python precise.py

precise.txt: `case NAME TYPE`, then lines `x f(x) f'(x)`. Each x is exactly a number of the type. The other
two are computed with 80 digits and rounded once, to the nearest number of the type. The text is the
shortest decimal that gives the number back. Parameters of functions are rounded to the type first.

precise_rows.txt: `case NAME TYPE`, then pairs of lines `IN …` and `OUT …`.

Every case has a generator of its own, seeded by its name: a new case changes no other.
"""

import sys
import zlib

import mpmath as mp
import numpy as np

mp.mp.dps = 80
INF, NAN = float("inf"), float("nan")
BITS = {"f32": (24, -149, np.float32), "f64": (53, -1074, np.float64)}


def rounded(value, kind):
    """The nearest number of the type, ties to even."""
    bits, smallest, dtype = BITS[kind]
    if isinstance(value, float):
        return dtype(value)
    if mp.isnan(value) or mp.isinf(value):
        return dtype(float(value))
    if value == 0:
        return dtype(0.0)
    exponent = max(int(mp.floor(mp.log(abs(value), 2))) - bits + 1, smallest)
    # The logarithm may be off by one at a power of two.
    while abs(value) >= mp.ldexp(1, exponent + bits):
        exponent += 1
    while exponent > smallest and abs(value) < mp.ldexp(1, exponent + bits - 1):
        exponent -= 1
    whole = int(mp.nint(mp.ldexp(value, -exponent)))
    if whole.bit_length() + exponent > {"f32": 128, "f64": 1024}[kind]:
        return dtype(INF if whole > 0 else -INF)
    return dtype(float(mp.ldexp(whole, exponent)))


def text(value):
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return np.format_float_scientific(value, unique=True, trim="-")


def exact(value):
    return mp.mpf(float(value))


def parameter(value, kind):
    return exact(BITS[kind][2](value))


# --- functions: (value, derivative), for finite numbers ---

pdf = lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
cdf = lambda x: mp.erfc(-x / mp.sqrt(2)) / 2
logistic = lambda x: 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))
step = lambda x: mp.mpf(1) if x > 0 else mp.mpf(0)


def sech2(x):
    z = mp.exp(-2 * abs(x))
    return 4 * z / (1 + z) ** 2


def gelu_tanh(x, kind):
    c = 2 * mp.sqrt(2 / mp.pi)
    cubic = mp.mpf("0.044715")
    s = c * (x + cubic * x**3)
    slope = c * (1 + 3 * cubic * x**2)
    return x * logistic(s), logistic(s) + x * slope * logistic(s) * logistic(-s)


def mish(x, kind):
    w = mp.exp(x)
    n = w * (w + 2)
    return x * n / (n + 2), (n * (n + 2) + 4 * x * w * (w + 1)) / (n + 2) ** 2


LAMBDA = mp.mpf("1.05070098735548049341933498529460")
ALPHA = mp.mpf("1.67326324235437728481704299167160")


def power(p):
    def f(x, kind):
        q = parameter(p, kind)
        if x < 0 and q != int(q):
            return NAN, NAN
        if x == 0:
            value = mp.mpf(0) if q > 0 else INF
            slope = 0.0 if q > 1 else INF * float(q)
            return value, slope
        return x**q, q * x ** (q - 1)

    return f


def positive(f, at_0):
    """NaN below 0, and the given pair at 0."""
    return lambda x, kind: (NAN, NAN) if x < 0 else at_0 if x == 0 else f(x)


def elu(alpha):
    return lambda x, kind: (x, 1) if x > 0 else (parameter(alpha, kind) * mp.expm1(x), parameter(alpha, kind) * mp.exp(x))


def leaky(slope):
    return lambda x, kind: (x, 1) if x > 0 else (parameter(slope, kind) * x, parameter(slope, kind))


def clamp(low, high):
    return lambda x, kind: (min(max(x, low), high), 1 if low < x < high else 0)


def softplus(z):
    return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))


def celu(alpha):
    def f(x, kind):
        a = parameter(alpha, kind)
        return (x, 1) if x > 0 else (a * mp.expm1(x / a), mp.exp(x / a))

    return f


def softplus_with(beta, threshold):
    return lambda x, kind: (x, 1) if beta * x > threshold else (softplus(beta * x) / beta, logistic(beta * x))


def hardtanh(low, high):
    return lambda x, kind: (min(max(x, mp.mpf(low)), mp.mpf(high)), 1 if low < x < high else 0)


def hardswish(x, kind):
    return (mp.mpf(0), 0) if x <= -3 else (x, 1) if x >= 3 else (x * (x + 3) / 6, (2 * x + 3) / 6)


def tanhshrink(x, kind):
    # mpmath takes forever for the exponentials of large numbers.
    return (x - mp.sign(x), 1) if abs(x) > 10_000 else (x - mp.tanh(x), mp.tanh(x) ** 2)


def softshrink(limit):
    return lambda x, kind: (x - mp.sign(x) * limit, 1) if abs(x) > limit else (mp.mpf(0), 0)


def hardshrink(limit):
    return lambda x, kind: (x, 1) if abs(x) > limit else (mp.mpf(0), 0)


def sine(omega):
    def f(x, kind):
        w = parameter(omega, kind)
        # Where the angle overflows f64, nothing is promised but NaN.
        return (NAN, NAN) if abs(w * x) >= mp.ldexp(1, 1024) else (mp.sin(w * x), w * mp.cos(w * x))

    return f


# Name: function, [(x, value, derivative) at -inf and inf], special places. The domain is all numbers.
FUNCTIONS = {
    "relu": (lambda x, k: (max(x, mp.mpf(0)), step(x)), [(0.0, 0.0), (INF, 1.0)], []),
    "leaky_relu": (leaky(0.01), [(-INF, None), (INF, 1.0)], []),
    "leaky_relu/0.2": (leaky(0.2), [(-INF, None), (INF, 1.0)], []),
    "tanh": (lambda x, k: (mp.tanh(x), sech2(x)), [(-1.0, 0.0), (1.0, 0.0)], [0.55, 9.01, 19.06, 43.7, 44.4, 52, 355, 373]),
    "sigmoid": (lambda x, k: (logistic(x), logistic(x) * logistic(-x)), [(0.0, 0.0), (1.0, 0.0)], [16.6, 17.3, 36.7, 87.3, 103.9, 708.4, 745.1]),
    "gelu": (lambda x, k: (x * cdf(x), cdf(x) + x * pdf(x)), [(0.0, 0.0), (INF, 1.0)], [0.7517915246935645, 5.4, 8.3, 13.1, 13.3, 14.4, 37.5, 37.7, 38.6]),
    "gelu_tanh": (gelu_tanh, [(0.0, 0.0), (INF, 1.0)], [0.7524614220710163, 4.9, 7.6, 9.9, 10.1, 10.6, 20.9, 21.1, 21.5]),
    "silu": (lambda x, k: (x * logistic(x), logistic(x) * (1 + x * logistic(-x))), [(0.0, 0.0), (INF, 1.0)], [1.2784645427610737, 17.3, 36.7, 87.3, 92, 103.9, 108, 708.4, 715, 745.1, 752]),
    "elu": (elu(1.0), [(-1.0, 0.0), (INF, 1.0)], [12, 16, 17, 17.3, 20, 37, 40, 87.3, 103.9, 708.4, 745.1]),
    "elu/0.7": (elu(0.7), [(None, 0.0), (INF, 1.0)], [12, 16, 17, 20, 37, 40, 87.3, 103.9, 708.4, 745.1]),
    "selu": (
        lambda x, k: (LAMBDA * x, LAMBDA) if x > 0 else (LAMBDA * ALPHA * mp.expm1(x), LAMBDA * ALPHA * mp.exp(x)),
        [(-LAMBDA * ALPHA, 0.0), (INF, LAMBDA)],
        [12, 16, 17, 20, 37, 40, 87.3, 103.9, 708.4, 745.1],
    ),
    "softplus": (lambda x, k: (mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)), logistic(x)), [(0.0, 0.0), (INF, 1.0)], [16.6, 17.3, 36.7, 87.3, 103.9, 708.4, 745.1]),
    "mish": (mish, [(0.0, 0.0), (INF, 1.0)], [1.1924312145154952, 17.3, 36.7, 87.3, 92, 103.9, 108, 708.4, 715, 745.1, 752]),
    "relu6": (hardtanh(0, 6), [(0.0, 0.0), (6.0, 0.0)], [6]),
    "celu": (celu(1.0), [(-1.0, 0.0), (INF, 1.0)], [12, 17, 37, 87.3, 103.9, 708.4, 745.1]),
    "celu/0.7": (celu(0.7), [(None, 0.0), (INF, 1.0)], [12, 17, 37, 61.1, 72.7, 495.8, 521.5]),
    "log_sigmoid": (lambda x, k: (-softplus(-x), logistic(-x)), [(-INF, 1.0), (0.0, 0.0)], [16.6, 17.3, 36.7, 87.3, 103.9, 708.4, 745.1]),
    "softplus_with": (softplus_with(1, 20), [(0.0, 0.0), (INF, 1.0)], [16.6, 17.3, 20, 36.7, 39.9, 40.1, 87.3, 103.9, 708.4, 745.1]),
    "softplus_with/3,10": (softplus_with(3, 10), [(0.0, 0.0), (INF, 1.0)], [3.3, 3.4, 13.3, 13.4, 29.1, 34.6, 236.1, 248.3]),
    "softsign": (lambda x, k: (x / (1 + abs(x)), 1 / (1 + abs(x)) ** 2), [(-1.0, 0.0), (1.0, 0.0)], [1e19, 1e22, 1e150, 1e160]),
    "hardtanh": (hardtanh(-1, 1), [(-1.0, 0.0), (1.0, 0.0)], []),
    "hardtanh/-2,0.5": (hardtanh(-2, 0.5), [(-2.0, 0.0), (0.5, 0.0)], []),
    "hardsigmoid": (lambda x, k: ((min(max(x, -3), 3) + 3) / mp.mpf(6), mp.mpf(1) / 6 if abs(x) < 3 else 0), [(0.0, 0.0), (1.0, 0.0)], [3, 2.9999]),
    "hardswish": (hardswish, [(0.0, 0.0), (INF, 1.0)], [1.5, 3, 2.9999]),
    "tanhshrink": (tanhshrink, [(-INF, 1.0), (INF, 1.0)], [0.55, 0.7, 1.0, 1.2, 1.5, 2.0, 9.01, 19.06]),
    "softshrink": (softshrink(mp.mpf("0.5")), [(-INF, 1.0), (INF, 1.0)], [0.5, 0.6]),
    "softshrink/2": (softshrink(2), [(-INF, 1.0), (INF, 1.0)], [2, 2.1]),
    "hardshrink": (hardshrink(mp.mpf("0.5")), [(-INF, 1.0), (INF, 1.0)], [0.5]),
    "hardshrink/2": (hardshrink(2), [(-INF, 1.0), (INF, 1.0)], [2]),
    "threshold": (lambda x, k: (max(x, mp.mpf(0)), step(x)), [(0.0, 0.0), (INF, 1.0)], []),
    "threshold/0.25,20": (lambda x, k: (x, 1) if x > 0.25 else (mp.mpf(20), 0), [(20.0, 0.0), (INF, 1.0)], [0.25]),
    "sine": (sine(30.0), [(NAN, NAN)] * 2, [0.052359879, 0.10471976, 1e5, 1e15, 3e38, 1e290]),
    "sine/1.7": (sine(1.7), [(NAN, NAN)] * 2, [0.92399776, 1.8479956, 1e5, 1e15, 3e38, 1e290]),
    "exp": (lambda x, k: (mp.exp(x),) * 2, [(0.0, 0.0), (INF, INF)], [87.3, 88.7228, 88.7229, 103.9, 708.4, 709.78, 745.1]),
    "ln": (positive(lambda x: (mp.log(x), 1 / x), (-INF, INF)), [(NAN, None), (INF, 0.0)], [0.99, 1.01, 0.7071, 1.4142]),
    "sqrt": (positive(lambda x: (mp.sqrt(x), 1 / (2 * mp.sqrt(x))), (mp.mpf(0), INF)), [(NAN, NAN), (INF, 0.0)], []),
    "square": (lambda x, k: (x * x, 2 * x), [(INF, -INF), (INF, INF)], []),
    "abs": (lambda x, k: (abs(x), mp.sign(x)), [(INF, -1.0), (INF, 1.0)], []),
    "recip": (lambda x, k: (INF, -INF) if x == 0 else (1 / x, -1 / x**2), [(0.0, 0.0), (0.0, 0.0)], []),
    "rsqrt": (positive(lambda x: (1 / mp.sqrt(x), -1 / (2 * x * mp.sqrt(x))), (INF, -INF)), [(NAN, NAN), (0.0, 0.0)], []),
    "sin": (lambda x, k: (mp.sin(x), mp.cos(x)), [(NAN, NAN)] * 2, [1.5707964, 3.1415927, 6.2831855, 1e5, 1e15, 3e38]),
    "cos": (lambda x, k: (mp.cos(x), -mp.sin(x)), [(NAN, NAN)] * 2, [1.5707964, 3.1415927, 6.2831855, 1e5, 1e15, 3e38]),
    "powf/0.7": (power(0.7), [(None, None), (INF, 0.0)], [1e30, 1e-30, 1e300, 1e-300]),
    "powf/-1.5": (power(-1.5), [(None, None), (0.0, 0.0)], [1e25, 1e-25, 1e200, 1e-200]),
    "powi/3": (lambda x, k: (x**3, 3 * x**2), [(-INF, INF), (INF, INF)], [1e-13, 1e-15, 1e12, 1e-100, 1e102]),
    "powi/-2": (lambda x, k: (INF, -INF) if x == 0 else (x**-2, -2 / x**3), [(0.0, 0.0), (0.0, 0.0)], [1e19, 1e22, 1e-19, 1e155, 1e161, 1e-154]),
    "powi/100": (lambda x, k: (x**100, 100 * x**99), [(INF, -INF), (INF, INF)], [0.999, 1.001, 1.7, 2.4, 0.5, 0.4, 1100, 0.0007]),
    "clamp": (clamp(-1, 3), [(-1.0, 0.0), (3.0, 0.0)], []),
}

ALGEBRAIC = "relu leaky_relu leaky_relu/0.2 ln sqrt square abs recip rsqrt sin cos clamp".split()
ALGEBRAIC += "relu6 softsign hardtanh hardtanh/-2,0.5 hardsigmoid hardswish tanhshrink softshrink softshrink/2".split()
ALGEBRAIC += "hardshrink hardshrink/2 threshold threshold/0.25,20 sine sine/1.7".split()
# Straight lines need fewer places.
LINES = "relu6 hardtanh hardtanh/-2,0.5 hardsigmoid hardswish softshrink softshrink/2 hardshrink hardshrink/2".split()
LINES += "threshold threshold/0.25,20".split()
ALGEBRAIC += ["powf/0.7", "powf/-1.5", "powi/3", "powi/-2", "powi/100"]


def places(name, kind, special):
    """Numbers of the type, dense near 0 and near the special places, on both sides of 0."""
    bits, smallest, dtype = BITS[kind]
    info = np.finfo(dtype)
    generator = np.random.default_rng(zlib.crc32(f"{name} {kind}".encode()))
    sizes = [0.0, 2.0**smallest, float(info.tiny), float(info.tiny) * 1.7, 1e-30, 1e-20, 1e-10, float(info.eps) / 2]
    sizes += [float(info.eps), 3e-8, 1e-6, 1e-4, 0.003, 0.03, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]
    sizes += [12.0, 16.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0, 1000.0, 1e10, float(info.max)]
    sizes += list(np.exp(generator.uniform(np.log(0.01), np.log(110 if kind == "f32" else 760), 12)))
    if name in LINES:
        sizes = sizes[:4] + [0.003, 0.1, 0.3, 1.0, 2.0, 6.0, 8.0, 1000.0, float(info.max)]
    for place in special:
        if place > info.max:
            continue
        at = dtype(place)
        sizes += [at, np.nextafter(at, dtype(0)), np.nextafter(at, dtype(INF))]
        sizes += [place * (1 + d) for d in (-0.02, 0.001, 0.02)]
    sizes = sorted({float(dtype(size)) for size in sizes if size <= info.max})
    return [dtype(-size) for size in reversed(sizes)] + [dtype(size) for size in sizes]


def write_functions():
    lines = []
    for name, (f, limits, special) in FUNCTIONS.items():
        for kind in BITS:
            lines.append(f"case {name} {kind}")
            print(name, kind, file=sys.stderr)
            for x in places(name, kind, special):
                # Beyond 1e5 a function with an exponential is constant, or x, and mpmath takes forever.
                at = mp.sign(x) * 100_000 if abs(x) > 1e5 and name not in ALGEBRAIC else exact(x)
                value, slope = f(at, kind)
                if at != exact(x) and value == at:
                    value = exact(x)
                if at != exact(x) and value == LAMBDA * at:
                    value = LAMBDA * exact(x)
                words = [text(x), text(rounded(value, kind)), text(rounded(slope, kind))]
                # The derivative outside of the domain is nobody's promise, and -0 may give an infinity of the
                # other sign.
                if words[1] == "NaN":
                    words[2] = "?"
                if x == 0 and np.signbit(x):
                    words = ["?" if "inf" in word else word for word in words]
                lines.append(" ".join(words))
            for x, (value, slope) in zip((-INF, INF), limits):
                words = ["?" if v is None else text(rounded(v, kind)) for v in (value, slope)]
                lines.append(f"{text(x)} {words[0]} {words[1]}")
    return lines


# --- rows ---


def row_cases(kind):
    dtype = BITS[kind][2]
    far = 80 if kind == "f32" else 700
    rows = {
        "pair": [0, 0],
        "ordinary": [0.3, -1.2, 2.5, 0.1, -0.7],
        "sure": [20, 0, -1, 2],
        "very-sure": [0, far, 3],
        "unsure-of-far": [-far / 2 - 0.1, far / 2 + 0.3, 0.05],
        "ties": [1.7, -3, 1.7, 1.7],
        "huge": [1000.5, 1000.25, 999, 10],
        "tiny": [1e-20, -1e-20, 3e-25],
        "one": [4.2],
        "nearly-one": [0, -15.9, -16.3],
    }
    generator = np.random.default_rng(zlib.crc32(f"rows {kind}".encode()))
    rows["random"] = list(generator.normal(size=12) * 6)
    return {name: [dtype(x) for x in row] for name, row in rows.items()}


def distribution(row):
    """p, 1 - p and ln p of each element."""
    x = [exact(v) for v in row]
    out = []
    for j, xj in enumerate(x):
        rest = mp.fsum(mp.exp(v - xj) for k, v in enumerate(x) if k != j)
        out.append((1 / (1 + rest), rest / (1 + rest), -mp.log1p(rest)))
    return out


def write_rows():
    """Per row: softmax, log-softmax, log-sum-exp, and for each label the cross-entropy and its gradient, plain,
    smoothed by 1/8, and weighted; for each cotangent e_j the gradients of softmax and log-softmax."""
    lines = []
    for kind in BITS:
        show = lambda values: " ".join(text(rounded(v, kind)) for v in values)
        for name, row in row_cases(kind).items():
            n = len(row)
            d = distribution(row)
            p, q, log_p = zip(*d)
            top = max(range(n), key=lambda j: exact(row[j]))
            log_sum = mp.log1p(mp.fsum(mp.exp(exact(v) - exact(row[top])) for k, v in enumerate(row) if k != top))
            lines += [f"case {name} {kind}", "x " + " ".join(text(v) for v in row)]
            lines += ["softmax " + show(p), "log_softmax " + show(log_p), "log_sum_exp " + show([exact(row[top]) + log_sum])]
            for j in range(n):
                unit = lambda k: 1 if k == j else 0
                lines.append(f"d_softmax {j} " + show(p[j] * q[j] if k == j else -p[j] * p[k] for k in range(n)))
                lines.append(f"d_log_softmax {j} " + show(q[k] if k == j else -p[k] for k in range(n)))
                lines.append(f"cross_entropy {j} " + show([-log_p[j]] + [-q[k] if k == j else p[k] for k in range(n)]))
                smooth = mp.mpf(1) / 8
                target = [(1 - smooth) * unit(k) + smooth / n for k in range(n)]
                loss = -mp.fsum(t * l for t, l in zip(target, log_p))
                lines.append(f"smoothed {j} " + show([loss] + [p[k] - target[k] for k in range(n)]))
                # Weights 1, 1.5, 2, …; the sum, so that the weight counts.
                w = 1 + mp.mpf(j) / 2
                lines.append(f"weighted {j} " + show([-w * log_p[j]] + [-w * q[k] if k == j else w * p[k] for k in range(n)]))
    return lines


def main():
    versions = f"# golden/precise.py: Python {sys.version.split()[0]}, NumPy {np.__version__}, mpmath {mp.__version__}"
    for name, lines in (("precise.txt", write_functions()), ("precise_rows.txt", write_rows())):
        with open(__file__.replace("precise.py", name), "w") as file:
            file.write("\n".join([versions, *lines]) + "\n")


if __name__ == "__main__":
    main()
