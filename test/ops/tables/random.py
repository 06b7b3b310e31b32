"""Random numbers with a seed: NumPy's; test_random.py has those without one."""

import numpy as np
from table import F16, F32, F64, I32, case, const


def uniform(*shape, seed):
    return np.random.RandomState(seed).rand(*shape)


def cases(t):
    for seed in (0.0, 7.0, 123456.0):
        for kind, dtype in ((1, F32), (11, F64), (10, F16)):
            yield case("RandomUniform", shape=[3, 700], seed=seed, dtype=kind, low=-1.0, high=3.0, want="onnx")
            yield case("RandomNormal", shape=[3, 701], seed=seed, dtype=kind, mean=2.0, scale=0.5, want="onnx")
        yield case("RandomUniformLike", t(3, 5), seed=seed, want="onnx")
        yield case("RandomNormalLike", t(3, 5, dtype=I32), seed=seed, dtype=1, want="onnx")
        yield case("Bernoulli", t(30, 50, low=0.01, high=0.99), seed=seed, want="onnx")
        yield case("Bernoulli", t(30, 50, dtype=F64, low=0.01, high=0.99), seed=seed, dtype=6, want="onnx")
        x, training = t(3, 17), const(True)
        yield case("Dropout", x, const(0.3, F32), training, seed=int(seed), outputs=2, want=lambda x, r, _, s=int(seed): (
            np.where(uniform(*x.shape, seed=s) >= r, x / (1 - r), 0).astype(F32), uniform(*x.shape, seed=s) >= r))
        yield case("Multinomial", t(5, 4), sample_size=100, seed=seed, want=lambda x, s=int(seed): chosen(x, s))


def chosen(logits, seed):
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    reached = uniform(len(logits), 100, seed=seed)[:, :, None] >= p.cumsum(1)[:, None]
    return np.minimum(reached.sum(2), logits.shape[1] - 1).astype(I32)
