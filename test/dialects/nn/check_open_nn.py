"""Kernels of nn ops on sizes that a run chooses, emitted once, called with several: check_open_nn.py [filter]"""
import os
import re
import sys
import warnings

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 2, "targets", "cpu"))
from kernel_runner import check, lower_nn, run_cases
from kernel_text import Value
from open_sizes import evaluate_shape, tensor

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, arguments, symbols, result of the inputs, tolerance, sizes)
SIZES = (1, 7, 16, 33, 100, 0)


def t(element, *shape):
    return Value(None, shape, element)


def f(*shape):
    return t("f32", *shape)


def i(*shape):
    """Indices from -5 to 4."""
    return t("i64", *shape)


def constant(value):
    """-> an operand that is known to the compiler"""
    return np.array(value, np.float32 if isinstance(value, float) else np.int64)


def written(array):
    element = {"float32": "f32", "int64": "i64"}[array.dtype.name]
    return f"nn.constant dense<{array.tolist()}> : {tensor(array.shape, element)}"


def case(op, operands, result, wanted, attributes="", tolerance=1e-5, sizes=SIZES):
    """One op on operands `f(..)`, `i(..)` and constants; `wanted` takes the operands that are no constants."""
    name, lines, names, types, arguments = f"k{len(CASES)}", [], [], [], []
    for number, operand in enumerate(operands):
        names.append(f"%x{number}")
        if isinstance(operand, np.ndarray):
            lines.append(f"  %x{number} = {written(operand)}")
            types.append(lines[-1].rsplit(" : ")[1])
        else:
            arguments.append(Value(names[-1], operand.shape, operand.element))
            types.append(operand.type)
    attributes = f" {{{attributes}}}" if attributes else ""
    declared = ", ".join(f"{a.name}: {a.type}" for a in arguments)
    text = (f"func.func @{name}({declared}) -> {result.type} attributes {{rt.kernel}} {{\n" + "\n".join(lines)
            + f"\n  %r = nn.{op} {', '.join(names)}{attributes} : ({', '.join(types)}) -> {result.type}\n  return %r : {result.type}\n}}\n")
    symbols = 1 + max(int(s) for s in re.findall(r"\bs(\d+)", declared + result.type))
    shapes = " x ".join(str(a.shape) for a in arguments)
    CASES[name] = (f"{op}{attributes} {shapes}", text, arguments, symbols, wanted, tolerance, sizes)


def random(shape, element):
    if element == "i1":
        return rng.integers(0, 2, shape).astype(bool)
    if element == "i64":
        return rng.integers(-5, 5, shape)
    if element in ("i8", "si8", "ui8"):
        return rng.integers(0, 100, shape).astype(np.uint8 if element == "ui8" else np.int8)
    return rng.standard_normal(shape).astype({"f32": np.float32, "f16": np.float16, "f64": np.float64}[element])


def softmax(x, axis):
    if x.shape[axis] == 0:
        return x
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def centered(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + np.float32(1e-5))


def add_elementwise():
    case("add", [f("s0", 40), f(40)], f("s0", 40), lambda x, y: x + y)
    case("mul", [f("s0", 1, "s1"), f(5, 1)], f("s0", 5, "s1"), lambda x, y: x * y)
    case("where", [t("i1", "s0", 1, 1, "s1"), f("s0", 3, "s1", "s1"), f()], f("s0", 3, "s1", "s1"), lambda c, x, y: np.where(c, x, y))
    case("max", [t("ui8", "s0", "s1"), t("ui8", "s1")], t("ui8", "s0", "s1"), np.maximum)
    case("relu", [f("s0 * 2 + 1", 3)], f("s0 * 2 + 1", 3), lambda x: np.maximum(x, 0))
    case("quantize", [f("s0", 24), f(), t("ui8")], t("ui8", "s0", 24),
         lambda x, s, z: np.clip(np.rint((x / s).astype(np.float64)) + z, 0, 255).astype(np.uint8), tolerance=0)


