"""Writes the golden files of crates/interop with the real libraries: `python golden/generate.py`.

It needs torch, numpy, safetensors, onnx, onnxscript and skl2onnx. `versions.txt` says which ones wrote them.
Each file holds the network of `fn network` in tests/golden.rs, with values that a formula gives: element k of
tensor number n is ((37 n + 11 k) mod 41 - 20) / 64, which every float type of the files holds exactly.
"""
import os
import sys
import warnings
import zipfile

import numpy as np
import onnx
import safetensors
import skl2onnx
import sklearn
import torch
from safetensors.torch import save_file
from torch import nn

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


def value(n, shape):
    count = int(np.prod(shape, dtype=np.int64))
    flat = [((37 * n + 11 * k) % 41 - 20) / 64 for k in range(count)]
    return torch.tensor(flat, dtype=torch.float32).reshape(tuple(shape))


def network():
    model = nn.Sequential(
        nn.Linear(3, 4),
        nn.BatchNorm1d(4),
        nn.Tanh(),
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)),
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)),
    )
    state = model.state_dict()
    for n, (name, tensor) in enumerate(sorted(state.items())):
        if tensor.is_floating_point():
            tensor.copy_(value(n, tensor.shape))
        else:
            tensor.fill_(7)
    return model, state


def main():
    model, state = network()
    with open(path("versions.txt"), "w") as f:
        print(f"python {sys.version.split()[0]}, torch {torch.__version__}, numpy {np.__version__}, "
              f"safetensors {safetensors.__version__}, onnx {onnx.__version__}, "
              f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}", file=f)
        print("names: " + " ".join(sorted(state)), file=f)
    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(contiguous, path("f32.safetensors"), metadata={"format": "pt"})
    for name, dtype in [("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64)]:
        cast = {k: v.to(dtype) if v.is_floating_point() else v for k, v in contiguous.items()}
        save_file(cast, path(f"{name}.safetensors"))
    arrays = {k: v.numpy() for k, v in contiguous.items()}
    np.savez(path("f4.npz"), **arrays)
    np.savez_compressed(path("deflated.npz"), **arrays)
    odd = {}
    for i, (k, v) in enumerate(arrays.items()):
        kinds = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
        odd[k] = v.astype(kinds[i % 6]) if v.dtype.kind == "f" else v
        if v.ndim == 2 and i % 2:
            odd[k] = np.asfortranarray(odd[k])
    np.savez(path("orders.npz"), **odd)
    torch.save(state, path("state.pt"))
    torch.save({"model": state, "epoch": 3, "lr": 0.1, "name": "x", "list": [1, None, True]},
               path("checkpoint.pt"))
    # Views of one storage, transposed, with an offset and with a stride of 0.
    base = torch.arange(24, dtype=torch.float32)
    views = {
        "plain": base[:6].reshape(2, 3),
        "offset": base[5:11].reshape(2, 3),
        "transposed": base[12:18].reshape(3, 2).t(),
        "stepped": base[1:24:4],
        "expanded": base[20:21].expand(2, 3),
        "number": base[7],
        "half": base[:4].half(),
        "bfloat": base[:4].bfloat16(),
        "double": base[:4].double(),
        "long": torch.arange(4),
    }
    torch.save(views, path("views.pt"))
    torch.save(views, path("views5.pt"), pickle_protocol=5)
    torch.save(nn.Linear(2, 1), path("whole_model.pt"))
    torch.save({"a": torch.zeros(2)}, path("legacy.pt"), _use_new_zipfile_serialization=False)

    types()

    # First inputs for the fuzz targets: less than 1 KiB each.
    tiny = {"0.weight": value(1, (2, 3)).numpy(), "0.bias": value(0, (2,)).numpy()}
    np.savez(path("small_npz.npz"), **tiny)
    np.savez_compressed(path("small_deflated.npz"), **tiny)
    layer = nn.Sequential(nn.Linear(3, 2))
    for name, protocol in [("small_state", 2), ("small_state5", 5)]:
        torch.save(layer.state_dict(), path("a.pt"), pickle_protocol=protocol)
        with zipfile.ZipFile(path("a.pt")) as archive, open(path(f"{name}.pkl"), "wb") as f:
            f.write(archive.read("a/data.pkl"))
        os.remove(path("a.pt"))

    class Evil:
        def __reduce__(self):
            return os.system, ("echo executed",)

    torch.save({"a": Evil()}, path("evil.pt"))
    onnx_files()


def types():
    """An array of every element type: 0, 1, 2 and 100, and -3 where there is a sign."""
    def numbers(signed):
        return [0, 1, 2, 100] + [-3] * signed

    codes = [order + code for code in ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"] for order in "<>"]
    arrays = {("le_" if code[0] == "<" else "be_") + code[1:]: np.array(numbers(code[1] != "u"), dtype=code) for code in codes}
    np.savez(path("types.npz"), **arrays)
    kinds = {"i8": torch.int8, "u8": torch.uint8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64,
             "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}
    tensors = {name: torch.tensor(numbers(name != "u8"), dtype=dtype) for name, dtype in kinds.items()}
    torch.save(tensors, path("types.pt"))
    # Offsets beyond a byte and beyond 65,535, which a pickle writes as integers of its other lengths. The storage
    # is nearly all zeros, and the test makes it.
    base = torch.zeros(70_001, dtype=torch.uint8)
    base[[300, 301, 35_000, 69_999, 70_000]] = torch.arange(1, 6, dtype=torch.uint8)
    torch.save({"middle": base[300:302], "far": base[69_999:], "wide": base[:70_001:35_000]}, path("a.pt"))
    with zipfile.ZipFile(path("a.pt")) as archive, open(path("far.pkl"), "wb") as f:
        f.write(archive.read("a/data.pkl"))
    os.remove(path("a.pt"))
    torch.save({"step": 2**40, "model": {"a": torch.arange(2.0)}}, path("long.pt"))


def onnx_files():
    """MLPs as PyTorch and scikit-learn export them. Each has its input and output beside it."""
    def fill(model):
        for n, tensor in enumerate(model.state_dict().values()):
            if tensor.is_floating_point():
                tensor.copy_(value(n, tensor.shape).abs() if tensor.min() > 0 else value(n, tensor.shape))
        return model.eval()

    mlp = fill(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 4),
                             nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2), nn.Softmax(dim=-1)))
    x = value(3, (5, 3))
    np.save(path("mlp.x.npy"), x.numpy())
    np.save(path("mlp.y.npy"), mlp(x).detach().numpy())
    torch.onnx.export(mlp, (x,), path("mlp_old.onnx"), dynamo=False, opset_version=17,
                      input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}})
    torch.onnx.export(mlp, (x,), path("mlp_dynamo.onnx"), dynamo=True, external_data=False, verbose=False)
    for name, layers in [("gemm", [nn.Linear(3, 2)]), ("gelu", [nn.Linear(3, 2), nn.GELU()])]:
        torch.onnx.export(fill(nn.Sequential(*layers)), (x,), path(f"small_{name}.onnx"), dynamo=False,
                          opset_version=17)
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    rng = np.random.RandomState(0)
    data = rng.rand(60, 3).astype(np.float32)
    np.save(path("skl.x.npy"), data[:5])
    for name, target in [("two", data[:, 0] > 0.5), ("three", (data[:, 0] * 3).astype(int))]:
        model = MLPClassifier(hidden_layer_sizes=(4,), max_iter=50, random_state=0).fit(data, target)
        options = {id(model): {"zipmap": False}}
        with open(path(f"skl_{name}.onnx"), "wb") as f:
            f.write(to_onnx(model, data[:1], options=options).SerializeToString())
        np.save(path(f"skl_{name}.y.npy"), model.predict_proba(data[:5]).astype(np.float32))
    model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=50, random_state=0).fit(data, data[:, 1])
    with open(path("skl_regressor.onnx"), "wb") as f:
        f.write(to_onnx(model, data[:1]).SerializeToString())
    np.save(path("skl_regressor.y.npy"), model.predict(data[:5]).reshape(-1, 1).astype(np.float32))
    small = MLPRegressor(hidden_layer_sizes=(2,), max_iter=20, random_state=0).fit(data, data[:, 1])
    with open(path("small_matmul.onnx"), "wb") as f:
        f.write(to_onnx(small, data[:1]).SerializeToString())


if __name__ == "__main__":
    main()
