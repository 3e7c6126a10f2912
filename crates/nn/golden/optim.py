"""Writes optim.txt: what PyTorch's optimizers make of two parameters in 50 steps, and the trajectories
of its L-BFGS and of its averaged weights.

    python optim.py          # needs torch (CPU) and numpy; the output names the versions

A tensor is a line `key shape numbers`, the shape as 4x7, the numbers as the hexadecimal bits of f32, or of
f64 where there are 16 digits.
"""

import os
import platform
import zlib
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import torch
from torch import nn
from torch.optim import _muon, swa_utils

torch.set_num_threads(1)
HERE = Path(__file__).parent
O = torch.optim
STEPS, SHOWN, SLOWER = 50, (1, 2, 7, 20, 26, 50), 25
lines = [
    f"# Written by optim.py with torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {platform.python_version()} on {platform.machine()}.",
    "#",
    "# start: what parameters w and b are at first. gradient: those of each step, the same for every",
    "# optimizer; b has none in steps 2, 5, 8, ... The learning rate is multiplied by 0.7 after step",
    f"# {SLOWER}, but in case asgd. case, then after: what w and b are after steps {SHOWN}.",
    "# In muon-wide w is transposed; in adafactor-stack it is 2x2x3. Lion is a reference in torch by the",
    "# paper's algorithm 2, which PyTorch lacks. Muon iterates in float32, where PyTorch takes bfloat16.",
]


def tensor(key, x):
    array = x.detach().contiguous().numpy()
    shape = "x".join(map(str, array.shape)) or "-"
    if array.dtype == np.float64:
        bits = (f"{word:016x}" for word in array.astype("<f8").ravel().view("<u8"))
    else:
        bits = (f"{word:08x}" for word in array.astype("<f4").ravel().view("<u4"))
    lines.append(" ".join([key, shape, *bits]))


def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def newton_schulz(grad, coefficients, steps, eps):
    """PyTorch's own function, told that float32 is its bfloat16."""
    bfloat16, torch.bfloat16 = torch.bfloat16, torch.float32
    try:
        return original_newton_schulz(grad, coefficients, steps, eps)
    finally:
        torch.bfloat16 = bfloat16


original_newton_schulz = _muon._zeropower_via_newtonschulz
_muon._zeropower_via_newtonschulz = newton_schulz


class Lion(O.Optimizer):
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is not None:
                    m = self.state[p].setdefault("m", torch.zeros_like(p))
                    c = b1 * m + (1 - b1) * p.grad
                    p.sub_(group["lr"] * (c.sign() + group["weight_decay"] * p))
                    m.mul_(b2).add_(p.grad, alpha=1 - b2)


class Both:
    """Muon for matrices, AdamW for the rest."""

    def __init__(self, params, **options):
        w, b = params
        self.parts = O.Muon([w], **options), O.AdamW([b], lr=0.004, weight_decay=0.3)
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad()

    def step(self):
        for part in self.parts:
            part.step()


# Gradients of neighbouring steps resemble one another. Their sizes go from below every ε to large, with
# exact zeros.
rng = generator("gradients")
w0, b0 = torch.randn(4, 3, generator=rng), torch.randn(5, generator=rng)
gradients = []
for t in range(STEPS):
    g = torch.randn(17, generator=rng) + 0.5
    g *= 10.0 ** torch.linspace(-4, 1, 17)[torch.randperm(17, generator=generator("sizes"))]
    g[torch.randint(17, (2,), generator=rng)] = 0
    if t % 10 == 7:
        g *= 30
    gradients.append((g[:12].reshape(4, 3), g[12:]))
tensor("start", w0)
tensor("start", b0)
for step in gradients:
    for g in step:
        tensor("gradient", g)

