// The processor that code is generated for.
#pragma once

#include "targets/cpu/FloatControl.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>
#include <vector>

namespace nncc::cpu {

/// What the schedule of a kernel has to know of the vector unit.
struct VectorUnit {
  int64_t registers = 32, registerBytes = 64;
  int64_t dotBits = 0; // see DotProduct
};

struct Machine {
  std::string triple, cpu, features; // LLVM's names

  /// "host", "x86-64-v2", "x86-64-v3", "x86-64-v4", or "<triple>:<cpu>".
  static llvm::Expected<Machine> parse(llvm::StringRef target);

  /// One per thread: LLVM's target machines are not shared.
  std::unique_ptr<llvm::TargetMachine> create() const;

  /// The instruction set extensions that code for this machine may use: what a library declares and
  /// its host checks before it runs it.
  std::vector<std::string> isa() const;

  VectorUnit vectorUnit() const;
  FloatControl floatControl() const;
};

} // namespace nncc::cpu
