#include "compiler/import/ModelError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace nncc;

char ModelError::ID;

ErrorClass ModelError::getClass() const {
  for (ErrorClass kind : {ErrorClass::InvalidModel, ErrorClass::Usage})
    if (llvm::any_of(problems, [&](const Problem &problem) { return problem.kind == kind; }))
      return kind;
  return ErrorClass::Unsupported;
}

void ModelError::log(llvm::raw_ostream &os) const {
  llvm::interleave(
      problems, os,
      [&](const Problem &problem) {
        if (!problem.where.empty())
          os << problem.where << ": ";
        os << problem.message;
      },
      "\n");
}

std::error_code ModelError::convertToErrorCode() const { return llvm::inconvertibleErrorCode(); }

static llvm::Error makeError(ErrorClass kind, const llvm::Twine &where,
                             const llvm::Twine &message) {
  return llvm::make_error<ModelError>(Problem{kind, where.str(), message.str()});
}

llvm::Error nncc::ioError(const llvm::Twine &message) {
  return makeError(ErrorClass::Usage, "", message);
}
llvm::Error nncc::invalidModel(const llvm::Twine &message, const llvm::Twine &where) {
  return makeError(ErrorClass::InvalidModel, where, message);
}
llvm::Error nncc::unsupportedModel(const llvm::Twine &message, const llvm::Twine &where) {
  return makeError(ErrorClass::Unsupported, where, message);
}

void Problems::add(ErrorClass kind, const llvm::Twine &where, const llvm::Twine &message) {
  if (problems.size() < limit)
    problems.push_back({kind, where.str(), message.str()});
  else
    ++dropped;
}

void Problems::take(llvm::Error error, const llvm::Twine &where) {
  llvm::handleAllErrors(
      std::move(error),
      [&](const ModelError &modelError) {
        const std::string outer = where.str();
        for (const Problem &problem : modelError.getProblems()) {
          const bool both = !outer.empty() && !problem.where.empty();
          add(problem.kind, outer + (both ? ", " : "") + problem.where, problem.message);
        }
      },
      [&](const llvm::ErrorInfoBase &other) { invalid(where, other.message()); });
}

llvm::SmallVector<Problem, 0> Problems::takeSince(size_t count) {
  llvm::SmallVector<Problem, 0> taken(problems.begin() + count, problems.end());
  problems.truncate(count);
  return taken;
}

llvm::Error Problems::finish() {
  if (problems.empty())
    return llvm::Error::success();
  if (dropped)
    problems.push_back({problems.back().kind, "", "... and " + std::to_string(dropped) + " more"});
  dropped = 0;
  return llvm::make_error<ModelError>(std::exchange(problems, {}));
}
