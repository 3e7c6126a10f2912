"""Writes torch_ops.txt, torch_optim.txt and torch_dropout.txt: PyTorch's values, gradients and
optimizer steps, and what its dropout drops.

    python make.py          # needs torch (CPU) and numpy; the outputs name the versions

A tensor is a line `key shape numbers`, the shape as 4x7 (a dash: no axes), the numbers as the
hexadecimal bits of f32. Every gradient is that of Σ c ⊙ y with a random cotangent c.

Each case has a random generator of its own, seeded by its name: a new case changes no other line.
"""

import os
import platform
import zlib
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
HERE = Path(__file__).parent
VERSIONS = (
    f"# Written by make.py with torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {platform.python_version()} on {platform.machine()}."
)


class Lines:
    def __init__(self, *explanation):
        self.lines = [VERSIONS, *explanation]

    def tensor(self, key, x):
        array = x.detach().contiguous().numpy()
        shape = "x".join(map(str, array.shape)) or "-"
        bits = (f"{word:08x}" for word in array.astype("<f4").ravel().view("<u4"))
        self.lines.append(" ".join([key, shape, *bits]))

    def words(self, *words):
        self.lines.append(" ".join(map(str, words)))

    def write(self, name):
        (HERE / name).write_text("\n".join(self.lines) + "\n")


# Operations ---------------------------------------------------------------------------------------

ops = Lines(
    "#",
    "# Each case: its name; its inputs x; the integers n it takes (labels, indices), if any; its",
    "# result y; the cotangent c; and the gradient d of Σ c ⊙ y of each input.",
)
generator = torch.Generator()


def begin(name):
    """Seeds the generator for one case."""
    generator.manual_seed(zlib.crc32(name.encode()))


def normal(*shape):
    return torch.randn(shape, generator=generator)


def randn(*shape, scale=1.0):
    """A function that draws a tensor. A case calls it, with its own generator."""
    return lambda: scale * normal(*shape)


def case(name, f, *inputs, n=()):
    """Each input is a tensor, or a function that draws one."""
    begin(name)
    inputs = [(x() if callable(x) else x.clone()).requires_grad_() for x in inputs]
    y = f(*inputs)
    c = normal(*y.shape)
    # An input that the result does not depend on would be a mistake in this file: no allow_unused.
    gradients = torch.autograd.grad((c * y).sum(), inputs)
    ops.words("case", name)
    for x in inputs:
        ops.tensor("x", x)
    if n:
        ops.words("n", *n)
    ops.tensor("y", y)
    ops.tensor("c", c)
    for d in gradients:
        ops.tensor("d", d)


SPECIAL = [0.0, -0.0, 1e-8, -1e-8, 1e-20, -1e-20, 1e-4, -1e-4, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0,
           5.0, -5.0, 9.0, -9.0, 19.9, 20.1, -20.1, 50.0, -50.0, 80.0, -80.0, 100.0, -100.0]
LIMITS = [torch.inf, -torch.inf, torch.nan]


def special(values, more):
    """The given values and enough random ones for an odd length that vectors do not divide."""
    return lambda: torch.cat([torch.tensor(values), more()])


broad = special(SPECIAL, randn(46, scale=2.0))
# The first of them, without random ones.
few = torch.tensor(SPECIAL[:13])
# Away from 0 and not huge, to divide by.
divisor = lambda *shape: lambda: normal(*shape).sign() * (0.3 + normal(*shape).abs())

for name, f, second in [
    ("add", torch.add, randn), ("sub", torch.sub, randn), ("mul", torch.mul, randn), ("div", torch.div, divisor),
]:
    case(name, f, randn(5, 7), second(5, 7))
    case(f"{name}/special", f, torch.tensor([0.0, -0.0, 1e-8, 50.0, -100.0, 1e20, 1e-20]),
         torch.tensor([-2.0, 3.0, 1e-8, -100.0, 50.0, 1e10, -1e10]))
    case(f"{name}/row", f, randn(5, 7), second(7))
    case(f"{name}/column", f, randn(5, 1), second(5, 7))
    case(f"{name}/both-ways", f, randn(5, 1), second(7))
    case(f"{name}/middle", f, randn(2, 1, 3), second(4, 1))
    case(f"{name}/scalar", f, randn(), second(3, 5))
    case(f"{name}/number", lambda x: f(x, 0.7), few)
case("number-minus", lambda x: 0.7 - x, few)
case("number-over", lambda x: 0.7 / x, divisor(13))
case("neg", torch.neg, few)
case("expand", lambda x: x.expand(2, 3, 4), randn(3, 1))

