"""Indices, lengths and labels outside of what there is: an error at compile time where they are known, else the run ends
with a status that names the node, what was found and what is allowed."""

import numpy as np
from compiled_model import CompiledModel
from support import main

MOST, LEAST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


def numbers(*values, kind=np.int64):
    return np.array(values, kind)


class Indices(CompiledModel):
    def outside(self, node, index, low, high, *values):
        """A run that is refused, and one after it that is not spoilt by that."""
        self.refuse(*values, error=rf"^node '{node}': (an?|the) .* is {index}, outside of \[{low}, {high}\]$")

    def test_gather(self):
        for kind, dtype in (("int64", np.int64), ("int32", np.int32)):
            for axis, size in ((0, 5), (1, 7), (-1, 7)):
                self.build(f"(float[n, m] x, {kind}[k] i) => (float[a, b] y) {{ y = Gather<axis = {axis}>(x, i) }}")
                for good in ((0, size - 1, -1, -size), (), (2,) * 37):
                    self.check((5, 7), numbers(*good, kind=dtype))
                for bad in (size, -size - 1, 1000):
                    # in the elements that are looked at one by one, and in those looked at together
                    for count, place in ((1, 0), (40, 39), (40, 3), (41, 40), (64, 63)):
                        indices = np.zeros(count, dtype)
                        indices[place] = bad
                        self.outside("Gather_0", bad, -size, size - 1, (5, 7), indices)
                self.check((5, 7), numbers(1, kind=dtype))
        self.build("(float[n] x, int64[k, l] i) => (float[k, l] y) { y = Gather(x, i) }")
        for index in (MOST, LEAST):
            self.outside("Gather_0", index, -3, 2, (3,), numbers(0, index).reshape(2, 1))
        self.outside("Gather_0", 0, 0, -1, (0,), numbers(0).reshape(1, 1))  # nothing to pick from
        self.check((0,), np.zeros((0, 2), np.int64))
        self.check((3,), np.array([[0, -3], [2, 1]]))

    def test_the_first_one_is_reported(self):
        self.build("(float[6] x, int64[20] i) => (float[20] y) { y = Gather(x, i) }")
        indices = np.zeros(20, np.int64)
        indices[[4, 11, 19]] = 9, 8, 7
        self.outside("Gather_0", 9, -6, 5, (6,), indices)

    def test_sizes_that_are_fixed_stay_so(self):
        self.build("(float[6, 2] x, int64[3] i) => (float[3, 2] y) { y = Gather(x, i) }")
        self.assertEqual([(o.name, o.shape) for o in self.model.outputs], [("y", (3, 2))])
        self.check((6, 2), numbers(5, 0, -6))
        self.outside("Gather_0", 6, -6, 5, (6, 2), numbers(5, 0, 6))

    def test_elements(self):
        self.build("(float[n, m] x, int64[k, m] i) => (float[k, m] y) { y = GatherElements(x, i) }")
        self.check((3, 2), np.array([[0, -1], [2, -3]]))
        self.outside("GatherElements_0", 3, -3, 2, (3, 2), np.array([[0, 1], [2, 3]]))
        for reduction in ("none", "add"):
            self.build(f"""(float[n, m] x, int64[n, k] i, float[n, k] u) => (float[n, m] y) {{
                  y = ScatterElements<axis = 1, reduction = "{reduction}">(x, i, u) }}""")
            self.check((2, 4), np.array([[0, -1], [3, -4]]), (2, 2))
            self.outside("ScatterElements_0", -5, -4, 3, (2, 4), np.array([[0, -1], [3, -5]]), (2, 2))

    def test_tuples(self):
        """Each member has the limits of its dim."""
        self.build("(float[n, m, 3] x, int64[k, 2] i) => (float[k, 3] y) { y = GatherND(x, i) }")
        self.check((4, 9, 3), np.array([[3, 8], [-4, -9]]))
        self.outside("GatherND_0", 4, -4, 3, (4, 9, 3), np.array([[3, 8], [4, 8]]))
        self.outside("GatherND_0", -10, -9, 8, (4, 9, 3), np.array([[3, 8], [0, -10]]))
        self.build("(float[b, n, m] x, int64[b, 1] i) => (float[b, m] y) { y = GatherND<batch_dims = 1>(x, i) }")
        self.check((2, 5, 3), np.array([[4], [-5]]))
        self.outside("GatherND_0", 5, -5, 4, (2, 5, 3), np.array([[4], [5]]))
        self.build("(float[n, m] x, int64[k, 2] i, float[k] u) => (float[n, m] y) { y = ScatterND(x, i, u) }")
        self.check((2, 5), np.array([[1, 4], [-2, -5]]), (2,))
        self.outside("ScatterND_0", 2, -2, 1, (2, 5), np.array([[1, 4], [2, 0]]), (2,))

    def test_lengths(self):
        for op, gates, state in (("RNN", 1, ""), ("GRU", 3, ""), ("LSTM", 4, ", c")):
            outputs = ", float[1, b, 4] c" if state else ""
            self.build(f"""(float[s, b, 3] x, float[1, {4 * gates}, 3] w, float[1, {4 * gates}, 4] r, int32[b] l)
                  => (float[s, 1, b, 4] y, float[1, b, 4] h{outputs}) {{ y, h{state} = {op}<hidden_size = 4>(x, w, r, , l) }}""")
            shapes = (5, 2, 3), (1, 4 * gates, 3), (1, 4 * gates, 4)
            for good in ((5, 0), (1, 4)):
                self.check(*shapes, numbers(*good, kind=np.int32))
            for bad in (6, -1):
                self.outside(f"{op}_0", bad, 0, 5, *shapes, numbers(5, bad, kind=np.int32))
        self.build("(float[t, b] x, int64[b] l) => (float[t, b] y) { y = ReverseSequence(x, l) }")
        self.check((4, 3), numbers(4, 1, 2))
        for bad in (5, -1):
            self.outside("ReverseSequence_0", bad, 0, 4, (4, 3), numbers(4, bad, 2))

    def test_other_places(self):
        self.build("(float[1, 1, 2, 2] x, int64[1, 1, 2, 2] i) => (float[1, 1, 4, 4] y) { y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i) }")
        places = np.array([0, 5, 10, 15]).reshape(1, 1, 2, 2)
        self.check((1, 1, 2, 2), places)
        self.outside("MaxUnpool_0", 16, 0, 15, (1, 1, 2, 2), places + 1)
        self.outside("MaxUnpool_0", -1, 0, 15, (1, 1, 2, 2), places - 1)
        self.build("(float[n, 1, 4, 4] x, float[r, 4] rois, int64[r] b) => (float[r, 1, 2, 2] y) { y = RoiAlign<output_height = 2, output_width = 2, sampling_ratio = 2>(x, rois, b) }")
        rois = np.array([[0, 0, 3, 3], [1, 1, 2, 2]], np.float32)
        self.check((2, 1, 4, 4), rois, numbers(1, 0))
        self.outside("RoiAlign_0", 2, 0, 1, (2, 1, 4, 4), rois, numbers(0, 2))

    def test_a_part_that_does_not_fit_its_cache(self):
        self.save("(float[2, 1, 6, 1] c, float[2, 1, 2, 1] u, int64[2] w) => (float[2, 1, 6, 1] y) { y = TensorScatter(c, u, w) }", 24)
        self.model = self.compile()
        cache, update = np.zeros((2, 1, 6, 1), np.float32), np.ones((2, 1, 2, 1), np.float32)
        result = self.model(cache, update, numbers(4, 0))[0]
        np.testing.assert_array_equal(result[:, 0, :, 0], [[0, 0, 0, 0, 1, 1], [1, 1, 0, 0, 0, 0]])
        for bad in (5, -1):
            self.outside("TensorScatter_0", bad, 0, 4, cache, update, numbers(0, bad))

    def test_labels(self):
        for ignore, bad in (("", 3), (", ignore_index = -7", -8)):
            self.build(f"""(float[n, 3] x, int64[n] t) => (float y, float z) {{
                  y = NegativeLogLikelihoodLoss<reduction = "mean"{ignore}>(x, t)
                  z = SoftmaxCrossEntropyLoss<reduction = "mean"{ignore}>(x, t) }}""")
            self.check((4, 3), numbers(0, 2, 1, 1))
            if ignore:
                self.check((4, 3), numbers(-7, 2, -7, 1))
            self.refuse((4, 3), numbers(0, 2, bad, 1), error=rf"^node 'NegativeLogLikelihoodLoss_0.*': an index is {bad}, outside of \[-3, 2\]$")

    def test_an_axis(self):
        self.build("(float[a, b] x, int64 axis) => (float[a, b] y) { y = CumSum(x, axis) }")
        self.check((2, 3), np.array(-2))
        self.outside("CumSum_0", 2, -2, 1, (2, 3), np.array(2))

    def test_one_hot_takes_any_index(self):
        self.build("(int64[n] i, float[2] values) => (float[n, 3] y) <int64 depth = {3}> { y = OneHot(i, depth, values) }")
        self.check(numbers(0, -3, 3, -4, MOST, LEAST), (2,))

    def test_in_branches_and_loops(self):
        """What does not run is not looked at."""
        self.build("""(bool c, float[n] x, int64[k] i) => (float[k] y) {
            y = If(c) <then_branch = t () => (float[k] p) { p = Gather(x, i) },
                       else_branch = f () => (float[k] q) { q = Cast<to = 1>(i) }> }""")
        for c in (True, False):
            self.check(np.array(c), (3,), numbers(0, -3))
        self.check(np.array(False), (3,), numbers(0, 9))
        self.outside("If_0/Gather_0", 9, -3, 2, np.array(True), (3,), numbers(0, 9))
        self.build("""(int64 trips, float[n] x) => (float z) <float zero = {0}> {
            z = Loop(trips, , zero) <body = l (int64 i, bool on, float s) => (bool go, float r) {
                  go = Identity(on)  e = Gather(x, i)  r = Add(s, e) }> }""")
        self.check(np.array(3), (3,))
        self.outside("Loop_0/Gather_1", 3, -3, 2, np.array(4), (3,))

    def test_computed_indices(self):
        """Those that a kernel computes, and of sizes that a run computes."""
        self.build("""(float[n, m] x, int64[k] i, int64[k] j) => (float[k, m] y, float[l, m] z) {
              s = Add(i, j)  y = Gather(x, s)  c = Cast<to = 9>(j)  p = Compress(i, c)  z = Gather(x, p) }""")
        self.check((4, 3), numbers(0, 1, 2), numbers(0, -1, 1))
        self.outside("Gather_1", 4, -4, 3, (4, 3), numbers(0, 2, 2), numbers(0, -1, 2))
        self.outside("Gather_4", 7, -4, 3, (4, 3), numbers(0, 7, 2), numbers(0, -5, 0))

    def test_places_need_no_look(self):
        """The program looks at nothing where the indices are places by their meaning."""
        self.save("""(float[n, m] x) => (float[n, m] a, float[n, m] b, float[k] c, float[n] d) <int64 zero = {0}, int64 one = {1}, int64[1] three = {3}, int64[1] to = {0}> {
              v, i = TopK<axis = 0>(x, three)  a = GatherElements(x, i)
              s = Shape<end = 1>(x)  e = Squeeze(s)  r = Range(zero, e, one)  b = Gather(x, r)
              z = NonZero(x)  t = Transpose(z)  c = GatherND(x, t)
              g = ArgMax<axis = 1, keepdims = 1>(x)  h = GatherElements<axis = 1>(x, g)  d = Squeeze(h) }""")
        self.assertNotIn("rt.within", self.nncc("m.onnx", "--stop-after=import", "-o", "-"))

    def test_sizes_decide(self):
        """An index that is known, into a dim that is open."""
        self.build("(float[n, 3] x) => (float[2, 3] y) <int64[2] i = {1, -3}> { y = Gather(x, i) }")
        for n in (3, 5):
            self.check((n, 3))
        for n in (0, 2):
            self.refuse((n, 3), error="node 'Gather_0': an index and the sizes of its dim do not fit each other with .*n = ")
        self.build("(float[n, 3] x) => (float[3] y) <int64 i = {1}> { y = Gather(x, i) }")
        self.check((2, 3))
        self.refuse((1, 3), error="node 'Gather_0': an index of 1 and its limits .* do not fit each other with .*n = 1")

    def test_known_ones(self):
        many = ", ".join(str(i % 4) for i in range(1499))
        for graph, error in (
            ("(float[4] x) => (float[2] y) <int64[2] i = {3, 4}> { y = Gather(x, i) }", "an index is 4, outside of [-4, 3]"),
            (f"(float[4] x) => (float[1500] y) <int64[1500] i = {{{many}, -5}}> {{ y = Gather(x, i) }}", "an index is -5, outside of [-4, 3]"),
            ("(float[4, 2] x) => (float[1] y) <int64[1, 2] i = {1, 2}> { y = GatherND(x, i) }", "an index is 2, outside of [-2, 1]"),
            ("(float[4] x, float[1] u) => (float[4] y) <int64[1] i = {-5}> { y = ScatterElements(x, i, u) }", "an index is -5, outside of [-4, 3]"),
            ("(float[4, 2] x) => (float[4, 2] y) <int64[2] l = {3, 5}> { y = ReverseSequence(x, l) }", "a length in sequence_lens is 5, outside of [0, 4]"),
        ):
            self.refuse_to_compile(graph, error, code=2)
        self.build(f"(float[4] x) => (float[1500] y) <int64[1500] i = {{{many}, -4}}> {{ y = Gather(x, i) }}")
        self.check((4,))


if __name__ == "__main__":
    main()
