"""Normalisations."""

import numpy as np
from table import F16, F64, case


def cases(t):
    def per(n):
        return t.const(n, low=0.5)

    for shape in ((2, 3, 5, 5), (3, 17), (1, 33, 7)):
        c = shape[1]
        yield case("BatchNormalization", t(*shape), per(c), per(c), t.const(c), per(c))
    yield case("BatchNormalization", t(2, 3, 5), t(3), t(3), t(3), t(3, low=0.5), epsilon=0.1)
    yield case("InstanceNormalization", t(2, 3, 9, 9), t.const(3), t.const(3))
    yield case("InstanceNormalization", t(2, 3, 33), t(3), t(3), epsilon=0.1)
    yield case("GroupNormalization", t(2, 6, 5, 5), t.const(6), t.const(6), num_groups=3,
               want="onnx")
    yield case("GroupNormalization", t(1, 4, 17), t.const(4), t.const(4), num_groups=1, want="onnx")
    for shape, axis in (((3, 17), -1), ((2, 5, 33), -1), ((2, 5, 33), 1), ((2, 3, 4, 5), 2),
                        ((1, 768), -1), ((3, 1), -1)):
        scale = shape[axis:] if axis >= 0 else shape[-1:]
        yield case("LayerNormalization", t(*shape), t.const(*scale), t.const(*scale), axis=axis)
        yield case("RMSNormalization", t(*shape), t.const(*scale), axis=axis, want="onnx")
    for rows, columns in ((70, 200), (5, 768), (3, 1024), (2, 1030), (2, 5000)):
        yield case("LayerNormalization", t(rows, columns), t.const(columns), t(columns))
        yield case("LayerNormalization", t(rows, columns, dtype=F16), t(columns, dtype=F16), want="onnx")
        yield case("RMSNormalization", t(rows, columns), t(columns), want="onnx")
    yield case("LayerNormalization", t(5, 640), t(640), t(640), outputs=3)
    yield case("LayerNormalization", t(3, 17), t(17))
    yield case("LayerNormalization", t(3, 17), t(17), t(17), outputs=3)
    yield case("LayerNormalization", t(3, 17, dtype=F64), t(17, dtype=F64), t(17, dtype=F64))
    yield case("LayerNormalization", t(3, 17, dtype=F16), t(17, dtype=F16), want="onnx")
    yield case("MeanVarianceNormalization", t(2, 3, 5, 5))
    yield case("MeanVarianceNormalization", t(2, 3, 5, 5), axes=[1, 2])
    yield case("LpNormalization", t(3, 17))
    yield case("LpNormalization", t(3, 17), axis=0, p=1)
    yield case("LRN", t(2, 9, 5, 5), size=3)
    yield case("LRN", t(2, 9, 5, 5), size=4, alpha=0.3, beta=0.5, bias=2.0, want=even_lrn)
    yield case("LRN", t(1, 3, 2, 2), size=9)


def even_lrn(x):
    """size=4, alpha=0.3, beta=0.5, bias=2: one channel before, two after."""
    padded = np.pad(x**2, ((0, 0), (1, 2), (0, 0), (0, 0)))
    total = sum(padded[:, i : i + x.shape[1]] for i in range(4))
    return (x / np.sqrt(2 + 0.3 / 4 * total)).astype(x.dtype)
