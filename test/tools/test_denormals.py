"""Numbers below 2^-126: products take them for zero, or, where the user asks for it, for what they are."""

import numpy as np
from compiled_model import CompiledModel
from support import main


class Denormals(CompiledModel):
    def products(self, *options):
        """x * w of numbers whose products are below the normal ones, and a maximum of such numbers."""
        self.save("(float[2,8] x, float[8,16] w) => (float[2,16] y, float[1,1] z) { y = MatMul(x, w) "
                  "r = Constant<value_ints=[1,1,2,8]>() i = Reshape(x, r) p = MaxPool<kernel_shape=[2,8]>(i) "
                  "s = Constant<value_ints=[1,1]>() z = Reshape(p, s) }")  # fmt: skip
        model = self.compile(*options)
        tiny = np.float32(1e-20)
        y, _ = model(np.full((2, 8), tiny), np.full((8, 16), tiny))
        small, z = model(np.full((2, 8), np.float32(1e-40)), np.full((8, 16), np.float32(1)))
        self.assertEqual(z[0, 0], np.float32(1e-40))  # one of its operands, always
        ordinary, _ = model(np.full((2, 8), np.float32(1e-20)), np.full((8, 16), np.float32(1)))
        np.testing.assert_allclose(ordinary, 8e-20, rtol=1e-6)
        return y, small

    def test_flushed(self):
        for result in self.products():
            self.assertEqual(np.count_nonzero(result), 0)
        # The caller's own arithmetic is as before.
        self.assertNotEqual(np.float32(1e-20) * np.float32(1e-20), 0)

    def test_kept(self):
        y, small = self.products("--keep-denormals")
        np.testing.assert_allclose(y, 8e-40, rtol=1e-4)
        np.testing.assert_allclose(small, 8e-40, rtol=1e-4)

    def test_constants(self):
        """What is computed at compile time is exact."""
        values = ", ".join(["1e-20"] * 4)
        self.save(f"(float[2,2] x) => (float[2,2] y) <float[2,2] a = {{{values}}}, float[2,2] b = {{{values}}}> "
                  "{ c = MatMul(a, b) y = Add(x, c) }")  # fmt: skip
        model = self.compile("--keep-denormals")
        np.testing.assert_allclose(model(np.zeros((2, 2), np.float32))[0], 2e-40, rtol=1e-4)


if __name__ == "__main__":
    main()
