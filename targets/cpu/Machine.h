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
  int64_t dotBits = 0;      // of the registers that have `dot`: see DotProduct
  int64_t packBits = 0;     // of the widest registers that narrow integers with saturation
  bool byteWindows = false; // see ByteWindow
  llvm::StringRef dot = "vpdpbusd";
};

struct Machine {
  std::string target;                // as a user calls it
  std::string triple, cpu, features; // LLVM's names

  /// "host", or "[<triple>:]<cpu>[+<feature>...]"; without a triple a processor of x86-64, such as
  /// the levels of its ABI, "x86-64-v2" to "x86-64-v4".
  static llvm::Expected<Machine> parse(llvm::StringRef target);

  /// The machines of a library that has code for several: targets between ',', or "x86-64-multi".
  /// From the least to the best; what they need differs.
  static llvm::Expected<std::vector<Machine>> parseAll(llvm::StringRef targets);

  /// The processor, with the features that it does not have by its name: what a library calls the
  /// code for this machine.
  std::string processor() const;

  /// One per thread: LLVM's target machines are not shared.
  std::unique_ptr<llvm::TargetMachine> create() const;

  /// The instruction set extensions that code for this machine may use: what a library declares and
  /// its host checks before it runs it.
  std::vector<std::string> isa() const;

  VectorUnit vectorUnit() const;
  FloatControl floatControl() const;
};

} // namespace nncc::cpu
