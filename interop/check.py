#!/usr/bin/env python3
"""Models go to PyTorch, NumPy and ONNX Runtime, come back, and agree: `interop/check.py [networks, 200] [networks|training|imports …]`.

It needs torch, numpy, safetensors, onnx, onnxruntime, and for the imports onnxscript, scikit-learn and skl2onnx:
    python3 -m venv .venv && .venv/bin/pip install torch numpy safetensors onnx onnxruntime onnxscript scikit-learn skl2onnx
The program of fanin's side is crates/interop/examples/trade.rs; TRADE names one that is built already.
"""
import copy
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import safetensors
import torch
from safetensors.numpy import load_file as load_numpy
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fanin_torch  # noqa: E402

warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(3)
TRADE = os.environ.get("TRADE")
STEPS = 10


def trade(*args):
    if TRADE:
        command = [TRADE]
    else:
        command = ["cargo", "run", "-q", "--release", "-p", "fanin-interop", "--example", "trade", "--"]
    done = subprocess.run(command + [str(a) for a in args], cwd=os.path.dirname(HERE), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"trade {' '.join(map(str, args))}: {done.stderr}")
    return done.stdout.strip()


class Table:
    """The worst deviation of each way, relative to the largest output where that is above 1.

    Where a network magnifies rounding, as sin(30 x) does, f32 cannot agree to 1e-6 with itself in f64. There
    the limit is eight times that deviation, which `rounding` says; the comparison in f64 has no such excuse.
    """

    def __init__(self):
        self.worst, self.count = {}, {}

    def add(self, way, ours, theirs, limit, what, rounding=0.0):
        assert ours.shape == theirs.shape, (way, what, ours.shape, theirs.shape)
        both_nan = np.isnan(ours) & np.isnan(theirs)
        scale = max(1.0, float(np.nanmax(np.abs(theirs), initial=0)))
        error = float(np.max(np.where(both_nan, 0, np.abs(ours - theirs)), initial=0)) / scale
        self.count[way] = self.count.get(way, 0) + 1
        limit = max(limit, 8 * rounding / scale)
        worst = self.worst.get(way, (-1, 1, ""))
        if not error / limit <= worst[0] / worst[1]:
            self.worst[way] = (error, limit, what)
        if not error <= limit:
            print(f"FAIL {way}: {what}: {error:.2e}", flush=True)

    def print(self):
        print("| way | cases | worst deviation | limit |\n|---|---|---|---|")
        failed = False
        for way, (error, limit, what) in self.worst.items():
            failed |= not error <= limit
            print(f"| {way} | {self.count[way]} | {error:.1e} ({what}) | {limit:.0e} |")
        return failed


