// Measured plans, as text: what `nncc tune` writes and a compilation takes plans from.
#pragma once

#include "dialects/kern/Kern.h"
#include "targets/cpu/Machine.h"

#include <map>

namespace nncc::cpu {

/// What plans are measured for, e.g. "sapphirerapids/32x64/dot512": the processor that code is
/// generated for, its vector registers and their bytes, and those that have dot products of bytes.
std::string processorKey(const Machine &machine);

/// The problem that an operation of a kernel is: its types, its attributes without the plan, the
/// operations of its regions. Equal ones of all models have one key.
std::string problemKey(mlir::Operation *op);

struct TunedPlan {
  int64_t threads; // that ran it
  mlir::Attribute plan;
  double gain; // time of the cost model's plan / time of this one
};

/// A tuning file is lines that any tool may sort, merge and cut; of two lines of one processor and
/// one problem the later one counts. '#' begins a comment; one of them tells the version.
/// ```
/// # nncc tuning 1
/// <processor> | <problem> | threads <n> | <plan> | gain <factor>
/// ```
class Tuning {
public:
  /// Reads files one after the other. Errors tell file and line, what is there and what is
  /// expected.
  static llvm::Expected<Tuning> read(mlir::MLIRContext *context, llvm::ArrayRef<std::string> files);

  void set(const std::string &processor, const std::string &problem, const TunedPlan &plan) {
    plans[{processor, problem}] = plan;
  }
  void erase(const std::string &processor, const std::string &problem) {
    plans.erase({processor, problem});
  }
  const TunedPlan *find(const std::string &processor, const std::string &problem) const;

  /// Calls `f` with the problem of each plan of a processor.
  void forEach(llvm::StringRef processor,
               llvm::function_ref<void(const std::string &problem)> f) const;
  size_t size() const { return plans.size(); }

  /// The whole file.
  void print(llvm::raw_ostream &os) const;

private:
  std::map<std::pair<std::string, std::string>, TunedPlan> plans;
};

} // namespace nncc::cpu
