"""Writes torch.txt, what PyTorch's initializers draw. Written with torch 2.15.0, numpy 2, Python 3.11.

    python make.py          # needs torch (CPU) and numpy; takes a few seconds

One record a line, `key value…`. Floats are the hexadecimal bits of f32. Where every bit must agree,
a tensor under the key K is `K/fnv`, the 64-bit FNV-1a hash of all its little-endian bytes, and its
first elements, `K/values`. Elsewhere `K/values` is a part of it: the first 64 elements, every 97th,
and the last 32. `K/after` is the next uniform number of the generator: it tells whether as many
numbers were spent.

The normal numbers are those of an x86-64 CPU with AVX2; PyTorch's code for lesser CPUs differs from
them by up to 2.4e-6.
"""

import os
import platform
import sys

os.environ["OMP_NUM_THREADS"] = "1"
import numpy
import torch
from torch import nn

assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")

out = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch.txt"), "w")


def record(key, *values):
    print(key, *values, file=out)


def bits(array):
    return [f"{word:08x}" for word in numpy.asarray(array, "<f4").ravel().view("<u4")]


def fnv(array, kind):
    value = 0xCBF29CE484222325
    for byte in numpy.ascontiguousarray(array).astype(kind).tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def part(array):
    flat = array.ravel()
    n = len(flat)
    chosen = sorted({*range(min(64, n)), *range(0, n, 97), *range(max(0, n - 32), n)})
    return flat[chosen]


def after(key):
    record(key + "/after", *bits(torch.empty(1).uniform_().numpy()))


def exact(key, tensor):
    array = tensor.detach().numpy()
    record(key + "/fnv", fnv(array, "<f4"))
    record(key + "/values", *bits(array.ravel()[:8]))  # to see how wrong, when the hash is


def near(key, tensor):
    record(key + "/values", *bits(part(tensor.detach().numpy())))


def case(kind, key, seed, shape, fill):
    torch.manual_seed(seed)
    tensor = torch.empty(shape)
    fill(tensor)
    kind(key, tensor)
    after(key)


record("written-by", f"torch-{torch.__version__}", f"numpy-{numpy.__version__}",
       f"python-{platform.python_version()}", platform.machine())

# Layers, seeds small and large.
for seed in [0, 1, 42, (1 << 32) + 42, (1 << 40) + 12345, (1 << 64) - 1]:
    torch.manual_seed(seed)
    layer = nn.Linear(784, 128)
    exact(f"linear/{seed}/weight", layer.weight)
    exact(f"linear/{seed}/bias", layer.bias)
    after(f"linear/{seed}")
torch.manual_seed(7)
sizes = [784, 256, 128, 10]
for i in range(3):
    layer = nn.Linear(sizes[i], sizes[i + 1])
    exact(f"mlp/{i}/weight", layer.weight)
    exact(f"mlp/{i}/bias", layer.bias)
torch.manual_seed(7)
layer = nn.Linear(3, 2)
exact("tiny/weight", layer.weight)
exact("tiny/bias", layer.bias)

init = nn.init
WIDE = (200, 300)
CONV = (16, 8, 3, 3)

# The uniform family.
case(exact, "uniform/-0.3..0.7", 3, (1000,), lambda t: init.uniform_(t, -0.3, 0.7))
case(exact, "uniform/1000..1000.1", 3, (1000,), lambda t: init.uniform_(t, 1000.0, 1000.1))
case(exact, "uniform/1e-9..1", 3, (1000,), lambda t: init.uniform_(t, 1e-9, 1.0))
case(exact, "xavier_uniform/1", 4, WIDE, lambda t: init.xavier_uniform_(t))
case(exact, "xavier_uniform/tanh", 5, WIDE, lambda t: init.xavier_uniform_(t, 5 / 3))
case(exact, "xavier_uniform/conv", 6, CONV, lambda t: init.xavier_uniform_(t))
KAIMING = {
    "default": {},
    "relu-in": {"nonlinearity": "relu"},
    "relu-out": {"nonlinearity": "relu", "mode": "fan_out"},
    "leaky0.2-in": {"a": 0.2},
    "leaky0.01-out": {"a": 0.01, "mode": "fan_out"},
    "linear-in": {"nonlinearity": "linear"},
    "sigmoid-in": {"nonlinearity": "sigmoid"},
    "tanh-out": {"nonlinearity": "tanh", "mode": "fan_out"},
    "selu-in": {"nonlinearity": "selu"},
}
for name, how in KAIMING.items():
    case(exact, f"kaiming_uniform/{name}", 8, WIDE, lambda t: init.kaiming_uniform_(t, **how))
case(exact, "kaiming_uniform/conv", 9, CONV, lambda t: init.kaiming_uniform_(t))
case(exact, "constant/0.3", 9, (5,), lambda t: init.constant_(t, 0.3))

# The normal family.
for n in [16, 17, 31, 48, 100, 1000]:
    case(exact, f"normal/{n}", 10, (n,), lambda t: init.normal_(t))
