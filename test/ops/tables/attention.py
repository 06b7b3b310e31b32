"""Attention as ONNX has it since opset 23."""

import numpy as np
from table import BOOL, F16, case


HEADS = 1, 3  # the dims of their number and of their depth


def of_halves(q, k, v, mask=None):
    """In f64: references round scores to f16."""
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    k, v = (np.repeat(x, q.shape[1] // x.shape[1], 1) for x in (k, v))
    scores = np.einsum("nhld,nhsd->nhls", q, k) / np.sqrt(q.shape[3])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (np.einsum("nhls,nhse->nhle", weights, v) / weights.sum(-1, keepdims=True)).astype(F16)


def cases(t):
    q, k, v = (2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 10)
    yield case("Attention", t(*q), t(*k), t(*v), want="onnx")
    yield case("Attention", t(*q), t(*k), t(*v), scale=0.1, want="onnx")
    yield case("Attention", t(*q), t(*k), t(*v), is_causal=1, want="onnx")
    yield case("Attention", t(*q), t(*k), t(*v), t(4, 6), want="onnx")
    mask = np.ones((4, 6), dtype=BOOL)
    mask[:, 4:] = False
    yield case("Attention", t(*q), t(*k), t(*v), mask, want="onnx")
    mask[1] = False
    yield case("Attention", t(*q), t(*k), t(*v), mask, want="onnx", note="a query without a key")
    bias = np.where(mask, t(4, 6), -np.inf).astype(np.float32)
    yield case("Attention", t(*q), t(*k), t(*v), bias, want="onnx", note="a query without a key")
    yield case("Attention", t(*q), t(*k), t(*v), t(2, 1, 4, 6), is_causal=1, want="onnx")
    yield case("Attention", t(*q), t(*k), t(*v), t(3, 1, 6), want="onnx")
    yield case("Attention", t(2, 6, 37, 20), t(2, 2, 50, 20), t(2, 2, 50, 33), t(2, 1, 37, 50),
               want="onnx", note="grouped queries")
    yield case("Attention", t(2, 6, 4, 8), t(2, 3, 6, 8), t(2, 3, 6, 8), want="onnx",
               note="grouped queries")
    for length in (1, 3):
        yield case("Attention", t(1, 6, length, 64), t(1, 2, 300, 64), t(1, 2, 300, 64), want="onnx",
                   note="few queries", known=HEADS)
        yield case("Attention", t(2, 3, length, 20), t(2, 3, 77, 20), t(2, 3, 77, 33),
                   t(2, 1, length, 77), want="onnx", note="few queries", known=HEADS)
    for mask in ([], [np.where(t(1, 700) < 1, t(1, 700), -np.inf).astype(np.float32)]):
        yield case("Attention", t(1, 6, 1, 64), t(1, 2, 700, 64), t(1, 2, 700, 64), *mask, want="onnx",
                   note="a long cache", known=HEADS)
    yield case("Attention", t(1, 6, 2, 20), t(1, 6, 1200, 20), t(1, 6, 1200, 33), want="onnx",
               note="a long cache", known=HEADS)
    for length, depth in ((1, 64), (2, 20), (40, 64)):
        yield case("Attention", t(1, 6, length, depth, dtype=F16), t(1, 2, 600, depth, dtype=F16),
                   t(1, 2, 600, 40, dtype=F16), want="onnx", note="f16",
                   known=HEADS)
    for q, k, v in (((1, 4, 40, 64), (1, 2, 100, 64), (1, 2, 100, 64)), ((2, 3, 33, 20), (2, 3, 50, 20), (2, 3, 50, 33))):
        halves = [t(*shape, dtype=F16) for shape in (q, k, v)]
        mask = np.tri(q[2], k[2], 20).astype(BOOL)
        yield case("Attention", *halves, want=of_halves, known=HEADS)
        yield case("Attention", *halves, mask, want=of_halves, known=HEADS)
    yield case("Attention", t(2, 4, 24), t(2, 6, 24), t(2, 6, 24), q_num_heads=3, kv_num_heads=3,
               want="onnx")
