"""Writes training.txt: PyTorch's losses while it trains on the bundled digits.

    python make.py          # needs torch (CPU) and numpy; takes a few seconds

For each case: the FNV-1a hash of all initial parameters' little-endian f32, in the model's order,
and the losses of the first 100 batches as the hexadecimal bits of f32. An epoch has 63 batches, the
last of 32 images, so that the losses reach into the second epoch and its order.
"""

import gzip
import os
import platform
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
HERE = Path(__file__).parent
DIGITS = HERE.parents[2] / "datasets" / "mnist-5k"
LOSSES = 100


def idx(name):
    data = gzip.decompress((DIGITS / name).read_bytes())
    assert data[:3] == b"\0\0\x08", name
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, 4)
    return np.frombuffer(data, "u1", offset=4 + 4 * axes).reshape(shape)


def fnv(model):
    value = 0xCBF29CE484222325
    for p in model.parameters():
        for byte in p.detach().numpy().astype("<f4").tobytes():
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


images, labels = idx("train-images-idx3-ubyte.gz"), idx("train-labels-idx1-ubyte.gz")
data = TensorDataset(
    torch.from_numpy(images.reshape(len(images), -1).astype("f4") / np.float32(255)),
    torch.from_numpy(labels.astype("i8")),
)


def shallow():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def deep():
    return nn.Sequential(
        nn.Linear(784, 256), nn.Tanh(), nn.Linear(256, 128), nn.GELU(), nn.Linear(128, 10)
    )


lines = [
    f"# Written by make.py with torch {torch.__version__}, numpy {np.__version__}, "
    f"Python {platform.python_version()} on {platform.machine()}.",
]
for name, new, optimizer, smoothing in [
    ("shallow-adam", shallow, lambda p: torch.optim.Adam(p, lr=1e-3), 0.0),
    ("shallow-sgd", shallow, lambda p: torch.optim.SGD(p, lr=0.1), 0.0),
    ("shallow-momentum", shallow, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 0.0),
    ("deep-adam", deep, lambda p: torch.optim.Adam(p, lr=1e-3), 0.0),
    ("deep-adamw-smooth", deep, lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.1), 0.1),
]:
    torch.manual_seed(42)
    model = new()
    lines += [f"case {name}", f"parameters {fnv(model)}"]
    optimizer = optimizer(model.parameters())
    loader = DataLoader(data, batch_size=64, shuffle=True)
    losses = []
    while len(losses) < LOSSES:
        for x, y in loader:
            loss = F.cross_entropy(model(x), y, label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == LOSSES:
                break
    print(name, [round(loss, 4) for loss in (losses[0], losses[30], losses[62], losses[-1])], min(losses))
    lines.append("losses " + " ".join(f"{b:08x}" for b in np.array(losses, "<f4").view("<u4")))
(HERE / "training.txt").write_text("\n".join(lines) + "\n")
