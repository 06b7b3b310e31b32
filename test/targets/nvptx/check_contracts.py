"""Contractions by each multiplier of a GPU, on the emulator, against NumPy: check_contracts.py [BEGIN OF A NAME]

Each kernel runs with buffers that are aligned and with some that are not, which take other copies."""
import os
import sys

import ml_dtypes
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir, "cpu"))
from gpu_kernels import check_all  # noqa: E402
from numpy.lib.stride_tricks import sliding_window_view  # noqa: E402

rng = np.random.default_rng(0)
PANEL = 16
BYTES, FLOAT, HALF, BFLOAT = np.uint8, np.float32, np.float16, ml_dtypes.bfloat16
# The chip, options of the pass, the type of the operands and of the result, the error of a sum as a part of that of the
# products' magnitudes: what the pass states, and of sums in f32 what their order of additions may lose.
MULTIPLIERS = {
    "u8 s8": ("sm_90a", "capability=90", BYTES, np.int32, 0),
    "dp4a": ("sm_75", "capability=75", BYTES, np.int32, 0),
    "f32": ("sm_90a", "capability=90", FLOAT, FLOAT, 1e-6),
    "tf32": ("sm_80", "capability=80 math=tf32", FLOAT, FLOAT, 2**-10),
    "bf16x3": ("sm_90a", "capability=90 math=bf16x3", FLOAT, FLOAT, 2**-16),
    "f16": ("sm_90a", "capability=90", HALF, FLOAT, 1e-6),
    "bf16": ("sm_80", "capability=80", BFLOAT, FLOAT, 1e-6),
    "f16 to f16": ("sm_86", "capability=86", HALF, HALF, 1e-6),
    "bf16 to bf16": ("sm_90a", "capability=90", BFLOAT, BFLOAT, 1e-6),
    "f16 as f32": ("sm_75", "capability=75", HALF, HALF, 1e-6),
    "bf16 as f32": ("sm_75", "capability=75", BFLOAT, FLOAT, 1e-6),
}
ELEMENTS = {"uint8": "i8", "int8": "i8", "int32": "i32", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}
CASES = {name: [] for name in MULTIPLIERS}  # of multiplier: (title, text, inputs, wanted, magnitudes)


def activations(element, *shape):
    if element == BYTES:
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.standard_normal(shape, dtype=np.float32).astype(element)


def weights(element, *shape):
    return rng.integers(-128, 128, shape, dtype=np.int8) if element == BYTES else activations(element, *shape)


