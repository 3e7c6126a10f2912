"""The programs and networks of the comparison, and the goals. No other file defines them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """Its name in tables, its Python script (a Rust program has none), and what it can measure."""

    label: str
    script: str | None
    does: str


PROGRAMS = {
    "fanin": Program("fanin", None, "train one many products epoch"),
    "torch": Program("PyTorch eager", "torch_steps.py", "train one many products epoch"),
    "torch-compiled": Program("PyTorch compiled", "torch_steps.py", "train one many epoch"),
    "jax": Program("JAX", "jax_steps.py", "train one many"),
    "onnxruntime": Program("ONNX Runtime", "onnx_steps.py", "one many"),
    "burn": Program("burn", None, "train one many"),
    "candle": Program("candle", None, "train one many"),
    "sklearn": Program("scikit-learn", "sklearn_steps.py", "epoch"),
}
PEERS = list(PROGRAMS)[1:]
PYTORCH = ["torch", "torch-compiled"]

CONFIGS = {
    "A": "2-16-16-1:tanh:sgd:32",
    "B": "784-128-10:relu:adam:64",
    "C": "784-512-256-10:relu:adam:128",
    "D": "784-2500-2000-1500-1000-500-10:tanh:sgd:256",
}

MEASURES = {
    "train": "a training step",
    "one": "one sample through the model",
    "many": "1024 samples through the model",
}

# The goal: fanin's speed relative to the best peer.
GOALS = {
    "train": {"A": 15, "B": 2.5, "C": 1.4, "D": 1.1},
    "one": {"A": 5, "B": 2.5, "C": 2.2, "D": 1.2},
    "many": {"A": 2.5, "B": 1.15, "C": 1.05, "D": 1.0},
}
GOALS_OF_MANY_CORES = GOALS | {
    "train": {"A": 20, "B": 3.5, "C": 2.5, "D": 1.2},
    "many": {"A": 3, "B": 1.5, "C": 1.5, "D": 1.05},
}
MANY_CORES = 16
PRODUCTS_GOAL = 100  # per cent of MKL's rate, in the geometric mean over the products
PRODUCT_GOAL = 90  # per cent of MKL's rate, for each product
EPOCH_GOAL = 3  # times faster than PyTorch

PRODUCTS = ("C", "D")
EPOCH = "784-128-10:relu:adam:64"

WIDTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
BATCHES = [1, 4, 16, 64, 256, 1024, 4096]


def goals_of(cores):
    return GOALS_OF_MANY_CORES if cores >= MANY_CORES else GOALS


def of_width(width):
    return f"{width}-{width}-{width}-10:relu:adam:64"


def of_batch(batch):
    return f"784-128-10:relu:adam:{batch}"
