#include "compiler/Compiler.h"

#include "compiler/Diagnostics.h"
#include "compiler/Emit.h"
#include "compiler/Files.h"
#include "compiler/IRFile.h"
#include "compiler/Pipeline.h"
#include "compiler/Plugins.h"
#include "compiler/Progress.h"
#include "compiler/Register.h"
#include "compiler/import/Import.h"
#include "dialects/rt/RT.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "targets/Target.h"
#include "targets/cpu/MachineFacts.h"
#include "targets/cpu/Tuning.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

char CompileError::ID = 0;

namespace {

Error fail(ErrorClass kind, const Twine &message) {
  return llvm::make_error<CompileError>(kind, message.str());
}

/// What the importer found, in the terms of the tool.
Error asCompileError(Error error) {
  ErrorClass kind = ErrorClass::InvalidModel;
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::handleAllErrors(
      std::move(error),
      [&](const ModelError &found) {
        kind = found.getClass();
        found.log(os);
      },
      [&](const llvm::ErrorInfoBase &found) { found.log(os); });
  return fail(kind, text);
}

class Compilation {
public:
  explicit Compilation(const CompileOptions &options)
      : options(options), pool(llvm::hardware_concurrency(options.threads)),
        context(makeRegistry(), MLIRContext::Threading::DISABLED), diagnostics(context, options),
        progress(options) {
    context.setThreadPool(pool);
  }

  Expected<CompileReport> run() {
    if (Error error = prepare())
      return std::move(error);
    if (Error error = runStages(options, /*perMachine=*/false))
      return std::move(error);
    OwningOpRef<ModuleOp> common = std::move(module);
    for (const Target &target : targets) {
      if (isStopped)
        break;
      CompileOptions own = options;
      own.target = target.text;
      module = &target == &targets.back() ? std::move(common) : common->clone();
      if (Error error = runStages(own, /*perMachine=*/true))
        return std::move(error);
      levels.push_back(std::move(module));
    }
    if (isStopped)
      return std::move(report);
    progress.begin("emit");
    if (Error error = emit())
      return std::move(error);
    report.stages.push_back(progress.end());
    return std::move(report);
  }

private:
  static const DialectRegistry &makeRegistry() {
    static const DialectRegistry registry = [] {
      DialectRegistry all;
      registerEverything(all);
      return all;
    }();
    return registry;
  }

  Error prepare() {
    Expected<std::vector<Target>> parsed = Target::parseAll(options.target);
    if (!parsed)
      return fail(ErrorClass::Usage, llvm::toString(parsed.takeError()));
    targets = std::move(*parsed);
    Expected<std::vector<nvptx::ImageKind>> kinds = nvptx::imageKinds(options.gpuImages);
    if (!kinds)
      return fail(ErrorClass::Usage, llvm::toString(kinds.takeError()));
    images = std::move(*kinds);
    auto isStage = [](StringRef name) {
      return llvm::any_of(pipelineStages(), [&](const Stage &stage) { return stage.name == name; });
    };
    if (!options.stopAfter.empty() && !isStage(options.stopAfter))
      return fail(ErrorClass::Usage,
                  "unknown stage '" + options.stopAfter + "': --print-stages lists them");
    if (Error error = checkTargets(options.stopAfter, "--stop-after=" + options.stopAfter))
      return error;
    for (const InsertedPasses &inserted : options.insert)
      if (!isStage(inserted.stage))
        return fail(ErrorClass::Usage, "unknown stage '" + inserted.stage +
                                           "' in --insert: --print-stages lists them");
    output = outputPath(options);
    StringRef folder = llvm::sys::path::parent_path(output);
    if (!folder.empty() && !llvm::sys::fs::is_directory(folder))
      return fail(ErrorClass::Usage,
                  "cannot write '" + output + "': there is no folder '" + folder + "'");
    if (Error error = loadPlugins(options.plugins))
      return fail(ErrorClass::Usage, llvm::toString(std::move(error)));
    if (!options.machineFacts.empty())
      if (Error error = cpu::MachineFacts::of(targets.front().host).read(options.machineFacts))
        return fail(ErrorClass::Usage, llvm::toString(std::move(error)));
    if (Expected<cpu::Tuning> tuning = cpu::Tuning::read(&context, options.tuning); !tuning)
      return fail(ErrorClass::Usage, llvm::toString(tuning.takeError()));
    return openCache();
  }

  Error openCache() {
    if (options.cacheDir.empty())
      return Error::success();
    Expected<cpu::CodeCache> opened = cpu::CodeCache::open(options.cacheDir);
    if (!opened)
      return fail(ErrorClass::Usage, llvm::toString(opened.takeError()));
    cache = std::move(*opened);
    return Error::success();
  }

  /// The IR at the end of `stage`, which `user` asks for or gives, is for one target at most.
  Error checkTargets(StringRef stage, const Twine &user) {
    for (const Stage &one : pipelineStages())
      if (one.name == stage && one.perMachine && targets.size() > 1)
        return fail(ErrorClass::Usage, user + ": the IR after stage '" + stage +
                                           "' is for one target, --target=" + options.target +
                                           " names several");
    return Error::success();
  }