def pack(b):
    """[.., K, N] -> [N/16, .., K, 16], of bytes [N/16, .., K/4, 16, 4]"""
    *outer, k, n = b.shape
    b = np.concatenate([b, np.zeros((*outer, k, -n % PANEL), b.dtype)], -1)
    b = np.moveaxis(b.reshape(*outer, k, -1, PANEL), -2, 0)
    if b.dtype == np.int8:
        b = np.moveaxis(b.reshape(*b.shape[:-2], k // 4, 4, PANEL), -2, -1)
    return np.ascontiguousarray(b)


def tensor(array):
    return f"tensor<{'x'.join(map(str, array.shape))}x{ELEMENTS[array.dtype.name]}>"


def contract(multiplier, title, a, b, product, layout="packed", groups=1, strides=(), dilations=(), pads=(), blocks=None):
    """`product` of numbers of the type that it is given; of it a bias of the columns and a residual are added."""
    operand, stored = MULTIPLIERS[multiplier][2:4]
    wide, sum = (np.int64, "i32") if operand == BYTES else (np.float64, "f32")
    want = product(lambda x: x.astype(wide))
    size = product(lambda x: np.abs(x.astype(wide)))
    bias, residual = (rng.integers(-9, 9, shape).astype(stored) for shape in (want.shape[-1:], want.shape))
    result, rank = tensor(residual), want.ndim
    name, element = f"k{len(CASES[multiplier])}", ELEMENTS[np.dtype(stored).name]
    dims = ", ".join(f"d{i}" for i in range(rank))
    format = f", blocks = #kern.blocks<bits = {blocks[0]}, rows = {blocks[1]}>" if blocks else ""
    add = "arith.addi" if operand == BYTES else "arith.addf"
    same = f"arith.bitcast %{{}} : {element} to {sum}"
    extend = same if sum == element else f"arith.extf %{{}} : {element} to {sum}"
    truncate = same if sum == element else f"arith.truncf %r : {sum} to {element}"
    text = f"""func.func @{name}(%a: {tensor(a)}, %b: {tensor(b)}, %bias: {tensor(bias)}, %residual: {result}) -> {result} attributes {{rt.kernel}} {{
  %y = tensor.empty() : {result}
  %0 = kern.contract {layout} ins(%a, %b : {tensor(a)}, {tensor(b)}) extras(%bias, %residual : {tensor(bias)}, {result}) outs(%y : {result})
      strides {list(strides)} dilations {list(dilations)} pads {list(pads)}
      maps [affine_map<({dims}) -> (d{rank - 1})>, affine_map<({dims}) -> ({dims})>] attributes {{groups = {groups} : i64{format}}} {{
  ^bb0(%acc: {sum}, %x: {element}, %z: {element}):
    %x0 = {extend.format("x")}
    %z0 = {extend.format("z")}
    %s = {add} %acc, %x0 : {sum}
    %r = {add} %s, %z0 : {sum}
    %r0 = {truncate.format("r")}
    kern.yield %r0 : {element}
  }} -> {result}
  return %0 : {result}
}}"""
    CASES[multiplier].append((f"{multiplier} {title}", text, [a, b, bias, residual], want + bias + residual, size))


def products(multiplier):
    element = MULTIPLIERS[multiplier][2]
    ofBytes = element == BYTES
    # Rows, depth, columns: tails of each, few rows, tiles of every shape, more and fewer slices than stages.
    shapes = [(1, 4, 1), (5, 20, 7), (16, 64, 64), (17, 36, 33), (70, 100, 130), (64, 32, 24), (300, 128, 40), (129, 68, 65),
              (2048, 8, 100), (1100, 48, 1100), (40, 1000, 70), (3, 4000, 20)]  # the last ones in parts # fmt: skip
    if not ofBytes:
        shapes += [(3, 1, 5), (33, 17, 50), (70, 37, 90)]
    if element in (HALF, BFLOAT) and "f32" not in multiplier:
        shapes += [(70, 320, 136), (1900, 168, 1704)]  # the last one in the largest tiles
    for m, k, n in shapes:
        a, b = activations(element, m, k), weights(element, k, n)
        contract(multiplier, f"{m} x {k} x {n}", a, pack(b), lambda of: of(a) @ of(b))
    if ofBytes:
        return
    for m, k, n in ((40, 64, 48), (33, 17, 50), (70, 18, 20), (18, 777, 9)):
        a, b = activations(element, 2, 3, m, k), weights(element, 2, 3, k, n)
        turned = np.ascontiguousarray(np.swapaxes(b, -1, -2))
        contract(multiplier, f"batches of {m} x {k} x {n}", a, b, lambda of: of(a) @ of(b), "plain")
        contract(multiplier, f"transposed batches of {m} x {k} x {n}", a, turned, lambda of: of(a) @ of(b), "transposed")


def narrow(m, k, n, form):
    """Few rows by weights of fewer bits: what they stand for is multiplied."""
    a, b = activations(FLOAT, m, k), weights(FLOAT, k, n)
    if form == "bf16":
        b = b.astype(BFLOAT)
        contract("f32", f"few rows, bf16 {m} x {k} x {n}", a, pack(b), lambda of: of(a) @ of(b))
        return
    bits, rows = form
    blocks = -(-k // rows)
    codes = rng.integers(0, 1 << bits, (k, -(-n // PANEL) * PANEL), dtype=np.uint8)
    zeros = rng.integers(0, 1 << bits, (blocks, codes.shape[1]), dtype=np.uint8)
    scales = rng.random((blocks, codes.shape[1]), dtype=np.float32) / 8 + np.float32(0.1)
    of_block = np.arange(k) // rows
    b = ((codes.astype(np.float32) - zeros[of_block]) * scales[of_block])[:, :n]
    panels = []
    for first in range(0, codes.shape[1], PANEL):
        panel, columns = b"", slice(first, first + PANEL)
        for block in range(blocks):
            own = codes[block * rows : (block + 1) * rows, columns]
            if bits == 4:
                own = np.concatenate([own, np.zeros((len(own) % 2, PANEL), np.uint8)])
                own = own[::2] | own[1::2] << 4
            panel += scales[block, columns].tobytes() + zeros[block, columns].tobytes() + own.tobytes()
        panels.append(np.frombuffer(panel, np.int8))
    contract("f32", f"few rows, {bits} bits in blocks of {rows}, {m} x {k} x {n}", a, np.stack(panels), lambda of: of(a) @ of(b), blocks=form)


def few_rows(multiplier):
    """1 to 16 rows: all numbers of neighbouring columns of a thread, groups of steps in chunks, behind them and in part."""
    element = MULTIPLIERS[multiplier][2]
    for m, k, n in ((1, 768, 768), (1, 772, 50), (2, 3072, 24), (3, 132, 2100), (4, 256, 40), (8, 36, 130), (16, 516, 33), (7, 64, 4128)):
        a, b = activations(element, m, k), weights(element, k, n)
        contract(multiplier, f"few rows, {m} x {k} x {n}", a, pack(b), lambda of: of(a) @ of(b))
    if multiplier != "f32":
        return
    for m, k, n in ((1, 7, 9), (2, 129, 17), (5, 77, 1030), (16, 51, 5)):
        a, b = activations(FLOAT, m, k), weights(FLOAT, k, n)
        contract(multiplier, f"few rows, {m} x {k} x {n}", a, pack(b), lambda of: of(a) @ of(b))
        for form in ("bf16", (8, 32), (8, 5), (8, k)):
            narrow(m, k, n, form)
        for rows in (32, 6, 14):
            narrow(m, k + k % 2, n, (4, rows))
    narrow(1, 768, 768, "bf16"), narrow(1, 768, 768, (4, 32)), narrow(1, 768, 3072, (8, 32)), narrow(8, 768, 48, (4, 128))
    for m, k, n in ((1, 64, 128), (1, 65, 64), (1, 64, 65), (3, 128, 64), (16, 40, 20), (2, 7, 3)):
        a, b = activations(FLOAT, 2, 3, m, k), weights(FLOAT, 2, 3, k, n)
        turned = np.ascontiguousarray(np.swapaxes(b, -1, -2))
        contract(multiplier, f"few rows, batches of {m} x {k} x {n}", a, b, lambda of: of(a) @ of(b), "plain")
        contract(multiplier, f"few rows, transposed batches of {m} x {k} x {n}", a, turned, lambda of: of(a) @ of(b), "transposed")


def windows(x, taps, strides, dilations, pads):
    """[N, H, W, C] -> [N, Y, X, C, kh, kw]"""
    x = np.pad(x, [(0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)])
    spans = [(t - 1) * d + 1 for t, d in zip(taps, dilations)]
    return sliding_window_view(x, spans, (1, 2))[:, :: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]


def convolutions(multiplier):
    element = MULTIPLIERS[multiplier][2]
    forms = [((2, 9, 11, 16), (3, 3), 20, (1, 1), (1, 1), (1, 1, 1, 1)), ((1, 13, 14, 8), (3, 2), 33, (2, 1), (1, 2), (0, 2, 1, 0)),
             ((1, 30, 31, 4), (7, 7), 64, (2, 2), (1, 1), (3, 3, 3, 3)), ((1, 20, 20, 32), (1, 1), 70, (2, 2), (1, 1), (0, 0, 0, 0)),
             ((1, 7, 7, 96), (3, 3), 40, (1, 1), (1, 1), (1, 1, 1, 1))]  # fmt: skip
    for shape, taps, n, strides, dilations, pads in forms:
        x, w = activations(element, *shape), weights(element, *taps, shape[-1], n)

        def product(of, x=x, w=w, form=(taps, strides, dilations, pads)):
            return np.einsum("nyxcij,ijck->nyxk", windows(of(x), *form), of(w))

        contract(multiplier, f"{shape} * {taps}", x, pack(w), product, strides=strides, dilations=dilations, pads=pads)
    groups, k, n = 3, 12, 20
    x, w = activations(element, 2, 7, 9, groups * k), weights(element, groups, 3, 3, k, n)

    def product(of):
        parts = windows(of(x), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)).reshape(2, 7, 9, groups, k, 3, 3)
        return np.einsum("nyxgcij,gijck->nyxgk", parts, of(w)).reshape(2, 7, 9, groups * n)

    packed = np.stack([pack(part) for part in w])
    contract(multiplier, "groups", x, packed, product, groups=groups, strides=(1, 1), dilations=(1, 1), pads=(1, 1, 1, 1))


def check(kernel, inputs, want, magnitudes, error):
    for shift in (0, 1):
        got = np.full(want.shape, -1, inputs[-1].dtype)
        kernel.compute([*inputs, got], shift=shift)
        # A result is rounded once.
        rounding = float(ml_dtypes.finfo(got.dtype).eps) / 2 if error else 0
        allowed = error * (magnitudes + np.abs(want)) + rounding * np.abs(want)
        wrong = ~(np.abs(got.astype(want.dtype) - want) <= allowed)
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0])
            return f"{wrong.sum()} of {wrong.size} differ, at {at}: {got[at]}, expected {want[at]} (buffers {shift} off)"
    return None


def kinds():
    for multiplier, (chip, options, _, _, error) in MULTIPLIERS.items():
        products(multiplier)
        few_rows(multiplier)
        convolutions(multiplier)
        cases = {case[1].split("(")[0].removeprefix("func.func @"): case for case in CASES[multiplier]}
        yield chip, options, cases, lambda kernel, *rest, error=error: check(kernel, *rest, error)


if __name__ == "__main__":
    sys.exit(check_all(kinds()))