def networks(folder, count, table):
    """Random networks, the first of which have each kind of layer and each activation."""
    trade("write", folder, count, 1)
    for i in range(count):
        at = os.path.join(folder, str(i))
        x, y = np.load(f"{at}.x.npy"), np.load(f"{at}.y.npy")
        model = fanin_torch.load(f"{at}.safetensors")
        what = ", ".join(s if isinstance(s, str) else next(iter(s)) for s in model.fanin_architecture["layers"])
        what = f"{i}: {what}"
        # Every name of PyTorch's is there, and no other.
        tensors = load_numpy(f"{at}.safetensors")
        assert set(tensors) == set(model.state_dict()), (what, set(tensors) ^ set(model.state_dict()))
        y64, x64 = np.load(f"{at}.y64.npy"), torch.from_numpy(x).double()
        with torch.no_grad():
            theirs = model(torch.from_numpy(x)).numpy()
            theirs64 = copy.deepcopy(model).double()(x64).numpy()
        rounding = float(np.nan_to_num(np.abs(theirs - theirs64)).max(initial=0))
        table.add("safetensors to PyTorch, f32", y, theirs, 1e-6, what, rounding)
        table.add("safetensors to PyTorch, f64", y64, theirs64, 1e-6, what)
        arrays = np.load(f"{at}.npz")
        other = fanin_torch.build(model.fanin_architecture).eval()
        other.load_state_dict({k: torch.from_numpy(arrays[k]) for k in arrays.files}, strict=False)
        with torch.no_grad():
            table.add("npz to NumPy and PyTorch, f64", y64, other.double()(x64).numpy(), 1e-6, what)
        onnx.checker.check_model(f"{at}.onnx", full_check=True)
        session = onnxruntime.InferenceSession(f"{at}.onnx")
        [ort] = session.run(None, {"input": x})
        table.add("ONNX Runtime, f32", y, ort, 1e-5, what, rounding)
        # Any batch: the network must not depend on the one that it was written for.
        [one] = session.run(None, {"input": x[:3]})
        assert one.shape[0] == 3
        # Other weights go back.
        torch.manual_seed(i)
        with torch.no_grad():
            for param in model.parameters():
                param += 0.05 * torch.randn_like(param)
        model.train()(torch.from_numpy(np.random.RandomState(i).randn(8, x.shape[1]).astype(np.float32)))
        model.eval()
        state = model.state_dict()
        fanin_torch.save(f"{at}.back.safetensors", model)
        np.savez_compressed(f"{at}.back.npz", **{k: v.numpy() for k, v in state.items()})
        torch.save(state, f"{at}.back.pt")
        with torch.no_grad():
            np.save(f"{at}.back.npy", copy.deepcopy(model).double()(x64).numpy())
    trade("read", folder, count)
    for i in range(count):
        at = os.path.join(folder, str(i))
        theirs = np.load(f"{at}.back.npy")
        for way, name in [("safetensors", "safetensors"), ("npz", "npz"), ("pt", "pt")]:
            table.add(f"{way} back to fanin, f64", np.load(f"{at}.{name}.npy"), theirs, 1e-6, f"{i}")


def imports(folder, table):
    """MLPs that PyTorch and scikit-learn export."""
    rng = np.random.RandomState(0)
    x = rng.randn(6, 5).astype(np.float32)
    np.save(os.path.join(folder, "in.npy"), x)
    activations = [nn.ReLU(), nn.LeakyReLU(0.2), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.GELU(approximate="tanh"),
                   nn.SiLU(), nn.ELU(), nn.SELU(), nn.Softplus(), nn.Softmax(dim=-1), nn.LogSoftmax(dim=-1),
                   nn.Mish(), nn.ReLU6(), nn.CELU(), nn.LogSigmoid(), nn.Softsign(), nn.Hardtanh(-0.5, 0.7),
                   nn.Hardsigmoid(), nn.Hardswish(), nn.Tanhshrink(), nn.Softshrink(), nn.Hardshrink(),
                   nn.Threshold(0.1, 0.5), nn.Softmin(dim=-1), nn.RMSNorm(4), nn.PReLU(4), nn.GLU(), nn.Dropout(0.3), nn.Identity(), nn.BatchNorm1d(4), nn.LayerNorm(4),
                   nn.Flatten()]
    cases = []
    for i, activation in enumerate(activations):
        torch.manual_seed(i)
        width = 2 if isinstance(activation, nn.GLU) else 4
        model = nn.Sequential(nn.Linear(5, 4), activation, nn.Linear(width, 3, bias=i % 2 == 0))
        model(torch.from_numpy(x))     # moves the statistics
        cases.append((type(activation).__name__, model.eval()))
    for name, model in cases:
        y = model(torch.from_numpy(x)).detach().numpy()
        for exporter in ["torch.onnx.export, TorchScript", "torch.onnx.export, dynamo"]:
            file = os.path.join(folder, "model.onnx")
            dynamo = exporter.endswith("dynamo")
            options = dict(external_data=False, verbose=False) if dynamo else dict(opset_version=17)
            try:
                torch.onnx.export(model, (torch.from_numpy(x),), file, dynamo=dynamo, **options)
            except Exception as error:
                print(f"{exporter} cannot export {name}: {type(error).__name__}")
                continue
            check_import(folder, file, y, exporter, name, table)
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from skl2onnx import to_onnx

    data = rng.rand(120, 5).astype(np.float32)
    for activation in ["relu", "tanh", "logistic", "identity"]:
        for classes in [2, 3, 0]:
            target = data[:, 0] + data[:, 1] ** 2
            options = dict(hidden_layer_sizes=(7, 4), activation=activation, max_iter=30, random_state=0)
            file = os.path.join(folder, "model.onnx")
            if classes:
                model = MLPClassifier(**options).fit(data, (target * classes / 2.01).astype(int) % classes)
                y, extra = model.predict_proba(x), {"options": {id(model): {"zipmap": False}}}
            else:
                model, extra = MLPRegressor(**options).fit(data, target), {}
                y = model.predict(x).reshape(-1, 1)
            with open(file, "wb") as out:
                out.write(to_onnx(model, x[:1], **extra).SerializeToString())
            name = f"{type(model).__name__} {activation} {classes}"
            check_import(folder, file, y.astype(np.float32), "skl2onnx", name, table)