  /// The stages that all machines have in common, or those that `own` has a target of its own for.
  Error runStages(const CompileOptions &own, bool perMachine) {
    for (auto [i, stage] : llvm::enumerate(pipelineStages())) {
      if (stage.perMachine != perMachine || static_cast<int64_t>(i) <= doneStage)
        continue;
      bool isOneOfSeveral = perMachine && targets.size() > 1;
      progress.begin(stage.name.str() + (isOneOfSeveral ? " " + own.target : ""));
      if (Error error = runStage(stage, i, own))
        return error;
      if (options.stopAfter != stage.name)
        continue;
      isStopped = true;
      if (Error error = writeIR(*module, stage.name, output))
        return fail(ErrorClass::Usage, llvm::toString(std::move(error)));
      return Error::success();
    }
    return Error::success();
  }

  Error runStage(const Stage &stage, size_t index, const CompileOptions &own) {
    if (index == 0) {
      if (Error error = load())
        return error;
      if (doneStage >= 0) // IR of a later stage
        return resume();
    }
    if (stage.name == "graph")
      for (const std::string &file : options.patterns)
        if (failed(applyPatternFile(*module, file)))
          return fail(ErrorClass::Usage,
                      diagnostics.text("cannot apply the patterns of '" + file + "'"));
    PassManager pm(&context, ModuleOp::getOperationName());
    std::string messages;
    llvm::raw_string_ostream errors(messages);
    if (failed(buildStage(pm, stage, own, errors)))
      return fail(ErrorClass::Usage, "cannot parse the inserted passes: " + messages);
    bool hasInserted = llvm::any_of(options.insert, [&](const InsertedPasses &inserted) {
      return inserted.stage == stage.name;
    });
    pm.enableVerifier(options.verifyEach || hasInserted); // names the pass that breaks the IR
    (void)applyPassManagerCLOptions(pm);
    applyDefaultTimingPassManagerCLOptions(pm);
    if (failed(pm.run(*module)))
      return fail(ErrorClass::Unsupported, diagnostics.text("stage '" + stage.name + "' failed"));
    if (failed(verify(*module)))
      return fail(ErrorClass::Internal,
                  diagnostics.text("stage '" + stage.name + "' left invalid IR"));
    report.stages.push_back(progress.end());
    return Error::success();
  }

  /// The IR may have been edited: the stages after it rely on what its stage promises.
  Error resume() {
    if (Error error = checkResume())
      return error;
    const Stage &stage = pipelineStages()[doneStage];
    if (Error error = checkTargets(stage.name, "'" + options.input + "'"))
      return error;
    PassManager pm(&context, ModuleOp::getOperationName());
    buildContract(pm, stage);
    if (failed(pm.run(*module)))
      return fail(ErrorClass::InvalidModel,
                  diagnostics.text("'" + options.input + "' is not what stage '" + stage.name +
                                   "' leaves"));
    return Error::success();
  }

  /// What the stages before the one that wrote the IR would have done cannot be asked for any more.
  Error checkResume() {
    std::string what;
    for (const Stage &stage : pipelineStages().take_front(doneStage + 1)) {
      if (options.stopAfter == stage.name && doneStage > 0)
        what = "--stop-after=" + options.stopAfter;
      for (const InsertedPasses &inserted : options.insert)
        if (inserted.stage == stage.name)
          what = "--insert at '" + inserted.stage + "'";
      if (stage.name == "graph" && !options.patterns.empty())
        what = "--patterns";
      if (stage.name == "schedule" && !options.tuning.empty())
        what = "--tuning";
      if (stage.name == "schedule" && !options.machineFacts.empty())
        what = "--machine";
      if (stage.name == "schedule" && options.keepDenormals)
        what = "--keep-denormals";
      if (stage.name == "schedule" && options.winograd != CompileOptions().winograd)
        what = "--winograd";
      if (stage.name == "schedule" && options.bands != CompileOptions().bands)
        what = "--bands";
      if (stage.name == "schedule" && options.gpuMath != CompileOptions().gpuMath)
        what = "--gpu-math";
    }
    if (!options.dims.empty() || !options.shapes.empty())
      what = "--dim and --shape";
    if (what.empty())
      return Error::success();
    return fail(ErrorClass::Usage, what + " comes too late: '" + options.input +
                                       "' was written after stage '" +
                                       pipelineStages()[doneStage].name + "'");
  }