def add_shapes():
    case("shape", [f("s0", 7, "s1 * 2")], t("i64", 3), lambda x: np.array(x.shape))
    case("shape", [f("s0", 7, "s1 * 2")], t("i64", 2), lambda x: np.array(x.shape[1:]), "start = 1 : i64")
    case("size", [f("s0", 7, "s1")], t("i64"), lambda x: np.array(x.size))
    heads = ("s0", "s1", 6, 16)
    case("reshape", [f("s0", "s1", 96), constant([0, 0, 6, 16])], f(*heads), lambda x: x.reshape(*x.shape[:2], 6, 16))
    case("reshape", [f(*heads), constant([0, 0, 96])], f("s0", "s1", 96), lambda x: x.reshape(*x.shape[:2], 96))
    case("reshape", [f("s0", "s1", 96), constant([-1, 96])], f("s0 * s1", 96), lambda x: x.reshape(x.shape[0] * x.shape[1], 96))
    case("reshape", [f("s0", 6, 4), constant([0, 8, 3])], f("s0", 8, 3), lambda x: x.reshape(-1, 8, 3))
    case("reshape", [f(6, "s0", 4), constant([24, -1])], f(24, "s0"), lambda x: x.reshape(24, -1))
    case("squeeze", [f("s0", 1, "s1"), constant([1])], f("s0", "s1"), lambda x: x[:, 0])
    case("unsqueeze", [f("s0", "s1"), constant([1, 2])], f("s0", 1, 1, "s1"), lambda x: x[:, None, None])
    case("expand", [f("s0", 1, 5), constant([1, 3, 1])], f("s0", 3, 5), lambda x: np.repeat(x, 3, 1))
    case("expand", [t("i1", "s0"), constant([4, 1])], t("i1", 4, "s0"), lambda x: np.stack([x] * 4))


def pads(*sizes):
    return constant(list(sizes))


