"""Writes kernels on tensors as MLIR text."""
import re

from open_sizes import affine, tensor


class Value:
    def __init__(self, name, shape, element="f32"):
        self.name, self.shape, self.element = name, tuple(shape), element

    @property
    def type(self):
        return tensor(self.shape, self.element)


class Kernel:
    """Arguments and operations of one function; `text` ends it."""

    def __init__(self):
        self.lines, self.arguments, self.count = [], [], 0

    def argument(self, shape, element="f32"):
        value = Value(f"%a{len(self.arguments)}", shape, element)
        self.arguments.append(value)
        return value

    def line(self, text):
        self.lines.append("  " + text)

    def size(self, expression):
        """An index operand of that value."""
        name = f"%n{self.count}"
        self.count += 1
        used = sorted(set(re.findall(r"s(\d+)", str(expression))), key=int)
        for symbol in used:
            self.line(f"{name}s{symbol} = rt.symbol {symbol} : index")
        symbols = ", ".join(f"s{symbol}" for symbol in used)
        operands = ", ".join(f"{name}s{symbol}" for symbol in used)
        self.line(f"{name} = affine.apply affine_map<()[{symbols}] -> ({expression})>()[{operands}]")
        return name

    def empty(self, shape, element="f32"):
        sizes = ", ".join(self.size(size) for size in shape if isinstance(size, str))
        return self.op(f"tensor.empty({sizes}) : TYPE", shape, element)

    def expand(self, value, groups, shape):
        sizes = ", ".join(self.size(size) if isinstance(size, str) else str(size) for size in shape)
        return self.op(f"tensor.expand_shape {value.name} {groups} output_shape [{sizes}] : {value.type} into TYPE", shape, value.element)

    def collapse(self, value, groups, shape):
        return self.op(f"tensor.collapse_shape {value.name} {groups} : {value.type} into TYPE", shape, value.element)

    def op(self, text, shape, element="f32"):
        """A result of `text`, in which TYPE stands for its type."""
        value = Value(f"%v{self.count}", shape, element)
        self.count += 1
        self.line(f"{value.name} = " + text.replace("TYPE", value.type))
        return value

    def generic(self, inputs, maps, shape, result_map, kinds, body, element="f32", init=None):
        """linalg.generic: kinds as in "ppr"; body lines take %x0.., %out and define %r."""
        out = self.empty(shape, element)
        if init is not None:
            self.line(f"%c{self.count} = arith.constant {init} : {element}")
            out = self.op(f"linalg.fill ins(%c{self.count} : {element}) outs({out.name} : TYPE) -> TYPE", shape, element)
        rank = len(kinds)
        indexing = ", ".join(affine(rank, m) for m in list(maps) + [result_map])
        iterators = ", ".join({"p": '"parallel"', "r": '"reduction"'}[kind] for kind in kinds)
        names, types = ", ".join(v.name for v in inputs), ", ".join(v.type for v in inputs)
        arguments = [f"%x{i}: {v.element}" for i, v in enumerate(inputs)] + [f"%out: {element}"]
        return self.op(
            f"linalg.generic {{indexing_maps = [{indexing}], iterator_types = [{iterators}]}} "
            + (f"ins({names} : {types}) " if inputs else "")
            + f"outs({out.name} : TYPE) {{\n  ^bb0({', '.join(arguments)}):\n    "
            + "\n    ".join(body)
            + f"\n    linalg.yield %r : {element}\n  }} -> TYPE",
            shape,
            element,
        )

    def elementwise(self, inputs, body, element="f32", shape=None):
        """Inputs broadcast as in NumPy."""
        shape = inputs[0].shape if shape is None else tuple(shape)
        rank = len(shape)
        maps = []
        for value in inputs:
            first = rank - len(value.shape)
            maps.append(["0" if size == 1 != shape[first + d] else first + d for d, size in enumerate(value.shape)])
        return self.generic(inputs, maps, shape, range(rank), "p" * rank, body, element)

    def reduce(self, value, axes, body, init, extra=()):
        """`extra`: operands that have the shape of the result."""
        rank = len(value.shape)
        kept = [d for d in range(rank) if d not in axes]
        kinds = ["r" if d in axes else "p" for d in range(rank)]
        maps = [range(rank)] + [kept] * len(extra)
        shape = [value.shape[d] for d in kept]
        return self.generic([value, *extra], maps, shape, kept, kinds, body, value.element, init)

    def transpose(self, value, perm):
        shape = [value.shape[d] for d in perm]
        out = self.empty(shape, value.element)
        return self.op(
            f"linalg.transpose ins({value.name} : {value.type}) outs({out.name} : TYPE) permutation = {list(perm)}",
            shape,
            value.element,
        )

    def text(self, name, *results):
        arguments = ", ".join(f"{v.name}: {v.type}" for v in self.arguments)
        types = ", ".join(v.type for v in results)
        return (
            f"func.func @{name}({arguments}) -> ({types}) attributes {{rt.kernel}} {{\n"
            + "\n".join(self.lines)
            + f"\n  return {', '.join(v.name for v in results)} : {types}\n}}\n"
        )


