"""Kernels on sizes that a run chooses: emitted once, called with several: check_open_kernels.py [filter]"""
import itertools

import numpy as np
from kernel_runner import check, run_cases
from kernel_text import Kernel, layer_norm, softmax
from open_sizes import evaluate_shape

rng = np.random.default_rng(0)
CASES = {}  # name: (title, text, input shapes, symbols, result of the inputs and dims, tolerance)
SIZES = (1, 7, 16, 33, 100, 0)
ADD, NEG = ["%r = arith.addf %x0, %x1 : f32"], ["%r = arith.negf %x0 : f32"]
SUM = ["%r = arith.addf %out, %x0 : f32"]
TOP = ["%r = arith.maximumf %x0, %out : f32"]


def random(shape, element="f32"):
    if element == "i1":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.standard_normal(shape).astype(np.float32)


def case(title, kernel, results, wanted, symbols=1, tolerance=1e-5, inputs=None):
    """`wanted`: of the dims and the inputs; `inputs`: of the dims, random ones where it is None."""
    name = f"k{len(CASES)}"
    results = results if isinstance(results, tuple) else (results,)
    make = inputs or (lambda dims: [random(evaluate_shape(a.shape, dims), a.element) for a in kernel.arguments])
    CASES[name] = (title, kernel.text(name, *results), make, symbols, wanted, tolerance)


