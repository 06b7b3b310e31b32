"""Sequences, optionals and strings of which only a run knows the length, against ONNX Runtime, or
NumPy for what it does not run."""

import numpy as np
from compiled_model import CompiledModel
from support import main

RNG = np.random.default_rng(0)


def tensors(*shapes):
    return [RNG.integers(-8, 8, shape).astype(np.float32) for shape in shapes]


def at(value):
    return np.array(value, np.int64)


def texts(*values):
    return np.array(values, dtype=object)


ROWS = tensors((1, 3), (0, 3), (4, 3), (2, 3))
YES, NO = np.array(True), np.array(False)


class Sequences(CompiledModel):
    def test_inserted_and_erased(self):
        self.build("""(seq(float[n, 3]) s, float[m, 3] x, int64 i) => (seq(float[n, 3]) a, seq(float[n, 3]) b, seq(float[n, 3]) c, seq(float[n, 3]) d) {
            a = SequenceInsert(s, x, i)  b = SequenceInsert(s, x)  c = SequenceErase(s, i)  d = SequenceErase(b) }""")
        for i in (-4, -1, 0, 1, 3):
            self.check(ROWS, (2, 3), at(i))
        for i in (-5, 4):
            self.refuse(ROWS, (2, 3), at(i), error=f"node 'Sequence.*': a position is {i}, outside of ")

    def test_behind_the_last(self):
        self.build("(seq(float[n, 3]) s, float[m, 3] x) => (seq(float[n, 3]) a, int64 l) { i = SequenceLength(s)  a = SequenceInsert(s, x, i)  l = SequenceLength(a) }")
        for elements in (ROWS, [], ROWS[:1]):
            self.check(elements, (2, 3))

    def test_nothing_to_take(self):
        self.build("(seq(float[n]) s) => (seq(float[n]) t, float[n] x) { t = SequenceErase(s)  i = Constant<value_int = 0>()  x = SequenceAt(t, i) }")
        self.check(tensors(3, 4))
        self.refuse([], error="node 'SequenceErase_0': a position of -1 and its limits .* do not fit each other")
        self.refuse(tensors(3), error="node 'SequenceAt_2': a position of 0 and its limits .* do not fit each other")

    def test_tensors_of_any_rank(self):
        """What is not looked at may have any rank, and nothing is said of it."""
        self.save("(seq(float[]) s, float[2] x) => (seq(float[]) t, int64 l) { t = SequenceInsert(s, x)  l = SequenceLength(s) }")
        model, mixed = self.compile(), tensors((), 3, (2, 0), (1, 2, 1, 3))
        x = np.zeros(2, np.float32)
        self.compare(model(mixed, x), [mixed + [x], at(4)])

    def test_rank_that_only_the_user_knows(self):
        graph = "(seq(float[]) s) => (float[n, m] y) { i = Constant<value_int = -1>()  y = SequenceAt(s, i) }"
        self.refuse_to_compile(graph, "nothing says how many dims it has")
        self.save(graph)
        model = self.compile("--shape", "s:?x3")
        self.compare(model(ROWS), ROWS[-1:])
        self.refuse_run(model, [np.zeros((2, 4), np.float32)], "s")

    def refuse_run(self, model, value, error):
        with self.assertRaisesRegex(Exception, error):
            model(value)

    def test_joined(self):
        shapes = {0: ((2, 3, 4), (0, 3, 4), (5, 3, 4)), 1: ((2, 3, 4), (2, 0, 4), (2, 1, 4)), 2: ((2, 3, 1), (2, 3, 4), (2, 3, 0))}
        for axis in (0, 1, 2, -1, -3):
            self.build(f"(seq(float[a, b, c]) s) => (float[d, e, f] y) {{ y = ConcatFromSequence<axis = {axis}>(s) }}")
            elements = tensors(*shapes[axis % 3])
            self.check(elements)
            self.check(elements[:1])
            self.refuse([], error="joins the tensors of an empty sequence")
            self.refuse(elements + tensors((9, 9, 9)), error="joins tensors whose sizes differ")

    def test_stacked(self):
        for axis in (0, 1, 2, -1):
            self.build(f"(seq(float[a, b]) s) => (float[d, e, f] y) {{ y = ConcatFromSequence<axis = {axis}, new_axis = 1>(s) }}")
            self.check(tensors((2, 3), (2, 3), (2, 3)))
            self.refuse(tensors((2, 3), (2, 4)), error="joins tensors whose sizes differ")

    def test_split(self):
        for axis in (0, 1, -1):
            self.build(f"""(float[a, b, c] x, int64[k] parts, int64 chunk) => (seq(float[d, e, f]) s, seq(float[d, e, f]) t, seq(float[d, e]) u) {{
                s = SplitToSequence<axis = {axis}>(x, parts)  t = SplitToSequence<axis = {axis}>(x, chunk)
                u = SplitToSequence<axis = {axis}, keepdims = 0>(x) }}""")
            for parts, chunk in (((2, 0, 3), 2), ((5,), 5), ((1, 1, 1, 1, 1), 9)):
                self.check((5, 5, 5), at(parts), at(chunk))
            self.refuse((5, 5, 5), at([2, 2]), at(1), error="do not add up")
            self.refuse((5, 5, 5), at([6, -1]), at(1), error=r"the size of a part is 6, outside of \[0, 5\]")
            self.refuse((5, 5, 5), at([5]), at(0), error="expects parts of 1 or more elements")

    def test_other_elements(self):
        for kind, dtype in (("double", np.float64), ("int8", np.int8), ("bool", np.bool_), ("float16", np.float16), ("int64", np.int64)):
            self.build(f"(seq({kind}[n]) s, {kind}[m] x, int64 i) => (seq({kind}[n]) t, {kind}[k] y, {kind}[l] z) {{ t = SequenceInsert(s, x, i)  y = SequenceAt(t, i)  z = ConcatFromSequence<axis = 0>(t) }}")
            self.check([a.astype(dtype) for a in tensors(3, 0, 2)], np.ones(4, dtype), at(1))


