"""Models whose sizes are known only when they run: written as IR of stage `schedule`, compiled, and
compared with NumPy at many sizes."""

import re
import resource
import sys
from pathlib import Path

import numpy as np
from support import NNCC, ToolTest, main

sys.path.insert(0, str(Path(NNCC).resolve().parent.parent / "lib" / "python"))
import nncc  # noqa: E402

# y[i] = x[i] + z[i] on flat buffers of one size; a unit is a row of 4.
ADD = """
module @add {
  func.func @add(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32 attributes {
      rt.kernel, rt.units = affine_map<()[s0] -> (s0)>, rt.scratch = 0 : i64} {
    %one = arith.constant 1 : index
    %four = arith.constant 4 : index
    %x = rt.buffer %call[0] : !llvm.ptr -> memref<?xf32>
    %z = rt.buffer %call[1] : !llvm.ptr -> memref<?xf32>
    %y = rt.buffer %call[2] : !llvm.ptr -> memref<?xf32>
    %from = arith.muli %begin, %four : index
    %to = arith.muli %end, %four : index
    scf.for %i = %from to %to step %one {
      %a = memref.load %x[%i] : memref<?xf32>
      %b = memref.load %z[%i] : memref<?xf32>
      %c = arith.addf %a, %b : f32
      memref.store %c, %y[%i] : memref<?xf32>
    }
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}
"""
# The sums of x[batch, seq] along seq, through scratch of one row; a unit is a row.
SUMS = """
module @sums {
  func.func @sums(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32 attributes {
      rt.kernel, rt.units = affine_map<()[s0, s1] -> (s0)>,
      rt.scratch = affine_map<()[s0, s1] -> (s1 * 4 + 64)>} {
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %none = arith.constant 0.0 : f32
    %width = rt.dim %call[1] : !llvm.ptr -> index
    %x = rt.buffer %call[0] : !llvm.ptr -> memref<?xf32>
    %y = rt.buffer %call[1] : !llvm.ptr -> memref<?xf32>
    %row = rt.scratch %call, %worker + %zero : !llvm.ptr -> memref<?xf32>
    scf.for %u = %begin to %end step %one {
      %first = arith.muli %u, %width : index
      %all = scf.for %i = %zero to %width step %one iter_args(%sum = %none) -> f32 {
        %at = arith.addi %first, %i : index
        %a = memref.load %x[%at] : memref<?xf32>
        %next = arith.addf %sum, %a : f32
        memref.store %next, %row[%i] : memref<?xf32>
        scf.yield %next : f32
      }
      scf.for %i = %zero to %width step %one {
        %at = arith.addi %first, %i : index
        %a = memref.load %row[%i] : memref<?xf32>
        memref.store %a, %y[%at] : memref<?xf32>
      }
    }
    %ok = arith.constant 0 : i32
    return %ok : i32
  }
}
"""
# %a .. %d need three slots at a time; %flat has a size that is a product.
MODEL = f"""
module attributes {{nncc.stage = "schedule"}} {{
  func.func @main(
      %x: tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>> {{nn.name = "x"}},
      %z: tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>> {{nn.name = "z"}})
      -> (tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 * s1, 4)>> {{nn.name = "y"}})
      attributes {{nn.dims = ["batch", "seq"]}} {{
    %c = nn.constant dense<0.5> : tensor<4xf32>
    %a = rt.dispatch @add(%x, %z) {{nodes = "A", dims = affine_map<()[s0, s1] -> (s0 * s1)>}}
      : (tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>,
         tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>)
      -> tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
    %wide = rt.view %a : tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
      -> tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 4)>>
    %b = rt.dispatch @sums(%wide) {{nodes = "B", dims = affine_map<()[s0, s1] -> (s0, s1 * 4)>}}
      : (tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 4)>>)
      -> tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 4)>>
    %narrow = rt.view %b : tensor<?x?xf32, affine_map<()[s0, s1] -> (s0, s1 * 4)>>
      -> tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
    %d = rt.dispatch @add(%narrow, %a) {{nodes = "D", dims = affine_map<()[s0, s1] -> (s0 * s1)>}}
      : (tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>,
         tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>)
      -> tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
    %e = rt.dispatch @add(%d, %x) {{nodes = "E", dims = affine_map<()[s0, s1] -> (s0 * s1)>}}
      : (tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>,
         tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>)
      -> tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
    %flat = rt.view %e : tensor<?x?x4xf32, affine_map<()[s0, s1] -> (s0, s1, 4)>>
      -> tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 * s1, 4)>>
    return %flat : tensor<?x4xf32, affine_map<()[s0, s1] -> (s0 * s1, 4)>>
  }}
  {ADD}
  {SUMS}
}}
"""
# The last row of x + x, added to itself: a view from an element that depends on the size.
LAST = f"""
module attributes {{nncc.stage = "schedule"}} {{
  func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>> {{nn.name = "x"}})
      -> (tensor<4xf32> {{nn.name = "y"}}) attributes {{nn.dims = ["rows"]}} {{
    %a = rt.dispatch @add(%x, %x) {{dims = affine_map<()[s0] -> (s0)>}}
      : (tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>,
         tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>)
      -> tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
    %last = rt.view %a {{start = affine_map<()[s0] -> (s0 * 4 - 4)>}}
      : tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>> -> tensor<4xf32>
    %y = rt.dispatch @add(%last, %last) {{dims = affine_map<()[s0] -> (1)>}}
      : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  }}
  {ADD}
}}
"""


