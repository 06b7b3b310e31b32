"""If, Loop and Scan whose conditions, counts and sizes only a run knows, against ONNX Runtime."""


import numpy as np
from compiled_model import CompiledModel
from support import main

YES, NO = np.array(True), np.array(False)


def number(value):
    return np.array(value, np.int64)


class Branches(CompiledModel):
    def test_same_sizes(self):
        self.build("""(bool c, float[3] x) => (float[3] y) {
            y = If(c) <then_branch = a () => (float[3] p) { p = Add(x, x) },
                       else_branch = b () => (float[3] q) { q = Mul(x, x) }> }""")
        self.check(YES, (3,))
        self.check(NO, (3,))

    def test_sizes_that_differ(self):
        self.build("""(bool[1] c, float[n] x) => (float[k] y, float[1, k] z) {
            y, w = If(c) <then_branch = a () => (float[p] p, float[2] pp) { p = Concat<axis=0>(x, x)  pp = Constant<value_floats=[1.0, 2.0]>() },
                          else_branch = b () => (float[q] q, float[2] qq) { q = Identity(x)  qq = Constant<value_floats=[3.0, 4.0]>() }>
            s = ReduceSum(w)  t = Mul(y, s)  one = Constant<value_ints=[0]>()  z = Unsqueeze(t, one) }""")
        for n in (0, 1, 5):
            self.check(YES.reshape(1), (n,))
            self.check(NO.reshape(1), (n,))

    def test_what_branches_give_without_computing(self):
        self.build("""(bool c, float[3] x, float[3] y) => (float[3] a, float[3] b, float[3] c1) <float[3] w = {1, 2, 3}> {
            a, b = If(c) <then_branch = t () => (float[3] p, float[3] pp) { p = Identity(x)  pp = Identity(x) },
                          else_branch = e () => (float[3] q, float[3] qq) { q = Identity(w)  qq = Identity(y) }>
            c1 = Add(a, b) }""")
        self.check(YES, (3,), (3,))
        self.check(NO, (3,), (3,))

    def test_one_in_the_other_and_in_a_loop(self):
        self.build("""(bool c, bool d, float[3] x) => (float[3] y) {
            y = If(c) <
              then_branch = a () => (float[3] p) {
                p = If(d) <then_branch = aa () => (float[3] pp) { pp = Sub(x, x) },
                           else_branch = ab () => (float[3] qq) { qq = Identity(x) }> },
              else_branch = b () => (float[3] q) {
                m = Constant<value_int=3>()
                q = Loop(m, d, x) <body = l (int64 i, bool on, float[3] s) => (bool go, float[3] r) {
                  go = Identity(on)
                  r = If(on) <then_branch = ba () => (float[3] pp) { pp = Add(s, x) },
                              else_branch = bb () => (float[3] qq) { qq = Identity(x) }> }> }> }""")
        for c in (YES, NO):
            for d in (YES, NO):
                self.check(c, d, (3,))

    def test_a_check_counts_only_where_it_runs(self):
        self.build("""(bool c, float[a] x, float[b] y) => (float[k] z) {
            z = If(c) <then_branch = t () => (float[p] p) { p = Add(x, y) },
                       else_branch = e () => (float[q] q) { q = Identity(x) }> }""")
        self.check(YES, (3,), (3,))
        self.check(NO, (3,), (5,))
        self.refuse(YES, (3,), (5,), error="node 'If_0/Add_0': add of .* do not fit each other")
        self.check(YES, (3,), (3,))  # the instance is as good as before

    def test_a_branch_that_cannot_run_with_these_sizes(self):
        graph = """(bool c, float[n] x, float[m] w) => (float[k] y) {
            y = If(c) <then_branch = t () => (float[p] p) { p = Add(x, w) },
                       else_branch = e () => (float[q] q) { q = Neg(x) }> }"""
        self.build(graph, "--shape", "x:3", "--shape", "w:5")
        self.check(NO, (3,), (5,))
        self.refuse(YES, (3,), (5,), error="node 'If_0': its condition is true, but the sizes there .*Add.* found sizes 3 and 5")
        self.check(NO, (3,), (5,))

    def test_ranks_that_differ(self):
        graph = """(bool c, float[3] x) => (float y) {
            y = If(c) <then_branch = t () => (float[3] p) { p = Add(x, x) },
                       else_branch = e () => (float q) { q = ReduceSum<keepdims=0>(x) }> }"""
        self.refuse_to_compile(graph, "output 0 of its branches is of 1 and 0 dims, and only a run knows")


