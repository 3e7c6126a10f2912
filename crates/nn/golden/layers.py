"""Writes layers.txt, the golden data of tests/nn/layers.rs: python3 crates/nn/golden/layers.py

Layers as PyTorch computes them on a CPU: values, gradients, and what training makes of parameters and
buffers. Each case has a generator of its own, seeded by its name, so a new case changes no other line. A
line is a name, a shape and the bits of its float32 numbers, without zeros at their ends. Inputs are rounded
to few digits, so that the file stays small.
"""
import hashlib
import pathlib

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

torch.set_num_threads(1)
lines = [f"# written by golden/layers.py with torch {torch.__version__.split('+')[0]}"]


def generator(name):
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "little")
    return torch.Generator().manual_seed(seed)


def put(name, tensor):
    tensor = tensor.detach().to(torch.float32).contiguous()
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    bits = tensor.view(-1).view(torch.int32).tolist()
    lines.append(" ".join([name, shape] + [f"{b & 0xffffffff:08x}".rstrip("0") or "0" for b in bits]))


def normal(g, *shape):
    """Normal numbers of few bits."""
    return torch.round(torch.randn(*shape, generator=g) * 32) / 32


def train(name, layer, inputs, forward=None, lr=0.5):
    """Steps of SGD on Σ c ⊙ y, with the first gradients, then an evaluation of the last input.

    inputs are functions of the generator that give x, or ids and the like; forward(layer, x) gives y.
    """
    g = generator(name)
    forward = forward or (lambda layer, x: layer(x))
    params = dict(layer.named_parameters())
    sgd = torch.optim.SGD(params.values() or [nn.Parameter(torch.zeros(1))], lr=lr)
    for key, p in params.items():
        with torch.no_grad():
            if "original" not in key and "Embedding" not in type(layer).__name__:
                p.copy_(normal(g, *p.shape) * 0.5 + (1 if p.dim() == 1 and "weight" in key else 0))
    for key, p in params.items():
        put(f"{name}/start/{rename(key)}", p)
    for step, make in enumerate(inputs):
        x = make(g)
        differentiable = isinstance(x, torch.Tensor) and x.is_floating_point()
        if differentiable:
            put(f"{name}/x/{step}", x)
            x.requires_grad_()
        sgd.zero_grad()
        y = forward(layer, x)
        c = normal(g, *y.shape)
        put(f"{name}/c/{step}", c)
        (c * y).sum().backward()
        put(f"{name}/y/{step}", y)
        if step == 0:
            if differentiable:
                put(f"{name}/d/x", x.grad)
            for key, p in params.items():
                put(f"{name}/d/{rename(key)}", p.grad)
        sgd.step()
    for key, p in params.items():
        put(f"{name}/end/{rename(key)}", p)
    for key, b in layer.named_buffers():
        put(f"{name}/end/{rename(key)}", b)
    layer.eval()
    with torch.no_grad():
        put(f"{name}/evaluated", forward(layer, x.detach() if differentiable else x))


def rename(key):
    """The names that fanin has."""
    for old, new in {
        "parametrizations.weight.original0": "weight_g",
        "parametrizations.weight.original1": "weight_v",
        "parametrizations.weight.original": "weight",
        "parametrizations.weight.0._u": "weight_u",
        "parametrizations.weight.0._v": "weight_v",
    }.items():
        if key == old:
            return new
    return key


def rows(*shapes, scale=1.0, shift=0.0):
    return [lambda g, shape=shape: normal(g, *shape) * scale + shift for shape in shapes]


three = rows((6, 4), (3, 4), (5, 4), scale=2.0, shift=1.0)
train("batch_norm", nn.BatchNorm1d(4), three)
train("batch_norm_momentum", nn.BatchNorm1d(4, momentum=0.3, eps=0.01), three)
train("batch_norm_cumulative", nn.BatchNorm1d(4, momentum=None), three)
train("batch_norm_plain", nn.BatchNorm1d(4, affine=False), three)
train("batch_norm_untracked", nn.BatchNorm1d(4, track_running_stats=False), three)
train("batch_norm_cumulative_untracked", nn.BatchNorm1d(4, momentum=None, track_running_stats=False), three)
two = rows((2, 3, 6), (4, 6), scale=3.0, shift=2.0)
train("layer_norm", nn.LayerNorm(6), two)
train("layer_norm_no_bias", nn.LayerNorm(6, bias=False, eps=0.1), two)
train("layer_norm_plain", nn.LayerNorm(6, elementwise_affine=False), two)
train("rms_norm", nn.RMSNorm(6), two)
train("rms_norm_epsilon", nn.RMSNorm(6, eps=0.1), two)
train("rms_norm_plain", nn.RMSNorm(6, elementwise_affine=False), two)
flat = rows((3, 6), (4, 6), scale=3.0, shift=2.0)
train("group_norm", nn.GroupNorm(2, 6), flat)
train("group_norm_one", nn.GroupNorm(1, 6, eps=0.1), flat)
train("group_norm_plain", nn.GroupNorm(2, 6, affine=False), flat)