class Flow(CompiledModel):
    def test_branches_of_different_lengths(self):
        self.build("""(bool c, float[n] x, seq(float[n]) s) => (seq(float[m]) y, seq(float[m]) z) {
            y = If(c) <then_branch = t () => (seq(float[n]) a) { a = SequenceConstruct(x, x, x) },
                       else_branch = e () => (seq(float[n]) b) { b = SequenceEmpty() }>
            z = If(c) <then_branch = u () => (seq(float[n]) d) { d = SequenceInsert(s, x) },
                       else_branch = f () => (seq(float[n]) g) { g = SequenceConstruct(x) }> }""")
        for condition in (YES, NO):
            self.check(condition, (3,), tensors(2, 0))

    def test_branches_of_the_same_length_stay_lists(self):
        """Or the position in it would be in no sequence whose tensors have a known rank."""
        self.build("""(bool c, float[n] x, float[n] y) => (float[m] z) {
            s = If(c) <then_branch = t () => (seq(float[n]) a) { a = SequenceConstruct(x, y) },
                       else_branch = e () => (seq(float[n]) b) { b = SequenceConstruct(y, x) }>
            i = Constant<value_int = 0>()  z = SequenceAt(s, i) }""")
        for condition in (YES, NO):
            self.check(condition, (3,), (3,))

    LOOP = """<body = b (int64 i, bool c, seq(float[n, 3]) s) => (bool d, seq(float[n, 3]) t) {
        d = Identity(c)  one = Constant<value_ints = [1]>()  zero = Constant<value_ints = [0]>()
        j = Reshape(i, one)  k = Add(j, one)  p = Slice(x, zero, k)  t = SequenceInsert(s, p) }>"""

    def test_made_by_a_loop(self):
        self.build(f"(int64 m, bool go, float[n, 3] x) => (seq(float[n, 3]) s) {{ e = SequenceEmpty()  s = Loop(m, go, e) {self.LOOP} }}")
        for count in (0, 1, 6):
            self.check(at(count), YES, (7, 3))
        self.check(at(3), NO, (7, 3))

    def test_longer_by_a_loop(self):
        self.build(f"(int64 m, bool go, float[n, 3] x, seq(float[n, 3]) f) => (seq(float[n, 3]) s, float[l, 3] y) {{ s = Loop(m, go, f) {self.LOOP}  y = ConcatFromSequence<axis = 0>(s) }}")
        for count in (0, 1, 6):
            self.check(at(count), YES, (7, 3), ROWS)

    def test_a_queue(self):
        """The state is looked at, shortened and made longer by each iteration."""
        self.build("""(int64 m, seq(float[n]) f) => (seq(float[n]) s, float[k] sums) {
            zero = Constant<value_int = 0>()  go = Constant<value_int = 1>()  on = Cast<to = 9>(go)
            s, sums = Loop(m, on, f) <body = b (int64 i, bool c, seq(float[n]) q) => (bool d, seq(float[n]) r, float sum) {
              d = Identity(c)  x = SequenceAt(q, zero)  rest = SequenceErase(q, zero)  y = Add(x, x)
              r = SequenceInsert(rest, y)  sum = ReduceSum<keepdims = 0>(x) }> }""")
        for count in (0, 1, 5):
            self.check(at(count), tensors(3, 1, 4))

    def test_looked_at_before_anything_is_in_it(self):
        self.build("""(int64 m, float[n] x) => (float[k] y) {
            empty = SequenceEmpty()  go = Constant<value_int = 1>()  on = Cast<to = 9>(go)
            s = Loop(m, on, empty) <body = b (int64 i, bool c, seq(float[n]) q) => (bool d, seq(float[n]) r) {
              d = Identity(c)  first = Constant<value_int = 0>()  some = Greater(i, first)
              z = If(some) <then_branch = t () => (float[n] p) { o = SequenceAt(q, first)  p = Add(o, x) },
                             else_branch = e () => (float[n] v) { v = Identity(x) }>
              r = SequenceInsert(q, z, first) }>
            y = ConcatFromSequence<axis = 0>(s) }""")
        for count in (1, 2, 5):
            self.check(at(count), (3,))

    def test_looked_at_too_early(self):
        self.refuse_to_compile("""(int64 m, float[n] x) => (seq(float[n]) s) {
            empty = SequenceEmpty()  go = Constant<value_int = 1>()  on = Cast<to = 9>(go)
            s = Loop(m, on, empty) <body = b (int64 i, bool c, seq(float[n]) q) => (bool d, seq(float[n]) r) {
              d = Identity(c)  p = SequenceInsert(q, x)  y = SequenceAt(q, i)  r = SequenceInsert(p, y) }> }""",
            "takes a tensor out of an empty sequence", 2)  # fmt: skip

    def test_mapped(self):
        self.build("""(seq(float[n, k]) s, seq(float[k]) r, float w) => (seq(float[n, k]) t, seq(float) u) {
            t, u = SequenceMap(s, r, w) <body = f (float[n, k] e, float[k] g, float v) => (float[n, k] p, float q) {
              h = Mul(e, v)  p = Add(h, g)  q = ReduceSum<keepdims = 0>(g) }> }""")
        for count in (4, 1, 0):
            self.check(ROWS[:count], tensors(3, 3, 3, 3)[:count], np.array(2, np.float32))
        self.refuse(ROWS, tensors(3), np.array(2, np.float32), error="its sequences are of different lengths")

    def test_memory_does_not_grow(self):
        self.build(f"(int64 m, bool go, float[n, 3] x) => (float[l, 3] y) {{ e = SequenceEmpty()  s = Loop(m, go, e) {self.LOOP}  y = ConcatFromSequence<axis = 0>(s) }}")
        x = np.ones((300, 3), np.float32)
        self.expect_no_growth(lambda: self.model(at(200), YES, x))


