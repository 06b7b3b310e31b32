// A user's pattern file: PDLL or PDL text, no compiler needed.
#include "passes/Passes.h"

#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <dlfcn.h>

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

/// Where the .td files of our dialects are: beside libnncc.so, in an installation as in a build.
std::string findDialects() {
  Dl_info info;
  SmallString<256> folder;
  if (!dladdr(reinterpret_cast<const void *>(&registerFunctions), &info) ||
      llvm::sys::fs::real_path(info.dli_fname, folder))
    return "";
  for (int level = 0; level < 3; ++level) { // lib/libnncc.so or lib/<triple>/libnncc.so
    llvm::sys::path::remove_filename(folder);
    SmallString<256> candidate = folder;
    llvm::sys::path::append(candidate, "include", "nncc-compiler");
    if (llvm::sys::fs::is_directory(candidate))
      return candidate.str().str();
  }
  return "";
}

/// Translates PDLL to PDL: the PDLL parser is in no library of the packages, only in the program
/// mlir-pdll. What it says of the file has its name, line and column.
LogicalResult translate(StringRef file, ArrayRef<std::string> includes, StringRef output,
                        StringRef messages, Location loc) {
  llvm::ErrorOr<std::string> program =
      llvm::sys::findProgramByName("mlir-pdll", {NNCC_LLVM_TOOLS_DIR});
  if (!program && !(program = llvm::sys::findProgramByName("mlir-pdll")))
    return emitError(loc, "reading a .pdll file needs the program mlir-pdll (package "
                          "mlir-22-tools); or give the patterns as PDL (.mlir)");
  SmallVector<StringRef> args{*program, "-x=mlir", file, "-o", output};
  for (const std::string &directory : includes)
    args.append({"-I", directory});
  std::optional<StringRef> redirects[] = {std::nullopt, messages, messages};
  std::string problem;
  if (llvm::sys::ExecuteAndWait(*program, args, std::nullopt, redirects, 0, 0, &problem) == 0)
    return success();
  if (auto text = llvm::MemoryBuffer::getFile(messages))
    problem += (*text)->getBuffer().rtrim();
  return emitError(loc, "cannot read the pattern file '") << file << "': " << problem;
}

LogicalResult checkName(Operation *op, StringRef kind, StringRef name, bool isKnown) {
  if (isKnown)
    return success();
  return op->emitError("unknown ") << kind << " '" << name << "' in a pattern";
}

/// PDL checks neither the names of operations nor those of native functions.
LogicalResult checkNames(PDLPatternModule &pdl, MLIRContext *context) {
  bool isValid = true;
  pdl.getModule().walk([&](Operation *op) {
    LogicalResult checked = success();
    if (auto pattern = dyn_cast<pdl::OperationOp>(op); pattern && pattern.getOpName())
      checked =
          checkName(op, "operation", *pattern.getOpName(),
                    RegisteredOperationName::lookup(*pattern.getOpName(), context).has_value());
    else if (auto constraint = dyn_cast<pdl::ApplyNativeConstraintOp>(op))
      checked = checkName(op, "native constraint", constraint.getName(),
                          pdl.getConstraintFunctions().contains(constraint.getName()));
    else if (auto rewrite = dyn_cast<pdl::ApplyNativeRewriteOp>(op))
      checked = checkName(op, "native rewrite", rewrite.getName(),
                          pdl.getRewriteFunctions().contains(rewrite.getName()));
    else if (auto rewrite = dyn_cast<pdl::RewriteOp>(op); rewrite && rewrite.getName())
      checked = checkName(op, "native rewrite", *rewrite.getName(),
                          pdl.getRewriteFunctions().contains(*rewrite.getName()));
    isValid &= succeeded(checked);
  });
  return success(isValid);
}

/// A file of patterns, and nothing else.
LogicalResult checkContents(ModuleOp module, StringRef file) {
  for (Operation &op : *module.getBody())
    if (!isa<pdl::PatternOp>(op))
      return op.emitError("expected a pattern file with pdl.pattern only, found ") << op.getName();
  if (module.getBody()->empty())
    return module.emitError("there is no pattern in '") << file << "'";
  return success();
}

/// Counts what the patterns rewrite.
struct CountRewrites : RewriterBase::Listener {
  void notifyPatternEnd(const Pattern &, LogicalResult status) override {
    count += succeeded(status);
  }
  int64_t count = 0;
};

struct ApplyPatterns : nncc::impl::ApplyPatternsBase<ApplyPatterns> {
  using ApplyPatternsBase::ApplyPatternsBase;

  LogicalResult initialize(MLIRContext *context) override {
    OwningOpRef<ModuleOp> module = readPatterns(context);
    if (!module || failed(checkContents(*module, file)))
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
    ModuleOp module = getOperation();
    int64_t operations = 0;
    module.walk([&](Operation *) { ++operations; });
    // Patterns that make work for each other without end are not an endless compilation.
    int64_t limit = 1000 + 100 * operations;
    CountRewrites listener;
    GreedyRewriteConfig config;
    config.setMaxNumRewrites(limit).setListener(&listener);
    if (failed(applyPatternsGreedily(module, patterns, config))) {
      emitError(UnknownLoc::get(&getContext()), "the patterns of '")
          << file << "' do not come to an end: " << listener.count << " rewrites on " << operations
          << " operations";
      return signalPassFailure();
    }
    auto options = remark::RemarkOpts::name("Patterns").category("nncc-apply-patterns");
    if (listener.count)
      remark::passed(module.getLoc(), options)
          << remark::add("{0} rewrites by the patterns of {1}", listener.count, StringRef(file));
    else
      remark::missed(module.getLoc(), options)
          << remark::reason("no pattern of {0} matches", StringRef(file));
  }

private:
  OwningOpRef<ModuleOp> readPatterns(MLIRContext *context) {
    Location loc = UnknownLoc::get(context);
    if (file.empty()) {
      emitError(loc, "nncc-apply-patterns needs its option 'file'");
      return nullptr;
    }
    if (!llvm::sys::fs::exists(file)) {
      emitError(loc, "cannot read the pattern file '") << file << "': no such file";
      return nullptr;
    }
    if (!StringRef(file).ends_with(".pdll"))
      return parseSourceFile<ModuleOp>(file, context);
    SmallString<128> output, messages;
    llvm::scope_exit remove([&] {
      llvm::sys::fs::remove(output);
      llvm::sys::fs::remove(messages);
    });
    if (llvm::sys::fs::createTemporaryFile("patterns", "mlir", output) ||
        llvm::sys::fs::createTemporaryFile("patterns", "log", messages)) {
      emitError(loc, "cannot write a temporary file");
      return nullptr;
    }
    std::vector<std::string> includes(include.begin(), include.end());
    if (std::string folder = findDialects(); !folder.empty())
      includes.push_back(folder);
    includes.push_back(NNCC_MLIR_TD_DIR);
    if (failed(translate(file, includes, output, messages, loc)))
      return nullptr;
    return parseSourceFile<ModuleOp>(output, context);
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
