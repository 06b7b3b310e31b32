"""Libraries with kernels for a device, with a stand-in for its driver ($NNCC_TEST_DRIVER is its
folder) and without a driver: ECHO is one for a device alone."""

import json
import os
from unittest import mock

from support import ECHO, ToolTest, main

USAGE, UNSUPPORTED = 1, 3
SHAPES = ("--shape", "x:5x4", "--shape", "y:5x4")


class Device(ToolTest):
    def use_driver(self, there: bool, **variables: str):
        path = os.environ["NNCC_TEST_DRIVER"] if there else str(self.folder)
        if not there:
            (self.folder / "libcuda.so.1").write_text("no library")
        for name in ("FAKE_CUDA_CAPABILITY", "FAKE_CUDA_FAIL"):
            variables.setdefault(name, "")
        patch = mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": path, **variables})
        patch.start()
        self.addCleanup(patch.stop)

    def test_inspect(self):
        for there in (False, True):
            self.use_driver(there)
            text = self.nncc("inspect", ECHO, "--dim", "batch=10")
            self.assertIn("processor: sm_90a\ninstructions: cuda\n", text)
            self.assertRegex(text, "  cubin: sm_90a, 15 bytes; cannot be read: .*\n  cubin: sm_80, 14 bytes; .*\n  PTX: sm_80,")
            self.assertNotIn("registers", text)
            self.assertIn("blocks of 256 threads with 65536 bytes of shared memory", text)
            memory = json.loads(self.nncc("inspect", ECHO, "--dim", "batch=10", "--json"))["memory"]
            self.assertEqual(memory["scratch_bytes_per_block"], 8)
            self.assertEqual("workspace_bytes" in memory, there)

    def test_where_it_runs(self):
        """Whether an image is for the device that is there, as well as whether there is one."""
        reasons = {None: "", "100": "", "75": r"no code for this device, Fake 8 \(sm_75\): the library has cubin sm_90a, "
                                              "cubin sm_80, PTX sm_80"}  # fmt: skip
        for capability, reason in reasons.items():
            self.use_driver(True, **{"FAKE_CUDA_CAPABILITY": capability} if capability else {})
            text = self.nncc("inspect", ECHO)
            self.assertIn(f"runs_here: {str(not reason).lower()}\n", text)
            found = json.loads(self.nncc("inspect", ECHO, "--json"))
            self.assertEqual(found["runs_here"], not reason)
            self.assertRegex(found.get("why_not_here", ""), f"^{reason}$")
        self.use_driver(False)
        found = json.loads(self.nncc("inspect", ECHO, "--json"))
        self.assertFalse(found["runs_here"])
        self.assertIn("no CUDA driver: ", found["why_not_here"])

    def test_what_goes_wrong(self):
        """Each way to fail ends with what the driver said, and an exit code."""
        broken, what = 5, "model 'small' is compiled for 'sm_90a': "
        for variables, code, error in (
            ({"FAKE_CUDA_CAPABILITY": "75"}, UNSUPPORTED, what + "no code for this device, Fake 7 (sm_75)"),
            ({"FAKE_CUDA_FAIL": "cuInit:999:1"}, UNSUPPORTED, "the CUDA driver cannot be used: cuInit: "),
            ({"FAKE_CUDA_FAIL": "cuMemAlloc:2:1"}, USAGE, what + "no memory of the device for 20 bytes of weights: "
             "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)"),
            ({"FAKE_CUDA_FAIL": "cuMemAlloc:2:2"}, USAGE, "bytes on the device: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY"),
            ({"FAKE_CUDA_FAIL": "cuLaunchKernel:719:3"}, broken, "node 'ReduceSum_4': cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED"),
            ({"FAKE_CUDA_FAIL": "cuStreamSynchronize:719:2"}, broken, "cuStreamSynchronize: CUDA_ERROR_LAUNCH_FAILED"),
        ):  # fmt: skip
            self.use_driver(True, **variables)
            self.nncc("run", ECHO, "--random", *SHAPES, code=code, error=error)

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
