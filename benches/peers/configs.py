"""The networks of the comparison and the goals. No other file defines them."""

PROGRAMS = {
    "fanin": "fanin",
    "torch": "PyTorch eager",
    "torch-compiled": "PyTorch compiled",
    "jax": "JAX",
    "burn": "burn",
    "candle": "candle",
}
PEERS = list(PROGRAMS)[1:]

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
    "train": {"A": 15, "B": 2.5, "C": 1.5, "D": 1.15},
    "one": {"A": 5, "B": 1.5, "C": 1.2, "D": 1.0},
    "many": {"A": 2, "B": 1.3, "C": 1.15, "D": 1.1},
}
PRODUCTS_GOAL = 75  # per cent of MKL's rate
EPOCH_GOAL = 2.5  # times faster than PyTorch

PRODUCTS = ("C", "D")
EPOCH = "784-128-10:relu:adam:64"

WIDTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
BATCHES = [1, 4, 16, 64, 256, 1024, 4096]


def of_width(width):
    return f"{width}-{width}-{width}-10:relu:adam:64"


def of_batch(batch):
    return f"784-128-10:relu:adam:{batch}"
