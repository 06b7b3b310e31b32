"""Contractions and windows of sizes that are known when they run, against NumPy, each compiled once and
called at several sizes: check_open_contracts.py [filter]"""
import itertools

import numpy as np
from kernel_runner import check, run_cases
from open_sizes import affine, empty, evaluate_shape, tensor

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, arguments' shapes, wanted, symbols)


def pack(weights, groups=1):
    """[k1..ks, K, N] -> [N/16, k1..ks, K, 16]; of groups: [G, N/16, ..]"""
    *taps, depth, columns = weights.shape
    columns //= groups
    panels = -(-columns // 16)
    padded = np.zeros((*taps, depth, groups, panels * 16), np.float32)
    padded[..., :columns] = weights.reshape(*taps, depth, groups, columns)
    packed = padded.reshape(*taps, depth, groups, panels, 16)
    packed = np.moveaxis(packed, (-3, -2), (0, 1))
    return np.ascontiguousarray(packed if groups > 1 else packed[0])


EPILOGUES = {  # lines that define %r, the same in NumPy
    "none": ([], lambda acc, extras: acc),
    "add": (["%r0 = arith.addf %acc, %e0 : f32"], lambda acc, extras: acc + extras[0]),
    "two": (["%t = arith.addf %acc, %e0 : f32", "%r0 = arith.addf %t, %e1 : f32"], lambda acc, extras: acc + extras[0] + extras[1]),
    "tanh": (["%t = arith.addf %acc, %e0 : f32", "%r0 = math.tanh %t : f32"], lambda acc, extras: np.tanh(acc + extras[0])),
}


class Case:
    """The text of a kernel around one operation, from arguments that may be seen transposed."""

    def __init__(self):
        self.arguments, self.lines = [], "  %size = rt.symbol 0 : index\n"

    def argument(self, shape, perm=None):
        """-> (name, type) of it, or of its transpose"""
        name = f"%a{len(self.arguments)}"
        self.arguments.append(tuple(shape))
        if perm is None:
            return name, tensor(shape)
        seen = [shape[d] for d in perm]
        self.lines += empty(f"e{name[1:]}", seen)
        self.lines += f"  %t{name[1:]} = linalg.transpose ins({name} : {tensor(shape)}) outs(%e{name[1:]} : {tensor(seen)}) permutation = {list(perm)}\n"
        return f"%t{name[1:]}", tensor(seen)

    def operation(self, head, result, extras, maps, attributes, epilogue):
        body, _ = EPILOGUES[epilogue]
        self.result = result
        self.lines += empty("init", result)
        names, types = ", ".join(n for n, _ in extras), ", ".join(t for _, t in extras)
        arguments = ", ".join(["%acc: f32"] + [f"%e{i}: f32" for i in range(len(extras))])
        self.lines += (
            f"  %y = kern.{head} extras({names + ' : ' + types if extras else ''}) outs(%init : {tensor(result)}) {attributes} "
            f"maps [{', '.join(maps)}] {{groups}}{{\n  ^bb0({arguments}):\n    " + "\n    ".join(body)
            + f"\n    kern.yield {'%r0' if body else '%acc'} : f32\n  }} -> {tensor(result)}\n"
        )

    def text(self, name):
        arguments = ", ".join(f"%a{i}: {tensor(shape)}" for i, shape in enumerate(self.arguments))
        kind = tensor(self.result)
        return f"func.func @{name}({arguments}) -> {kind} attributes {{rt.kernel}} {{\n{self.lines}  return %y : {kind}\n}}\n"

    def add(self, title, wanted, symbols, groups=1):
        name = f"k{len(CASES)}"
        self.lines = self.lines.replace("{groups}", f"attributes {{groups = {groups} : i64}} " if groups > 1 else "")
        CASES[name] = (title, self.text(name), self.arguments, wanted, symbols)


def product(title, a, b, result, layout, symbols, epilogue="none", extras=(), perm_a=None, perm_b=None, weights=None):
    """a, b: shapes before their transpose; extras: dims of the result, None: 1."""
    case = Case()
    (name_a, type_a), (name_b, type_b) = case.argument(a, perm_a), case.argument(b, perm_b)
    operands = [case.argument([1 if d is None else result[d] for d in dims]) for dims in extras]
    head = f"contract {layout} ins({name_a}, {name_b} : {type_a}, {type_b})"
    maps = [affine(len(result), ["0" if d is None else d for d in dims]) for dims in extras]
    case.operation(head, result, operands, maps, "strides [] dilations [] pads []", epilogue)

    def wanted(inputs):
        x, y = inputs[0], inputs[1] if weights is None else weights
        x, y = x if perm_a is None else x.transpose(perm_a), y if perm_b is None else y.transpose(perm_b)
        y = y.swapaxes(-1, -2) if layout == "transposed" else y
        acc = np.matmul(x.astype(np.float64), y)
        seen = []
        for dims, extra in zip(extras, inputs[2:]):
            sizes = [1] * acc.ndim
            for size, d in zip(extra.shape, dims):
                if d is not None:
                    sizes[d] = size
            seen.append(extra.reshape(sizes))
        result = EPILOGUES[epilogue][1](acc, seen)
        return result if weights is None else (result, pack(weights))

    case.add(title, wanted, symbols)


ROWS = [(1, 1), (1, 5), (1, 17), (2, 32), (4, 25), (1, 128), (0, 3), (3, 0)]


def rows():
    for depth, columns in [(40, 40), (64, 96), (1600, 32), (33, 20)]:
        for epilogue, extras in (("none", ()), ("two", ([2], [0, 1, 2])), ("tanh", ([2],))):
            weights = rng.standard_normal((depth, columns)).astype(np.float32)
            product(f"rows {depth} x {columns} {epilogue}", ["s0", "s1", depth], pack(weights).shape, ["s0", "s1", columns],
                    "packed", ROWS, epilogue, extras, weights=weights)
    weights = rng.standard_normal((24, 40)).astype(np.float32)
    product("rows in heads", ["s0", "s1", 3, 8 * 3], pack(weights).shape, ["s0", 3, "s1", 40], "packed", ROWS, perm_a=(0, 2, 1, 3), weights=weights)


def attention():
    sizes = [(1, 5, 5), (2, 17, 1), (1, 64, 64), (2, 100, 128), (1, 128, 100), (0, 5, 5), (2, 0, 5), (1, 1, 600), (1, 7, 1200)]
    for depth in (8, 20, 64):
        product(f"scores {depth}", ["s0", "s1", 2, depth], ["s0", "s2", 2, depth], ["s0", 2, "s1", "s2"], "transposed",
                [*sizes, (2, 5, 0)], "add", ([0, None, None, 3],), perm_a=(0, 2, 1, 3), perm_b=(0, 2, 1, 3))
        product(f"values {depth}", ["s0", 2, "s1", "s2"], ["s0", "s2", 2, depth], ["s0", 2, "s1", depth], "plain",
                [*sizes, (2, 5, 0)], "tanh", ([3],), perm_b=(0, 2, 1, 3))
    product("transposed values", ["s0", 2, "s1", "s2"], ["s0", 2, 40, "s2"], ["s0", 2, "s1", 40], "transposed", [*sizes, (2, 5, 0)])
    open_sizes = list(itertools.product((0, 1, 17, 100), repeat=3))
    for epilogue, extras in (("none", ()), ("add", ([0, 1],)), ("tanh", ([1],))):
        product(f"all open {epilogue}", ["s0", "s1"], ["s1", "s2"], ["s0", "s2"], "plain", open_sizes, epilogue, extras)
        product(f"all open, transposed {epilogue}", ["s0", "s1"], ["s2", "s1"], ["s0", "s2"], "transposed", open_sizes, epilogue, extras)
    product("one row, open depth", [1, "s0"], ["s0", 32], [1, 32], "plain", [(0,), (1,), (17,), (1000,)])
    product("one row, open columns", [1, 24], [24, "s0"], [1, "s0"], "plain", [(0,), (1,), (17,), (1000,)])
    product("shared b", ["s0", 3, "s1", 24], [1, 3, 24, "s2"], ["s0", 3, "s1", "s2"], "plain", sizes)


def image(size, pads, taps, stride, dilation):
    """The size of the result: text where it is open."""
    span = sum(pads) - (taps - 1) * dilation - 1
    return f"({size} + {span}) floordiv {stride} + 1" if isinstance(size, str) else (size + span) // stride + 1


def taps_of(x, size, strides, dilations, pads, out, fill=0.0):
    """For each tap of the window: its index, and the elements of the input, [batch, y1..ys, C]."""
    rank = len(size)
    padded = np.pad(x, [(0, 0)] + [(pads[i], pads[rank + i] + 64) for i in range(rank)] + [(0, 0)], constant_values=fill)
    for tap in itertools.product(*map(range, size)):
        starts = [t * d for t, d in zip(tap, dilations)]
        yield tap, padded[(slice(None), *(slice(s, s + n * st, st) for s, n, st in zip(starts, out, strides)))]


def convolution(title, shape, size, columns, symbols, strides=None, dilations=None, pads=None, groups=1, epilogue="none"):
    rank = len(size)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    outer = [image(shape[1 + i], (pads[i], pads[rank + i]), size[i], strides[i], dilations[i]) for i in range(rank)]
    result, case = [shape[0], *outer, columns], Case()
    weights = rng.standard_normal((*size, shape[-1] // groups, columns)).astype(np.float32)
    (a, type_a), (b, type_b) = case.argument(shape), case.argument(pack(weights, groups).shape)
    extras = [case.argument(result)] if epilogue == "add" else []
    case.operation(f"contract packed ins({a}, {b} : {type_a}, {type_b})", result, extras, [affine(rank + 2, range(rank + 2))] * len(extras),
                   f"strides {strides} dilations {dilations} pads {pads}", epilogue)

    def wanted(inputs):
        x, symbols = inputs[0].astype(np.float64), inputs.symbols
        sizes = evaluate_shape(result, symbols)
        acc = np.zeros(sizes)
        for tap, seen in taps_of(x, size, strides, dilations, pads, sizes[1:-1]):
            for g in range(groups):
                k, n = shape[-1] // groups, columns // groups
                acc[..., g * n : (g + 1) * n] += seen[..., g * k : (g + 1) * k] @ weights[tap][:, g * n : (g + 1) * n]
        return EPILOGUES[epilogue][1](acc, inputs[2:]), pack(weights, groups)

    case.add(title, wanted, symbols, groups)


IMAGES = [(1, 1, 1), (2, 5, 5), (1, 3, 17), (1, 17, 64), (2, 2, 100), (1, 9, 128), (0, 5, 5), (1, 0, 5), (1, 5, 0)]
SMALL = [image for image in IMAGES if min(image[1:]) >= 5]


def convolutions():
    for channels, columns in ((8, 16), (20, 40)):
        open_image = ["s0", "s1", "s2", channels]
        for stride in (1, 2):
            convolution(f"3 x 3 / {stride} x {channels}", open_image, [3, 3], columns, IMAGES, [stride] * 2, pads=[1] * 4, epilogue="add")
        convolution(f"5 x 5, uneven x {channels}", open_image, [5, 5], columns, SMALL, [2, 3], pads=[0, 1, 2, 3])
        convolution(f"dilated x {channels}", open_image, [3, 3], columns, SMALL, dilations=[2, 3], pads=[2, 3, 2, 3])
        convolution(f"valid x {channels}", open_image, [3, 3], columns, SMALL, epilogue="add")
        convolution(f"pixels x {channels}", open_image, [1, 1], columns, IMAGES, epilogue="add")
        convolution(f"pixels / 2 x {channels}", open_image, [1, 1], columns, IMAGES, [2, 2])
        convolution(f"batch x {channels}", ["s0", 9, 20, channels], [3, 3], columns, [(0,), (1,), (5,)], pads=[1] * 4)
        convolution(f"height x {channels}", [2, "s0", 20, channels], [3, 3], columns, [(0,), (1,), (5,), (64,)], pads=[1] * 4)
        convolution(f"width x {channels}", [2, 9, "s0", channels], [3, 3], columns, [(0,), (1,), (5,), (64,)], pads=[1] * 4)
    convolution("1-D", ["s0", "s1", 24], [5], 32, [(1, 1), (2, 50), (1, 128)], pads=[2, 2])
    convolution("groups", ["s0", "s1", "s2", 32], [3, 3], 48, IMAGES, pads=[1] * 4, groups=2)
    convolution("7 x 7", ["s0", "s1", "s2", 3], [7, 7], 40, SMALL, [2, 2], pads=[3] * 4)


def reduction(title, kind, shape, size, symbols, strides=None, dilations=None, pads=None, epilogue="none"):
    """kern.window"""
    rank, channels = len(size), shape[-1]
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    outer = [image(shape[1 + i], (pads[i], pads[rank + i]), size[i], strides[i], dilations[i]) for i in range(rank)]
    result, case = [shape[0], *outer, channels], Case()
    operands = [case.argument(shape)] + ([case.argument((*size, channels))] if kind == "depthwise" else [])
    first = len(operands)
    extras = {"none": [], "add": [range(rank + 2)], "tanh": [[rank + 1]]}[epilogue]
    values = [case.argument([result[d] for d in dims]) for dims in extras]
    head = f"window {kind} ins({', '.join(n for n, _ in operands)} : {', '.join(t for _, t in operands)})"
    case.operation(head, result, values, [affine(rank + 2, dims) for dims in extras],
                   f"kernel {list(size)} strides {strides} dilations {dilations} pads {pads}", epilogue)

    def wanted(inputs):
        x = inputs[0].astype(np.float64)
        sizes = evaluate_shape(result, inputs.symbols)
        taps = list(taps_of(x, size, strides, dilations, pads, sizes[1:-1], -np.inf if kind == "max" else 0.0))
        if kind == "max":
            acc = np.maximum.reduce([seen for _, seen in taps])
        elif kind == "depthwise":
            acc = sum(seen * inputs[1][tap] for tap, seen in taps)
        else:
            acc = sum(seen for _, seen in taps)
            inside = taps_of(np.ones_like(x), size, strides, dilations, pads, sizes[1:-1])
            acc /= np.prod(size) if kind == "average" else sum(seen for _, seen in inside)
        return EPILOGUES[epilogue][1](acc, inputs[first:])

    case.add(title, wanted, symbols)


def windows():
    for channels in (5, 32, 40):
        open_image = ["s0", "s1", "s2", channels]
        for kind in ("depthwise", "max", "average", "average_valid"):
            reduction(f"{kind} x {channels}", kind, open_image, [3, 3], IMAGES, pads=[1] * 4, epilogue="add")
            reduction(f"{kind} / 2 x {channels}", kind, open_image, [3, 3], IMAGES, [2, 2], pads=[1] * 4, epilogue="tanh")
            reduction(f"{kind}, no pads x {channels}", kind, open_image, [2, 2], SMALL, [2, 2])
        reduction(f"depthwise dilated x {channels}", "depthwise", open_image, [3, 3], SMALL, dilations=[2, 3], pads=[2, 3, 2, 3])
        reduction(f"depthwise batch x {channels}", "depthwise", ["s0", 9, 20, channels], [3, 3], [(0,), (1,), (5,)], pads=[1] * 4)
    reduction("depthwise wide", "depthwise", ["s0", "s1", "s2", 16], [3, 31], [(1, 5, 30), (1, 5, 100)], pads=[1, 15, 1, 15])


class Inputs(list):
    symbols = ()


def call(kernel, shapes, wanted, symbols):
    inputs = Inputs(rng.standard_normal(evaluate_shape(shape, symbols)).astype(np.float32) for shape in shapes)
    inputs.symbols = symbols
    with np.errstate(all="ignore"):
        want = wanted(inputs)
    if isinstance(want, tuple):
        want, inputs[1] = want
    return check(kernel, list(inputs), [np.ascontiguousarray(want, np.float32)], 2e-3, symbols)


def run(kernel, shapes, wanted, all_symbols):
    for symbols in all_symbols:
        error = call(kernel, shapes, wanted, symbols)
        yield error and f"at {symbols}: {error}"


def main():
    for add in (rows, attention, convolutions, windows):
        add()
    run_cases(CASES, run)


if __name__ == "__main__":
    main()
