"""Every element type of ONNX through every conversion: test_types.py NNCC.

Sources of 16 bits and less give all of their values, others edges and random ones. What is expected
follows from the values of a format alone: the nearest one, of two the one with an even code."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NNCC = str(Path(sys.argv[1]).resolve())

FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
          "float8_e5m2fnuz", "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn"]  # fmt: skip
SMALL = [name for name in FLOATS if name[5] in "468" and name[6] == "_"]
POWERS = "float8_e8m0fnu"
INTEGERS = ["int2", "uint2", "int4", "uint4", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
PACKED = ("int2", "uint2", "int4", "uint4", "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn")
ALL = [*FLOATS, POWERS, *INTEGERS, "bool"]
COMPLEX = ["complex64", "complex128"]


def dtype(name):
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def onnx_type(name):
    return helper.np_dtype_to_tensor_dtype(dtype(name))


def bits(name):
    width = {"4": 4, "6": 6}.get(name[5]) if name in SMALL else int(name[-1]) if name in PACKED else None
    return width or dtype(name).itemsize * 8


def all_values(name):
    """Every value of a type of 16 bits or less."""
    if name == "bool":
        return np.array([False, True])
    codes = np.arange(2 ** bits(name), dtype=np.uint16 if bits(name) == 16 else np.uint8)
    if name in ("int2", "int4"):
        sign = np.uint8(1 << (bits(name) - 1))
        codes = (codes ^ sign) - sign
    return codes.view(dtype(name))


def values(name):
    if bits(name) <= 16:
        return all_values(name)
    rng = np.random.default_rng(7)
    if name.startswith("float"):
        kind = dtype(name)
        near = [all_values(target).astype(np.float64) for target in [*SMALL, "float16", "bfloat16", "int16"]]
        near = np.concatenate([x[::37] if x.size > 256 else x for x in near])
        near = near[np.isfinite(near)]
        middle = (np.sort(near)[1:] + np.sort(near)[:-1]) / 2  # ties
        edges = np.concatenate([near, middle, 2.0 ** np.arange(-160, 129)]).astype(kind)
        edges = np.concatenate([edges, np.nextafter(edges, kind.type(np.inf)), np.nextafter(edges, kind.type(-np.inf))])
        random = rng.standard_normal(3000).astype(kind) * kind.type(2) ** rng.integers(-30, 30, 3000).astype(kind)
        return np.concatenate([edges, random, [kind.type(np.nan), np.inf, -np.inf, 0, -0.0, 1e38, -1e38]]).astype(kind)
    info = np.iinfo(name)
    edges = [info.min, info.max, info.min + 1, info.max - 1, 0, 1, 2, 255, 256, 2**24 + 1, 2**25 + 3]
    return np.concatenate([np.array(edges, name), rng.integers(info.min, info.max, 3000, dtype=name),
                           rng.integers(0, 70000, 3000).astype(name)])  # fmt: skip


def nearest(x, name):
    """`x` (float64) in a float format of 16 bits or less; infinite where it overflows."""
    table = all_values(name)
    numbers = table.astype(np.float64)
    finite = np.isfinite(numbers)
    codes = np.arange(len(table))[finite]
    order = np.argsort(numbers[finite], kind="stable")
    numbers, codes = numbers[finite][order], codes[order]
    numbers, first = np.unique(numbers, return_index=True)
    codes = codes[first]
    step = numbers[-1] - numbers[-2]
    with np.errstate(invalid="ignore"):
        place = np.clip(np.searchsorted(numbers, x), 1, len(numbers) - 1)
        low, high = numbers[place - 1], numbers[place]
        result = np.where(x - low < high - x, low, high)
        even = np.where(codes[place - 1] % 2 == 0, low, high)
        result = np.where(x - low == high - x, even, result)
        largest = numbers[-1]
        # Half a step beyond the largest number, its odd code decides.
        is_even = codes[-1] % 2 == 0
        over = np.abs(x) > largest + step / 2 if is_even else np.abs(x) >= largest + step / 2
        result = np.where(over, np.sign(x) * np.inf, np.where(np.abs(x) > largest, np.sign(x) * largest, result))
    return np.where(np.isnan(x), np.nan, result)


def cast(x, source, target, saturate=True):
    """What is expected, as float64 or integers, and where ONNX says so."""
    known = np.ones(x.shape, bool)
    if target == "bool":
        return x.astype(np.float64) != 0, known
    if source in INTEGERS + ["bool"] and target in INTEGERS:
        wide = x.astype(np.int64) if source != "uint64" else x
        width = bits(target)
        low = wide.astype(np.uint64) & np.uint64(2**width - 1 if width < 64 else 2**64 - 1)
        if target.startswith("u"):
            return low.astype(np.uint64), known
        shift = np.uint64(64 - width)
        return (low << shift).view(np.int64) >> np.int64(64 - width), known
    if source in ("int64", "uint64") and target in ("float32", "float64"):
        return x.astype(target).astype(np.float64), known
    real = x.astype(np.float64)
    if target in INTEGERS:
        with np.errstate(invalid="ignore"):
            whole = np.trunc(real)
            width = bits(target)
            limits = (0, 2.0**width) if target.startswith("u") else (-(2.0 ** (width - 1)), 2.0 ** (width - 1))
            known = (whole >= limits[0]) & (whole < limits[1])
            return np.where(known, whole, 0).astype(np.uint64 if target == "uint64" else np.int64), known
    if target in ("float32", "float64"):
        with np.errstate(over="ignore"):
            return real.astype(target).astype(np.float64), known
    expected = nearest(real, target)
    if target in SMALL:
        has_nan = target.startswith("float8")
        largest = float(ml_dtypes.finfo(dtype(target)).max)
        if saturate or not has_nan:
            expected = np.clip(expected, -largest, largest)
        elif target != "float8_e5m2":
            expected = np.where(np.isinf(expected), np.nan, expected)
        if not has_nan:
            known = ~np.isnan(real)
    return expected, known


def power(x, round_mode, saturate):
    """Code of float8e8m0 for float64, and where ONNX says so."""
    x = np.asarray(x, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction, exponent = np.frexp(np.where(np.isfinite(x), x, 1))  # x = fraction 2^exponent
        down = exponent - 1
        if round_mode == "up":
            found = np.where(fraction > 0.5, down + 1, down)
        elif round_mode == "nearest":
            found = np.where(fraction >= 0.75, down + 1, down)
        else:
            found = down
        code = found + 127
        if saturate:
            code = np.where(np.isposinf(x) | (code > 254), 254, np.maximum(code, 0))
            code = np.where(x == 0, 0, code)
        else:
            code = np.where((x < 2.0**-127) | np.isposinf(x) | (code > 254), 255, code)
    return np.where(np.isnan(x), 255, code).astype(np.uint8), ~(x < 0) & ~((x == 0) & np.signbit(x))


class Types(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_model(self, nodes, inputs, outputs, constants=(), opset=28, extra=()):
        """Inputs: {name: array}, outputs: {name: type}. The results, by name."""
        infos = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
                 for name, value in inputs.items()]  # fmt: skip
        results = [helper.make_tensor_value_info(name, onnx_type(kind), None) for name, kind in outputs.items()]
        graph = helper.make_graph(nodes, "g", infos, results, list(constants))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=14)
        onnx.save(model, self.folder / "m.onnx")
        (self.folder / "in").mkdir(exist_ok=True)
        for i, (name, value) in enumerate(inputs.items()):
            (self.folder / f"in/input_{i}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
        command = [NNCC, "run", "m.onnx", "--inputs", "in", "--outputs", "out", *extra]
        run = subprocess.run(command, cwd=self.folder, timeout=600, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        found = {}
        for i, name in enumerate(outputs):
            proto = TensorProto()
            proto.ParseFromString((self.folder / f"out/output_{i}.pb").read_bytes())
            found[name] = numpy_helper.to_array(proto)
        return found

    def check(self, found, expected, known, what):
        if found.dtype.kind not in "iub" or found.dtype in map(dtype, ("int2", "uint2", "int4", "uint4")):
            found = found.astype(np.int64 if "int" in found.dtype.name else np.float64)
        same = (found == expected) | ((found != found) & (expected != expected)) | ~known
        if not same.all():
            at = np.flatnonzero(~same)[0]
            self.fail(f"{what}: element {at} is {found[at]}, expected {expected[at]}; {np.sum(~same)} differ")

    def test_casts(self):
        for source in ALL:
            with self.subTest(source):
                x = values(source)
                nodes, outputs, checks = [], {}, {}

                def add(name, target, **rules):
                    nodes.append(helper.make_node("Cast", ["x"], [name], to=onnx_type(target), **rules))
                    outputs[name] = target

                for target in ALL:
                    if target in (POWERS, source):
                        continue
                    for saturate in (1, 0) if target.startswith("float8") else (1,):
                        name = f"{target}_{saturate}"
                        add(name, target, **({} if saturate else {"saturate": 0}))
                        checks[name] = cast(x, source, target, saturate)
                if source != POWERS:
                    for mode in ("up", "down", "nearest"):
                        for saturate in (1, 0):
                            name = f"{mode}_{saturate}"
                            add(name, POWERS, round_mode=mode, saturate=saturate)
                            single = x if source == "float64" else x.astype(np.float32)
                            checks[name] = power(single.astype(np.float64), mode, saturate)
                found = self.run_model(nodes, {"x": x}, outputs)
                for name, (expected, known) in checks.items():
                    got = found[name].view(np.uint8) if outputs[name] == POWERS else found[name]
                    self.check(got, expected, known, f"{source} to {name}")

    def test_open_size(self):
        """Elements of less than a byte in a model of any size: packed and unpacked at its borders."""
        for kind in PACKED:
            x = helper.make_tensor_value_info("x", onnx_type(kind), ["n", 3])
            y = helper.make_tensor_value_info("y", onnx_type(kind), [3, "n"])
            z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 3])
            nodes = [helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT),
                     helper.make_node("Transpose", ["z"], ["t"], perm=[1, 0]),
                     helper.make_node("Cast", ["t"], ["y"], to=onnx_type(kind))]  # fmt: skip
            graph = helper.make_graph(nodes, "g", [x], [y, z])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 28)], ir_version=14)
            onnx.save(model, self.folder / "m.onnx")
            subprocess.run([NNCC, "m.onnx", "-o", "m.so"], cwd=self.folder, check=True, timeout=120)
            for n in (1, 2, 3, 5, 67):
                x = np.resize(all_values(kind), (n, 3))
                (self.folder / "in").mkdir(exist_ok=True)
                (self.folder / "in/input_0.pb").write_bytes(numpy_helper.from_array(x, "x").SerializeToString())
                run = [NNCC, "run", "m.so", "--inputs", "in", "--outputs", "out"]
                subprocess.run(run, cwd=self.folder, check=True, timeout=60)
                for i, want in enumerate((x.T, x.astype(np.float32))):
                    proto = TensorProto()
                    proto.ParseFromString((self.folder / f"out/output_{i}.pb").read_bytes())
                    np.testing.assert_array_equal(numpy_helper.to_array(proto).astype(np.float64),
                                                  want.astype(np.float64), f"{kind} {n}")  # fmt: skip

    def test_quantize(self):
        rng = np.random.default_rng(3)
        x = (rng.standard_normal((4, 37)) * 9).astype(np.float32)
        scales = {"one": np.float32(0.37), "axis": rng.uniform(0.1, 2, 37).astype(np.float32),
                  "block": rng.uniform(0.1, 2, (4, 8)).astype(np.float32)}  # fmt: skip
        constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in scales.items()]
        nodes, outputs, checks = [], {}, {}
        for kind in [*SMALL, *INTEGERS[:8]]:
            for name, scale in scales.items():
                wide = np.repeat(scale, 5, 1)[:, :37] if name == "block" else scale
                rules = {"output_dtype": onnx_type(kind)} | ({"block_size": 5} if name == "block" else {})
                q, d = f"q_{kind}_{name}", f"d_{kind}_{name}"
                nodes.append(helper.make_node("QuantizeLinear", ["x", name], [q], **rules))
                nodes.append(helper.make_node("DequantizeLinear", [q, name], [d],
                                              **({"block_size": 5} if name == "block" else {})))  # fmt: skip
                outputs |= {q: kind, d: "float32"}
                quotient = x / wide
                if kind in SMALL:
                    number = cast(quotient, "float32", kind)[0]
                else:
                    limit = ml_dtypes.iinfo(dtype(kind))
                    number = np.clip(np.rint(quotient), int(limit.min), int(limit.max)).astype(np.float64)
                checks[q] = number
                checks[d] = (number.astype(np.float32) * wide).astype(np.float64)
        found = self.run_model(nodes, {"x": x}, outputs, constants)
        for name, expected in checks.items():
            self.check(found[name].ravel(), expected.ravel(), np.ones(expected.size, bool), name)

    def test_moves(self):
        """Operators that move elements keep every bit of them."""
        for kind in ALL + COMPLEX:
            if kind.startswith("float6"):
                continue  # only casts and quantization take these
            with self.subTest(kind):
                rng = np.random.default_rng(5)
                if kind in COMPLEX:
                    x = (rng.standard_normal((3, 5)) + 1j * rng.standard_normal((3, 5))).astype(kind)
                else:
                    x = np.resize(values(kind)[:: max(1, values(kind).size // 15)], (3, 5))
                constants = [numpy_helper.from_array(x[::-1].copy(), "c"),
                             numpy_helper.from_array(np.array([5, 3], np.int64), "shape"),
                             numpy_helper.from_array(np.array([0, 1, 1, 0], np.int64), "pads"),
                             numpy_helper.from_array(np.array([2, 0], np.int64), "rows"),
                             numpy_helper.from_array(x[0, 0], "value")]  # fmt: skip
                rows = [("Transpose", ["x"], x.T), ("Reshape", ["x", "shape"], x.reshape(5, 3)),
                        ("Identity", ["c"], x[::-1]),
                        ("Pad", ["x", "pads", "value"], np.pad(x, ((0, 1), (1, 0)), constant_values=x[0, 0]))]  # fmt: skip
                small = kind in SMALL or kind in PACKED or kind == POWERS
                if not small:
                    rows += [("Concat", ["x", "c"], np.concatenate([x, x[::-1]])), ("Gather", ["x", "rows"], x[[2, 0]]),
                             ("Tile", ["x", "rows2"], np.tile(x, (2, 1)))]  # fmt: skip
                    constants.append(numpy_helper.from_array(np.array([2, 1], np.int64), "rows2"))
                nodes = [helper.make_node(op, names, [f"y{i}"], **({"axis": 0} if op == "Concat" else {}))
                         for i, (op, names, _) in enumerate(rows)]  # fmt: skip
                found = self.run_model(nodes, {"x": x}, {f"y{i}": kind for i in range(len(rows))}, constants)
                for i, (op, _, want) in enumerate(rows):
                    got = found[f"y{i}"]
                    self.assertEqual(got.shape, want.shape, op)
                    if kind in PACKED:  # onnx leaves the bits above open
                        got, want = got.astype(np.float64), want.astype(np.float64)
                    self.assertEqual(got.tobytes(), np.ascontiguousarray(want).tobytes(), op)


unittest.main(argv=sys.argv[:1] + sys.argv[2:], warnings="ignore")  # NumPy's, of NaN that are cast
