"""Attention in one kernel against NumPy, each compiled once and called at several sizes: check_attention.py [--gpu] [filter]"""
import itertools
import sys

import ml_dtypes
import numpy as np
from kernel_runner import check, run_cases
from open_sizes import empty, evaluate_shape, tensor

rng = np.random.default_rng(0)
# Several blocks of few keys, the last ones not whole.
SMALL = "queries = 2, keys = 8, key_block = 16, rows = 4, panels = 1, unit_blocks = 1, in_place = false"
TYPES = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
CASES = {}  # name: (title, text, arguments' shapes and elements, function of the inputs, symbols, what inputs hold)


def reference(q, k, v, mask, scale, fill, causal, guard):
    """[N, H, L, D], [N, G, S, D], [N, G, S, E] -> [N, H, L, E], in f64."""
    k, v = (np.repeat(x.astype(np.float64), q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = np.einsum("nhld,nhsd->nhls", q.astype(np.float64), k) * scale
    if mask is not None:
        scores = scores + mask if fill is None else np.where(mask != 0, scores, fill)
    if causal:
        scores = np.where(np.tri(*scores.shape[2:], dtype=bool), scores, -np.inf)
    if scores.shape[3] == 0:
        return np.zeros((*scores.shape[:3], v.shape[3]))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    if guard == "nan":
        weights = np.where(np.isnan(weights), 0, weights)
    elif guard == "empty":
        weights = np.where((scores == -np.inf).all(-1, keepdims=True), 0, weights)
    return np.einsum("nhls,nhse->nhle", weights, v)


def add(title, n, h, g, l, s, d, e, symbols=((),), mask=None, fill=None, causal=False, guard="none", heads_last=True, scale=0.3,
        transposed_key=False, plan=None, values=None, query="f32", cache="f32", result_type="f32", element=None):
    """mask: its shape; heads_last: operands and result are stored as [N, L, H, D]; query, cache, result_type: the types of its
    elements, of keys and values, and of the result's; element: of all of these."""
    if element:
        query = cache = result_type = element
    types = [query, cache, cache]
    lines, arguments, operands, turns = "  %size = rt.symbol 0 : index\n" if any("s" in str(x) for x in (n, l, s)) else "", [], [], []
    stored = (0, 2, 1, 3) if heads_last else (0, 1, 2, 3)
    for name, shape, element in zip("qkv", ((n, h, l, d), (n, g, s, d), (n, g, s, e)), types):
        perm = (0, 1, 3, 2) if name == "k" and transposed_key else stored
        kept = [shape[x] for x in perm]
        back = [perm.index(i) for i in range(4)]
        arguments.append(kept)
        turned = tensor(shape, element)
        operands.append((f"%t{name}", turned))
        turns.append(back)
        lines += empty(f"e{name}", shape, element)
        lines += f"  %t{name} = linalg.transpose ins(%{name} : {tensor(kept, element)}) outs(%e{name} : {turned}) permutation = {back}\n"
    result, kept = (n, h, l, e), [(n, h, l, e)[x] for x in stored]
    lines += empty("init", result, result_type)
    if mask:
        arguments.append(mask)
        types.append("f32")
    attributes = [f"scale = {scale} : f32"]
    attributes += [f"fill = {'0xFF800000' if fill == -np.inf else fill} : f32"] if fill is not None else []
    attributes += ["causal"] if causal else []
    attributes += [f"guard = {dict(none=0, empty=1, nan=2)[guard]} : i32"] if guard != "none" else []
    attributes += [f"plan = #kern.attention_plan<{plan}>"] if plan else []
    lines += (f"  %y = kern.attention ins({', '.join(x for x, _ in operands)} : {', '.join(t for _, t in operands)})"
              + (f" mask(%m : {tensor(mask)})" if mask else "") + f" outs(%init : {tensor(result, result_type)}) {{{', '.join(attributes)}}} -> {tensor(result, result_type)}\n")
    lines += empty("er", kept, result_type)
    lines += (f"  %r = linalg.transpose ins(%y : {tensor(result, result_type)}) outs(%er : {tensor(kept, result_type)})"
              f" permutation = {[stored[i] for i in range(4)]}\n")
    name = f"k{len(CASES)}"
    names = ["%q", "%k", "%v"] + ["%m"] * bool(mask)
    text = (f"func.func @{name}({', '.join(f'{a}: {tensor(x, of)}' for a, x, of in zip(names, arguments, types))})"
            f" -> {tensor(kept, result_type)} attributes {{rt.kernel}} {{\n{lines}  return %r : {tensor(kept, result_type)}\n}}\n")

    def wanted(inputs):
        q, k, v = (x.transpose(turn) for x, turn in zip(inputs, turns))
        return reference(q, k, v, inputs[3] if mask else None, scale, fill, causal, guard).transpose(stored)

    CASES[name] = (title, text, list(zip(arguments, types)), wanted, symbols, values)


def gaps(inputs):
    """Some keys are left out, for one query or batch all of them."""
    inputs[3][...] = np.where(rng.random(inputs[3].shape) < 0.4, -np.inf, inputs[3])
    inputs[3][0, :, :1] = -np.inf


def gaps_if_any(inputs):
    if inputs[3].size:
        gaps(inputs)


def choices(inputs):
    inputs[3][...] = rng.random(inputs[3].shape) < 0.6
    inputs[3][0, :, :1] = 0


def trouble(inputs):
    gaps(inputs)
    inputs[0][-1, 0, 0, 0] = np.nan
    inputs[1].flat[-1] = np.inf


def fixed():
    for l, s, d, e in [(16, 16, 16, 16), (128, 128, 64, 64), (197, 197, 64, 64), (40, 40, 15, 15), (1, 7, 8, 40), (17, 1, 3, 1), (33, 100, 20, 70), (5, 1500, 64, 33),
                       (1, 300, 64, 64), (3, 130, 200, 300), (40, 70, 132, 260)]:
        add(f"{l} x {s} x {d}", 2, 3, 3, l, s, d, e)
        add(f"{l} x {s} x {d} grouped, causal", 1, 4, 2, l, s, d, e, causal=True, heads_last=False)
    add("no scale", 1, 2, 2, 20, 30, 8, 8, scale=1.0)
    add("no keys", 1, 2, 2, 5, 0, 8, 8)
    add("no depth", 1, 2, 2, 20, 30, 0, 8)
    add("keys by depth", 2, 2, 2, 20, 30, 8, 8, transposed_key=True)
    add("negative scale", 1, 2, 2, 20, 30, 8, 8, scale=-0.7)
    for plan in ("queries = 1, keys = 1, key_block = 16, rows = 1, panels = 1, unit_blocks = 1, in_place = false",
                 "queries = 2, keys = 7, key_block = 32, rows = 2, panels = 3, unit_blocks = 2, in_place = false",
                 "queries = 3, keys = 8, key_block = 16, rows = 8, panels = 2, unit_blocks = 1, in_place = true",
                 "queries = 1, keys = 24, key_block = 48, rows = 16, panels = 1, unit_blocks = 9, in_place = true",
                 "queries = 2, keys = 12, key_block = 64, rows = 4, panels = 4, unit_blocks = 9, in_place = false"):
        add(f"planned: {plan}", 2, 2, 1, 70, 50, 24, 70, plan=plan)
        add(f"planned, whole panels: {plan}", 2, 2, 1, 70, 50, 24, 64, plan=plan)
        add(f"planned, causal: {plan}", 2, 2, 1, 70, 50, 24, 70, plan=plan, causal=True)


def infinite_values(inputs):
    gaps(inputs)
    inputs[2].flat[7] = np.inf


def masks():
    for shape, plan in itertools.product(itertools.product((1, 2), (1, 4), (1, 37), (1, 50)), (None, SMALL)):
        add(f"mask {shape}, {plan}", 2, 4, 2, 37, 50, 16, 16, mask=shape, plan=plan)
    for shape, plan in itertools.product(((2, 1, 1, 50), (1, 4, 37, 50)), (None, SMALL)):
        for guard in ("none", "empty", "nan"):
            for title, values in (("of -inf", gaps), ("of nan and inf", trouble), ("of infinite values", infinite_values)):
                add(f"mask {shape} {title}, {guard}, {plan}", 2, 4, 4, 37, 50, 16, 16, mask=shape, guard=guard, values=values, plan=plan)
            add(f"choice {shape}, {guard}, {plan}", 2, 4, 4, 37, 50, 16, 16, mask=shape, fill=-np.inf, guard=guard, values=choices, plan=plan)
        add(f"choice {shape} of -1e4, {plan}", 2, 4, 4, 37, 50, 16, 16, mask=shape, fill=-10000.0, values=choices, plan=plan)
        add(f"mask {shape}, causal, {plan}", 2, 4, 4, 37, 50, 16, 16, mask=shape, causal=True, guard="empty", values=gaps, plan=plan)


def few_queries():
    """Of one head, and all of its groups of threads."""
    for guard in ("none", "empty", "nan"):
        for title, values in (("of -inf", gaps), ("of nan and inf", trouble), ("of infinite values", infinite_values)):
            for l, shape in ((1, (2, 1, 1, 150)), (2, (1, 4, 2, 150))):
                add(f"few queries, mask {shape} {title}, {guard}", 2, 4, 2, l, 150, 16, 20, mask=shape, guard=guard, values=values)
    add("few queries, choice", 2, 4, 4, 4, 150, 16, 16, mask=(2, 1, 4, 150), fill=-10000.0, values=choices)
    add("few queries, causal", 1, 2, 2, 3, 50, 16, 16, causal=True)


def long_caches():
    """Few queries of keys that blocks share: none of a last tile, few of it, all; a batch that is too large; wide values."""
    for keys in (384, 511, 1024):
        add(f"long cache of {keys}", 1, 3, 3, 1, keys, 64, 64, heads_last=False)
    add("long cache, many heads", 3, 32, 8, 1, 700, 64, 64)
    for heads in (2, 3, 6, 8, 5):
        add(f"long cache, {heads} heads of a group", 2, 2 * heads, 2, 1, 400, 64, 64, mask=(2, 2 * heads, 1, 400), values=gaps, guard="empty")
    add("long cache, wide values", 1, 2, 1, 2, 600, 128, 300)
    add("long cache, odd rows", 2, 2, 1, 3, 1000, 20, 33)
    add("long cache, causal", 1, 2, 2, 3, 1000, 64, 64, causal=True)
    for guard in ("none", "empty", "nan"):
        for title, values in (("of -inf", gaps), ("of nan and inf", trouble), ("of infinite values", infinite_values)):
            add(f"long cache, mask {title}, {guard}", 2, 2, 2, 2, 600, 64, 64, mask=(2, 1, 2, 600), guard=guard, values=values)
    sizes = [(1, 0), (1, 1), (2, 255), (1, 256), (2, 257), (1, 1024), (1, 5000), (0, 700), (7, 700), (150, 400)]
    add("open cache", 1, 3, 3, 1, "s0", 64, 64, [s[1:] for s in sizes], heads_last=False)
    add("open cache that grows", 1, 3, 3, 1, "s0 + 1", 64, 64, [s[1:] for s in sizes], heads_last=False)
    add("open cache, open batch", "s0", 4, 2, 2, "s1", 64, 64, sizes, mask=["s0", 1, 1, "s1"], values=gaps_if_any)
    add("open cache, guarded", "s0", 1, 1, 1, "s1", 64, 40, sizes, mask=["s0", 1, 1, "s1"], guard="empty", values=gaps_if_any)
    add("open cache, causal", 1, 2, 2, 3, "s0", 64, 64, [s[1:] for s in sizes], causal=True)


def open_ones():
    sizes = [(1, 5, 5), (2, 17, 1), (1, 64, 64), (2, 100, 128), (1, 128, 100), (0, 5, 5), (2, 0, 5), (2, 5, 0), (1, 1, 600), (1, 7, 1200)]
    for d, e in ((8, 8), (20, 40), (64, 64)):
        add(f"open {d} x {e}", "s0", 2, 2, "s1", "s2", d, e, sizes)
    add("open, in place", "s0", 2, 2, "s1", "s2", 24, 32, sizes, heads_last=False, transposed_key=True, plan="queries = 2, keys = 16, key_block = 64, rows = 8, panels = 2, unit_blocks = 1, in_place = true")
    add("open, grouped, causal", "s0", 4, 2, "s1", "s2", 16, 16, sizes, causal=True)
    add("open, one length", "s0", 3, 3, "s1", "s1", 16, 16, [s[:2] for s in sizes], mask=["s0", 1, 1, "s1"])
    add("open, whole mask", "s0", 3, 3, "s1", "s2", 16, 16, sizes, mask=[1, 3, "s1", "s2"], guard="empty")
    add("open, no key", "s0", 3, 3, "s1", "s2", 16, 16, sizes, mask=["s0", 1, 1, "s2"], values=gaps_if_any)
    add("open, mask of queries", "s0", 3, 3, "s1", "s2", 16, 16, sizes, mask=[1, 1, "s1", 1])
    add("open batch", "s0", 3, 3, 50, 30, 16, 16, [(0,), (1,), (5,)], mask=["s0", 1, 50, 30])


def halves():
    """f16 and bf16 as they are stored, which only a GPU takes."""
    for cache in ("f16", "bf16"):
        for d, e in ((64, 64), (128, 128), (80, 40), (20, 33), (15, 15)):
            add(f"one query of {cache}, {d}, {e}", 2, 4, 2, 1, 300, d, e, query=cache, cache=cache)
            add(f"cache of {cache}, {d}, {e}", 1, 2, 2, 3, 1100, d, e, cache=cache, heads_last=False)
        add(f"cache of {cache}, mask", 2, 2, 2, 2, 600, 64, 64, mask=(2, 1, 2, 600), guard="empty", values=gaps, cache=cache)
        add(f"many queries of {cache}", 1, 4, 2, 40, 70, 64, 72, query=cache, cache=cache)
        add(f"open cache of {cache}", 1, 3, 3, 1, "s0 + 1", 64, 64, [(0,), (255,), (256,), (1023,), (5000,)], cache=cache, heads_last=False)
    add("keys of f16 by depth", 1, 2, 2, 1, 300, 64, 64, cache="f16", transposed_key=True)


def run(kernel, arguments, wanted, all_symbols, values):
    for symbols in all_symbols:
        inputs = [rng.standard_normal(evaluate_shape(shape, symbols)).astype(TYPES[element]) for shape, element in arguments]
        if values:
            values(inputs)
        with np.errstate(all="ignore"):
            want = np.ascontiguousarray(wanted(inputs), np.float32)
        error = check(kernel, inputs, [want], 2e-5, symbols)
        yield error and f"at {symbols}: {error}"


def main():
    for table in (fixed, masks, few_queries, long_caches, open_ones, *[halves] * ("--gpu" in sys.argv)):
        table()
    run_cases(CASES, run)


if __name__ == "__main__":
    main()
