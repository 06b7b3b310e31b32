"""Weights of few bits that products read as they are: against the same product in float64, and how many bytes
the library keeps of them."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from support import NNCC, ToolTest, main

sys.path.insert(0, str(Path(NNCC).resolve().parent.parent / "lib" / "python"))
import nncc  # noqa: E402

RANGES = {"INT4": (-8, 7), "UINT4": (0, 15), "INT8": (-128, 127), "UINT8": (0, 255)}
rng = np.random.default_rng(5)


def tensor(name, dtype, values):
    return helper.make_tensor(name, getattr(TensorProto, dtype), values.shape, values.flatten().tolist())


class PackedWeights(ToolTest):
    def compile(self, nodes, constants, rows, depth, columns, *options, domains=()):
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])]
        graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
        imports = [helper.make_opsetid("", 21)] + [helper.make_opsetid(domain, 1) for domain in domains]
        onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), str(self.folder / "m.onnx"))
        self.builds = getattr(self, "builds", 0) + 1  # a name of its own: loaders keep what they have loaded
        self.library = self.folder / f"m{self.builds}.so"
        return json.loads(self.nncc("--json", "m.onnx", "-o", self.library, *options))

    def check(self, weights, depth, rows=(1, 3, 8, 40)):
        for threads in (1, 2):
            model = nncc.Model(self.library, threads=threads)
            for count in rows:
                x = rng.standard_normal((count, depth)).astype(np.float32)
                want = x.astype(np.float64) @ weights
                found = model.run({"x": x})
                found = next(iter(found.values())) if isinstance(found, dict) else found[0]
                np.testing.assert_allclose(found, want, rtol=1e-4, atol=2e-6 * np.abs(want).max())

    def dequantized(self, dtype, depth, columns, block=0, per_column=True, transposed=False, zero=True):
        """DequantizeLinear -> MatMul, or Gemm of the transposed matrix; -> the bytes of weights."""
        low, high = RANGES[dtype]
        shape = (columns, depth) if transposed else (depth, columns)
        axis = int(transposed)  # of the depth
        codes = rng.integers(low, high + 1, shape)
        parameters = {"axis": axis, "block_size": block} if block else {"axis": 1 - axis}
        if block:
            size = tuple(-(-n // block) if i == axis else n for i, n in enumerate(shape))
        else:
            size = (columns,) if per_column else ()
        scale = rng.uniform(0.01, 0.1, size).astype(np.float32)
        zeros = rng.integers(low, high + 1, size) if zero else np.zeros(size, int)

        def spread(values):
            if block:
                return np.repeat(values, block, axis).take(range(depth), axis)
            return values[:, None] if per_column and transposed else values

        weights = (codes - spread(zeros)) * spread(scale.astype(np.float64))
        constants = [tensor("q", dtype, codes), numpy_helper.from_array(scale, "s")]
        constants += [tensor("z", dtype, zeros)] if zero else []
        product = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
        nodes = [
            helper.make_node("DequantizeLinear", ["q", "s"] + ["z"] * zero, ["w"], **parameters),
            product if transposed else helper.make_node("MatMul", ["x", "w"], ["y"]),
        ]
        report = self.compile(nodes, constants, "rows", depth, columns)
        self.check(weights.T if transposed else weights, depth)
        return report["weights_bytes"]

    def test_blocks(self):
        for dtype in RANGES:
            for depth, columns, block in ((64, 48, 32), (96, 33, 16), (128, 5, 128)):
                for transposed in (False, True):
                    for zero in (False, True):
                        with self.subTest(dtype=dtype, depth=depth, transposed=transposed, zero=zero):
                            self.dequantized(dtype, depth, columns, block, transposed=transposed, zero=zero)

    def test_columns_and_matrix(self):
        for dtype in RANGES:
            for per_column in (False, True):
                for transposed in (False, True):
                    with self.subTest(dtype=dtype, per_column=per_column, transposed=transposed):
                        self.dequantized(dtype, 70, 40, per_column=per_column, transposed=transposed)

    def test_bytes(self):
        """Codes, and a scale and zero point per column and block; not floats."""
        for dtype, bits in (("INT4", 4), ("UINT8", 8)):
            panels, blocks = 512 // 16, 512 // 64
            expected = panels * blocks * (64 + 16 + 64 * 16 * bits // 8)
            self.assertLess(self.dequantized(dtype, 512, 512, 64), expected + 4096)

    def test_what_is_left_to_floats(self):
        """An odd number of rows of 4 bits, blocks that the rows do not fill, a scale per row."""
        self.dequantized("INT4", 63, 20)
        self.dequantized("INT8", 72, 20, block=32)
        self.dequantized("INT4", 60, 20, block=3)
        codes, scale = rng.integers(-128, 128, (32, 20)), rng.uniform(0.01, 0.1, 32).astype(np.float32)
        nodes = [
            helper.make_node("DequantizeLinear", ["q", "s"], ["w"], axis=0),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
        ]
        self.compile(nodes, [tensor("q", "INT8", codes), numpy_helper.from_array(scale, "s")], "rows", 32, 20)
        self.check(codes * scale.astype(np.float64)[:, None], 32)

    def contrib(self, depth, columns, block, bits=4, zero=False, bias=False, **changes):
        """MatMulNBits; -> its node, its constants, the weights that it stands for."""
        blocks = -(-depth // block)
        codes = rng.integers(0, 1 << bits, (columns, blocks, block))
        zeros = rng.integers(0, 1 << bits, (columns, blocks)) if zero else np.full((columns, blocks), 1 << (bits - 1))
        scale = rng.uniform(0.01, 0.1, (columns, blocks)).astype(np.float32)
        values = (codes - zeros[:, :, None]) * scale.astype(np.float64)[:, :, None]

        def pack(values):
            if bits == 8:
                return values.astype(np.uint8)
            if values.shape[-1] % 2:
                values = np.concatenate([values, np.zeros_like(values[..., :1])], -1)
            return (values[..., ::2] | values[..., 1::2] << 4).astype(np.uint8)

        constants = {"B": pack(codes), "scales": scale}
        if zero:
            constants["zero_points"] = pack(zeros).reshape(-1)
        constants |= changes.pop("constants", {})
        if bias:
            constants["bias"] = rng.standard_normal(columns).astype(np.float32)
        names = ["x", "B", "scales", "zero_points" * zero, changes.pop("order", ""), "bias" * bias]
        while not names[-1]:
            names.pop()
        attributes = dict(K=depth, N=columns, bits=bits, block_size=block, domain="com.microsoft") | changes
        attributes |= attributes.pop("attributes", {})
        node = helper.make_node("MatMulNBits", names, ["y"], name="product", **attributes)
        constants = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        return node, constants, values.reshape(columns, -1)[:, :depth].T

    def test_contrib(self):
        for bits in (4, 8):
            for depth, columns, block in ((64, 32, 32), (96, 33, 16), (80, 7, 32), (33, 20, 16)):
                for zero in (False, True):
                    with self.subTest(bits=bits, depth=depth, zero=zero):
                        node, constants, weights = self.contrib(depth, columns, block, bits, zero)
                        self.compile([node], constants, "rows", depth, columns, domains=["com.microsoft"])
                        self.check(weights, depth)

    def test_contrib_bias(self):
        node, constants, weights = self.contrib(64, 20, 32, bias=True)
        self.compile([node], constants, 1, 64, 20, domains=["com.microsoft"])
        model = nncc.Model(self.library)
        x = rng.standard_normal((1, 64)).astype(np.float32)
        found = model.run({"x": x})
        found = next(iter(found.values())) if isinstance(found, dict) else found[0]
        bias = next(numpy_helper.to_array(c) for c in constants if c.name == "bias")
        np.testing.assert_allclose(found, x @ weights + bias, rtol=1e-4, atol=1e-5)

    def refuse(self, code, error, **changes):
        node, constants, _ = self.contrib(64, 32, 32, **changes)
        graph = helper.make_graph(
            [node],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
            constants,
        )
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), str(self.folder / "m.onnx"))
        self.nncc("m.onnx", "-o", "m.so", code=code, error=error)

    def test_errors(self):
        self.refuse(2, "block_size is 24, expected a power of 2, at least 16", block_size=24)
        self.refuse(2, "block_size is 8, expected a power of 2, at least 16", block_size=8)
        self.refuse(2, "B has 1024 elements, expected 1536", N=48)
        self.refuse(3, "bits is 2, only 4 and 8 are supported", attributes={"bits": 2})
        self.refuse(2, "K and N are 64 and -1, expected positive sizes", N=-1)
        self.refuse(2, "scales has 3 elements, expected 64", constants={"scales": np.ones(3, np.float32)})
        self.refuse(2, "expected an input A of 128 elements in its last dim", K=128)
        self.refuse(3, "g_idx, an order of the rows, is not supported", order="g",
                    constants={"g": np.zeros(64, np.int32)})  # fmt: skip
        self.refuse(3, "zero_points are floats, only uint8 is supported", zero=True,
                    constants={"zero_points": np.zeros(64, np.float32)})  # fmt: skip

    def test_bf16(self):
        weights = (rng.standard_normal((200, 100)) / 14).astype(np.float32)
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
        constants = [numpy_helper.from_array(weights, "w")]
        whole = self.compile([node], constants, "rows", 200, 100)
        half = self.compile([node], constants, "rows", 200, 100, "--weight-type=bf16")
        self.assertLess(half["weights_bytes"], 0.51 * whole["weights_bytes"])
        bits = weights.view(np.uint32)
        rounded = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
        self.check(rounded.astype(np.float64), 200)


if __name__ == "__main__":
    main()
