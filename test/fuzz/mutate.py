#!/usr/bin/env python3
"""Random changes to valid models: the tool must answer, never crash.

  mutate.py [--count=300] [--seed=0] [--only=NUMBER] [--keep=FOLDER] check|compile NNCC

runs `NNCC check`, or `NNCC compile` and `NNCC run` on random inputs, on models made from the base
models by one to three changes, mostly to the protobuf message (so that they get past the parser),
some to the bytes. The tool may accept a model or refuse it with exit code 1, 2 or 3 and a message;
where it refuses to compile it leaves no file. Fails on anything else, and when less than a third of
the models got past the parser. The same seed gives the same models.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import sys
import tempfile

from onnx import AttributeProto, TensorProto, defs, helper

import base_models
import harness

INTEGERS = [0, 1, -1, 2, 3, 7, -2, 255, 1 << 20, 1 << 31, -(1 << 31), 1 << 62, -(1 << 63)]
OPERATORS = sorted({schema.name for schema in defs.get_all_schemas() if not schema.domain})
UNARY = """Abs Acos Asinh Atan Ceil Cos Elu Erf Exp Floor HardSwish Identity Log Mish Neg Reciprocal
Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Tan Tanh""".split()
BINARY = "Add Div Max Min MatMul Mod Mul PRelu Pow Sub".split()


def graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def any_node(model, rng):
    return rng.choice(rng.choice([g for g in graphs(model.graph) if g.node]).node)


def any_tensor(model, rng):
    return rng.choice(model.graph.initializer)


def values(model):
    names = [v.name for v in model.graph.input] + [t.name for t in model.graph.initializer]
    return names + [o for n in model.graph.node for o in n.output]


def drop_node(model, rng):
    nodes = model.graph.node
    nodes.pop(rng.randrange(len(nodes)))


def repeat_node(model, rng):
    copy = model.graph.node.add()
    copy.CopyFrom(rng.choice(model.graph.node))
    if rng.random() < 0.5:
        for i, name in enumerate(copy.output):
            copy.output[i] = name + "_again"


def shuffle_nodes(model, rng):
    nodes = list(model.graph.node)
    rng.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def rewire(model, rng):
    node = any_node(model, rng)
    if node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(values(model) + [""])


def drop_input(model, rng):
    node = any_node(model, rng)
    if node.input:
        node.input.pop(rng.randrange(len(node.input)))


def add_input(model, rng):
    any_node(model, rng).input.append(rng.choice(values(model)))


def change_operator(model, rng):
    any_node(model, rng).op_type = rng.choice(OPERATORS)


def change_attribute(model, rng):
    node = any_node(model, rng)
    if not node.attribute:
        return
    attribute = rng.choice(node.attribute)
    number = rng.choice(INTEGERS)
    if attribute.type == AttributeProto.INT:
        attribute.i = number
    elif attribute.type == AttributeProto.INTS and attribute.ints:
        attribute.ints[rng.randrange(len(attribute.ints))] = number
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = rng.choice([0.0, -1.0, float("nan"), float("inf"), 1e38])
    elif attribute.type == AttributeProto.STRING:
        attribute.s = rng.choice([b"", b"SAME_LOWER", b"nonsense", b"\xff\x00"])


def change_attribute_length(model, rng):
    node = any_node(model, rng)
    lists = [a for a in node.attribute if a.type == AttributeProto.INTS]
    if lists:
        ints = rng.choice(lists).ints
        if ints and rng.random() < 0.5:
            ints.pop()
        else:
            ints.extend([rng.choice(INTEGERS)] * rng.randrange(1, 9))


def drop_attribute(model, rng):
    node = any_node(model, rng)
    if node.attribute:
        node.attribute.pop(rng.randrange(len(node.attribute)))


def change_dims(model, rng):
    tensor = any_tensor(model, rng)
    if tensor.dims and rng.random() < 0.7:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(INTEGERS)
    else:
        tensor.dims.append(rng.choice([0, 1, 2]))


def reshape_weight(model, rng):
    """Other dims with the same number of elements: only the operator can notice."""
    tensor = any_tensor(model, rng)
    dims = list(tensor.dims)
    rng.shuffle(dims)
    if rng.random() < 0.5:
        dims.insert(rng.randrange(len(dims) + 1), 1)
    del tensor.dims[:]
    tensor.dims.extend(dims)


def change_integers(model, rng):
    """Values of shapes, axes and the like."""
    tensors = [t for t in model.graph.initializer if t.data_type == TensorProto.INT64]
    if tensors:
        tensor = rng.choice(tensors)
        count = len(tensor.raw_data) // 8
        numbers = [rng.choice(INTEGERS) for _ in range(count)]
        tensor.raw_data = b"".join(n.to_bytes(8, "little", signed=True) for n in numbers)


def change_element_type(model, rng):
    any_tensor(model, rng).data_type = rng.randrange(0, 30)


def drop_tensor(model, rng):
    tensors = model.graph.initializer
    tensors.pop(rng.randrange(len(tensors)))


def change_input_type(model, rng):
    tensor = rng.choice(model.graph.input).type.tensor_type
    if rng.random() < 0.3:
        tensor.elem_type = rng.randrange(0, 30)
    elif tensor.shape.dim and rng.random() < 0.7:
        rng.choice(tensor.shape.dim).dim_value = rng.choice(INTEGERS)
    else:
        tensor.shape.dim.add().dim_value = rng.choice([0, 1, 3])


def change_opset(model, rng):
    model.opset_import[0].version = rng.choice([1, 6, 7, 9, 10, 11, 12, 13, 15, 18, 21, 24, 28])


def expose_value(model, rng):
    name = rng.choice(values(model))
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))


def insert(model, rng, operator, inputs, **attributes):
    """A new operator on the first of `inputs`, which the readers of that value read instead."""
    source, result = inputs[0], f"inserted_{len(model.graph.node)}"
    readers = [n for n in model.graph.node if source in n.input]
    at = list(model.graph.node).index(rng.choice(readers)) if readers else len(model.graph.node)
    for reader in readers:
        for i, name in enumerate(reader.input):
            if name == source:
                reader.input[i] = result
    new = helper.make_node(operator, inputs, [result], name=result, **attributes)
    model.graph.node.insert(at, new)
    if not readers:
        model.graph.output.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, None))


def computed(model):
    return [o for n in model.graph.node for o in n.output]


def insert_unary(model, rng):
    insert(model, rng, rng.choice(UNARY), [rng.choice(computed(model))])


def insert_binary(model, rng):
    source = rng.choice(computed(model))
    other = source if rng.random() < 0.5 else rng.choice(values(model))
    insert(model, rng, rng.choice(BINARY), [source, other])


def insert_along_axis(model, rng):
    axis = rng.choice([-4, -2, -1, -1, 0, 0, 1, 1, 2, 3])
    insert(model, rng, rng.choice(["Softmax", "LogSoftmax", "Hardmax"]), [rng.choice(computed(model))],
           axis=axis)  # fmt: skip


def swap_operator(model, rng):
    """Another operator of the same form."""
    for table in (UNARY, BINARY):
        nodes = [n for n in model.graph.node if n.op_type in table]
        if nodes:
            rng.choice(nodes).op_type = rng.choice(table)


def resize_input(model, rng):
    """A size that may fit everywhere."""
    dims = rng.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        rng.choice(dims).dim_value = rng.choice([1, 2, 3, 5, 7, 8, 9, 16, 17, 33])


STRUCTURED = [
    insert_unary, insert_unary, insert_unary, insert_binary, insert_binary, insert_along_axis,
    swap_operator, swap_operator, resize_input, resize_input,
    drop_node, repeat_node, shuffle_nodes, rewire, rewire, drop_input, add_input, change_operator,
    change_attribute, change_attribute, change_attribute_length, drop_attribute, change_dims,
    reshape_weight, reshape_weight, change_integers, change_integers, change_element_type,
    drop_tensor, change_input_type, change_input_type, change_opset, expose_value,
]


def change_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        kind = rng.randrange(3)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 40)]
        else:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20)))
        if not data:
            break
    return bytes(data)


def mutant(number, seed):
    """(bytes of a model, names of the changes)"""
    rng = random.Random(f"{seed}/{number}")
    name = rng.choice(sorted(base_models.ALL))
    model = base_models.ALL[name]()
    if rng.random() < 0.1:
        return change_bytes(model.SerializeToString(), rng), [name, "change_bytes"]
    changes = [rng.choice(STRUCTURED) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    applied = [name]
    for change in changes:
        if model.graph.node and model.graph.initializer:
            change(model, rng)
            applied.append(change.__name__)
    return model.SerializeToString(), applied


def left_behind(folder):
    return sorted(set(os.listdir(folder)) - {"model.onnx"})


def check(nncc, folder):
    """(what happened: one key per fact, what is wrong)"""
    code, said = harness.run([nncc, "check", "model.onnx"], folder=folder)
    facts = [harness.CODES.get(code, "failed")]
    if "not a valid ONNX file" not in said:
        facts.append("past the parser")
    return facts, harness.fault(code, said)


def compile_and_run(nncc, folder):
    command = [nncc, "compile", "model.onnx", "-o", "model.so"]
    code, said = harness.run(command, folder=folder)
    facts = ["compiled" if code == 0 else harness.CODES.get(code, "failed")]
    if "not a valid ONNX file" not in said:
        facts.append("past the parser")
    expected = ["model.so"] if code == 0 else []
    why = harness.fault(code, said)
    if not why and left_behind(folder) != expected:
        why = f"exit code {code}, files {left_behind(folder)}"
    if why or code:
        return facts, why
    code, said = harness.run([nncc, "run", "model.so", "--random"], folder=folder)
    facts.append("ran" if code == 0 else "did not run: " + harness.CODES.get(code, "failed"))
    why = harness.fault(code, said)
    return facts, why and "run: " + why


def attempt(number, options):
    """Facts and fault of one mutant, in a folder of its own."""
    data, changes = mutant(number, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        with open(path, "wb") as file:
            file.write(data)
        if options.keep and options.only is not None:
            shutil.copy(path, os.path.join(options.keep, f"{options.seed}-{number}.onnx"))
        run = {"check": check, "compile": compile_and_run}[options.mode]
        facts, why = run(os.path.abspath(options.nncc), folder)
        if why and options.keep:
            shutil.copy(path, os.path.join(options.keep, f"{options.seed}-{number}.onnx"))
    return facts, why and f"FAIL {number} ({', '.join(changes)}): {why}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="this mutant alone")
    parser.add_argument("--keep", help="folder for the models that fail")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("mode", choices=["check", "compile"])
    parser.add_argument("nncc")
    options = parser.parse_args()
    numbers = range(options.count) if options.only is None else [options.only]
    counts, failures = collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for facts, why in pool.map(lambda number: attempt(number, options), numbers):
            counts.update(facts)
            if why:
                failures += 1
                print(why, flush=True)
    facts = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    print(f"{len(numbers)} models: {facts}")
    if options.only is None and counts["past the parser"] * 3 < len(numbers):
        sys.exit("less than a third of the models got past the parser")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
