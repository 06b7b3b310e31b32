"""Convolutions with plans of Winograd's algorithm, compiled for this machine, against NumPy in float64: in pieces,
out of order, on two workers: check_winograd.py [filter]"""
import numpy as np
from kernel_runner import check, run_cases

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, inputs, wanted)


def plan(tile, unit_tiles, unit_panels, k_block, rows, panels):
    return (f"#kern.winograd<tile = {tile}, unit_tiles = {unit_tiles}, unit_panels = {unit_panels}, k_block = {k_block}, "
            f"rows = {rows}, panels = {panels}>")


def convolution(x, w, pads):
    """Channels last; w [N, 3, 3, K]."""
    top, left, bottom, right = pads
    x = np.pad(x.astype(float), ((0, 0), (top, bottom), (left, right), (0, 0)))
    height, width = x.shape[1] - 2, x.shape[2] - 2
    taps = [(i, j) for i in range(3) for j in range(3)]
    return sum(x[:, i : i + height, j : j + width] @ w[:, i, j].T.astype(float) for i, j in taps)


def case(shape, columns, pads, numbers, epilogue="relu"):
    """A convolution of `shape`, [batch, height, width, channels], plus a bias and a residual."""
    x = rng.standard_normal(shape).astype(np.float32)
    w = rng.standard_normal((columns, 3, 3, shape[3])).astype(np.float32)
    panels = -(-columns // 16)
    packed = np.zeros((panels * 16, 3, 3, shape[3]), np.float32)
    packed[:columns] = w
    packed = np.ascontiguousarray(packed.reshape(panels, 16, 3, 3, -1).transpose(0, 2, 3, 4, 1))
    wanted = convolution(x, w, pads)
    bias, residual = rng.standard_normal(columns).astype(np.float32), rng.standard_normal(wanted.shape).astype(np.float32)
    wanted = wanted + bias + residual
    if epilogue == "relu":
        wanted, body = np.maximum(wanted, 0), "%z = arith.constant 0.0 : f32\n    %e = arith.maximumf %t, %z : f32"
    else:  # whose code is looped over
        wanted = np.exp(wanted / 64)
        body = "%f = arith.constant 0.015625 : f32\n    %u = arith.mulf %t, %f : f32\n    %e = math.exp %u : f32"
    ta, tb, tc = ("tensor<" + "x".join(map(str, s)) + "xf32>" for s in (shape, packed.shape, wanted.shape))
    name = f"k{len(CASES)}"
    text = f"""func.func @{name}(%x: {ta}, %w: {tb}, %b: tensor<{columns}xf32>, %d: {tc}) -> {tc} attributes {{rt.kernel}} {{
  %y = tensor.empty() : {tc}
  %0 = kern.contract packed ins(%x, %w : {ta}, {tb}) extras(%b, %d : tensor<{columns}xf32>, {tc}) outs(%y : {tc})
      strides [1, 1] dilations [1, 1] pads [{", ".join(map(str, pads))}]
      maps [affine_map<(n, h, w, c) -> (c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>] attributes {{plan = {plan(*numbers)}}} {{
  ^bb0(%acc: f32, %p: f32, %q: f32):
    %s = arith.addf %acc, %p : f32
    %t = arith.addf %s, %q : f32
    {body}
    kern.yield %e : f32
  }} -> {tc}
  return %0 : {tc}
}}"""
    CASES[name] = (f"{shape} to {columns}, pads {pads}, plan {numbers}, {epilogue}", text, [x, packed, bias, residual], [wanted.astype(np.float32)])


for tile in (2, 4):
    case((1, 8, 8, 16), 16, (1, 1, 1, 1), (tile, 4, 1, 16, 4, 1))
    case((2, 9, 6, 20), 40, (1, 1, 1, 1), (tile, 5, 2, 20, 3, 2))  # blocks and groups, both with a rest
    case((2, 9, 6, 20), 40, (1, 1, 1, 1), (tile, 1000, 1, 20, 6, 1))  # one block: V stays
    case((1, 7, 11, 35), 50, (0, 1, 2, 0), (tile, 7, 3, 16, 4, 2))  # K in blocks, the last one smaller
    case((3, 5, 5, 3), 7, (0, 0, 0, 0), (tile, 2, 1, 3, 2, 1))
    case((1, 1, 1, 5), 17, (1, 1, 1, 1), (tile, 1, 1, 4, 1, 1))
    case((1, 13, 10, 18), 33, (1, 1, 1, 1), (tile, 6, 2, 18, 5, 2), "exp")

if __name__ == "__main__":
    run_cases(CASES, lambda kernel, inputs, wanted: [check(kernel, inputs, wanted, 1e-3)])
