"""Windows on a GPU, emulated, against NumPy: check_windows.py

Tiles of all widths, with columns and channels left over. Each kernel runs with buffers that are aligned and with some that
are not, which are read element by element."""
import os
import sys
from math import prod

import ml_dtypes
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "cpu"))
from gpu_kernels import CHIP, OPTIONS, check_all  # noqa: E402
from numpy.lib.stride_tricks import sliding_window_view  # noqa: E402

rng = np.random.default_rng(0)
BYTES, FLOAT, HALF, BFLOAT, DOUBLE = np.uint8, np.float32, np.float16, ml_dtypes.bfloat16, np.float64
ELEMENTS = {"uint8": "i8", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f64"}
# Image, taps, strides, dilations, pads; what tiles take depends on how many results there are.
FORMS = [((1, 68, 67, 64), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), ((2, 67, 50, 48), (5, 5), (1, 1), (1, 1), (2, 2, 2, 2)),
         ((1, 90, 91, 96), (3, 3), (2, 2), (1, 1), (1, 1, 1, 1)), ((1, 30, 31, 64), (3, 3), (1, 1), (2, 3), (2, 3, 2, 3)),
         ((1, 18, 20, 96), (7, 7), (1, 1), (1, 1), (3, 3, 3, 3)), ((1, 41, 80, 30), (2, 2), (2, 2), (1, 1), (0, 0, 0, 0)),
         ((1, 37, 33, 33), (3, 2), (1, 1), (1, 1), (2, 0, 0, 1)), ((1, 7, 7, 20), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
         ((3, 130, 80), (5,), (1,), (1,), (4,) * 2), ((1, 2, 1, 64), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
         ((1, 5, 0, 8), (3, 3), (1, 1), (1, 1), (1, 2, 1, 2)),
         ((1, 33, 34, 256), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), ((1, 5, 9, 40, 64), (2, 3, 3), (1, 1, 1), (1, 1, 1), (0, 1, 1, 1, 1, 1))]  # fmt: skip


def tensor(array):
    return f"tensor<{'x'.join(map(str, array.shape))}x{ELEMENTS[array.dtype.name]}>"


def windows(x, taps, strides, dilations, pads, fill):
    """[N, spatial.., C] -> [N, spatial.., C, taps..]"""
    n = len(taps)
    x = np.pad(x, [(0, 0), *zip(pads[:n], pads[n:]), (0, 0)], constant_values=fill)
    spans = [(t - 1) * d + 1 for t, d in zip(taps, dilations)]
    steps = [slice(None, None, s) for s in strides]
    return sliding_window_view(x, spans, tuple(range(1, n + 1)))[(slice(None), *steps, slice(None), *(slice(None, None, d) for d in dilations))]


def reduced(kind, x, weights, form):
    """In float64, or in integers where they are compared."""
    axes = tuple(range(-len(form[0]), 0))
    if kind == "max":
        found = windows(x.view(np.int8) if x.dtype == BYTES else x.astype(DOUBLE), *form, -128 if x.dtype == BYTES else -np.inf)
        return found.max(axes)
    seen = windows(x.astype(DOUBLE), *form, 0)
    if kind == "depthwise":
        return (seen * np.moveaxis(weights.astype(DOUBLE), -1, 0)).sum(axes)
    inside = windows(np.ones(x.shape), *form, 0).sum(axes) if kind == "average_valid" else prod(form[0])
    with np.errstate(invalid="ignore"):
        return seen.sum(axes) / inside


def window(name, kind, element, result, form):
    """-> text, inputs, wanted; floats get a bias of the channels and a residual in the epilogue."""
    shape, *form = form
    draw = rng.integers(0, 256, shape) if element == BYTES else rng.standard_normal(shape)
    x = draw.astype(element)
    weights = rng.standard_normal((*form[0], shape[-1])).astype(HALF if element == HALF else FLOAT)
    want = reduced(kind, x, weights, form)
    compares = kind == "max" and element == BYTES
    sum = "i8" if compares else "f64" if element == DOUBLE else "f32"
    stored, rank = ELEMENTS[np.dtype(result).name], want.ndim
    bias, residual = (rng.integers(-9, 9, of).astype(FLOAT) for of in (shape[-1:], want.shape))
    dims = ", ".join(f"d{i}" for i in range(rank))
    inputs = [x] + [weights] * (kind == "depthwise") + [bias, residual] * (not compares)
    names = ["%a"] + ["%w"] * (kind == "depthwise") + ["%bias", "%residual"] * (not compares)
    ins = len(inputs) - 2 * (not compares)
    out = f"tensor<{'x'.join(map(str, want.shape))}x{stored}>"
    extras = f"{', '.join(names[ins:])} : {', '.join(map(tensor, inputs[ins:]))}" if not compares else ""
    maps = f"affine_map<({dims}) -> (d{rank - 1})>, affine_map<({dims}) -> ({dims})>" if not compares else ""
    widen = f"arith.extf %r : f32 to {stored}" if stored == "f64" else f"arith.truncf %r : f32 to {stored}"
    narrow = "arith.truncf %acc : f64 to f32" if sum == "f64" else "arith.bitcast %acc : f32 to f32"
    body = f"""  ^bb0(%acc: f32, %x: f32, %z: f32):
    %s = arith.addf %acc, %x : f32
    %r = arith.addf %s, %z : f32
    %o = {"arith.bitcast %r : f32 to f32" if stored == "f32" else widen}
    kern.yield %o : {stored}"""
    if sum == "f64":
        body = body.replace("%acc: f32", "%acc: f64").replace("    %s = arith.addf %acc,", f"    %n = {narrow}\n    %s = arith.addf %n,")
    if compares:
        body = "  ^bb0(%acc: i8):\n    kern.yield %acc : i8"
    text = f"""func.func @{name}({', '.join(f'{n}: {tensor(i)}' for n, i in zip(names, inputs))}) -> {out} attributes {{rt.kernel}} {{
  %y = tensor.empty() : {out}
  %0 = kern.window {kind} ins({', '.join(names[:ins])} : {', '.join(map(tensor, inputs[:ins]))}) extras({extras}) outs(%y : {out})
      kernel {list(form[0])} strides {list(form[1])} dilations {list(form[2])} pads {list(form[3])} maps [{maps}] {{
{body}
  }} -> {out}
  return %0 : {out}
}}"""
    return text, inputs, want if compares else want + bias + residual


def cases():
    for form in FORMS:
        for element, result in ((FLOAT, FLOAT), (HALF, HALF), (BYTES, FLOAT)):
            yield "depthwise", element, result, form
        yield "max", FLOAT, FLOAT, form
    for form in (FORMS[0], FORMS[5], FORMS[7]):
        for kind, element, result in (("max", BYTES, BYTES), ("average", FLOAT, FLOAT), ("average", BFLOAT, BFLOAT),
                                      ("average_valid", FLOAT, FLOAT), ("average_valid", DOUBLE, DOUBLE), ("average", FLOAT, HALF)):  # fmt: skip
            yield kind, element, result, form


def check(kernel, inputs, want, result):
    for shift in (0, 1):
        got = np.full(want.shape, 99, result)
        kernel.compute([*inputs, got], shift=shift)
        seen = (got.view(np.int8) if result == BYTES else got).astype(DOUBLE)
        # Sums are of f32, a result is rounded once.
        rounding = float(ml_dtypes.finfo(result).eps) / 2 if result in (HALF, BFLOAT) else 0
        with np.errstate(invalid="ignore"):
            allowed = 0 if result == BYTES else 2e-5 * (np.abs(want) + 16) + rounding * np.abs(want)
            wrong = ~((np.abs(seen - want) <= allowed) | (seen == want))
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            return f"{wrong.sum()} of {wrong.size} differ, at {at}: {seen[at]}, expected {want[at]} (buffers {shift} off)"
    return None


def named_cases():
    result = {}
    for number, (kind, element, stored, form) in enumerate(cases()):
        title = f"{kind} {np.dtype(element).name} to {np.dtype(stored).name}, {form}"
        result[f"k{number}"] = (title, *window(f"k{number}", kind, element, stored, form), stored)
    return result


if __name__ == "__main__":
    sys.exit(check_all([(CHIP, OPTIONS, named_cases(), check)]))
