"""Attention in one kernel against NumPy, each compiled once and called at several sizes: check_attention.py [--gpu] [filter]"""
import itertools

import numpy as np
from kernel_runner import check, run_cases
from open_sizes import empty, evaluate_shape, tensor

rng = np.random.default_rng(0)
# Several blocks of few keys, the last ones not whole.
SMALL = "queries = 2, keys = 8, key_block = 16, rows = 4, panels = 1, unit_blocks = 1, in_place = false"
CASES = {}  # name: (title, text, arguments' shapes, function of the inputs, symbols, what inputs hold)


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
        transposed_key=False, plan=None, values=None, element="f32"):
    """mask: its shape; heads_last: operands and result are stored as [N, L, H, D]; element: of all but the mask."""
    lines, arguments, operands, turns = "  %size = rt.symbol 0 : index\n" if any("s" in str(x) for x in (n, l, s)) else "", [], [], []
    stored = (0, 2, 1, 3) if heads_last else (0, 1, 2, 3)
    for name, shape in (("q", (n, h, l, d)), ("k", (n, g, s, d)), ("v", (n, g, s, e))):
        perm = (0, 1, 3, 2) if name == "k" and transposed_key else stored
        kept = [shape[x] for x in perm]
        back = [perm.index(i) for i in range(4)]
        arguments.append(kept)
        operands.append((f"%t{name}", tensor(shape, element)))
        turns.append(back)
        lines += empty(f"e{name}", shape, element)
        lines += (f"  %t{name} = linalg.transpose ins(%{name} : {tensor(kept, element)}) outs(%e{name} : {tensor(shape, element)})"
                  f" permutation = {back}\n")
    result, kept = (n, h, l, e), [(n, h, l, e)[x] for x in stored]
    lines += empty("init", result, element)
    if mask:
        arguments.append(mask)
    attributes = [f"scale = {scale} : f32"]
    attributes += [f"fill = {'0xFF800000' if fill == -np.inf else fill} : f32"] if fill is not None else []
    attributes += ["causal"] if causal else []
    attributes += [f"guard = {dict(none=0, empty=1, nan=2)[guard]} : i32"] if guard != "none" else []
    attributes += [f"plan = #kern.attention_plan<{plan}>"] if plan else []
    lines += (f"  %y = kern.attention ins({', '.join(x for x, _ in operands)} : {', '.join(t for _, t in operands)})"
              + (f" mask(%m : {tensor(mask)})" if mask else "") + f" outs(%init : {tensor(result, element)}) {{{', '.join(attributes)}}} -> {tensor(result, element)}\n")
    lines += empty("er", kept, element)
    lines += (f"  %r = linalg.transpose ins(%y : {tensor(result, element)}) outs(%er : {tensor(kept, element)})"
              f" permutation = {[stored[i] for i in range(4)]}\n")
    name = f"k{len(CASES)}"
    names = ["%q", "%k", "%v"] + ["%m"] * bool(mask)
    elements = [element] * 3 + ["f32"]
    text = (f"func.func @{name}({', '.join(f'{a}: {tensor(x, of)}' for a, x, of in zip(names, arguments, elements))})"
            f" -> {tensor(kept, element)} attributes {{rt.kernel}} {{\n{lines}  return %r : {tensor(kept, element)}\n}}\n")

    def wanted(inputs):
        q, k, v = (x.transpose(turn) for x, turn in zip(inputs, turns))
        return reference(q, k, v, inputs[3] if mask else None, scale, fill, causal, guard).transpose(stored)

    CASES[name] = (title, text, arguments, wanted, symbols, values)


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


def run(kernel, shapes, wanted, all_symbols, values):
    for symbols in all_symbols:
        inputs = [rng.standard_normal(evaluate_shape(shape, symbols)).astype(np.float32) for shape in shapes]
        if values:
            values(inputs)
        with np.errstate(all="ignore"):
            want = np.ascontiguousarray(wanted(inputs), np.float32)
        error = check(kernel, inputs, [want], 2e-5, symbols)
        yield error and f"at {symbols}: {error}"


def main():
    for table in (fixed, masks, few_queries, open_ones):
        table()
    run_cases(CASES, run)


if __name__ == "__main__":
    main()
