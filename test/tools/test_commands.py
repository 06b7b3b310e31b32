"""The sub-commands: what they accept, what they say, how they exit."""

import json
import os
import re
import resource
import subprocess

import numpy as np
from support import ECHO, MLP, NNCC, ToolTest, main

USAGE, INVALID, UNSUPPORTED = 1, 2, 3


class Usage(ToolTest):
    def test_help(self):
        self.assertIn("inspect", self.nncc("--help"))
        for command in ("compile", "run", "bench", "compare", "check", "inspect"):
            text = self.nncc(command, "--help")
            self.assertIn("--json", text)
            self.assertLess(text.count("\n"), 60, "the options of LLVM are hidden")
        self.assertIn("LLVM", self.nncc("--version"))

    def test_wrong_usage(self):
        for arguments in (
            [],
            ["run"],
            ["--no-such-flag", MLP],
            ["a.onnx", "b.onnx"],
            [MLP, "--emit=exe"],
            [MLP, "-O7"],
            [MLP, "--winograd=3"],
            [MLP, "--bands=2"],
            [MLP, "--dim", "batch"],
            [MLP, "--dim", "batch=-1"],
            [MLP, "--dim", "batch=1", "--dim", "batch=2"],
            [MLP, "--shape", "x:1xtwo"],
            [MLP, "--shape", "x:1x64"],  # and nothing of the nodes that cannot work on that
            [MLP, "--insert", "after-nothing:cse"],
            [MLP, "--dim", "batch=1", "--stop-after=nothing"],
            [MLP, "--dim", "batch=1", "--target=pdp11"],
            ["run", ECHO, "--random", "--threads=-1"],
            ["bench", ECHO, "--duration=0"],
        ):
            with self.subTest(arguments):
                self.nncc(*arguments, code=USAGE)

    def test_suggestion(self):
        self.nncc(MLP, "--verify-eech", code=USAGE, error="Did you mean '--verify-each'")

    def test_files(self):
        self.nncc("missing.onnx", code=USAGE, error="missing.onnx")
        self.nncc("run", "missing.so", code=USAGE, error="missing.so")
        self.nncc("inspect", "missing.so", code=USAGE)
        self.nncc("bench", MLP, "--input", "@missing.npy", code=USAGE, error="missing.npy")
        (self.folder / "text.onnx").write_text("not a model")
        for command in ("compile", "run", "bench", "check", "inspect"):
            self.nncc(command, "text.onnx", code=INVALID, error="text.onnx")
        (self.folder / "text.so").write_text("not a library")
        self.nncc("run", "text.so", code=INVALID)
        self.nncc(MLP, "--dim", "batch=1", "-o", "no/such/folder/m.so", code=USAGE)
        self.nncc("run", ECHO, "--random", "--output", "no/such/folder/y.npz", code=USAGE)

    def test_errors_as_json(self):
        error = json.loads(self.nncc("run", "missing.so", "--json", code=USAGE))
        self.assertEqual(error["exit_code"], USAGE)
        self.assertIn("missing.so", error["error"])


