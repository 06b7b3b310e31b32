// A loaded model that is run over and over.
#pragma once

#include "tools/nncc/Model.h"

namespace nncc::tool {

/// An instance with its arguments, ready to run: on tensors where all inputs and outputs are such,
/// else on values, whose packing and unpacking then counts.
struct Runner {
  InstanceHandle instance;
  std::vector<nncc_tensor> inputs, outputs;
  std::vector<Tensor> results;

  // Instead of these, where the model has other values than tensors of numbers.
  std::vector<ValueHandle> values;
  std::vector<nncc_value *> rawValues, rawResults;

  /// `inputs` outlive it. `threads`: 0 is one per processor.
  static llvm::Expected<Runner> create(nncc_model *model, llvm::ArrayRef<Value> inputs, int threads,
                                       bool profile);

  /// Milliseconds of one run.
  llvm::Expected<double> run();
};

} // namespace nncc::tool
