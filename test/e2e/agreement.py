"""When two results of one model agree.

For every element |got - want| <= 1e-4 |want| + 1e-5 max|want|. Where that does not hold, both are
compared with the model evaluated in float64, and `got` may be at most twice as far from it as
`want` is. Integers are equal.
"""

import numpy as np

import float64

RELATIVE, OF_LARGEST = 1e-4, 1e-5
F64_FACTOR = 2.0


class Mismatch(Exception):
    """Outputs that do not agree: which, and by how much."""


def largest(array):
    return float(np.abs(array).max(initial=0.0))


def check_form(got, want):
    """Same outputs, shapes and types; integers equal; no NaN or infinity that is not wanted."""
    if list(got) != list(want):
        raise Mismatch(f"outputs {list(got)}, expected {list(want)}")
    for name in want:
        g, w = got[name], want[name]
        if (g.shape, g.dtype) != (w.shape, w.dtype):
            found, expected = f"{g.dtype}{list(g.shape)}", f"{w.dtype}{list(w.shape)}"
            raise Mismatch(f"{name}: {found}, expected {expected}")
        if not np.issubdtype(w.dtype, np.floating):
            if not np.array_equal(g, w):
                raise Mismatch(f"{name}: {int((g != w).sum())} of {w.size} elements differ")
        elif not np.array_equal(np.isfinite(g), np.isfinite(w)):
            bad = int((np.isfinite(g) != np.isfinite(w)).sum())
            raise Mismatch(f"{name}: {bad} of {w.size} elements are not finite")


def used(got, want):
    """Worst share of the allowance that a float output uses."""
    g, w = got.astype(np.float64), want.astype(np.float64)
    allowed = RELATIVE * np.abs(w) + OF_LARGEST * largest(w)
    difference = np.abs(g - w)
    share = np.divide(difference, allowed, where=difference > 0, out=np.zeros_like(w))
    return float(share.max(initial=0.0))


def judge(path, feeds, got, want):
    """(largest absolute difference, rule as text); raises Mismatch."""
    check_form(got, want)
    floats = [n for n in want if np.issubdtype(want[n].dtype, np.floating)]
    difference = max((largest(got[n].astype(float) - want[n]) for n in floats), default=0.0)
    share = max((used(got[n], want[n]) for n in floats), default=0.0)
    if share <= 1:
        return difference, f"ort {share:.2f}"
    try:
        exact = float64.run(path, feeds)
    except Exception as error:  # the evaluator raises what it likes for what it does not know
        why = f"differs by {difference:.2e} ({share:.1f} x the allowance)"
        raise Mismatch(f"{why}, and there is no float64 result: {error}") from error
    worst = 0.0
    for name in floats:
        ours, theirs = largest(got[name] - exact[name]), largest(want[name] - exact[name])
        ratio = ours / max(theirs, 1e-300)
        worst = max(worst, ratio)
        if ratio > F64_FACTOR:
            raise Mismatch(
                f"{name}: differs by {difference:.2e} ({share:.1f} x the allowance); error against "
                f"float64 {ours:.2e}, ONNX Runtime's {theirs:.2e} ({ratio:.1f} x)"
            )
    return difference, f"f64 {worst:.2f}"
