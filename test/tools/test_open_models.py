"""Models whose dims nobody fixes: compiled once, run at several sizes against ONNX Runtime, and refused where
their sizes do not fit each other."""

import itertools
import re

import numpy as np
from compiled_model import CompiledModel, nncc
from support import main


class OpenModels(CompiledModel):
    def test_broadcast_that_a_run_decides(self):
        self.build("(float[a, n] x, float[b, n] y) => (float[c, n] z) { z = Add(x, y) }")
        for a, b in ((1, 5), (5, 1), (5, 5), (1, 1), (0, 1), (1, 0), (0, 0)):
            self.check((a, 3), (b, 3))
        self.refuse((3, 3), (5, 3), error=r"node 'Add_0': add of \[a, n\] and \[b, n\] do not fit each other with .*a = 3, .*b = 5")

    def test_one_size_stays_open(self):
        graph = "(float[a, b] x, float[b] y) => (float[c, d] z) { z = Add(x, y) }"
        self.build(graph, "--shape", "x:?x3", "--shape", "y:3")
        for a in (0, 1, 4):
            self.check((a, 3), (3,))
        self.refuse((2, 4), (3,), error="size 1 is 4, expected 3")
        self.build("(float x, float[n] y) => (float[m] z) { z = Add(x, y) }", "--shape", "x:", "--shape", "y:?")
        self.check((), (5,))

    def plan_of_broadcasts(self, operators, rank):
        """Compiles a chain of operators all of whose dims are open: how many lines its plan() has."""

        def dims(name):
            return f"float[{', '.join(f'{name}{i}' for i in range(rank))}] {name}"

        operands = "abcdefghi"[: operators + 1]
        names = operands[0] + "pqrstuvw"[: operators - 1] + "y"
        nodes = " ".join(f"{y} = {'Mul' if i % 2 else 'Add'}({x}, {operands[i + 1]})" for i, (x, y) in enumerate(zip(names, names[1:])))
        self.build(f"({', '.join(map(dims, operands))}) => ({dims('y')}) {{ {nodes} }}")
        self.nncc("m.onnx", "--emit", "llvm", "-o", "m.ll")
        program = (self.folder / "m.ll").read_text()
        return len(re.search(r"^define internal i32 @\w+_plan\(.*?^}", program, re.M | re.S).group().splitlines())

    def test_broadcasts_of_many_dims(self):
        lines = {rank: self.plan_of_broadcasts(1, rank) for rank in (2, 5)}
        self.assertLess(lines[5], 4 * lines[2])
        for a, b in itertools.product(((1, 2, 3, 1, 2), (4, 1, 1, 1, 2), (4, 2, 3, 1, 1), (1, 0, 1, 1, 1)), repeat=2):
            if all(m == n or 1 in (m, n) for m, n in zip(a, b)):
                self.check(a, b)
        self.refuse((4, 2, 3, 5, 2), (4, 2, 3, 6, 1), error=r"node 'Add_0': .* do not fit each other with .*a3 = 5, .*b3 = 6")

    def test_chains_of_broadcasts(self):
        lines = {operators: self.plan_of_broadcasts(operators, 3) for operators in (2, 8)}
        self.assertLess(lines[8], 6 * lines[2])
        for size in (0, 1, 3):
            for last in (1, size):
                self.check(*[(1, 1, 1), (size, 1, 2)] * 4, (1, last, 1))
        self.refuse(*[(1, 1, 1), (3, 1, 2)] * 4, (2, 1, 1), error="node 'Mul_7'")

    def test_where_expand_and_products_of_many_dims(self):
        self.build("""(float[a, b, c] p, float[d, e, f] x, float[g, h, i] y, float[j, k, l, m] t) => (float[n, o, q, r] z) <float one = {1}> {
              c = Less(p, one)
              w = Where(c, x, y)
              s = Shape(t)
              v = Expand(w, s)
              u = Transpose<perm = [0, 1, 3, 2]>(t)
              z = MatMul(v, u)
            }""")
        for sizes in (((1, 2, 3),) * 3 + ((4, 2, 1, 3),), ((1, 1, 1), (2, 1, 3), (1, 4, 1), (1, 1, 4, 3)), ((2, 1, 0), (1, 1, 1), (2, 1, 1), (3, 2, 1, 0))):
            self.check(*sizes)

    def test_broadcast_to_a_known_size(self):
        self.build("(float[a] x, float[4] y) => (float[4] z) { p = Mul(x, y)  z = Sub(p, x) }")
        for a in (1, 4):
            self.check((a,), (4,))
        for a in (0, 2, 5):
            self.refuse((a,), (4,), error="node 'Mul_0'")

    def test_products_of_repeated_matrices(self):
        self.build("(float[a, m, k] x, float[b, k, 5] y) => (float[c, m, 5] z) { z = MatMul(x, y) }")
        for a, b in ((1, 3), (3, 1), (3, 3), (1, 1)):
            self.check((a, 7, 4), (b, 4, 5))
        self.check((2, 0, 4), (2, 4, 5))
        self.refuse((2, 7, 4), (3, 4, 5), error="node 'MatMul_0'")
        with self.assertRaisesRegex(nncc.Error, "'k' is 6 here, but 4 in input 'x'"):
            self.model(*self.arguments([(2, 7, 4), (2, 6, 5)]))

    def test_attention_of_a_depth_that_a_run_decides(self):
        weights = "{ s = MatMul(q, k)  w = Softmax(s)  y = MatMul(w, v) }"
        self.build(f"(float[2, 20, d] q, float[2, d, 33] k, float[2, 33, e] v) => (float[2, 20, e] y) {weights}")
        for d, e in ((8, 8), (17, 40), (0, 3), (5, 0)):
            self.check((2, 20, d), (2, d, 33), (2, 33, e))
        self.build(f"(float[2, n, 0] q, float[2, 0, 33] k, float[2, 33, 8] v) => (float[2, n, 8] y) {weights}")
        for n in (0, 1, 20):
            self.check((2, n, 0), (2, 0, 33), (2, 33, 8))
        self.build(f"(float[2, 20, 0] q, float[2, 0, 33] k, float[2, 33, 8] v) => (float[2, 20, 8] y) {weights}")
        self.check((2, 20, 0), (2, 0, 33), (2, 33, 8))

    def test_expand(self):
        self.build("(float[a, 1] x, float[b, n] y) => (float[c, n] z) { s = Shape(y)  z = Expand(x, s) }")
        for a, b in ((1, 5), (5, 1), (5, 5)):
            self.check((a, 1), (b, 3))
        self.refuse((2, 1), (3, 3), error="node 'Expand_1'")

    def test_slices(self):
        self.build("""(float[n, 6] x) => (float[a, 6] first, float[b, 6] last, float[c, 6] inner, float[d, 6] back)
            <int64[1] zero = {0}, int64[1] one = {1}, int64[1] four = {4}, int64[1] far = {9223372036854775807},
             int64[1] minus = {-3}, int64[1] end = {-1}, int64[1] low = {-9223372036854775807}, int64[1] two = {-2}> {
              first = Slice(x, zero, four, zero)
              last = Slice(x, minus, far, zero)
              inner = Slice(x, one, end, zero)
              back = Slice(x, far, low, zero, two)
            }""")
        for n in (2, 3, 4, 5, 17):
            self.check((n, 6))

    def test_arithmetic_on_shapes(self):
        self.build("""(float[b, n, 8] x) => (float[m, 4] y, int64[3] s, float[b, n] z, int64[n] r)
            <int64 zero = {0}, int64 one = {1}, int64[2] rest = {-1, 4}> {
              y = Reshape(x, rest)
              s = Shape(x)
              n = Gather(s, one)
              r = Range(zero, n, one)
              t = Shape<start = 0, end = 2>(x)
              z = ConstantOfShape<value = float[1] {0.5}>(t)
            }""")
        for b, n in ((1, 1), (2, 7), (3, 16), (0, 3)):
            self.check((b, n, 8))

    def test_parts(self):
        self.build("""(float[n, 3] x) => (float[a, 3] y, float[b, 3] z, float[c, 3] w) {
              y, z = Split<axis = 0, num_outputs = 2>(x)
              w = Concat<axis = 0>(z, y, z)
            }""")
        for n in (2, 3, 8, 33):
            self.check((n, 3))

    def test_reductions_and_norms(self):
        self.build("""(float[b, n] x) => (float[b] m, float[b, n] s, float[b, n] l, float[b, n] c) <int64 axis = {1}, int64[1] axes = {1}> {
              m = ReduceMean<keepdims = 0>(x, axes)
              s = Softmax<axis = 1>(x)
              d = Sub(x, s)
              l = Relu(d)
              c = CumSum(x, axis)
            }""")
        for b, n in ((1, 1), (3, 17), (2, 300)):
            self.check((b, n))

    def test_images(self):
        self.build("""(float[b, 3, h, w] x) => (float[b, 4, p, q] y, float[b, 4, r, s] z)
            <float[4, 3, 3, 3] weights = {""" + ", ".join(str(i % 7 - 3) for i in range(108)) + """}, float[4] scales = {1, 1, 2, 2}> {
              c = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, weights)
              y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(c, , scales)
              z = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(c)
            }""")
        for b, h, w in ((1, 8, 8), (2, 5, 31), (1, 64, 33)):
            self.check((b, 3, h, w))

    def test_channels_that_weights_tell(self):
        for weights, attributes in (("9, 4, 3, 3", ""), ("4, 1, 3, 3", ", group = 4"), ("6, 2, 3, 3", ", group = 2")):
            count = np.prod([int(n) for n in weights.split(",")])
            values = ", ".join(str(i % 7 - 3) for i in range(count))
            self.build(f"""(float[1, c, 6, h] x) => (float[1, n, p, q] y)
                <float[{weights}] weights = {{{values}}}> {{
                  y = Conv<pads = [1, 1, 1, 1]{attributes}>(x, weights)
                }}""")
            self.check((1, 4, 6, 9))
            self.refuse((1, 5, 6, 9), error="node 'Conv_0': conv of .* do not fit each other with c = 5")
        self.build("""(float[1, c, 2, 2] x) => (float[1, 2, p, q] y) <float[1, 2, 1, 1] weights = {1, 2}> {
              y = ConvTranspose(x, weights)
            }""")
        self.check((1, 1, 2, 2))
        self.refuse((1, 3, 2, 2), error="do not fit each other with c = 3")

    def test_pools_that_round_up(self):
        self.build("""(float[b, 2, h, w] x) => (float[b, 2, p, q] y, float[b, 2, r, s] z) {
              y = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 0, 0], ceil_mode = 1>(x)
              z = AveragePool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(x)
            }""")
        for h, w in ((8, 8), (7, 9), (3, 2), (10, 33)):
            self.check((1, 2, h, w))

    def test_resize_to_the_size_of_another(self):
        for attributes in (
            'mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"',
            'mode = "linear", coordinate_transformation_mode = "half_pixel"',
            'mode = "linear", coordinate_transformation_mode = "align_corners"',
            'mode = "cubic", coordinate_transformation_mode = "half_pixel"',
        ):
            self.build("(float[b, 3, h, w] x, float[b, 3, p, q] like) => (float[b, 3, r, s] y) {\n"
                       f"  size = Shape(like)\n  y = Resize<{attributes}>(x, , , size)\n}}")  # fmt: skip
            for h, w, p, q in ((4, 5, 8, 10), (7, 3, 5, 9), (1, 8, 3, 3), (6, 6, 6, 1)):
                self.check((2, 3, h, w), (2, 3, p, q))

    def test_options_fix_what_they_name(self):
        self.build("(float[a, n] x) => (float[a, n] y) { y = Exp(x) }")
        self.nncc("m.onnx", "--dim=n=4", "-o", "f.so")
        self.assertIn("x: float32[a, 4]", self.nncc("inspect", "f.so"))
        fixed = nncc.Model(self.folder / "f.so")
        self.assertEqual(fixed(np.zeros((3, 4), np.float32))[0].shape, (3, 4))
        with self.assertRaisesRegex(nncc.Error, "size 1 is 5, expected 4"):
            fixed(np.zeros((3, 5), np.float32))


if __name__ == "__main__":
    main()
