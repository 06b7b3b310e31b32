// Tensors as messages of ONNX.
#pragma once

#include "tools/nncc/Tensor.h"

namespace onnx {
class TensorProto;
}

namespace nncc::tool {

/// `fileSize` is that of the file which holds the message: no more memory is asked for than it can
/// fill. Errors do not name the file.
llvm::Expected<Tensor> fromProto(const onnx::TensorProto &proto, size_t fileSize);
llvm::Error toProto(const Tensor &tensor, onnx::TensorProto &proto);

} // namespace nncc::tool
