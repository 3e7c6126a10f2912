"""The predictions of ONNX Runtime, from a graph of Gemm and activation nodes, with io-binding."""

import itertools

import numpy
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import common
from common import measure


def make_model(net, rows):
    """The network as the bytes of an ONNX model: `Gemm(h, W, b)` with W `(out, in)`, and between
    two of them the activation."""
    random = numpy.random.default_rng(0)
    nodes, weights, h = [], [], "x"
    last = len(net.sizes) - 2
    for i, (inputs, outputs) in enumerate(itertools.pairwise(net.sizes)):
        bound = inputs**-0.5
        for name, shape in [("w", (outputs, inputs)), ("b", (outputs,))]:
            values = random.uniform(-bound, bound, shape).astype(numpy.float32)
            weights.append(numpy_helper.from_array(values, f"{name}{i}"))
        out = "y" if i == last else f"z{i}"
        nodes.append(helper.make_node("Gemm", [h, f"w{i}", f"b{i}"], [out], transB=1))
        if i < last:
            nodes.append(helper.make_node("Tanh" if net.tanh else "Relu", [out], [f"h{i}"]))
            h = f"h{i}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, net.sizes[0]])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, net.sizes[-1]])
    graph = helper.make_graph(nodes, "network", [x], [y], weights)
    # Of the model format and operator set, the ones that have all that this graph needs.
    operators = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=operators, ir_version=8)
    return model.SerializeToString()


def predict(what, rows, net, options):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(make_model(net, rows), settings,
                                           providers=["CPUExecutionProvider"])
    x = onnxruntime.OrtValue.ortvalue_from_numpy(net.inputs(rows))
    y = onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros((rows, net.sizes[-1]), numpy.float32))
    # Input and output stay where they are: a call neither copies nor allocates them.
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    timing = measure(options.seconds, lambda: session.run_with_iobinding(binding))
    common.report("onnxruntime", what, net.text, options.threads, timing)


def main():
    options = common.options()
    for net in options.net:
        for what, rows in [("one", 1), ("many", 1024)]:
            if what in options.what:
                predict(what, rows, net, options)


main()