def add_movement():
    case("transpose", [f("s0", "s1", 6, 16)], f("s0", 6, "s1", 16), lambda x: x.transpose(0, 2, 1, 3), "perm = array<i64: 0, 2, 1, 3>")
    case("transpose", [f("s0", "s1")], f("s1", "s0"), lambda x: x.T, "perm = array<i64: 1, 0>")
    case("concat", [f("s0", 5), f("s1", 5), f(2, 5)], f("s0 + s1 + 2", 5), lambda *x: np.concatenate(x), "axis = 0 : i64")
    case("concat", [f(3, "s0"), f(3, "s1"), f(3, 2)], f(3, "s0 + s1 + 2"), lambda *x: np.concatenate(x, 1), "axis = 1 : i64")
    case("concat", [t("ui8", "s0", "s1"), t("ui8", "s0", 3)], t("ui8", "s0", "s1 + 3"), lambda *x: np.concatenate(x, 1), "axis = -1 : i64")
    case("slice", [f("s0", 20), constant([2]), constant([17]), constant([1]), constant([3])], f("s0", 5), lambda x: x[:, 2:17:3])
    case("slice", [f("s0", 20), constant([-1]), constant([-100]), constant([1]), constant([-1])], f("s0", 20), lambda x: x[:, ::-1])
    zero = constant(0.5)
    case("pad constant", [f("s0", 20), pads(1, 0, 2, 3), zero], f("s0 + 3", 23), lambda x: np.pad(x, ((1, 2), (0, 3)), constant_values=0.5))
    case("pad constant", [f("s0", 20), pads(1, -4, 2, -3), zero], f("s0 + 3", 13), lambda x: np.pad(x[:, 4:-3], ((1, 2), (0, 0)), constant_values=0.5))
    case("pad constant", [f("s0 + 2", 5), pads(-1, 0, 2, 0), zero], f("s0 + 3", 5), lambda x: np.pad(x[1:], ((0, 2), (0, 0)), constant_values=0.5))
    some = [n for n in SIZES if n]
    for mode, name in ("edge", "edge"), ("reflect", "reflect"), ("wrap", "wrap"):
        case(f"pad {mode}", [f("s0 + 3", 8), pads(2, 1, 1, 0), zero], f("s0 + 6", 9), lambda x, m=name: np.pad(x, ((2, 1), (1, 0)), m))
        case(f"pad {mode}", [f("s0", 8), pads(5, 0, 9, 0), zero], f("s0 + 14", 8), lambda x, m=name: np.pad(x, ((5, 9), (0, 0)), m), sizes=some)
        case(f"pad {mode}", [f("s0", 8), pads(0, 2, 0, 0), zero], f("s0", 10), lambda x, m=name: np.pad(x, ((0, 0), (2, 0)), m))
    case("tile", [f("s0", 3), constant([2, 1])], f("s0 * 2", 3), lambda x: np.tile(x, (2, 1)))
    case("tile", [f("s0", "s1"), constant([1, 3])], f("s0", "s1 * 3"), lambda x: np.tile(x, (1, 3)))
    deep = lambda x, n=2: x.reshape(x.shape[0], n, n, -1, *x.shape[2:]).transpose(0, 3, 4, 1, 5, 2).reshape(x.shape[0], x.shape[1] // n**2, x.shape[2] * n, x.shape[3] * n) if x.size else np.zeros((x.shape[0], x.shape[1] // n**2, x.shape[2] * n, x.shape[3] * n), np.float32)
    case("depth_to_space", [f(2, 8, "s0", "s1")], f(2, 2, "s0 * 2", "s1 * 2"), deep, "block = 2 : i64")
    wide = lambda x: x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).transpose(0, 3, 5, 1, 2, 4).reshape(x.shape[0], x.shape[1] * 4, x.shape[2] // 2, x.shape[3] // 2)
    case("space_to_depth", [f(2, 3, "s0 * 2", "s1 * 2")], f(2, 12, "s0", "s1"), wide, "block = 2 : i64")


def add_reductions():
    total = {"sum": np.sum, "mean": np.mean, "max": lambda x, a: np.max(x, a, initial=-np.inf), "min": lambda x, a: np.min(x, a, initial=np.inf),
             "l1": lambda x, a: abs(x).sum(a), "l2": lambda x, a: np.sqrt((x * x).sum(a)), "sum_square": lambda x, a: (x * x).sum(a)}
    for kind, function in total.items():
        case(f"reduce {kind}", [f("s0", 5, "s1"), constant([2])], f("s0", 5), lambda x, fn=function: fn(x, 2), tolerance=1e-4)
        case(f"reduce {kind}", [f("s0", 5, "s1"), constant([0, 1])], f(1, 1, "s1"), lambda x, fn=function: fn(x, (0, 1))[None, None], "keepdims", 1e-4)
    case("reduce log_sum_exp", [f("s0", "s1"), constant([1])], f("s0"), lambda x: np.log(np.exp(x).sum(1)), tolerance=1e-4)
    case("reduce mean", [t("i64", "s0", "s1"), constant([1])], t("i64", "s0"), lambda x: np.trunc(x.sum(1) / max(x.shape[1], 1)).astype(np.int64),
         sizes=[n for n in SIZES if n])
    case("reduce mean", [t("f16", "s0", "s1"), constant([1])], t("f16", "s0"), lambda x: x.astype(np.float32).mean(1).astype(np.float16), tolerance=2e-3)
    some = [n for n in SIZES if n]
    for last in (False, True):
        pick = lambda x, a, l=last: x.shape[a] - 1 - np.flip(x, a).argmax(a) if l else x.argmax(a)
        flag = ", select_last" if last else ""
        case("arg_reduce max", [i("s0", "s1")], t("i64", "s0"), lambda x, p=pick: p(x, 1), "axis = 1 : i64" + flag, sizes=some)
        case("arg_reduce max", [f("s0", "s1")], t("i64", 1, "s1"), lambda x, p=pick: p(x, 0)[None], "axis = 0 : i64, keepdims" + flag, sizes=some)
    for axis in (0, 1):
        for exclusive in ("", "exclusive"):
            for reverse in ("", "reverse"):
                def scanned(x, axis=axis, e=exclusive, r=reverse):
                    x = np.flip(x, axis) if r else x
                    y = np.cumsum(x, axis) - (x if e else 0)
                    return np.flip(y, axis) if r else y
                flags = ", ".join(flag for flag in (exclusive, reverse) if flag)
                case("cumsum", [i("s0", "s1"), constant(axis)], t("i64", "s0", "s1"), scanned, flags)
    case("cumsum", [f("s0", 40), constant(1)], f("s0", 40), lambda x: np.cumsum(x, 1), tolerance=1e-4)
    case("cumprod", [f("s0", 3), constant(0)], f("s0", 3), lambda x: np.cumprod(x, 0), tolerance=1e-4)
    case("cumsum", [t("f16", "s0", 3), constant(0)], t("f16", "s0", 3), lambda x: np.cumsum(x.astype(np.float32), 0).astype(np.float16), tolerance=5e-3)


def add_norms():
    for shape, axis in (("s0", 50), 1), (("s0", "s1"), 1), (("s0", 12, "s1", "s1"), 3), ((5, "s0", 20), 1):
        case("softmax", [f(*shape)], f(*shape), lambda x, a=axis: softmax(x, a), f"axis = {axis} : i64")
        case("log_softmax", [f(*shape)], f(*shape), lambda x, a=axis: np.log(softmax(x, a)), f"axis = {axis} : i64", 1e-4)
    case("lp_norm", [f("s0", "s1")], f("s0", "s1"), lambda x: x / np.sqrt((x * x).sum(1, keepdims=True)), "axis = 1 : i64, p = 2 : i64", 1e-4)
    epsilon = "epsilon = 1.0e-5 : f32"
    case("layer_norm", [f("s0", "s1", 96), f(96), f(96)], f("s0", "s1", 96), lambda x, w, b: centered(x, -1) * w + b, "axis = -1 : i64, " + epsilon, 1e-4)
    case("layer_norm", [f("s0", 5, "s1"), f("s1"), f("s1")], f("s0", 5, "s1"), lambda x, w, b: centered(x, -1) * w + b, "axis = -1 : i64, " + epsilon, 1e-4)
    rms = lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-5)) * w
    case("rms_norm", [f("s0", "s1", 64), f(64)], f("s0", "s1", 64), rms, "axis = -1 : i64, " + epsilon, 1e-4)
    channel = lambda v: v[None, :, None]
    case("batch_norm", [f("s0", 6, "s1"), f(6), f(6), f(6), f(6)], f("s0", 6, "s1"),
         lambda x, s, b, m, v: (x - channel(m)) * (channel(s) / np.sqrt(channel(v) + np.float32(1e-5))) + channel(b), epsilon, 1e-3)
    case("instance_norm", [f("s0", 6, "s1"), f(6), f(6)], f("s0", 6, "s1"), lambda x, s, b: centered(x, 2) * channel(s) + channel(b), epsilon, 1e-3)

    def group_norm(x, s, b):
        n, c, w = x.shape
        return centered(x.reshape(n, 2, 3 * w), -1).reshape(x.shape) * channel(s) + channel(b)

    case("group_norm", [f("s0", 6, "s1"), f(6), f(6)], f("s0", 6, "s1"), group_norm, "groups = 2 : i64, " + epsilon, 1e-3, [n for n in SIZES if n > 1])
    case("mean_variance", [f("s0", 6, "s1")], f("s0", 6, "s1"), lambda x: (x - x.mean((0, 2), keepdims=True)) / (x.std((0, 2), keepdims=True) + np.float32(1e-9)),
         "axes = array<i64: 0, 2>", 1e-3, [n for n in SIZES if n > 1])

    def lrn(x):
        squares = np.pad(x * x, ((0, 0), (1, 1), (0, 0)))
        return x / (2 + np.float32(0.1) / 3 * sum(squares[:, k : k + x.shape[1]] for k in range(3))) ** np.float32(0.75)

    case("lrn", [f("s0", "s1", 3)], f("s0", "s1", 3), lrn, "alpha = 0.1 : f32, beta = 0.75 : f32, bias = 2.0 : f32, size = 3 : i64", 1e-4)


