"""Matrix products with weights of 8 or 4 bits: MatMulNBits of com.microsoft, ONNX Runtime's own operator.

Each MatMul by a constant matrix [K, N] of f32 becomes one by codes in blocks of 32 rows, each with a scale per
column: weight = (code - 2**(bits - 1)) * scale, with the scale at which the largest weight of the block is a code.
"""

import numpy as np
from onnx import helper, numpy_helper

BLOCK = 32


def pack(matrix, bits):
    """(codes uint8 [N, blocks, bytes], scales f32 [N, blocks]) of a matrix [K, N]; 4-bit codes lie in pairs, the first
    one in the low bits."""
    depth, columns = matrix.shape
    padded = np.zeros((columns, -(-depth // BLOCK) * BLOCK), np.float32)
    padded[:, :depth] = matrix.T
    blocks = padded.reshape(columns, -1, BLOCK)
    most = 2 ** (bits - 1) - 1
    scales = np.abs(blocks).max(-1) / most
    scales[scales == 0] = 1
    codes = np.clip(np.rint(blocks / scales[..., None]), -most - 1, most).astype(np.int64) + most + 1
    if bits == 4:
        codes = codes[..., ::2] | codes[..., 1::2] << 4
    return codes.astype(np.uint8), scales.astype(np.float32)


def convert(model, bits):
    """Rewrites `model` in place."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made = {}
    for node in graph.node:
        weights = constants.get(node.input[1]) if node.op_type == "MatMul" else None
        if weights is None or len(weights.dims) != 2 or weights.data_type != 1:
            continue
        name = weights.name
        if name not in made:
            codes, scales = pack(numpy_helper.to_array(weights), bits)
            graph.initializer.append(numpy_helper.from_array(codes, name + ".codes"))
            graph.initializer.append(numpy_helper.from_array(scales.reshape(-1), name + ".scales"))
            made[name] = list(weights.dims)
        depth, columns = made[name]
        node.op_type, node.domain = "MatMulNBits", "com.microsoft"
        node.input[1] = name + ".codes"
        node.input.append(name + ".scales")
        for key, value in dict(K=depth, N=columns, bits=bits, block_size=BLOCK).items():
            node.attribute.append(helper.make_attribute(key, value))
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    if made and not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
