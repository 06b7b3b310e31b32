"""The emulator runs kernels rightly, and reports the wrong ones."""

import ctypes
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import ml_dtypes
import numpy

import cuda
import kernels

FOLDER = Path(__file__).resolve().parent
SCHEDULES = ["forward", "reverse", "random:1", "random:2"]

MMA_HALF = "llvm.nvvm.mma.m16n8k16.row.col.f16.f16"
PAIR, OPERANDS = "{<2 x half>, <2 x half>}", ", ".join(8 * ["<2 x half>"])
HALF_RESULT = f"""
  %near = getelementptr <2 x half>, ptr addrspace(1) %pd, i32 %lane
  %far = getelementptr <2 x half>, ptr addrspace(1) %near, i32 32
  %c0 = load <2 x half>, ptr addrspace(1) %near, align 4
  %c1 = load <2 x half>, ptr addrspace(1) %far, align 4
  %d = call {PAIR} @{MMA_HALF}(%ab% %a0, %ab% %a1, %ab% %a2, %ab% %a3, %ab% %b0, %ab% %b1, %ab% %c0, %ab% %c1)
  %d0 = extractvalue {PAIR} %d, 0
  %d1 = extractvalue {PAIR} %d, 1
  store <2 x half> %d0, ptr addrspace(1) %near, align 4
  store <2 x half> %d1, ptr addrspace(1) %far, align 4
  ret void
}}
"""