case("matmul", torch.matmul, randn(5, 7), randn(7, 3))
case("matmul/row", torch.matmul, randn(1, 7), randn(7, 3))
case("matmul/column", torch.matmul, randn(5, 7), randn(7, 1))
case("matmul/large", torch.matmul, randn(11, 33), randn(33, 9))
case("matmul/long", torch.matmul, randn(2, 200), randn(200, 1))
case("linear", F.linear, randn(5, 7), randn(3, 7), randn(3))
case("linear/no-bias", F.linear, randn(5, 7), randn(3, 7))
case("linear/vector", F.linear, randn(7), randn(3, 7), randn(3))
case("linear/three-axes", F.linear, randn(2, 4, 7), randn(3, 7), randn(3))
case("linear/large", F.linear, randn(17, 25), randn(9, 25), randn(9))

case("reshape", lambda x: x.reshape(3, 8), randn(4, 6))
case("transpose", lambda x: x.t(), randn(4, 7))
case("concat/0", lambda a, b: torch.cat([a, b, a], 0), randn(2, 3), randn(4, 3))
case("concat/1", lambda a, b: torch.cat([a, b], 1), randn(2, 3, 2), randn(2, 1, 2))
rows = [4, 0, 4, 2]
case("rows", lambda x: x.index_select(0, torch.tensor(rows)), randn(5, 3), n=rows)

case("sum", torch.sum, randn(5, 7))
case("mean", torch.mean, randn(5, 7))
case("sum/large", torch.sum, randn(700))
for axis in (0, 1, 2):
    case(f"sum/{axis}", lambda x: x.sum(axis), randn(3, 5, 4))
    case(f"mean/{axis}", lambda x: x.mean(axis), randn(3, 5, 4))

elementwise = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "leaky_relu/0.2": lambda x: F.leaky_relu(x, 0.2),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "elu": F.elu,
    "elu/0.7": lambda x: F.elu(x, 0.7),
    "selu": F.selu,
    "softplus": F.softplus,
    "mish": F.mish,
    "exp": torch.exp,
    "square": torch.square,
    "abs": torch.abs,
    "sin": torch.sin,
    "cos": torch.cos,
    "powi/3": lambda x: x**3,
    "clamp": lambda x: x.clamp(-1.0, 3.0),
}
for name, f in elementwise.items():
    case(name, f, broad)
    case(f"{name}/limits", f, torch.tensor(LIMITS))
positive = special([0.0, 1e-8, 1e-37, 1e-4, 0.999, 1.0, 1.001, 50.0, 100.0, 1e30], lambda: normal(37).exp())
for name, f in {"ln": torch.log, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "powf": lambda x: x**0.7}.items():
    case(name, f, positive)
    case(f"{name}/limits", f, torch.tensor(LIMITS + [-1.0]))
case("recip", torch.reciprocal, divisor(13))
case("powi/-2", lambda x: x**-2, divisor(13))
case("powi/0", lambda x: x**0, few)

# Ties, and a broadcast.
stepped = lambda *shape: lambda: (2 * normal(*shape)).round() / 2
for name, f in {"maximum": torch.maximum, "minimum": torch.minimum}.items():
    case(name, f, stepped(5, 7), stepped(5, 7))
    case(f"{name}/row", f, stepped(5, 7), stepped(7))
for name, over_all, over_axis in [("max", torch.max, torch.amax), ("min", torch.min, torch.amin)]:
    case(name, over_all, stepped(5, 7))
    for axis in (0, 1, 2):
        case(f"{name}/{axis}", lambda x: over_axis(x, axis), stepped(3, 5, 4))
case("norm", torch.norm, randn(5, 7))
case("norm/zero", torch.norm, torch.zeros(3))
for axis in (0, 1, 2):
    case(f"norm/{axis}", lambda x: torch.linalg.vector_norm(x, dim=axis), randn(3, 5, 4))
    case(f"log_sum_exp/{axis}", lambda x: x.logsumexp(axis), randn(3, 5, 4, scale=3.0))
indices = [6, 0, 3, 3, 1]
case("gather", lambda x: x.gather(1, torch.tensor(indices)[:, None])[:, 0], randn(5, 7), n=indices)
for axis in (0, 1, 2):
    case(f"slice/{axis}", lambda x: x.narrow(axis, 1, 2), randn(3, 5, 4))
    case(f"stack/{axis}", lambda a, b: torch.stack([a, b, a], axis), randn(2, 3), randn(2, 3))
