"""Pattern files, read by an installed nncc: test_patterns.py PREFIX."""

from support import HERE, InstalledTest, main

SAMPLE = HERE / "sample" / "my.pdll"
INCLUDE = '#include "dialects/nn/NNOps.td"\n'
PDL = """
pdl.pattern @ReluOfRelu : benefit(1) {
  %x = operand
  %type = type
  %inner = operation "nn.relu"(%x : !pdl.value) -> (%type : !pdl.type)
  %between = result 0 of %inner
  %outer = operation "nn.relu"(%between : !pdl.value) -> (%type : !pdl.type)
  rewrite %outer {
    replace %outer with %inner
  }
}
"""


class Patterns(InstalledTest):
    def write(self, name, text):
        (self.folder / name).write_text(text)
        return f"--patterns={name}"

    def test_sample(self):
        model = self.model("Relu", "Relu", "Exp", "Log", "Relu")
        operators, errors = self.operators(model, f"--patterns={SAMPLE}", "--remarks=nncc-apply-patterns")
        self.assertEqual(operators, ["nn.relu"])
        self.assertIn("my.pdll", errors)
        self.nncc(model, f"--patterns={SAMPLE}", "-o", "m.so")

    def test_pdl(self):
        patterns = self.write("my.mlir", PDL)
        operators, _ = self.operators(self.model("Relu", "Relu", "Exp"), patterns)
        self.assertEqual(sorted(operators), ["nn.exp", "nn.relu"])

    def test_two_files(self):
        exp = self.write("exp.pdll", INCLUDE + "Pattern { replace op<nn.exp>(x: Value) with op<nn.relu>(x); }")
        operators, _ = self.operators(self.model("Exp", "Relu"), exp, f"--patterns={SAMPLE}")
        self.assertEqual(operators, ["nn.relu"])

    def test_no_match(self):
        operators, errors = self.operators(
            self.model("Exp"), f"--patterns={SAMPLE}", "--remarks=nncc-apply-patterns")  # fmt: skip
        self.assertEqual(operators, ["nn.exp"])
        self.assertIn("no pattern of", errors)

    def refuses(self, patterns, *errors):
        self.nncc(self.model("Relu"), patterns, "-o", "m.so", code=1, errors=["nncc: error: ", *errors])
        self.assertFalse((self.folder / "m.so").exists())

    def test_missing(self):
        self.refuses("--patterns=nowhere.pdll", "nowhere.pdll", "no such file")
        self.refuses("--patterns=nowhere.mlir", "nowhere.mlir", "no such file")

    def test_syntax(self):
        self.refuses(self.write("a.pdll", "Pattern {\n  let r = op<nn.relu>(x: Value;\n}"),
                     "a.pdll:2:31: error: expected `)`")  # fmt: skip
        self.refuses(self.write("a.mlir", PDL.replace("operand", "opernad")), "a.mlir:3:")
        self.refuses(self.write("a.pdll", '#include "nowhere.td"\n'), "a.pdll:1:", "nowhere.td")

    def test_definitions(self):
        # NNOps.td says how many operands there are.
        text = INCLUDE + "Pattern {\n  let r = op<nn.relu>(x: Value, y: Value);\n  erase r;\n}"
        self.refuses(self.write("a.pdll", text), "a.pdll:3:", "operand")

    def test_unknown_operation(self):
        text = INCLUDE + "Pattern {\n  let r = op<nn.rleu>(x: Value);\n  replace r with op<nn.lru>(x) -> (r.0.type);\n}"
        self.refuses(self.write("a.pdll", text.replace(" -> (r.0.type)", "")),
                     "a.pdll:3:", "unknown operation 'nn.rleu'", "a.pdll:4:", "unknown operation 'nn.lru'")  # fmt: skip
        self.refuses(self.write("a.mlir", PDL.replace("nn.relu", "nn.rleu")), "a.mlir:5:", "'nn.rleu'")

    def test_unknown_function(self):
        text = INCLUDE + "Constraint Odd(v: Value);\nPattern {\n  let r = op<nn.relu>(x: Value);\n  Odd(x);\n  erase r;\n}"
        self.refuses(self.write("a.pdll", text), "a.pdll:5:", "unknown native constraint 'Odd'")
        text = INCLUDE + "Rewrite Make(v: Value) -> Value;\nPattern {\n"
        text += "  let r = op<nn.relu>(x: Value);\n  rewrite r with { replace r with Make(x); };\n}"
        self.refuses(self.write("a.pdll", text), "a.pdll:5:", "unknown native rewrite 'Make'")

    def test_inline_code(self):
        text = INCLUDE + "Constraint Odd(v: Value) [{ return success(); }];\n"
        text += "Pattern {\n  let r = op<nn.relu>(x: Value);\n  Odd(x);\n  erase r;\n}"
        self.refuses(self.write("a.pdll", text), "a.pdll:5:", "unknown native constraint 'Odd'")

    def test_not_patterns(self):
        self.refuses(self.write("a.mlir", "func.func private @f()"), "a.mlir:1:", "expected a pattern file")
        self.refuses(self.write("a.mlir", ""), "no pattern in 'a.mlir'")
        self.refuses(self.write("a.pdll", INCLUDE), "no pattern in 'a.pdll'")

    def test_endless(self):
        text = INCLUDE + "Pattern { replace op<nn.relu>(x: Value) with op<nn.relu>(op<nn.relu>(x)); }"
        self.refuses(self.write("a.pdll", text), "the patterns of 'a.pdll' do not come to an end")

    def test_invalid_result(self):
        # The types do not agree with what exp infers: the result cannot be made.
        text = 'Pattern {\n  let r = op<nn.relu>(x: Value);\n  replace r with op<nn.exp>(x) -> (type<"i1">);\n}'
        self.refuses(self.write("a.pdll", text), "nn.exp")


if __name__ == "__main__":
    main()