class Compile(ToolTest):
    def test_compile(self):
        self.nncc(MLP, "--dim", "batch=2", "-o", "m.so")
        report = json.loads(self.nncc("compile", MLP, "--shape", "x:2x1x8x8", "-o", "n.so",
                                      "--name", "m", "--json"))  # fmt: skip
        self.assertGreater(report["weights_bytes"], 10_000)
        self.assertEqual((self.folder / "m.so").read_bytes(), (self.folder / "n.so").read_bytes())

    def test_open_sizes(self):
        self.nncc(MLP, "-o", "m.so")
        self.assertIn("batch", self.nncc("inspect", "m.so"))
        for batch in (1, 5):
            self.nncc("run", "m.so", "--input", f"{batch}x1x8x8", "--output", f"y{batch}.npz")
            self.assertEqual(np.load(self.folder / f"y{batch}.npz")["logits"].shape, (batch, 10))
        self.assertTrue(json.loads(self.nncc("check", MLP, "--json"))["supported"])

    def test_stages(self):
        stages = self.nncc("--print-stages").splitlines()
        self.assertTrue(stages[0].startswith("import: "))
        pipeline = self.nncc("--dump-pass-pipeline", "--insert=after-graph:cse")
        self.assertEqual(len(pipeline.splitlines()), len(stages))
        self.assertIn("nncc-fuse-epilogue", pipeline)
        self.nncc(MLP, "--dim", "batch=1", "--stop-after=graph", "-o", "graph.mlir")
        self.nncc("graph.mlir", "-o", "m.so")
        self.assertIn("logits", self.nncc("run", "m.so", "--random"))

    def test_remarks_in_order(self):
        """Those of kernels that are planned at the same time come in the order of the kernels."""
        cnn = MLP.with_name("digits_cnn.onnx")
        for _ in range(5):
            command = [NNCC, str(cnn), "-o", "m.so", "--threads=8", "--remarks=nncc-cpu"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.folder)
            self.assertEqual(run.returncode, 0, run.stderr)
            plans = [line for line in run.stderr.splitlines() if ": nncc-cpu: Analysis plan;" in line]
            nodes = [re.findall(r'"([^"]+)"', line)[0] for line in plans]
            self.assertEqual(nodes, ["conv1", "conv2", "conv3", "gemm1", "gemm2"])

    def test_full_disk(self):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        for arguments in [f"--emit={e}" for e in ("so", "obj", "static", "llvm", "asm")] + [
            "--weights=file", "--stop-after=import"]:  # fmt: skip
            with self.subTest(arguments):
                self.nncc(MLP, "--dim", "batch=1", "-o", "m", arguments, code=USAGE, error="cannot write")
                self.assertEqual(list(self.folder.iterdir()), [])

    def test_mlir_options(self):
        self.nncc(MLP, "--dim", "batch=1", "-o", "m.so", "--mlir-disable-threading", "--verify-each")


class Run(ToolTest):
    def test_onnx(self):
        x = np.load(MLP.parent / "digits_test.npz")
        x = x[x.files[0]][:3].astype(np.float32).reshape(3, 1, 8, 8)
        np.save(self.folder / "x.npy", x)
        self.nncc("run", MLP, "--input", "x=@x.npy", "--output", "by_name.npy")
        self.nncc("run", MLP, "--input", "x.npy", "--output", "by_position.npz")
        self.nncc(MLP, "--dim", "batch=3", "-o", "m.so")
        self.nncc("run", "m.so", "--input=@x.npy", "--threads=1", "--output", "out")
        first = np.load(self.folder / "by_name.npy")
        self.assertEqual(first.shape, (3, 10))
        np.testing.assert_array_equal(first, np.load(self.folder / "by_position.npz")["logits"])
        np.testing.assert_array_equal(first, np.load(self.folder / "out" / "logits.npy"))

    def test_generated(self):
        for spec in ("x=2x1x8x8", "x:2x1x8x8", "2,1,8,8"):
            text = self.nncc("run", MLP, "--input", spec)
            self.assertIn("logits: float32[2, 10]", text)
        again = self.nncc("run", MLP, "--input", "2x1x8x8")
        self.assertEqual(text, again, "the same seed gives the same values")
        self.assertNotEqual(text, self.nncc("run", MLP, "--input", "2x1x8x8", "--seed=5"))

    def test_sizes(self):
        out = json.loads(self.nncc("run", ECHO, "--random", "--dim", "batch=4", "--dim", "a/b=2",
                                   "--json"))  # fmt: skip
        self.assertEqual(out["outputs"][0]["shape"], [4, 2])
        self.nncc("run", ECHO, "--random", "--dim", "batch=65", code=USAGE, error="batch")

    def test_wrong_inputs(self):
        np.save(self.folder / "double.npy", np.zeros((1, 1, 8, 8)))
        np.save(self.folder / "rank.npy", np.zeros((1, 64), np.float32))
        np.save(self.folder / "size.npy", np.zeros((1, 1, 8, 9), np.float32))
        np.savez(self.folder / "other.npz", y=np.zeros(3), z=np.zeros(3))
        np.save(self.folder / "object.npy", np.array(["text"]))
        for spec, message in (
            ("x=@double.npy", "float64[1, 1, 8, 8]"),
            ("x=@rank.npy", "float32[1, 64]"),
            ("x=@size.npy", "float32[batch, 1, 8, 8]"),
            ("y=@size.npy", "'x'"),
            ("x=@other.npz", "'x'"),
            ("x=many", "--input"),
            ("x.txt", "--input"),
        ):
            with self.subTest(spec):
                self.nncc("run", MLP, "--input", spec, code=USAGE, error=message)
        self.nncc("run", MLP, "--input", "x=@object.npy", code=UNSUPPORTED, error="<U4")
        self.nncc("run", MLP, code=USAGE, error="'x' (float32[batch, 1, 8, 8]) is missing")
        self.nncc("run", MLP, "--input", "1x1x8x8", "--input", "1x1x8x8", code=USAGE)
        self.nncc("run", MLP, "--inputs", "nowhere", code=USAGE, error="nowhere")
        self.nncc("run", ECHO, "--random", "--output", "all.npy", code=USAGE, error="one value")

    def test_unwritable(self):
        (self.folder / "file").write_text("")
        self.nncc("run", ECHO, "--random", "--output", "file", code=USAGE, error="file")
        if os.geteuid():
            (self.folder / "locked").mkdir(mode=0o500)
            self.nncc("run", ECHO, "--random", "--output", "locked/y.npz", code=USAGE)


