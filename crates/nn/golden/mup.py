"""Writes mup.txt: variances, rates, decays and one step of real optimizers, by mup 1.0.0 with torch 2.15.0.

    pip install mup==1.0.0; python3 crates/nn/golden/mup.py > crates/nn/golden/mup.txt

The network is 5-w-w-3 with ReLU, its output layer a MuReadout; base width 8, delta width 24. mup multiplies
the input of the output layer by output_mult / m, where m is the width over the base's; the weights of the
input layer are multiplied by the root of input_mult, as in examples/MLP/main.py of microsoft/mup. fanin has
no multipliers in its forward pass. So all numbers here are of the products: of the weights that fanin has.

A line has the case (optimizer, width, output_mult, input_mult), the parameter, the standard deviation of
mup.init.kaiming_normal_ (0 for biases), the scale of the rate, the scale of the decay, and the first six
values after a step from the values of `wave`. No random numbers are used: everything is f64.
"""

import math
import sys

sys.path.pop(0)  # this folder, in which this file has the name of the package
import mup
import torch
import torch.nn.functional as F

RATE, DECAY, EPSILON = 0.01, 0.3, 1e-30


def wave(shape, seed, size):
    n = math.prod(shape)
    values = [((i * 7919 + seed * 613) % 1009 / 1009 - 0.5) * size for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self, width, output_mult=1.0, input_mult=1.0):
        super().__init__()
        self.a = torch.nn.Linear(5, width)
        self.b = torch.nn.Linear(width, width)
        self.c = mup.MuReadout(width, 3, output_mult=output_mult)
        self.root = math.sqrt(input_mult)

    def forward(self, x):
        x = F.relu(F.linear(x * self.root, self.a.weight, self.a.bias))
        return self.c(F.relu(self.b(x)))


def std_of(weight, nonlinearity):
    """What mup draws with."""
    drawn = []
    normal = torch.Tensor.normal_
    torch.Tensor.normal_ = lambda self, mean, std: drawn.append(std) or self
    mup.init.kaiming_normal_(weight, nonlinearity=nonlinearity)
    torch.Tensor.normal_ = normal
    return drawn[0]


def case(name, width, output_mult, input_mult):
    net = Net(width, output_mult, input_mult)
    mup.set_base_shapes(net, Net(8), delta=Net(24))
    net.double()
    optimizer, decay, power = {
        "adam": (mup.MuAdam, DECAY, 1),
        "adam_without_decay": (mup.MuAdam, 0.0, 1),
        "adamw": (mup.MuAdamW, DECAY, 1),
        "sgd": (mup.MuSGD, DECAY, 2),
    }[name]
    options = {} if name == "sgd" else {"eps": EPSILON}
    optimizer = optimizer(net.parameters(), lr=RATE, weight_decay=decay, **options)
    multiplier = {"a.weight": net.root, "c.weight": output_mult * 8 / width}
    gain = {"a.weight": "relu", "b.weight": "relu", "c.weight": "linear"}
    stds = {p: std_of(w, gain[p]) if p in gain else 0.0 for p, w in net.named_parameters()}
    for seed, (path, p) in enumerate(net.named_parameters()):
        p.data = wave(p.shape, seed, 2 / math.sqrt(p.shape[-1])) / multiplier.get(path, 1.0)
    loss = F.mse_loss(net(wave((6, 5), 7, 3.0)), wave((6, 3), 8, 2.0))
    loss.backward()
    optimizer.step()
    groups = {id(p): g for g in optimizer.param_groups for p in g["params"]}
    for path, p in net.named_parameters():
        c, group = multiplier.get(path, 1.0), groups[id(p)]
        rate = group["lr"] / RATE * c**power
        # Relative to the gradient of the product, except where the decay is apart from the gradient.
        shrink = group["weight_decay"] / DECAY
        shrink = shrink / c if name == "adamw" else shrink / c**2
        numbers = [stds[path] * c, rate, shrink, *(p.data * c).flatten()[:6].tolist()]
        print(name, width, output_mult, input_mult, path, *(repr(float(x)) for x in numbers))


for optimizer in ["adam", "adam_without_decay", "adamw", "sgd"]:
    for width in [8, 16, 32]:
        for multipliers in [(1.0, 1.0), (32.0, 0.00390625)]:
            case(optimizer, width, *multipliers)