for seed in [0, 42, (1 << 40) + 12345]:
    case(exact, f"normal/784x128/{seed}", seed, (128, 784), lambda t: init.normal_(t))
case(exact, "normal/0.5,0.02", 11, (1000,), lambda t: init.normal_(t, 0.5, 0.02))
# Small ones in a row, which share pairs through the generator, also around a large one.
torch.manual_seed(12)
for step, n in enumerate([1, 3, 5, 15, 2, 20, 7, 1, 16, 1]):
    exact(f"small/{step}", torch.empty(n).normal_(1.0, 2.0))
    after(f"small/{step}")
torch.empty(1).normal_()
case(exact, "small/reseeded", 12, (3,), lambda t: init.normal_(t))
case(exact, "xavier_normal/1", 13, WIDE, lambda t: init.xavier_normal_(t))
case(exact, "xavier_normal/tanh", 14, WIDE, lambda t: init.xavier_normal_(t, 5 / 3))
for name, how in KAIMING.items():
    case(exact, f"kaiming_normal/{name}", 15, WIDE, lambda t: init.kaiming_normal_(t, **how))
case(exact, "kaiming_normal/conv", 16, CONV, lambda t: init.kaiming_normal_(t))

# Truncated: the first three redraw normals, the others reject uniforms.
for law in [(0, 1, -2, 2), (0, 0.02, -2, 2), (1, 2, -1, 1.5), (0, 1, 1, 3), (3, 0.5, 0, 1), (0, 1, -0.1, 0.1),
            (0, 1, 2, 8), (0, 1, 3, 8), (5, 1, -3, 2.5), (-20, 0.5, 1, 1.1)]:
    name = ",".join(map(str, law))
    case(exact, f"trunc_normal/{name}", 17, WIDE, lambda t: init.trunc_normal_(t, *law))
    case(exact, f"trunc_normal/{name}/10", 18, (10,), lambda t: init.trunc_normal_(t, *law))

# Orthogonal: square, wide, tall, more dimensions.
for shape in [(5, 5), (3, 7), (7, 3), (1, 4), (64, 64), (40, 100), (100, 40), (128, 784), CONV]:
    name = "x".join(map(str, shape))
    case(near, f"orthogonal/{name}", 19, shape, lambda t: init.orthogonal_(t))
case(near, "orthogonal/gain", 20, (20, 30), lambda t: init.orthogonal_(t, 5 / 3))

# Identities, of matrices and of convolutions, and columns with zeros in them.
for shape in [(4, 4), (3, 7), (7, 3)]:
    name = "x".join(map(str, shape))
    case(exact, f"eye/{name}", 22, shape, lambda t: init.eye_(t))
for shape, groups in [((4, 4, 3), 1), ((6, 4, 5), 2), ((3, 7, 4), 1), ((16, 8, 3, 3), 1), ((16, 8, 3, 3), 2),
                      ((12, 3, 4, 5), 2), ((6, 2, 2, 3, 4), 1), ((6, 2, 2, 3, 4), 2)]:
    name = "x".join(map(str, shape))
    case(exact, f"dirac/{name}/{groups}", 23, shape, lambda t: init.dirac_(t, groups))
for seed in [0, 42, (1 << 40) + 12345]:
    for shape, sparsity, std in [((3, 5), 0.1, 0.01), ((20, 7), 0.3, 0.01), ((7, 20), 0.5, 1.0),
                                 ((128, 784), 0.9, 0.01), ((784, 128), 0.9, 0.5)]:
        name = "x".join(map(str, shape))
        case(exact, f"sparse/{name}/{seed}", seed, shape, lambda t: init.sparse_(t, sparsity, std))

# Gains, in f64.
for name, param in [("linear", None), ("sigmoid", None), ("tanh", None), ("relu", None),
                    ("leaky_relu", None), ("leaky_relu", 0.2), ("leaky_relu", 5**0.5), ("selu", None)]:
    gain = numpy.float64(init.calculate_gain(name, param))
    record(f"gain/{name}/{param}", f"{gain.view('<u8'):016x}")

# Orders.
for n, seed in [(1, 0), (10, 0), (10, 42), (60000, 42)]:
    torch.manual_seed(seed)
    order = torch.randperm(n).numpy()
    record(f"randperm/{n}/{seed}/head", *order[:10])
    record(f"randperm/{n}/{seed}/fnv", fnv(order, "<u8"))
    after(f"randperm/{n}/{seed}")
torch.manual_seed(21)
loader = torch.utils.data.DataLoader(torch.arange(1000), batch_size=64, shuffle=True)
for epoch in range(2):
    order = torch.cat(list(loader)).numpy()
    record(f"epoch/{epoch}/head", *order[:10])
    record(f"epoch/{epoch}/fnv", fnv(order, "<u8"))
after("epoch")
print("wrote", out.name, file=sys.stderr)
