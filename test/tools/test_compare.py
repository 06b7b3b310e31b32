"""nncc compare: metrics, rules, references of every kind, layers."""

import json
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from support import ECHO, MLP, ToolTest, main

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

USAGE, DIFFERS = 1, 4
X = np.random.default_rng(0).standard_normal((2, 4)).astype("float32")


def model(nodes, outputs, weights=()):
    def info(name, type=TensorProto.FLOAT, shape=(2, 4)):
        return helper.make_tensor_value_info(name, type, shape)

    graph = helper.make_graph(nodes, "g", [info("x")], [info(*output) for output in outputs],
                              [numpy_helper.from_array(w, n) for n, w in weights])  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class CompareTest(ToolTest):
    def setUp(self):
        super().setUp()
        nodes = [helper.make_node("Relu", ["x"], ["r"], name="relu"),
                 helper.make_node("Exp", ["r"], ["e"], name="exp"),
                 helper.make_node("Greater", ["x", "r"], ["g"], name="greater"),
                 helper.make_node("Neg", ["e"], ["y"], name="neg")]  # fmt: skip
        onnx.save(model(nodes, [["y"], ["g", TensorProto.BOOL]]), self.folder / "m.onnx")
        np.save(self.folder / "x.npy", X)
        r = np.maximum(X, 0)
        self.values = {"x": X, "r": r, "e": np.exp(r), "g": X > r, "y": -np.exp(r)}


class Compare(CompareTest):
    def compare(self, *options, code=0, error=None, **values):
        np.savez(self.folder / "reference.npz", **{**self.values, **values})
        text = self.nncc("compare", "m.onnx", "--reference=reference.npz", "--json", *options,
                         code=code, error=error)  # fmt: skip
        return json.loads(text)

    def test_agrees(self):
        report = self.compare()
        self.assertTrue(report["agrees"])
        rows = {row["name"]: row for row in report["outputs"]}
        self.assertEqual(list(rows), ["y", "g"])
        self.assertEqual((rows["y"]["elements"], rows["y"]["shape"]), (8, [2, 4]))
        self.assertLess(rows["y"]["share"], 0.1)
        self.assertGreater(rows["y"]["sqnr_db"], 100)
        self.assertEqual((rows["g"]["max_abs"], rows["g"]["sqnr_db"]), (0, None))
        self.assertNotIn("worst", rows["g"])

    def test_metrics(self):
        wrong = self.values["y"].copy()
        wrong[1, 2] += 0.5
        report = self.compare(y=wrong, code=DIFFERS, error="1 of 2 outputs differ")
        row = report["outputs"][0]
        self.assertEqual((row["name"], row["agrees"], row["worst"]["index"]), ("y", False, [1, 2]))
        self.assertAlmostEqual(row["max_abs"], 0.5, places=5)
        self.assertAlmostEqual(row["max_rel"], 0.5 / abs(wrong[1, 2]), places=4)
        limit = 1e-4 * abs(wrong[1, 2]) + 1e-5 * np.abs(wrong).max()
        self.assertAlmostEqual(row["share"] * limit, 0.5, places=4)
        self.assertAlmostEqual(row["sqnr_db"], 10 * np.log10((wrong**2).sum() / 0.25), places=3)
        self.assertAlmostEqual(row["worst"]["expected"], wrong[1, 2], places=5)
        self.compare("--rtol=0.9", y=wrong)
        self.compare("--atol=0.5", y=wrong)
        self.compare("--rtol=0", "--atol=0", code=DIFFERS, y=self.values["y"] * np.float32(1 + 1e-6))

    def test_exact_types(self):
        wrong = self.values["g"].copy()
        wrong[0, 0] ^= True
        report = self.compare("--rtol=9", "--atol=9", g=wrong, code=DIFFERS)
        self.assertEqual(report["first_different"], "g")

    def test_special_values(self):
        x = np.array([[np.nan, 1, -1, 90], [0, 0, 0, 0]], "float32")
        np.save(self.folder / "x.npy", x)
        r = np.maximum(x, 0)
        with np.errstate(over="ignore"):
            values = {"r": r, "g": x > r, "y": -np.exp(r)}
        self.compare("--input=@x.npy", **values)
        values["y"][0, 0] = 1
        report = self.compare("--input=@x.npy", **values, code=DIFFERS)
        self.assertEqual(report["outputs"][0]["max_abs"], None)

    def test_other_types_and_shapes(self):
        self.compare(y=self.values["y"].astype("float64"))
        report = self.compare(y=self.values["y"][:1], code=DIFFERS)
        self.assertIn("the reference is float32[1, 4]", report["outputs"][0]["problem"])
        self.compare(y=self.values["y"].astype("int32"), code=DIFFERS)

    def test_layers(self):
        report = self.compare("--layers")
        self.assertEqual({row["name"] for row in report["outputs"]}, {"r", "e", "y", "g"})
        wrong = dict(e=self.values["e"] + 1, y=self.values["y"] * 9)
        report = self.compare("--layers", **wrong, code=DIFFERS, error="'e' of Exp 'exp'")
        self.assertEqual(report["first_different"], "e")
        self.assertEqual([row["name"] for row in report["outputs"]][:2], ["y", "e"], "worst first")
        self.assertEqual(report["outputs"][0]["operator"], "Neg")

    def test_text(self):
        np.savez(self.folder / "reference.npz", **{**self.values, "y": self.values["y"] + 1})
        text = self.nncc("compare", "m.onnx", "--reference=reference.npz", code=DIFFERS)
        self.assertIn("y (Neg 'neg'): ", text)
        self.assertIn(", expected ", text)

    def test_folders(self):
        folder = self.folder / "numpy"
        folder.mkdir()
        for name in ("x", "y", "g"):
            np.save(folder / f"{name}.npy", self.values[name])
        self.nncc("compare", "m.onnx", "--reference=numpy")
        folder = self.folder / "protobuf"
        folder.mkdir()
        for file, name in (("input_0", "x"), ("output_0", "y"), ("output_1", "g")):
            (folder / f"{file}.pb").write_bytes(
                numpy_helper.from_array(self.values[name]).SerializeToString())  # fmt: skip
        self.nncc("compare", "m.onnx", "--reference=protobuf")
        self.nncc("m.onnx", "-o", "m.so")
        self.nncc("compare", "m.so", "--reference=protobuf", "--threads=1")
        (folder / "output_1.pb").unlink()
        self.nncc("compare", "m.onnx", "--reference=protobuf", code=USAGE, error="holds no 'g'")

    def test_usage(self):
        (self.folder / "empty").mkdir()
        for arguments, error in (
            (["m.onnx"], "--reference"),
            (["m.onnx", "--reference=nowhere"], "nowhere"),
            (["m.onnx", "--reference=ort", "--rtol=-1"], "--rtol"),
            (["m.onnx", "--reference=ort", "--threads=-1"], "--threads"),
            ([ECHO, "--reference=ort"], "needs the .onnx"),
            ([ECHO, "--reference=.", "--layers"], "needs the .onnx"),
            ([MLP, "--reference=empty"], "'x' (float32[batch, 1, 8, 8]) is missing"),
        ):
            with self.subTest(arguments):
                self.nncc("compare", *arguments, code=USAGE, error=error)

    def test_no_runtime(self):
        fake = self.folder / "python"
        fake.write_text(f"#!/bin/sh\nexec {sys.executable} -S -I \"$@\"\n")
        fake.chmod(0o755)
        self.nncc("compare", "m.onnx", "--reference=ort", f"--python={fake}", code=USAGE,
                  error="cannot import onnxruntime")  # fmt: skip
        self.nncc("compare", "m.onnx", "--reference=ort", "--python=no-python", code=USAGE,
                  error="no-python")  # fmt: skip


