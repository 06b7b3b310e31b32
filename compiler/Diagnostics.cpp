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
/// A remark -> a diagnostic in one line: which pass, what and why. MLIR brings diagnostics of
/// passes that run on several operations at once into the order of these; remarks it does not.
struct DiagnoseRemarks : remark::detail::MLIRRemarkStreamerBase {
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    InFlightDiagnostic diagnostic = emitRemark(remark.getLocation());
    diagnostic << remark.getCombinedCategoryName() << ": " << remark.getRemarkTypeString() << " "
               << remark.getRemarkName();
    for (const auto &arg : remark.getArgs())
      diagnostic << "; " << arg.key << ": " << arg.val;
  }
};
} // namespace

Diagnostics::Diagnostics(MLIRContext &context, const CompileOptions &options)
    : printsRemarks(!options.remarks.empty()),
      handler(&context, [this](Diagnostic &diagnostic) { take(diagnostic); }) {
  if (!printsRemarks)
    return;
  remark::RemarkCategories categories; // `all` alone enables nothing
  categories.passed = categories.missed = categories.analysis = categories.failed = options.remarks;
  if (failed(remark::enableOptimizationRemarks(context, std::make_unique<DiagnoseRemarks>(),
                                               std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                               categories)))
    llvm::errs() << "nncc: warning: remarks are not available\n";
}

void Diagnostics::take(Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark) {
    std::lock_guard<std::mutex> lock(mutex);
    if (printsRemarks)
      llvm::errs() << diagnostic.getLocation() << ": " << diagnostic << "\n";
    return;
  }
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
