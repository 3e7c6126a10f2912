#!/usr/bin/env python3
"""Writes the first inputs of every fuzz target to corpus/: `fuzz/seeds.py`. Python 3 alone is needed."""
import gzip, json, os, struct, zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def put(target, name, data):
    folder = os.path.join(HERE, "corpus", target)
    os.makedirs(folder, exist_ok=True)
    data = data.encode() if isinstance(data, str) else data
    assert len(data) < 1024, (target, name)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def u64(n):
    return struct.pack("<Q", n)


def entry(path, shape, values):
    path = path.encode()
    head = u64(len(path)) + path + u64(len(shape)) + b"".join(map(u64, shape))
    return head + b"".join(struct.pack("<f", v) for v in values)


def idx(kind, shape, data):
    return bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape) + data


parts = [entry("0.weight", [2, 3], [0.5] * 6), entry("0.bias", [2], [1, 2]), entry("2.weight", [1, 2], [3, 4])]
put("checkpoint", "whole", b"\x02" + u64(3) + b"".join(parts))
put("checkpoint", "other", b"\x02" + u64(1) + entry("w", [2], [1, 2]))
put("checkpoint", "rank", b"\x02" + u64(1) + u64(0) + u64(1 << 40))
put("checkpoint", "double", b"\x01" + u64(0))
put("checkpoint", "header", b"\x00\x8ffanin\n\0\x01\0\0\0f32\0" + bytes(16))

linear = {"linear": {"inputs": 3, "outputs": 2, "weight": "he_normal", "bias": None}}
scheme = {"linear": {"inputs": 2, "outputs": 2, "weight": {"initializer": "orthogonal", "gain": 2}, "bias": "zeros"}}
small = ["relu", {"leaky_relu": 0.2}, {"elu": 1.5}, {"dropout": 0.5}, "softmax", "gelu_tanh"]
residual = {"residual": {"branch": ["tanh", {"linear": {"inputs": 2, "outputs": 2}}], "alpha": {"learned": 0.5}}}
parallel = {"parallel": {"branches": [[], [linear, "relu"], [{"rms_norm": {"features": 3}}]]}}
norms = [{"batch_norm_1d": {"features": 2, "momentum": None}}, {"layer_norm": {"features": 2, "bias": False}},
         {"group_norm": {"groups": 2, "features": 2}}, {"rms_norm": {"features": 2, "epsilon": 0.1}}]
wrapped = [{"named": {"name": "a", "layer": {"weight_norm": {"inputs": 3, "outputs": 2}}}},
           {"spectral_norm": {"inputs": 2, "outputs": 2}}, {"unflatten": [1, 2]}, "flatten", "identity"]
for name, layers in [("linear", [linear]), ("parallel", [parallel]), ("norms", norms), ("wrapped", wrapped), ("scheme", [scheme]), ("small", small), ("residual", [residual]),
                     ("deep", [{"residual": {"branch": [residual], "alpha": {"scaled": 0.25}}}]),
                     ("large", [{"linear": {"inputs": 0, "outputs": 1000000000000000}}])]:
    put("network", name, json.dumps({"layers": layers}))
put("network_binary", "small", bytes([3, 3, 3, 3]))
put("network_binary", "nested", bytes([1] + [1, 1] * 8 + [3] + [0] * 8))
text = b"he_normal"
put("network_binary", "linear", bytes([1, 0, 3, 2, len(text)]) + text + bytes([0]))
put("network_binary", "claim", bytes([253]) + u64(1 << 60))

