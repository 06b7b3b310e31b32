// The operator sets that a model or a function is written in.
#pragma once

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include "onnx/defs/schema.h"
#include "onnx/onnx_pb.h"

#include <optional>

namespace nncc {

/// ONNX spells its own domain "" or "ai.onnx"; we spell it "".
llvm::StringRef canonicalDomain(llvm::StringRef domain);

/// "Conv", or "com.example.Conv" outside ONNX's own domain.
std::string qualifiedName(llvm::StringRef domain, llvm::StringRef op);

/// The version of each imported domain.
class Opsets {
public:
  using Imports = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;

  /// Errors: a domain imported twice with different versions or a version below 1 (invalid); a
  /// version of one of ONNX's domains that is newer than what we know (unsupported).
  static llvm::Expected<Opsets> read(const Imports &imports);

  /// Imports the newest known version of each of ONNX's domains that is not imported yet.
  void addNewest();

  /// Nothing when `domain` is not imported.
  std::optional<int> version(llvm::StringRef domain) const;

  /// The operator as these imports see it; null when no version up to the imported one has it.
  const onnx::OpSchema *schema(llvm::StringRef domain, llvm::StringRef op) const;

private:
  llvm::StringMap<int> versions;
};

/// Whether `domain` is one that ONNX defines operators for.
bool isOnnxDomain(llvm::StringRef domain);

} // namespace nncc
