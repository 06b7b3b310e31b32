// What cost models know of a processor, as data.
#pragma once

#include "targets/cpu/Machine.h"

namespace nncc::cpu {

/// Rates are per cycle of a core. The defaults are those of a server processor with two 512-bit
/// units for multiply-adds.
struct MachineFacts {
  VectorUnit unit;
  double fmas = 2;       // vector multiply-adds that begin
  double loads = 2;      // vectors that are loaded from the L1 cache
  double fmaLatency = 4; // cycles until a sum can be added to again
  double l1Bytes = 48 << 10, l2Bytes = 2 << 20;
  double l2Rate = 48; // bytes from the L2 cache, where nothing else is done

  /// The number that a file of facts calls `name`.
  struct Number {
    llvm::StringLiteral name;
    double MachineFacts::*value;
    double least, most;
    llvm::StringLiteral description;
  };
  static llvm::ArrayRef<Number> numbers();

  /// What is known of the processor's family.
  static MachineFacts of(const Machine &machine);

  /// Takes the numbers of a JSON object in a file, e.g. {"fmas": 1, "l2_bytes": 1048576}; others
  /// stay. Errors tell what is there and what is expected.
  llvm::Error read(llvm::StringRef file);
};

} // namespace nncc::cpu
