"""Models of fanin as torch.nn modules, and back.

    model = fanin_torch.load("model.safetensors")              # a torch.nn.Sequential, in eval mode
    optimizer = fanin_torch.load_optimizer("model.safetensors", model)
    ... train on, with PyTorch ...
    fanin_torch.save("back.safetensors", model, optimizer)     # fanin: safetensors::Reader::build

The file is one that fanin wrote by `safetensors::Writer::new(&model).architecture(&spec)`, for an optimizer
with `.optimizer(&state)`, where `let state: OptimizerState = adam.state()`. It needs torch and safetensors, and this file alone.
"""
import json
from collections import OrderedDict

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrizations

ARCHITECTURE = "fanin.architecture"
OPTIMIZER = "fanin.optimizer"


class Function(nn.Module):
    """A function without parameters."""

    def __init__(self, name, function):
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.name


class Residual(nn.Module):
    """`y = x + alpha F(x)`; alpha is 1, a number, or learned."""

    def __init__(self, branch, alpha=None, learned=False):
        super().__init__()
        self.branch = branch
        self.alpha = nn.Parameter(torch.tensor([float(alpha)])) if learned else alpha

    def forward(self, x):
        y = self.branch(x)
        return x + (y if self.alpha is None else self.alpha * y)


class Parallel(nn.Module):
    """Branches of one input, side by side or added."""

    def __init__(self, branches, sums):
        super().__init__()
        self.sums = sums
        for i, branch in enumerate(branches):
            self.add_module(str(i), branch)

    def forward(self, x):
        outputs = [branch(x) for branch in self.children()]
        return sum(outputs[1:], outputs[0]) if self.sums else torch.cat(outputs, dim=-1)


def rows(x, f):
    """fanin's features are the last axis, PyTorch's the second: they are the same for rows."""
    y = f(x.reshape(-1, x.shape[-1]))
    return y.reshape(*x.shape[:-1], y.shape[-1])


class BatchNorm(nn.BatchNorm1d):
    def forward(self, x):
        return rows(x, super().forward)


class GroupNorm(nn.GroupNorm):
    def forward(self, x):
        return rows(x, super().forward)


class PReLU(nn.PReLU):
    def forward(self, x):
        return rows(x, super().forward)


def gated(gate):
    def forward(x):
        a, b = x.chunk(2, dim=-1)
        return a * gate(b)

    return forward


def sine(omega):
    return lambda x: torch.sin(x.double() * omega).to(x.dtype)


# Layers by their names in the description. The function gets what stands behind the name.
PLAIN = {
    "relu": lambda: nn.ReLU(),
    "leaky_relu": lambda slope: nn.LeakyReLU(slope),
    "tanh": lambda: nn.Tanh(),
    "sigmoid": lambda: nn.Sigmoid(),
    "gelu": lambda: nn.GELU(),
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": lambda: nn.SiLU(),
    "elu": lambda alpha: nn.ELU(alpha),
    "selu": lambda: nn.SELU(),
    "softplus": lambda: nn.Softplus(threshold=1e30),
    "softmax": lambda: nn.Softmax(dim=-1),
    "log_softmax": lambda: nn.LogSoftmax(dim=-1),
    "softmin": lambda: nn.Softmin(dim=-1),
    "mish": lambda: nn.Mish(),
    "relu6": lambda: nn.ReLU6(),
    "celu": lambda alpha: nn.CELU(alpha),
    "log_sigmoid": lambda: nn.LogSigmoid(),
    "softplus_with": lambda beta, threshold: nn.Softplus(beta, threshold),
    "softsign": lambda: nn.Softsign(),
    "hardtanh": lambda low, high: nn.Hardtanh(low, high),
    "hardsigmoid": lambda: nn.Hardsigmoid(),
    "hardswish": lambda: nn.Hardswish(),
    "tanhshrink": lambda: nn.Tanhshrink(),
    "softshrink": lambda value: nn.Softshrink(value),
    "hardshrink": lambda value: nn.Hardshrink(value),
    "threshold": lambda threshold, value: nn.Threshold(threshold, value),
    "sine": lambda omega: Function(f"sine({omega})", sine(omega)),
    "rrelu": lambda lower, upper: nn.RReLU(lower, upper),
    "dropout": lambda p: nn.Dropout(p),
    "alpha_dropout": lambda p: nn.AlphaDropout(p),
    "glu": lambda features: nn.GLU(),
    "geglu": lambda features: Function("geglu", gated(F.gelu)),
    "reglu": lambda features: Function("reglu", gated(F.relu)),
    "swiglu": lambda features: Function("swiglu", gated(F.silu)),
    "flatten": lambda: nn.Flatten(),
    "identity": lambda: nn.Identity(),
}


def linear(spec):
    return nn.Linear(spec["inputs"], spec["outputs"], bias=spec.get("bias", True) is not None)


def residual(spec):
    branch, alpha = sequential(spec["branch"]), spec.get("alpha", "one")
    if alpha == "one":
        return Residual(branch)
    [(kind, value)] = alpha.items()
    return Residual(branch, value, learned=kind == "learned")


def batch_norm(spec):
    return BatchNorm(
        spec["features"],
        eps=spec.get("epsilon", 1e-5),
        momentum=spec.get("momentum", 0.1),
        affine=spec.get("affine", True),
        track_running_stats=spec.get("track_running_stats", True),
    )


