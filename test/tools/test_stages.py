"""Every stage can be written and resumed, and the same input gives the same bytes."""

from support import MLP, ROOT, ToolTest, main

CNN = ROOT / "models" / "digits" / "digits_cnn.onnx"
BATCH = "--dim=batch=2"


class StagesTest(ToolTest):
    def stages(self):
        return [line.split(":")[0] for line in self.nncc("--print-stages").splitlines()]

    def read(self, name):
        return (self.folder / name).read_bytes()


class Resume(StagesTest):
    def test_every_stage(self):
        stages = self.stages()
        self.assertEqual(stages[:2] + stages[-1:], ["import", "graph", "target"])
        self.nncc(CNN, BATCH, "-o", "whole.so", "--name=m")
        for stage in stages:
            with self.subTest(stage):
                text = f"{stage}.mlir"
                self.nncc(CNN, BATCH, f"--stop-after={stage}", "-o", text)
                self.assertLess((self.folder / text).stat().st_size, 4 << 20)
                self.nncc(text, "-o", "resumed.so", "--name=m")
                self.assertEqual(self.read("resumed.so"), self.read("whole.so"))

    def test_stage_by_stage(self):
        self.nncc(MLP, BATCH, "-o", "whole.so", "--name=m")
        source = MLP
        for stage in self.stages():
            sizes = [BATCH] if source == MLP else []
            self.nncc(source, *sizes, f"--stop-after={stage}", "-o", f"{stage}.mlir")
            source = f"{stage}.mlir"
        self.nncc(source, "-o", "resumed.so", "--name=m")
        self.assertEqual(self.read("resumed.so"), self.read("whole.so"))

    def test_too_late(self):
        self.nncc(MLP, BATCH, "--stop-after=kernels", "-o", "k.mlir")
        error = "comes too late: 'k.mlir' was written after stage 'kernels'"
        for option in ("--stop-after=graph", "--stop-after=kernels", "--insert=after-graph:cse",
                       "--insert=before-kernels:cse", BATCH):  # fmt: skip
            self.nncc("k.mlir", option, "-o", "m.so", code=1, error=error)
        (self.folder / "p.pdll").write_text("")
        self.nncc("k.mlir", "--patterns=p.pdll", "-o", "m.so", code=1, error=error)

    def test_weights_of_the_text(self):
        self.nncc(CNN, BATCH, "--stop-after=import", "-o", "i.mlir")
        weights = self.folder / "i.mlir.weights"
        data = weights.read_bytes()
        weights.write_bytes(data[:-1])
        self.nncc("i.mlir", code=2, error="'i.mlir.weights' is damaged or cut short")
        weights.write_bytes(b"other" + data)
        self.nncc("i.mlir", code=2, error="'i.mlir.weights' is damaged or cut short")
        weights.unlink()
        self.nncc("i.mlir", code=2, error="cannot read 'i.mlir.weights'")

    def test_not_a_stage(self):
        (self.folder / "a.mlir").write_text("func.func @f(")
        self.nncc("a.mlir", code=2, error="a.mlir:1:")
        (self.folder / "a.mlir").write_text("")
        self.nncc("a.mlir", code=2, error="'a.mlir' holds no model")


class MLIROptions(StagesTest):
    """What MLIR's own tools can print is an option of ours."""

    def test_printing(self):
        for option, text in (
            ("--mlir-print-ir-after-all", "IR Dump After PlanMemory (nncc-plan-memory)"),
            ("--mlir-print-ir-before-all", "IR Dump Before FormKernels (nncc-form-kernels)"),
            ("--mlir-print-ir-after=nncc-plan-memory", "rt.run @"),
            ("--mlir-timing", "Execution time report"),
        ):
            with self.subTest(option):
                self.nncc(MLP, BATCH, "-o", "m.so", option, "--mlir-disable-threading", error=text)
                self.assertTrue((self.folder / "m.so").exists())

    def test_generic_form(self):
        self.nncc(MLP, BATCH, "-o", "g.mlir", "--stop-after=graph", "--mlir-print-op-generic")
        self.assertIn('"func.func"()', (self.folder / "g.mlir").read_text())
        self.nncc("g.mlir", "-o", "m.so")

    def test_passes_that_are_not_there(self):
        self.nncc(MLP, BATCH, "--mlir-print-ir-after=no-such-pass", code=1, error="no-such-pass")


class SameBytes(StagesTest):
    def test_in_two_folders(self):
        kinds = {"m.so": "so", "m.o": "obj", "m.a": "static", "m.ll": "llvm", "m.s": "asm"}
        for folder in ("one", "two"):
            (self.folder / folder).mkdir()
            for name, kind in kinds.items():
                self.nncc(CNN, BATCH, "-o", f"{folder}/{name}", f"--emit={kind}", "--header")
            self.nncc(CNN, BATCH, "-o", f"{folder}/w.so", "--weights=file", "--threads=1")
            self.nncc(CNN, BATCH, "-o", f"{folder}/k.mlir", "--stop-after=kernels")
        names = sorted(path.name for path in (self.folder / "one").iterdir())
        self.assertEqual(len(names), 12)
        for name in names:
            self.assertEqual(self.read(f"one/{name}"), self.read(f"two/{name}"), name)

    def test_on_any_number_of_threads(self):
        for threads in (1, 3):
            self.nncc(CNN, BATCH, "-o", f"{threads}.so", "--name=m", f"--threads={threads}")
        self.assertEqual(self.read("1.so"), self.read("3.so"))


if __name__ == "__main__":
    main()
