"""The Python package, on the libraries that CMakeLists.txt makes: their folder is $NNCC_TEST_MODELS."""

import ctypes
import gc
import os
import pathlib
import stat
import tempfile
import threading
import time
import unittest
from unittest import mock

import numpy as np

import nncc

MODELS = pathlib.Path(os.environ["NNCC_TEST_MODELS"])
W = np.array([1, 2, 3, 4], dtype=np.float32)
ENDLESS = 1e30  # as x[0, 0]: see model.h


def arguments(rows):
    x = np.arange(rows * 4, dtype=np.float32).reshape(rows, 4) % 7
    y = np.ones((rows, 4), dtype=np.float32)
    z = (x * W + y) * 2 + np.float32(0.5)
    return x, y, z, np.repeat(z.sum(axis=1), 2)


class OnDevice:
    """What a framework's tensor on a GPU says of itself."""

    def __dlpack__(self, **_):
        raise AssertionError("asked for its memory")

    def __dlpack_device__(self):
        return 2, 0


class OnlyDLPack:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class TestModel(unittest.TestCase):
    def setUp(self):
        self.model = nncc.load(MODELS / "embedded.so", threads=2)

    def test_description(self):
        self.assertEqual([i.name for i in self.model.inputs], ["x", "y"])
        self.assertEqual(self.model.inputs[0].shape, ("batch", 4))
        self.assertEqual(self.model.outputs[1].shape, (None,))
        self.assertEqual(self.model.outputs[0].dtype, np.float32)
        self.assertEqual(self.model.metadata, {"author": "test", "task": "arithmetic"})
        self.assertIn("x: float32[batch,4]", repr(self.model))

    def test_by_position(self):
        for rows in (3, 1, 0, 200):
            x, y, z, pairs = arguments(rows)
            outputs = self.model(x, y)
            self.assertIsInstance(outputs, list)
            np.testing.assert_array_equal(outputs[0], z)
            np.testing.assert_array_equal(outputs[1], pairs)
            self.assertFalse(any(output.ctypes.data % 64 for output in outputs if output.size))

    def test_by_name(self):
        x, y, z, pairs = arguments(5)
        given = {"x": x, "y": y}
        for outputs in (self.model(y=y, x=x), self.model(given), self.model.run(given)):
            self.assertEqual(list(outputs), ["z", "pairs"])
            np.testing.assert_array_equal(outputs["z"], z)
            np.testing.assert_array_equal(outputs["pairs"], pairs)

    def test_what_numpy_understands(self):
        x, y, z, _ = arguments(4)
        strided = np.asfortranarray(x)
        readonly = y.copy()
        readonly.flags.writeable = False
        variants = [
            (x.tolist(), y.tolist()),
            (strided, readonly),
            (x.astype(">f4"), y[::-1]),
            (OnlyDLPack(x), OnlyDLPack(y)),
            (memoryview(x), y),
        ]
        for variant in variants:
            with self.subTest(type(variant[0])):
                np.testing.assert_array_equal(self.model(*variant)[0], z)

    def test_into_given_outputs(self):
        x, y, z, _ = arguments(6)
        mine = np.zeros((6, 4), dtype=np.float32)
        outputs = self.model.run([x, y], {"z": mine})
        self.assertIs(outputs[0], mine)
        np.testing.assert_array_equal(mine, z)
        for wrong in (np.zeros((5, 4), np.float32), np.zeros((6, 4)), np.zeros((4, 6), np.float32).T):
            with self.assertRaisesRegex(nncc.Error, "'z'"):
                self.model.run([x, y], {"z": wrong})
        with self.assertRaisesRegex(nncc.Error, "q"):
            self.model.run([x, y], {"q": mine})
        with self.assertRaisesRegex(nncc.Error, "shares memory"):
            self.model.run([x, y], {"z": x})

    def test_bound_arguments(self):
        x, y, z, _ = arguments(6)
        mine = np.zeros((6, 4), dtype=np.float32)
        run = self.model.bind({"x": x, "y": y}, {"z": mine})
        self.assertIs(run()[0], mine)
        np.testing.assert_array_equal(mine, z)
        before = z.copy()
        self.model(*arguments(3)[:2])  # other sizes in between
        x *= 2
        self.assertIs(run()[0], mine)
        np.testing.assert_array_equal(mine, self.model(x, y)[0])
        self.assertFalse(np.array_equal(mine, before))
        with self.assertRaisesRegex(nncc.Error, "expected 2 inputs"):
            self.model.bind([x])

    def assertFails(self, text, status, *inputs, **named):
        with self.assertRaisesRegex(nncc.Error, text) as caught:
            self.model(*inputs, **named)
        self.assertEqual(caught.exception.status, status)

    def test_errors(self):
        x, y, _, _ = arguments(4)
        invalid = nncc.Status.INVALID_ARGUMENT
        self.assertFails("expected 2 inputs.*found 1", invalid, x)
        self.assertFails("'y'.*float64", invalid, x, y.astype(np.float64))
        self.assertFails("'batch' is 3 here, but 4", invalid, x, y[:3])
        self.assertFails("missing \\['y'\\]", invalid, x=x)
        self.assertFails("not both", invalid, x, y=y)
        self.assertFails("device", invalid, OnDevice(), y)
        self.assertFails("'x'", invalid, [["a"]], y)
        self.assertFails("node 'Mul_0'", nncc.Status.DATA_ERROR, x * np.float32(np.nan), y)

    def test_cancel_and_threads(self):
        x, y, z, _ = arguments(4)
        instance, endless = self.model.instance(threads=2), x.copy()
        endless[0, 0] = ENDLESS
        stop = threading.Event()

        def cancel():
            while not stop.wait(0.02):
                instance.cancel()

        other = threading.Thread(target=cancel)
        other.start()
        try:
            with self.assertRaises(nncc.Error) as caught:
                instance(endless, y)
        finally:
            stop.set()
            other.join()
        self.assertEqual(caught.exception.status, nncc.Status.CANCELLED)
        np.testing.assert_array_equal(instance(x, y)[0], z)

        wrong = []

        def use():
            for _ in range(50):
                if not np.array_equal(self.model(x, y)[0], z):
                    wrong.append(1)

        users = [threading.Thread(target=use) for _ in range(4)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        self.assertFalse(wrong)

    def test_profile(self):
        x, y, _, _ = arguments(50)
        instance = self.model.instance(profile=True, threads=1)
        for _ in range(3):
            instance(x, y)
        whole, first, second = instance.profile()
        self.assertEqual((first.kernel, first.nodes), ("multiply_add", ("Mul_0", "Add_1")))
        self.assertEqual((whole.count, first.count, second.count), (3, 3, 3))
        self.assertLessEqual(first.total_ns + second.total_ns, whole.total_ns)
        self.assertGreaterEqual(instance.workspace_size, 50 * 16)
        instance.reset_profile()
        self.assertEqual(instance.profile()[0].count, 0)
        with self.assertRaises(nncc.Error):
            self.model.profile()

    def test_instance_outlives_model(self):
        x, y, z, _ = arguments(2)
        instance = nncc.load(MODELS / "embedded.so").instance(threads=1)
        gc.collect()
        np.testing.assert_array_equal(instance(x, y)[0], z)


class TestTypes(unittest.TestCase):
    def test_all_types_come_back(self):
        import ml_dtypes

        given = {
            "brain": np.array([1.5, -2, 3], dtype=ml_dtypes.bfloat16),
            "nibbles": np.array([-8, 7, 0, -1, 3], dtype=ml_dtypes.int4),
            "flag": np.True_,
            "table": [[1, 2, 3], [4, 5, -6]],
            "half": np.array([0.5, -65504], dtype=np.float16),
            "crumbs": np.array([-2, 1, 0, -1, 1], dtype=ml_dtypes.int2),
            "sixths": np.array([-28, 0.0625, 3, -1, 20], dtype=ml_dtypes.float6_e3m2fn),
            "powers": np.array([0.25, 2.0**127, 1], dtype=ml_dtypes.float8_e8m0fnu),
        }
        outputs = nncc.load(MODELS / "echo.so")(**given)
        for name, value in given.items():
            with self.subTest(name):
                array = np.asarray(value)
                self.assertEqual(outputs[name].dtype, array.dtype)
                self.assertEqual(outputs[name].shape, array.shape)
                np.testing.assert_array_equal(
                    outputs[name].astype(np.float64), array.astype(np.float64)
                )


class TestLoad(unittest.TestCase):
    def test_errors(self):
        for name, status in (
            ("none.so", nncc.Status.IO_ERROR),
            ("foreign.so", nncc.Status.ABI_MISMATCH),
            ("major.so", nncc.Status.ABI_MISMATCH),
            ("strange-isa.so", nncc.Status.ISA_MISSING),
            ("file.so", nncc.Status.IO_ERROR),
        ):
            with self.subTest(name), self.assertRaisesRegex(nncc.Error, "[a-z]") as caught:
                nncc.load(MODELS / name)
            self.assertEqual(caught.exception.status, status)

    def test_options(self):
        self.assertEqual(nncc.load(str(MODELS / "two.so"), symbol="nncc_model_other").name, "small")
        nncc.load(MODELS / "strange-isa.so", any_isa=True)
        self.assertEqual(nncc.load(MODELS / "embedded.so", threads=3).instance().threads, 3)


class TestCompile(unittest.TestCase):
    """With a stand-in for the compiler: what is asked of it, and what its answers become."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.compiler("exit 0")

    def compiler(self, script):
        tool = self.folder / "nncc"
        tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{self.folder}/arguments"\n{script}\n')
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        patch = mock.patch.dict(os.environ, {"NNCC": str(tool)})
        patch.start()
        self.addCleanup(patch.stop)

    def test_arguments(self):
        path = nncc.compile("a b.onnx", O=3, target_cpu="x86-64-v4", verbose=True, quiet=False,
                            insert=["p", "q"])
        self.assertEqual(path, "a b.so")
        self.assertEqual(
            (self.folder / "arguments").read_text().splitlines(),
            ["a b.onnx", "-o", "a b.so", "-O3", "--target-cpu=x86-64-v4", "--verbose",
             "--insert=p", "--insert=q"],
        )

    def test_failure(self):
        self.compiler("echo 'net.onnx: node X: not supported' >&2; exit 3")
        with self.assertRaisesRegex(nncc.CompileError, "node X") as caught:
            nncc.compile("net.onnx", output=self.folder / "net.so")
        self.assertEqual(caught.exception.exit_code, 3)
        self.assertEqual(caught.exception.status, nncc.Status.NOT_SUPPORTED)

    def test_no_compiler(self):
        with mock.patch.dict(os.environ, {"NNCC": "/no/such/nncc"}):
            with self.assertRaises(nncc.Error) as caught:
                nncc.compile("net.onnx")
        self.assertEqual(caught.exception.status, nncc.Status.IO_ERROR)

    def test_compile_load_run(self):
        self.compiler(f'cp "{MODELS}/embedded.so" "$3"')
        x, y, z, _ = arguments(3)
        model = nncc.load(nncc.compile("net.onnx", output=self.folder / "net.so"))
        np.testing.assert_array_equal(model(x, y)[0], z)

    def test_onnx_backend(self):
        try:
            import onnx.helper
        except ImportError:
            self.skipTest("needs onnx")
        self.compiler(f'cp "{MODELS}/embedded.so" "$3"')
        x, y, z, pairs = arguments(3)
        backend = nncc.backend
        self.assertTrue(backend.supports_device("CPU"))
        self.assertFalse(backend.supports_device("CUDA:0"))
        model = onnx.ModelProto(ir_version=10)
        outputs = backend.prepare(model, threads=2).run([x, y])
        np.testing.assert_array_equal(outputs[0], z)
        np.testing.assert_array_equal(outputs.pairs, pairs)
        np.testing.assert_array_equal(backend.run_model(model, {"x": x, "y": y}).z, z)
        node = onnx.helper.make_node("Add", ["x", "y"], ["z"])
        np.testing.assert_array_equal(backend.run_node(node, [x, y])[0], z)
        with self.assertRaises(ValueError):
            backend.prepare(model, "CUDA")


class TestValues(unittest.TestCase):
    """values_model.c: what comes out is what went in."""

    def setUp(self):
        self.model = nncc.load(MODELS / "values.so", threads=1)

    def given(self, **changes):
        values = {
            "s": [np.ones((2, 3), np.float32), np.zeros((0, 3), np.float32)],
            "o": np.arange(2),
            "t": np.array([["a", "b\0"], ["", "\N{EURO SIGN}"]], dtype=object),
            "q": [np.array("x", dtype=object), np.array(["y", "z"])],
            "n": [np.array([1, -2, 3]).astype("int4"), np.array([[4]]).astype("int4")],
            "x": np.arange(2, dtype=np.float32),
        }
        return {**values, **changes}

    def check(self, **changes):
        given = self.given(**changes)
        found = self.model.run(given)
        self.assertEqual(list(found), list(given))
        for name, value in given.items():
            with self.subTest(name):
                self.compare(found[name], value)
        return found

    def compare(self, found, wanted):
        if isinstance(wanted, list):
            self.assertIsInstance(found, list)
            self.assertEqual(len(found), len(wanted))
            for pair in zip(found, wanted):
                self.compare(*pair)
        elif wanted is None:
            self.assertIsNone(found)
        else:
            np.testing.assert_array_equal(found, wanted, strict=np.asarray(wanted).dtype.kind != "U")

    def test_description(self):
        infos = {i.name: i for i in self.model.inputs}
        self.assertEqual(infos["s"].type, "sequence(float32)")
        self.assertEqual(infos["s"].shape, (None, 3))
        self.assertEqual(infos["o"].type, "optional(int64)")
        self.assertEqual(infos["o"].shape, ("batch",))
        self.assertEqual(infos["t"].type, "string")
        self.assertEqual(infos["t"].dtype, object)
        self.assertEqual(infos["q"].type, "optional(sequence(string))")
        self.assertIsNone(infos["q"].shape)
        text = repr(self.model)
        self.assertIn("s: sequence(float32[?,3]), o: optional(int64[batch]), t: string[names,2]", text)
        self.assertIn("q: optional(sequence(string))", text)

    def test_there_and_back(self):
        self.check()
        self.check(s=[], o=None, q=None, n=[], t=np.empty((0, 2), object))
        self.check(q=[], s=[np.ones((1, 3), np.float32)])
        by_position = self.model(*self.given().values())
        self.assertIsInstance(by_position, list)
        self.compare(by_position[0], self.given()["s"])

    def test_strings_of_all_kinds(self):
        for value in ([["a", "b"]], np.array([["a", "b"]]), [[b"a", b"b"]], np.array([[b"a", b"b"]])):
            found = self.model.run(self.given(t=value))["t"]
            self.assertEqual(found.tolist(), [["a", "b"]])
            self.assertIs(type(found[0, 0]), str)
        found = self.model.run(self.given(t=[[b"\xff", "\udcff"]]))["t"]
        self.assertEqual(found.tolist(), [["\udcff", "\udcff"]])

    def test_outputs_live_as_long_as_they_are_used(self):
        element = self.check()["s"][0]
        gc.collect()
        for _ in range(3):
            self.check(s=[np.full((2, 3), 7, np.float32)] * 3)
        np.testing.assert_array_equal(element, np.ones((2, 3), np.float32))
        element += 1  # it is the caller's

    def test_wrong_values(self):
        for changes, message in [
            ({"s": np.ones((2, 3), np.float32)}, "input 's': expected a list of arrays, found ndarray"),
            ({"s": "text"}, "expected a list of arrays"),
            ({"s": [np.ones((2, 3))]}, "input 's', element 0: expected elements of type float32"),
            ({"s": [np.ones((2, 4), np.float32)]}, r"found a sequence of 1 with float32\[2,4\]"),
            ({"s": None}, "expected a list of arrays, found NoneType"),
            ({"o": np.arange(3)}, "input 'o'.*another one"),
            ({"t": [[1, 2]]}, "input 't': expected strings, found int"),
            ({"t": np.ones((1, 2))}, "input 't': expected strings, found an array of float64"),
            ({"t": ["a", "b"]}, r"expected string\[names,2\], found string\[2\]"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(nncc.Error, message):
                self.model.run(self.given(**changes))
        with self.assertRaisesRegex(nncc.Error, "cannot be bound"):
            self.model.bind(self.given())
        with self.assertRaisesRegex(nncc.Error, "cannot be given"):
            self.model.run(self.given(), {"x": np.zeros(2, np.float32)})
        with self.assertRaisesRegex(nncc.Error, "expected 6 inputs"):
            self.model.run([[]])

    def test_no_growth(self):
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        big = [np.ones((20000, 3), np.float32)] * 4
        for round in range(60):
            self.model.run(self.given(s=big))
            if round == 20:
                before = resident()
        self.assertLess(resident() - before, 8e6)  # 40 rounds of 1 MB


class FakeCuda(ctypes.Structure):
    """Of fake_cuda.h."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("devices", "capability", "multiprocessors", "hasPools", "knowsPools")),
        ("memory", ctypes.c_uint64),
        *((name, ctypes.c_int) for name in ("contexts", "modules", "allocations", "pinned", "streams", "events",
                                            "graphs", "pools")),
        ("used", ctypes.c_uint64),
        *((name, ctypes.c_int) for name in ("launches", "graphLaunches", "captures", "copies", "waits", "streamWaits",
                                            "allocated")),
    ]  # fmt: skip


