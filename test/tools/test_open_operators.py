"""Operators that need no size, or only some: of the weights, or of one operand that another has as well. Compiled
once, run at several sizes against ONNX Runtime."""

import numpy as np
from compiled_model import CompiledModel
from support import main


def numbers(count):
    return ", ".join(str(i % 7 - 3) for i in range(count))


class OpenOperators(CompiledModel):
    def test_transformer_quantized_by_each_run(self):
        """As ONNX Runtime's dynamic quantization leaves it: products of integers with weights and between activations,
        the last one over as many terms as the sequence is long."""
        self.build(f"""(float[b, n, 16] x) => (float[b, n, 16] y, float[b, n, 16] mixed)
            <int8[16, 16] weights = {{{numbers(256)}}}, float scale = {{0.02}}, int8 zero = {{0}}, float[16] bias = {{{numbers(16)}}}> {{
              qx, sx, zx = DynamicQuantizeLinear(x)
              p = MatMulInteger(qx, weights, zx, zero)
              f = Cast<to = 1>(p)
              s = Mul(sx, scale)
              m = Mul(f, s)
              h = Add(m, bias)
              t = Transpose<perm = [0, 2, 1]>(h)
              qh, sh, zh = DynamicQuantizeLinear(h)
              qt, st, zt = DynamicQuantizeLinear(t)
              scores = MatMulInteger(qh, qt, zh, zt)
              floats = Cast<to = 1>(scores)
              factor = Mul(sh, st)
              scaled = Mul(floats, factor)
              w = Softmax<axis = -1>(scaled)
              y = MatMul(w, h)
              scores8 = Cast<to = 2>(scores)
              sums = MatMulInteger(scores8, qh, , zh)
              mixed = Cast<to = 1>(sums)
            }}""")
        for b, n in ((1, 1), (2, 7), (1, 40), (3, 128)):
            self.check((b, n, 16))

    def test_einsum(self):
        for equation, *shapes in (
            ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5)), ((1, 1, 1), (1, 1, 1)), ((2, 0, 4), (2, 4, 5))),
            ("...ij,...jk", ((2, 1, 3, 4), (2, 5, 4, 6)), ((1, 5, 3, 4), (2, 1, 4, 6)), ((2, 2, 3, 4), (2, 2, 4, 6))),
            ("iij->ij", ((3, 3, 2),), ((1, 1, 5),)),
            ("ii", ((4, 4),), ((1, 1),)),
            ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 5)), ((1, 3), (3, 1), (1, 1))),
            ("bhqd,bkhd->bhqk", ((2, 3, 4, 5), (2, 6, 3, 5))),
        ):
            operands = ", ".join(f"float[{', '.join(f's{i}{d}' for d in range(len(shape)))}] x{i}" for i, shape in enumerate(shapes[0]))
            names = ", ".join(f"x{i}" for i in range(len(shapes[0])))
            self.build(f'({operands}) => (y) {{ y = Einsum<equation = "{equation}">({names}) }}')
            for sizes in shapes:
                self.check(*sizes)
        self.build('(float[a, b] x, float[c, d] y) => (float[e, f] z) { z = Einsum<equation = "ij,jk->ik">(x, y) }')
        self.refuse((2, 3), (4, 5), error="node 'Einsum_0': a label of the equation stands for the sizes b and c")

    def test_random_numbers(self):
        self.save("""(float[a, b] x, float[c, 3] logits) => (float[a, b] u, float[a, b] n, float[a, b] p, int32[c, m] k, float[a, b] d) <float half = {0.5}, bool yes = {1}> {
              u = RandomUniformLike<low = 2.0, high = 3.0>(x)
              n = RandomNormalLike(x)
              q = Mul(u, half)
              r = Sub(q, half)
              p = Bernoulli(r)
              k = Multinomial<sample_size = 50>(logits)
              d = Dropout(u, half, yes)
            }""")
        model = self.compile()
        for a, c in ((100, 4), (7, 1), (0, 2)):
            u, n, p, k, d = model(np.zeros((a, 70), np.float32), np.zeros((c, 3), np.float32))
            self.assertEqual([value.shape for value in (u, n, p, k, d)], [(a, 70)] * 3 + [(c, 50), (a, 70)])
            self.assertTrue(np.all((u >= 2) & (u < 3)) and np.all((p == 0) | (p == 1)) and np.all((k >= 0) & (k < 3)))
            self.assertTrue(np.all((d == 0) | np.isclose(d, 2 * u)))
            if a == 100:
                self.assertAlmostEqual(float(u.mean()), 2.5, delta=0.02)
                self.assertAlmostEqual(float(n.std()), 1, delta=0.05)
                self.assertAlmostEqual(float(p.mean()), 0.75, delta=0.05)
                self.assertAlmostEqual(float((d == 0).mean()), 0.5, delta=0.05)
        self.refuse_to_compile("(float[a, b] x) => (float[a, b] y) { y = RandomNormalLike<seed = 1.0>(x) }",
                               error="random numbers with a seed, which are constants, need a shape that is known at compile time")  # fmt: skip

    def test_norms_and_heads(self):
        self.build("(float[b, c, n] x) => (float[b, c, n] y) <float[6] scale = {1, 2, 3, 4, 5, 6}, float[6] bias = {6, 5, 4, 3, 2, 1}>"
                   " { y = GroupNormalization<num_groups = 3>(x, scale, bias) }", opset=21)  # fmt: skip
        self.check((2, 6, 5))
        self.refuse((2, 9, 5), error="the scale does not have one value per channel")
        self.build("(float[a, b] x) => (float[a, b] y) { y = Hardmax(x) }")
        for a, b in ((3, 4), (1, 1), (0, 3)):
            self.check((a, b))

    def test_attention_of_heads_that_an_operand_tells(self):
        attention = "{ y = Attention<q_num_heads = 4, kv_num_heads = 2>(q, k, v) }"
        self.save(f"(float[b, n, c] q, float[b, m, 16] k, float[b, m, 16] v) => (float[b, n, e] y) {attention}", opset=23)
        model = self.compile()
        self.save(f"(float[2, 5, 32] q, float[2, 7, 16] k, float[2, 7, 16] v) => (float[2, 5, 32] y) {attention}", opset=23)
        known = self.compile()
        operands = self.arguments([(2, 5, 32), (2, 7, 16), (2, 7, 16)])
        np.testing.assert_allclose(model(*operands)[0], known(*operands)[0], rtol=1e-4, atol=1e-5)
        with self.assertRaisesRegex(Exception, "query and key are not of one depth"):
            model(*self.arguments([(2, 5, 24), (2, 7, 16), (2, 7, 16)]))

    def test_convolutions(self):
        for pad in ("SAME_UPPER", "SAME_LOWER"):
            self.build(f"""(float[b, c, h, w] x, float[o] bias) => (y, z)
                <float[4, 2, 3, 2] weights = {{{numbers(48)}}}, float[2, 3, 3, 3] back = {{{numbers(54)}}}> {{
                  y = Conv<auto_pad = "{pad}", strides = [2, 3]>(x, weights, bias)
                  z = ConvTranspose<auto_pad = "{pad}", strides = [2, 2]>(x, back)
                }}""")  # fmt: skip
            for h, w in ((6, 6), (7, 5), (1, 1), (8, 10)):
                self.check((2, 2, h, w), (4,))
            self.refuse((2, 2, 6, 6), (3,), error="the bias does not have an element for each channel")
        self.build(f"""(float[b, c, d, h, w] x) => (y) <float[4, 1, 3, 2, 2] weights = {{{numbers(48)}}}> {{
              y = Conv<strides = [2, 1, 1], group = 2, pads = [1, 0, 0, 1, 0, 0]>(x, weights)
            }}""")
        for d in (2, 5, 8):
            self.check((2, 2, d, 4, 3))
        self.refuse((2, 2, 0, 4, 3), error="the window spans 3 elements")
        self.refuse((2, 3, 5, 4, 3), error="the weights are for 2 channels")

    def test_squeeze_without_axes(self):
        self.build("(float[a, 1, b] x) => (float[a, b] y) { y = Squeeze(x) }")
        self.check((2, 1, 3))
        self.refuse((2, 1, 1), error="node 'Squeeze_0': has no axes, and dim 2 of its operand, which was open at compile time, is 1")

    def expect(self, model, wanted, *operands):
        """Of NumPy: ONNX Runtime's own error is too large."""
        result = model(*operands)[0]
        wanted = np.stack((wanted.real, wanted.imag), -1)
        self.assertEqual(result.shape, wanted.shape)
        np.testing.assert_allclose(result, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max(initial=1))

    def test_fourier(self):
        self.save("(float[b, 24, c, 2] x) => (y) { y = DFT<axis = 1>(x) }", opset=17)
        model = self.compile()
        for b, c in ((1, 1), (3, 2), (0, 2)):
            (x,) = self.arguments([(b, 24, c, 2)])
            self.expect(model, np.fft.fft(x[..., 0] + 1j * x[..., 1], axis=1), x)
        self.save("(float[b, n, 1] x) => (y) <int64 length = {20}> { y = DFT<axis = 1, onesided = 1>(x, length) }", opset=17)
        model = self.compile()
        for n in (20, 7, 33):
            (x,) = self.arguments([(2, n, 1)])
            self.expect(model, np.fft.rfft(x[..., 0], n=20), x)
        self.save(f"(float[b, n, 1] x) => (y) <int64 step = {{4}}, int64 length = {{16}}, float[16] window = {{{numbers(16)}}}> {{"
                  " y = STFT(x, step, window, length) }", opset=17)  # fmt: skip
        model = self.compile()
        for b, n in ((1, 16), (2, 50), (3, 19)):
            (x,) = self.arguments([(b, n, 1)])
            frames = np.lib.stride_tricks.sliding_window_view(x[..., 0], 16, axis=1)[:, ::4]
            self.expect(model, np.fft.rfft(frames * (np.arange(16) % 7 - 3)), x)
        with self.assertRaisesRegex(Exception, "frames of the window's length that fit the signal"):
            model(*self.arguments([(1, 15, 1)]))

    def test_sizes_that_follow_from_ranks(self):
        self.build("(float[b, c, h, w] x, float[b, p, q, k] grid) => (y) { y = GridSample(x, grid) }")
        self.check((2, 3, 4, 5), (2, 3, 2, 2))
        self.refuse((2, 3, 4, 5), (2, 3, 2, 3), error="the grid does not have 2 coordinates")
        self.build("(float[b, c, h, w] x) => (y) { y = DepthToSpace<blocksize = 2>(x) }")
        self.check((1, 8, 3, 2))
        self.refuse((1, 6, 3, 2), error="node 'DepthToSpace_0'")
        self.refuse_to_compile("(float[a, b] x, int64[n, k] i) => (y) { y = GatherND(x, i) }",
                               error="the index tuples are of an open length")  # fmt: skip
        self.refuse_to_compile("""(float[1, 2, h, w] x) => (y) <int64[2] size = {3, 3}> {
              y = Resize<mode = "linear", antialias = 1, axes = [2, 3]>(x, , , size)
            }""", error="antialias needs a scale that is known at compile time")  # fmt: skip


if __name__ == "__main__":
    main()
