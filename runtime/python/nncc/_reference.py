"""Reference results by ONNX Runtime, for ``nncc compare``:

    python3 _reference.py MODEL.onnx INPUTS NAMES OUTPUTS

NAMES holds the values to compute, each ended by a zero byte; they may lie anywhere in the graph.
INPUTS and OUTPUTS are both an .npz, or both a folder of input_N.pb and output_N.pb where some values
are no tensors of numbers, which takes the package onnx: N counts the model's inputs, and NAMES.
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


def read_npz(path: str, inputs: list) -> dict:
    import numpy as np

    types = {i.name: i.type for i in inputs}
    with np.load(path) as data:
        feeds = {name: data[name] for name in data.files}
    for name, value in feeds.items():
        if value.dtype.kind == "V":
            raise ValueError(f"inputs of {types.get(name, 'such a type')} cannot be passed from NumPy: '{name}'")
    return feeds


def write_npz(path: str, outputs: list, results: list) -> None:
    # Not np.savez(**results): an output may have the name of one of its parameters.
    import zipfile

    import numpy as np

    with zipfile.ZipFile(path, "w") as archive:
        for output, value in zip(outputs, results):
            with archive.open(output.name + ".npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(value), allow_pickle=False)


def read_folder(path: str, inputs: list) -> dict:
    import onnx
    from onnx import numpy_helper

    feeds = {}
    for number, value in enumerate(inputs):
        with open(os.path.join(path, f"input_{number}.pb"), "rb") as file:
            data = file.read()
        if value.type.startswith("optional("):
            feeds[value.name] = numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
        elif value.type.startswith("seq("):
            feeds[value.name] = numpy_helper.to_list(onnx.SequenceProto.FromString(data))
        else:
            feeds[value.name] = numpy_helper.to_array(onnx.TensorProto.FromString(data))
    return feeds


def write_folder(path: str, outputs: list, results: list) -> None:
    import numpy as np
    from onnx import numpy_helper

    for number, (output, value) in enumerate(zip(outputs, results)):
        if output.type.startswith("optional("):
            message = numpy_helper.from_optional(value)
        elif output.type.startswith("seq("):
            message = numpy_helper.from_list(value)
        else:
            message = numpy_helper.from_array(np.asarray(value))
        with open(os.path.join(path, f"output_{number}.pb"), "wb") as file:
            file.write(message.SerializeToString())


def run(path: str, inputs: str, names: list[str], outputs: str) -> None:
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
    read, write = (read_folder, write_folder) if os.path.isdir(inputs) else (read_npz, write_npz)
    results = opened.run(names, read(inputs, opened.get_inputs()))
    by_name = {output.name: output for output in opened.get_outputs()}
    write(outputs, [by_name[name] for name in names], results)


def main(model: str, inputs: str, names: str, outputs: str) -> int:
    try:
        with open(names, encoding="utf-8") as file:
            wanted = file.read().split("\0")[:-1]
        run(model, inputs, wanted, outputs)
    except ImportError as error:
        print(f"{sys.executable} cannot import {error.name or 'onnxruntime'} ({error}); pip install",
              f"{error.name or 'onnxruntime'}, or name another interpreter with --python")  # fmt: skip
        return 1
    except Exception as error:  # ONNX Runtime has a class for each of its states, with no base
        print(f"ONNX Runtime: {str(error).strip()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