  Error load() {
    if (!llvm::sys::fs::exists(options.input))
      return fail(ErrorClass::Usage, "cannot read '" + options.input + "': no such file");
    if (StringRef(options.input).ends_with(".mlir")) {
      Expected<std::pair<OwningOpRef<ModuleOp>, std::string>> read = readIR(context, options.input);
      if (!read)
        return fail(ErrorClass::InvalidModel, diagnostics.text(llvm::toString(read.takeError())));
      module = std::move(read->first);
      for (auto [i, stage] : llvm::enumerate(pipelineStages()))
        if (stage.name == read->second)
          doneStage = i;
      if (doneStage < 0)
        return fail(ErrorClass::InvalidModel,
                    "'" + options.input + "' is of an unknown stage '" + read->second + "'");
      return Error::success();
    }
    Expected<OwningOpRef<ModuleOp>> imported = importModel(
        context, options.input, {options.dims, options.shapes, options.allValuesAreOutputs});
    if (!imported)
      return asCompileError(imported.takeError());
    module = std::move(*imported);
    return Error::success();
  }

  Error emit() {
    EmitOptions emitOptions;
    emitOptions.kind = options.emit;
    emitOptions.weights = options.weights;
    emitOptions.output = output;
    emitOptions.optLevel = options.optLevel;
    emitOptions.strip = options.strip;
    emitOptions.gpuImages = images;
    emitOptions.cache = cache ? &*cache : nullptr;
    emitOptions.name =
        identifier(options.name.empty() ? llvm::sys::path::stem(output) : StringRef(options.name));
    describe();
    std::vector<Level> all;
    for (auto [level, target] : llvm::zip_equal(levels, targets))
      all.push_back({*level, target});
    if (Error error = emitModel(all, emitOptions))
      return fail(ErrorClass::Usage, diagnostics.text(llvm::toString(std::move(error))));
    if (cache)
      cache->prune(uint64_t(options.cacheMegabytes) << 20);
    if (options.header) {
      SmallString<128> path(output);
      llvm::sys::path::replace_extension(path, ".h");
      if (Error error = writeHeader(*levels.front(), emitOptions.name, path))
        return fail(ErrorClass::Usage, llvm::toString(std::move(error)));
    }
    return Error::success();
  }

  /// Of the last level, where there are several; scratch is the most of any.
  void describe() {
    auto integer = [](Operation *op, StringRef name) {
      auto attr = op->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    ModuleOp last = *levels.back();
    report.arenaBytes = integer(last, "rt.arena_size");
    report.liveBytes = integer(last, "rt.live_size");
    report.weightsBytes = integer(last, "rt.weights_size");
    last.walk([&](rt::RunOp) { ++report.dispatches; });
    for (OwningOpRef<ModuleOp> &level : levels)
      level->walk([&](LLVM::LLVMFuncOp kernel) {
        report.kernels += kernel->hasAttr("rt.units") && *level == last;
        report.scratchBytes = std::max(report.scratchBytes, integer(kernel, "rt.scratch"));
      });
  }

  const CompileOptions &options;
  llvm::DefaultThreadPool pool;
  MLIRContext context;
  Diagnostics diagnostics;
  Progress progress;
  OwningOpRef<ModuleOp> module;
  int64_t doneStage = -1; // of IR that was read
  bool isStopped = false; // after options.stopAfter
  std::vector<Target> targets;
  std::vector<nvptx::ImageKind> images;      // of the code for a GPU
  std::vector<OwningOpRef<ModuleOp>> levels; // the program for each target
  std::optional<cpu::CodeCache> cache;
  std::string output;
  CompileReport report;
};

} // namespace

const EmitFormat &emitFormat(EmitKind kind) {
  return *llvm::find_if(emitFormats, [&](const EmitFormat &format) { return format.kind == kind; });
}

std::string outputPath(const CompileOptions &options) {
  if (!options.output.empty())
    return options.output;
  SmallString<128> path(llvm::sys::path::filename(options.input));
  llvm::sys::path::replace_extension(path, options.stopAfter.empty()
                                               ? StringRef(emitFormat(options.emit).extension)
                                               : StringRef(".mlir"));
  return path.str().str();
}

Expected<CompileReport> compile(const CompileOptions &options) {
  // LLVM and MLIR abort on what they take for impossible: that is an internal error, not the end of
  // the process. What a crash leaves behind stays allocated: threads of its pool may still use it.
  std::optional<Expected<CompileReport>> result;
  Compilation *compilation = nullptr;
  llvm::CrashRecoveryContext::Enable();
  llvm::CrashRecoveryContext crash;
  auto compileHere = [&] {
    compilation = new Compilation(options);
    result.emplace(compilation->run());
    delete compilation;
  };
  if (crash.RunSafelyOnThread(compileHere, /*RequestedStackSize=*/64 << 20))
    return std::move(*result);
  return fail(ErrorClass::Internal,
              "the compiler crashed on '" + options.input + "': please report it with the model");
}

Expected<std::vector<std::string>> check(const CompileOptions &options) {
  DialectRegistry registry;
  registerEverything(registry);
  MLIRContext context(registry);
  Expected<std::vector<Problem>> problems =
      listUnsupported(context, options.input, {options.dims, options.shapes});
  if (!problems)
    return asCompileError(problems.takeError());
  std::vector<std::string> lines;
  for (const Problem &problem : *problems)
    lines.push_back(problem.where + ": " + problem.message);
  return lines;
}

} // namespace nncc
