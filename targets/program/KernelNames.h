// What profilers and debuggers call a kernel: by the ONNX nodes that it computes.
#pragma once

#include "targets/program/ProgramEmitter.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace nncc {

struct KernelName {
  /// "nncc_m_contract_3.layer1_conv.and_2_more": the first node, and how many more there are.
  std::string symbol;
  /// "layer1/conv;layer1/relu (first of 12 calls)": of debug information.
  std::string title;
  /// Of the first call among all calls of the program, from 1: the line in debug information.
  unsigned call = 0;
};

/// The names of the kernels of `program`, which stage "program" or a later one has left.
llvm::StringMap<KernelName> nameKernels(mlir::ModuleOp program, const ProgramInfo &info);

/// The begin of a kernel's symbol that `ProgramInfo::symbol` gives.
llvm::StringRef withoutNodes(llvm::StringRef symbol);

} // namespace nncc
