"""Random numbers without a seed: test_random.py NNCC. Philox 4x32-10 as its paper describes it."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

NNCC = sys.argv[1]


def philox(seed: int, blocks: int) -> np.ndarray:
    """uint32 [blocks, 4]."""
    low = np.uint64(0xFFFFFFFF)
    c = [np.arange(blocks, dtype=np.uint64), *(np.zeros(blocks, np.uint64) for _ in range(3))]
    key = [seed % 2**32, seed // 2**32]
    for _ in range(10):
        first, second = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(second >> np.uint64(32)) ^ c[1] ^ np.uint64(key[0]), second & low,
             (first >> np.uint64(32)) ^ c[3] ^ np.uint64(key[1]), first & low]  # fmt: skip
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return np.stack(c, 1).astype(np.uint32)


class Random(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def nncc(self, *arguments):
        subprocess.run([NNCC, *map(str, arguments)], check=True, cwd=self.folder, timeout=120)

    def run_model(self, op, name="node", text=lambda ir: ir, threads=2, **attributes):
        node = helper.make_node(op, [], ["y"], name=name, shape=[70, 301], **attributes)
        kind = attributes.get("dtype", TensorProto.FLOAT)
        graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", kind, [70, 301])])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
        onnx.save(model, self.folder / "m.onnx")
        self.nncc("m.onnx", "--stop-after=import", "-o", "m.mlir")
        ir = self.folder / "m.mlir"
        ir.write_text(text(ir.read_text()))
        self.nncc("m.mlir", "-o", "m.so")
        self.nncc("run", "m.so", "--output=y.npy", f"--threads={threads}")
        return np.load(self.folder / "y.npy")

    def test_known_answer(self):
        words = philox(0, 1)[0]  # of the authors' library, Random123: kat_vectors
        self.assertEqual([f"{w:08x}" for w in words], ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"])

    def test_uniform(self):
        for seed in (0, 2**40 + 12345):
            def seeded(ir, seed=seed):
                return re.sub(r"seed = -?\d+", f"seed = {seed}", ir)

            words = philox(seed, 70 * 301)
            want = ((words[:, 0] >> np.uint32(8)) * 2.0**-24).reshape(70, 301).astype("float32")
            np.testing.assert_array_equal(self.run_model("RandomUniform", text=seeded), want)
            wide = (words[:, 0].astype("uint64") << np.uint64(32)) | words[:, 1]
            want = ((wide >> np.uint64(11)) * 2.0**-53).reshape(70, 301)
            got = self.run_model("RandomUniform", text=seeded, dtype=TensorProto.DOUBLE)
            np.testing.assert_array_equal(got, want)

    def test_normal(self):
        y = self.run_model("RandomNormal", mean=3.0, scale=2.0)
        self.assertAlmostEqual(y.mean(), 3, delta=0.06)
        self.assertAlmostEqual(y.std(), 2, delta=0.06)
        self.assertGreater(y.max(), 8)

    def test_reproducible(self):
        first = self.run_model("RandomUniform")
        np.testing.assert_array_equal(first, self.run_model("RandomUniform", threads=1))
        self.assertFalse((first == self.run_model("RandomUniform", name="other")).any(), "by the node's name")


unittest.main(argv=sys.argv[:1] + sys.argv[2:])