for name, new in {
    "sgd-maximize": lambda p: O.SGD(
        p, lr=0.037, momentum=0.77, dampening=0.21, weight_decay=0.013, maximize=True
    ),
    "sgd-nesterov": lambda p: O.SGD(p, lr=0.013, momentum=0.93, nesterov=True, weight_decay=0.07),
    "adam-amsgrad": lambda p: O.Adam(
        p, lr=0.031, betas=(0.83, 0.917), eps=3e-5, weight_decay=0.021, amsgrad=True
    ),
    "adamw-amsgrad": lambda p: O.AdamW(
        p, lr=0.031, betas=(0.43, 0.917), weight_decay=0.21, amsgrad=True
    ),
    "nadam": lambda p: O.NAdam(
        p, lr=0.017, betas=(0.81, 0.93), eps=1e-6, weight_decay=0.03, momentum_decay=0.05
    ),
    "nadam-decoupled": lambda p: O.NAdam(p, weight_decay=0.3, decoupled_weight_decay=True),
    "radam": lambda p: O.RAdam(p, lr=0.019, betas=(0.9, 0.97), eps=1e-5, weight_decay=0.02),
    "radam-decoupled": lambda p: O.RAdam(
        p, lr=0.023, betas=(0.8, 0.99), weight_decay=0.2, decoupled_weight_decay=True
    ),
    "adagrad": lambda p: O.Adagrad(p, lr=0.013),
    "adagrad-options": lambda p: O.Adagrad(
        p, lr=0.13, lr_decay=0.07, weight_decay=0.01, initial_accumulator_value=0.3, eps=1e-6
    ),
    "adadelta": lambda p: O.Adadelta(p),
    "adadelta-options": lambda p: O.Adadelta(p, lr=0.9, rho=0.87, eps=1e-4, weight_decay=0.02),
    "rmsprop-options": lambda p: O.RMSprop(
        p, lr=0.007, alpha=0.93, eps=1e-5, weight_decay=0.03, momentum=0.6, centered=True
    ),
    "adamax": lambda p: O.Adamax(p, lr=0.021, betas=(0.87, 0.93), eps=1e-4, weight_decay=0.03),
    "rprop": lambda p: O.Rprop(p, lr=0.03, etas=(0.41, 1.37), step_sizes=(1e-4, 0.5)),
    "asgd": lambda p: O.ASGD(p, lr=0.03, lambd=0.01, alpha=0.6, t0=12, weight_decay=0.01),
    "lion": lambda p: Lion(p, lr=0.011, betas=(0.85, 0.97), weight_decay=0.07),
    "adafactor": lambda p: O.Adafactor(p),
    "adafactor-options": lambda p: O.Adafactor(
        p, lr=0.3, beta2_decay=-0.6, eps=(1e-6, 0.5), d=1.3, weight_decay=0.02
    ),
    "adafactor-stack": lambda p: O.Adafactor(p, lr=0.05),
    "muon": lambda p: Both(p, lr=0.021, momentum=0.9, weight_decay=0.03),
    "muon-wide": lambda p: Both(p, lr=0.021, momentum=0.9, adjust_lr_fn="match_rms_adamw"),
    "muon-options": lambda p: Both(
        p, lr=0.03, momentum=0.4, nesterov=False, ns_coefficients=(2, -1.5, 0.5), ns_steps=3,
        adjust_lr_fn="spectral_unclamped", weight_decay=0.3,
    ),
}.items():
    form = {"muon-wide": lambda w: w.T, "adafactor-stack": lambda w: w.reshape(2, 2, 3)}.get(
        name, lambda w: w
    )
    w, b = nn.Parameter(form(w0).clone()), nn.Parameter(b0.clone())
    optimizer = new([w, b])
    lines.append(f"case {name}")
    for t, (gw, gb) in enumerate(gradients, 1):
        optimizer.zero_grad()
        w.grad = form(gw).clone()
        b.grad = None if t % 3 == 2 else gb.clone()
        optimizer.step()
        if t == SLOWER and name != "asgd":
            for group in optimizer.param_groups:
                group["lr"] *= 0.7
        if t in SHOWN:
            tensor("after", w)
            tensor("after", b)
    if name == "asgd":
        for p in (w, b):
            tensor("average", optimizer.state[p]["ax"])

# Averaged weights. The parameter w is one of a layer, b takes the part of its buffer. --------------------
lines += [
    "#",
    "# averaged: the weights' average (parameter w, buffer b) after each of 6 updates, where w and b are the",
    "# first gradients one after the other; with buffers averaged too where `case` ends in `-buffers`.",
]


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(w0.clone())
        self.register_buffer("b", b0.clone())


for name, options in {
    "ema": {"avg_fn": swa_utils.get_ema_avg_fn(0.83)},
    "ema-buffers": {"avg_fn": swa_utils.get_ema_avg_fn(0.83), "use_buffers": True},
    "swa": {},
    "swa-buffers": {"use_buffers": True},
}.items():
    layer = Layer()
    averaged = swa_utils.AveragedModel(layer, **options)
    lines.append(f"case {name}")
    for gw, gb in gradients[:6]:
        with torch.no_grad():
            layer.w.copy_(gw)
            layer.b.copy_(gb)
        averaged.update_parameters(layer)
        tensor("averaged", averaged.module.w)
        tensor("averaged", averaged.module.b)

# L-BFGS ---------------------------------------------------------------------------------------------------
lines += [
    "#",
    "# lbfgs: x, y, and the start of a network tanh(x·Wᵀ + b)·vᵀ + c, whose mean squared error is",
    "# minimized; then a case for each choice of options: after each step the loss before it, the number of",
    "# evaluations so far, and the parameters W, b, v and c. A line search makes much of rounding errors: in",
    "# float32 and float64 PyTorch's own trajectories part after a few steps, so float32 has fewer.",
]
rng = generator("lbfgs")
x = torch.randn(12, 2, generator=rng, dtype=torch.float64).float().double()
y = torch.sin(x[:, :1] * 1.5) + 0.3 * x[:, 1:]
y = y.float().double()
start = [torch.randn(s, generator=rng, dtype=torch.float64).float().double() * 0.5
         for s in ((3, 2), (3,), (1, 3), (1,))]
for t in (x, y, *start):
    tensor("lbfgs", t.float())
for name, options, steps in [
    ("wolfe", {"line_search_fn": "strong_wolfe", "max_iter": 5}, {64: 4, 32: 2}),
    ("wolfe-history", {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 12,
                       "lr": 0.7}, {64: 2, 32: 1}),
    ("fixed", {"lr": 0.3, "max_iter": 4}, {64: 4, 32: 4}),
    ("fixed-evaluations", {"lr": 0.2, "max_iter": 20, "max_eval": 7, "history_size": 2}, {64: 3, 32: 3}),
]:
    for dtype in (torch.float64, torch.float32):
        params = [nn.Parameter(p.to(dtype).clone()) for p in start]
        X, Y = x.to(dtype), y.to(dtype)
        optimizer = O.LBFGS(params, **options)

        def closure():
            optimizer.zero_grad()
            W, b, v, c = params
            loss = ((torch.tanh(X @ W.T + b) @ v.T + c - Y) ** 2).mean()
            loss.backward()
            return loss

        lines.append(f"case lbfgs-{name}-{'f64' if dtype == torch.float64 else 'f32'}")
        for _ in range(steps[torch.finfo(dtype).bits]):
            loss = optimizer.step(closure)
            tensor("loss", loss.to(dtype).reshape(1))
            lines.append(f"evaluations {optimizer.state[params[0]]['func_evals']}")
            for p in params:
                tensor("after", p)

(HERE / "optim.txt").write_text("\n".join(lines) + "\n")
