#!/usr/bin/env python3
"""peers.py torch|compile|cublas|ort SECONDS: the same work by others, where they are installed. Prints a line of JSON for
each case: {"case", "median_ms"}, or {"absent"} with what is missing."""

import ctypes
import json
import sys
from pathlib import Path

from cases import HERE, load, nncc, np, times

FACTS = json.loads((HERE / "cases.json").read_text())
BENCHES = {name: case for name, case in FACTS["cases"].items() if case["kind"] == "bench"}


def say(**fields) -> None:
    print(json.dumps(fields), flush=True)


def functions(torch) -> dict:
    f = torch.nn.functional
    return {
        "MatMul": torch.matmul, "Add": torch.add, "Relu": torch.relu, "Gelu": f.gelu,
        "Softmax": lambda x: torch.softmax(x, -1), "Transpose": lambda x: x.t().contiguous(),
        "LayerNormalization": lambda x, one: f.layer_norm(x, x.shape[-1:], one, one),
    }  # fmt: skip


def by_torch(seconds: float, is_compiled: bool) -> None:
    """Products by cuBLAS; of f32 with the tensor cores where nncc's case has them."""
    try:
        import torch
    except ImportError as error:
        return say(absent=f"torch: {error}")
    if not torch.cuda.is_available():
        return say(absent="torch: it sees no GPU")
    types = {1: torch.float32, 10: torch.float16, 16: torch.bfloat16}
    for name, case in BENCHES.items():
        torch.backends.cuda.matmul.allow_tf32 = case["math"] in ("tf32", "bf16x3")
        tensors = [torch.randn(*shape, device="cuda", dtype=types[case["type"]]) for shape in case["shapes"]]
        if case["op"] == "LayerNormalization":
            tensors.append(torch.ones_like(tensors[0][0]))
        function = functions(torch)[case["op"]]

        def call():
            function(*tensors)
            torch.cuda.synchronize()

        try:
            function = torch.compile(function) if is_compiled else function
            say(case=name, **times(call, seconds))
        except Exception as error:  # one that it cannot compile is no reason to lose the others
            say(case=name, error=f"{type(error).__name__}: {error}".splitlines()[0][:200])


def find_cublas():
    for name in ("libcublas.so.13", "libcublas.so.12", "/usr/local/cuda/lib64/libcublas.so", "libcublas.so"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    packages = sorted(Path(sys.prefix).glob("lib/python*/site-packages/nvidia/*/lib/libcublas.so.*"))
    return ctypes.CDLL(str(packages[-1]), ctypes.RTLD_GLOBAL) if packages else None


def by_cublas(seconds: float) -> None:
    """cublasGemmEx on memory that nncc has given, in the same context."""
    library = find_cublas()
    if not library:
        return say(absent="libcublas")
    kinds = {1: (0, 4), 10: (2, 2), 16: (14, 2)}  # cudaDataType, bytes
    compute = {"tf32": 77, "bf16x3": 75}  # CUBLAS_COMPUTE_32F_FAST_TF32, _FAST_16BF; otherwise _32F
    one, zero, handle = ctypes.c_float(1), ctypes.c_float(0), ctypes.c_void_p()
    for name, case in BENCHES.items():
        if case["op"] != "MatMul":
            continue
        model = nncc.load(HERE / case["library"], level=FACTS["chip"])
        n, (kind, size) = case["shapes"][0][0], kinds[case["type"]]
        zeros = np.zeros(n * n * size // 4, np.float32)
        a, b, c = (model.to_device(zeros) for _ in range(3))
        ready = model.to_device(zeros[:1])
        ready.numpy()  # its context is there, for the library to find
        if not handle:
            ctypes.CDLL("libcuda.so.1").cuCtxPushCurrent_v2(ctypes.c_void_p(context_of()))
            if library.cublasCreate_v2(ctypes.byref(handle)):
                return say(absent="cublasCreate fails")
        call = [ctypes.c_void_p(x) for x in (a.address, b.address, c.address)]

        def multiply():
            status = library.cublasGemmEx(
                handle, 0, 0, n, n, n, ctypes.byref(one), call[0], kind, n, call[1], kind, n, ctypes.byref(zero),
                call[2], kind, n, compute.get(case["math"], 68), -1)  # fmt: skip
            if status:
                raise RuntimeError(f"cublasGemmEx: {status}")
            ready.numpy()  # in the model's stream, which waits for the default one

        try:
            say(case=name, **times(multiply, seconds))
        except RuntimeError as error:
            say(case=name, error=str(error))


def context_of() -> int:
    """The primary context of device 0."""
    driver, context, device = ctypes.CDLL("libcuda.so.1"), ctypes.c_void_p(), ctypes.c_int()
    driver.cuDeviceGet(ctypes.byref(device), 0)
    driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
    return context.value


def by_onnxruntime(seconds: float) -> None:
    try:
        import onnxruntime
    except ImportError as error:
        return say(absent=f"onnxruntime: {error}")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return say(absent="onnxruntime: it is not the one for GPUs")
    for name, case in FACTS["cases"].items():
        if "onnx" not in case:
            continue
        try:
            session = onnxruntime.InferenceSession(str(HERE / case["onnx"]), providers=["CUDAExecutionProvider"])
            binding, arrays = session.io_binding(), load(case["inputs"])
            for value in session.get_inputs():
                array = arrays[value.name if value.name in arrays else value.name.replace("/", "_")]
                binding.bind_ortvalue_input(value.name, onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", 0))
            for value in session.get_outputs():
                binding.bind_output(value.name, "cuda")
            say(case=name, **times(lambda: session.run_with_iobinding(binding), seconds))
        except Exception as error:
            say(case=name, error=f"{type(error).__name__}: {error}".splitlines()[0][:200])


def main() -> int:
    peer, seconds = sys.argv[1], float(sys.argv[2])
    peers = {"torch": lambda: by_torch(seconds, False), "compile": lambda: by_torch(seconds, True),
             "cublas": lambda: by_cublas(seconds), "ort": lambda: by_onnxruntime(seconds)}  # fmt: skip
    peers[peer]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