STRUCTURED = {
    "linear": linear,
    "weight_norm": lambda spec: parametrizations.weight_norm(linear(spec)),
    "spectral_norm": lambda spec: parametrizations.spectral_norm(linear(spec)),
    "residual": residual,
    "parallel": lambda spec: Parallel(
        [sequential(branch) for branch in spec["branches"]], spec.get("join", "concat") == "sum"
    ),
    "sequential": lambda layers: sequential(layers),
    "batch_norm_1d": batch_norm,
    "layer_norm": lambda spec: nn.LayerNorm(
        spec["features"],
        eps=spec.get("epsilon", 1e-5),
        elementwise_affine=spec.get("affine", True),
        bias=spec.get("bias", True),
    ),
    "rms_norm": lambda spec: nn.RMSNorm(
        spec["features"], eps=spec.get("epsilon"), elementwise_affine=spec.get("affine", True)
    ),
    "group_norm": lambda spec: GroupNorm(
        spec["groups"], spec["features"], eps=spec.get("epsilon", 1e-5), affine=spec.get("affine", True)
    ),
    "prelu": lambda spec: PReLU(spec.get("features") or 1, init=spec.get("initial", 0.25)),
    "unflatten": lambda sizes: nn.Unflatten(-1, tuple(sizes)),
}


def layer(spec):
    if isinstance(spec, str):
        name, value = spec, None
    else:
        [(name, value)] = spec.items()
    if name in STRUCTURED:
        return STRUCTURED[name](value)
    if name not in PLAIN:
        raise ValueError(f"fanin_torch does not know the layer {name!r}")
    values = [] if value is None else value if isinstance(value, list) else [value]
    return PLAIN[name](*values)


def sequential(layers):
    modules = OrderedDict()
    for i, spec in enumerate(layers):
        name = str(i)
        if isinstance(spec, dict) and "named" in spec:
            name, spec = spec["named"]["name"], spec["named"]["layer"]
        modules[name] = layer(spec)
    return nn.Sequential(modules)


def build(architecture):
    """A module of the description of a network, a dictionary, with new weights."""
    model = sequential(architecture["layers"])
    model.fanin_architecture = architecture
    return model


def read(path):
    """The tensors of a file, and its metadata."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, file.metadata() or {}


def load(path):
    """The module of a file, in eval mode."""
    tensors, metadata = read(path)
    if ARCHITECTURE not in metadata:
        raise ValueError(f"{path} has no architecture: write it by Writer::architecture, or build the "
                         "module and use load_state_dict")
    if OPTIMIZER in metadata:
        tensors = {k: v for k, v in tensors.items() if not k.startswith("optimizer.")}
    model = build(json.loads(metadata[ARCHITECTURE]))
    model.load_state_dict(tensors)
    return model.eval()


# fanin's names of optimizers, with PyTorch's class, and its names of what they remember.
OPTIMIZERS = {
    "Adam": (torch.optim.Adam, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
    "AdamW": (torch.optim.AdamW, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
    "Sgd": (torch.optim.SGD, ["momentum_buffer"]),
}


def unwrapped(model):
    """The module within DistributedDataParallel."""
    return model.module if hasattr(model, "module") else model


def load_optimizer(path, model, **options):
    """The optimizer of a file, which goes on with the module.

    `options` are those that fanin's optimizer was built with, by PyTorch's names: `weight_decay=0.1`,
    `momentum=0.9`. fanin's defaults are PyTorch's. The learning rate is in the file.
    """
    tensors, metadata = read(path)
    head = json.loads(metadata[OPTIMIZER])
    if head["optimizer"] not in OPTIMIZERS:
        raise ValueError(f"fanin_torch does not know the optimizer {head['optimizer']}")
    make, slots = OPTIMIZERS[head["optimizer"]]
    options.setdefault("lr", head["lr"])
    if make is not torch.optim.SGD and any(name.endswith(".max_exp_avg_sq") for name in tensors):
        options.setdefault("amsgrad", True)
    optimizer = make(model.parameters(), **options)
    for name, param in unwrapped(model).named_parameters():
        if name not in head["steps"]:
            continue
        state = optimizer.state[param]
        if make is not torch.optim.SGD:
            state["step"] = torch.tensor(float(head["steps"][name]))
        for slot in slots:
            if f"optimizer.{name}.{slot}" in tensors:
                state[slot] = tensors[f"optimizer.{name}.{slot}"].to(param.device)
    # SGD has no count of its own. fanin's goes on from here.
    optimizer.fanin_steps = dict(head["steps"])
    return optimizer


def save(path, model, optimizer=None, steps=0):
    """Writes a module that `load` or `build` made, for fanin's `safetensors::Reader`.

    `steps` is how many steps an SGD has made since it was loaded: fanin counts them.
    """
    model = unwrapped(model)
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    metadata = {"format": "pt", ARCHITECTURE: json.dumps(model.fanin_architecture)}
    if optimizer is not None:
        [name] = [name for name, (make, _) in OPTIMIZERS.items() if type(optimizer) is make]
        counts = {}
        before = getattr(optimizer, "fanin_steps", {})
        for path_of, param in model.named_parameters():
            state = optimizer.state.get(param)
            if state is None and path_of not in before:
                continue
            state = state or {}
            count = int(state["step"]) if "step" in state else before.get(path_of, 0) + steps
            counts[path_of] = max(count, 1)
            for slot in OPTIMIZERS[name][1]:
                if state.get(slot) is not None:
                    tensors[f"optimizer.{path_of}.{slot}"] = state[slot].detach().cpu().contiguous()
        head = {"optimizer": name, "lr": optimizer.param_groups[0]["lr"], "steps": counts}
        metadata[OPTIMIZER] = json.dumps(head)
    # Tied tensors would be refused, so that each has memory of its own.
    save_file({k: v.clone() for k, v in tensors.items()}, path, metadata=metadata)