train("linear_vector", nn.Linear(4, 3), rows((4,), (4,)))
train("linear_three_axes", nn.Linear(4, 3), rows((2, 3, 4), (1, 2, 4)))
train("linear_four_axes", nn.Linear(4, 3, bias=False), rows((2, 1, 2, 4)))
train("bilinear", nn.Bilinear(3, 2, 4), rows((3, 5), (2, 5)), lambda m, x: m(x[:, :3], x[:, 3:]))

torch.manual_seed(42)
layer = weight_norm(nn.Linear(5, 3))
train("weight_norm", layer, rows((4, 5), (4, 5), (2, 5)), lr=0.1)
torch.manual_seed(42)
layer = weight_norm(nn.Linear(5, 3, bias=False))
train("weight_norm_no_bias", layer, rows((4, 5), (4, 5)), lr=0.1)
torch.manual_seed(42)
layer = spectral_norm(nn.Linear(6, 4))
put("spectral_norm/first/weight_u", layer.parametrizations.weight[0]._u)
put("spectral_norm/first/weight_v", layer.parametrizations.weight[0]._v)
train("spectral_norm", layer, rows((4, 6), (4, 6), (2, 6)), lr=0.1)
torch.manual_seed(42)
layer = spectral_norm(nn.Linear(6, 20), n_power_iterations=3)
train("spectral_norm_iterated", layer, rows((4, 6), (2, 6)), lr=0.1)


def ids(*lists):
    return [lambda g, ids=ids: torch.tensor(ids) for ids in lists]


def table(kind, *arguments, **options):
    torch.manual_seed(42)
    return kind(*arguments, **options)


looked_up = ids([1, 4, 1, 0], [4, 4, 2], [0, 3, 1])
train("embedding", table(nn.Embedding, 5, 3), looked_up)
train("embedding_padding", table(nn.Embedding, 5, 3, padding_idx=1), looked_up)
train("embedding_max_norm", table(nn.Embedding, 5, 3, max_norm=1.0), looked_up)
train("embedding_both", table(nn.Embedding, 5, 3, padding_idx=-1, max_norm=1.0), looked_up)

in_bags = ids([1, 4, 1, 0, 2, 2], [4, 4, 2, 0, 1, 3])
offsets = torch.tensor([0, 2, 2, 5])
fixed = [lambda g, ids=ids: torch.tensor(ids) for ids in ([[1, 4, 1], [0, 2, 2]], [[4, 4, 2], [0, 1, 3]])]
for mode in ["sum", "mean", "max"]:
    bag = table(nn.EmbeddingBag, 5, 3, mode=mode)
    train(f"bag_{mode}", bag, in_bags, lambda m, x: m(x, offsets))
    bag = table(nn.EmbeddingBag, 5, 3, mode=mode, padding_idx=1)
    train(f"bag_{mode}_padding", bag, in_bags, lambda m, x: m(x, offsets))
    bag = table(nn.EmbeddingBag, 5, 3, mode=mode, max_norm=1.0)
    train(f"bag_{mode}_fixed_max_norm", bag, fixed)
bag = table(nn.EmbeddingBag, 5, 3, mode="sum", padding_idx=4)
weights = nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.25, 1.5, -0.75]))
bag.register_parameter("sample_weights", weights)
train("bag_weighted", bag, in_bags, lambda m, x: m(x, offsets, per_sample_weights=m.sample_weights))

parallel = nn.ModuleList([nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Identity()])
train("parallel", parallel, rows((3, 4), (2, 4)), lambda m, x: torch.cat([f(x) for f in m], -1))
added = nn.ModuleList([nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 2), nn.Tanh())])
train("parallel_sum", added, rows((3, 4), (2, 4)), lambda m, x: m[0](x) + m[1](x))
reshaped = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.Unflatten(-1, (2, 2)), nn.Linear(2, 3))
train("reshaped", reshaped, rows((3, 3, 2)))

path = pathlib.Path(__file__).with_name("layers.txt")
path.write_text("\n".join(lines) + "\n")
print(f"{path}: {len(lines)} lines, {path.stat().st_size} bytes")