for i, text in enumerate([
    "kaiming_normal(mode=fan_out, nonlinearity=leaky_relu(0.2))", "xavier_uniform_(gain=1.5)",
    "trunc_normal(mean=0, std=0.02, a=-2, b=2)", "truncated_normal(stddev=0.1)", "orthogonal(gain=sqrt(2))",
    "edge_of_chaos(activation=tanh, sigma_b=0.3)", "log_prior([1, 2, 3])", "sparse(sparsity=0.5)", "auto",
    "variance_scaling(scale=2, mode='fan_avg', distribution=\"uniform\")", "siren(omega=30)", "constant(0.5)",
    "uniform(-1, 1)", "identity", "dirac", "lecun_normal", "small_init", "mimetic", "fixup(2, 3)",
    "nguyen_widrow", "random_walk(10)", "looks_linear(orthogonal)", "depth_scaled(12)", "idinit(0.1)",
]):
    put("scheme_text", f"{i:02}", text)
for i, value in enumerate([
    "zeros", {"initializer": "normal", "std": 0.1}, {"law": "uniform", "low": -1, "high": 1},
    {"initializer": "log_prior", "counts": [1, 2]}, {"initializer": "kaiming_uniform", "nonlinearity": "leaky_relu(0.2)"},
    {"initializers": [{"weights": "auto"}, {"biases": "zeros"}, {"named": ["2.*", "zeros"]}], "seed": 42},
]):
    put("scheme_json", str(i), json.dumps(value))

tensor = {"v": 1, "dim": [2, 1], "data": [1.0, -0.5]}
state = {"optimizer": "Adam", "lr": 0.1, "params": [{"path": "weight", "steps": 3, "slots": [["m", tensor], ["v", tensor]]}]}
spec = {"fan_in": 3, "fan_out": 2, "kind": "Weight", "name": "w", "activation": None}
put("states", "tensor", b"\x00" + json.dumps(tensor).encode())
put("states", "tensor64", b"\x02" + json.dumps(tensor).encode())
put("states", "binary", b"\x01\x01\x02\x02\x01\x02" + struct.pack("<2f", 1, 2))
put("states", "adam", b"\x0a" + json.dumps(state).encode())
put("states", "spec", b"\x08" + json.dumps(spec).encode())

epoch = {"number": 1, "steps": 3, "samples": 96, "loss": 0.5, "valid_loss": 0.75, "metrics": {"accuracy": 0.8}, "rate": 0.1, "seconds": 1.5}
put("history", "two", json.dumps({"epochs": [epoch, {**epoch, "number": 2, "valid_loss": None, "loss": None}], "stopped": "Early", "best_epoch": 1}))
for name, lines, runs in [("whole", 4, []), ("again", 4, [0, 1]), ("missing", 2, [2]), ("claim", 1, [1 << 60])]:
    texts = [json.dumps({"run": run, "seconds": 1.5, "text": str(run)}).encode() for run in runs]
    put("journal", name, bytes([lines]) + b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts) + b"torn")
put("history", "none", json.dumps({"epochs": [], "stopped": "Finished", "best_epoch": None}))

for name, kind, shape, data in [("u8", 8, [2, 3], bytes(6)), ("i8", 9, [1], b"\xff"), ("i16", 11, [2], bytes(4)),
                                ("i32", 12, [1, 1], bytes(4)), ("f32", 13, [1], b"\xbf\x80\0\0"),
                                ("f64", 14, [1], bytes(8)), ("none", 8, [0, 28, 28], b""),
                                ("claim", 8, [1 << 20, 1 << 20], b"1234"), ("swapped", 8, [0x03000000], b"abc")]:
    put("idx", name, idx(kind, shape, data))
plain = idx(8, [2, 3], b"abcdef")
packed = gzip.compress(plain, mtime=0)
put("idx_gzip", "stream", b"\x00" + packed[3:])
put("idx_gzip", "whole", bytes([64 + len(plain)]) + plain)
put("idx_gzip", "padding", bytes([64 + len(plain)]) + plain + bytes(40))
put("idx_gzip", "line", bytes([64 + len(plain)]) + plain + b"\n")
put("idx_gzip", "members", bytes([64 + 7]) + plain[:7] + gzip.compress(plain[7:], mtime=0) + bytes(3))