mask = [1, 0, 0, 1, 1, 0]
case("select", lambda a, b: torch.where(torch.tensor(mask).bool().reshape(2, 3), a, b), randn(2, 3), randn(3), n=mask)
case("flatten", lambda x: x.flatten(1), randn(3, 2, 4))

plain = randn(5, 7, scale=3.0)
huge = torch.tensor([[1000.0, -1000.0, 0.0, 999.0, -0.0], [-1000.0, -1000.0, -1000.0, -999.0, -1001.0],
                     [1e-8, 0.0, -1e-8, 50.0, -50.0], [100.0, 100.0, 100.0, 100.0, 100.0]])
for name, f in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
    case(name, lambda x: f(x, -1), plain)
    case(f"{name}/huge", lambda x: f(x, -1), huge)
    case(f"{name}/one-axis", lambda x: f(x, -1), randn(9))
    case(f"{name}/three-axes", lambda x: f(x, -1), randn(2, 3, 5))
    case(f"{name}/wide", lambda x: f(x, -1), randn(2, 99, scale=3.0))
case("log_sum_exp/huge", lambda x: x.logsumexp(1), huge)
case("log_sum_exp/huge/0", lambda x: x.logsumexp(0), huge)

# Small losses of large logits: what is subtracted must not be rounded at the size of the logits.
far = torch.tensor([[1000.0, 998.5, 1001.25, 999.0], [-703.0, -700.0, -710.0, -701.0], [1e4, 9990.0, 9991.0, 9980.0]])
for name, x, labels in [("", plain, [6, 0, 3, 3, 1]), ("/huge", huge, [1, 3, 0, 2]), ("/far", far, [2, 1, 0]),
                        ("/wide", randn(3, 99), [98, 0, 70])]:
    for smoothing in ("", "/smooth"):
        f = lambda x: F.cross_entropy(x, torch.tensor(labels), label_smoothing=0.1 if smoothing else 0.0)
        case(f"cross_entropy{name}{smoothing}", f, x, n=labels)
case("mse", F.mse_loss, randn(5, 7), randn(5, 7))
case("mse/large", F.mse_loss, randn(20, 11, scale=50.0), randn(20, 11, scale=50.0))

# A network; its input and parameters are the inputs.
for name, f in {"tanh": torch.tanh, "gelu": F.gelu, "relu": F.relu}.items():
    labels = [0, 2, 1, 2, 0, 1]
    case(f"network/{name}",
         lambda x, w1, b1, w2, b2: F.cross_entropy(F.linear(f(F.linear(x, w1, b1)), w2, b2), torch.tensor(labels)),
         randn(6, 5), randn(8, 5), randn(8), randn(3, 8), randn(3), n=labels)
ops.write("torch_ops.txt")

# Optimizers ---------------------------------------------------------------------------------------

STEPS = 20
optim = Lines(
    "#",
    "# start: what parameters w and b are at first. gradient: those of each step, the same for every",
    "# optimizer. case, then after: what w and b are after each step. Where `case` ends in `-rare`, b",
    "# has a gradient in every third step alone; in `-frozen`, b is frozen; in `-schedule`, the",
    "# learning rate is multiplied by 0.8 after each step; in `-scaled`, w and b are parameter groups",
    "# with 2 and 1/4 times the learning rate.",
)
# What is drawn once stays: the optimizers' inputs are read back from the file.


def drawn(key):
    for line in (HERE / "torch_optim.txt").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name == key:
            shape, *words = rest.split()
            bits = np.array([int(word, 16) for word in words], "<u4").view("<f4")
            yield torch.from_numpy(bits.reshape([int(n) for n in shape.split("x")]).copy())


# The gradients have a mean of 0.5, as those of neighbouring steps resemble one another, and sizes
# from below Adam's ε to large; exact zeros too.
w0, b0 = drawn("start")
flat = list(drawn("gradient"))
gradients = list(zip(flat[::2], flat[1::2]))
assert len(gradients) == STEPS
optim.tensor("start", w0)
optim.tensor("start", b0)
for step in gradients:
    for g in step:
        optim.tensor("gradient", g)

