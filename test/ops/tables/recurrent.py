"""Recurrent layers, against ONNX's formulas in float64 and against ONNX Runtime."""

import numpy as np
from table import F16, F32, F64, I32, Const, case

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
ACTIVATIONS = {  # function, and the defaults of what it takes
    "relu": (lambda x: np.maximum(x, 0),),
    "tanh": (np.tanh,),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)),),
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "leakyrelu": (lambda x, a: np.where(x < 0, a * x, x), 0.01),
    "thresholdedrelu": (lambda x, a: np.where(x >= a, x, 0), 1.0),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "elu": (lambda x, a: np.where(x < 0, a * np.expm1(x), x), 1.0),
    "softsign": (lambda x: x / (1 + np.abs(x)),),
    "softplus": (lambda x: np.log1p(np.exp(x)),),
}


def functions(names, alphas, betas):
    """Each name takes the next of alpha and beta if it has such a number, as in ONNX Runtime."""
    alphas, betas = list(alphas), list(betas)
    for name in names:
        function, *numbers = ACTIVATIONS[name.lower()]
        for i, given in enumerate((alphas, betas)[: len(numbers)]):
            if given:
                numbers[i] = np.float32(given.pop(0))
        yield lambda x, f=function, n=numbers: f(x, *n)


def cell(op, x, h, c, r, rb, peepholes, functions, clip, input_forget, linear_before_reset):
    """One step of one row: `x` has the products of the input and all biases but `rb`."""
    bounded = (lambda v: np.clip(v, -clip, clip)) if clip else (lambda v: v)
    f, g, out = [*functions, None, None][:3]
    gates = np.split(r, GATES[op])
    x = np.split(x, GATES[op])
    if op == "RNN":
        return f(bounded(x[0] + h @ gates[0].T)), c
    if op == "GRU":
        z, reset = (f(bounded(x[i] + h @ gates[i].T)) for i in (0, 1))
        if linear_before_reset:
            new = g(bounded(x[2] + reset * (h @ gates[2].T + rb)))
        else:
            new = g(bounded(x[2] + (reset * h) @ gates[2].T + rb))
        return (1 - z) * new + z * h, c
    pi, po, pf = np.split(peepholes, 3)
    i = f(bounded(x[0] + h @ gates[0].T + pi * c))
    forget = 1 - i if input_forget else f(bounded(x[2] + h @ gates[2].T + pf * c))
    c = forget * c + i * g(bounded(x[3] + h @ gates[3].T))
    return f(bounded(x[1] + h @ gates[1].T + po * c)) * out(c), c


