# A network that is a picture, and an autoencoder of digits, in PyTorch.
import gzip
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(30 * x)


def layer(inputs, outputs, first=False):
    linear = nn.Linear(inputs, outputs)
    bound = 1 / inputs if first else (6 / inputs) ** 0.5 / 30
    nn.init.uniform_(linear.weight, -bound, bound)
    return linear


def digits(name):
    bytes = gzip.open(os.path.join(os.environ["DIGITS"], name)).read()[16:]
    return torch.tensor(np.frombuffer(bytes, np.uint8).reshape(-1, 784) / 255, dtype=torch.float32)


torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[1]))
pixels = np.fromfile("data/image.rgb", np.uint8).reshape(-1, 3)
grid = torch.linspace(-1, 1, 64)
x = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), -1).reshape(-1, 2)
y = torch.tensor(pixels / 127.5 - 1, dtype=torch.float32)
model = nn.Sequential(
    layer(2, 64, first=True), Sine(), layer(64, 64), Sine(), layer(64, 64), Sine(), layer(64, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(500):
    loss = mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("siren", "PSNR", 10 * np.log10(4 / loss.item()))

train, test = digits("train-images-idx3-ubyte.gz"), digits("t10k-images-idx3-ubyte.gz")
model = nn.Sequential(
    nn.Linear(784, 256),
    nn.ReLU(),
    nn.Linear(256, 16),
    nn.Linear(16, 256),
    nn.ReLU(),
    nn.Linear(256, 784),
    nn.Sigmoid(),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1, 31):
    for i in torch.randperm(len(train)).split(64):
        loss = mse_loss(model(train[i]), train[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print("autoencoder", f"error@{epoch}", mse_loss(model(test), test).item())
