// The stages of a compilation: THE order of the passes, and the points where a user's passes go.
#pragma once

#include "compiler/Options.h"
#include "mlir/Pass/PassManager.h"

namespace nncc {

struct Stage {
  llvm::StringLiteral name;
  llvm::StringLiteral description; // the IR at its end
  /// Adds the stage's passes.
  void (*build)(mlir::OpPassManager &pm, const CompileOptions &options);
  /// The passes that check what it promises, which later stages and the emitters rely on.
  llvm::StringLiteral contract;
  /// Its passes depend on the processor: of a library for several, it is run for each.
  bool perMachine;
};

/// From the imported graph to the LLVM dialect, in order.
llvm::ArrayRef<Stage> pipelineStages();

/// Adds `stage`, what the user inserts before and after it, and its contract. Reports what does not
/// parse.
llvm::LogicalResult buildStage(mlir::OpPassManager &pm, const Stage &stage,
                               const CompileOptions &options, llvm::raw_ostream &errors);

/// Adds the first part of the stage `schedule`: plans for the operations of kernels.
void buildPlans(mlir::OpPassManager &pm, const CompileOptions &options);

/// Adds the contract of `stage` alone: for IR that somebody may have edited.
void buildContract(mlir::OpPassManager &pm, const Stage &stage);

} // namespace nncc
