"""The sample pass, built against an installed nncc and loaded into it:
test_pass.py PREFIX CMAKE GENERATOR CMAKE_OPTION..."""

import tempfile
from pathlib import Path

from support import INSTALLED, InstalledTest, build_plugin, main

BUILD = tempfile.TemporaryDirectory()
PLUGIN = Path(BUILD.name) / "my-pass.so"

IR = """
func.func @f(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %0 = nn.relu %x : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %1 = nn.relu %0 : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %2 = nn.relu %1 : (tensor<2x5xf32>) -> tensor<2x5xf32>
  return %2 : tensor<2x5xf32>
}
"""

# A plug-in in MLIR's format of another version, in C: only its head is looked at.
OTHER_VERSION = """
struct info { unsigned version; const char *name, *plugin_version; void (*callback)(void); };
struct info mlirGetPassPluginInfo(void) { struct info i = {77, "other", "1", 0}; return i; }
"""


class Pass(InstalledTest):
    load = f"--load-pass-plugin={PLUGIN}"

    def test_compile(self):
        model = self.model(*["Relu"] * 5)
        operators, errors = self.operators(
            model, self.load, "--insert=after-graph:my-pass{limit=3}", "--remarks=my-pass")  # fmt: skip
        self.assertEqual(operators.count("nn.relu"), 2)
        self.assertEqual(errors.count("a relu of a relu is one relu"), 3)
        self.assertIn("the limit is reached", errors)
        self.assertIn("node_", errors)  # where, as the model names it
        self.nncc("compile", model, self.load, "--insert=before-graph:my-pass,canonicalize", "-o", "m.so")
        self.assertTrue((self.folder / "m.so").exists())

    def test_explicit_nesting(self):
        nested = "--insert=after-import:func.func(my-pass)"
        operators, _ = self.operators(self.model(*["Relu"] * 5), self.load, nested)
        self.assertEqual(operators.count("nn.relu"), 1)

    def test_nncc_opt(self):
        (self.folder / "in.mlir").write_text(IR)
        pipeline = "--pass-pipeline=builtin.module(func.func(my-pass{limit=1}))"
        text = self.nncc_opt("in.mlir", self.load, pipeline).stdout
        self.assertEqual(text.count("nn.relu"), 2)
        text = self.nncc_opt("in.mlir", self.load, "--my-pass=limit=2").stdout
        self.assertEqual(text.count("nn.relu"), 1)
        self.nncc_opt("in.mlir", pipeline, code=1, errors=["my-pass"])

    def refuses(self, *arguments, errors):
        self.nncc(self.model("Relu"), "-o", "m.so", *arguments, code=1, errors=["nncc: error: ", *errors])
        self.assertFalse((self.folder / "m.so").exists())

    def test_wrong_options(self):
        self.refuses(self.load, "--insert=after-graph:my-pass{limt=3}", errors=["limt"])
        self.refuses(self.load, "--insert=after-graph:my-pass{limit=many}", errors=["limit", "many"])
        self.refuses(self.load, "--insert=after-graph:my-pass{", errors=["my-pass{"])

    def test_wrong_pass(self):
        self.refuses(self.load, "--insert=after-graph:your-pass", errors=["your-pass"])
        self.refuses("--insert=after-graph:my-pass", errors=["my-pass"])

    def test_wrong_point(self):
        self.refuses(self.load, "--insert=after-lunch:my-pass", errors=["after-<stage>", "graph"])
        self.refuses(self.load, "--insert=my-pass", errors=["after-<stage>"])

    def test_not_a_plugin(self):
        self.refuses("--load-pass-plugin=nowhere.so", errors=["nowhere.so"])
        (self.folder / "text.so").write_text("no library")
        self.refuses("--load-pass-plugin=./text.so", errors=["text.so"])
        other = INSTALLED / "lib" / "libnncc_runtime.so"
        self.refuses(f"--load-pass-plugin={other}", errors=["libnncc_runtime.so", "entry point not found"])

    def test_other_versions(self):
        data = PLUGIN.read_bytes()
        self.assertIn(b"nncc_abi_", data)
        (self.folder / "old.so").write_bytes(data.replace(b"nncc_abi_", b"nncc_abi-")
                                             .replace(b"nncc_abi-0", b"nncc_abi_9"))  # fmt: skip
        self.refuses("--load-pass-plugin=./old.so", errors=["old.so", "was built for nncc_abi_9", "this is nncc_abi_0"])
        self.nncc_opt("--load-pass-plugin=./old.so", "/dev/null", code=1, errors=["nncc_abi_9"])
        (self.folder / "other.c").write_text(OTHER_VERSION)
        self.run_tool("clang", "-shared", "-fPIC", "-o", "other.so", "other.c")
        self.refuses("--load-pass-plugin=./other.so", errors=["other.so", "77"])


if __name__ == "__main__":
    build_plugin("sample", BUILD.name)
    main()