def layer(op, outputs, direction="forward", layout=0, activations=None, activation_alpha=(),
          activation_beta=(), clip=0.0, input_forget=0, linear_before_reset=0, hidden_size=0):
    """The reference of a node: a function of its operands."""

    def run(x, w, r, b=None, lengths=None, h0=None, c0=None, p=None):
        wide = [None if v is None else v.astype(F64) for v in (x, w, r, b, h0, c0, p)]
        element, (x, w, r, b, h0, c0, p) = x.dtype, wide
        directions, units = r.shape[0], r.shape[2]
        if layout:
            x, h0, c0 = (None if v is None else v.swapaxes(0, 1) for v in (x, h0, c0))
        steps, rows = x.shape[:2]
        b = np.zeros((directions, 2 * r.shape[1])) if b is None else b
        p = np.zeros((directions, 3 * units)) if p is None else p
        y = np.zeros((steps, directions, rows, units))
        last = [np.zeros((directions, rows, units)) for _ in range(2)]
        names = activations or DEFAULTS[op] * directions
        chosen = list(functions(names, activation_alpha, activation_beta))
        for d in range(directions):
            own = chosen[d * len(chosen) // directions :][: len(chosen) // directions]
            backwards = direction == "reverse" or d == 1
            wb, rb = np.split(b[d], 2)
            if op == "GRU":
                wb = wb + np.concatenate([rb[: 2 * units], np.zeros(units)])
                rb = rb[2 * units :]
            else:
                wb = wb + rb
            for row in range(rows):
                length = steps if lengths is None else lengths[row]
                h, c = (np.zeros(units) if s is None or (lengths is not None and length == 0)
                        else s[d, row] for s in (h0, c0))
                for t in reversed(range(length)) if backwards else range(length):
                    h, c = cell(op, x[t, row] @ w[d].T + wb, h, c, r[d], rb, p[d], own, clip,
                                input_forget, linear_before_reset)
                    y[t, d, row] = h
                last[0][d, row], last[1][d, row] = h, c
        if layout:
            y, last = y.transpose(2, 0, 1, 3), [s.swapaxes(0, 1) for s in last]
        return tuple(v.astype(element) for v in [y, *last][:outputs])

    return run


def cases(t):
    def rnn(op, steps=5, rows=3, inputs=6, units=20, bias=True, lengths=None, h=False, c=False,
            p=False, element=F32, constant=True, want=None, note="", **attributes):
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        gates, first = GATES[op], (rows, steps) if attributes.get("layout") else (steps, rows)
        state = (rows, directions, units) if attributes.get("layout") else (directions, rows, units)

        def weights(*shape):
            largest = min(0.5, 2 / units**0.5)  # rounding errors do not grow from step to step
            array = t(*shape, dtype=element, low=-largest, high=largest)
            return Const(array) if constant else array

        operands = [t(*first, inputs, dtype=element, low=-1, high=1),
                    weights(directions, gates * units, inputs),
                    weights(directions, gates * units, units),
                    weights(directions, 2 * gates * units) if bias else None,
                    None if lengths is None else np.array(lengths, dtype=I32),
                    t(*state, dtype=element, low=-1, high=1) if h else None,
                    t(*state, dtype=element, low=-1, high=1) if c else None,
                    weights(directions, 3 * units) if p else None]
        while operands[-1] is None:
            operands.pop()
        outputs = 3 if op == "LSTM" else 2
        attributes["hidden_size"] = units
        return case(op, *operands, outputs=outputs, want=want or layer(op, outputs, **attributes),
                    note=note, **attributes)

    for op in GATES:
        yield from options(rnn, op)
        yield from sizes(rnn, op)
        yield from activations(rnn, op)


def options(rnn, op):
    for direction in ("forward", "reverse", "bidirectional"):
        state = dict(h=True, c=op == "LSTM")
        yield rnn(op, direction=direction)
        yield rnn(op, direction=direction, want="ort", **state)
        yield rnn(op, direction=direction, bias=False, constant=False, **state)
        yield rnn(op, direction=direction, lengths=[5, 2, 0], want="ort", **state)
        yield rnn(op, direction=direction, lengths=[1, 4, 3], rows=3, clip=0.3, **state)
        yield rnn(op, direction=direction, clip=0.2, want="ort", **state)
        yield rnn(op, direction=direction, layout=1, lengths=[3, 5, 1], **state)
        yield rnn(op, direction=direction, element=F16, **state)
        yield rnn(op, direction=direction, element=F64, lengths=[3, 5, 1], **state)
        if op == "LSTM":
            yield rnn(op, direction=direction, p=True, want="ort", **state)
            yield rnn(op, direction=direction, p=True, constant=False, clip=0.3, **state)
            yield rnn(op, direction=direction, input_forget=1, p=True, want="ort", **state)
            yield rnn(op, direction=direction, input_forget=1, clip=0.5, **state)
        if op == "GRU":
            yield rnn(op, direction=direction, linear_before_reset=1, want="ort", **state)
            yield rnn(op, direction=direction, linear_before_reset=1, bias=False, clip=0.2)
            yield rnn(op, direction=direction, linear_before_reset=1, constant=False, layout=1)
            yield rnn(op, direction=direction, linear_before_reset=1, element=F64, **state)


def sizes(rnn, op):
    for steps, rows, units in ((1, 1, 1), (3, 1, 16), (4, 2, 17), (3, 7, 64), (2, 8, 80), (3, 9, 100),
                               (2, 19, 33), (30, 1, 128), (2, 4, 200), (0, 2, 8), (3, 0, 8)):
        for direction in ("forward", "bidirectional"):
            yield rnn(op, steps=steps, rows=rows, units=units, direction=direction, h=True)


def activations(rnn, op):
    count = len(DEFAULTS[op])
    every = ["Relu", "Tanh", "sigmoid", "Affine", "LEAKYRELU", "ThresholdedRelu", "ScaledTanh",
             "HardSigmoid", "Elu", "Softsign", "softplus"]
    for i in range(len(every)):
        names = [every[(i + j) % len(every)] for j in range(count)]
        yield rnn(op, steps=3, activations=names)
        yield rnn(op, steps=3, activations=names, activation_alpha=[0.4, 0.7, 0.2],
                  activation_beta=[0.3, 0.8])
        two = names + [every[(i + 5 + j) % len(every)] for j in range(count)]
        yield rnn(op, steps=3, activations=two, direction="bidirectional", lengths=[3, 1, 2], h=True,
                  activation_alpha=[0.4, 0.7, 0.2, 0.6], activation_beta=[0.3, 0.8, 0.1])
    for names in (["Affine", "ScaledTanh", "Elu"], ["HardSigmoid", "Softsign", "Softplus"],
                  ["LeakyRelu", "ThresholdedRelu", "Relu"]):
        yield rnn(op, steps=3, activations=names[:count], activation_alpha=[0.4, 0.7, 0.2],
                  activation_beta=[0.3, 0.8], want="ort")
