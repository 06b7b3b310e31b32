"""Shapes and the movement of elements."""

import numpy as np
from table import BOOL, F16, F32, F64, I8, I32, I64, U8, case, const, ints


def cases(t):
    for shape, perm in (((3, 17), [1, 0]), ((2, 3, 5), [2, 0, 1]), ((1, 17, 33), [0, 2, 1]),
                        ((2, 3, 4, 5), [0, 2, 1, 3]), ((2, 3, 4, 5), [0, 3, 1, 2]), ((5,), [0]),
                        ((64, 48), [1, 0]), ((2, 0, 3), [2, 1, 0]), ((2, 2, 2, 2, 3), [4, 2, 0, 3, 1])):
        yield case("Transpose", t(*shape), perm=perm)
    for dtype in (I8, I64, F16, BOOL, F64):
        yield case("Transpose", t(33, 17, dtype=dtype))
    for dtype in (F32, I8, F16, I64, BOOL):  # tiles of several rows and columns, with and without a rest
        for shape, perm in (((2, 100, 130), [0, 2, 1]), ((64, 128), [1, 0]), ((3, 49, 70), [0, 2, 1]),
                            ((1, 3, 40, 41), [0, 2, 3, 1]), ((1, 24, 35, 3), [0, 3, 1, 2]),
                            ((2, 33, 4, 16), [0, 2, 1, 3]), ((2, 33, 4, 17), [1, 3, 2, 0])):
            yield case("Transpose", t(*shape, dtype=dtype), perm=perm)
    for axis in (0, 1, -1):
        shapes = [[3, 4, 5] for _ in range(3)]
        for shape, size in zip(shapes, (1, 7, 17)):
            shape[axis] = size
        yield case("Concat", *(t(*shape) for shape in shapes), axis=axis)
    yield case("Concat", t(2, 3), t(2, 0), t(2, 5), axis=1)
    yield case("Concat", t(2, 3, dtype=U8), t(2, 3, dtype=U8), axis=0)
    yield case("Concat", t(3), axis=0)
    yield case("Split", t(6, 5), outputs=3, axis=0, num_outputs=3)
    yield case("Split", t(7, 5), outputs=3, axis=0, num_outputs=3)
    yield case("Split", t(3, 17), ints(1, 0, 16), outputs=3, axis=-1)
    slices = [((20,), [2], [11], [0], [3]), ((5, 17), [-9], [-1], [-1], [1]),
              ((5, 17), [100], [-100], [1], [-2]), ((5, 17), [1, 2], [4, 9], [0, 1], [1, 3]),
              ((5, 17), [3], [3], [0], [1]), ((4, 5, 6), [0, 1], [2**62, -1], [2, 1], [2, 1])]
    for shape, start, end, axes, step in slices:
        yield case("Slice", t(*shape), ints(*start), ints(*end), ints(*axes), ints(*step))
    yield case("Slice", t(5, 17, dtype=I8), ints(1), ints(4))
    for dtype in (F32, F16, I8):  # long rows, off any alignment
        for start, step in (([1, 3], 1), ([2, 16], 1), ([0, 0], 2)):
            yield case("Slice", t(7, 1040, dtype=dtype), ints(*start), ints(7, 1040), ints(0, 1), ints(1, step))
    for mode in ("constant", "reflect", "edge", "wrap"):
        yield case("Pad", t(3, 5), ints(1, 2, 0, 3), mode=mode)
        yield case("Pad", t(2, 3, 4, 5), ints(0, 0, 1, 2, 0, 0, 2, 1), mode=mode)
    yield case("Pad", t(3, 5), ints(1, 2, 0, 3), const(1.5, F32))
    yield case("Pad", t(3, 5), ints(-1, 2, 0, -3), const(1.5, F32))
    yield case("Pad", t(3, 5, 2), ints(2, 1), t(), ints(1), note="axes")
    yield case("Pad", t(3, 5, dtype=I32), ints(1, 1, 1, 1), const(7, I32))
    yield case("Tile", t(3, 5), ints(2, 3))
    yield case("Tile", t(1, 5, 1), ints(4, 1, 17))
    yield case("Tile", t(3, dtype=BOOL), ints(0))
    yield case("Expand", t(3, 1), ints(2, 1, 33))
    yield case("Expand", t(), ints(5))
    yield case("Expand", t(3, 17, dtype=I64), ints(1, 1))
    for mode in ("DCR", "CRD"):
        yield case("DepthToSpace", t(2, 12, 3, 5), blocksize=2, mode=mode)
    yield case("SpaceToDepth", t(2, 3, 6, 9), blocksize=3)
    yield case("Reshape", t(3, 4, 5), ints(5, 12))
    yield case("Reshape", t(3, 4, 5), ints(0, -1))
    yield case("Reshape", t(0, 4), ints(4, 0), allowzero=1)
    yield case("Reshape", t(1), ints())
    yield case("Flatten", t(2, 3, 4), axis=2)
    yield case("Flatten", t(2, 3, 4), axis=0)
    yield case("Flatten", t(2, 3, 4), axis=-1)
    yield case("Squeeze", t(1, 3, 1, 5))
    yield case("Squeeze", t(1, 3, 1, 5), ints(-2))
    yield case("Unsqueeze", t(3, 5), ints(0, -1))
    yield case("Unsqueeze", t(), ints(0, 1))
    yield case("Identity", t(3, 17))
    yield case("Identity", t(3, dtype=BOOL))
    yield case("Shape", t(3, 17))
    yield case("Shape", t(3, 17, 5), start=-2, end=-1)
    yield case("Size", t(3, 17))
    yield case("Dropout", t(3, 17))
    yield case("Trilu", t(5, 7))
    yield case("Trilu", t(2, 7, 5), const(-1, I64), upper=0)
    yield case("Trilu", t(7, 5, dtype=I64), const(2, I64))
    yield from gathers(t)
    yield from resizes(t)
    yield from generators(t)


