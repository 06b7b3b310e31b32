"""Axes, limits and sizes that a run computes, and operators whose results are as large as the data say: compiled once,
run with many values against ONNX Runtime."""

import resource

import numpy as np
from compiled_model import CompiledModel, nncc
from support import main

MOST, LEAST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


def numbers(*values):
    return np.array(values, np.int64)


def scalar(value, kind=np.int64):
    return np.array(value, kind)


class Slices(CompiledModel):
    def test_limits(self):
        self.build("(float[n, 6] x, int64[1] s, int64[1] e) => (float[k, 6] y) <int64[1] axis = {0}> { y = Slice(x, s, e, axis) }")
        for n in (0, 1, 5):
            for start in (0, 2, -1, -3, n, MOST, LEAST):
                for end in (0, 1, -1, n, MOST, LEAST):
                    self.check((n, 6), numbers(start), numbers(end))

    def test_steps(self):
        self.build("""(float[n, m] x, int64[2] s, int64[2] e, int64[2] t) => (float[k, l] y) <int64[2] axes = {1, 0}> {
              y = Slice(x, s, e, axes, t) }""")
        for steps in ((1, 1), (2, -1), (-3, 2), (MOST, 1), (LEAST, -1)):
            ends = [MOST if step > 0 else LEAST for step in steps]  # all there is
            self.check((5, 7), numbers(0, 0), numbers(*ends), numbers(*steps))
            self.check((5, 7), numbers(-1, MOST), numbers(*ends), numbers(*steps))
            self.check((5, 7), numbers(4, -3), numbers(2, 6), numbers(*steps))
        self.check((0, 7), numbers(-1, 3), numbers(LEAST, LEAST), numbers(-1, -2))
        self.refuse((5, 7), numbers(0, 0), numbers(2, 2), numbers(1, 0), error="node 'Slice_0': a step is 0")

    def test_axes(self):
        self.build("(float[a, b, c] x, int64[2] s, int64[2] e, int64[2] axes) => (float[k, l, m] y) { y = Slice(x, s, e, axes) }")
        for axes in ((0, 1), (2, 0), (-1, 1), (-3, -1)):
            self.check((4, 5, 6), numbers(1, 2), numbers(3, MOST), numbers(*axes))
        self.refuse((4, 5, 6), numbers(1, 2), numbers(3, 4), numbers(0, 3), error=r"node 'Slice_0': an axis is 3, outside of \[-3, 2\]")
        self.refuse((4, 5, 6), numbers(1, 2), numbers(3, 4), numbers(0, -3), error="node 'Slice_0': an axis is given twice")

    def test_parts(self):
        self.build("(float[n, 3] x, int64[3] parts) => (float[a, 3] u, float[b, 3] v, float[c, 3] w) { u, v, w = Split<axis = 0>(x, parts) }")
        for parts in ((2, 1, 3), (0, 6, 0), (0, 0, 0)):
            self.check((sum(parts), 3), numbers(*parts))
        self.refuse((6, 3), numbers(2, 2, 1), error="node 'Split_0'")
        self.refuse((6, 3), numbers(-1, 4, 3), error="node 'Split_0': .* is negative")


