"""IR of a stage that somebody has broken by hand: an error that says where, never a crash."""

import re

from support import MLP, ToolTest, main

BATCH = "--dim=batch=2"


class BrokenIR(ToolTest):
    def setUp(self):
        super().setUp()
        self.texts = {}

    def text(self, stage):
        """The IR after `stage`; its large constants are in `ir.mlir.weights`."""
        if stage not in self.texts:
            self.nncc(MLP, BATCH, f"--stop-after={stage}", "-o", "ir.mlir")
            self.texts[stage] = (self.folder / "ir.mlir").read_text()
        return self.texts[stage]

    def refuse(self, stage, pattern, by, error):
        """Compiling on from the IR in which the first match of `pattern` is replaced is refused."""
        text, count = re.subn(pattern, by, self.text(stage), count=1, flags=re.S)
        self.assertEqual(count, 1, f"nothing matches {pattern}")
        (self.folder / "ir.mlir").write_text(text)
        self.nncc("ir.mlir", "-o", "m.so", code=2, error=error)
        self.assertFalse((self.folder / "m.so").exists())

    def check(self, stage, *cases):
        self.text(stage)
        for pattern, by, error in cases:
            with self.subTest(stage=stage, error=error):
                self.refuse(stage, pattern, by, error)

    def test_graph(self):
        for stage in "import", "graph":
            self.check(
                stage,
                (r"func\.func @main", "func.func private @other() \n  func.func @main",
                 "there is another one already"),
                (r"func\.func @main.*\n  }", "func.func private @main()", "expects a program of one block"),
                (r"func\.func @main\(", "func.func @main(%i: index, ", "expects values of the program that are tensors"),
                (r"func\.func @main\(", "func.func @main(%i: tensor<*xf32>, ", "expects values of the program that are tensors"),
                (r"func\.func @main\(", "func.func @main(%i: tensor<?xf32>, ", "has a size over symbol 0"),
                (r"nncc.stage = \"\w+\"", 'nncc.stage = "other"', "is of an unknown stage 'other'"),
                (r"(\n +)return ", r"\1%c = arith.constant dense<0.0> : tensor<2xf32>\1return ", "is not of dialect nn"),
                (r"(\n +)return ", r"\1%c = nn.constant dense_resource<gemm1.weight> : tensor<4xf32>\1return ",
                 "has 32768 bytes of data, expected 16"),
            )  # fmt: skip

    def test_kernels(self):
        self.check(
            "kernels",
            (r"module @(\w+) \{", "module {", "expects a kernel @contract_0 in a module of that name"),
            (r"(attributes \{)rt\.kernel", r"\1rt.other", "with 'rt.kernel'"),
            (r"(\n +)return ", r"\1%c = nn.exp %arg0 : (tensor<2x1x8x8xf32>) -> tensor<2x1x8x8xf32>\1return ",
             "is left in the program"),
        )  # fmt: skip

    def test_schedule(self):
        self.check(
            "schedule",
            (r"rt\.units = [^,}]*", 'rt.units = "many"', "expects a size in 'rt.units'"),
            (r"rt\.scratch = [^,}]*", "rt.other = 0 : i64", "expects a size in 'rt.scratch'"),
            (r"rt\.units = [^,}]*", "rt.units = affine_map<()[s0] -> (s0)>", "gives its kernel 0 sizes, which has 1 symbols"),
            (r"rt\.scratch = ", "rt.team = 0 : i64, rt.scratch = ", "expects a number of workers in 'rt.team'"),
            (r"rt\.buffer %arg0\[3\]", "rt.buffer %arg0[9]", "gives its kernel 4 buffers, which has 10 arguments"),
            (r"(\n +)(%\w+ = rt\.buffer)", r"\1%alloc = memref.alloc() : memref<4xf32>\1\2", "expected no allocation"),
        )  # fmt: skip

    def test_program(self):
        for stage in "program", "target":
            self.check(
                stage,
                (r"spaces \[0", "spaces [7", "expects spaces 0 (input) to 4 (pointer)"),
                (r"indices \[0", "indices [9", "has a buffer in input 9, of 1"),
                (r"spaces \[0, 3, 3, 2\] indices \[0, 0, 0, 0\] offsets \[0, 0",
                 "spaces [0, 3, 3, 2] indices [0, 0, 0, 0] offsets [0, -64", "outside of its memory"),
                (r"rt\.run @\w+", "rt.run @nothing", "runs a kernel that does not exist"),
                (r"rt\.result_names = \[\"logits\"\]", "rt.result_names = []", "expects a name in 'rt.result_names'"),
                (r"rt\.result_names = \[\"logits\"\]", "rt.result_names = [1]", "expects a name in 'rt.result_names'"),
                (r"rt\.result_types = \[[^\]]*\]", "rt.result_types = [tensor<2x10xindex>]", "tensors of numbers"),
                (r"rt\.result_types = \[[^\]]*\]", "rt.result_types = [f32]", "tensors of numbers"),
                (r"rt\.offset = \d+", "rt.offset = 1000000000000000", "expected a place from"),
                (r"rt\.weights_size = \d+", "rt.weights_size = 1000000000000000", "has weights of"),
                (r"rt\.units = [^,}]*", "rt.other = 1 : i64", "expects a size in 'rt.units'"),
                (r"spaces \[0, 3, 3, 2\] indices \[0, 0, 0, 0\] offsets (\[\d+, \d+, \d+, \d+\])",
                 r"spaces [0, 3, 3, 2] indices [0, 0, 0, 0] offsets \1 {starts = affine_map<()[s0] -> (s0, 0, 0, 0)>}"
                 " //", "has a size over symbol 0"),
            )  # fmt: skip

    def test_target(self):
        self.check(
            "target",
            (r"llvm\.func @(\w+)\(%arg0: !llvm\.ptr", r"llvm.func @\1(%more: i64, %arg0: !llvm.ptr", "of a kernel"),
            (r"llvm\.return %\w+ : i32", "%c9 = arith.constant 1 : i32 \n llvm.return %c9 : i32", "is not translated by this target"),
        )  # fmt: skip


if __name__ == "__main__":
    main()
