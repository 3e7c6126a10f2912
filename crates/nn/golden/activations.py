"""Writes activations.txt and activations_random.txt: values and gradients of PyTorch's activations that make.py
does not have, and what RReLU and alpha dropout draw.

    python activations.py          # needs torch (CPU) and numpy; the outputs name the versions

The format is that of make.py. Each case has a random generator of its own, seeded by its name: a new case
changes no other line.
"""

import os
import platform
import zlib
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
HERE = Path(__file__).parent
VERSIONS = (
    f"# Written by activations.py with torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {platform.python_version()} on {platform.machine()}."
)
generator = torch.Generator()


def begin(name):
    """Seeds the generator for one case."""
    generator.manual_seed(zlib.crc32(name.encode()))


def normal(*shape, scale=1.0):
    return scale * torch.randn(shape, generator=generator)


def line(key, x):
    array = x.detach().contiguous().numpy()
    shape = "x".join(map(str, array.shape)) or "-"
    bits = (f"{word:08x}" for word in array.astype("<f4").ravel().view("<u4"))
    return " ".join([key, shape, *bits])


# Functions ----------------------------------------------------------------------------------------

ops = [VERSIONS, "#", "# See torch_ops.txt, whose format this is."]


def case(name, f, *inputs):
    """Each input is a tensor, or a function that draws one."""
    begin(name)
    inputs = [(x() if callable(x) else x.clone()).requires_grad_() for x in inputs]
    y = f(*inputs)
    c = normal(*y.shape)
    gradients = torch.autograd.grad((c * y).sum(), inputs)
    ops.append(f"case {name}")
    ops.extend([line("x", x) for x in inputs] + [line("y", y), line("c", c)])
    ops.extend(line("d", d) for d in gradients)


SPECIAL = [0.0, -0.0, 1e-8, -1e-8, 1e-20, -1e-20, 1e-4, -1e-4, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0,
           -3.0, 5.0, -5.0, 6.0, -6.0, 9.0, -9.0, 20.1, -20.1, 50.0, -50.0, 100.0, -100.0]
broad = lambda: torch.cat([torch.tensor(SPECIAL), normal(11, scale=2.0)])
limits = torch.tensor([torch.inf, -torch.inf, torch.nan])
# The angle in f64: PyTorch would round it to f32.
sine = lambda omega: lambda x: torch.sin(omega * x.double()).float()

for name, f in {
    "relu6": F.relu6,
    "celu": F.celu,
    "celu/0.7": lambda x: F.celu(x, 0.7),
    "log_sigmoid": F.logsigmoid,
    "softplus_with": F.softplus,
    "softplus_with/3,10": lambda x: F.softplus(x, 3.0, 10.0),
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "hardtanh/-2,0.5": lambda x: F.hardtanh(x, -2.0, 0.5),
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "tanhshrink": F.tanhshrink,
    "softshrink": F.softshrink,
    "softshrink/2": lambda x: F.softshrink(x, 2.0),
    "hardshrink": F.hardshrink,
    "hardshrink/2": lambda x: F.hardshrink(x, 2.0),
    "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "threshold/0.5,20": lambda x: F.threshold(x, 0.5, 20.0),
    "sine": sine(30.0),
    "sine/1.5": sine(1.5),
}.items():
    case(name, f, broad)
    case(f"{name}/limits", f, limits)

case("softmin", lambda x: F.softmin(x, -1), lambda: normal(5, 7, scale=3.0))
case("softmin/three-axes", lambda x: F.softmin(x, -1), lambda: normal(2, 3, 4))


def gated(f):
    """a f(b), with PyTorch's chunks."""

    def gate(x):
        a, b = x.chunk(2, -1)
        return a * f(b)

    return gate


for name, f in {"glu": lambda x: F.glu(x, -1), "reglu": gated(F.relu), "geglu": gated(F.gelu), "swiglu": gated(F.silu)}.items():
    case(name, f, lambda: normal(5, 14, scale=2.0))
    case(f"{name}/three-axes", f, lambda: normal(2, 3, 2, scale=2.0))

case("prelu", F.prelu, broad, lambda: normal(1))
case("prelu/matrix", F.prelu, lambda: normal(5, 7), torch.tensor([0.25]))
case("prelu/features", F.prelu, lambda: normal(9, 7), lambda: normal(7))
(HERE / "activations.txt").write_text("\n".join(ops) + "\n")

# Random numbers -----------------------------------------------------------------------------------

random = [
    VERSIONS,
    "#",
    "# case layer parameters seed; the input x; y after manual_seed(seed); the cotangent c and the gradient d;",
    "# next: one more uniform number, which tells how far the generator has gone. Alpha dropout: on a processor of",
    "# Intel's PyTorch may take another generator. Run this on one of another maker.",
]


def drawn(layer, parameters, seed, f, *shape):
    begin(f"{layer} {parameters} {seed}")
    x, c = normal(*shape).requires_grad_(), normal(*shape)
    torch.manual_seed(seed)
    y = f(x)
    random.append(" ".join(["case", layer, ",".join(map(repr, parameters)), str(seed)]))
    random.extend([line("x", x), line("y", y), line("next", torch.rand(1)), line("c", c)])
    random.append(line("d", torch.autograd.grad((c * y).sum(), x)[0]))


for parameters, seed, shape in [((1 / 8, 1 / 3), 0, (5, 7)), ((0.0, 1.0), 1, (13,)), ((-0.5, 0.25), 42, (6, 9)),
                                ((0.5, 0.5), 3, (2, 3, 4))]:
    drawn("rrelu", parameters, seed, lambda x: F.rrelu(x, *parameters, training=True), *shape)
for p, seed, shape in [(0.5, 0, (5, 7)), (0.3, 1, (13,)), (0.1, 2, (8, 9)), (0.9, 3, (2, 3, 4)), (0.0, 5, (3,))]:
    drawn("alpha_dropout", (p,), seed, lambda x: F.alpha_dropout(x, p, training=True), *shape)
(HERE / "activations_random.txt").write_text("\n".join(random) + "\n")