class Shapes(CompiledModel):
    def test_pads(self):
        for mode in ("constant", "reflect", "edge", "wrap"):
            self.build(f'(float[n, m] x, int64[4] pads) => (float[k, l] y) {{ y = Pad<mode = "{mode}">(x, pads) }}', opset=19)
            for pads in ((1, 2, 3, 0), (0, 0, 0, 0), (2, 0, 0, 3)):
                self.check((4, 5), numbers(*pads))
        self.build("(float[n, m] x, int64[2] pads, int64[1] axes) => (float[k, l] y) { y = Pad(x, pads, , axes) }")
        for axis in (0, 1, -1, -2):
            self.check((4, 5), numbers(1, 2), numbers(axis))
            self.check((4, 5), numbers(-1, 2), numbers(axis))
        self.refuse((4, 5), numbers(-3, -3), numbers(0), error="node 'Pad_0'|Pad_0")
        self.refuse((4, 5), numbers(1 << 39, 1 << 39), numbers(0), error="Pad_0|no memory")

    def test_ranges(self):
        for kind, dtype in (("int64", np.int64), ("int32", np.int32), ("float", np.float32), ("double", np.float64)):
            self.build(f"({kind} s, {kind} l, {kind} d) => ({kind}[n] y) {{ y = Range(s, l, d) }}")
            for start, limit, delta in ((0, 5, 1), (3, 10, 3), (5, 0, -2), (5, 0, 1), (2, 2, 1)):
                self.check(*(scalar(v, dtype) for v in (start, limit, delta)))
            self.refuse(*(scalar(v, dtype) for v in (0, 5, 0)), error="node 'Range_0': delta is 0")
        self.check(scalar(0.0, np.float64), scalar(1.0, np.float64), scalar(0.3, np.float64))
        self.build("(int64 s, int64 l, int64 d) => (int64[n] y) { y = Range(s, l, d) }")
        self.refuse(scalar(LEAST), scalar(MOST), scalar(1), error="Range_0")
        self.refuse(scalar(0), scalar(MOST), scalar(1), error="Range_0|no memory")

    def test_dims_of_size_one(self):
        self.build("(float[a, b] x, int64[2] axes) => (float[k, l, m, n] y) { y = Unsqueeze(x, axes) }")
        for axes in ((0, 1), (3, 0), (-1, 1), (-2, -1)):
            self.check((2, 3), numbers(*axes))
        self.refuse((2, 3), numbers(0, 4), error=r"node 'Unsqueeze_0': an axis is 4, outside of \[-4, 3\]")
        self.build("(float[a, b, c] x, int64[1] axes) => (float[k, l] y) { y = Squeeze(x, axes) }")
        for axis in (0, -3):
            self.check((1, 2, 3), numbers(axis))
        self.check((2, 3, 1), numbers(2))
        self.refuse((2, 3, 1), numbers(0), error="node 'Squeeze_0': the size of an axis is not 1")

    def test_reductions(self):
        for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp", "ReduceProd"):
            self.build(f"(float[a, b, c] x, int64[2] axes) => (float[k, l, m] y, float[n] z) {{\n"
                       f"  y = {op}<keepdims = 1>(x, axes)\n  z = {op}<keepdims = 0>(x, axes) }}")  # fmt: skip
            for axes in ((0, 1), (2, 0), (-1, 1)):
                self.check((2, 3, 4), numbers(*axes))
        self.refuse((2, 3, 4), numbers(0, 0), error="node 'ReduceProd_0': an axis is given twice")

    def test_repeats_and_depths(self):
        self.build("""(float[a, 1] x, int64[2] shape, int64[2] times, int64 depth, int64[i] hot, float[2] values)
            => (float[k, l] y, float[m, n] z, float[i, d] h) {
              y = Expand(x, shape)  z = Tile(x, times)  h = OneHot(hot, depth, values) }""")
        for shape, times, depth in (((3, 4), (2, 3), 5), ((1, 0), (0, 1), 1), ((1, 1), (1, 1), 3)):
            self.check((3, 1), numbers(*shape), numbers(*times), scalar(depth), numbers(0, 2, -1), (2,))
        self.refuse((3, 1), numbers(1, 1), numbers(1, -2), scalar(3), numbers(0), (2,), error="Tile_1.* is negative")

    def test_images(self):
        for mode, coordinates in (("nearest", "asymmetric"), ("linear", "half_pixel"), ("linear", "align_corners"), ("cubic", "half_pixel")):
            rounding = ', nearest_mode = "floor"' if mode == "nearest" else ""
            attributes = f'mode = "{mode}", coordinate_transformation_mode = "{coordinates}"{rounding}'
            self.build(f"(float[1, 2, h, w] x, float[4] s, int64[4] n) => (float[1, 2, k, l] y, float[1, 2, p, q] z) {{\n"
                       f"  y = Resize<{attributes}>(x, , s)\n  z = Resize<{attributes}>(x, , , n) }}")  # fmt: skip
            # ONNX aligns the corners of size * scale, ONNX Runtime those of the whole number below.
            last = 0.5 if coordinates == "align_corners" else 0.7
            for scales, sizes in (((1, 1, 2, 1.5), (1, 2, 3, 9)), ((1, 1, 0.6, last), (1, 2, 8, 1))):
                self.check((1, 2, 5, 6), np.array(scales, np.float32), numbers(*sizes))

    def test_the_same_tensor_read_twice(self):
        self.build("""(float[n] x, int64[1] k) => (float[a, b] y, float[c] z) <int64[1] zero = {0}> {
              kk = Concat<axis = 0>(k, k)  y = ConstantOfShape(kk)  p = Concat<axis = 0>(zero, k)  z = Pad(x, p)  }""")
        for k in (0, 1, 4):
            self.check((3,), numbers(k))

    def test_in_branches_and_loops(self):
        self.build("""(bool c, float[n] x, int64[1] e) => (float[k] y, float[m] z) <int64[1] zero = {0}, int64 three = {3}> {
            y = If(c) <then_branch = t () => (float[p] p) { p = Slice(x, zero, e) },
                       else_branch = f () => (float[q] q) { i = NonZero(x)  q = Cast<to = 1>(i)  s = Constant<value_ints = [-1]>()  r = Reshape(q, s)  q2 = Identity(r) }>
            z = Loop(three, , x) <body = l (int64 i, bool on, float[s] s) => (bool go, float[r] r) {
                  go = Identity(on)  one = Constant<value_ints = [1]>()  most = Constant<value_ints = [9223372036854775807]>()
                  j = Reshape(i, one)  r = Slice(s, j, most) }> }""".replace("q = Cast<to = 1>(i)", "f = Cast<to = 1>(i)").replace("Reshape(q, s)", "Reshape(f, s)").replace("q2 = Identity(r)", "q = Identity(r)"))
        for n in (0, 1, 4, 9):
            for c in (True, False):
                self.check(scalar(c, np.bool_), (n,), numbers(2))


