#include "compiler/Diagnostics.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace nncc {

std::string nodeName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return "node '" + name.getName().str() + "'";
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (std::string name = nodeName(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nodeName(call.getCallee());
  return "";
}

namespace {
/// Prints a remark in one line: where, which pass, what and why.
struct PrintRemarks : remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    llvm::errs() << remark.getLocation() << ": " << remark.getCombinedCategoryName() << ": "
                 << remark.getRemarkTypeString() << " " << remark.getRemarkName();
    for (const auto &arg : remark.getArgs())
      llvm::errs() << "; " << arg.key << ": " << arg.val;
    llvm::errs() << "\n";
  }
};
} // namespace

Diagnostics::Diagnostics(MLIRContext &context, const CompileOptions &options)
    : handler(&context, [this](Diagnostic &diagnostic) { take(diagnostic); }) {
  if (options.remarks.empty())
    return;
  remark::RemarkCategories categories; // `all` alone enables nothing
  categories.passed = categories.missed = categories.analysis = categories.failed = options.remarks;
  if (failed(remark::enableOptimizationRemarks(context, std::make_unique<PrintRemarks>(),
                                               std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                               categories)))
    llvm::errs() << "nncc: warning: remarks are not available\n";
}

void Diagnostics::take(Diagnostic &diagnostic) {
  std::string text = nodeName(diagnostic.getLocation());
  if (!text.empty())
    text += ": ";
  text += diagnostic.str();
  std::lock_guard<std::mutex> lock(mutex);
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
    if (llvm::find(errors, text) == errors.end())
      errors.push_back(std::move(text));
  } else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning) {
    llvm::errs() << "nncc: warning: " << text << "\n";
  }
}

std::string Diagnostics::text(const Twine &otherwise) {
  std::lock_guard<std::mutex> lock(mutex);
  return errors.empty() ? otherwise.str() : llvm::join(errors, "\n");
}

} // namespace nncc
