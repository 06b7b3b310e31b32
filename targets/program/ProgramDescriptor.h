// What a compiled model says of itself: nncc_descriptor.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "targets/program/ProgramBuilder.h"
#include "targets/program/ProgramEmitter.h"

namespace nncc {

/// The dims of the descriptor: the symbols that the inputs give, by the names in the program's
/// attribute `nn.dims`, then every other expression that is a size of an input or output, without a
/// name. It may be over symbols that only a run gives a value.
class ProgramDims {
public:
  explicit ProgramDims(mlir::func::FuncOp main);

  /// A size in nncc_tensor_info.shape: -1 - d for dim d.
  int64_t inShape(mlir::AffineExpr size) const;

  /// Whether inputs alone give the size.
  bool isGiven(mlir::AffineExpr size) const { return symbolCount(size) <= names.size(); }

  llvm::SmallVector<std::string> names; // of the symbols that inputs give
  Shape derived;                        // expressions over the symbols
};

/// The types of the program's results: `rt.result_types`.
llvm::SmallVector<mlir::RankedTensorType> resultTypes(mlir::func::FuncOp main);

/// The functions and tables that are emitted elsewhere.
struct DescriptorParts {
  llvm::ArrayRef<llvm::Constant *> dispatches;
  llvm::SmallVector<std::string> checks;
  llvm::Function *plan, *run;
};

/// Emits nncc_descriptor.infer where there are derived dims, the descriptor, and the function that
/// returns it.
void emitDescriptor(ProgramBuilder &program, mlir::func::FuncOp main, const ProgramDims &dims,
                    const ProgramInfo &info, const cpu::Machine &machine,
                    const DescriptorParts &parts);

} // namespace nncc