class FakeArray:
    """A float32 array in the memory of the stand-in for the driver, as DLPack has it."""

    def __init__(self, array, ordinal=0, strides=None):
        self.driver = ctypes.CDLL("libcuda.so.1")
        self.shape, self.ordinal, self.streams = array.shape, ordinal, []
        address = ctypes.c_uint64()
        if not self.driver.fakeCudaDepth():
            self.driver.cuCtxPushCurrent_v2(None)
        assert self.driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(array.nbytes)) == 0
        self.address, self.bytes = address.value, array.nbytes
        self.copy(self.address, array.ctypes.data)
        self.tensor = nncc._dlpack.Tensor(
            self.address - 4, 2, ordinal, array.ndim, 2, 32, 1, (ctypes.c_int64 * 2)(*array.shape),
            strides and (ctypes.c_int64 * 2)(*strides), 4,
        )  # fmt: skip

    def copy(self, to, source):
        self.driver.cuMemcpyAsync(ctypes.c_uint64(to), ctypes.c_uint64(source),
                                  ctypes.c_size_t(self.bytes), None)  # fmt: skip

    def numpy(self):
        result = np.empty(self.shape, np.float32)
        self.copy(result.ctypes.data, self.address)
        return result

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.tensor), b"dltensor", None)

    def __dlpack_device__(self):
        return 2, self.ordinal


