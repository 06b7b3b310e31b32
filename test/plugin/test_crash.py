"""A crash is an internal error with a file to report: test_crash.py PREFIX CMAKE GENERATOR
CMAKE_OPTION..., the pass that crashes is in crash/."""

import shlex
import tempfile
from pathlib import Path

from support import InstalledTest, build_plugin, main

BUILD = tempfile.TemporaryDirectory()
PLUGIN = Path(BUILD.name) / "crash.so"


class Crash(InstalledTest):
    def crash(self, *arguments):
        load = f"--load-pass-plugin={PLUGIN}"
        return self.nncc(*arguments, load, "-o", "m.so", code=5, errors=["nncc: error: "])

    def files(self):
        return sorted(p.name for p in self.folder.iterdir() if p.name != "model.onnx")

    def test_every_kind(self):
        for how in "abort", "signal", "fatal", "overflow", "kill":
            with self.subTest(how):
                run = self.crash(self.model("Relu", "Exp"), f"--insert=after-graph:crash{{how={how}}}")
                self.assertIn("m.so.crash.mlir", run.stderr)
                self.assertEqual(self.files(), ["m.so.crash.mlir"])
                (self.folder / "m.so.crash.mlir").unlink()

    def test_reproducer(self):
        self.crash(self.model("Relu", "Exp"), "--insert=before-schedule:crash{how=abort}",
                   "--insert=after-import:canonicalize", "-O1")  # fmt: skip
        file = self.folder / "m.so.crash.mlir"
        text = file.read_text()
        self.assertIn("rt.dispatch", text)  # the IR after the stage before
        words = shlex.split(text.splitlines()[0].removeprefix("// "))
        self.assertEqual(words[:3], ["nncc", "compile", "m.so.crash.mlir"])
        self.assertIn("-O1", words)
        self.assertNotIn("--insert=after-import:canonicalize", words)  # it is done
        again = self.nncc(*words[1:], code=5).stderr
        self.assertIn("nncc: error: ", again)
        # Without the pass that crashes, the IR compiles and is whole.
        self.nncc(*[w for w in words[1:] if not w.startswith("--insert")])
        self.assertIn("m.so", self.files())

    def test_models_that_are_run(self):
        model = self.model("Relu", "Exp")
        for command, *options in (["run", "--random"], ["bench"]):
            with self.subTest(command):
                self.nncc(command, model, *options, f"--load-pass-plugin={PLUGIN}",
                          "--insert=before-schedule:crash{how=abort}", code=5,
                          errors=["nncc: error: ", "model.crash.mlir"])  # fmt: skip
                self.assertEqual(self.files(), ["model.crash.mlir"])
                text = (self.folder / "model.crash.mlir").read_text()
                self.assertIn("rt.dispatch", text)
                words = shlex.split(text.splitlines()[0].removeprefix("// "))
                self.assertEqual(words[:3], ["nncc", "compile", "model.crash.mlir"])
                self.nncc(*words[1:], code=5)
                for name in self.files():
                    (self.folder / name).unlink()

    def test_before_there_is_ir(self):
        run = self.crash(self.model("Relu"), "--insert=after-import:crash{how=signal}")
        self.assertIn("report it with", run.stderr)
        self.assertEqual(self.files(), [])

    def test_no_crash(self):
        self.nncc(self.model("Relu"), f"--load-pass-plugin={PLUGIN}", "--insert=after-graph:crash",
                  "-o", "m.so")  # fmt: skip
        self.assertEqual(self.files(), ["m.so"])


if __name__ == "__main__":
    build_plugin("crash", BUILD.name)
    main()