class Bench(ToolTest):
    def test_bench(self):
        self.nncc(MLP, "--dim", "batch=1", "-o", "m.so")
        out = json.loads(self.nncc("bench", "m.so", "--threads=1", "--iterations=20", "--profile",
                                   "--json"))  # fmt: skip
        self.assertEqual((out["iterations"], out["threads"]), (20, 1))
        order = [out[k] for k in ("min_ms", "median_ms", "p90_ms", "p99_ms")]
        self.assertEqual(order, sorted(order))
        self.assertGreater(order[0], 0)
        self.assertGreater(out["gflop"], 0)
        nodes = {node for kernel in out["kernels"] for node in kernel["nodes"]}
        self.assertIn("gemm1", nodes)
        total = sum(k["ms"] for k in out["kernels"]) + out["overhead_ms"]
        self.assertAlmostEqual(sum(k["percent"] for k in out["kernels"]),
                               100 * (1 - out["overhead_ms"] / total), delta=0.1)  # fmt: skip
        text = self.nncc("bench", "m.so", "--duration=0.05", "--profile")
        self.assertIn("GFLOP/s", text)
        self.assertIn("gemm1", text)

    def test_open_sizes(self):
        sizes = ["--dim", "batch=3", "--dim", "a/b=2", "--iterations=2"]
        out = json.loads(self.nncc("bench", ECHO, *sizes, "--json"))
        self.assertEqual(out["inputs"]["open"], "float32[3, 2]")
        self.nncc("bench", ECHO, *sizes[:2], code=1,
                  error="size 'a/b' is open; give it with --dim=a/b=<size>")  # fmt: skip


class Inspect(ToolTest):
    def test_library(self):
        self.nncc(MLP, "--dim", "batch=2", "-o", "m.so", "--name", "digits")
        out = json.loads(self.nncc("inspect", "m.so", "--json"))
        self.assertEqual(out["exports"], ["nncc_model_digits"])
        self.assertEqual(out["inputs"], [{"name": "x", "type": "float32", "shape": [2, 1, 8, 8]}])
        self.assertGreater(out["memory"]["live_bytes"], 0)
        self.assertGreaterEqual(out["memory"]["arena_bytes"], out["memory"]["live_bytes"])
        self.assertGreater(out["weights"]["bytes"], 0)
        text = self.nncc("inspect", "m.so")
        self.assertIn("  logits: float32[2, 10]", text)

    def test_sizes(self):
        self.assertIn("depends on the sizes", self.nncc("inspect", ECHO))
        self.assertIn("  batch: 1 to 64", self.nncc("inspect", ECHO))
        sizes = ["--dim", "batch=3", "--dim", "a/b=1"]
        out = json.loads(self.nncc("inspect", ECHO, *sizes, "--json"))
        self.assertEqual(out["memory"]["arena_bytes"], 3 * 64)

    def test_onnx(self):
        out = json.loads(self.nncc("inspect", MLP, "--json"))
        self.assertEqual(out["inputs"][0]["shape"], ["batch", 1, 8, 8])
        self.assertEqual(out["operators"]["Gemm"], 3)


main()