class Interface:
    """The same as the CUDA array interface has it."""

    def __init__(self, array, stream=None, **changes):
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape, "typestr": "<f4", "data": (array.address, False), "strides": None,
            "stream": stream, "version": 3, **changes}  # fmt: skip


class Taken:
    """What a framework makes of a capsule: it takes the struct, and calls its deleter at the end."""

    def __init__(self, array, stream=1, **arguments):
        api = ctypes.pythonapi
        capsule = array.__dlpack__(stream=stream, **arguments)
        api.PyCapsule_GetName.restype = ctypes.c_char_p
        api.PyCapsule_GetName.argtypes = [ctypes.py_object]
        self.name = api.PyCapsule_GetName(capsule)
        api.PyCapsule_GetPointer.restype = ctypes.c_void_p
        api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
        api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
        struct = nncc._dlpack._Versioned if self.name == b"dltensor_versioned" else nncc._dlpack._Managed
        self.managed = struct.from_address(api.PyCapsule_GetPointer(capsule, self.name))
        self.tensor = self.managed.tensor
        self.used = b"used_" + self.name
        api.PyCapsule_SetName(capsule, self.used)
        del capsule
        gc.collect()

    def give_back(self):
        self.managed.deleter(ctypes.addressof(self.managed))


class TestDeviceResults(unittest.TestCase):
    """Results that stay in the memory of the device."""

    def setUp(self):
        self.model = nncc.load(MODELS / "device.so")
        self.driver = ctypes.CDLL("libcuda.so.1")

    @staticmethod
    def collect():
        for _ in range(3):  # arrays hold instances, instances and models each other
            gc.collect()

    def used(self):
        self.collect()
        return FakeCuda.in_dll(self.driver, "fakeCuda").used

    def test_results(self):
        x, y, z, pairs = arguments(6)
        found = self.model.run({"x": x, "y": y}, on_device=True)
        self.assertIsInstance(found["z"], nncc.DeviceArray)
        self.assertEqual((found["z"].shape, found["z"].dtype, found["pairs"].shape), ((6, 4), np.float32, (12,)))
        self.assertEqual(repr(found["z"]), "<nncc.DeviceArray float32[6, 4] on cuda:0>")
        np.testing.assert_array_equal(found["z"].numpy(), z)
        np.testing.assert_array_equal(found["pairs"].numpy(), pairs)
        result = FakeArray(np.zeros_like(z))
        both = self.model.run([x, y], {"z": result}, on_device=True)
        self.assertIs(both[0], result)
        np.testing.assert_array_equal(both[1].numpy(), pairs)
        binding = self.model.bind([x, y], on_device=True)
        first = binding()
        for _ in range(3):
            self.assertIs(binding()[0], first[0])
        np.testing.assert_array_equal(first[0].numpy(), z)
        again = self.model.run([found["z"], y], on_device=True)[0]  # as an input
        np.testing.assert_array_equal(again.numpy(), (z * W + y) * 2 + np.float32(0.5))

    def test_memory_lives_with_its_users(self):
        x, y, z, _ = arguments(6)
        self.model.run([x, y])
        before = self.used()
        array = self.model.run([x, y], on_device=True)[0]
        self.assertEqual(self.used() - before, array.nbytes)
        unused = array.__dlpack__()
        taken = Taken(array)
        copy = array.numpy()
        del array, unused
        self.assertEqual(self.used() - before, z.nbytes)  # the taker has it still
        np.testing.assert_array_equal(copy, z)
        taken.give_back()
        self.assertEqual(self.used(), before)
        array, self.model = self.model.run([x, y], on_device=True)[0], None
        np.testing.assert_array_equal(array.numpy(), z)  # which holds what it needs
        del array
        self.collect()
        self.assertEqual(FakeCuda.in_dll(self.driver, "fakeCuda").contexts, 0)

    def test_capsules(self):
        x, y, _, _ = arguments(6)
        array = self.model.run([x, y], on_device=True)[0]
        self.assertEqual(array.__dlpack_device__(), (2, 0))
        for arguments_, name in (
            ({}, b"dltensor"), ({"max_version": (0, 8)}, b"dltensor"), ({"max_version": None}, b"dltensor"),
            ({"max_version": (1, 1)}, b"dltensor_versioned"), ({"dl_device": (2, 0), "copy": False}, b"dltensor"),
        ):  # fmt: skip
            taken = Taken(array, **arguments_)
            t = taken.tensor
            self.assertEqual(taken.name, name)
            self.assertEqual((t.data, t.byte_offset), (array.address, 0))
            self.assertEqual((t.device_type, t.device_id, t.code, t.bits, t.lanes), (2, 0, 2, 32, 1))
            self.assertEqual((t.ndim, t.shape[:2], t.strides[:2]), (2, [6, 4], [4, 1]))
            if name == b"dltensor_versioned":
                self.assertEqual((taken.managed.major, taken.managed.minor, taken.managed.flags), (1, 0, 0))
            taken.give_back()
        for wrong in ({"stream": 0}, {"copy": True}, {"dl_device": (1, 0)}):
            with self.assertRaises(BufferError):
                array.__dlpack__(**wrong)
        interface = array.__cuda_array_interface__
        self.assertEqual(interface, {"shape": (6, 4), "typestr": "<f4", "data": (array.address, False),
                                     "strides": None, "stream": None, "version": 3})  # fmt: skip

    def test_streams(self):
        """A result in the caller's stream is waited for by the stream of the one who takes it, not by us."""
        x, y, z, _ = arguments(6)
        streams = [ctypes.c_uint64(), ctypes.c_uint64()]
        there = [FakeArray(x), FakeArray(y)]
        for stream in streams:
            self.driver.cuStreamCreate(ctypes.byref(stream), 1)
        ours, theirs = (stream.value for stream in streams)
        model = nncc.load(MODELS / "device.so", stream=ours)
        fake = FakeCuda.in_dll(self.driver, "fakeCuda")
        binding = model.bind(there, on_device=True)
        self.collect()  # models of other tests wait when they go
        waits, ordered = fake.waits, fake.streamWaits
        array = binding()[0]
        for stream, count in ((ours, 0), (-1, 0), (theirs, 1), (None, 2), (1, 3)):
            Taken(array, stream=stream).give_back()
            self.assertEqual((fake.waits, fake.streamWaits), (waits, ordered + count))
        self.assertEqual(array.__cuda_array_interface__["stream"], ours)
        result = np.empty_like(z)  # in the other stream, which waits for ours
        self.driver.cuMemcpyAsync(ctypes.c_uint64(result.ctypes.data), ctypes.c_uint64(array.address),
                                  ctypes.c_size_t(result.nbytes), ctypes.c_void_p(theirs))  # fmt: skip
        np.testing.assert_array_equal(result, z)

    def test_cuda_array_interface(self):
        x, y, z, pairs = arguments(6)
        there, result = FakeArray(x), FakeArray(np.zeros_like(z))
        fake = FakeCuda.in_dll(self.driver, "fakeCuda")
        self.model.run([x, y])
        ordered = fake.streamWaits
        given = Interface(result)
        found = self.model.run([Interface(there, stream=1), Interface(FakeArray(y), strides=(16, 4))], {"z": given})
        self.assertIs(found[0], given)
        self.assertEqual(fake.streamWaits, ordered + 1)
        np.testing.assert_array_equal(result.numpy(), z)
        np.testing.assert_array_equal(found[1], pairs)
        for changes, message in (
            ({"strides": (4, 24)}, "input 'x': is not row-major"),
            ({"typestr": "<i4"}, "input 'x': expected elements of type float32, found int32"),
            ({"typestr": "<M8[s]"}, "input 'x': elements of type datetime64"),
            ({"data": (there.address + 2, False)}, "input 'x'.*not aligned"),
        ):
            with self.subTest(message), self.assertRaisesRegex(nncc.Error, message):
                self.model(Interface(there, **changes), y)
        with self.assertRaisesRegex(nncc.Error, "output 'z': expected an array that can be written"):
            self.model.run([x, y], {"z": Interface(result, data=(result.address, True))})

    def test_copies(self):
        x, y, z, _ = arguments(6)
        there = self.model.to_device(x)
        other = self.model.to_device(np.zeros_like(x))
        other.copy_from(there)
        np.testing.assert_array_equal(other.numpy(), x)
        np.testing.assert_array_equal(self.model.run([other, y])[0], z)
        for wrong in (x[:2], x.astype(np.int32), self.model.to_device(y[:3])):
            with self.assertRaisesRegex(nncc.Error, r"expected float32\[6, 4\], found "):
                there.copy_from(wrong)
        with self.assertRaisesRegex(nncc.Error, "no elements of type datetime64"):
            self.model.to_device(np.zeros(2, "M8[s]"))

    def test_only_where_there_is_a_device(self):
        x, y, _, _ = arguments(2)
        with self.assertRaisesRegex(nncc.Error, "kernels run on the processor"):
            nncc.load(MODELS / "embedded.so").to_device(x)
        with self.assertRaisesRegex(nncc.Error, "kernels run on the processor"):
            nncc.load(MODELS / "embedded.so").run([x, y], on_device=True)


