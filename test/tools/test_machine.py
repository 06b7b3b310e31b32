"""Numbers of the processor from a file: they change plans; files that are none are refused with the reason."""

import json
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support import NNCC, ToolTest, main

NUMBERS = {"fmas", "loads", "fma_latency", "l1_bytes", "l2_bytes", "l2_rate"}


class Machine(ToolTest):
    def setUp(self):
        super().setUp()
        weights = numpy_helper.from_array(np.ones((256, 256), np.float32), "w")  # 256 KiB
        node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [128, 256])]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [128, 256])]
        graph = helper.make_graph([node], "g", inputs, outputs, [weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, str(self.folder / "m.onnx"))

    def plan(self, *options, target="x86-64-v3"):
        command = [NNCC, "m.onnx", "-o", "m.so", f"--target={target}", "--remarks=nncc-cpu", *options]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=True)
        return next(line for line in run.stderr.splitlines() if "#kern.plan" in line)

    def write(self, text):
        (self.folder / "f.json").write_text(text)

    def test_plans_follow(self):
        self.assertIn("n_slow = false", self.plan())
        self.write('{"l2_bytes": 262144}')  # of which the weights would take all
        self.assertIn("n_slow = true", self.plan("--machine", "f.json"))
        self.write("{}")
        self.assertEqual(self.plan("--machine", "f.json"), self.plan())

    def test_families(self):
        new, old = (f"x86_64-unknown-linux-gnu:{processor}" for processor in ("sapphirerapids", "haswell"))
        self.assertIn("n_slow = false", self.plan(target=new))
        self.assertIn("n_slow = true", self.plan(target=old))  # 256 KiB of L2 cache
        self.write('{"l2_bytes": 2097152}')
        self.assertIn("n_slow = false", self.plan("--machine", "f.json", target=old))

    def test_calibrate(self):
        command = [NNCC, "calibrate", "-o", "f.json", "--json"]
        run = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        if run.returncode == 3:
            self.skipTest(run.stderr)
        self.assertEqual(run.returncode, 0, run.stderr)
        facts = json.loads((self.folder / "f.json").read_text())
        self.assertEqual(json.loads(run.stdout), facts)
        self.assertEqual(set(facts), NUMBERS)
        self.assertGreater(facts["l2_bytes"], facts["l1_bytes"])
        self.assertGreater(facts["fma_latency"], 1)
        self.plan("--machine", "f.json")
        self.nncc("calibrate", "-o", "no/folder/f.json", code=1, error="no/folder")

    def test_broken_files(self):
        for text, error in (
            ("", "f.json: expected JSON"),
            ('{"fmas": 2', "f.json: expected JSON"),
            ("[1, 2]", "f.json: expected an object of numbers"),
            ('{"ports": 2}', "f.json: unknown fact 'ports': expected fmas, loads, fma_latency, l1_bytes"),
            ('{"fmas": 0}', "f.json: fmas: expected a number from 0.25 to 16"),
            ('{"fmas": "two"}', 'f.json: fmas: expected a number from 0.25 to 16.00, found "two"'),
            ('{"l2_bytes": 1e300}', "f.json: l2_bytes: expected a number from"),
            ('{"l2_bytes": -1}', "f.json: l2_bytes: expected a number from"),
            ('{"l2_rate": null}', "f.json: l2_rate: expected a number from 0.25 to 1024.00, found null"),
        ):
            self.write(text)
            self.nncc("m.onnx", "-o", "m.so", "--machine", "f.json", code=1, error=error)
            self.nncc("tune", "m.onnx", "--machine", "f.json", "--budget=0.1s", code=1, error=error)
        self.nncc("m.onnx", "-o", "m.so", "--machine", "none.json", code=1, error="cannot read 'none.json'")
        self.write("{}")
        self.nncc("m.onnx", "-o", "s.mlir", "--stop-after=schedule")
        self.nncc("s.mlir", "-o", "m.so", "--machine", "f.json", code=1, error="--machine comes too late")


if __name__ == "__main__":
    main()
