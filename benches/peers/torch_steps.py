"""The measurements of PyTorch, eager or with `--compile`."""

import copy
import itertools

import torch
import torch.nn.functional as F
from torch import nn

import common
from common import MEAN, STD, measure


def make_model(net):
    layers = []
    for inputs, outputs in itertools.pairwise(net.sizes):
        layers += [nn.Linear(inputs, outputs), nn.Tanh() if net.tanh else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def make_optimizer(net, model):
    if net.adam:
        return torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)


def make_loss(net, model, options):
    """Forward pass and loss in one function, so that the compiler sees both."""

    def loss(x, y):
        out = model(x)
        return F.mse_loss(out, y) if net.is_regression else F.cross_entropy(out, y)

    return torch.compile(loss) if options.compile else loss


def make_step(net, model, options):
    """A training step, and a function that starts anew: a new optimizer, and the first weights in
    the tensors that the model and a compiled program have."""
    loss_of = make_loss(net, model, options)
    first_weights = copy.deepcopy(model.state_dict())
    optimizer = None

    def start():
        nonlocal optimizer
        model.load_state_dict(first_weights)
        optimizer = make_optimizer(net, model)

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return start, step


def train(program, net, model, options):
    x = torch.from_numpy(net.inputs(net.batch))
    y = torch.full((net.batch, 1), 0.5) if net.is_regression else torch.tensor(net.labels())
    start, step = make_step(net, model, options)
    common.train(program, net, options, start, lambda: step(x, y).detach())


def predict(program, what, rows, net, model, options):
    x = torch.from_numpy(net.inputs(rows))
    forward = torch.compile(model) if options.compile else model
    with torch.inference_mode():
        timing = measure(options.seconds, lambda: forward(x))
    common.report(program, what, net.text, options.threads, timing)


def products(program, net, options):
    """The three products of each layer. MKL computes them if PyTorch is built with it."""
    n = net.batch
    for inputs, outputs in itertools.pairwise(net.sizes):
        x, w, dy = torch.rand(n, inputs), torch.rand(outputs, inputs), torch.rand(n, outputs)
        y, dx, dw = dy.clone(), x.clone(), w.clone()
        for what, a, b, c in [("X·Wᵀ", x, w.t(), y), ("dY·W", dy, w, dx), ("dYᵀ·X", dy.t(), x, dw)]:
            timing = measure(options.seconds, lambda: torch.mm(a, b, out=c))
            common.report(program, what, f"{n}-{inputs}-{outputs}", options.threads, timing)


def epoch(program, net, options):
    """One epoch of MNIST in a new order, from tensors in memory, without a DataLoader.

    Pixels are normalized batch by batch, or all at once before the first batch: the faster counts.
    """
    images, labels = map(torch.from_numpy, common.read_mnist(options.mnist))
    start, step = make_step(net, make_model(net), options)
    start()

    def normalized(pixels):
        return pixels.float().mul_(1 / (255 * STD)).sub_(MEAN / STD)

    def batch_by_batch():
        for rows in torch.randperm(len(images)).split(net.batch):
            step(normalized(images[rows]), labels[rows])

    def all_at_once():
        x = normalized(images)
        for rows in torch.randperm(len(images)).split(net.batch):
            step(x[rows], labels[rows])

    timings = [measure(options.seconds, each, 2) for each in (batch_by_batch, all_at_once)]
    timing = min(timings, key=lambda timing: timing["median_us"])
    common.report(program, "epoch", net.text, options.threads, timing)


def main():
    options = common.options()
    torch.set_num_threads(options.threads)
    program = "torch-compiled" if options.compile else "torch"
    for net in options.net:
        torch.manual_seed(0)
        torch.compiler.reset()
        model = make_model(net)
        if "train" in options.what:
            train(program, net, model, options)
        for what, rows in [("one", 1), ("many", 1024)]:
            if what in options.what:
                predict(program, what, rows, net, model, options)
        if "products" in options.what:
            products(program, net, options)
        if "epoch" in options.what:
            epoch(program, net, options)


if __name__ == "__main__":
    main()