def gathers(t):
    for axis in (0, 1, 2, -1):
        yield case("Gather", t(4, 5, 33), const([[0, -1], [2, 3]], I64), axis=axis)
    yield case("Gather", t(7, 17), t(3, 2, dtype=I32, low=-7, high=6))
    for columns in (256, 257):
        yield case("Gather", t(9, columns, dtype=F16), t(40, dtype=I64, low=0, high=8))
    for dtype in (F32, F16, I8, I64, BOOL):  # rows of 16 bytes at a time
        yield case("Gather", t(9, 64, dtype=dtype), t(5, 7, dtype=I64, low=-9, high=8))
        yield case("Gather", t(3, 9, 48, dtype=dtype), t(4, dtype=I32, low=0, high=8), axis=1)
    yield case("GatherND", t(4, 5, 64), t(3, 2, dtype=I64, low=-4, high=3))
    yield case("Gather", t(7, 17), t(dtype=I64, low=0, high=6))
    yield case("Gather", t.const(30, 16), t(5, dtype=I64, low=0, high=29), note="a table")
    yield case("Gather", t(5, dtype=BOOL), t(9, dtype=I64, low=0, high=4))
    yield case("Gather", t(5, 3), t(0, dtype=I64, low=0, high=4))
    for axis in (0, 1, -1):
        yield case("GatherElements", t(5, 5), t(5, 5, dtype=I64, low=-5, high=4), axis=axis)
    yield case("GatherElements", t(5, 17), t(3, 17, dtype=I32, low=0, high=4), axis=0)
    yield case("GatherND", t(4, 5, 6), t(3, 2, dtype=I64, low=-4, high=3))
    yield case("GatherND", t(4, 5, 6), t(2, 3, 3, dtype=I64, low=0, high=3))
    yield case("GatherND", t(4, 5, 6), t(4, 2, 1, dtype=I64, low=0, high=4), batch_dims=1)
    yield case("Where", t(3, 17, dtype=BOOL), t(3, 17), const(0, F32))
    rows = np.array([[1, 0, 2, 4, 3]], dtype=I64)
    for axis, indices in ((0, np.repeat(rows.T, 3, 1)), (1, np.repeat(rows, 3, 0))):
        shape = (5, 3) if axis == 0 else (3, 5)
        yield case("ScatterElements", t(*shape), indices, t(*shape), axis=axis)
        for reduction in ("add", "mul", "max", "min"):
            yield case("ScatterElements", t(*shape), indices % 2, t(*shape), axis=axis,
                       reduction=reduction, want="onnx")
    for reduction in ("none", "add", "mul", "max", "min"):
        indices = np.array([[1], [3], [0]], dtype=I64)
        yield case("ScatterND", t(4, 5), indices, t(3, 5), reduction=reduction, want="onnx")
    yield case("ScatterND", t(4, 5), np.array([[0, 1], [-1, 2]], dtype=I64), t(2))


def resizes(t):
    none = const([], F32)
    for mode in ("nearest", "linear", "cubic"):
        for transform in ("half_pixel", "asymmetric", "align_corners"):
            more = {"nearest_mode": "floor"} if mode == "nearest" else {}
            for scales in ((2, 2), (1.5, 0.7), (3, 1)):
                # ONNX Runtime rounds the size before it aligns corners, ONNX after.
                yield case("Resize", t(1, 2, 5, 7), None, const((1, 1, *scales), F32), mode=mode,
                           coordinate_transformation_mode=transform,
                           want="onnx" if transform == "align_corners" else "ort", **more)
        yield case("Resize", t(2, 3, 4, 5), None, None, ints(2, 3, 9, 3), mode=mode)
    yield case("Resize", t(1, 2, 9, 9), None, None, ints(5, 5), mode="linear", antialias=1,
               axes=[2, 3], want="onnx")
    yield case("Resize", t(1, 1, 4, 4), none, const((1, 1, 2, 2), F32), mode="nearest",
               nearest_mode="round_prefer_ceil")


def generators(t):
    yield case("Range", const(1, I64), const(20, I64), const(3, I64))
    yield case("Range", const(10, F32), const(-3, F32), const(-0.5, F32))
    yield case("ConstantOfShape", ints(3, 17), note="zeros")
    yield case("EyeLike", t(4, 7), k=1)
    yield case("EyeLike", t(7, 4), k=-2, dtype=7)
    yield case("OneHot", t(3, 4, dtype=I64, low=-7, high=6), const(7, I64), const([-1, 2], F32))
    yield case("OneHot", t(5, dtype=I64, low=0, high=6), const([7], I64), t(2), axis=0)
    yield case("Constant", value_floats=[1.0, 2.0, 3.0])