@unittest.skipUnless(onnxruntime, "without ONNX Runtime")
class OnnxRuntime(CompareTest):
    def ort(self, path, *options, **expected):
        text = self.nncc("compare", path, "--reference=ort", f"--python={sys.executable}", "--json",
                         *options, **expected)  # fmt: skip
        return json.loads(text)

    def test_random_inputs(self):
        self.assertTrue(self.ort("m.onnx")["agrees"])
        self.assertTrue(self.ort(MLP, "--dim=batch=3")["agrees"])
        self.assertEqual(self.ort("m.onnx", "--seed=1"), self.ort("m.onnx", "--seed=1"))

    def test_given_inputs(self):
        report = self.ort("m.onnx", "--input=@x.npy", "--rtol=0", "--atol=0.5")
        self.assertEqual(report["atol"], 0.5)

    def test_all_values(self):
        report = self.ort(MLP, "--dim=batch=3", "--layers")
        self.assertGreater(len(report["outputs"]), 4)
        self.assertTrue(report["agrees"])

    def test_external_weights(self):
        weight = np.random.default_rng(1).standard_normal((4, 4)).astype("float32")
        nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Relu", ["m"], ["y"])]
        folder = self.folder / "external"
        folder.mkdir()
        onnx.save(model(nodes, [["y"]], [("w", weight)]), folder / "m.onnx", save_as_external_data=True,
                  location="m.data", size_threshold=0)  # fmt: skip
        self.assertEqual(len(self.ort("external/m.onnx", "--layers")["outputs"]), 2)


main()
