#!/usr/bin/env python3
"""Two small trained classifiers for compression experiments, and their data.

    train.py [--dir DIR]    write digits_mlp.onnx, digits_cnn.onnx, digits_test.npz
                            (x, label) and digits_calib.npz (x)

The data are scikit-learn's 1797 bundled 8x8 digits (no download). Training is
plain numpy and seeded; it takes about a minute. Both models map x, float
[batch, 1, 8, 8] with pixels in 0..1, to logits, float [batch, 10].
"""

import argparse
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SEED = 7
TEST_COUNT = 500
CALIB_COUNT = 200

# ------------------------------------------------- layers: forward and backward


class Linear:
    onnx = "Gemm"

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / inputs)
        self.weight = rng.normal(0, scale, (outputs, inputs)).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, grad):
        self.grads = [grad.T @ self.x, grad.sum(axis=0)]
        return grad @ self.weight


class Conv3x3:
    """3x3 convolution, stride 1, padded by 1, as a matrix product over patches."""

    onnx = "Conv"

    def __init__(self, rng, inputs, outputs):
        scale = np.sqrt(2 / (9 * inputs))
        self.weight = rng.normal(0, scale, (outputs, inputs, 3, 3)).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.shape = x.shape
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        batch, channels, height, width = x.shape
        self.patches = patches.transpose(0, 2, 3, 1, 4, 5).reshape(-1, channels * 9)
        y = self.patches @ self.weight.reshape(len(self.weight), -1).T + self.bias
        return y.reshape(batch, height, width, -1).transpose(0, 3, 1, 2)

    def backward(self, grad):
        batch, channels, height, width = self.shape
        rows = grad.transpose(0, 2, 3, 1).reshape(-1, len(self.weight))
        weight = (rows.T @ self.patches).reshape(self.weight.shape)
        self.grads = [weight, rows.sum(axis=0)]
        patches = rows @ self.weight.reshape(len(self.weight), -1)
        patches = patches.reshape(batch, height, width, channels, 3, 3)
        result = np.zeros((batch, channels, height + 2, width + 2), np.float32)
        for dy in range(3):
            for dx in range(3):
                part = patches[:, :, :, :, dy, dx].transpose(0, 3, 1, 2)
                result[:, :, dy : dy + height, dx : dx + width] += part
        return result[:, :, 1:-1, 1:-1]


class Relu:
    onnx = "Relu"

    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, grad):
        return grad * self.on


