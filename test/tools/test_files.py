"""Every format and type goes through a run unchanged; broken files are errors, not crashes."""

import subprocess
import zipfile

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper, TensorProto
from support import ECHO, NNCC, ToolTest, main

KINDS = """float32 float64 float16 bfloat16 float8_e4m3fn float8_e5m2 int8 int16 int32 int64 uint8
uint16 uint32 uint64 bool complex64 complex128 int4 uint4 float8_e4m3fnuz
float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn float6_e2m3fn float6_e3m2fn int2 uint2""".split()
PACKED = ("int4", "uint4", "int2", "uint2", "float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn")
ONNX_TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "float8_e4m3fn": "FLOAT8E4M3FN",
              "float8_e5m2": "FLOAT8E5M2", "float8_e4m3fnuz": "FLOAT8E4M3FNUZ",
              "float8_e5m2fnuz": "FLOAT8E5M2FNUZ", "float8_e8m0fnu": "FLOAT8E8M0", "float4_e2m1fn": "FLOAT4E2M1",
              "float6_e2m3fn": "FLOAT6E2M3", "float6_e3m2fn": "FLOAT6E3M2"}  # fmt: skip


def dtype(kind: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, kind, None) or kind)


def values(kind: str) -> np.ndarray:
    table = np.array([[0, 1, 2], [3, 5, 7]])
    if kind in ("bool",):
        return table % 2 == 1
    if kind.startswith("complex"):
        return (table - 2.5j * table).astype(kind)
    if kind[0] in "bf" or kind.startswith("int"):
        table = table - 4
    return table.astype(dtype(kind))


def all_inputs() -> dict[str, np.ndarray]:
    inputs = {
        "open": np.arange(10, dtype=np.float32).reshape(2, 5),
        "scalar": np.array(-7, dtype=np.int64),
        "empty": np.zeros((0, 3), np.float32),
    }
    return inputs | {kind: values(kind) for kind in KINDS}


def same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    if b.dtype.name in PACKED and a.dtype != b.dtype:  # ours go out as int8 and uint8
        b = b.astype("i1") if b.dtype.name.startswith("int") else b.view("u1")
    return a.shape == b.shape and a.tobytes() == b.tobytes()


class Formats(ToolTest):
    def check_npz(self, path, inputs):
        with np.load(path) as found:
            self.assertEqual(set(found.files), set(inputs))
            for name, value in inputs.items():
                self.assertTrue(same_bytes(found[name], value), name)

    def test_npz(self):
        inputs = all_inputs()
        for save in (np.savez, np.savez_compressed):
            save(self.folder / "in.npz", **inputs)
            self.nncc("run", ECHO, "--inputs", "in.npz", "--output", "out.npz")
            self.check_npz(self.folder / "out.npz", inputs)
        # what we write is a zip archive for others, and for ourselves
        self.assertIsNone(zipfile.ZipFile(self.folder / "out.npz").testzip())
        self.nncc("run", ECHO, "--inputs", "out.npz", "--output", "again.npz")
        self.check_npz(self.folder / "again.npz", inputs)

    def test_npy_folder(self):
        inputs = all_inputs()
        for name, value in inputs.items():
            np.save(self.folder / f"{name}.npy", value)
        self.nncc("run", ECHO, "--inputs", ".", "--outputs", "out")
        for name, value in inputs.items():
            self.assertTrue(same_bytes(np.load(self.folder / "out" / f"{name}.npy"), value), name)

    def test_npy_layouts(self):
        inputs = all_inputs()
        inputs["open"] = np.asfortranarray(inputs["open"])
        for kind in ("float64", "int32", "complex64"):
            inputs[kind] = inputs[kind].astype(inputs[kind].dtype.newbyteorder(">"))
        np.savez(self.folder / "in.npz", **inputs)
        self.nncc("run", ECHO, "--inputs", "in.npz", "--output", "out.npz")
        self.check_npz(self.folder / "out.npz", all_inputs())

    def write_pb(self, raw: bool):
        for index, (name, value) in enumerate(all_inputs().items()):
            if raw:
                tensor = numpy_helper.from_array(value, name)
            else:
                kind = getattr(TensorProto, ONNX_TYPES.get(name, name.upper()), TensorProto.FLOAT)
                kind = TensorProto.INT64 if name == "scalar" else kind
                flat = value.flatten()
                flat = flat.astype(np.float32) if value.dtype.kind == "V" else flat
                tensor = onnx.helper.make_tensor(name, kind, value.shape, flat.tolist())
            (self.folder / f"input_{index}.pb").write_bytes(tensor.SerializeToString())

    def test_pb(self):
        for raw in (True, False):
            self.write_pb(raw)
            self.nncc("run", ECHO, "--inputs", ".", "--outputs", "out")
            for index, (name, value) in enumerate(all_inputs().items()):
                tensor = onnx.load_tensor(self.folder / "out" / f"output_{index}.pb")
                self.assertEqual(tensor.name, name)
                found = numpy_helper.to_array(tensor)
                self.assertEqual(found.dtype, value.dtype, name)
                self.assertTrue(same_bytes(found, value), f"{name}, raw {raw}")


class Broken(ToolTest):
    """No damage to a file ends in a signal, and none that changes the meaning passes."""

    def run_on(self, name: str, data: bytes) -> int:
        (self.folder / name).write_bytes(data)
        command = [NNCC, "run", ECHO, "--random", "--input", f"float32=@{name}"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=self.folder)
        self.assertIn(run.returncode, (0, 1, 3), run.stderr)
        self.assertEqual(run.returncode == 0, "nncc: error:" not in run.stderr, run.stderr)
        return run.returncode

    def damage(self, name: str, data: bytes, step: int):
        self.assertEqual(self.run_on(name, data), 0)
        for size in range(0, len(data), step):
            self.assertNotEqual(self.run_on(name, data[:size]), 0, f"{name}: {size} bytes")
        for at in range(0, len(data), step):
            for value in (0x00, 0xFF, 0x7F):
                self.run_on(name, data[:at] + bytes([value]) + data[at + 1 :])

    def test_npy(self):
        np.save(self.folder / "x.npy", values("float32"))
        self.damage("x.npy", (self.folder / "x.npy").read_bytes(), 9)

    def test_npz(self):
        for save in (np.savez, np.savez_compressed):
            save(self.folder / "x.npz", float32=values("float32"))
            self.damage("x.npz", (self.folder / "x.npz").read_bytes(), 23)

    def test_pb(self):
        tensor = numpy_helper.from_array(values("float32"), "x")
        self.damage("x.pb", tensor.SerializeToString(), 3)

    def test_lies(self):
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }\n"
        for shape in ("9223372036854775807, 9223372036854775807", "4611686018427387904, 4", "-2, 3"):
            text = (header % shape).encode()
            data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
            self.assertNotEqual(self.run_on("x.npy", data), 0, shape)
        tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[1 << 40, 1 << 20])
        self.assertNotEqual(self.run_on("x.pb", tensor.SerializeToString()), 0)


main()
