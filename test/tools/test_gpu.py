"""Libraries with kernels for a GPU, with the emulator of one and without: what is in them, where they
run, and what is refused."""

import ctypes
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import onnx.parser

from support import MLP, ROOT, ToolTest, main

sys.path.insert(0, str(ROOT / "test/targets/nvptx"))
from check_images import ENTRY, find_ptxas
from images import ptx_of

USAGE, UNSUPPORTED = 1, 3
EMULATOR = os.path.join(os.environ["NNCC_BUILD"], "lib", "gpu-emulator")
CHIP = "nvptx:sm_90a"
CNN = MLP.with_name("digits_cnn.onnx")


def has_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


class GPU(ToolTest):
    def use_emulator(self):
        patch = mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": EMULATOR})
        patch.start()
        self.addCleanup(patch.stop)

    def compile(self, target, *options):
        self.nncc(MLP, "-o", "m.so", "--name=m", "--target", target, *options)

    def run_model(self, *options):
        np.savez(self.folder / "in.npz", x=np.linspace(-1, 1, 3 * 64, dtype="float32").reshape(3, 1, 8, 8))
        self.nncc("run", "m.so", "--inputs=in.npz", "--output=out.npz", *options)
        with np.load(self.folder / "out.npz") as out:
            return out["logits"]

    def processor(self):
        return json.loads(self.nncc("inspect", "m.so", "--json"))["processor"]

    @unittest.skipIf(has_driver(), "this machine has a driver of its own")
    def test_a_library_for_both_runs_without_a_gpu(self):
        self.compile("host")
        expected = self.run_model()
        self.compile("host+" + CHIP, "--gpu-images=bitcode")
        np.testing.assert_array_equal(self.run_model(), expected)
        device, processor = json.loads(self.nncc("inspect", "m.so", "--json"))["levels"]
        self.assertFalse(device["runs_here"] or device["taken"])
        self.assertIn("no CUDA driver: ", device["why_not"])
        self.assertTrue(processor["runs_here"] and processor["taken"])
        self.assertIn("not on this machine: no CUDA driver: ", self.nncc("inspect", "m.so"))

    def test_a_library_for_both_runs_on_a_gpu(self):
        self.compile("host")
        expected = self.run_model()
        host = self.processor()
        self.compile("host+" + CHIP, "--gpu-images=bitcode")
        self.use_emulator()
        self.assertEqual(self.processor(), "sm_90a")
        np.testing.assert_allclose(self.run_model(), expected, 1e-4, 1e-5)
        np.testing.assert_array_equal(self.run_model("--level=" + host), expected)

    def test_caches_of_open_sizes(self):
        """Attention of one query, whose keys blocks share where there are many: of a size that inputs give, and of one that
        the run computes."""
        text = """<ir_version: 10, opset_import: ["" : 23]>
            g (float[1, 2, 1, 64] q, float[1, 2, n, 64] k, float[1, 2, n, 64] v, int64[1] count)
              => (float[1, 2, 1, 64] all, float[1, 2, 1, 64] some) <int64[1] zero = {0}, int64[1] axis = {2}> {
              all = Attention(q, k, v)
              first = Slice(k, zero, count, axis)
              of_first = Slice(v, zero, count, axis)
              some = Attention(q, first, of_first)
            }"""
        onnx.save(onnx.parser.parse_model(text), self.folder / "m.onnx")
        self.nncc("m.onnx", "-o", "host.so")
        self.nncc("m.onnx", "-o", "gpu.so", "--target", CHIP, "--gpu-images=bitcode")
        self.use_emulator()
        random = np.random.default_rng(0)
        for keys, count in ((100, 50), (1000, 700), (3000, 1), (1, 0), (300, 300)):
            shapes = {"q": (1, 2, 1, 64), "k": (1, 2, keys, 64), "v": (1, 2, keys, 64)}
            inputs = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
            np.savez(self.folder / "in.npz", count=np.array([count]), **inputs)
            results = []
            for library in ("host", "gpu"):
                self.nncc("run", library + ".so", "--inputs=in.npz", "--output=out.npz")
                with np.load(self.folder / "out.npz") as out:
                    results.append(dict(out))
            for name, expected in results[0].items():
                np.testing.assert_allclose(results[1][name], expected, 1e-4, 1e-5, err_msg=f"{name}, {keys}, {count}")

    def test_results_on_the_device(self):
        """By the Python package: one model's results are the next one's inputs, through DLPack and without the host."""
        self.compile(CHIP, "--gpu-images=bitcode")
        self.use_emulator()
        program = """if True:
            import nncc, numpy as np
            x = np.linspace(-1, 1, 3 * 64, dtype="float32").reshape(3, 1, 8, 8)
            model = nncc.load("m.so")
            expected, = model(x)
            there, = model.run([x], on_device=True)
            np.testing.assert_array_equal(there.numpy(), expected)
            assert there.__dlpack_device__() == (2, 0) and there.shape == expected.shape
            class Array:  # as of another package
                __dlpack_device__ = there.__dlpack_device__
                __dlpack__ = there.__dlpack__
            class Interface:
                __cuda_array_interface__ = there.__cuda_array_interface__
            for given in (there, Array(), Interface()):
                model.run([x], {"logits": given})
            stream = nncc.load("m.so", stream=2)
            again, = stream.run([x], on_device=True)
            np.testing.assert_array_equal(again.numpy(), expected)
            np.testing.assert_array_equal(there.numpy(), expected)
        """
        build = os.environ["NNCC_BUILD"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "runtime/python"),
                       "NNCC_RUNTIME": os.path.join(build, "lib/libnncc_runtime.so")}  # fmt: skip
        subprocess.run([sys.executable, "-c", program], check=True, cwd=self.folder, env=environment)

    @unittest.skipIf(has_driver(), "this machine has a driver of its own")
    def test_a_library_for_a_gpu_alone_says_so(self):
        self.compile(CHIP, "--gpu-images=ptx")
        self.nncc("run", "m.so", "--random", "--dim", "batch=2", code=UNSUPPORTED,
                  error="model 'm' is compiled for 'sm_90a': no CUDA driver: libcuda.so.1")  # fmt: skip
        text = self.nncc("inspect", "m.so")
        self.assertIn("PTX: sm_90,", text)
        self.assertIn("blocks of ", text)

    @unittest.skipUnless(find_ptxas(), "no ptxas")
    def test_resources(self):
        """What inspect reads from a cubin is what ptxas reports of it."""
        ptxas = find_ptxas()
        # Registers (in units of 8), threads and shared memory of a multiprocessor, and what each block loses of it.
        chips = {"sm_80": (65536, 2048, 164 << 10, 1024), "sm_90a": (65536, 2048, 228 << 10, 1024),
                 "sm_86": (65536, 1536, 100 << 10, 1024), "sm_120": (65536, 1536, 100 << 10, 1024)}  # fmt: skip
        with mock.patch.dict(os.environ, {"CUDA_ROOT": str(Path(ptxas).parents[1])}):
            for chip in chips:
                self.nncc(CNN, "-o", f"{chip}.so", "--name=m", f"--target=nvptx:{chip}", "--gpu-images=cubin,ptx")
        for chip, (registers, threads, shared, reserved) in chips.items():
            (self.folder / "m.ptx").write_bytes(ptx_of(self.folder / f"{chip}.so", "m"))
            report = subprocess.run([ptxas, "-v", f"-arch={chip}", "-o", "/dev/null", self.folder / "m.ptx"],
                                    check=True, capture_output=True, text=True).stderr  # fmt: skip
            expected = {entry["name"]: entry for entry in ENTRY.finditer(report)}
            kernels = json.loads(self.nncc("inspect", f"{chip}.so", "--json"))["kernels"]
            self.assertEqual({kernel["name"] for kernel in kernels}, set(expected))
            for kernel in kernels:
                entry = expected[kernel["name"]]
                self.assertEqual(kernel["registers"], int(entry["registers"]))
                self.assertEqual(kernel["stack_bytes"], int(entry["stack"]))
                self.assertEqual(kernel["static_shared_bytes"], int(entry["shared"] or 0))
                of_block = kernel["threads_per_block"]
                blocks = min(threads // of_block, registers // (-(-kernel["registers"] // 8) * 8 * of_block),
                             shared // (kernel["static_shared_bytes"] + kernel["shared_bytes"] + reserved))  # fmt: skip
                self.assertEqual(kernel["blocks_per_multiprocessor"], blocks)
                self.assertEqual(kernel["occupancy"], blocks * of_block / threads)
            self.assertRegex(self.nncc("inspect", f"{chip}.so"),
                             r"\d+ registers a thread, \d+ blocks \(\d+% of the threads\) on a multiprocessor\n")  # fmt: skip

    def test_without_ptxas(self):
        """libnvJitLink makes the same of it; without both there is only PTX, or an error."""
        options = ("--name=m", "--target", CHIP)
        ptxas, linker = find_ptxas(), self.linker()
        with mock.patch.dict(os.environ, {"CUDA_ROOT": str(self.folder), "LD_LIBRARY_PATH": ""}):
            self.nncc(CNN, "-o", "m.so", *options, "--gpu-images=cubin", code=USAGE,
                      error="cannot find ptxas or libnvJitLink: install the CUDA toolkit")  # fmt: skip
            self.nncc(CNN, "-o", "m.so", *options)
            self.assertNotIn("cubin", self.nncc("inspect", "m.so"))
        with mock.patch.dict(os.environ, {"CUDA_ROOT": str(linker)}):
            self.nncc(CNN, "-o", "linked.so", *options)
            self.nncc(CNN, "-o", "m.so", "--target=nvptx:sm_999", "--gpu-images=cubin", code=USAGE)
        with mock.patch.dict(os.environ, {"CUDA_ROOT": str(Path(ptxas).parents[1])}):
            self.nncc(CNN, "-o", "assembled.so", *options)
        linked, assembled = (
            {kernel["name"]: kernel["registers"] for kernel in json.loads(self.nncc("inspect", name, "--json"))["kernels"]}
            for name in ("linked.so", "assembled.so"))  # fmt: skip
        self.assertEqual(linked, assembled)

    @staticmethod
    def linker() -> Path:
        """The folder that libnvJitLink is below."""
        return next(Path(sys.prefix).glob("lib/python*/site-packages/nvidia/nvjitlink"))

    def test_a_chip_that_ptxas_does_not_know(self):
        """What it says, by one that stands for that of CUDA 13, and what to do."""
        script = self.folder / "bin" / "ptxas"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\necho \"ptxas fatal   : Value 'sm_70' is not defined for option 'gpu-name'\" >&2; exit 255\n")
        script.chmod(0o755)
        with mock.patch.dict(os.environ, {"CUDA_ROOT": str(self.folder)}):
            self.nncc(MLP, "-o", "m.so", "--target=nvptx:sm_70", code=USAGE,
                      error="knows no 'sm_70': set CUDA_ROOT to a CUDA toolkit that does (version 12 or earlier), "
                            "or give --gpu-images=ptx")  # fmt: skip

    def test_a_corrupted_image(self):
        self.compile(CHIP, "--gpu-images=bitcode")
        path = self.folder / "m.so"
        library = path.read_bytes()
        begin = library.index(b"BC\xc0\xde")
        path.write_bytes(library[: begin + 8] + bytes(64) + library[begin + 72 :])
        self.use_emulator()
        self.nncc("run", "m.so", "--random", "--dim=batch=2", code=UNSUPPORTED,
                  error="model 'm' is compiled for 'sm_90a': bitcode sm_90: cuModuleLoadDataEx: ")  # fmt: skip

    def test_the_same_bytes(self):
        for name in ("a.so", "b.so"):
            self.nncc(MLP, "-o", name, "--name=m", "--target", CHIP, "--gpu-images=ptx")
        self.assertEqual(*((self.folder / name).read_bytes() for name in ("a.so", "b.so")))

    def test_refused(self):
        for target, error in (
            ("nvptx:sm_20", "GPU 'sm_20' is not supported: expected sm_70 or later"),
            ("nvptx:sm_1234", "unknown GPU 'sm_1234'"),
            ("nvptx:", "unknown GPU ''"),
            ("pdp11+" + CHIP, "unknown target 'pdp11'"),
        ):
            self.nncc(MLP, "-o", "m.so", "--target", target, code=USAGE, error=error)
            self.assertFalse((self.folder / "m.so").exists())
        self.nncc(MLP, "-o", "m.so", "--target", CHIP, "--gpu-images=elf", code=USAGE,
                  error="unknown form of code for a GPU 'elf': expected cubin, ptx or bitcode")  # fmt: skip
        self.nncc(MLP, "-o", "m.so", "--target", CHIP, "--gpu-math=fp4", code=USAGE,
                  error="--gpu-math=fp4: expected f32, tf32 or bf16x3")  # fmt: skip

    def test_math_comes_too_late(self):
        self.nncc(MLP, "-o", "m.mlir", "--target", CHIP, "--stop-after=schedule")
        self.nncc("m.mlir", "-o", "m.so", "--target", CHIP, "--gpu-math=tf32", code=USAGE,
                  error="--gpu-math comes too late")  # fmt: skip
        self.nncc("m.mlir", "-o", "m.so", "--target", CHIP)


if __name__ == "__main__":
    main()
