"""onnx_text.py FOLDER: every FOLDER/*.txt, a model in ONNX's text form, as FOLDER/*.onnx.

Text form: https://onnx.ai/onnx/repo-docs/Syntax.html
"""
import pathlib
import sys

import onnx.parser

for path in pathlib.Path(sys.argv[1]).glob("*.txt"):
    path.with_suffix(".onnx").write_bytes(onnx.parser.parse_model(path.read_text()).SerializeToString())
