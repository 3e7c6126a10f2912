"""Writes frame.txt, the golden data of tests/nn/frame.rs: python3 crates/nn/golden/frame.py

Layers with state and losses with options, as PyTorch computes them on a CPU. Each case has a generator
of its own, seeded by its name, so a new case changes no other line. A line is a name, a shape and the
bits of its float32 numbers.
"""
import hashlib
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

lines = [f"# written by golden/frame.py with torch {torch.__version__.split('+')[0]}"]


def generator(name):
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "little")
    return torch.Generator().manual_seed(seed)


def put(name, tensor):
    tensor = tensor.detach().to(torch.float32).contiguous()
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    bits = tensor.view(-1).view(torch.int32).tolist()
    lines.append(" ".join([name, shape] + [f"{b & 0xffffffff:08x}" for b in bits]))


def batch_norm():
    """50 steps of batches of 2 to 33 rows; the loss is Σ c ⊙ y."""
    g = generator("batch_norm")
    layer = nn.BatchNorm1d(5)
    sgd = torch.optim.SGD(layer.parameters(), lr=0.1)
    for step in range(50):
        rows = 2 + (7 * step) % 32
        x = torch.randn(rows, 5, generator=g) * torch.tensor([1.0, 0.1, 10.0, 3.0, 1.0]) + step
        c = torch.randn(rows, 5, generator=g) / rows
        x.requires_grad_()
        sgd.zero_grad()
        y = layer(x)
        (c * y).sum().backward()
        sgd.step()
        put(f"batch_norm/x/{step}", x)
        put(f"batch_norm/c/{step}", c)
        if step in (0, 1, 49):
            put(f"batch_norm/y/{step}", y)
            put(f"batch_norm/dx/{step}", x.grad)
            put(f"batch_norm/mean/{step}", layer.running_mean)
            put(f"batch_norm/var/{step}", layer.running_var)
            put(f"batch_norm/weight/{step}", layer.weight)
            put(f"batch_norm/bias/{step}", layer.bias)
    layer.eval()
    put("batch_norm/evaluated", layer(x))


def layer_norm():
    g = generator("layer_norm")
    x = (torch.randn(4, 3, 7, generator=g) * 3 + 2).requires_grad_()
    c = torch.randn(4, 3, 7, generator=g)
    weight = torch.randn(7, generator=g).requires_grad_()
    bias = torch.randn(7, generator=g).requires_grad_()
    y = F.layer_norm(x, [7], weight, bias)
    (c * y).sum().backward()
    for name, tensor in dict(
        x=x, c=c, weight=weight, bias=bias, y=y, dx=x.grad, dweight=weight.grad, dbias=bias.grad
    ).items():
        put(f"layer_norm/{name}", tensor)


def bilinear():
    torch.manual_seed(42)
    layer = nn.Bilinear(3, 4, 2)
    g = generator("bilinear")
    a = torch.randn(5, 3, generator=g).requires_grad_()
    b = torch.randn(5, 4, generator=g).requires_grad_()
    y = layer(a, b)
    y.square().sum().backward()
    put("bilinear/weight", layer.weight)
    put("bilinear/bias", layer.bias)
    for name, tensor in dict(a=a, b=b, y=y, da=a.grad, db=b.grad, dweight=layer.weight.grad).items():
        put(f"bilinear/{name}", tensor)


def embedding():
    torch.manual_seed(42)
    layer = nn.Embedding(20, 6)
    put("embedding/weight", layer.weight)
    y = layer(torch.tensor([3, 19, 3, 0]))
    y.square().sum().backward()
    put("embedding/dweight", layer.weight.grad)


def cross_entropy():
    g = generator("cross_entropy")
    x = (torch.randn(6, 5, generator=g) * 3).requires_grad_()
    labels = torch.tensor([0, 4, 2, 2, 1, 3])
    weights = torch.tensor([1.0, 0.5, 4.0, 0.0, 2.0])
    put("cross_entropy/x", x)
    options = {
        "plain": {},
        "smoothed": dict(label_smoothing=0.1),
        "weighted": dict(weight=weights),
        "weighted_smoothed": dict(weight=weights, label_smoothing=0.1),
        "ignored": dict(ignore_index=2),
        "all": dict(weight=weights, label_smoothing=0.2, ignore_index=4),
    }
    for name, option in options.items():
        for reduction in ["mean", "sum", "none"]:
            x.grad = None
            loss = F.cross_entropy(x, labels, reduction=reduction, **option)
            put(f"cross_entropy/{name}/{reduction}/loss", loss)
            cotangent = torch.arange(1.0, 7.0) if reduction == "none" else torch.tensor(1.5)
            (loss * cotangent).sum().backward()
            put(f"cross_entropy/{name}/{reduction}/dx", x.grad)


def clip():
    """Two tensors of gradients, clipped by their norm and by value."""
    g = generator("clip")
    for max_norm in [0.5, 1e3]:
        tensors = [nn.Parameter(torch.zeros(3, 4)), nn.Parameter(torch.zeros(7))]
        for tensor in tensors:
            tensor.grad = torch.randn(tensor.shape, generator=g)
            put(f"clip/{max_norm}/grad/{tensor.dim()}", tensor.grad)
        put(f"clip/{max_norm}/norm", nn.utils.clip_grad_norm_(tensors, max_norm))
        for tensor in tensors:
            put(f"clip/{max_norm}/clipped/{tensor.dim()}", tensor.grad)


def loss(name, function):
    """A loss with a target of the prediction's shape: differences of all sizes, and none."""
    g = generator(name)
    y = (torch.randn(3, 8, generator=g) * 2).requires_grad_()
    target = torch.randn(3, 8, generator=g)
    target[0, :2] = y.detach()[0, :2]
    put(f"{name}/y", y)
    put(f"{name}/target", target)
    for reduction in ["mean", "sum", "none"]:
        y.grad = None
        value = function(y, target, reduction=reduction)
        put(f"{name}/{reduction}/loss", value)
        value.sum().backward()
        put(f"{name}/{reduction}/dy", y.grad)


losses = {
    "mse": F.mse_loss,
    "huber": lambda y, target, **reduction: F.huber_loss(y, target, delta=0.7, **reduction),
}
for case in [batch_norm, layer_norm, bilinear, embedding, cross_entropy, clip]:
    case()
for name, function in losses.items():
    loss(name, function)
pathlib.Path(__file__).with_name("frame.txt").write_text("\n".join(lines) + "\n")
