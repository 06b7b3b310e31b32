"""Attention of f16 and bf16 on the emulator, against NumPy: check_attention_halves.py [BEGIN OF A NAME]

Each kernel runs with buffers that are aligned and with some that are not, which take other copies."""
import os
import sys

import ml_dtypes
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "cpu"))
import check_attention as attention  # noqa: E402
from gpu_kernels import check_all  # noqa: E402
from open_sizes import evaluate_shape  # noqa: E402

rng = np.random.default_rng(0)
TYPES = {"f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16)}
# The chip, options of the pass, the type, whether weights are rounded to it.
KINDS = {
    "f16": ("sm_90a", "capability=90", "f16", True),
    "bf16": ("sm_80", "capability=80", "bf16", True),
    "f16 in little shared memory": ("sm_86", "capability=86", "f16", True),
    "f16 as f32": ("sm_75", "capability=75", "f16", False),
}


def add_cases(kind, element):
    def add(title, *arguments, **options):
        attention.add(f"{kind}: {title}", *arguments, element=element, **options)

    # Whole tiles and parts of them, more and fewer tiles than stages, rows that are never aligned, rows in parts, of
    # one warp, and what does not fit registers.
    for l, s, d, e in [(16, 16, 16, 16), (128, 300, 64, 64), (197, 197, 64, 64), (40, 40, 15, 15), (17, 1, 3, 1), (33, 100, 20, 70),
                       (70, 130, 128, 128), (40, 90, 80, 80), (5, 500, 64, 32), (20, 70, 132, 260), (10, 50, 256, 40), (9, 40, 300, 24)]:  # fmt: skip
        add(f"{l} x {s} x {d}", 2, 3, 3, l, s, d, e)
        add(f"{l} x {s} x {d} grouped, causal", 1, 4, 2, l, s, d, e, causal=True, heads_last=False)
    add("four warps", 2, 80, 20, 64, 130, 64, 64)
    add("no keys", 1, 2, 2, 20, 0, 8, 8)
    add("no depth", 1, 2, 2, 20, 30, 0, 8)
    add("keys by depth", 2, 2, 2, 20, 30, 16, 16, transposed_key=True)
    for scale in (1.0, -0.7):
        add(f"scale {scale}", 1, 2, 2, 20, 70, 16, 16, scale=scale)
        add(f"scale {scale}, causal", 1, 2, 2, 80, 80, 32, 32, scale=scale, causal=True)
    for shape in ((2, 4, 37, 90), (1, 1, 37, 90), (2, 1, 1, 90), (1, 4, 37, 1)):
        add(f"mask {shape}", 2, 4, 2, 37, 90, 16, 24, mask=shape)
    for guard in ("none", "empty", "nan"):
        for title, values in (("of -inf", attention.gaps), ("of nan and inf", attention.trouble), ("of infinite values", attention.infinite_values)):
            add(f"mask {title}, {guard}", 2, 4, 4, 37, 90, 16, 16, mask=(2, 1, 37, 90), guard=guard, values=values)
        add(f"choice, {guard}", 2, 4, 4, 37, 90, 16, 16, mask=(2, 1, 37, 90), fill=-np.inf, guard=guard, values=attention.choices)
    add("choice of -1e4", 2, 4, 4, 37, 90, 16, 16, mask=(2, 1, 1, 90), fill=-10000.0, values=attention.choices)
    add("mask, causal", 2, 4, 4, 90, 90, 16, 16, mask=(1, 1, 90, 90), causal=True, guard="empty", values=attention.gaps)
    sizes = [(1, 5, 5), (2, 17, 1), (1, 64, 64), (2, 100, 130), (1, 128, 100), (0, 5, 5), (2, 0, 5), (2, 5, 0), (1, 3, 300)]
    add("open", "s0", 2, 2, "s1", "s2", 64, 64, sizes)
    add("open, grouped, causal", "s0", 4, 2, "s1", "s2", 24, 16, sizes, causal=True)
    add("open, whole mask", "s0", 3, 3, "s1", "s2", 16, 16, sizes, mask=[1, 3, "s1", "s2"], guard="empty")
    add("open, mask of keys", "s0", 3, 3, "s1", "s1", 16, 16, [s[:2] for s in sizes], mask=["s0", 1, 1, "s1"])


def check(kernel, shapes, wanted, symbols, values, element, rounds_weights):
    """-> error or None"""
    dtype = TYPES[element]
    inputs = [rng.standard_normal(evaluate_shape(shape, symbols)).astype(np.float32) for shape in shapes]
    if values:
        values(inputs)
    inputs[:3] = [x.astype(dtype) for x in inputs[:3]]
    with np.errstate(all="ignore"):
        want = np.ascontiguousarray(wanted(inputs))
        size = wanted([*inputs[:2], np.abs(inputs[2]), *inputs[3:]])
        # A result is rounded once, weights, whose largest one is 1, relative to themselves or to the normal numbers.
        finfo = ml_dtypes.finfo(dtype)
        rounding, least = float(finfo.eps) / 2, float(finfo.smallest_normal) * float(finfo.eps) / 2
        allowed = 1e-5 * size + rounding * np.abs(want)
        if rounds_weights and inputs[2].size:
            keys = evaluate_shape(shapes[2], symbols)
            allowed = allowed + rounding * size + least * max(keys) * np.nanmax(np.abs(inputs[2].astype(np.float32)))
    for shift in (0, 1):
        got = np.full(want.shape, -1, dtype)
        kernel.compute([*inputs, got], symbols, shift=shift)
        result = got.astype(np.float64)
        with np.errstate(all="ignore"):
            right = (np.abs(result - want) <= allowed) | (result == want) | (np.isnan(result) & np.isnan(want))
        if not right.all():
            at = tuple(np.argwhere(~right)[0])
            return f"{(~right).sum()} of {right.size} differ, at {at}: {got[at]}, expected {want[at]} (buffers {shift} off, {symbols})"
    return None


def kinds():
    for kind, (chip, options, element, rounds_weights) in KINDS.items():
        attention.CASES.clear()
        add_cases(kind, element)

        def check_sizes(kernel, arguments, wanted, all_symbols, values, element=element, rounds_weights=rounds_weights):
            shapes = [shape for shape, _ in arguments]
            checks = (check(kernel, shapes, wanted, symbols, values, element, rounds_weights) for symbols in all_symbols)
            return next(filter(None, checks), None)

        yield chip, options, attention.CASES, check_sizes


if __name__ == "__main__":
    sys.exit(check_all(kinds()))