def check_import(folder, file, y, way, name, table):
    try:
        trade("import", file, os.path.join(folder, "in.npy"), os.path.join(folder, "out.npy"))
    except SystemExit as error:
        print(f"FAIL {way}: {name}: {error}")
        table.worst[f"{way} import"] = (float("inf"), 1e-5, name)
        return
    table.add(f"{way} import", np.load(os.path.join(folder, "out.npy")), y, 1e-5, name)


OPTIMIZERS = {
    "adam": {}, "adamw": {"weight_decay": 0.1}, "amsgrad": {"amsgrad": True}, "sgd": {},
    "momentum": {"momentum": 0.9, "weight_decay": 1e-3}, "nesterov": {"momentum": 0.9, "nesterov": True},
}


def go_on(folder, name, step=lambda model, x, y: None):
    """STEPS steps in PyTorch from what fanin trained; the losses, and a file to go back with."""
    device = "cuda" if torch.cuda.is_available() and not os.environ.get("RANK") else "cpu"
    file = os.path.join(folder, "trained.safetensors")
    model = fanin_torch.load(file).to(device).train()
    optimizer = fanin_torch.load_optimizer(file, model, **OPTIMIZERS[name])
    data, losses = np.load(os.path.join(folder, "data.npz")), []
    for i in range(STEPS, 2 * STEPS):
        x, y = (torch.from_numpy(data[f"{k}{i}"]).to(device) for k in "xy")
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    fanin_torch.save(os.path.join(folder, "back.safetensors"), model, optimizer, steps=STEPS)
    return losses


def training(folder, table):
    """fanin, PyTorch, fanin: one curve."""
    for name in OPTIMIZERS:
        own = os.path.join(folder, name)
        os.mkdir(own)
        curve = [float(line) for line in trade("train", own, name).split()]
        theirs = go_on(own, name)
        table.add("training goes on in PyTorch", np.array(curve[:STEPS]), np.array(theirs), 1e-4, name)
        back = [float(line) for line in trade("resume", own, name).split()]
        table.add("training goes on in fanin", np.array(back), np.array(curve[STEPS:]), 1e-4, name)
    # Two processes, each with half of every batch.
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29517",
         os.path.join(HERE, "ddp.py"), folder],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""})
    if done.returncode:
        sys.exit(f"torchrun: {done.stderr[-3000:]}")
    for name, (one, two) in json.loads(done.stdout.strip().splitlines()[-1]).items():
        table.add("DistributedDataParallel, two processes", np.array(two), np.array(one), 1e-4, name)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"torch {torch.__version__}, numpy {np.__version__}, safetensors {safetensors.__version__}, "
          f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}", flush=True)
    table = Table()
    parts = sys.argv[2:] or ["networks", "training", "imports"]
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            if part == "networks":
                networks(folder, count, table)
            else:
                {"training": training, "imports": imports}[part](folder, table)
    if table.print():
        sys.exit("some deviate")


if __name__ == "__main__":
    main()