class Selections(CompiledModel):
    def test_largest(self):
        self.build("""(float[a, n, b] x, int64[1] k) => (float[a, k, b] v, int64[a, k, b] i, float[a, k, b] w, int64[a, k, b] j) {
              v, i = TopK<axis = 1>(x, k)  w, j = TopK<axis = 1, largest = 0>(x, k) }""")
        for n in (1, 2, 7, 16, 33):
            for k in (0, 1, n):
                self.check((2, n, 3), numbers(k))
        self.refuse((2, 3, 3), numbers(4), error=r"node 'TopK_0': k is 4, outside of \[0, 3\]")
        self.refuse((2, 3, 3), numbers(-1), error=r"node 'TopK_0': k is -1, outside of \[0, 3\]")

    def test_those_that_are_not_zero(self):
        self.build("(float[n, m] x) => (int64[2, k] y) { y = NonZero(x) }")
        for shape in ((4, 5), (1, 1), (0, 3), (3, 0), (40, 50)):
            self.check(shape)
        self.check(np.zeros((3, 4), np.float32))

    def test_those_where_a_condition_holds(self):
        self.build("(float[n, 4] x, bool[m] c) => (float[k, 4] y, float[l] z) { y = Compress<axis = 0>(x, c)  z = Compress(x, c) }")
        for holds in ([1, 0, 1], [0, 0, 0], [1, 1], []):
            self.check((3, 4), np.array(holds, np.bool_))
        self.refuse((3, 4), np.array([0, 0, 0, 1], np.bool_), error="node 'Compress_0': the condition holds behind the end")

    def test_distinct_ones(self):
        for order in (0, 1):
            self.build(f"(float[n, m] x) => (float[k] y, int64[k] i, int64[j] j, int64[k] c) {{ y, i, j, c = Unique<sorted = {order}>(x) }}")
            for shape in ((3, 4), (1, 1), (20, 7)):
                self.check(shape)
            self.check(np.ones((3, 5), np.float32))
            for axis in (0, 1, -1):
                self.build(f"(float[n, m] x) => (float[k, l] y, int64[p] i, int64[j] j, int64[p] c) {{ y, i, j, c = Unique<sorted = {order}, axis = {axis}>(x) }}")
                self.check(np.array([[1, 2, 1], [0, 2, 0], [1, 2, 1]], np.float32))
                self.check((5, 2))

    def test_boxes(self):
        rng = np.random.default_rng(3)
        for center in (0, 1):
            self.build(f"""(float[b, n, 4] x, float[b, c, n] s, int64[1] most, float[1] iou, float[1] score) => (int64[k, 3] y, int64[l, 3] z) {{
                  y = NonMaxSuppression<center_point_box = {center}>(x, s, most, iou, score)
                  z = NonMaxSuppression<center_point_box = {center}>(x, s, most) }}""")
            for b, c, n in ((1, 1, 1), (2, 3, 40), (1, 2, 0)):
                boxes = rng.uniform(0, 1, (b, n, 4)).astype(np.float32)
                scores = rng.uniform(0, 1, (b, c, n)).astype(np.float32)
                for most, iou, score in ((5, 0.3, 0.2), (0, 0.5, 0.0), (100, 0.9, 0.5), (3, 0.0, 2.0)):
                    self.check(boxes, scores, numbers(most), np.array([iou], np.float32), np.array([score], np.float32))

    def test_memory_does_not_grow(self):
        self.build("""(float[n] x) => (int64[1, k] y, float[k] z) {
              y = NonZero(x)  c = Cast<to = 9>(x)  p = Compress<axis = 0>(x, c)  z = Exp(p) }""")
        rng = np.random.default_rng(0)

        def run(count):
            for i in range(count):
                x = rng.integers(0, 2, 1 + 7 * i % 5000).astype(np.float32)
                self.assertEqual(self.model(x)[0].shape, (1, np.count_nonzero(x)))

        run(1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run(1000)
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 4096)


if __name__ == "__main__":
    main()