def add_generated():
    case("eye_like", [f("s0", "s1")], f("s0", "s1"), lambda x: np.eye(*x.shape, 2, dtype=np.float32), "k = 2 : i64, to = f32")
    case("trilu", [f(3, "s0", "s1")], f(3, "s0", "s1"), lambda x: np.tril(x))
    case("trilu", [f("s0", "s0"), constant(1)], f("s0", "s0"), lambda x: np.triu(x, 1), "upper")
    one_hot = lambda x, v: np.where((x % 5)[..., None] == np.arange(5), v[1], v[0])
    case("one_hot", [i("s0", "s1"), constant(5), f(2)], f("s0", "s1", 5), one_hot, "axis = -1 : i64")


def add_gathers():
    case("gather", [f(50, 96), i("s0", "s1")], f("s0", "s1", 96), lambda x, n: x[n], "axis = 0 : i64")
    case("gather", [f("s0", 30), i(4)], f("s0", 4), lambda x, n: x[:, n], "axis = 1 : i64")
    case("gather", [f("s0", "s1 + 5", 8), i()], f("s0", 8), lambda x, n: x[:, n], "axis = 1 : i64")
    case("gather", [f("s0", 40), constant([-1, 0])], f(2, 40), lambda x: x[[-1, 0]] if len(x) else np.zeros((2, 40), np.float32), "axis = 0 : i64")
    case("gather_elements", [f("s0", 9), i("s0", 4)], f("s0", 4), lambda x, n: np.take_along_axis(x, n, 1), "axis = 1 : i64")
    case("gather_elements", [f("s0 + 5", "s1")  , i(3, "s1")], f(3, "s1"), lambda x, n: np.take_along_axis(x, n, 0), "axis = 0 : i64")
    case("gather_nd", [f("s0 + 5", 6, "s1"), i(4, 2)], f(4, "s1"), lambda x, n: x[n[:, 0], n[:, 1]])
    case("gather_nd", [f("s0", 6, 7), i("s0", 3, 1)], f("s0", 3, 7), lambda x, n: np.stack([a[b[:, 0]] for a, b in zip(x, n)]) if len(x) else np.zeros((0, 3, 7), np.float32),
         "batch_dims = 1 : i64")

    def scatter_elements(x, n, y, axis):
        x = x.copy()
        for place in np.ndindex(n.shape):
            to = list(place)
            to[axis] = n[place]
            x[tuple(to)] += y[place]
        return x

    case("scatter_elements add", [f("s0 + 5", 4), i("s1", 4), f("s1", 4)], f("s0 + 5", 4), lambda *x: scatter_elements(*x, 0), "axis = 0 : i64", 1e-4)

    def scatter_nd(x, n, y):
        x = x.copy()
        for place in np.ndindex(n.shape[:-1]):
            x[tuple(n[place])] = y[place]
        return x

    case("scatter_nd replace", [f("s0 + 5", "s1"), i(3, 1), f(3, "s1")], f("s0 + 5", "s1"), scatter_nd)
    case("scatter_nd replace", [f("s0", 4), i(3, 2), f(3)], f("s0", 4), lambda x, n, y: scatter_nd(x, n, y) if len(x) else x, sizes=[7, 16, 0])


