// What is wrong with a model, sorted by whose fault it is.
#pragma once

#include "compiler/Options.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nncc {

/// One thing wrong with a model.
struct Problem {
  /// Usage: a file is missing or cannot be read. InvalidModel: no ONNX implementation could run the
  /// model. Unsupported: a valid model uses what nncc does not implement.
  ErrorClass kind;
  std::string where;   ///< e.g. "node 'conv1' (Conv)"; empty when it concerns the whole file
  std::string message; ///< what was found and what was expected
};

/// Everything found wrong with a model in one go, as an llvm::Error.
class ModelError : public llvm::ErrorInfo<ModelError> {
public:
  static char ID;

  explicit ModelError(Problem problem) { problems.push_back(std::move(problem)); }
  explicit ModelError(llvm::SmallVector<Problem, 0> problems) : problems(std::move(problems)) {}

  llvm::ArrayRef<Problem> getProblems() const { return problems; }

  /// The gravest class: an invalid model first, then I/O, then unsupported.
  ErrorClass getClass() const;

  /// One line per problem: "<where>: <message>".
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  llvm::SmallVector<Problem, 0> problems;
};

llvm::Error ioError(const llvm::Twine &message);
llvm::Error invalidModel(const llvm::Twine &message, const llvm::Twine &where = "");
llvm::Error unsupportedModel(const llvm::Twine &message, const llvm::Twine &where = "");

/// Collects problems so that a user sees them at once instead of one per run.
class Problems {
public:
  /// Past this many problems the rest is counted, not kept.
  static constexpr size_t limit = 20;

  void add(ErrorClass kind, const llvm::Twine &where, const llvm::Twine &message);
  void invalid(const llvm::Twine &where, const llvm::Twine &message) {
    add(ErrorClass::InvalidModel, where, message);
  }
  /// Takes over the problems of `error`; their place is put behind `where`.
  void take(llvm::Error error, const llvm::Twine &where = "");

  bool empty() const { return problems.empty(); }
  size_t size() const { return problems.size(); }
  /// Takes out what was added since there were `count`.
  llvm::SmallVector<Problem, 0> takeSince(size_t count);
  /// Success, or all problems as one error; the collection is empty afterwards.
  llvm::Error finish();

private:
  llvm::SmallVector<Problem, 0> problems;
  size_t dropped = 0;
};

} // namespace nncc