def softmax_of(x, axis):
    if x.shape[axis] == 0:
        return x
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def layer_norm_of(x, w, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * w + b


def pointwise():
    for shape, symbols in ((("s0",), 1), (("s0", 48), 1), ((5, "s0"), 1), (("s0", "s1"), 2), (("s0 * 2 + 1", 3), 1), (("s0", 3, "s1", 16), 2)):
        k = Kernel()
        case(f"add {shape}", k, k.elementwise([k.argument(shape), k.argument(shape)], ADD), lambda d, x, y: x + y, symbols)
    for a, b, shape, symbols in (((4, "s0", 40), (40,), (4, "s0", 40), 1), ((4, "s0", 40), ("s0", 1), (4, "s0", 40), 1), (("s0", 1), (1, "s1"), ("s0", "s1"), 2),
                                 (("s0",), (), ("s0",), 1), (("s0", 12, "s1", "s1"), ("s0", 1, 1, "s1"), ("s0", 12, "s1", "s1"), 2)):
        k = Kernel()
        case(f"broadcast {a} {b}", k, k.elementwise([k.argument(a), k.argument(b)], ADD, shape=shape), lambda d, x, y: x + y, symbols)
    k = Kernel()
    mask, x = k.argument(("s0", 1, 1, "s1"), "i1"), k.argument(("s0", 3, "s1", "s1"))
    body = ["%low = arith.constant -1.0e+9 : f32", "%r = arith.select %x0, %x1, %low : f32"]
    case("where", k, k.elementwise([mask, x], body, shape=x.shape), lambda d, m, x: np.where(m, x, np.float32(-1e9)), 2)
    k = Kernel()
    body = ["%z = arith.constant 0.0 : f32", "%c = arith.cmpf ogt, %x0, %z : f32",
            "%r = scf.if %c -> (f32) {\n      scf.yield %x0 : f32\n    } else {\n      %n = arith.negf %x0 : f32\n      scf.yield %n : f32\n    }"]
    case("branch", k, k.elementwise([k.argument(("s0", 5))], body), lambda d, x: abs(x), 1, 0)
    k = Kernel()
    x = k.argument((3, "s0"))
    size = k.size("s0")
    body = [f"%j = linalg.index 1 : index", f"%n = arith.subi {size}, %j : index", "%i = arith.index_cast %n : index to i64",
            "%f = arith.sitofp %i : i64 to f32", "%r = arith.mulf %x0, %f : f32"]
    case("symbol in a body", k, k.elementwise([x], body), lambda d, x: x * (d[0] - np.arange(d[0])).astype(np.float32))


def reductions():
    for shape, symbols in (((6, "s0"), 1), (("s0", 40), 1), (("s0", "s1"), 2), ((3, "s0", 5), 1), (("s0", 7, "s1"), 2), (("s0", 3, 300), 1)):
        for count in range(1, len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                k = Kernel()
                case(f"sum {shape} over {axes}", k, k.reduce(k.argument(shape), axes, SUM, "0.0"), lambda d, x, axes=axes: x.sum(axes), symbols, 1e-4)
    k = Kernel()
    case("max", k, k.reduce(k.argument((6, "s0")), [1], TOP, "0xFF800000"), lambda d, x: x.max(1, initial=-np.inf))
    k = Kernel()
    case("sum from 3", k, k.reduce(k.argument((5, "s0")), [1], SUM, "3.0"), lambda d, x: x.sum(1) + 3, 1, 1e-4)
    for shape, axis in (((2, "s0 * 10007"), 1), (("s0 * 10007", 3), 0)):
        k = Kernel()
        case(f"long sum {axis}", k, k.reduce(k.argument(shape), [axis], SUM, "0.0"),
             lambda d, x, axis=axis: x.sum(axis, dtype=np.float64).astype(np.float32), tolerance=1e-4, inputs=lambda d, shape=shape: [np.full(evaluate_shape(shape, d), 0.1, np.float32)])


def rows():
    for shape, axis, symbols in ((("s0", 50), 1, 1), (("s0", "s1"), 1, 2), ((12, "s0", "s0"), 2, 1), (("s0", 12, "s1", "s1"), 3, 2), ((5, "s0", 20), 1, 1), (("s0",), 0, 1),
                                 (("s0", 9001), 1, 1), ((2, "s0 * 100"), 1, 1)):
        case(f"softmax {shape} {axis}", *softmax(shape, axis), lambda d, x, axis=axis: softmax_of(x, axis), symbols)
    for rows, columns, symbols in (("s0", 768, 1), ("s0 * s1", 100, 2), ("s0", 5, 1)):
        case(f"layer norm {rows} x {columns}", *layer_norm(rows, columns), lambda d, *x: layer_norm_of(*x), symbols, 1e-4)
    k = Kernel()
    a, row = k.argument(("s0", 40)), k.argument((40,))
    case("computed row", k, k.elementwise([a, k.elementwise([row], NEG)], ADD), lambda d, x, y: x - y)
    k = Kernel()
    a, row = k.argument(("s0", 40, "s1")), k.argument(("s1",))
    case("computed open row", k, k.elementwise([a, k.elementwise([row], NEG)], ADD), lambda d, x, y: x - y, 2)
    k = Kernel()
    a = k.argument(("s0", 50))
    total = k.reduce(a, [0, 1], SUM, "0.0")
    case("less its sum", k, k.elementwise([a, total], ["%r = arith.subf %x0, %x1 : f32"]), lambda d, x: x - x.sum(), 1, 1e-3)


def transposes():
    for shape, perm, symbols in ((("s0", 40), (1, 0), 1), (("s0", "s1"), (1, 0), 2), (("s0", 3), (1, 0), 1), ((3, "s0"), (1, 0), 1), (("s0", 20, "s1"), (0, 2, 1), 2),
                                 (("s0", "s1", 6, 16), (0, 2, 1, 3), 2), ((2, "s0", 6, 16), (0, 2, 3, 1), 1), (("s0", 5, "s1", 3), (2, 1, 3, 0), 2)):
        k = Kernel()
        x = k.argument(shape)
        case(f"transpose {shape} {perm}", k, k.transpose(x, perm), lambda d, x, perm=perm: x.transpose(perm), symbols, 0)
    for joined in ("s0 * s1", None):
        k = Kernel()
        x = k.argument((joined, 96) if joined else ("s0", "s1", 96))
        groups, shape = ("[[0, 1], [2, 3]]", "[[0], [1], [2, 3]]")[joined is None], ("s0", "s1", 6, 16)
        split = k.expand(x, groups, shape)
        case(f"heads of {x.shape}", k, k.transpose(split, (0, 2, 1, 3)), lambda d, x: x.reshape(*d, 6, 16).transpose(0, 2, 1, 3), 2, 0)
        k = Kernel()
        x = k.argument(("s0", 6, "s1", 16))
        back = k.transpose(k.elementwise([x], NEG), (0, 2, 1, 3))
        result = k.collapse(back, groups, (joined, 96) if joined else ("s0", "s1", 96))
        case(f"heads into {result.shape}", k, result, lambda d, x, s=result.shape: -x.transpose(0, 2, 1, 3).reshape(evaluate_shape(s, d)), 2, 0)
    k = Kernel()
    t = k.transpose(k.argument(("s0", "s1")), (1, 0))
    case("add transposed", k, k.elementwise([t, k.argument(("s1", "s0")), k.argument(("s1", 1))], ADD[:0] + ["%q = arith.addf %x0, %x1 : f32", "%r = arith.addf %q, %x2 : f32"]),
         lambda d, x, y, z: x.T + y + z, 2)


def movement():
    for axis in range(3):
        base = ["s0", 5, "s1"]
        other = [9 if d == axis else size for d, size in enumerate(base)]
        if axis == 2:
            other[2] = "s1 * 2"
        total = {0: "s0 + 9", 1: 14, 2: "s1 * 3"}[axis]
        shape = [total if d == axis else size for d, size in enumerate(base)]
        for computes in (False, True):
            k = Kernel()
            a, b = k.argument(base), k.argument(other)
            first = k.elementwise([a], NEG) if computes else a
            joined = k.op(f"tensor.concat dim({axis}) {first.name}, {b.name} : ({first.type}, {b.type}) -> TYPE", shape)
            case(f"concat {axis}, computed: {computes}", k, joined, lambda d, x, y, axis=axis, c=computes: np.concatenate([-x if c else x, y], axis), 2, 0)
    k = Kernel()
    past, new = k.argument((2, 3, "s0", 8)), k.argument((2, 3, "s1", 8))
    joined = k.op(f"tensor.concat dim(2) {past.name}, {new.name} : ({past.type}, {new.type}) -> TYPE", (2, 3, "s0 + s1", 8))
    case("past and new", k, joined, lambda d, x, y: np.concatenate([x, y], 2), 2, 0)
    k = Kernel()
    x = k.argument((4, "s0", 6))
    low, high = k.size("s1"), k.size("s0 + 2")
    k.line("%z = arith.constant 1.5 : f32")
    padded = k.op(f"tensor.pad {x.name} low[1, {low}, 0] high[0, {high}, 3] {{\n  ^bb0(%i: index, %j: index, %k: index):\n"
                  f"    tensor.yield %z : f32\n  }} : {x.type} to TYPE", (5, "s0 * 2 + s1 + 2", 9))
    case("pad", k, padded, lambda d, x: np.pad(x, ((1, 0), (d[1], d[0] + 2), (0, 3)), constant_values=1.5), 2, 0)
    for computes in (False, True):
        k = Kernel()
        x = k.argument(("s0 + s1", 40))
        part = k.op(f"tensor.extract_slice {x.name}[{k.size('s1')}, 3] [{k.size('s0')}, 10] [1, 2] : {x.type} to TYPE", ("s0", 10))
        case(f"slice, computed: {computes}", k, k.elementwise([part], NEG) if computes else part, lambda d, x, c=computes: (-x if c else x)[d[1] :, 3:23:2], 2, 0)
    k = Kernel()
    x, part = k.argument(("s0 + s1", 24)), k.argument(("s0", 24))
    inserted = k.op(f"tensor.insert_slice {part.name} into {x.name}[{k.size('s1')}, 0] [{k.size('s0')}, 24] [1, 1] : {part.type} into TYPE", x.shape)
    case("insert slice", k, inserted, lambda d, x, y: np.concatenate([x[: d[1]], y]), 2, 0)
    k = Kernel()
    x = k.argument(("s0 + s1", 8))
    size = k.size("s1")
    k.line("%c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n  %c3 = arith.constant 3 : index")
    for text in (f"%rest = arith.remsi {size}, %c3 : index", "%below = arith.cmpi slt, %rest, %c0 : index", f"%quotient = arith.divsi {size}, %c3 : index",
                 "%less = arith.subi %quotient, %c1 : index", "%third = arith.select %below, %less, %quotient : index"):
        k.line(text)
    part = k.op(f"tensor.extract_slice {x.name}[%third, 0] [{k.size('s0')}, 8] [1, 1] : {x.type} to TYPE", ("s0", 8))
    case("slice at a quotient", k, k.elementwise([part], NEG), lambda d, x: -x[d[1] // 3 : d[1] // 3 + d[0]], 2, 0)
    k = Kernel()
    x = k.argument((6, "s0", 4))
    flat = k.collapse(k.elementwise([x], NEG), "[[0, 1, 2]]", ("s0 * 24",))
    case("reshape across dims", k, k.expand(flat, "[[0, 1]]", (24, "s0")), lambda d, x: -x.reshape(24, d[0]), 1, 0)
    k = Kernel()
    first, second = k.argument(("s0", 5)), k.argument(("s1", 5))
    casts = [k.op(f"tensor.cast {v.name} : {v.type} to tensor<?x5xf32>", v.shape) for v in (first, second)]
    k.line(f"%joined = tensor.concat dim(0) {casts[0].name}, {casts[1].name} : (tensor<?x5xf32>, tensor<?x5xf32>) -> tensor<?x5xf32>")
    joined = k.op("tensor.cast %joined : tensor<?x5xf32> to TYPE", ("s0 + s1", 5))
    case("concat of casts", k, joined, lambda d, x, y: np.concatenate([x, y]), 2, 0)
    k = Kernel()
    x = k.argument(("s0", 6))
    negated = k.elementwise([x], NEG)
    case("result twice, argument", k, (negated, negated, x), lambda d, x: (-x, -x, x), 1, 0)
    k = Kernel()
    result = k.generic([k.argument(("s0", "s1"))], [["d0", "d1 floordiv 3"]], ("s0", "s1 * 3"), [0, 1], "pp", NEG)
    case("repeat", k, result, lambda d, x: -np.repeat(x, 3, 1), 2, 0)


def bodies():
    for title, position, shape in (("rows", "%i, %j", ("s0", 96)), ("columns", "%j, %i", (50, "s0"))):
        k = Kernel()
        table, index = k.argument((50, 96)), k.argument(("s0",), "i64")
        rows_first = title == "rows"
        body = ["%i = arith.index_cast %x0 : i64 to index", f"%j = linalg.index {int(rows_first)} : index",
                f"%r = tensor.extract {table.name}[{position}] : {table.type}"]
        result = k.generic([index], [[0 if rows_first else 1]], shape, [0, 1], "pp", body)
        case(f"gather {title}", k, result, lambda d, x, i, r=rows_first: x[i] if r else x[:, i], 1, 0, lambda d: [random((50, 96)), rng.integers(0, 50, d[0])])
    k = Kernel()
    table, index = k.argument(("s1 + 1", "s1 + 3")), k.argument(("s0",), "i64")
    body = ["%i = arith.index_cast %x0 : i64 to index", "%j = linalg.index 1 : index", f"%r = tensor.extract {table.name}[%j, %i] : {table.type}"]
    result = k.generic([index], [[0]], ("s0", "s1 + 1"), [0, 1], "pp", body)
    case("gather with open strides", k, result, lambda d, x, i: x.T[i], 2, 0, lambda d: [random((d[1] + 1, d[1] + 3)), rng.integers(0, d[1] + 3, d[0])])
    k = Kernel()
    table, out = k.argument(("s0", 100)), k.argument((7, 100))
    k.line(f"%c0 = arith.constant 0 : index\n  %some = arith.cmpi sgt, {k.size('s0')}, %c0 : index")
    body = ["%j = linalg.index 1 : index", "%y = scf.if %some -> (f32) {", f"  %v = tensor.extract {table.name}[%c0, %j] : {table.type}", "  scf.yield %v : f32", "} else {",
            "  %z = arith.constant 2.0 : f32", "  scf.yield %z : f32", "}", "%r = arith.addf %y, %x0 : f32"]
    case("row that may not be there", k, k.elementwise([out], body), lambda d, t, x: x + (t[0] if len(t) else np.float32(2)), 1, 0)
    k = Kernel()
    a, b, c = k.argument((50, 8)), k.argument(("s0",), "i64"), k.argument(("s0", 8))
    k.line("%c0 = arith.constant 0 : index\n  %c1 = arith.constant 1 : index\n  %c8 = arith.constant 8 : index")
    size = k.size("s0")
    result = k.op(f"""scf.for %i = %c0 to {size} step %c1 iter_args(%s = {a.name}) -> (TYPE) {{
    %n = tensor.extract {b.name}[%i] : {b.type}
    %m = arith.index_cast %n : i64 to index
    %t = scf.for %j = %c0 to %c8 step %c1 iter_args(%u = %s) -> (TYPE) {{
      %v = tensor.extract {c.name}[%i, %j] : {c.type}
      %w = tensor.insert %v into %u[%m, %j] : TYPE
      scf.yield %w : TYPE
    }}
    scf.yield %t : TYPE
  }}""", a.shape)

    def scattered(d, x, i, y):
        x = x.copy()
        for row, values in zip(i, y):
            x[row] = values
        return x

    case("scatter", k, result, scattered, 1, 0, lambda d: [random((50, 8)), rng.integers(0, 50, d[0]), random((d[0], 8))])


def attention():
    """What surrounds the products of attention."""
    k = Kernel()
    x = k.argument(("s0", 4, "s1", 16))
    sizes = f"[{k.size('s0')}, 4, {k.size('s1')}, 8] [1, 1, 1, 1] : {x.type} to TYPE"
    low, high = (k.op(f"tensor.extract_slice {x.name}[0, 0, 0, {at}] {sizes}", ("s0", 4, "s1", 8)) for at in (0, 8))
    high = k.elementwise([high], NEG)
    turned = k.op(f"tensor.concat dim(3) {high.name}, {low.name} : ({high.type}, {low.type}) -> TYPE", x.shape)
    cosine = k.argument(("s1", 16))
    body = ["%p = arith.mulf %x0, %x2 : f32", "%r = arith.addf %p, %x1 : f32"]
    case("rotated halves", k, k.elementwise([x, turned, cosine], body), lambda d, x, c: x * c + np.concatenate([-x[..., 8:], x[..., :8]], 3), 2)
    k = Kernel()
    x = k.argument(("s0", 2, "s1", 8))
    out = k.empty(("s0", 2, 3, "s1", 8))
    repeated = k.op(f"linalg.broadcast ins({x.name} : {x.type}) outs({out.name} : {out.type}) dimensions = [2]", out.shape)
    joined = k.collapse(repeated, "[[0], [1, 2], [3], [4]]", ("s0", 6, "s1", 8))
    case("repeated heads", k, joined, lambda d, x: np.repeat(x, 3, 1), 2, 0)
    k = Kernel()
    x = k.argument((3, "s0", "s0 + s1"))
    past = k.size("s1")
    body = ["%i = linalg.index 1 : index", "%j = linalg.index 2 : index", f"%l = arith.addi %i, {past} : index", "%c = arith.cmpi sle, %j, %l : index",
            "%low = arith.constant -1.0e+9 : f32", "%r = arith.select %c, %x0, %low : f32"]
    causal = lambda d, x: np.where(np.arange(d[0] + d[1]) <= np.arange(d[0])[:, None] + d[1], x, np.float32(-1e9))
    case("causal mask", k, k.elementwise([x], body), causal, 2, 0)
    k = Kernel()
    index = k.argument(("s0", "s1"), "i64")
    table, other = k.argument((50, 32)), k.argument((64, 32))
    body = ["%i = arith.index_cast %x0 : i64 to index", "%j = linalg.index 2 : index", f"%a = tensor.extract {table.name}[%i, %j] : {table.type}",
            "%s = linalg.index 1 : index", "%c64 = arith.constant 64 : index", "%m = arith.remui %s, %c64 : index",
            f"%b = tensor.extract {other.name}[%m, %j] : {other.type}", "%r = arith.addf %a, %b : f32"]
    result = k.generic([index], [[0, 1]], ("s0", "s1", 32), range(3), "ppp", body)
    case("embeddings", k, result, lambda d, i, x, y: x[i] + y[np.arange(d[1]) % 64], 2, 0,
         lambda d: [rng.integers(0, 50, d), random((50, 32)), random((64, 32))])
    k = Kernel()
    x, mask = k.argument(("s0", "s1", 48)), k.argument(("s0", "s1"))
    body = ["%p = arith.mulf %x0, %x1 : f32", "%r = arith.addf %out, %p : f32"]
    total = k.generic([x, mask], [[0, 1, 2], [0, 1]], ("s0", 48), [0, 2], "prp", body, init="0.0")
    count = k.reduce(mask, [1], SUM, "1.0")
    body = ["%r = arith.divf %x0, %x1 : f32"]
    mean = k.generic([total, count], [[0, 1], [0]], ("s0", 48), [0, 1], "pp", body)
    case("masked mean", k, mean, lambda d, x, m: (x * m[..., None]).sum(1) / (m.sum(1) + 1)[:, None], 2, 1e-3, lambda d: [random((*d, 48)), abs(random(d))])


def run(kernel, make, symbols, wanted, tolerance):
    all_dims = [(n,) for n in SIZES] if symbols == 1 else [*zip(SIZES, SIZES[1:] + SIZES[:1]), *zip(SIZES, SIZES[::-1])]
    for dims in all_dims:
        inputs = make(dims)
        result = wanted(dims, *inputs)
        result = result if isinstance(result, tuple) else (result,)
        error = check(kernel, inputs, [np.ascontiguousarray(r) for r in result], tolerance, dims)
        yield error and f"of {dims}: {error}"


def main():
    for add in (pointwise, reductions, rows, transposes, movement, bodies, attention):
        add()
    run_cases(CASES, run)


if __name__ == "__main__":
    main()