O = torch.optim
for name, new in {
    "sgd": lambda p: O.SGD(p, lr=0.1),
    "sgd-decay": lambda p: O.SGD(p, lr=0.1, weight_decay=0.1),
    "sgd-momentum": lambda p: O.SGD(p, lr=0.1, momentum=0.9),
    "sgd-dampening": lambda p: O.SGD(p, lr=0.1, momentum=0.9, dampening=0.3),
    "sgd-nesterov": lambda p: O.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "sgd-momentum-decay": lambda p: O.SGD(p, lr=0.1, momentum=0.8, weight_decay=0.1),
    "sgd-nesterov-decay": lambda p: O.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1),
    "sgd-momentum-rare": lambda p: O.SGD(p, lr=0.1, momentum=0.9),
    "sgd-momentum-decay-frozen": lambda p: O.SGD(p, lr=0.1, momentum=0.8, weight_decay=0.1),
    "sgd-momentum-schedule": lambda p: O.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: O.Adam(p, lr=0.05),
    "adam-betas": lambda p: O.Adam(p, lr=0.05, betas=(0.7, 0.9)),
    "adam-epsilon": lambda p: O.Adam(p, lr=0.05, eps=0.1),
    "adam-decay": lambda p: O.Adam(p, lr=0.05, weight_decay=0.1),
    "adam-rare": lambda p: O.Adam(p, lr=0.05),
    "adam-decay-frozen": lambda p: O.Adam(p, lr=0.05, weight_decay=0.1),
    "adam-schedule": lambda p: O.Adam(p, lr=0.05),
    "adamw": lambda p: O.AdamW(p, lr=0.05),
    "adamw-decay": lambda p: O.AdamW(p, lr=0.05, betas=(0.7, 0.9), weight_decay=0.5),
    "adamw-rare": lambda p: O.AdamW(p, lr=0.05, weight_decay=0.5),
    "adamw-schedule": lambda p: O.AdamW(p, lr=0.05, weight_decay=0.5),
    "sgd-scaled": lambda p: O.SGD(p, lr=0.1),
    "sgd-momentum-decay-scaled": lambda p: O.SGD(p, lr=0.1, momentum=0.8, weight_decay=0.1),
    "adam-decay-scaled": lambda p: O.Adam(p, lr=0.05, weight_decay=0.1),
    "adamw-scaled": lambda p: O.AdamW(p, lr=0.05, weight_decay=0.5),
    "rmsprop": lambda p: O.RMSprop(p, lr=0.01),
    "rmsprop-decay": lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, weight_decay=0.1),
    "rmsprop-centered": lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, centered=True, eps=1e-3),
    "rmsprop-momentum-rare": lambda p: O.RMSprop(p, lr=0.01, momentum=0.8),
    "rmsprop-centered-momentum": lambda p: O.RMSprop(
        p, lr=0.01, alpha=0.9, centered=True, momentum=0.8, eps=1e-3
    ),
}.items():
    w, b = nn.Parameter(w0.clone()), nn.Parameter(b0.clone())
    b.requires_grad_(not name.endswith("-frozen"))
    optimizer = new([{"params": [w]}, {"params": [b]}])
    if name.endswith("-scaled"):
        for group, scale in zip(optimizer.param_groups, (2.0, 0.25)):
            group["lr"] *= scale
    optim.words("case", name)
    for t, (gw, gb) in enumerate(gradients):
        optimizer.zero_grad()
        loss = (gw * w).sum()
        if b.requires_grad and (not name.endswith("-rare") or t % 3 == 2):
            loss = loss + (gb * b).sum()
        loss.backward()
        optimizer.step()
        if name.endswith("-schedule"):
            for group in optimizer.param_groups:
                group["lr"] *= 0.8
        optim.tensor("after", w)
        optim.tensor("after", b)
optim.write("torch_optim.txt")

# Dropout ------------------------------------------------------------------------------------------

dropout = Lines(
    "#",
    "# case p seed; the input x; y, which is dropout(x, p) after manual_seed(seed); the cotangent c and",
    "# the gradient d; next: one more uniform number, which tells how far the generator has gone. On a",
    "# processor of Intel's PyTorch may take another generator: run make.py on one of another maker.",
)
for p, seed, shape in [(0.5, 0, (5, 7)), (0.3, 1, (13,)), (0.1, 2, (40, 19)), (0.9, 3, (2, 3, 4)),
                       (0.04, 42, (64,)), (0.0, 5, (3,))]:
    begin(f"dropout {p} {seed}")
    x, c = normal(*shape).requires_grad_(), normal(*shape)
    torch.manual_seed(seed)
    y = F.dropout(x, p)
    dropout.words("case", p, seed)
    dropout.tensor("x", x)
    dropout.tensor("y", y)
    dropout.tensor("next", torch.rand(1))
    dropout.tensor("c", c)
    dropout.tensor("d", torch.autograd.grad((c * y).sum(), x)[0])
dropout.write("torch_dropout.txt")
