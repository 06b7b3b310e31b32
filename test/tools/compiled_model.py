"""What tests of whole small models share: compiled once, run at several sizes against ONNX Runtime."""

import resource
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnxruntime
from support import NNCC, ToolTest

sys.path.insert(0, str(Path(NNCC).resolve().parent.parent / "lib" / "python"))
import nncc  # noqa: E402


class CompiledModel(ToolTest):
    def build(self, graph, *options, opset=18, threads=1):
        """The model of a graph in ONNX's text, for both."""
        self.save(graph, opset)
        self.model = self.compile(*options, threads=threads)
        self.reference = onnxruntime.InferenceSession(
            str(self.folder / "m.onnx"), providers=["CPUExecutionProvider"]
        )

    def compile(self, *options, threads=1):
        """What m.onnx in the folder is, loaded."""
        self.builds = getattr(self, "builds", 0) + 1
        library = f"m{self.builds}.so"  # one that is open must not change
        self.nncc("m.onnx", "-o", library, *options)
        return nncc.Model(self.folder / library, threads=threads)

    def save(self, graph, opset=18):
        text = f'<ir_version: 8, opset_import: ["" : {opset}]>\ng {graph}'
        onnx.save(onnx.parser.parse_model(text), str(self.folder / "m.onnx"))

    def refuse_to_compile(self, graph, error, code=3):
        self.save(graph)
        with self.subTest(error=error):
            self.nncc("m.onnx", "-o", "refused.so", code=code, error=error)
            self.assertFalse((self.folder / "refused.so").exists())

    def arguments(self, values):
        """Arrays, lists (of a sequence) and None are taken as they are, tuples are shapes of random
        float32."""
        rng = np.random.default_rng(0)
        return [
            rng.integers(-8, 8, value).astype(np.float32) if isinstance(value, tuple) else value
            for value in values
        ]

    def check(self, *values):
        with self.subTest(values=values):
            inputs = self.arguments(values)
            names = [value.name for value in self.reference.get_inputs()]
            wanted = self.reference.run(None, dict(zip(names, inputs)))
            self.compare(self.model(*inputs), wanted)

    def compare(self, results, wanted):
        self.assertEqual(len(results), len(wanted))
        for got, want in zip(results, wanted):
            if isinstance(want, list):
                self.compare(got, want)
            elif want is None:
                self.assertIsNone(got)
            elif want.dtype == object:
                self.assertEqual((got.shape, got.tolist()), (want.shape, want.tolist()))
            else:
                self.assertEqual((got.shape, got.dtype), (want.shape, want.dtype))
                np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def expect_no_growth(self, run):
        """That many more runs do not take more memory than those before."""

        def peak(times):
            for _ in range(times):
                run()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        before = peak(300)
        self.assertLess(peak(1000) - before, 1024)  # KiB

    def refuse(self, *values, error):
        with self.subTest(values=values), self.assertRaisesRegex(nncc.Error, error):
            self.model(*self.arguments(values))