class Optionals(CompiledModel):
    GET = """(optional(float[n]) o, float[m] x) => (float[k] y, bool has) {
        has = OptionalHasElement(o)
        y = If(has) <then_branch = t () => (float[n] b) { a = OptionalGetElement(o)  b = Neg(a) },
                     else_branch = e () => (float[m] d) { d = Identity(x) }> }"""

    def test_looked_at(self):
        self.save(self.GET)
        model, (value, x) = self.compile(), tensors(3, 2)
        self.compare(model(value, x), [-value, YES])
        self.compare(model(None, x), [x, NO])

    def test_nothing_in_it(self):
        self.save("(optional(float[n]) o) => (float[n] y) { y = OptionalGetElement(o) }")
        self.model, (value,) = self.compile(), tensors(3)
        self.compare(self.model(value), [value])
        self.refuse(None, error="node 'OptionalGetElement_0': takes the value of an optional that has none")

    def test_of_a_sequence(self):
        self.save("""(optional(seq(float[n])) o) => (optional(seq(float[n])) p, int64 l) {
            p = Identity(o)  s = OptionalGetElement(o)  l = SequenceLength(s) }""")
        self.model, value = self.compile(), tensors(3, 0, 2)
        self.compare(self.model(value), [value, at(3)])
        self.compare(self.model([]), [[], at(0)])
        self.refuse(None, error="takes the value of an optional that has none")

    def test_made_by_a_branch(self):
        self.save("""(bool c, float[n] x) => (optional(float[n]) y) {
            y = If(c) <then_branch = t () => (optional(float[n]) a) { a = Optional(x) },
                       else_branch = e () => (optional(float[n]) b) { b = Optional() }> }""")
        model, (x,) = self.compile(), tensors(3)
        self.compare(model(YES, x), [x])
        self.compare(model(NO, x), [None])