def words(seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng(seed).integers(-1000, 1000, 256).astype("i4")


class Right(unittest.TestCase):
    """Results, and that nothing is reported."""

    @classmethod
    def setUpClass(cls):
        cuda.start()
        cls.module = kernels.load("right")

    def run_kernel(self, name: str, block: int, grid: int = 1, source=None, shared: int = 0):
        """What a kernel makes of 256 words."""
        source = words() if source is None else source
        buffers = cuda.Buffer(source), cuda.Buffer(numpy.zeros(256, source.dtype))
        self.module.launch(name, grid, block, *buffers, shared=shared)
        result = buffers[1].read()
        for buffer in buffers:
            buffer.free()
        return result

    def test_elementwise(self):
        a, b = numpy.random.default_rng(0).standard_normal((2, 10007)).astype("f4")
        buffers = [cuda.Buffer(x) for x in (a, b, numpy.zeros_like(a))]
        kernels.load("elementwise").launch("add", 7, 128, *buffers, len(a))
        numpy.testing.assert_array_equal(buffers[2].read(), a + b)

    def test_reduction(self):
        kernels.reduce("reduce")
        kernels.reduce("tree")

    def test_async_copies(self):
        kernels.buffered()
        kernels.hand_over()

    def test_exchange(self):
        numpy.testing.assert_array_equal(self.run_kernel("exchange", 256), numpy.arange(256) ^ 1)

    def test_bytes(self):
        expected = numpy.arange(256, dtype="u1").view("i4").repeat(4)
        numpy.testing.assert_array_equal(self.run_kernel("bytes_beside", 256), expected)

    def test_handover(self):
        result = self.run_kernel("handover", 128)
        numpy.testing.assert_array_equal(result[:64], numpy.arange(64)[::-1])

    def test_atomics(self):
        self.assertEqual(self.run_kernel("count", 64, 5)[0], 320)

    def test_generic_pointers(self):
        expected = words()[::-1] + numpy.arange(256) % 4 + 1
        result = self.run_kernel("generic", 256, shared=1024)
        numpy.testing.assert_array_equal(result, expected)

    def test_warp_operations(self):
        x = words()[:32]
        lanes = numpy.arange(32)
        odd = x & 1
        ballot = int((odd << lanes.astype("i8")).sum())
        same = [sum(1 << int(i) for i in lanes[x & 3 == value]) for value in x & 3]
        expected = [
            numpy.full(32, ballot, "u4").view("i4"),
            numpy.full(32, x.sum()),
            x[numpy.where(lanes + 3 < 32, lanes + 3, lanes)],
            x[numpy.where(lanes >= 5, lanes - 5, lanes)],
            lanes >= 5,
            x[lanes // 8 * 8],
            numpy.array(same, "u4").view("i4"),
            numpy.full(32, odd.sum()),
        ]
        result = self.run_kernel("warp", 32).reshape(32, 8)
        numpy.testing.assert_array_equal(result, numpy.stack(expected, 1))

    def test_dot(self):
        x = numpy.random.default_rng(1).integers(-(2**31), 2**31, 256).astype("i4")
        a, b = x.view("i1").reshape(-1, 4).astype("i4"), (~x).view("u1").reshape(-1, 4)
        numpy.testing.assert_array_equal(self.run_kernel("dot", 256, source=x), (a * b).sum(1) + 7)

    def test_math(self):
        x = numpy.linspace(-30, 30, 256, dtype="f4")
        wide = numpy.exp2(x.astype("f8")) / (x.astype("f8") ** 2 + 1)
        result = self.run_kernel("math", 256, source=x)
        numpy.testing.assert_allclose(result, wide, rtol=3e-7)

    def test_products(self):
        """Of each type, with numbers whose sums are exact."""
        bf16 = ml_dtypes.bfloat16
        for mma, a_type, b_type, c, operand in (
            ("m16n8k16.row.col.f32.f32", "f2", "f2", "float", "<2 x half>"),
            ("m16n8k16.row.col.bf16", bf16, bf16, "float", "i32"),
            ("m16n8k8.row.col.tf32", "f4", "f4", "float", "i32"),
            ("m16n8k32.row.col.s8", "i1", "i1", "i32", "i32"),
            ("m16n8k32.row.col.u8", "u1", "u1", "i32", "i32"),
            ("m16n8k32.row.col.u8.s8", "u1", "i1", "i32", "i32"),
        ):
            with self.subTest(mma):
                text = (kernels.FOLDER / "matrix.ll").read_text()
                for word, value in {"mma": mma, "ab": operand, "c": c}.items():
                    text = text.replace(f"%{word}%", value)
                random = numpy.random.default_rng(2)
                k = 32 // numpy.dtype(a_type).itemsize
                a = random.integers(0 if a_type == "u1" else -100, 100, (16, k)).astype(a_type)
                b = random.integers(0 if b_type == "u1" else -100, 100, (8, k)).astype(b_type)
                d = random.integers(-100, 100, (16, 8)).astype("f4" if c == "float" else "i4")
                buffers = [cuda.Buffer(x.view("u1")) for x in (a, b)] + [cuda.Buffer(d)]
                cuda.Module(kernels.assemble(text)).launch("multiply", 1, 32, *buffers)
                expected = a.astype("f8") @ b.astype("f8").T + d
                numpy.testing.assert_array_equal(buffers[2].read(), expected)

    def test_half_accumulators(self):
        """The matrix kernel, with d in two words of two halves."""
        text = (kernels.FOLDER / "matrix.ll").read_text()
        declaration = f"declare {PAIR} @{MMA_HALF}({OPERANDS})"
        text = re.sub("^declare .*%mma%.*$", declaration, text, flags=re.M)
        text = text[: text.index("  ; c and d")] + HALF_RESULT
        text = text.replace("%ab%", "<2 x half>")
        random = numpy.random.default_rng(3)
        a, b, d = (random.integers(-9, 9, shape).astype("f2") for shape in ((16, 16), (8, 16), (16, 8)))
        buffers = [cuda.Buffer(x) for x in (a, b, d)]
        cuda.Module(kernels.assemble(text)).launch("multiply", 1, 32, *buffers)
        numpy.testing.assert_array_equal(buffers[2].read(), a.astype("f8") @ b.T + d)

    def test_transpose(self):
        x = numpy.arange(64, dtype="i2").reshape(8, 8)
        buffers = cuda.Buffer(x), cuda.Buffer(numpy.zeros_like(x))
        kernels.load("transpose").launch("transpose", 1, 32, *buffers)
        numpy.testing.assert_array_equal(buffers[1].read(), x.T)


class Driver(unittest.TestCase):
    """What the driver offers besides."""

    @classmethod
    def setUpClass(cls):
        cuda.start()

    def test_addresses_of_functions(self):
        for name, exported in (("cuMemAlloc", "cuMemAlloc_v2"), ("cuLaunchKernel", "cuLaunchKernel")):
            function, status = ctypes.c_void_p(), ctypes.c_int()
            cuda.call("cuGetProcAddress_v2", name.encode(), ctypes.byref(function), 12080,
                      ctypes.c_uint64(), ctypes.byref(status))  # fmt: skip
            there = ctypes.cast(getattr(cuda.LIBRARY, exported), ctypes.c_void_p)
            self.assertEqual(function.value, there.value)
        with self.assertRaises(cuda.Error):
            cuda.call("cuGetProcAddress_v2", b"cuNothing", ctypes.byref(function), 12080,
                      ctypes.c_uint64(), ctypes.byref(status))  # fmt: skip

    def test_graph(self):
        """A captured launch runs when the graph is launched, as often as it is."""
        stream, graph, executable = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        module, out = kernels.load("right"), cuda.Buffer(numpy.zeros(256, "i4"))
        cuda.call("cuStreamCreate", ctypes.byref(stream), 1)
        cuda.call("cuStreamBeginCapture_v2", stream, 0)
        with self.assertRaises(cuda.Error):
            cuda.Buffer(words())
        module.launch("count", 2, 32, out, out, stream=stream)
        cuda.call("cuStreamEndCapture", stream, ctypes.byref(graph))
        cuda.call("cuGraphInstantiateWithFlags", ctypes.byref(executable), graph, ctypes.c_uint64())
        cuda.call("cuGraphDestroy", graph)
        self.assertEqual(out.read()[0], 0)
        for _ in range(3):
            cuda.call("cuGraphLaunch", executable, stream)
        cuda.call("cuStreamSynchronize", stream)
        self.assertEqual(out.read()[0], 192)
        cuda.call("cuGraphExecDestroy", executable)
        cuda.call("cuStreamDestroy_v2", stream)

    def test_new_memory_is_poison(self):
        address, words = ctypes.c_uint64(), numpy.zeros(4, "f4")
        cuda.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(16))
        cuda.call("cuMemcpyDtoH_v2", ctypes.c_void_p(words.ctypes.data), address, ctypes.c_size_t(16))
        self.assertTrue(numpy.isnan(words).all())
        with self.assertRaises(cuda.Error):  # more than there is
            cuda.call("cuMemcpyHtoD_v2", address, ctypes.c_void_p(words.ctypes.data), ctypes.c_size_t(17))

    def test_unknown_intrinsic(self):
        name = "llvm.nvvm.wgmma.fence.sync.aligned"
        text = f"""target triple = "nvptx64-nvidia-cuda"
            declare void @{name}()
            define ptx_kernel void @k() {{
              call void @{name}()
              ret void
            }}"""
        with self.assertRaisesRegex(cuda.Error, re.escape(name)):
            cuda.Module(kernels.assemble(text))
        log, handle = ctypes.create_string_buffer(256), ctypes.c_void_p()
        options = (ctypes.c_int * 2)(5, 6)
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
        image = ctypes.c_char_p(kernels.assemble(text))
        result = cuda.LIBRARY.cuModuleLoadDataEx(ctypes.byref(handle), image, 2, options, values)
        self.assertEqual(result, 200)
        self.assertIn(name, log.value.decode())

    def test_wrong_image(self):
        with self.assertRaisesRegex(cuda.Error, "no LLVM bitcode"):
            cuda.Module(b".version 8.0\n" + bytes(64))

    def test_wrong_image_is_refused_quietly(self):
        program = "import cuda; cuda.start(); cuda.Module(b'.version 8.0' + bytes(64))"
        run = subprocess.run([sys.executable, "-c", program], cwd=FOLDER, capture_output=True, text=True)
        self.assertIn("no LLVM bitcode", run.stderr)  # of the exception
        self.assertNotIn("emulator: the image", run.stderr)


class Wrong(unittest.TestCase):
    """Every mistake is reported, with the kernel and what it did."""

    # kernel, threads, blocks: a part of the report
    CASES = {
        ("all_write", 64, 1): r"race on shared memory .*writes 4 bytes at tile\+0\n.*wrote them",
        ("no_warp_sync", 256, 1): r"race on shared memory .*thread \(\d+, 0, 0\)",
        ("shuffle_between", 32, 1): r"race on shared memory .*thread \(\d+, 0, 0\) wrote them",
        ("warp_sync_only", 256, 1): r"race on shared memory .*4 bytes at tile\+",
        ("write_after_read", 256, 1): r"race on shared memory .*(tile\+0)",
        ("uninitialized", 32, 1): r"uninitialized shared memory .*at tile\+",
        ("blocks_write", 32, 2): r"race on global memory .*another block wrote",
        ("block_reads_block", 1, 4): r"race on global memory .*another block (read|wrote)",
        ("threads_write", 64, 1): r"race on global memory .*allocation of 1024 bytes\+",
        ("beyond_global", 256, 1): r"out of bounds .*allocation of 1024 bytes\+1024\n.*%x = load i32",
        ("half_beyond", 1, 1): r"out of bounds .*reads 16 bytes at allocation of 1024 bytes\+1016",
        ("misaligned", 1, 1): r"misaligned access .*no multiple of 16",
        ("beyond_shared", 256, 1): r"shared memory out of bounds .*writes 4 bytes",
        ("beyond_dynamic", 256, 1): r"shared memory out of bounds .*dynamic shared memory\+",
        ("exited", 64, 1): r"divergence .*48 threads wait at call .*barrier.*16 threads have exited",
        ("two_barriers", 64, 1): r"divergence .*waits at another",
        ("shuffle_exited", 32, 1): r"divergence .*(lanes|threads).* have exited",
        ("in_flight", 32, 1): r"asynchronous copy in flight .*tile\+",
        ("gives_up", 1, 1): r"trap in kernel gives_up",
    }

    def setUp(self):
        cuda.start()
        self.module = kernels.load("wrong")
        self.buffers = cuda.Buffer(words()), cuda.Buffer(numpy.zeros(256, "i4"))

    def launch(self, kernel: str, threads: int, blocks: int = 1) -> None:
        """The context, which a report breaks, is a new one afterwards."""
        shared = 256 if kernel == "beyond_dynamic" else 0
        try:
            self.module.launch(kernel, blocks, threads, *self.buffers, shared=shared)
        finally:
            broken = cuda.LIBRARY.cuCtxSynchronize()
            while cuda.LIBRARY.cuDevicePrimaryCtxRelease_v2(0) == 0:
                pass
            cuda.start()
        self.assertFalse(broken)

    def test_reports(self):
        for (kernel, threads, blocks), pattern in self.CASES.items():
            with self.subTest(kernel), self.assertRaises(cuda.Error) as caught:
                self.launch(kernel, threads, blocks)
            self.assertIn(f"in kernel {kernel}", str(caught.exception))
            self.assertRegex(str(caught.exception), re.compile(pattern, re.S))

    def test_freed_memory(self):
        self.buffers[0].free()
        with self.assertRaisesRegex(cuda.Error, "use of freed global memory"):
            self.launch("read_all", 32)

    def test_memory_of_the_host(self):
        self.buffers = ctypes.c_uint64(words().ctypes.data), self.buffers[1]
        with self.assertRaisesRegex(cuda.Error, "address out of bounds"):
            self.launch("read_all", 32)


class Mutation(unittest.TestCase):
    """mutate.py misses every synchronisation of kernels that need all of them."""

    def mutate(self, program: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, FOLDER / "mutate.py", sys.executable, FOLDER / "kernels.py", program],
            capture_output=True, text=True)  # fmt: skip

    def test_needed(self):
        for program, sites in (("reduce", 1), ("tree", 2), ("buffered", 5), ("hand_over", 3)):
            with self.subTest(program):
                result = self.mutate(program)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn(f"{sites} sites, 0 redundant, 0 not reached", result.stdout)


def main() -> None:
    """In every schedule, each in a process of its own."""
    if "NNCC_EMULATOR_SCHEDULE" in os.environ:
        unittest.main()
    codes = []
    for schedule in SCHEDULES:
        tests = [] if schedule == SCHEDULES[0] else ["Right", "Wrong"]
        environment = {**os.environ, "NNCC_EMULATOR_SCHEDULE": schedule}
        codes.append(subprocess.run([sys.executable, __file__, *tests], env=environment).returncode)
    sys.exit(max(codes))


if __name__ == "__main__":
    main()
