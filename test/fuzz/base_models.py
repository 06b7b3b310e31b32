"""Small valid models with many kinds of operators: what the fuzz tests break."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper, parser

RNG = np.random.default_rng(1)


def weight(name, *shape):
    return numpy_helper.from_array(RNG.standard_normal(shape).astype(np.float32), name)


def integers(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def value(name, shape, element_type=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element_type, shape)


def model(nodes, inputs, outputs, initializers=(), opset=17, **fields):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    imports = [helper.make_opsetid("", opset)]
    for function in fields.get("functions", ()):
        imports.append(helper.make_opsetid(function.domain, 1))
    return helper.make_model(graph, opset_imports=imports, ir_version=8, **fields)


def cnn():
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w0", "b0"], ["c0"], "conv0", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c0", "s", "t", "m", "v"], ["n0"], "norm0", epsilon=1e-5),
        node("Relu", ["n0"], ["r0"], "relu0"),
        node("MaxPool", ["r0"], ["p0"], "pool0", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p0", "w1"], ["c1"], "conv1", kernel_shape=[3, 3], group=8, auto_pad="SAME_UPPER"),
        node("Clip", ["c1", "zero", "six"], ["k1"], "clip1"),
        node("GlobalAveragePool", ["k1"], ["g"], "mean"),
        node("Flatten", ["g"], ["f"], "flat", axis=1),
        node("Gemm", ["f", "w2", "b2"], ["y"], "fc", transB=1),
    ]
    initializers = [weight("w0", 8, 3, 3, 3), weight("b0", 8), weight("w1", 8, 1, 3, 3)]
    initializers += [weight(name, 8) for name in ("s", "t", "m", "v")]
    initializers += [weight("w2", 10, 8), weight("b2", 10)]
    initializers += [numpy_helper.from_array(np.float32(x), n) for x, n in ((0, "zero"), (6, "six"))]
    return model(nodes, [value("x", [1, 3, 8, 8])], [value("y", [1, 10])], initializers)


def attention():
    node = helper.make_node
    nodes = [
        node("LayerNormalization", ["x", "ls", "lb"], ["n"], "norm", axis=-1),
        node("MatMul", ["n", "wq"], ["q"], "query"),
        node("MatMul", ["n", "wk"], ["k"], "key"),
        node("Shape", ["q"], ["shape"], "shape"),
        node("Gather", ["shape", "one"], ["seq"], "seq", axis=0),
        node("Unsqueeze", ["seq", "axis0"], ["seq1"], "seq1"),
        node("Concat", ["minus1", "seq1", "heads"], ["to"], "to", axis=0),
        node("Reshape", ["q", "to"], ["q4"], "split_q"),
        node("Reshape", ["k", "to"], ["k4"], "split_k"),
        node("Transpose", ["k4"], ["kt"], "turn_k", perm=[0, 2, 1]),
        node("MatMul", ["q4", "kt"], ["s"], "scores"),
        node("Softmax", ["s"], ["p"], "softmax", axis=-1),
        node("ReduceMean", ["p"], ["r"], "mean", axes=[-1], keepdims=0),
        node("Slice", ["r", "starts", "ends", "axes", "steps"], ["y"], "slice"),
    ]
    initializers = [weight("ls", 16), weight("lb", 16), weight("wq", 16, 16), weight("wk", 16, 16)]
    initializers += [numpy_helper.from_array(np.array(1), "one"), integers("axis0", 0)]
    initializers += [integers("minus1", -1), integers("heads", 16), integers("starts", 0)]
    initializers += [integers("ends", 3), integers("axes", 1), integers("steps", 1)]
    return model(nodes, [value("x", [1, 4, 16])], [value("y", [1, 3])], initializers)


def control():
    """Subgraphs, a function of the model's own, recurrent and quantized operators."""
    node = helper.make_node
    then = helper.make_graph([node("Relu", ["h"], ["a"])], "then", [], [value("a", None)])
    other = helper.make_graph([node("Twice", ["h"], ["b"], domain="local")], "else", [],
                              [value("b", None)])
    twice = helper.make_function("local", "Twice", ["u"], ["v"], [node("Add", ["u", "u"], ["v"])],
                                 [helper.make_opsetid("", 17)])
    nodes = [
        node("GRU", ["x", "wi", "wr"], ["hs", "hl"], "gru", hidden_size=4),
        node("Squeeze", ["hl", "axis0"], ["h"], "squeeze"),
        node("If", ["flag"], ["c"], "if", then_branch=then, else_branch=other),
        node("QuantizeLinear", ["c", "scale", "zero"], ["q"], "quantize"),
        node("DequantizeLinear", ["q", "scale", "zero"], ["d"], "dequantize"),
        node("Cast", ["d"], ["y"], "cast", to=TensorProto.FLOAT16),
    ]
    initializers = [weight("wi", 1, 12, 5), weight("wr", 1, 12, 4), integers("axis0", 0)]
    initializers += [numpy_helper.from_array(np.float32(0.1), "scale")]
    initializers += [numpy_helper.from_array(np.uint8(128), "zero")]
    inputs = [value("x", [6, 2, 5]), value("flag", [], TensorProto.BOOL)]
    return model(nodes, inputs, [value("y", [2, 4], TensorProto.FLOAT16)], initializers,
                 functions=[twice])