def softmax(shape, axis):
    k = Kernel()
    rank = len(shape)
    every, kept = range(rank), [d for d in range(rank) if d != axis]
    x = k.argument(shape)
    top = k.reduce(x, [axis], ["%r = arith.maximumf %out, %x0 : f32"], "0xFF800000")
    body = ["%s = arith.subf %x0, %x1 : f32", "%r = math.exp %s : f32"]
    e = k.generic([x, top], [every, kept], shape, every, "p" * rank, body)
    total = k.reduce(e, [axis], ["%r = arith.addf %out, %x0 : f32"], "0.0")
    body = ["%one = arith.constant 1.0 : f32", "%i = arith.divf %one, %x1 : f32", "%r = arith.mulf %x0, %i : f32"]
    return k, k.generic([e, total], [every, kept], shape, every, "p" * rank, body)


def layer_norm(rows, columns):
    k = Kernel()
    x, weight, bias = k.argument((rows, columns)), k.argument((columns,)), k.argument((columns,))
    scale = f"%c = arith.constant {1.0 / columns:.9e} : f32"
    total = k.reduce(x, [1], ["%r = arith.addf %out, %x0 : f32"], "0.0")
    mean = k.elementwise([total], [scale, "%r = arith.mulf %x0, %c : f32"])
    body = ["%d = arith.subf %x0, %x1 : f32", "%q = arith.mulf %d, %d : f32", "%r = arith.addf %out, %q : f32"]
    squares = k.reduce(x, [1], body, "0.0", [mean])
    body = [scale, "%e = arith.constant 1.0e-5 : f32", "%m = arith.mulf %x0, %c : f32",
            "%n = arith.addf %m, %e : f32", "%r = math.rsqrt %n : f32"]
    inverse = k.elementwise([squares], body)
    body = ["%d = arith.subf %x0, %x1 : f32", "%f = arith.mulf %d, %x2 : f32", "%g = arith.mulf %f, %x3 : f32",
            "%r = arith.addf %g, %x4 : f32"]
    maps = [[0, 1], [0], [0], [1], [1]]
    return k, k.generic([x, mean, inverse, weight, bias], maps, (rows, columns), [0, 1], "pp", body)


def gelu(shape):
    k = Kernel()
    body = ["%c = arith.constant 0.707106769 : f32", "%h = arith.constant 0.5 : f32", "%o = arith.constant 1.0 : f32",
            "%s = arith.mulf %x0, %c : f32", "%e = math.erf %s : f32", "%p = arith.addf %e, %o : f32",
            "%q = arith.mulf %x0, %h : f32", "%r = arith.mulf %p, %q : f32"]
    return k, k.elementwise([k.argument(shape)], body)


def window(kind, shape, size, strides=None, dilations=None, pads=None, epilogue=()):
    """kern.window; `epilogue` takes %acc, %bias, %residual and defines %r."""
    k = Kernel()
    rank = len(size)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    first = len(shape) - 1 - rank
    image = [
        (shape[first + i] + pads[i] + pads[rank + i] - (size[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i in range(rank)
    ]
    result = [*shape[:first], *image, shape[-1]]
    inputs = [k.argument(shape)]
    if kind == "depthwise":
        inputs.append(k.argument([*size, shape[-1]]))
    extras, maps, arguments = "", "", "%acc: f32"
    if epilogue:
        bias, residual = k.argument(shape[-1:]), k.argument(result)
        extras = f"{bias.name}, {residual.name} : {bias.type}, {residual.type}"
        maps = f"{affine(len(result), [len(result) - 1])}, {affine(len(result), range(len(result)))}"
        arguments += ", %bias: f32, %residual: f32"
    out = k.op("tensor.empty() : TYPE", result)
    names, types = ", ".join(v.name for v in inputs), ", ".join(v.type for v in inputs)
    value = k.op(
        f"kern.window {kind} ins({names} : {types}) extras({extras}) outs({out.name} : TYPE) kernel {list(size)} "
        f"strides {list(strides)} dilations {list(dilations)} pads {list(pads)} maps [{maps}] {{\n  ^bb0({arguments}):\n    "
        + "\n    ".join([*epilogue, f"kern.yield {'%r' if epilogue else '%acc'} : f32"])
        + "\n  } -> TYPE",
        result,
    )
    return k, value
