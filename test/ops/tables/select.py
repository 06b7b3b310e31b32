"""What a run decides: axes of reductions, the largest elements; n-grams, determinants, kernels that move."""

import numpy as np
from table import F16, F32, F64, I8, I32, I64, U8, case, const, ints, special


def largest(x, k, axis, biggest=True):
    """Equal elements in their order, NaN as the largest."""
    keys = -x.astype(F64) if biggest else x.astype(F64)
    keys = np.where(np.isnan(keys), -np.inf if biggest else np.inf, keys)
    places = np.argsort(keys, axis=axis, kind="stable").take(np.arange(k), axis=axis)
    return np.take_along_axis(x, places, axis=axis), places


def cases(t):
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"):
        for axes in ([1], [-1], [0, 2], [2, 0, 1], [-2, 0]):
            for keepdims in (0, 1):
                yield case(op, t(3, 17, 5), np.array(axes, I64), keepdims=keepdims, want="onnx", note="axes of a run")
    yield case("ReduceSum", t(3, 5), np.zeros(0, I64), want="onnx", note="no axes")
    yield case("ReduceSum", t(3, 5), np.zeros(0, I64), noop_with_empty_axes=1, want="onnx", note="no axes")
    yield case("ReduceProd", t(3, 0, 5), np.array([1], I64), want="onnx", note="nothing to reduce")

    def top(x, k, note="", **how):
        axis, biggest = how.get("axis", -1), how.get("largest", 1)
        return case("TopK", x, k, outputs=2, note=note, want=lambda x, k: largest(x, int(k[0]), axis, biggest), **how)

    for dtype in (F32, F64, F16, I8, U8, I32, I64):
        yield top(t(4, 33, dtype=dtype, low=-9, high=9), ints(5))
        yield top(t(7, 5, 3, dtype=dtype, low=-9, high=9), ints(4), axis=1, largest=0)
    yield top(t(3, 1000), ints(100))
    yield top(t(3, 9), np.array([4], I64), note="k of a run")
    yield top(t(3, 9, 2), np.array([9], I64), axis=-2, note="all of a run")
    yield top(special(), ints(21), note="special values")
    yield top(t(5, 4), ints(0), note="none")

    for shape in ((1, 1), (2, 2), (5, 3, 3), (2, 2, 8, 8), (20, 20)):
        yield case("Det", t(*shape), want=lambda x: np.linalg.det(x.astype(F64)).astype(F32))
    yield case("Det", np.array([[[0, 1], [1, 0]], [[1, 2], [2, 4]], [[0, 0], [0, 3]]], F32), note="pivots and rank 1",
               want=lambda x: np.linalg.det(x.astype(F64)).astype(F32))

    for group, offsets in ((1, 1), (2, 1), (1, 4), (2, 2)):
        x, w = t(2, 4, 7, 6), t(6, 4 // group, 3, 2)
        how = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1], "dilations": [1, 2], "group": group}
        yield case("DeformConv", x, w, t(2, 12 * offsets, 4, 5), t(6), t(2, 6 * offsets, 4, 5, low=0, high=1),
                   offset_group=offsets, want="onnx", **how)
    yield case("DeformConv", t(1, 1, 5, 5), t(1, 1, 3, 3), t(1, 18, 3, 3, low=-4, high=4), kernel_shape=[3, 3],
               want="onnx", note="places outside")

    pool = {"ngram_counts": [0, 3], "ngram_indexes": [0, 1, 2, 3, 5, 4], "pool_int64s": [2, 3, 5, 5, 4, 5, 6, 7, 8]}
    for dtype in (I32, I64):
        for mode in ("TF", "IDF", "TFIDF"):
            for shape in ((12,), (3, 12)):
                for skip in (0, 5):
                    yield case("TfIdfVectorizer", t(*shape, dtype=dtype, low=2, high=8), mode=mode, min_gram_length=1,
                               max_gram_length=2, max_skip_count=skip, weights=[0.5, 2.0, 1.0, 3.0, 4.0, 0.25],
                               want="onnx", **pool)  # fmt: skip
    for axis in (0, 1, -2):
        yield case("DFT", t(3, 4, 6, 2), None, np.array(axis, I64), want="onnx", note="axis of a run")
    yield case("DFT", t(3, 4, 6, 1), None, np.array(1, I64), inverse=1, want="onnx", note="axis of a run")
    yield case("MaxPool", t(1, 1, 4, 4), kernel_shape=[2, 2], outputs=2, note="beside a value of a run")
    yield case("Identity", const(3, F32).array, note="beside a value of a run")

    for dtype in (F32, I32, I64):
        for shape in ((40,), (5, 7), (2, 3, 4), (3, 0, 2)):
            yield case("NonZero", t(*shape, dtype=dtype, low=-1, high=1), want="onnx")
    yield case("NonZero", np.zeros((4, 5), F32), want="onnx", note="none")
    # On a GPU: several warps, several blocks, several rounds of each; nearly all and few.
    for shape, part in (((17, 131), 0.5), ((163, 151), 0.1), ((551, 563), 0.01), ((13, 1021), 0.99)):
        yield case("NonZero", t(*shape, low=part - 1, high=part).clip(0), want="onnx")
    held = np.array([1, 0, 1, 1, 0], bool)
    for axis in (0, 1, -1):
        yield case("Compress", t(5, 6, 7), held, axis=axis, want="onnx")
    yield case("Compress", t(5, 6), np.arange(30) % 3 == 1, want="onnx", note="all elements")
    yield case("Compress", t(5, 6), np.zeros(5, bool), axis=0, want="onnx", note="none")
    for is_sorted in (0, 1):
        yield case("Unique", t(60, dtype=I64, low=-9, high=9), outputs=4, sorted=is_sorted, want="ort")
        yield case("Unique", t(9, 2, dtype=I64, low=0, high=2), outputs=4, sorted=is_sorted, axis=0, want="ort")
        yield case("Unique", t(2, 12, dtype=F32, low=0, high=1).round(), outputs=4, sorted=is_sorted, axis=1, want="ort")
    boxes = t(2, 30, 4, low=0, high=1)
    boxes[..., 2:] += boxes[..., :2]
    for center in (0, 1):
        yield case("NonMaxSuppression", boxes, t(2, 3, 30, low=0, high=1), ints(4), const([0.3], F32), const([0.2], F32),
                   center_point_box=center, want="ort")  # fmt: skip
    yield case("NonMaxSuppression", boxes, t(2, 3, 30, low=0, high=1), ints(4), const([0.3], F32), const([2.0], F32), want="ort",
               note="none")
    # Long rows: of few places the best of each thread come first, wherever they are.
    yield top(t(1, 50257), ints(40), note="a vocabulary")
    yield top(t(2, 9000), np.array([3], I64), note="k of a run")
    yield top(t(1, 9000), np.array([700], I64), note="more of a run")
    yield top(t(2, 8400, dtype=F16).round(1), ints(64), largest=0, note="ties")
    yield top(np.sort(t(1, 9000)), ints(500), axis=-1, largest=0, note="in order")
    yield top(np.where(np.arange(6000) % 7 == 0, np.nan, t(1, 6000)).astype(F32), ints(300), note="many NaN")
    yield top(np.zeros((1, 5000), F32) * np.where(np.arange(5000) % 2, 1, -1).astype(F32), ints(5), note="both zeros")
    yield top(t(1, 6000, dtype=I64, low=-99, high=99), ints(9), note="ties of 64 bits")
    yield top(t(3, 1000), ints(1000), note="all")
    boxes = t(1, 2000, 4, low=0, high=1)
    boxes[..., 2:] = boxes[..., :2] + 0.1 * boxes[..., 2:]
    yield case("NonMaxSuppression", boxes, t(1, 2, 2000, low=0, high=1), ints(300), const([0.4], F32), const([0.1], F32), want="ort",
               note="many")  # fmt: skip