class MaxPool2:
    onnx = "MaxPool"

    def forward(self, x):
        batch, channels, height, width = x.shape
        cells = x.reshape(batch, channels, height // 2, 2, width // 2, 2)
        y = cells.max(axis=(3, 5), keepdims=True)
        self.on = (cells == y).astype(np.float32)
        self.on /= self.on.sum(axis=(3, 5), keepdims=True)
        return y.reshape(batch, channels, height // 2, width // 2)

    def backward(self, grad):
        batch, channels, height, width = grad.shape
        spread = grad.reshape(batch, channels, height, 1, width, 1) * self.on
        return spread.reshape(batch, channels, 2 * height, 2 * width)


class Flatten:
    onnx = "Flatten"

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad):
        return grad.reshape(self.shape)


def mlp(rng):
    return [
        Flatten(),
        Linear(rng, 64, 128),
        Relu(),
        Linear(rng, 128, 64),
        Relu(),
        Linear(rng, 64, 10),
    ]


def cnn(rng):
    return [
        *(Conv3x3(rng, 1, 32), Relu()),
        *(Conv3x3(rng, 32, 48), Relu(), MaxPool2()),
        *(Conv3x3(rng, 48, 64), Relu(), MaxPool2()),
        *(Flatten(), Linear(rng, 256, 32), Relu(), Linear(rng, 32, 10)),
    ]


def forward(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


# ------------------------------------------------------------------- training


def load_data():
    """(train x, train y), (test x, test y): a seeded split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(x))
    test, rest = order[:TEST_COUNT], order[TEST_COUNT:]
    return (x[rest], y[rest]), (x[test], y[test])


def shifted(rng, x):
    """Each image moved by at most one pixel in each direction."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    result = np.empty_like(x)
    for index, (dy, dx) in enumerate(rng.integers(0, 3, (len(x), 2))):
        result[index] = padded[index, :, dy : dy + 8, dx : dx + 8]
    return result


def train(layers, x, y, rng, epochs, augment, batch=64, peak=2e-3, decay=0.01):
    """AdamW on the cross entropy, with a learning rate falling to zero."""
    parameters = [(layer, i) for layer in layers if hasattr(layer, "weight") for i in (0, 1)]
    first = {key: 0.0 for key in parameters}
    second = {key: 0.0 for key in parameters}
    steps = epochs * -(-len(x) // batch)
    step = 0
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for begin in range(0, len(x), batch):
            rows = order[begin : begin + batch]
            logits = forward(layers, shifted(rng, x[rows]) if augment else x[rows])
            grad = np.exp(logits - logits.max(axis=1, keepdims=True))
            grad /= grad.sum(axis=1, keepdims=True)
            grad[np.arange(len(rows)), y[rows]] -= 1
            grad /= len(rows)
            for layer in reversed(layers):
                grad = layer.backward(grad)
            step += 1
            rate = peak * 0.5 * (1 + np.cos(np.pi * step / steps))
            for layer, i in parameters:
                value, g = (layer.weight, layer.bias)[i], layer.grads[i]
                key = (layer, i)
                first[key] = 0.9 * first[key] + 0.1 * g
                second[key] = 0.999 * second[key] + 0.001 * g * g
                mean = first[key] / (1 - 0.9**step)
                spread = second[key] / (1 - 0.999**step)
                value -= (rate * (mean / (np.sqrt(spread) + 1e-8) + decay * value)).astype(
                    np.float32
                )


# --------------------------------------------------------------------- export


def to_onnx(layers, name):
    from onnx import TensorProto, checker, helper, numpy_helper

    attributes = {
        "Gemm": {"transB": 1},
        "Conv": {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        "MaxPool": {"kernel_shape": [2, 2], "strides": [2, 2]},
        "Flatten": {"axis": 1},
    }
    nodes, initializers, counts, x = [], [], {}, "x"
    for index, layer in enumerate(layers):
        counts[layer.onnx] = counts.get(layer.onnx, 0) + 1
        label = f"{layer.onnx.lower()}{counts[layer.onnx]}"
        inputs = [x]
        if hasattr(layer, "weight"):
            for part in ("weight", "bias"):
                inputs.append(f"{label}.{part}")
                initializers.append(numpy_helper.from_array(getattr(layer, part), inputs[-1]))
        x = "logits" if index == len(layers) - 1 else f"{label}.out"
        nodes.append(
            helper.make_node(layer.onnx, inputs, [x], name=label, **attributes.get(layer.onnx, {}))
        )
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="digits.py"
    )
    model.ir_version = 8
    checker.check_model(model, full_check=True)
    return model


# -------------------------------------------------------------- the two models


def train_all(folder):
    import onnx

    (x, y), (test_x, test_y) = load_data()
    folder.mkdir(parents=True, exist_ok=True)
    calib = x[np.random.default_rng(SEED).permutation(len(x))[:CALIB_COUNT]]
    np.savez(folder / "digits_calib.npz", x=calib)
    np.savez(folder / "digits_test.npz", x=test_x, label=test_y)
    # Shifts help the convolutions; the fully connected network is too small for them.
    plans = (("digits_mlp", mlp, 150, False), ("digits_cnn", cnn, 30, True))
    for name, make, epochs, augment in plans:
        rng = np.random.default_rng(SEED)
        layers = make(rng)
        train(layers, x, y, rng, epochs, augment)
        onnx.save(to_onnx(layers, name), folder / f"{name}.onnx")
        size = sum(
            layer.weight.size + layer.bias.size for layer in layers if hasattr(layer, "weight")
        )
        right = (forward(layers, test_x).argmax(axis=1) == test_y).mean()
        print(f"{name}: {size} parameters, test accuracy {right:.2%}")
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=HERE)
    return train_all(parser.parse_args().dir)


if __name__ == "__main__":
    raise SystemExit(main())
