"""Einsum and Fourier transforms."""

import numpy as np
from table import F32, F64, I32, case, const, ints

EQUATIONS = [("ij,jk->ik", (3, 17), (17, 5)), ("bij,bjk->bik", (2, 3, 17), (2, 17, 5)), ("ij->ji", (3, 17)),
             ("ii->i", (5, 5)), ("ii", (5, 5)), ("iij->ij", (5, 5, 3)), ("ij->", (3, 17)), ("i,j->ij", (3,), (17,)),
             ("ij,ij->", (3, 17), (3, 17)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
             ("...ij,...jk->...ik", (2, 3, 4, 5), (2, 3, 5, 6)), ("...ij,...jk", (2, 1, 4, 5), (3, 5, 6)),
             ("ij,jk,kl->il", (3, 4), (4, 5), (5, 6)), ("ijk,j->ik", (2, 3, 4), (3,)), ("ab,ac,ad->bcd", (2, 3), (2, 4), (2, 5)),
             ("bij, bjk -> ik", (2, 3, 4), (2, 4, 5)), ("i,i", (17,), (17,)), ("...->...", (2, 3)),
             ("...i->...", (2, 3, 4)), (",ij->ij", (), (3, 4)), ("ijij->", (2, 3, 2, 3))]  # fmt: skip


def spectrum(x, n=None, axis=1, onesided=False):
    signal = x[..., 0] + (1j * x[..., 1] if x.shape[-1] == 2 else 0)
    y = np.fft.fft(signal.astype(np.complex128), n=n, axis=axis)
    if onesided:
        y = np.take(y, range(y.shape[axis] // 2 + 1), axis)
    return np.stack([y.real, y.imag], -1).astype(x.dtype)


def cases(t):
    for equation, *shapes in EQUATIONS:
        yield case("Einsum", *(t(*shape) for shape in shapes), equation=equation,
                   want=lambda *x, e=equation: np.asarray(np.einsum(e, *x)).astype(F32))
    yield case("Einsum", t(3, 5, dtype=I32), t(5, 4, dtype=I32), equation="ij,jk->ik", want="onnx")
    for n in (1, 2, 7, 64, 67, 128, 360, 1000, 74):  # matrices, primes, factors
        yield case("DFT", t(2, n, 2), None, const(1), want=lambda x, *_: spectrum(x), note=f"length {n}")
        yield case("DFT", t(2, n, 1), None, const(1), onesided=1, want=lambda x, *_: spectrum(x, onesided=True))
        yield case("DFT", t(2, n, 2), None, const(1), inverse=1, want=lambda x, *_: inverse(x))
    for n in (8, 9):
        yield case("DFT", t(2, 5, 2), const(n), const(1), inverse=1, onesided=1,
                   want=lambda x, *_, n=n: np.fft.irfft(x[..., 0] + 1j * x[..., 1], n=n, axis=1)[..., None].astype(F32))
    yield case("DFT", t(2, 10, 3, 1), const(16), const(-3), want=lambda x, *_: spectrum(x, 16))
    yield case("DFT", t(2, 10, 3, 1), const(6), const(-3), want=lambda x, *_: spectrum(x, 6))
    yield case("DFT", t(3, 10, 2, dtype=F64), want=lambda x: spectrum(x))
    for window in (None, t.const(16, low=0, high=1)):
        for onesided in (0, 1):
            def frames(x, *rest, onesided=onesided, window=window):
                weights = 1 if window is None else window.array[:, None]
                parts = np.stack([x[:, s:s + 16] * weights for s in range(0, x.shape[1] - 15, 5)], 1)
                return spectrum(parts, axis=2, onesided=bool(onesided)).astype(F32)

            yield case("STFT", t(2, 50, 1), const(5), window, const(16), onesided=onesided, want=frames)


def inverse(x):
    y = np.fft.ifft(x[..., 0] + 1j * x[..., 1], axis=1)
    return np.stack([y.real, y.imag], -1).astype(F32)