class TestDevice(unittest.TestCase):
    """LD_LIBRARY_PATH leads to the stand-in for the driver."""

    def setUp(self):
        self.model = nncc.load(MODELS / "device.so")

    def test_host_arrays(self):
        self.assertEqual((self.model.device, self.model.processor), ("cuda", "sm_90a"))
        x, y, z, pairs = arguments(5)
        for _ in range(4):
            outputs = self.model(x, y)
            np.testing.assert_array_equal(outputs[0], z)
            np.testing.assert_array_equal(outputs[1], pairs)

    def test_device_arrays(self):
        x, y, z, pairs = arguments(6)
        there, result = FakeArray(x), FakeArray(np.zeros_like(z))
        found = self.model.run({"x": there, "y": y}, {"z": result})
        self.assertIs(found["z"], result)
        np.testing.assert_array_equal(result.numpy(), z)
        np.testing.assert_array_equal(found["pairs"], pairs)
        self.assertEqual(there.streams, [1])
        both = FakeArray(pairs * 0)
        binding = self.model.bind([there, FakeArray(y)], {"z": result, "pairs": both})
        for _ in range(3):
            self.assertIs(binding()[1], both)
        np.testing.assert_array_equal(both.numpy(), pairs)

    def test_stream(self):
        x, y, z, _ = arguments(6)
        stream = ctypes.c_uint64()
        there = FakeArray(x)
        there.driver.cuStreamCreate(ctypes.byref(stream), 0)
        model = nncc.load(MODELS / "device.so", stream=stream.value)
        np.testing.assert_array_equal(model(there, y)[0], z)
        self.assertEqual(there.streams, [stream.value])

    def test_wrong_arrays(self):
        x, y, z, _ = arguments(4)
        for value, message in [
            (FakeArray(x, ordinal=1), "input 'x': is on device 1, the instance on device 0"),
            (FakeArray(x, strides=(1, 4)), "input 'x': is not row-major"),
            (FakeArray(x[:, :3].copy()), "size 1 is 3, expected 4"),
        ]:
            with self.subTest(message), self.assertRaisesRegex(nncc.Error, message):
                self.model(value, y)
        other = FakeArray(x)
        other.tensor.code = 0
        with self.assertRaisesRegex(nncc.Error, "expected elements of type float32, found int32"):
            self.model(other, y)
        with self.assertRaisesRegex(nncc.Error, r"output 'z': expected shape \(4, 4\)"):
            self.model.run([x, y], {"z": FakeArray(arguments(3)[2])})
        with self.assertRaisesRegex(nncc.Error, "no device 7"):
            nncc.load(MODELS / "device.so", device=7)(x, y)


class TestOverhead(unittest.TestCase):
    def test_a_call_takes_microseconds(self):
        x, y, _, _ = arguments(1)
        model = nncc.load(MODELS / "embedded.so", threads=1)
        times = []
        for _ in range(200):
            begin = time.perf_counter()
            model(x, y)
            times.append(time.perf_counter() - begin)
        self.assertLess(min(times), 1e-3)


if __name__ == "__main__":
    unittest.main()