class Loops(CompiledModel):
    BODY = """<body = b (int64 i, bool c, float[3] s) => (bool d, float[3] r, float[3] e) {
        d = Identity(c)  o = Cast<to=1>(i)  r = Add(s, o)  e = Mul(r, r) }>"""

    def test_counted_by_the_run(self):
        self.build(f"(int64 m, float[3] x) => (float[3] y, float[k, 3] z) <bool t = {{1}}> {{ y, z = Loop(m, t, x) {self.BODY} }}")
        for count in (0, 1, 2, 5, 100):
            self.check(number(count), (3,))
        for got in self.model(number(-1), np.ones(3, np.float32)):
            self.assertTrue(got.size == 0 or (got == 1).all())

    def test_counted_by_the_model(self):
        self.build(f"(float[3] x) => (float[3] y, float[5, 3] z) <int64 m = {{5}}, bool t = {{1}}> {{ y, z = Loop(m, t, x) {self.BODY} }}")
        self.check((3,))

    def test_never(self):
        self.build(f"(float[3] x) => (float[3] y, float[0, 3] z) <int64 m = {{0}}, bool t = {{1}}> {{ y, z = Loop(m, t, x) {self.BODY} }}")
        self.check((3,))
        self.save("""(float[0, 2] x) => (float[2] y, float[0, 2] z) <float[2] zero = {1, 2}> {
            y, z = Scan<num_scan_inputs = 1, body = b (float[2] s, float[2] e) => (float[2] r, float[2] o) {
              r = Add(s, e)  o = Identity(r) }>(zero, x) }""")
        self.compare(self.compile()(np.zeros((0, 2), np.float32)), [np.array([1, 2], np.float32), np.zeros((0, 2), np.float32)])

    def test_not_at_all(self):
        self.build(f"(bool c, float[3] x) => (float[3] y, float[k, 3] z) <int64 m = {{5}}> {{ y, z = Loop(m, c, x) {self.BODY} }}")
        self.check(YES, (3,))
        self.check(NO, (3,))

    def test_a_state_that_grows(self):
        self.build("""(float[n] x, int64 m) => (float[k] y) <bool t = {1}> {
            y = Loop(m, t, x) <body = b (int64 i, bool c, float[s] s) => (bool d, float[r] r) {
              d = Identity(c)  r = Concat<axis=0>(s, x) }> }""")
        for n in (0, 1, 3):
            for count in (0, 1, 4):
                self.check((n,), number(count))

    def test_a_state_that_shrinks_until_nothing_is_left(self):
        self.build("""(float[n] x) => (float[k] y, int64[j] sizes) <int64 m = {1000}, bool t = {1}, int64[1] one = {1}, int64[1] end = {1000000}, int64[1] zero = {0}> {
            y, sizes = Loop(m, t, x) <body = b (int64 i, bool c, float[s] s) => (bool d, float[r] r, int64 z) {
              r = Slice(s, one, end, zero)  z = Size(r)  null = Constant<value_int=0>()  d = Greater(z, null) }> }""")
        for n in (1, 2, 7):
            self.check((n,))

    def test_ends_early(self):
        self.build("""(int64 m, float lim, float[2] x) => (float[2] y, float[k, 2] z) <bool t = {1}> {
            y, z = Loop(m, t, x) <body = b (int64 i, bool c, float[2] s) => (bool d, float[2] r, float[2] e) {
              r = Add(s, s)  w = ReduceMax<keepdims=0>(r)  d = Less(w, lim)  e = Identity(s) }> }""")
        for count in (0, 1, 3, 100, np.iinfo(np.int64).max):
            self.check(number(count), np.array(50, np.float32), np.array([1, 2], np.float32))

    def test_states_that_change_places(self):
        self.build("""(int64 m, float[2] a, float[2] b) => (float[2] x, float[2] y) <bool t = {1}> {
            x, y = Loop(m, t, a, b) <body = g (int64 i, bool c, float[2] p, float[2] q) => (bool d, float[2] r, float[2] s) {
              d = Identity(c)  r = Identity(q)  s = Add(p, q) }> }""")
        for count in (0, 1, 2, 3, 8):
            self.check(number(count), (2,), (2,))

    def test_a_state_that_never_changes(self):
        self.build("""(int64 m, float[2] a, float[2] b) => (float[2] x, float[2] y) <bool t = {1}> {
            x, y = Loop(m, t, a, b) <body = g (int64 i, bool c, float[2] p, float[2] q) => (bool c, float[2] p, float[2] s) {
              s = Add(p, q) }> }""")
        self.check(number(3), (2,), (2,))

    def test_states_none_of_which_changes(self):
        self.build("""(int64 m, float[2] a, float[2] b) => (float[2] x, float[2] y) <bool t = {1}> {
            x, y = Loop(m, t, a, b) <body = g (int64 i, bool c, float[2] p, float[2] q) => (bool c, float[2] p, float[2] s) {
              s = Identity(q) }> }""")
        self.check(number(3), (2,), (2,))

    def test_a_loop_in_a_loop(self):
        self.build("""(int64 m, int64 n, float[2] x) => (float[2] y, float[k, 2] all, float[j, l, 2] nested) <bool t = {1}> {
            y, all, nested = Loop(m, t, x) <body = o (int64 i, bool c, float[2] s) => (bool c, float[2] r, float[2] e, float[h, 2] f) {
              r, f = Loop(n, t, s) <body = p (int64 j, bool cc, float[2] u) => (bool cc, float[2] v, float[2] w) {
                o = Cast<to=1>(i)  a = Add(u, o)  v = Add(a, x)  w = Neg(v) }>
              e = Mul(r, s) }> }""")
        for m in (1, 3):
            for n in (1, 2):
                self.check(number(m), number(n), (2,))

    def test_what_is_collected_must_keep_its_sizes(self):
        self.build("""(int64 m, float[n] x) => (float[k, l] all) <bool t = {1}> {
            y, all = Loop(m, t, x) <body = b (int64 i, bool c, float[s] s) => (bool c, float[r] r, float[e] e) {
              r = Concat<axis=0>(s, x)  e = Neg(r) }> }""")
        self.check(number(1), (2,))
        self.refuse(number(2), (2,), error="node 'Loop_0': the sizes of what its body yields in two iterations")

    def test_memory_does_not_grow(self):
        self.build("""(float[n] x, int64 m) => (float[k] y) <bool t = {1}> {
            y = Loop(m, t, x) <body = b (int64 i, bool c, float[s] s) => (bool d, float[r] r) {
              d = Identity(c)  r = Concat<axis=0>(s, x) }> }""")
        rng = np.random.default_rng(0)

        def run():
            n, count = rng.integers(1, 2000), rng.integers(0, 8)
            self.assertEqual(self.model(np.ones(n, np.float32), number(count))[0].size, n * (count + 1))

        self.expect_no_growth(run)

    def test_cancelled_and_failed_runs_leave_it_as_good(self):
        self.build("""(float[n] x, float[m] y, int64 m) => (float[k] z) <bool t = {1}> {
            z = Loop(m, t, x) <body = b (int64 i, bool c, float[s] s) => (bool d, float[r] r) {
              d = Identity(c)  w = Add(x, y)  r = Concat<axis=0>(s, w) }> }""")
        for _ in range(3):
            self.refuse((2,), (3,), number(4), error="do not fit each other")
            self.check((2,), (2,), number(4))


