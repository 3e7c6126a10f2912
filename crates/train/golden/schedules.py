"""Writes schedules.txt: the learning rates of PyTorch's schedulers, step by step.

    python schedules.py        # needs torch (CPU); the output names its version

A line is a name and the rates of steps 0, 1, 2, ... as PyTorch's schedulers set them. A line of a plateau
has the metrics observed first, then a bar, then the rate after each.
"""

import math
import platform
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler as S

warnings.simplefilter("ignore")  # of schedulers without a step of the optimizer
STEPS = 41
lines = [
    f"# Written by schedules.py with torch {torch.__version__}, Python {platform.python_version()} "
    f"on {platform.machine()}."
]


def optimizer(lr):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


def words(values):
    return " ".join(map(repr, map(float, values)))


def case(name, base, new, steps=STEPS):
    opt = optimizer(base)
    scheduler = new(opt)
    rates = []
    for step in range(steps):
        rates.append(opt.param_groups[0]["lr"])
        if step + 1 < steps:
            opt.step()
            scheduler.step()
    lines.append(f"{name} {words(rates)}")


case("constant", 0.13, lambda o: S.ConstantLR(o, factor=0.31, total_iters=7))
case("linear", 0.13, lambda o: S.LinearLR(o, start_factor=0.2, end_factor=0.9, total_iters=13))
case("linear-down", 0.13, lambda o: S.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=30))
case("step", 0.7, lambda o: S.StepLR(o, step_size=6, gamma=0.37))
case("multi-step", 0.7, lambda o: S.MultiStepLR(o, milestones=[3, 11, 11, 30], gamma=0.37))
case("exponential", 0.7, lambda o: S.ExponentialLR(o, gamma=0.93))
case("polynomial", 0.7, lambda o: S.PolynomialLR(o, total_iters=31, power=1.7))
case("cosine", 0.7, lambda o: S.CosineAnnealingLR(o, T_max=STEPS - 1, eta_min=0.03))
case("cosine-wrapping", 0.7, lambda o: S.CosineAnnealingLR(o, T_max=9, eta_min=0.03))
case("restarts", 0.7, lambda o: S.CosineAnnealingWarmRestarts(o, T_0=7))
case("restarts-mult", 0.7, lambda o: S.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.01))
one = {"total_steps": STEPS, "cycle_momentum": False}
case("one-cycle", 0.1, lambda o: S.OneCycleLR(o, max_lr=0.7, **one))
case("one-cycle-linear", 0.1, lambda o: S.OneCycleLR(
    o, max_lr=0.7, anneal_strategy="linear", pct_start=0.41, div_factor=7, final_div_factor=33, **one))
case("one-cycle-three", 0.1, lambda o: S.OneCycleLR(
    o, max_lr=0.7, three_phase=True, pct_start=0.23, **one))
case("one-cycle-three-linear", 0.1, lambda o: S.OneCycleLR(
    o, max_lr=0.7, three_phase=True, anneal_strategy="linear", pct_start=0.5, **one))
case("one-cycle-short", 0.1, lambda o: S.OneCycleLR(
    o, max_lr=0.7, total_steps=7, cycle_momentum=False), steps=7)
cyclic = {"base_lr": 0.1, "max_lr": 0.7, "cycle_momentum": False}
case("cyclic", 0.1, lambda o: S.CyclicLR(o, step_size_up=5, **cyclic))
case("cyclic-2", 0.1, lambda o: S.CyclicLR(
    o, step_size_up=4, step_size_down=7, mode="triangular2", **cyclic))
case("cyclic-exp", 0.1, lambda o: S.CyclicLR(
    o, step_size_up=3, step_size_down=2, mode="exp_range", gamma=0.94, **cyclic))
case("warm-up", 0.7, lambda o: S.SequentialLR(o, [
    S.LinearLR(o, start_factor=0.25, total_iters=10), S.CosineAnnealingLR(o, T_max=31)], [10]))
case("warm-up-constant", 0.7, lambda o: S.SequentialLR(o, [
    S.ConstantLR(o, factor=0.2, total_iters=8), S.StepLR(o, step_size=5, gamma=0.4)], [8]))
case("sequence", 0.7, lambda o: S.SequentialLR(o, [
    S.ConstantLR(o, factor=0.3, total_iters=4), S.ExponentialLR(o, gamma=0.9),
    S.StepLR(o, step_size=3, gamma=0.5)], [5, 17]))
case("product", 0.7, lambda o: S.ChainedScheduler([
    S.LinearLR(o, start_factor=0.5, total_iters=8), S.ExponentialLR(o, gamma=0.95)]))
case("function", 0.7, lambda o: S.LambdaLR(o, lambda step: 1 / math.sqrt(1 + step)))


def plateau(name, base, values, **options):
    opt = optimizer(base)
    scheduler = S.ReduceLROnPlateau(opt, **options)
    rates = []
    for value in values:
        scheduler.step(value)
        rates.append(opt.param_groups[0]["lr"])
    lines.append(f"{name} {words(values)} | {words(rates)}")


stalls = [1.0, 0.9, 0.91, 0.8999, 0.895, 0.8951, 0.9, 1.1, 0.5, 0.5, 0.5, math.nan, 0.5, 0.4, 0.4, 0.4,
          0.4, 0.4, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39, 0.39]
plateau("plateau", 0.7, stalls, factor=0.3, patience=2)
plateau("plateau-absolute", 0.7, stalls, factor=0.3, patience=1, threshold=0.02, threshold_mode="abs")
plateau("plateau-cooldown", 0.7, stalls, factor=0.3, patience=0, cooldown=3, min_lr=0.05)
plateau("plateau-max", 0.7, [1 - v for v in stalls], factor=0.5, patience=1, mode="max", threshold=0.05)
plateau("plateau-max-absolute", 0.7, [1 - v for v in stalls], factor=0.5, patience=2, mode="max",
        threshold=0.05, threshold_mode="abs")

(Path(__file__).parent / "schedules.txt").write_text("\n".join(lines) + "\n")
