"""all-MiniLM-L6-v2 as ONNX: the graph from its weights, and its tokenizer.

Needs numpy and onnx only; no torch, transformers or tokenizers.
"""

import json
import math
import unicodedata
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

# ---------------------------------------------------------------- the weights


def read_safetensors(path):
    """{name: array} of a .safetensors file holding float32 and int64 tensors."""
    data = Path(path).read_bytes()
    header_size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_size])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + header_size :]
    dtypes = {"F32": "<f4", "I64": "<i8"}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(body[begin:end], dtypes[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


# ------------------------------------------------------------------ the graph


class GraphBuilder:
    """Collects nodes and initializers; every method returns a tensor name."""

    def __init__(self):
        self.nodes = []
        self.initializers = {}

    def const(self, name, value):
        if name not in self.initializers:
            array = np.ascontiguousarray(value)
            self.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def node(self, op, name, *inputs, output=None, **attributes):
        output = output or name
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=name, **attributes))
        return output


def build(weights, config, opset=17):
    """The sentence encoder as a ModelProto.

    Inputs input_ids, attention_mask, token_type_ids: int64 [batch, sequence].
    Output sentence_embedding: float [batch, hidden], of unit length.
    Opset 17 spells GELU with Erf; opset 20 and later uses the Gelu operator.
    """
    heads = config["num_attention_heads"]
    hidden = config["hidden_size"]
    epsilon = config["layer_norm_eps"]
    g = GraphBuilder()

    def f32(value):
        return np.float32(value)

    def linear(x, name):
        """x @ W^T + b; PyTorch stores W as [out, in]."""
        matrix = g.const(name + ".weight", weights[name + ".weight"].T)
        bias = g.const(name + ".bias", weights[name + ".bias"])
        product = g.node("MatMul", name + "/MatMul", x, matrix)
        return g.node("Add", name + "/Add", product, bias)

    def layer_norm(x, name):
        scale = g.const(name + ".weight", weights[name + ".weight"])
        bias = g.const(name + ".bias", weights[name + ".bias"])
        return g.node("LayerNormalization", name, x, scale, bias, axis=-1, epsilon=epsilon)

    def gelu(x, name):
        if opset >= 20:
            return g.node("Gelu", name + "/Gelu", x)
        scaled = g.node("Div", name + "/Div", x, g.const("sqrt_2", f32(math.sqrt(2))))
        erf = g.node("Erf", name + "/Erf", scaled)
        cdf = g.node("Add", name + "/Add_1", erf, g.const("one", f32(1)))
        product = g.node("Mul", name + "/Mul", x, cdf)
        return g.node("Mul", name + "/Mul_1", product, g.const("half", f32(0.5)))

    def split_heads(x, name, perm):
        shape = g.const("split_shape", np.int64([0, 0, heads, hidden // heads]))
        parts = g.node("Reshape", name + "/Reshape", x, shape)
        return g.node("Transpose", name + "/Transpose", parts, perm=perm)

    def attention(x, bias, name):
        q = split_heads(linear(x, name + ".self.query"), name + ".self.query", [0, 2, 1, 3])
        k = split_heads(linear(x, name + ".self.key"), name + ".self.key", [0, 2, 3, 1])
        v = split_heads(linear(x, name + ".self.value"), name + ".self.value", [0, 2, 1, 3])
        scores = g.node("MatMul", name + "/scores", q, k)
        root = g.const("sqrt_head_size", f32(math.sqrt(hidden // heads)))
        scores = g.node("Div", name + "/scaled", scores, root)
        scores = g.node("Add", name + "/masked", scores, bias)
        scores = g.node("Softmax", name + "/Softmax", scores, axis=-1)
        mixed = g.node("MatMul", name + "/mixed", scores, v)
        mixed = g.node("Transpose", name + "/Transpose", mixed, perm=[0, 2, 1, 3])
        merge = g.const("merge_shape", np.int64([0, 0, hidden]))
        mixed = g.node("Reshape", name + "/Reshape", mixed, merge)
        mixed = linear(mixed, name + ".output.dense")
        mixed = g.node("Add", name + "/residual", mixed, x)
        return layer_norm(mixed, name + ".output.LayerNorm")

    # Embeddings: word + position + token type, then layer normalisation.
    def table(name):
        return g.const(f"embeddings.{name}.weight", weights[f"embeddings.{name}.weight"])

    words = g.node("Gather", "embeddings/words", table("word_embeddings"), "input_ids")
    types = g.node("Gather", "embeddings/types", table("token_type_embeddings"), "token_type_ids")
    length = g.node("Shape", "embeddings/length", "input_ids", start=1, end=2)
    zero = g.const("zero_index", np.int64([0]))
    positions = g.node(
        "Slice", "embeddings/positions", table("position_embeddings"), zero, length, zero
    )
    x = g.node("Add", "embeddings/Add", words, types)
    x = g.node("Add", "embeddings/Add_1", x, positions)
    x = layer_norm(x, "embeddings.LayerNorm")

    # 0 where attention is allowed, -10000 where it is not: [batch, 1, 1, sequence].
    mask = g.node("Cast", "mask/Cast", "attention_mask", to=TensorProto.FLOAT)
    wide = g.node("Unsqueeze", "mask/Unsqueeze", mask, g.const("mask_axes", np.int64([1, 2])))
    absent = g.node("Sub", "mask/Sub", g.const("one", f32(1)), wide)
    bias = g.node("Mul", "mask/Mul", absent, g.const("minus_10000", f32(-10000)))

    for layer in range(config["num_hidden_layers"]):
        name = f"encoder.layer.{layer}"
        x = attention(x, bias, name + ".attention")
        inner = gelu(linear(x, name + ".intermediate.dense"), name + ".intermediate")
        outer = linear(inner, name + ".output.dense")
        x = layer_norm(g.node("Add", name + "/residual", outer, x), name + ".output.LayerNorm")

    # Mean over the unmasked tokens, then unit length.
    last = g.const("last_axis", np.int64([-1]))
    middle = g.const("sequence_axis", np.int64([1]))
    column = g.node("Unsqueeze", "pool/Unsqueeze", mask, last)
    kept = g.node("Mul", "pool/Mul", x, column)
    total = g.node("ReduceSum", "pool/total", kept, middle, keepdims=0)
    count = g.node("ReduceSum", "pool/count", column, middle, keepdims=0)
    count = g.node("Max", "pool/Max", count, g.const("tiny_count", f32(1e-9)))
    mean = g.node("Div", "pool/mean", total, count)
    square = g.node("Mul", "normalise/square", mean, mean)
    norm = g.node("ReduceSum", "normalise/sum", square, last, keepdims=1)
    norm = g.node("Sqrt", "normalise/Sqrt", norm)
    norm = g.node("Max", "normalise/Max", norm, g.const("tiny_norm", f32(1e-12)))
    g.node("Div", "normalise/Div", mean, norm, output="sentence_embedding")

    def ids(name):
        return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])

    graph = helper.make_graph(
        g.nodes,
        "all-MiniLM-L6-v2",
        [ids("input_ids"), ids("attention_mask"), ids("token_type_ids")],
        [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", hidden])],
        list(g.initializers.values()),
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="nncc models",
    )
    model.ir_version = 8 if opset <= 17 else 9
    checker.check_model(model, full_check=True)
    return model


# -------------------------------------------------------------- the tokenizer


class WordPiece:
    """BERT's uncased tokenizer: clean, lower, split at punctuation, longest match."""

    def __init__(self, vocabulary):
        lines = Path(vocabulary).read_text(encoding="utf-8").splitlines()
        self.ids = {token: index for index, token in enumerate(lines)}

    def encode(self, text, limit=256):
        """Token ids of one text, at most limit: [CLS] in front, [SEP] behind."""
        ids = [self.ids["[CLS]"]]
        for word in self._words(text):
            ids += self._pieces(word)
        return ids[: limit - 1] + [self.ids["[SEP]"]]

    def batch(self, texts):
        """Model inputs for several texts, padded on the right to the longest."""
        rows = [self.encode(text) for text in texts]
        input_ids = np.full((len(rows), max(map(len, rows))), self.ids["[PAD]"], np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids)] = ids
            attention_mask[row, : len(ids)] = 1
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }

    @staticmethod
    def _words(text):
        decomposed = unicodedata.normalize("NFD", text.lower())
        spaced = []
        for char in decomposed:
            category = unicodedata.category(char)
            if char in "\t\n\r" or category == "Zs":
                spaced.append(" ")
            elif category in ("Mn", "Cc", "Cf") or char == "\ufffd":
                continue
            elif _is_punctuation(char, category) or _is_ideograph(char):
                spaced.append(f" {char} ")
            else:
                spaced.append(char)
        return "".join(spaced).split()

    def _pieces(self, word):
        unknown = [self.ids["[UNK]"]]
        if len(word) > 100:
            return unknown
        pieces, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in self.ids:
                    pieces.append(self.ids[piece])
                    start = end
                    break
            else:
                return unknown
        return pieces


def _is_punctuation(char, category):
    ascii_symbol = "!" <= char <= "~" and not char.isalnum()
    return ascii_symbol or category.startswith("P")


def _is_ideograph(char):
    code = ord(char)
    blocks = (
        (0x4E00, 0x9FFF),
        (0x3400, 0x4DBF),
        (0xF900, 0xFAFF),
        (0x20000, 0x2CEAF),
        (0x2F800, 0x2FA1F),
    )
    return any(low <= code <= high for low, high in blocks)
