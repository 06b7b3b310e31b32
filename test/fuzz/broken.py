#!/usr/bin/env python3
"""Models that are broken in a known way: the tool must say what is wrong.

  broken.py TOOL [ARGUMENT...]      runs `TOOL ARGUMENT... MODEL` for every case

Each case states the exit code (1 I/O, 2 invalid, 3 unsupported) and a piece of the message.
"""
import os
import re
import sys
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import base_models
import harness

CASES = []


def case(code, message):
    """Registers a function that returns a model, or bytes; `folder` is where it will be written."""
    def add(build):
        CASES.append((build.__name__, code, message, build))
        return build
    return add


def node(model, name):
    return next(n for n in model.graph.node if n.name == name)


def tensor(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def changed(change, base=base_models.cnn):
    model = base()
    change(model)
    return model


@case(1, "[Nn]o such file")
def missing_file(folder):
    return None


@case(1, "folder")
def folder_instead_of_file(folder):
    os.mkdir(os.path.join(folder, "model.onnx"))
    return None


@case(2, "empty")
def empty_file(folder):
    return b""


@case(2, "not a valid ONNX file|ir_version")
def text_file(folder):
    return b"This is a text file and not a model.\n" * 100


@case(2, "not a valid ONNX file|ir_version")
def random_bytes(folder):
    return np.random.default_rng(7).bytes(4096)


@case(2, "truncated|not a valid ONNX file")
def truncated(folder):
    return base_models.cnn().SerializeToString()[:-300]


@case(2, "nested more than")
def nested_too_deep(folder):
    data = b""
    for _ in range(200):  # graph { node { attribute { graph ...
        for field in (6, 5, 1):
            data = bytes([field << 3 | 2]) + length(data) + data
    return b"\x08\x08\x3a" + length(data) + data


def length(data):
    n, out = len(data), b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


@case(2, "no graph")
def no_graph(folder):
    return changed(lambda m: m.ClearField("graph"))


@case(2, "no outputs")
def empty_graph(folder):
    return changed(lambda m: m.graph.Clear())


@case(2, "ir_version")
def no_ir_version(folder):
    return changed(lambda m: m.ClearField("ir_version"))


@case(3, "newer than the newest")
def newer_ir_version(folder):
    return changed(lambda m: setattr(m, "ir_version", 10**6))


@case(2, "imports no operator set")
def no_opset(folder):
    return changed(lambda m: m.ClearField("opset_import"))


@case(3, "newer than the newest")
def newer_opset(folder):
    return changed(lambda m: setattr(m.opset_import[0], "version", 900))


@case(2, "no operator set of domain")
def unknown_domain(folder):
    return changed(lambda m: setattr(node(m, "relu0"), "domain", "com.example"))


@case(2, "has no operator 'Rellu'")
def unknown_operator(folder):
    return changed(lambda m: setattr(node(m, "relu0"), "op_type", "Rellu"))


@case(2, "has no operator 'GroupNormalization'; a newer one has it")
def operator_of_a_newer_opset(folder):
    return changed(lambda m: setattr(node(m, "relu0"), "op_type", "GroupNormalization"))


@case(2, "removed in operator set 10")
def removed_operator(folder):
    return changed(lambda m: setattr(node(m, "relu0"), "op_type", "Upsample"))


@case(2, "'w0', is neither")
def missing_initializer(folder):
    return changed(lambda m: m.graph.initializer.remove(tensor(m, "w0")))


@case(2, "given twice")
def duplicate_initializer(folder):
    return changed(lambda m: m.graph.initializer.append(tensor(m, "w0")))


@case(2, "name of another value")
def duplicate_output(folder):
    return changed(lambda m: node(m, "relu0").output.__setitem__(0, "c0"))


@case(2, "cycle: .*'norm0' -> 'relu0' -> 'pool0'")
def cycle(folder):
    return changed(lambda m: node(m, "norm0").input.__setitem__(0, "p0"))


@case(2, "'nothing' is not produced")
def output_never_produced(folder):
    return changed(lambda m: setattr(m.graph.output[0], "name", "nothing"))


@case(2, "input size 1|inputs")
def too_few_inputs(folder):
    return changed(lambda m: node(m, "conv0").input.__delitem__(slice(1, 3)))


@case(2, "input size|inputs")
def too_many_inputs(folder):
    return changed(lambda m: node(m, "relu0").input.append("x"))


@case(2, "[Uu]nrecognized attribute: alpha")
def unknown_attribute(folder):
    return changed(lambda m: node(m, "relu0").attribute.append(helper.make_attribute("alpha", 1.0)))


@case(2, "kernel_shape.*[Ee]xpected: 'INTS'")
def attribute_of_wrong_type(folder):
    def change(m):
        node(m, "pool0").attribute[0].CopyFrom(helper.make_attribute("kernel_shape", "wide"))
    return changed(change)


@case(2, "kernel_shape")
def attribute_missing(folder):
    return changed(lambda m: node(m, "pool0").attribute.__delitem__(0))


@case(2, "of type INTS but has a value in 'f'")
def attribute_with_two_values(folder):
    return changed(lambda m: setattr(node(m, "pool0").attribute[0], "f", 1.0))


@case(2, "found 864 bytes in raw_data, expected 3456")
def data_too_small(folder):
    return changed(lambda m: tensor(m, "w0").dims.__setitem__(0, 32))


@case(2, "dimension 0 is -8")
def negative_dimension(folder):
    return changed(lambda m: tensor(m, "w0").dims.__setitem__(0, -8))


@case(2, "more than 2\\^63|address space")
def overflowing_dimensions(folder):
    return changed(lambda m: tensor(m, "w0").dims.extend([1 << 40, 1 << 40]))


@case(2, "type 77 \\(unknown\\)")
def unknown_element_type(folder):
    return changed(lambda m: setattr(tensor(m, "w0"), "data_type", 77))


@case(2, "type 0 \\(unknown\\)")
def input_without_element_type(folder):
    return changed(lambda m: m.graph.input[0].type.tensor_type.ClearField("elem_type"))


@case(2, "are in int64_data, expected raw_data or float_data")
def data_in_the_wrong_field(folder):
    def change(m):
        w = tensor(m, "w0")
        w.ClearField("raw_data")
        w.int64_data.extend([1] * 216)
    return changed(change)


@case(2, "data in (more than one|both)")
def data_in_two_fields(folder):
    return changed(lambda m: tensor(m, "w0").float_data.extend([1.0] * 216))


@case(2, "input 'x': has no type")
def input_without_type(folder):
    return changed(lambda m: m.graph.input[0].ClearField("type"))


@case(2, "graph output 'y' is given twice")
def output_twice(folder):
    return changed(lambda m: m.graph.output.append(m.graph.output[0]))


@case(2, "less than 2\\^48 bytes")
def more_than_memory(folder):
    def change(m):
        for d in m.graph.input[0].type.tensor_type.shape.dim:
            d.dim_value = 1 << 12
    return changed(change, unary)


@case(1, "not a regular file")
def external_file_is_a_folder(folder):
    os.mkdir(os.path.join(folder, "data"))
    return external(base_models.cnn(), "data", folder)


@case(2, "segments")
def tensor_in_segments(folder):
    return changed(lambda m: setattr(tensor(m, "w0").segment, "begin", 0))


@case(2, "Cycle|recursive")
def recursive_function(folder):
    def change(m):
        m.functions[0].node[0].op_type = "Twice"
        m.functions[0].node[0].domain = "local"
        m.functions[0].opset_import.append(helper.make_opsetid("local", 1))
    return changed(change, base_models.control)


def unary():
    """x[2, 3, 4, 5] -> Relu -> y"""
    x, y = (base_models.value(name, [2, 3, 4, 5]) for name in "xy")
    return base_models.model([helper.make_node("Relu", ["x"], ["y"])], [x], [y])


def external(model, location, folder, **fields):
    w = tensor(model, "w0")
    with open(os.path.join(folder, "weights.bin"), "wb") as file:
        file.write(w.raw_data)
    w.ClearField("raw_data")
    for key, text in {"location": location, **fields}.items():
        w.external_data.add(key=key, value=text)
    w.data_location = TensorProto.EXTERNAL
    return model


@case(1, "'w0'.*external data file 'nowhere.bin' cannot be read")
def external_file_missing(folder):
    return external(base_models.cnn(), "nowhere.bin", folder)


@case(1, "#seed")
def skeleton_without_weights(folder):
    return external(base_models.cnn(), "#seed", folder, mean="0", std="1")


@case(2, "'\\.\\.'")
def external_file_above(folder):
    return external(base_models.cnn(), "../weights.bin", folder)


@case(2, "absolute")
def external_file_absolute(folder):
    return external(base_models.cnn(), os.path.join(folder, "weights.bin"), folder)


@case(2, "leaves the model's folder")
def external_file_behind_a_link(folder):
    os.symlink("/etc/passwd", os.path.join(folder, "link.bin"))
    return external(base_models.cnn(), "link.bin", folder)


@case(1, "regular file")
def external_file_is_a_pipe(folder):
    os.mkfifo(os.path.join(folder, "pipe.bin"))
    return external(base_models.cnn(), "pipe.bin", folder)


@case(2, "expected 864 bytes at offset 100")
def external_offset_past_the_end(folder):
    return external(base_models.cnn(), "weights.bin", folder, offset="100")


@case(2, "length is 4, expected 864")
def external_length_too_small(folder):
    return external(base_models.cnn(), "weights.bin", folder, length="4")


@case(2, "offset is '-4', expected a number")
def external_offset_negative(folder):
    return external(base_models.cnn(), "weights.bin", folder, offset="-4")


@case(2, "expected 864 bytes at offset 18446744073709551615")
def external_offset_overflows(folder):
    return external(base_models.cnn(), "weights.bin", folder, offset=str(2**64 - 1))


@case(2, "index of value 1 is out of range")
def sparse_index_out_of_range(folder):
    def change(m):
        m.graph.initializer.remove(tensor(m, "b0"))
        values = numpy_helper.from_array(np.array([1, 2], np.float32), "b0")
        indices = numpy_helper.from_array(np.array([0, 8], np.int64), "b0_at")
        m.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [8]))
    return changed(change)


def main():
    tool, failures = sys.argv[1:], 0
    if not tool:
        sys.exit(__doc__)
    for name, code, message, build in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            broken = build(folder)
            if broken is not None:
                with open(path, "wb") as file:
                    file.write(broken if isinstance(broken, bytes) else broken.SerializeToString())
            found, said = harness.run([*tool, path], folder=folder)
        why = harness.fault(found, said)
        if not why and found != code:
            why = f"exit code {found}, expected {code}; it says: {said[:300]}"
        if not why and not re.search(message, said, re.DOTALL):
            why = f"expected /{message}/; it says: {said[:300]}"
        if why:
            failures += 1
            print(f"FAIL {name}: {why}")
    print(f"{len(CASES) - failures} of {len(CASES)} broken models are refused with the right message")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