def moves():
    """Operators that move, select, convert and reduce; what they take is in initializers."""
    node = helper.make_node
    nodes = [
        node("Pad", ["x", "pads", "fill"], ["p"], "pad", mode="constant"),
        node("Resize", ["p", "", "", "sizes"], ["r"], "resize", mode="linear",
             coordinate_transformation_mode="half_pixel"),
        node("ConvTranspose", ["r", "w"], ["c"], "up", strides=[2, 2], output_padding=[1, 1]),
        node("Split", ["c", "parts"], ["c0", "c1"], "split", axis=1),
        node("Concat", ["c1", "c0"], ["j"], "join", axis=1),
        node("Greater", ["j", "half"], ["big"], "greater"),
        node("Where", ["big", "j", "half"], ["s"], "where"),
        node("Expand", ["s", "shape"], ["e"], "expand"),
        node("Tile", ["e", "repeats"], ["t"], "tile"),
        node("ReduceSum", ["t", "axes"], ["u"], "sum", keepdims=0),
        node("Cast", ["u"], ["n"], "cast", to=TensorProto.INT32),
        node("Gather", ["n", "rows"], ["g"], "gather", axis=1),
        node("DepthToSpace", ["c"], ["z"], "blocks", blocksize=2),
        node("AveragePool", ["z"], ["y"], "pool", kernel_shape=[3, 3], strides=[2, 2],
             count_include_pad=1, pads=[1, 1, 1, 1]),
        node("CumSum", ["g", "last"], ["k"], "running"),
    ]
    initializers = [weight("w", 2, 4, 3, 3), integers("pads", 0, 0, 1, 1, 0, 0, 2, 2)]
    initializers += [integers("sizes", 1, 2, 5, 6), integers("parts", 1, 3)]
    initializers += [integers("shape", 2, 4, 1, 1), integers("repeats", 1, 2, 1, 1)]
    initializers += [integers("axes", 2, 3), integers("rows", 0, -1, 3), integers("last", 1)]
    initializers += [numpy_helper.from_array(np.float32(x), n) for x, n in ((0.5, "half"), (0, "fill"))]
    outputs = [value("y", None), value("k", None, TensorProto.INT32)]
    return model(nodes, [value("x", [1, 2, 4, 4])], outputs, initializers)


def flow():
    """A branch and loops that a run decides, sizes that it computes."""
    graph = """g (float[3, n] x, bool flag, int64 count, int64[2] shape, float limit)
        => (float[a, n] y, float[b, 3, n] all, float[c, d] z, float[3, n] w) <float[2, 3] v = {1, 2, 3, 4, 5, 6}> {
      h = MatMul(v, x)
      y = If(flag) <then_branch = t () => (float[p, q] p) { p = Concat<axis = 0>(h, x) },
                    else_branch = e () => (float[r, s] r) { r = Relu(h) }>
      last, all = Loop(count, flag, x) <body = l (int64 i, bool go, float[3, m] s) => (bool on, float[3, m] next, float[3, m] e) {
        f = Cast<to = 1>(i)  next = Add(s, f)  e = Mul(next, x)
        top = ReduceMax<keepdims = 0>(e)  on = Less(top, limit) }>
      z = Reshape(last, shape)
      start = Constant<value_floats = [0.0, 0.0, 0.0]>()
      sum, w = Scan<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],
                    body = b (float[3] s, float[3] c) => (float[3] r, float[3] o) { r = Add(s, c)  o = Tanh(r) }>(start, x) }"""
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}')


ALL = {"cnn": cnn, "attention": attention, "moves": moves, "control": control, "flow": flow}