class Empty(CompiledModel):
    """What a run has nothing of is not read."""

    def test_sizes_are_checked_before_they_are_used(self):
        self.build("(seq(float[k]) s, float[m] z) => (float[q] y) { v = ConcatFromSequence<axis = 0>(s)  y = Add(z, v) }")
        self.check(tensors(3, 2), (5,))
        for shapes in ((0,), (2,), (1, 3)):
            self.refuse(tensors(*shapes), (3,), error="node 'Add_1': add of .* do not fit each other")

    def test_slice_of_nothing(self):
        self.build("""(seq(float[k]) s) => (float[q] y) { v = ConcatFromSequence<axis = 0>(s)  zero = Constant<value_ints = [0]>()
            one = Constant<value_ints = [1]>()  y = Slice(v, zero, one) }""")
        self.check(tensors(3, 2))
        self.refuse(tensors(0), error="node 'Slice_3'")

    def test_strings_of_no_size(self):
        self.build("""(string[0] x) => (string[0] y, bool[0] e, string[0] g, string[2] t, bool[2] f) {
            y = StringConcat(x, x)  e = Equal(x, x)  i = Constant<value_ints = [0]>()  g = Concat<axis = 0>(x, x)
            n = Constant<value_strings = ["", ""]>()  t = StringConcat(n, n)  f = Equal(n, t) }""", opset=20)
        self.check(np.zeros(0, dtype=object))


class Strings(CompiledModel):
    A, B = texts("ab", "", "c", "ä\N{EURO SIGN}"), texts("", "x", "c", "ä")

    def test_joined_and_compared(self):
        self.build("(string[n, m] x, string[m] y) => (string[n, m] z, bool[n, m] same) { z = StringConcat(x, y)  same = Equal(x, y) }", opset=20)
        for x, y in ((self.A.reshape(2, 2), self.B[:2]), (self.A.reshape(4, 1), self.A[:1]), (self.A[:0].reshape(0, 3), self.A[:3])):
            self.check(x, y)

    def test_constants(self):
        self.build("""(string[n] x) => (string[n] y, string[2] z) {
            end = Constant<value_string = ".txt">()  y = StringConcat(x, end)  z = Constant<value_strings = ["a", "bc"]>() }""", opset=20)
        self.check(self.A)

    def test_moved(self):
        self.build("""(string[2, n] x, int64[k] i) => (string[n, 2] t, string[2, k] g, string[m] r, string[4, n] c, string[2, l] s, int64[2] shape) {
            t = Transpose<perm = [1, 0]>(x)  g = Gather<axis = 1>(x, i)  flat = Constant<value_ints = [-1]>()
            r = Reshape(x, flat)  c = Concat<axis = 0>(x, x)  one = Constant<value_ints = [1]>()
            two = Constant<value_ints = [2]>()  s = Slice(x, one, two, one)  shape = Shape(x) }""")
        self.check(self.A.reshape(2, 2), at([1, 0, -1]))

    def test_chosen(self):
        self.build("(bool[n] c, string[n] x, string y) => (string[n] z) { z = Where(c, x, y) }")
        self.check(np.array([True, False, True, False]), self.A, np.array("or", dtype=object))

    def test_in_sequences(self):
        self.build("""(seq(string[n]) s, string[m] x, int64 i) => (seq(string[n]) t, string[k] y, seq(string[n]) u) {
            t = SequenceInsert(s, x, i)  y = SequenceAt(t, i)  u = SequenceErase(t, i) }""")
        for i in (0, 1, -1):
            self.check([self.A, self.B[:1], self.A[:0]], self.B, at(i))

    def test_states_of_a_loop(self):
        self.build("""(int64 m, string[n] x) => (string[n] y) {
            go = Constant<value_int = 1>()  on = Cast<to = 9>(go)
            y = Loop(m, on, x) <body = b (int64 i, bool c, string[n] s) => (bool d, string[n] t) { d = Identity(c)  t = StringConcat(s, x) }> }""", opset=20)
        for count in (0, 1, 3):
            self.check(at(count), self.A)

    def test_refused(self):
        self.refuse_to_compile("(string[n] x) => (float[n] y) { y = Cast<to = 1>(x) }", "its input 0 is a tensor of string")


