"""Kernels of loop nests and windows, compiled for this machine, against NumPy: check_kernels.py [filter]"""
import itertools
import math

import numpy as np
from kernel_runner import check, run_cases
from kernel_text import Kernel, Value, gelu, layer_norm, softmax, window

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, inputs, wanted, tolerance)
ADD, NEG = ["%r = arith.addf %x0, %x1 : f32"], ["%r = arith.negf %x0 : f32"]
SUM = ["%r = arith.addf %out, %x0 : f32"]


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def case(title, kernel, results, inputs, wanted, tolerance=1e-5):
    name = f"k{len(CASES)}"
    results = results if isinstance(results, tuple) else (results,)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    CASES[name] = (title, kernel.text(name, *results), inputs, [np.ascontiguousarray(w) for w in wanted], tolerance)


def softmax_of(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def pointwise():
    for shape in [(7, 40), (128, 3072), (5,), (3, 5, 7), (16,), (17,), (100003,), (0, 5)]:
        k, x, y = Kernel(), random(*shape), random(*shape)
        case(f"add {shape}", k, k.elementwise([k.argument(shape), k.argument(shape)], ADD), [x, y], x + y)
    for a, b, shape in [((4, 5, 40), (40,), (4, 5, 40)), ((4, 5, 40), (5, 1), (4, 5, 40)), ((4, 1, 40), (5, 1), (4, 5, 40)),
                        ((1, 64, 12, 12), (64, 1, 1), (1, 64, 12, 12)), ((7, 1), (1, 9), (7, 9)), ((3,), (), (3,)),
                        ((4000, 3), (3,), (4000, 3)), ((3, 70, 70), (3, 1, 1), (3, 70, 70))]:
        k, x, y = Kernel(), random(*a), random(*b)
        case(f"broadcast {a} {b}", k, k.elementwise([k.argument(a), k.argument(b)], ADD, shape=shape), [x, y], x + y)
    k, x = gelu((128, 300)), random(128, 300)
    case("gelu", *k, [x], (x * 0.5 * (1 + np.vectorize(math.erf)(x * 0.70710678))).astype(np.float32))
    x = np.array([0, -0.0, 1, -1, 88.72, 89, 1000, -87, -200, np.inf, -np.inf, np.nan], np.float32)
    k = Kernel()
    with np.errstate(over="ignore"):
        case("exp", k, k.elementwise([k.argument(x.shape)], ["%r = math.exp %x0 : f32"]), [x], np.exp(x), 2e-7)


def types():
    x, y = random(9, 50), random(9, 50)
    k = Kernel()
    case("compare", k, k.elementwise([k.argument(x.shape), k.argument(x.shape)], ["%r = arith.cmpf olt, %x0, %x1 : f32"], "i1"), [x, y], x < y)
    k, mask, z = Kernel(), rng.integers(0, 2, (9, 50)).astype(bool), random(50)
    inputs = [k.argument((9, 50), "i1"), k.argument((9, 50)), k.argument((50,))]
    case("select", k, k.elementwise(inputs, ["%r = arith.select %x0, %x1, %x2 : f32"]), [mask, x, z], np.where(mask, x, z))
    k, x = Kernel(), random(1003)
    case("f32 to f64", k, k.elementwise([k.argument((1003,))], ["%r = arith.extf %x0 : f32 to f64"], "f64"), [x], x.astype(np.float64))
    k, x = Kernel(), np.arange(1003)
    case("i64 to f32", k, k.elementwise([k.argument((1003,), "i64")], ["%r = arith.sitofp %x0 : i64 to f32"]), [x], x.astype(np.float32))
    k, x = Kernel(), random(1003).astype(np.float16)
    body = ["%e = arith.extf %x0 : f16 to f32", "%s = arith.addf %e, %e : f32", "%r = arith.truncf %s : f32 to f16"]
    case("f16", k, k.elementwise([k.argument((1003,), "f16")], body, "f16"), [x], x + x)
    k, x = Kernel(), random(33, 7)
    bits = k.op(f"tensor.bitcast {k.argument(x.shape).name} : tensor<33x7xf32> to TYPE", x.shape, "i32")
    case("bitcast", k, k.elementwise([bits], ["%c1 = arith.constant 1 : i32", "%r = arith.addi %x0, %c1 : i32"], "i32"), [x], x.view(np.int32) + 1)


def reductions():
    for shape in [(6, 7, 40), (3, 4, 5, 6), (2, 130, 3), (70, 300)]:
        for count in range(1, len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                k, x = Kernel(), random(*shape)
                case(f"sum {shape} over {axes}", k, k.reduce(k.argument(shape), axes, SUM, "0.0"), [x], x.sum(axes), 1e-4)
    k, x = Kernel(), random(6, 300)
    x[2, 7] = x[3, 299] = np.nan
    case("max of NaN", k, k.reduce(k.argument(x.shape), [1], ["%r = arith.maximumf %x0, %out : f32"], "0xFF800000"), [x], x.max(1))
    k, x = Kernel(), rng.integers(-100, 100, (6, 300))
    case("min i64", k, k.reduce(k.argument(x.shape, "i64"), [1], ["%r = arith.minsi %x0, %out : i64"], "9223372036854775807"), [x], x.min(1))
    k, x = Kernel(), random(5, 77)
    case("sum from 3", k, k.reduce(k.argument(x.shape), [1], SUM, "3.0"), [x], x.sum(1) + 3, 1e-4)
    k = Kernel()
    case("sum of nothing", k, k.reduce(k.argument((5, 0)), [1], SUM, "0.0"), [random(5, 0)], np.zeros(5, np.float32))
    k, x = Kernel(), np.full((2, 1000003), 0.1, np.float32)
    case("long sum", k, k.reduce(k.argument(x.shape), [1], SUM, "0.0"), [x], x.sum(1, dtype=np.float64).astype(np.float32), 1e-5)
    k, x = Kernel(), random(6, 50)
    value = k.argument(x.shape)
    k.line("%low = arith.constant 0xFF800000 : f32\n  %zero = arith.constant 0 : i64")
    first = k.op("tensor.empty() : TYPE", (6,))
    second = k.op("tensor.empty() : TYPE", (6,), "i64")
    first = k.op(f"linalg.fill ins(%low : f32) outs({first.name} : TYPE) -> TYPE", (6,))
    second = k.op(f"linalg.fill ins(%zero : i64) outs({second.name} : TYPE) -> TYPE", (6,), "i64")
    k.line(f"""%pair:2 = linalg.generic {{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>,
      affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}}
      ins({value.name} : {value.type}) outs({first.name}, {second.name} : {first.type}, {second.type}) {{
  ^bb0(%x: f32, %m: f32, %i: i64):
    %k = linalg.index 1 : index
    %n = arith.index_cast %k : index to i64
    %c = arith.cmpf ogt, %x, %m : f32
    %a = arith.select %c, %x, %m : f32
    %b = arith.select %c, %n, %i : i64
    linalg.yield %a, %b : f32, i64
  }} -> ({first.type}, {second.type})""")
    case("argmax", k, Value("%pair#1", (6,), "i64"), [x], x.argmax(1))


def placeholders():
    """Operands that are there for their sizes alone."""
    for shape, taps in (((4, 10), 3), ((40, 33), 16), ((3, 9), 9)):
        k, x = Kernel(), random(*shape)
        result = (shape[0], shape[1] - taps + 1)
        operands = [k.argument(shape), k.empty((taps,))]
        kernel = k.generic(operands, [["d0", "d1 + d2"], [2]], result, [0, 1], "ppr", SUM, init="0.0")
        case(f"sums of {taps}", k, kernel, [x], np.lib.stride_tricks.sliding_window_view(x, taps, 1).sum(-1), 1e-4)
    for shape in ((5, 7), (5, 40), (3, 0)):
        k, x = Kernel(), random(*shape)
        last = k.reduce(k.argument(shape), [1], ["%r = arith.negf %x0 : f32"], "3.0")
        case(f"last of {shape}", k, last, [x], -x[:, -1] if shape[1] else np.full(3, 3, np.float32), 0)


def nothing():
    """Tensors without elements have none that anybody could have written."""
    k, x = Kernel(), random(5)
    part = k.elementwise([k.empty((0,))], NEG)
    case("joined with nothing", k, k.op(f"tensor.concat dim(0) {part.name}, {k.argument((5,)).name} : ({part.type}, tensor<5xf32>) -> TYPE", (5,)), [x], x, 0)
    k = Kernel()
    case("nothing", k, k.elementwise([k.empty((0, 7))], NEG), [], random(0, 7))


def rows():
    for shape, axis in [((1536, 128), 1), ((6, 50, 150), 2), ((5, 7), 1), ((4, 33, 50), 1), ((10, 3, 20), 0), ((1000,), 0),
                        ((64, 17), 1), ((21, 5000), 0), ((3, 4099), 1), ((2, 9001), 1), ((1, 32000), 1), ((2, 50257), 1)]:
        x = random(*shape) * 3
        case(f"softmax {shape} {axis}", *softmax(shape, axis), [x], softmax_of(x, axis))
    x = random(8, 9001)
    x[0], x[1, :5000], x[2, 4000:], x[3, 7000], x[4, 100], x[5, -1] = -np.inf, -np.inf, -np.inf, np.nan, np.inf, -np.inf
    x[6], x[7] = np.linspace(-3e38, 3e38, 9001), np.linspace(200, -200, 9001)
    with np.errstate(invalid="ignore", over="ignore"):
        case("softmax of infinities", *softmax(x.shape, 1), [x], softmax_of(x, 1))
    for r, c in [(128, 768), (3, 100), (7, 5)]:
        x, w, b = random(r, c), random(c), random(c)
        want = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * w + b
        case(f"layer norm {r} x {c}", *layer_norm(r, c), [x, w, b], want, 1e-4)
    k, x = Kernel(), np.full(1000, 3, np.float32)
    a, s = k.argument((1000,)), k.argument(())
    root = k.elementwise([s], ["%r = math.sqrt %x0 : f32"], shape=())
    case("computed scalar", k, k.elementwise([a, root], ["%r = arith.mulf %x0, %x1 : f32"]), [x, np.float32(4)], x * 2)
    k, x, y = Kernel(), random(2000, 40), random(40)
    a, row = k.argument(x.shape), k.argument(y.shape)
    case("computed row", k, k.elementwise([a, k.elementwise([row], NEG)], ADD), [x, y], x - y)
    k, x = Kernel(), random(40, 50)
    a = k.argument(x.shape)
    total = k.reduce(a, [0, 1], SUM, "0.0")
    case("less its sum", k, k.elementwise([a, total], ["%r = arith.subf %x0, %x1 : f32"]), [x], x - x.sum(), 1e-3)


def transposes():
    shapes = [((30, 40), (1, 0)), ((2, 3, 20, 30), (0, 2, 3, 1)), ((2, 20, 30, 3), (0, 3, 1, 2)), ((3, 224, 37), (1, 2, 0)),
              ((4, 5, 6, 7), (0, 2, 1, 3)), ((8, 12, 64), (1, 0, 2)), ((5, 6, 7), (2, 1, 0)), ((2, 3, 4, 5, 6), (4, 2, 0, 3, 1)),
              ((33, 65), (1, 0)), ((1, 64, 56, 56), (0, 2, 3, 1)), ((300, 517), (1, 0)), ((2, 700), (1, 0)), ((700, 4), (1, 0)),
              ((5000, 3), (1, 0)), ((3, 5000), (1, 0))]
    for shape, perm in shapes:
        k, x = Kernel(), random(*shape)
        case(f"transpose {shape} {perm}", k, k.transpose(k.argument(shape), perm), [x], x.transpose(perm), 0)
    for element, dtype in [("i8", np.int8), ("i64", np.int64), ("f16", np.float16), ("i1", np.bool_)]:
        for shape in [(37, 50), (3, 500), (500, 3), (100, 300)]:
            k, x = Kernel(), rng.integers(0, 2, shape).astype(dtype)
            case(f"transpose {element} {shape}", k, k.transpose(k.argument(shape, element), (1, 0)), [x], x.T, 0)
    for shape in [(40, 70), (3, 500), (500, 3)]:
        k, x, y = Kernel(), random(*shape), random(*shape[::-1])
        t = k.transpose(k.argument(shape), (1, 0))
        case(f"add transposed {shape}", k, k.elementwise([t, k.argument(y.shape)], ADD), [x, y], x.T + y)


def movement():
    for axis in range(3):
        shapes = [4, 5, 6], [9 if d == axis else size for d, size in enumerate([4, 5, 6])]
        x, y = random(*shapes[0]), random(*shapes[1])

        def concat(k, *parts):
            shape = list(parts[0].shape)
            shape[axis] = sum(part.shape[axis] for part in parts)
            names, all_types = ", ".join(p.name for p in parts), ", ".join(p.type for p in parts)
            return k.op(f"tensor.concat dim({axis}) {names} : ({all_types}) -> TYPE", shape)

        k = Kernel()
        a, b = k.argument(x.shape), k.argument(y.shape)
        case(f"concat {axis}", k, concat(k, a, b, a), [x, y], np.concatenate([x, y, x], axis), 0)
        k = Kernel()
        a, b = k.argument(x.shape), k.argument(y.shape)
        case(f"concat {axis} of computed", k, concat(k, k.elementwise([a], NEG), b), [x, y], np.concatenate([-x, y], axis), 0)
        k = Kernel()
        a, b = k.argument(x.shape), k.argument(y.shape)
        joined = concat(k, k.elementwise([a], NEG), b)
        case(f"computed from concat {axis}", k, k.elementwise([joined], NEG), [x, y], np.concatenate([x, -y], axis), 0)
    k, x = Kernel(), random(4, 5, 6)
    k.line("%z = arith.constant 1.5 : f32")
    padded = k.op(f"tensor.pad {k.argument(x.shape).name} low[1, 0, 2] high[0, 3, 1] {{\n  ^bb0(%i: index, %j: index, %k: index):\n"
                  "    tensor.yield %z : f32\n  } : tensor<4x5x6xf32> to TYPE", (5, 8, 9))
    case("pad", k, padded, [x], np.pad(x, ((1, 0), (0, 3), (2, 1)), constant_values=1.5), 0)
    for computes in (False, True):
        k, x = Kernel(), random(8, 40)
        part = k.op(f"tensor.extract_slice {k.argument(x.shape).name}[1, 3] [5, 10] [1, 2] : tensor<8x40xf32> to TYPE", (5, 10))
        want = x[1:6, 3:23:2]
        case(f"slice {computes}", k, k.elementwise([part], NEG) if computes else part, [x], -want if computes else want, 0)
    for computes in (False, True):
        k, x = Kernel(), random(4, 6, 10)
        joined = k.op(f"tensor.collapse_shape {k.transpose(k.argument(x.shape), (1, 0, 2)).name} [[0, 1], [2]] : tensor<6x4x10xf32> into TYPE", (24, 10))
        want = x.transpose(1, 0, 2).reshape(24, 10)
        case(f"collapsed transpose {computes}", k, k.elementwise([joined], NEG) if computes else joined, [x], -want if computes else want, 0)
    k, x = Kernel(), random(24, 10)
    split = k.op(f"tensor.expand_shape {k.elementwise([k.argument(x.shape)], NEG).name} [[0, 1], [2]] output_shape [6, 4, 10] : tensor<24x10xf32> into TYPE", (6, 4, 10))
    case("transposed result", k, k.transpose(split, (1, 0, 2)), [x], -x.reshape(6, 4, 10).transpose(1, 0, 2), 0)
    k = Kernel()
    negated = k.elementwise([k.argument(x.shape)], NEG)
    split = k.op(f"tensor.expand_shape {negated.name} [[0, 1], [2]] output_shape [6, 4, 10] : tensor<24x10xf32> into TYPE", (6, 4, 10))
    case("two results", k, (k.reduce(split, [1], SUM, "0.0"), negated), [x], (-x.reshape(6, 4, 10).sum(1), -x))
    k, x = Kernel(), random(5, 6)
    a = k.argument(x.shape)
    negated = k.elementwise([a], NEG)
    case("result twice, argument", k, (negated, negated, a), [x], (-x, -x, x), 0)
    for d, size in (("2", 12), ("3", 13)):
        k, x = Kernel(), random(2, 6)
        case(f"floordiv {d}", k, k.generic([k.argument(x.shape)], [[0, f"d1 floordiv {d}"]], (2, size), [0, 1], "pp", NEG), [x],
             -x[:, np.arange(size) // int(d)], 0)


def bodies():
    k = Kernel()
    body = ["%i = linalg.index 1 : index", "%j = linalg.index 0 : index", "%c = arith.constant 3 : index",
            "%m = arith.muli %j, %c : index", "%s = arith.addi %i, %m : index", "%r = arith.index_cast %s : index to i64"]
    case("indices", k, k.generic([], [], (7, 33), [0, 1], "pp", body, "i64"), [], np.arange(7)[:, None] * 3 + np.arange(33))
    x, index = random(50, 96), rng.integers(0, 50, 7)
    for title, position, shape, wanted in (("rows", "%i, %j", (7, 96), x[index]), ("columns", "%j, %i", (50, 7), x[:, index])):
        k = Kernel()
        k.argument(x.shape), k.argument(index.shape, "i64")
        rows_first = title == "rows"
        body = ["%i = arith.index_cast %x0 : i64 to index", f"%j = linalg.index {int(rows_first)} : index",
                f"%r = tensor.extract %a0[{position}] : tensor<50x96xf32>"]
        case(f"gather {title}", k, k.generic([k.arguments[1]], [[0 if rows_first else 1]], shape, [0, 1], "pp", body), [x, index], wanted, 0)
    k, x = Kernel(), random(9, 50)
    body = ["%z = arith.constant 0.0 : f32", "%c = arith.cmpf ogt, %x0, %z : f32",
            "%r = scf.if %c -> (f32) {\n      scf.yield %x0 : f32\n    } else {\n      %n = arith.negf %x0 : f32\n      scf.yield %n : f32\n    }"]
    case("branch", k, k.elementwise([k.argument(x.shape)], body), [x], abs(x), 0)
    k, x = Kernel(), random(3, 4)
    row = k.op("arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : TYPE", (4,))
    two = k.op("arith.constant dense<2.0> : TYPE", (3, 4))
    body = ["%s = arith.mulf %x0, %x1 : f32", "%r = arith.addf %s, %x2 : f32"]
    case("constants", k, k.elementwise([k.argument(x.shape), row, two], body), [x], x * np.array([1, 2, 3, 4], np.float32) + 2)
    k, x, y = Kernel(), random(5, 6), random(6, 7)
    k.line("%z = arith.constant 0.0 : f32")
    out = k.op("tensor.empty() : TYPE", (5, 7))
    out = k.op(f"linalg.fill ins(%z : f32) outs({out.name} : TYPE) -> TYPE", (5, 7))
    a, b = k.argument(x.shape), k.argument(y.shape)
    case("named", k, k.op(f"linalg.matmul ins({a.name}, {b.name} : {a.type}, {b.type}) outs({out.name} : TYPE) -> TYPE", (5, 7)), [x, y], x @ y)


def updates():
    x, index, values = random(50, 40), rng.integers(0, 50, (7, 40)), random(7, 40)
    want = x.copy()
    for i, j in np.ndindex(*index.shape):
        want[index[i, j], j] += values[i, j]
    k = Kernel()
    a, b, c = k.argument(x.shape), k.argument(index.shape, "i64"), k.argument(values.shape)
    k.line("%c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n  %c7 = arith.constant 7 : index\n  %c40 = arith.constant 40 : index")
    result = k.op(f"""scf.for %i = %c0 to %c7 step %c1 iter_args(%s = {a.name}) -> (TYPE) {{
    %t = scf.for %j = %c0 to %c40 step %c1 iter_args(%u = %s) -> (TYPE) {{
      %n = tensor.extract {b.name}[%i, %j] : {b.type}
      %m = arith.index_cast %n : i64 to index
      %o = tensor.extract %u[%m, %j] : TYPE
      %v = tensor.extract {c.name}[%i, %j] : {c.type}
      %p = arith.addf %o, %v : f32
      %w = tensor.insert %p into %u[%m, %j] : TYPE
      scf.yield %w : TYPE
    }}
    scf.yield %t : TYPE
  }}""", x.shape)
    case("scatter", k, result, [x, index, values], want)
    k, x = Kernel(), random(5, 6)
    k.line("%c2 = arith.constant 2 : index\n  %z = arith.constant 7.0 : f32")
    want = -x
    want[2, 2] = -7
    inserted = k.op(f"tensor.insert %z into {k.argument(x.shape).name}[%c2, %c2] : TYPE", x.shape)
    case("insert", k, k.elementwise([inserted], NEG), [x], want, 0)


def window_of(kind, x, weights, size, strides, dilations, pads, image):
    rank = len(size)
    first = x.ndim - 1 - rank
    widths = [(0, 0)] * first + [(pads[i], pads[rank + i]) for i in range(rank)] + [(0, 0)]
    padded = np.pad(x, widths, constant_values=-np.inf if kind == "max" else 0)
    inside, result, count = np.pad(np.ones_like(x), widths), None, 0
    for tap in itertools.product(*map(range, size)):
        at = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, image, strides)]
        part = padded[(slice(None),) * first + tuple(at)]
        part = part * weights[tap] if kind == "depthwise" else part
        result = part if result is None else np.maximum(result, part) if kind == "max" else result + part
        count = count + inside[(slice(None),) * first + tuple(at)]
    return result / (np.prod(size) if kind == "average" else count if kind == "average_valid" else 1)


def add_window(title, kind, shape, size, strides=None, dilations=None, pads=None, epilogue=(), after=None, x=None):
    rank = len(size)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    k, value = window(kind, shape, size, strides, dilations, pads, epilogue)
    inputs = [random(*shape) if x is None else x] + [random(*a.shape) for a in k.arguments[1:]]
    image = value.shape[len(shape) - 1 - rank : -1]
    want = window_of(kind, inputs[0], inputs[1] if kind == "depthwise" else None, size, strides, dilations, pads, image)
    if after:
        want = after(want + inputs[-2] + inputs[-1])
    case(title, k, value, inputs, want.astype(np.float32), 1e-4)


def windows():
    for size in (3, 5, 7):
        for stride in (1, 2):
            for channels in (32, 20, 5):
                add_window(f"depthwise {size} / {stride} x {channels}", "depthwise", (1, 15, 18, channels), [size] * 2, [stride] * 2, pads=[size // 2] * 4)
    add = ["%s = arith.addf %acc, %bias : f32", "%t = arith.addf %s, %residual : f32"]
    relu = add + ["%z = arith.constant 0.0 : f32", "%r = arith.maximumf %t, %z : f32"]
    exp = add + ["%r = math.exp %t : f32"]
    add_window("depthwise, relu", "depthwise", (2, 9, 9, 40), [3, 3], pads=[1] * 4, epilogue=relu, after=lambda y: np.maximum(y, 0))
    add_window("depthwise, exp", "depthwise", (2, 9, 9, 40), [3, 3], pads=[1] * 4, epilogue=exp, after=np.exp)
    add_window("depthwise batch", "depthwise", (3, 9, 9, 48), [3, 3], pads=[1] * 4)
    add_window("depthwise dilated", "depthwise", (1, 12, 13, 32), [3, 3], dilations=[2, 3], pads=[2, 3, 2, 3])
    add_window("depthwise uneven", "depthwise", (1, 12, 13, 32), [3, 4], [2, 3], pads=[0, 1, 2, 3])
    add_window("depthwise 1-D", "depthwise", (2, 50, 32), [5], pads=[2, 2])
    add_window("depthwise 3-D", "depthwise", (1, 5, 6, 7, 16), [3, 3, 3], pads=[1] * 6)
    add_window("depthwise wide", "depthwise", (1, 10, 30, 16), [5, 31], pads=[2, 15, 2, 15])
    add_window("depthwise, small image", "depthwise", (1, 2, 2, 16), [7, 7], pads=[3] * 4)
    add_window("depthwise, many units", "depthwise", (2, 40, 40, 64), [3, 3], pads=[1] * 4)
    for kind in ("max", "average", "average_valid"):
        for pad in (0, 1):
            add_window(f"{kind} pad {pad}", kind, (1, 15, 15, 64), [3, 3], [2, 2], pads=[pad] * 4)
        add_window(f"{kind} 2 x 2", kind, (2, 14, 14, 40), [2, 2], [2, 2])
        add_window(f"{kind} ceil", kind, (1, 7, 7, 16), [3, 3], [2, 2], pads=[0, 0, 1, 1])
        add_window(f"{kind} dilated", kind, (1, 9, 9, 16), [2, 2], dilations=[3, 3], pads=[1] * 4)
        add_window(f"{kind} global", kind, (2, 7, 7, 1280), [7, 7])
        add_window(f"{kind} global, large", kind, (1, 56, 56, 24), [56, 56])
        add_window(f"{kind} 13", kind, (1, 13, 13, 32), [13, 13], pads=[6] * 4)
        add_window(f"{kind} 1-D", kind, (2, 50, 32), [4], [2])
        add_window(f"{kind} 3-D", kind, (1, 5, 6, 7, 16), [2, 2, 2], [2, 2, 2])
    x = random(1, 8, 8, 16)
    x[0, 3, 3, 2] = np.nan
    add_window("max of NaN pixels", "max", (1, 8, 8, 16), [2, 2], x=x)


def main():
    for add in (pointwise, types, reductions, placeholders, nothing, rows, transposes, movement, bodies, updates, windows):
        add()
    run_cases(CASES, lambda kernel, *case: [check(kernel, *case)])


if __name__ == "__main__":
    main()