images, labels = idx(8, [2, 1, 3], b"abcdef"), idx(8, [2], b"\1\0")
# libFuzzer's splitter takes lengths from the end.
put("images", "pair", images + labels + b"\x0a")
put("images", "bytes", images + gzip.compress(labels, mtime=0) + b"\x0a")
for i, (how, text) in enumerate([
    (0, "a,b,c\n1,x,\n-2.5e3, y ,4\nNA,\"x, \"\"1\"\"\",?\n"), (1, "a;b\r\n1;x\r\n\r\n2;y\r\n"),
    (2, "1,2\n3\n"), (6, "1999,2000\n1,2\n"), (0, "5.1,setosa\n4.9,virginica\n"), (0, "a\n1\n\"open\n2\n"),
    (0, "\ufeffa,a\n1,2\n"), (0, ",\n,\n"), (0, "a\n1\n1e999\n"), (2, "a\rb\rc\r"),
]):
    put("csv", f"{i}", bytes([how]) + text.encode())
put("csv", "latin", b"\0a\n\xe9\n")
put("csv", "gzip", b"\0" + gzip.compress(b"a,b\n1,x\n2,y\n", mtime=0))

name = u64(1) + b"a"
scale = struct.pack("<dd", 2, 3)
put("pipeline", "number", u64(1) + name + struct.pack("<I", 0) + b"\0" + scale + struct.pack("<I", 0))
category = u64(2) + u64(1) + b"x" + u64(1) + b"y" + b"\1" + u64(1) + b"x" + struct.pack("<II", 0, 1)
put("pipeline", "category", u64(1) + name + struct.pack("<I", 1) + category + struct.pack("<I", 2) + name + u64(1) + name)
put("pipeline", "target", u64(1) + name + struct.pack("<I", 0) + b"\1" + scale[:8] + scale + struct.pack("<I", 1) + u64(1) + name + scale)
put("pipeline", "claim", u64(1 << 60))
put("pipeline", "text", u64(1) + u64(1 << 23) + b"abc")

put("table", "rows", struct.pack("<6f", 1, 2, 3, 4, 5, 6) + bytes(8))
put("table", "nan", struct.pack("<4f", 1, float("nan"), 3, 4) + bytes(range(16)))


def corpus_of(target, data, mode=b""):
    """What a library wrote, from the golden files of crates/interop."""
    put(target, data.split(".")[0], mode + open(os.path.join(HERE, "../crates/interop/golden", data), "rb").read())


head = json.dumps({"0.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                   "0.bias": {"dtype": "F16", "shape": [2], "data_offsets": [24, 28]}})
put("safetensors", "sealed", b"\x01" + head.encode() + b"\0" + bytes(28))
put("safetensors", "network", b"\x01" + json.dumps({"__metadata__": {"fanin.architecture": '{"layers":["relu"]}'}}).encode() + b"\0")
put("safetensors", "optimizer", b"\x01" + json.dumps({
    "__metadata__": {"fanin.optimizer": '{"optimizer":"Adam","lr":0.1,"steps":{"0.bias":3}}'},
    "optimizer.0.bias.exp_avg": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "optimizer.0.bias.exp_avg_sq": {"dtype": "F64", "shape": [2], "data_offsets": [8, 24]}}).encode() + b"\0" + bytes(24))
for name, text in [("f4", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"),
                   ("f8", "{'descr': '>f8', 'fortran_order': True, 'shape': (3,), }"),
                   ("claim", "{'descr': '<f2', 'fortran_order': False, 'shape': (99999999999, 9999999), }")]:
    put("npz", name, b"\x01\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n" + bytes(24))
for name in ["small_npz.npz", "small_deflated.npz"]:
    corpus_of("npz", name, b"\0")
for name in ["small_state.pkl", "small_state5.pkl"]:
    corpus_of("pt", name, b"\1")
for name in ["small_gemm.onnx", "small_matmul.onnx", "small_gelu.onnx"]:
    corpus_of("onnx", name)