class Scans(CompiledModel):
    def test_along_the_first_dim(self):
        self.build("""(float[n, 2] x) => (float[2] y, float[n, 2] z) <float[2] zero = {0, 0}> {
            y, z = Scan<num_scan_inputs = 1, body = b (float[2] s, float[2] e) => (float[2] r, float[2] o) {
              r = Add(s, e)  o = Identity(r) }>(zero, x) }""")
        for n in (1, 4, 50):
            self.check((n, 2))
        y, z = self.model(np.ones((0, 2), np.float32))
        self.assertEqual((y.tolist(), z.shape), ([0, 0], (0, 2)))

    def test_backward_and_along_others(self):
        self.build("""(float[3, n] x, float[n, 3] y) => (float[3, n] z, float[n, 3] w) {
            z, w = Scan<num_scan_inputs = 2, scan_input_axes = [1, 0], scan_input_directions = [1, 0],
                        scan_output_axes = [-1, 0], scan_output_directions = [0, 1],
                        body = b (float[3] e, float[3] f) => (float[3] o, float[3] p) { o = Sub(e, f)  p = Mul(e, f) }>(x, y) }""")
        for n in (1, 2, 5):
            self.check((3, n), (n, 3))

    def test_lengths_that_differ(self):
        self.build("""(float[n] x, float[m] y) => (float[k] z) {
            z = Scan<num_scan_inputs = 2, body = b (float e, float f) => (float o) { o = Sub(e, f) }>(x, y) }""")
        self.check((4,), (4,))
        self.refuse((4,), (5,), error="node 'Scan_0': the lengths of what it scans do not fit each other")


class Wrong(CompiledModel):
    def test_models(self):
        for graph, error in (
            ("(float c, float[3] x) => (float[3] y) { d = Cast<to=9>(x)  y = If(d) <then_branch = t () => (float[3] p) { p = Neg(x) }, else_branch = e () => (float[3] q) { q = Abs(x) }> }",
             "expects a condition that is one bool"),
            ("(bool c, float[3] x) => (float[3] y) { y = If(c) <then_branch = t () => (float[3] p) { p = Neg(x) }, else_branch = e () => (int64[3] q) { q = Cast<to=7>(x) }> }",
             "output 0 of its branches is of types float and int64"),
            ("(int64 m, float[3] x) => (float[3] y) <bool t = {1}> { y = Loop(m, t, x) <body = b (int64 i, bool c, float[3] s) => (bool c, int64[3] r) { r = Cast<to=7>(s) }> }",
             "state 0 of its body begins as float and is yielded as int64"),
            ("(int64[2] m, float[3] x) => (float[3] y) <bool t = {1}> { y = Loop(m, t, x) <body = b (int64 i, bool c, float[3] s) => (bool c, float[3] r) { r = Neg(s) }> }",
             "expects one number of iterations, found 2"),
        ):
            self.refuse_to_compile(graph, error, code=2)


if __name__ == "__main__":
    main()
