// The GPU that code is generated for.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>

namespace nncc::nvptx {

/// By NVIDIA's name of its code: "sm_90a".
struct Chip {
  std::string name;
  int capability = 0;   // 10 * major + minor of its compute capability: 90
  bool isExact = false; // its code uses features of this capability alone, as sm_90a's does

  /// Reports a chip that LLVM does not know or that is older than sm_70.
  static llvm::Expected<Chip> parse(llvm::StringRef name);

  /// For all chips from this capability on: kernels use no feature of one chip alone, so that their
  /// PTX is good for later ones. One per thread: LLVM's target machines are not shared.
  std::unique_ptr<llvm::TargetMachine> create() const;
};

/// Of the largest chip of this capability (NVIDIA's architecture white papers): how many blocks it
/// works on at least.
int64_t multiprocessorsOf(int64_t capability);

/// The first capability with products of f16 and bf16 on tensor cores, and asynchronous copies.
constexpr int tensorCores = 80;

/// Bytes of shared memory that a chip of this capability has for a block that asks for it (CUDA C++
/// Programming Guide, "Technical Specifications per Compute Capability"). Later chips may have
/// less.
int64_t mostDynamicShared(int64_t capability);
/// Of all blocks on one of its multiprocessors, each of which takes `reservedShared` more.
int64_t sharedOfMultiprocessor(int64_t capability);
constexpr int64_t reservedShared = 1 << 10;

} // namespace nncc::nvptx
