"""examples/mnist in PyTorch: the same files, network, recipe and report, as a process of its own.

    FANIN_DATA=path/to/mnist python benches/peers/torch_mnist.py [--seed 0] [--threads N]

Its last line is the test accuracy, as that of the example. `benches/recipe_time.py` starts both in turn.

PyTorch at its best: images are converted and normalized once for all epochs and gathered by one
indexing a step, without a DataLoader; the optimizer is fused.
"""

import argparse
import gzip
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

HIDDEN, EPOCHS, BATCH = 160, 2, 64
LR, BETAS, WARM_UP, SMOOTHING = 0.005, (0.8, 0.999), 0.1, 0.1


def idx(name, header):
    """The bytes of a file of IDX behind its header."""
    directory = Path(os.environ["FANIN_DATA"])
    packed = directory / f"{name}.gz"
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else (directory / name).read_bytes()
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[header:]


def part(name):
    pixels = idx(f"{name}-images-idx3-ubyte", 16).view(-1, 784)
    x = pixels.float().div_(255).sub_(0.1307).div_(0.3081)
    return x, idx(f"{name}-labels-idx1-ubyte", 8).long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    (train_x, train_y), (test_x, test_y) = part("train"), part("t10k")
    model = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=BETAS, fused=True)
    images = len(train_x)
    start = time.perf_counter()
    for epoch in range(EPOCHS):
        total = 0.0
        for n, chosen in enumerate(torch.randperm(images).split(BATCH)):
            done = (epoch * images + n * BATCH) / (EPOCHS * images)
            optimizer.param_groups[0]["lr"] = LR * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
            loss = F.cross_entropy(model(train_x[chosen]), train_y[chosen], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch + 1}  loss {total / images:.4f}")
    print(f"trained for {time.perf_counter() - start:.2f} s")
    with torch.inference_mode():
        right = (model(test_x).argmax(1) == test_y).double().mean().item()
    print(f"test accuracy: {100 * right:.2f} %")


if __name__ == "__main__":
    main()
