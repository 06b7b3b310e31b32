// What a library has code for.
#pragma once

#include "targets/cpu/Machine.h"
#include "targets/nvptx/Chip.h"
#include <optional>

namespace nncc {

/// A processor, which runs the program; its kernels as well, or those run on a GPU.
struct Target {
  std::string text; // as a user calls it: parseAll gives this target, as its last one
  cpu::Machine host;
  std::optional<nvptx::Chip> chip;

  /// The targets of one library, from the least to the best: "<processors>", "nvptx:<chip>", or
  /// both, "<processors>+nvptx:<chip>", where the processors run the kernels of a machine without a
  /// GPU. Processors are what cpu::Machine::parseAll takes; the program for a GPU is for the least
  /// of them, or this machine's.
  static llvm::Expected<std::vector<Target>> parseAll(llvm::StringRef text);

  /// What a library calls the code: "x86-64-v4", "sm_90a".
  std::string name() const { return chip ? chip->name : host.processor(); }
};

} // namespace nncc
