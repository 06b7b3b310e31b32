// A user's pattern file: PDLL or PDL text, no compiler needed.
#include "passes/Passes.h"

#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

namespace nncc {
#define GEN_PASS_DEF_APPLYPATTERNS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The native functions that a pattern file may declare and call; see the pass's description.
void registerFunctions(PDLPatternModule &module) {
  module.registerConstraintFunction("IsConstant", [](PatternRewriter &, Value value) {
    return success(matchPattern(value, m_Constant()));
  });
  module.registerConstraintFunction(
      "HasOneUse", [](PatternRewriter &, Value value) { return success(value.hasOneUse()); });
  module.registerConstraintFunction("IsSplat", [](PatternRewriter &, Value value, Attribute want) {
    SplatElementsAttr splat;
    return success(matchPattern(value, m_Constant(&splat)) &&
                   splat.getSplatValue<Attribute>() == want);
  });
  module.registerConstraintFunction("HasRank", [](PatternRewriter &, Value value, Attribute want) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto rank = dyn_cast<IntegerAttr>(want);
    return success(type && rank && type.getRank() == rank.getInt());
  });
  module.registerRewriteFunction("TypeOf",
                                 [](PatternRewriter &, Value value) { return value.getType(); });
}

/// Translates PDLL to PDL: the PDLL parser is in no library of the packages, only in the program
/// mlir-pdll.
LogicalResult translate(StringRef file, ArrayRef<std::string> includes, SmallString<128> &output,
                        Location loc) {
  llvm::ErrorOr<std::string> program =
      llvm::sys::findProgramByName("mlir-pdll", {NNCC_LLVM_TOOLS_DIR});
  if (!program && !(program = llvm::sys::findProgramByName("mlir-pdll")))
    return emitError(loc, "reading a .pdll file needs the program mlir-pdll (package "
                          "mlir-22-tools); or give the patterns as PDL (.mlir)");
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("patterns", "mlir", output))
    return emitError(loc, code.message());
  SmallVector<StringRef> args{*program, "-x=mlir", file, "-o", output};
  for (const std::string &directory : includes)
    args.append({"-I", directory});
  if (llvm::sys::ExecuteAndWait(*program, args) != 0) // it has printed file:line: error
    return emitError(loc, "cannot read the pattern file '") << file << "'";
  return success();
}

/// PDL checks neither the names of operations nor those of native functions.
LogicalResult checkNames(PDLPatternModule &pdl, MLIRContext *context) {
  WalkResult unknown = pdl.getModule().walk([&](Operation *op) {
    StringRef name;
    bool known = true;
    if (auto pattern = dyn_cast<pdl::OperationOp>(op); pattern && pattern.getOpName())
      known = RegisteredOperationName::lookup(name = *pattern.getOpName(), context).has_value();
    if (auto constraint = dyn_cast<pdl::ApplyNativeConstraintOp>(op))
      known = pdl.getConstraintFunctions().count(name = constraint.getName());
    if (auto rewrite = dyn_cast<pdl::ApplyNativeRewriteOp>(op))
      known = pdl.getRewriteFunctions().count(name = rewrite.getName());
    if (auto rewrite = dyn_cast<pdl::RewriteOp>(op); rewrite && rewrite.getName())
      known = pdl.getRewriteFunctions().count(name = *rewrite.getName());
    return known
               ? WalkResult::advance()
               : WalkResult(op->emitError("unknown operation or native function '") << name << "'");
  });
  return failure(unknown.wasInterrupted());
}

struct ApplyPatterns : nncc::impl::ApplyPatternsBase<ApplyPatterns> {
  using ApplyPatternsBase::ApplyPatternsBase;

  LogicalResult initialize(MLIRContext *context) override {
    OwningOpRef<ModuleOp> module = readPatterns(context);
    if (!module)
      return failure();
    PDLPatternModule pdl(std::move(module));
    registerFunctions(pdl);
    if (failed(checkNames(pdl, context)))
      return failure();
    RewritePatternSet set(context);
    set.add(std::move(pdl));
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      signalPassFailure();
  }

private:
  OwningOpRef<ModuleOp> readPatterns(MLIRContext *context) {
    Location loc = UnknownLoc::get(context);
    if (!StringRef(file).ends_with(".pdll"))
      return parseSourceFile<ModuleOp>(file, context);
    SmallString<128> output;
    llvm::scope_exit remove([&] { llvm::sys::fs::remove(output); });
    std::vector<std::string> includes(include.begin(), include.end());
    includes.push_back(NNCC_TD_DIR);
    includes.push_back(NNCC_MLIR_TD_DIR);
    if (failed(translate(file, includes, output, loc)))
      return nullptr;
    return parseSourceFile<ModuleOp>(output, context);
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
