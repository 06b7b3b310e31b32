"""Libraries with kernels for a device, with a stand-in for its driver ($NNCC_TEST_DRIVER is its
folder) and without a driver: ECHO is one for a device alone."""

import json
import os
from unittest import mock

from support import ECHO, ToolTest, main

UNSUPPORTED = 3
SHAPES = ("--shape", "x:5x4", "--shape", "y:5x4")


class Device(ToolTest):
    def use_driver(self, there: bool):
        path = os.environ["NNCC_TEST_DRIVER"] if there else str(self.folder)
        if not there:
            (self.folder / "libcuda.so.1").write_text("no library")
        patch = mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": path})
        patch.start()
        self.addCleanup(patch.stop)

    def test_inspect(self):
        for there in (False, True):
            self.use_driver(there)
            text = self.nncc("inspect", ECHO, "--dim", "batch=10")
            self.assertIn("processor: sm_90a\ninstructions: cuda\n", text)
            self.assertIn("  cubin: sm_90a, 15 bytes\n  cubin: sm_80, 14 bytes\n  PTX: sm_80,", text)
            self.assertIn("blocks of 256 threads with 65536 bytes of shared memory", text)
            memory = json.loads(self.nncc("inspect", ECHO, "--dim", "batch=10", "--json"))["memory"]
            self.assertEqual(memory["scratch_bytes_per_block"], 8)
            self.assertEqual("workspace_bytes" in memory, there)

    def test_run(self):
        self.use_driver(True)
        text = self.nncc("run", ECHO, "--random", *SHAPES)
        self.assertIn("z: float32[5, 4]", text)
        found = json.loads(self.nncc("run", ECHO, "--random", *SHAPES, "--json"))
        self.assertEqual(found["processor"], "sm_90a")

    def test_bench(self):
        self.use_driver(True)
        text = self.nncc("bench", ECHO, *SHAPES, "--iterations=5", "--profile")
        self.assertIn("5 runs on sm_90a: min", text)
        self.assertRegex(text, r" 1 +\S+ +\S+ +multiply_add +Mul_0 Add_1\n")
        found = json.loads(self.nncc("bench", ECHO, *SHAPES, "--iterations=5", "--json"))
        self.assertEqual(found["device"], "sm_90a")
        self.assertNotIn("peak_gflops", found)

    def test_without_a_driver(self):
        self.use_driver(False)
        error = "model 'small' is compiled for 'sm_90a': no CUDA driver: "
        self.nncc("run", ECHO, "--random", *SHAPES, code=UNSUPPORTED, error=error)


if __name__ == "__main__":
    main()
