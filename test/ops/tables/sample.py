"""Elements read at computed places."""

import numpy as np
from table import F32, F64, I32, I64, case, const, ints


def cases(t):
    for mode in ("linear", "nearest", "cubic"):
        for border in ("zeros", "border", "reflection"):
            for align in (0, 1):
                yield case("GridSample", t(2, 3, 5, 6), t(2, 4, 7, 2, low=-1.8, high=1.8), mode=mode,
                           padding_mode=border, align_corners=align, want="onnx")
    for mode in ("linear", "nearest"):
        yield case("GridSample", t(1, 2, 3, 4, 5), t(1, 2, 3, 4, 3, low=-1.3, high=1.3), mode=mode, want="onnx")
    yield case("GridSample", t(1, 2, 5, 6, dtype=F64), t(1, 4, 7, 2, dtype=F64))
    rois = np.array([[0, 0, 6, 5], [1.3, 0.7, 9, 4], [3, 3, 3, 3], [-2, -2, 20, 20]], F32)
    for mode in ("avg", "max"):
        for transform in ("half_pixel", "output_half_pixel"):
            yield case("RoiAlign", t(2, 3, 8, 9), rois, np.array([0, 1, 1, 0], I64), mode=mode, output_height=3,
                       output_width=4, sampling_ratio=2, spatial_scale=0.8, want="onnx",
                       coordinate_transformation_mode=transform)
    for time, batch, lengths in ((0, 1, [1, 2, 3, 4]), (1, 0, [4, 0, 1, 3, 2])):
        yield case("ReverseSequence", t(5, 4), np.array(lengths, I64), time_axis=time, batch_axis=batch)
        yield case("ReverseSequence", t(5, 4, 3, dtype=I32), np.array(lengths, I64), time_axis=time, batch_axis=batch,
                   want="onnx")
    for mode in ("linear", "circular"):
        starts = np.array([1, 5 if mode == "linear" else 7], I64)
        yield case("TensorScatter", t(2, 3, 8, 4), t(2, 3, 3, 4), starts, mode=mode, want="onnx")
        yield case("TensorScatter", t(2, 8, 4), t(2, 3, 4), starts, mode=mode, axis=1, want="onnx")
    yield case("TensorScatter", t(2, 8, 4), t(2, 3, 4), want="onnx")
    for attributes in ({}, {"strides": [2, 2]}, {"pads": [1, 0, 1, 2]}, {"dilations": [1, 2]}):
        s, p, d = (attributes.get(k, v) for k, v in (("strides", [1, 1]), ("pads", [0] * 4), ("dilations", [1, 1])))
        windows = [(size + p[i] + p[i + 2] - d[i] * (k - 1) - 1) // s[i] + 1
                   for i, (size, k) in enumerate(((7, 3), (6, 2)))]
        yield case("Col2Im", t(2, 3 * 6, windows[0] * windows[1]), ints(7, 6), ints(3, 2), want="onnx", **attributes)
