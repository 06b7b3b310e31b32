// LLVM IR -> machine code.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "targets/cpu/CodeCache.h"
#include "targets/cpu/Machine.h"
#include "targets/program/KernelNames.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"

namespace nncc::cpu {

enum class CodeKind { Object, Bitcode };
enum class TextKind { Assembly, IR };

struct CodeOptions {
  CodeKind kind = CodeKind::Object;
  unsigned optLevel = 2;
  const CodeCache *cache = nullptr; // where code is looked for first
  std::string file;                 // that debug information of kernels names; empty: none
};

/// Optimises `module` and writes it. Kernels are scheduled already: a short pipeline takes a third
/// of the time of LLVM's -O2 and gives the same speed (`scheduled`).
llvm::Expected<llvm::SmallVector<char, 0>>
generateCode(llvm::Module &module, const Machine &machine, const CodeOptions &options);

/// The same for a kernel in the LLVM dialect; its one exported function gets the symbol of `name`,
/// and debug information in which it is the line `name.call` of a file.
llvm::Expected<llvm::SmallVector<char, 0>> generateKernel(mlir::ModuleOp kernel,
                                                          const KernelName &name,
                                                          const Machine &machine,
                                                          const CodeOptions &options);

/// Writes all of `bitcode` as the text of one module that any LLVM of this version can compile:
/// every function says for which processor it is. `machine` is one of them.
llvm::Error writeText(llvm::ArrayRef<llvm::SmallVector<char, 0>> bitcode, const Machine &machine,
                      TextKind kind, llvm::raw_pwrite_stream &os);

} // namespace nncc::cpu
