"""Reference results by ONNX Runtime, for ``nncc compare``:

    python3 _reference.py MODEL.onnx INPUTS.npz NAMES OUTPUTS.npz

NAMES holds the values to compute, each ended by a zero byte; they may lie anywhere in the graph.
Run as a file, not as a module of the package, which would load the C library.
"""

from __future__ import annotations

import os
import sys

del sys.path[0]  # this folder, whose modules are not meant to be found by their bare names

GRAPH, OUTPUT, NAME = 7, 12, 1  # fields of ModelProto, GraphProto and ValueInfoProto


def field(number: int, data: bytes) -> bytes:
    """A protobuf field of bytes."""
    size, digits = len(data), bytearray()
    while size >= 128:
        digits.append(size % 128 + 128)
        size //= 128
    return bytes([number * 8 + 2, *digits, size]) + data


def with_outputs(model: bytes, names: list[str]) -> bytes:
    """A model with more outputs. Protobuf messages merge when they are put one after the other."""
    outputs = b"".join(field(OUTPUT, field(NAME, name.encode())) for name in names)
    return model + field(GRAPH, outputs) if names else model


def run(path: str, inputs: str, names: list[str], outputs: str) -> None:
    import numpy as np
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    folder = os.path.dirname(os.path.abspath(path))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)

    def session(extra: list[str]):
        with open(path, "rb") as file:
            model = with_outputs(file.read(), extra)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    opened = session([])
    known = {output.name for output in opened.get_outputs()}
    if extra := [name for name in names if name not in known]:
        opened = session(extra)
    types = {i.name: i.type for i in opened.get_inputs()}
    with np.load(inputs) as data:
        feeds = {name: data[name] for name in data.files}
    for name, value in feeds.items():
        if value.dtype.kind == "V":
            raise ValueError(f"inputs of {types.get(name, 'such a type')} cannot be passed from NumPy: '{name}'")
    results = opened.run(names, feeds)
    # Not np.savez(**results): an output may have the name of one of its parameters.
    import zipfile

    with zipfile.ZipFile(outputs, "w") as archive:
        for name, value in zip(names, results):
            with archive.open(name + ".npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(value), allow_pickle=False)


def main(model: str, inputs: str, names: str, outputs: str) -> int:
    try:
        with open(names, encoding="utf-8") as file:
            wanted = file.read().split("\0")[:-1]
        run(model, inputs, wanted, outputs)
    except ImportError as error:
        print(f"{sys.executable} cannot import onnxruntime ({error}); pip install onnxruntime, or name",
              "another interpreter with --python")  # fmt: skip
        return 1
    except Exception as error:  # ONNX Runtime has a class for each of its states, with no base
        print(f"ONNX Runtime: {str(error).strip()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