def add_products():
    case("matmul", [i("s0", "s1"), i("s1", 5)], t("i64", "s0", 5), lambda x, y: x @ y)
    case("matmul", [i("s0", 3, "s1"), i(1, "s1", "s0")], t("i64", "s0", 3, "s0"), lambda x, y: x @ y)
    case("matmul", [i("s0", 4), i(4)], t("i64", "s0"), lambda x, y: x @ y)

    def attention(q, k, v, mask=None):
        k, v = np.repeat(k, 2, 1), np.repeat(v, 2, 1)
        scores = q @ k.transpose(0, 1, 3, 2) * np.float32(0.5)
        if mask is None:
            scores = np.where(np.tri(*scores.shape[2:], dtype=bool), scores, -np.inf)
        else:
            scores = scores + mask
        return softmax(scores, 3) @ v

    q, k, v = f("s0", 4, "s1", 8), f("s0", 2, "s1", 8), f("s0", 2, "s1", 3)
    case("attention", [q, k, v], f("s0", 4, "s1", 3), attention, "causal, scale = 0.5 : f32", 1e-4)
    case("attention", [f("s0", 4, 3, 8), k, v, f(3, "s1")], f("s0", 4, 3, 3), attention, "scale = 0.5 : f32", 1e-4, [n for n in SIZES if n])

    def transposed(x, w):
        result = np.zeros((x.shape[0], 6, x.shape[2] * 2 + 1), np.float32)
        for n in range(x.shape[2]):
            for tap in range(3):
                part = np.concatenate([x[:, :2, n] @ w[:2, :, tap], x[:, 2:, n] @ w[2:, :, tap]], 1)
                result[:, :, 2 * n + tap] += part
        return result

    case("conv_transpose", [f("s0", 4, "s1"), f(4, 3, 3)], f("s0", 6, "s1 * 2 + 1"), transposed,
         "dilations = array<i64: 1>, groups = 2 : i64, output_pads = array<i64: 0>, pads = array<i64: 0, 0>, strides = array<i64: 2>", 1e-4)


