"""Sequences and optionals whose lengths are known when the model is compiled, against ONNX Runtime."""

import numpy as np
import onnx
from compiled_model import CompiledModel
from onnx import TensorProto, helper
from support import main


class Sequences(CompiledModel):
    def test_made_and_taken(self):
        self.build("""(float[n] x, float[2] y) => (float[n] a, float[2] b, int64 length) {
            s = SequenceConstruct(x, y)  one = Constant<value_int = 1>()  zero = Constant<value_int = 0>()
            last = Constant<value_int = -1>()
            a = SequenceAt(s, zero)  b = SequenceAt(s, last)  length = SequenceLength(s) }""")
        self.check((3,), (2,))

    def test_inserted_and_erased(self):
        self.build("""(float[2] x, float[2] y, float[2] z) => (float[2] a, float[2] b, float[2] c, int64 n) {
            e = SequenceEmpty()  s0 = SequenceInsert(e, x)  s1 = SequenceInsert(s0, y)
            first = Constant<value_int = 0>()  last = Constant<value_int = -1>()  two = Constant<value_int = 2>()
            s2 = SequenceInsert(s1, z, first)  s3 = SequenceInsert(s2, z, last)  s4 = SequenceErase(s3, two)
            s5 = SequenceErase(s4)
            a = SequenceAt(s5, first)  b = SequenceAt(s5, last)  c = SequenceAt(s2, two)  n = SequenceLength(s5) }""")
        self.check((2,), (2,), (2,))

    def test_split_and_joined(self):
        self.build("""(float[7, n] x) => (float[a, n] y, float[7, n] z, float[3, 2, n] w) {
            three = Constant<value_int = 3>()  parts = Constant<value_ints = [2, 4, 1]>()
            zero = Constant<value_int = 0>()  one = Constant<value_int = 1>()
            s = SplitToSequence<axis = 0>(x, three)  y = SequenceAt(s, one)
            t = SplitToSequence<axis = 0>(x, parts)  z = ConcatFromSequence<axis = 0>(t)
            q = Constant<value_ints = [2, 2, 2, 1]>()  u = SplitToSequence<axis = 0>(x, q)  v = SequenceErase(u)
            w = ConcatFromSequence<axis = 0, new_axis = 1>(v) }""")
        for n in (0, 1, 5):
            self.check((7, n))

    def test_split_into_elements(self):
        self.build("""(float[n, 3] x) => (float[n] y, float[3, n] z) {
            s = SplitToSequence<axis = 1, keepdims = 0>(x)  one = Constant<value_int = 1>()
            y = SequenceAt(s, one)  z = ConcatFromSequence<axis = 0, new_axis = 1>(s) }""")
        for n in (0, 1, 4):
            self.check((n, 3))

    def test_split_by_a_run(self):
        self.build("""(float[n, 2] x, int64[2] parts) => (float[a, 2] y, float[b, 2] z) {
            s = SplitToSequence<axis = 0>(x, parts)  zero = Constant<value_int = 0>()  one = Constant<value_int = 1>()
            y = SequenceAt(s, zero)  z = SequenceAt(s, one) }""")
        for parts in ((3, 2), (5, 0), (0, 5)):
            self.check((5, 2), np.array(parts))
        self.refuse((5, 2), np.array([3, 3]), error="node 'SplitToSequence_0': its parts do not add up")
        self.refuse((5, 2), np.array([6, -1]), error="node 'SplitToSequence_0': the size of a part is negative")

    def test_mapped(self):
        self.build("""(float[n] x, float[m] y, float w) => (float[n] a, float[m] b) {
            s = SequenceConstruct(x, y)
            t = SequenceMap(s, w) <body = f (float[k] e, float v) => (float[k] r) { r = Mul(e, v) }>
            zero = Constant<value_int = 0>()  one = Constant<value_int = 1>()
            a = SequenceAt(t, zero)  b = SequenceAt(t, one) }""")
        self.check((3,), (2,), np.array(3, np.float32))

    def test_in_a_branch(self):
        self.build("""(bool c, float[3] x) => (float[3] y) {
            s = SequenceConstruct(x, x)
            y = If(c) <then_branch = t () => (float[3] p) { one = Constant<value_int = 1>()  p = SequenceAt(s, one) },
                       else_branch = e () => (float[3] q) { u = SplitToSequence<axis = 0>(x)  q = ConcatFromSequence<axis = 0>(u) }> }""")
        self.check(np.array(True), (3,))
        self.check(np.array(False), (3,))

    def test_taken_from_where_a_run_says(self):
        self.build("""(float[n, 2] x, float[m, 2] y, int64 i) => (float[k, 2] z, int64 length) {
            s = SequenceConstruct(x, y)  z = SequenceAt(s, i)  t = SequenceErase(s, i)  length = SequenceLength(t) }""")
        for i in (-2, -1, 0, 1):
            self.check((3, 2), (1, 2), np.array(i))
        for i in (-3, 2):
            self.refuse((3, 2), (1, 2), np.array(i), error=f"node 'SequenceAt_1': a position is {i}, outside of ")

    def test_refused(self):
        head = "(float[3] x, int64 i) => (float[3] y) { s = SequenceConstruct(x, x)  five = Constant<value_int = 5>() "
        for body, error, code in (
            ("y = SequenceAt(s, five) }", "the position 5 is outside of [-2, 1]", 2),
            ("t = SequenceErase(s, five)  y = SequenceAt(t, five) }", "the position 5 is outside of [-2, 1]", 2),
            ("e = SequenceEmpty()  y = ConcatFromSequence<axis = 0>(e) }", "joins the elements of an empty sequence", 2),
        ):
            self.refuse_to_compile(head + body, error, code=code)


class Optionals(CompiledModel):
    def save_nodes(self, nodes, outputs):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
        graph = helper.make_graph(nodes, "g", [x], outputs)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save(proto, str(self.folder / "m.onnx"))

    def test_full_and_empty(self):
        of_float = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
        self.save_nodes(
            [
                helper.make_node("Optional", ["x"], ["o"]),
                helper.make_node("Optional", [], ["e"], type=of_float),
                helper.make_node("OptionalHasElement", ["o"], ["full"]),
                helper.make_node("OptionalHasElement", ["e"], ["empty"]),
                helper.make_node("OptionalGetElement", ["o"], ["y"]),
            ],
            [
                helper.make_tensor_value_info("full", TensorProto.BOOL, []),
                helper.make_tensor_value_info("empty", TensorProto.BOOL, []),
                helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"]),
            ],
        )
        x = np.arange(3, dtype=np.float32)
        self.compare(self.compile()(x), [np.array(True), np.array(False), x])

    def test_nothing_in_it(self):
        of_float = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
        self.save_nodes(
            [
                helper.make_node("Optional", [], ["e"], type=of_float),
                helper.make_node("OptionalGetElement", ["e"], ["y"]),
            ],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        )
        self.nncc("m.onnx", "-o", "m.so", code=2, error="takes the element of an optional that has none")


if __name__ == "__main__":
    main()