class Refused(CompiledModel):
    def test_types(self):
        nine = ", ".join("1" * 9)
        for graph, error, code in (
            ("(seq(seq(float[n])) x) => (seq(seq(float[n])) y) { y = Identity(x) }", "input 'x': a sequence or optional of such elements", 3),
            ("(optional(optional(float[n])) x) => (float[n] y) { y = Identity(x) }", "input 'x': a sequence or optional of such elements", 3),
            (f"(seq(float[{nine}]) x) => (int64 y) {{ y = SequenceLength(x) }}", "its tensors have 9 dims, at most 8", 3),
            (f"(float[{nine}] x) => (seq(float[{nine}]) y) {{ y = SequenceConstruct(x) }}", "a tensor of 9 dims into a sequence", 3),
            ("(optional(float[n]) x) => (float[n] y) { y = Relu(x) }", "its input 0 is of type optional(tensor(float)), which Relu", 2),
            ("(seq(float[n]) x) => (float[n] y) { y = Add(x, x) }", "its input 0 is of type seq(tensor(float)), which Add", 2),
            ("(string[n] x) => (string[n] y) { y = Relu(x) }", "its input 0 is of type string, which Relu", 2),
            ("(seq(float[n]) s, int64[n] x) => (seq(float[n]) y) { y = SequenceInsert(s, x) }", "puts a tensor of int64 into a sequence of tensors of float", 2),
            ("(float[n] x, int64[n] z) => (seq(float[n]) y) { y = SequenceConstruct(x, z) }", "of types", 2),
            ("(seq(float[n]) x) => (float[n] y) { y = ConcatFromSequence<axis = 5>(x) }", "axis 5 is outside of [-1, 0]", 2),
        ):
            self.refuse_to_compile(graph, error, code)

    def test_left_out_and_wrong(self):
        for graph, error, code in (
            ("(seq(float[n]) s, int64[0] p) => (float[n] y) { y = SequenceAt(s, p) }", "expects one integer as the position", 2),
            ("(seq(float[n]) s, int64[2] p) => (float[n] y) { y = SequenceAt(s, p) }", "expects one integer as the position", 2),
            ("(seq(float[n]) s, int64[q] p) => (float[n] y) { y = SequenceAt(s, p) }", "expects one integer as the position", 2),
            ("(float[n] x) => (seq(float[n]) y) { y = Optional() }", "which is not what is declared", 2),
            ("(string[n] x, int64[k] i, string[k] u) => (string[n] y) { y = ScatterElements<reduction = \"add\">(x, i, u) }", "reduction 'add' of strings", 3),
            ("(float[1] x) => (seq(float[n]) y) { p = Constant<value_ints = [-1, 2]>()  y = SplitToSequence(x, p) }", "the size of a part is -1, outside of [0, 1]", 2),
        ):
            self.refuse_to_compile(graph, error, code)

    def test_shape_that_does_not_fit(self):
        self.save("(seq(float[n, 3]) s) => (int64 y) { y = SequenceLength(s) }")
        self.nncc("m.onnx", "-o", "m.so", "--shape", "s:5", code=1, error="has 1 dims, the model's has 2")
        self.nncc("m.onnx", "-o", "m.so", "--shape", "s:5x5", code=1, error="the model fixes it to 3")

    def test_branches(self):
        branches = "<then_branch = t () => (seq(float[n]) a) {{ {} }}, else_branch = e () => (seq(float[n]) b) {{ {} }}> }}"
        head = "(bool c, float[n] x) => (seq(float[n]) y) { y = If(c) "
        for a, b in (("a = SequenceEmpty<dtype = 1>()", "b = SequenceEmpty<dtype = 7>()"), ("a = Identity(x)", "b = SequenceEmpty()")):
            self.refuse_to_compile(head + branches.format(a, b), "output 0 of its branches is", 2)


if __name__ == "__main__":
    main()