def expected(x, z):
    a = x + z
    rows = a.reshape(x.shape[0], x.shape[1] * 4)
    b = np.cumsum(rows, axis=1, dtype=np.float32).reshape(a.shape)
    return (b + a + x).reshape(-1, 4)


def arrays(batch, seq, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(-8, 8, (batch, seq, 4)).astype(np.float32) for _ in range(2)]


class DynamicTest(ToolTest):
    def build(self, text, *options):
        (self.folder / "m.mlir").write_text(text)
        self.nncc("m.mlir", "-o", "m.so", *options)
        return self.folder / "m.so"


class Sizes(DynamicTest):
    def test_against_numpy(self):
        model = nncc.Model(self.build(MODEL), threads=2)
        for batch, seq in [(1, 1), (3, 5), (2, 700), (64, 64), (1, 2), (0, 7), (7, 0), (3, 5)]:
            with self.subTest(batch=batch, seq=seq):
                x, z = arrays(batch, seq)
                np.testing.assert_array_equal(model(x, z)[0], expected(x, z))

    def test_every_stage_resumes(self):
        whole = self.build(MODEL).read_bytes()
        for stage in ("program", "target"):
            self.nncc("m.mlir", f"--stop-after={stage}", "-o", f"{stage}.mlir")
            self.nncc(f"{stage}.mlir", "-o", "resumed.so", "--name=m")
            self.assertEqual((self.folder / "resumed.so").read_bytes(), whole)

    def test_start_of_a_view(self):
        model = nncc.Model(self.build(LAST))
        for rows in (1, 2, 33):
            x = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4)
            np.testing.assert_array_equal(model(x)[0], 4 * x[-1])
        with self.assertRaisesRegex(Exception, "does not accept these sizes: rows = 0"):
            model(np.zeros((0, 4), np.float32))

    def test_many_shapes_take_no_memory(self):
        model = nncc.Model(self.build(MODEL), threads=1)
        model(*arrays(40, 40))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for i in range(1000):
            model(*arrays(1 + i % 40, 1 + i // 25 % 40))
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 4096)


class Errors(DynamicTest):
    def test_two_sizes_of_one_dim(self):
        model = nncc.Model(self.build(MODEL))
        x, z = arrays(2, 3)
        with self.assertRaisesRegex(Exception, "input 'z'.*'seq' is 4 here, but 3 in input 'x'"):
            model(x, np.zeros((2, 4, 4), np.float32))

    def test_larger_than_memory(self):
        self.build(MODEL)
        for dims in (["batch=1", f"seq={1 << 46}"], [f"batch={1 << 40}", f"seq={1 << 40}"]):
            options = [f"--dim={dim}" for dim in dims]
            self.nncc("inspect", "m.so", *options, code=1, error="these sizes are not possible")

    def test_symbol_without_a_value(self):
        (self.folder / "m.mlir").write_text(LAST.replace('["rows"]', "[]"))
        self.nncc("m.mlir", code=2, error="has a size over symbol 0, but 'nn.dims' of the program")

    def test_too_few_sizes_of_a_kernel(self):
        text = LAST.replace("dims = affine_map<()[s0] -> (1)>", "dims = affine_map<() -> ()>")
        (self.folder / "m.mlir").write_text(text)
        self.nncc("m.mlir", code=2, error="gives its kernel 0 sizes, which has 1 symbols")


class Tool(DynamicTest):
    def test_inspect(self):
        self.build(MODEL)
        text = self.nncc("inspect", "m.so")
        self.assertIn("x: float32[batch, seq, 4]", text)
        self.assertIn("y: float32[batch*seq, 4]", text)
        self.assertIn("batch: 0 to any", text)
        self.assertIn("depends on the sizes", text)
        text = self.nncc("inspect", "m.so", "--dim=batch=2", "--dim=seq=3")
        # %a, %b and %d live together: 2 * 3 * 4 floats, rounded up, and 64 bytes behind each
        self.assertIn("arena_bytes 576", text)
        self.assertIn("scratch_bytes_per_thread 112", text)

    def test_sizes_that_others_give(self):
        (self.folder / "m.mlir").write_text(MODEL)
        self.nncc("m.mlir", "--stop-after=program", "-o", "p.mlir")
        program = (self.folder / "p.mlir").read_text()
        types = re.search(r"rt.result_types = \[(.*?)\]", program).group(1)
        for size, text in (
            ("s0 * 2 + 1", "2*batch + 1"),
            ("s1 - 3", "seq - 3"),
            ("(s0 + s1) * 4", "4*batch + 4*seq"),
            ("(s1 + 1) floordiv 2", "floor((seq + 1)/2)"),
            ("s0 * s1 ceildiv 8", "ceil(batch*seq/8)"),
            ("s1 mod 7 + 2", "seq mod 7 + 2"),
        ):
            new = f"tensor<?x4xf32, affine_map<()[s0, s1] -> ({size}, 4)>>"
            with self.subTest(size):
                (self.folder / "m.mlir").write_text(program.replace(f"[{types}]", f"[{new}]"))
                self.nncc("m.mlir", "-o", "m.so")
                self.assertIn(f"y: float32[{text}, 4]", self.nncc("inspect", "m.so"))

    def test_run_and_bench(self):
        self.build(MODEL)
        self.assertIn("y: float32[6, 4]", self.nncc("run", "m.so", "--input=x=2x3x4", "--input=z=2x3x4"))
        self.nncc("bench", "m.so", "--dim=batch=2", "--dim=seq=3", "--iterations=1", "--warmup=0")
        self.nncc("bench", "m.so", "--dim=batch=2", code=1, error="--dim=seq=<size>")


if __name__ == "__main__":
    main()
