// Reads a serialized ONNX model without its weights.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nncc {

/// A run of bytes in the file that holds data of one tensor.
struct PayloadPiece {
  uint64_t offset = 0; ///< bytes from the start of the file
  uint64_t length = 0; ///< bytes
  bool tagged = false; ///< each element is preceded by its field's tag (unpacked encoding)
};

/// Data of one tensor that was left out of the scanned message.
struct Payload {
  int field = 0; ///< TensorProto's field number: raw_data, float_data, ...
  llvm::SmallVector<PayloadPiece, 1> pieces; ///< in file order; the field's value is all of them
};

/// A model whose large tensors are elsewhere. A tensor whose data was left out carries
/// `segment.begin` = index in `payloads`. Nothing else can set that field: a file in which a tensor
/// has it is refused.
struct ScannedModel {
  std::string message;
  std::vector<Payload> payloads;
};

/// Tensor data of at most this many bytes stays in the message.
constexpr uint64_t inlinePayloadBytes = 1024;

/// Copies the ModelProto serialized in `file`, leaving out unknown fields and every numeric tensor
/// payload larger than `inlinePayloadBytes`. Does not touch the pages of raw payloads.
/// Source: protobuf's wire format, https://protobuf.dev/programming-guides/encoding.
/// Errors (invalid): truncated or malformed wire data with its byte offset; messages nested more
/// than 100 deep, as in protobuf; a tensor in segments; data in more than one field of a tensor.
llvm::Expected<ScannedModel> scanModel(llvm::StringRef file);

/// A base-128 number at `offset` of `bytes`; advances `offset`. False at the end or past 64 bits.
bool readVarint(llvm::StringRef bytes, uint64_t &offset, uint64_t &value);

} // namespace nncc