def add_samples():
    def reverse(x, n):
        x = x.copy()
        for b, length in enumerate(n):
            x[:max(length, 0), b] = x[:max(length, 0), b][::-1]
        return x

    case("reverse_sequence", [f("s0 + 5", "s1", 3), i("s1")], f("s0 + 5", "s1", 3), reverse, "batch_axis = 1 : i64, time_axis = 0 : i64")

    def update(cache, new, starts, circular):
        cache = cache.copy()
        for b, start in enumerate(starts):
            for j in range(new.shape[1]):
                if circular or 0 <= start + j < cache.shape[1]:
                    cache[b, (start + j) % cache.shape[1]] = new[b, j]
        return cache

    for circular in ("", ", circular"):
        case("cache_update", [f("s0", 120, 8), f("s0", "s1", 8), i("s0")], f("s0", 120, 8), lambda *x, c=circular: update(*x, c), "axis = 1 : i64" + circular)
        case("cache_update", [f("s0", "s1 + 3", 8), f("s0", 3, 8), i("s0")], f("s0", "s1 + 3", 8), lambda *x, c=circular: update(*x, c), "axis = 1 : i64" + circular)

    def columns_to_image(x):
        n, rows, _ = x.shape
        x, image = x.reshape(n, rows // 4, 2, 2, 4, 4), np.zeros((n, rows // 4, 5, 5), np.float32)
        for a in range(2):
            for b in range(2):
                image[:, :, a : a + 4, b : b + 4] += x[:, :, a, b]
        return image

    case("col2im", [f("s0", "s1 * 4", 16), constant([5, 5]), constant([2, 2])], f("s0", "s1", 5, 5), lambda x: columns_to_image(x) if x.size else np.zeros((x.shape[0], x.shape[1] // 4, 5, 5), np.float32),
         "dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>")

    def sampled(x, grid):
        n, c, h, w = x.shape
        result = np.zeros((n, c, *grid.shape[1:3]), np.float32)
        for place in np.ndindex(n, *grid.shape[1:3]):
            px, py = (grid[place][0] + 1) * 0.5 * (w - 1), (grid[place][1] + 1) * 0.5 * (h - 1)
            x0, y0 = int(np.floor(px)), int(np.floor(py))
            for dy in (0, 1):
                for dx in (0, 1):
                    if 0 <= y0 + dy < h and 0 <= x0 + dx < w:
                        weight = (1 - abs(px - x0 - dx)) * (1 - abs(py - y0 - dy))
                        result[(place[0], slice(None), *place[1:])] += x[place[0], :, y0 + dy, x0 + dx] * weight
        return result

    case("grid_sample linear zeros", [f("s0", 2, 5, "s1"), f("s0", 3, 4, 2)], f("s0", 2, 3, 4), sampled, "align_corners", 1e-3, (1, 7, 16, 0))


def resize(title, scales, operand, result, wanted, tolerance=1e-4, flags=""):
    """nn.resize of the dims behind the first two."""
    name, x = f"k{len(CASES)}", Value("%x", operand.shape, operand.element)
    axes = ", ".join(str(2 + d) for d in range(len(scales)))
    text = f"""func.func @{name}(%x: {x.type}) -> {result.type} attributes {{rt.kernel}} {{
  %s = nn.constant dense<{scales}> : tensor<{len(scales)}xf32>
  %r = nn.resize {title} stretch %x scales %s : tensor<{len(scales)}xf32> {{axes = array<i64: {axes}>, cubic_coefficient = -0.75 : f32,
    extrapolation = 0.0 : f32{flags}}} : {x.type} -> {result.type}
  return %r : {result.type}
}}
"""
    symbols = 1 + max(int(s) for s in re.findall(r"\bs(\d+)", text))
    CASES[name] = (f"resize {title} {operand.shape} by {scales}", text, [x], symbols, wanted, tolerance, SIZES)


def resized_linear(x, scale):
    size = x.shape[-1]
    place = (np.arange(size * scale, dtype=np.float32) + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)
    left = np.floor(place).astype(int)
    part = (place - left).astype(np.float32)
    at = lambda n: x[..., np.clip(n, 0, size - 1)] if size else x
    return (at(left) * (1 - part) + at(left + 1) * part).astype(np.float32)


def add_resizes():
    twice = lambda x: np.repeat(np.repeat(x, 2, 2), 2, 3)
    for coordinates in ("asymmetric floor", "half_pixel round_prefer_floor", "pytorch_half_pixel round_prefer_ceil"):
        resize(f"nearest {coordinates}", [2.0, 2.0], f(1, 3, "s0", "s1"), f(1, 3, "s0 * 2", "s1 * 2"), twice)
    resize("nearest asymmetric floor", [2.0, 0.5], f(1, 3, "s0", 8), f(1, 3, "s0 * 2", 4), lambda x: np.repeat(x, 2, 2)[..., ::2])
    ends = lambda x: x[:, :, np.rint(np.arange(2 * x.shape[2]) * (x.shape[2] - 1) / max(2 * x.shape[2] - 1, 1)).astype(int)] if x.size else np.zeros((1, 3, 0), np.float32)
    resize("nearest align_corners round_prefer_ceil", [2.0], f(1, 3, "s0"), f(1, 3, "s0 * 2"), ends)
    resize("linear half_pixel floor", [3.0], f("s1", 2, "s0"), f("s1", 2, "s0 * 3"), lambda x: resized_linear(x, 3))
    resize("linear half_pixel floor", [2.0, 2.0], f(1, 2, "s0", "s1"), f(1, 2, "s0 * 2", "s1 * 2"),
           lambda x: resized_linear(resized_linear(x, 2).swapaxes(2, 3), 2).swapaxes(2, 3))


def dims_of(symbols, sizes):
    sizes = tuple(sizes)
    return [(n,) for n in sizes] if symbols == 1 else [*zip(sizes, sizes[1:] + sizes[:1]), *zip(sizes, sizes[::-1])]


def run(kernel, arguments, symbols, wanted, tolerance, sizes):
    for dims in dims_of(symbols, sizes):
        inputs = [random(evaluate_shape(a.shape, dims), a.element) for a in arguments]
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # means of nothing
            result = np.asarray(wanted(*inputs))
        error = check(kernel, inputs, [np.ascontiguousarray(result) if result.ndim else result], tolerance, dims)
        yield error and f"of {dims}: {error}"


def main():
    for add in (add_elementwise, add_shapes, add_movement, add_reductions, add_norms, add_generated, add_gathers, add_products, add_samples, add_resizes):
        add()
    run_cases(CASES, run, lower_nn)


if __name__ == "__main__":
    main()
