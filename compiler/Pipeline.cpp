#include "compiler/Pipeline.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "passes/Passes.h"
#include "targets/Target.h"
#include "targets/cpu/MachineFacts.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/Tuning.h"

using namespace mlir;

namespace nncc {

/// A part of the pipeline in MLIR's textual form, the same that --pass-pipeline takes.
static void add(OpPassManager &pm, StringRef text) {
  std::string message;
  llvm::raw_string_ostream os(message);
  if (failed(parsePassPipeline(text, pm, os)))
    llvm::report_fatal_error("a built-in pipeline does not parse: " + Twine(message));
}

static void buildImport(OpPassManager &, const CompileOptions &) {}

static std::vector<Target> targetsOf(const CompileOptions &options) {
  auto targets = Target::parseAll(options.target);
  if (targets)
    return *targets;
  llvm::consumeError(targets.takeError()); // reported where code is generated for it
  return cantFail(Target::parseAll("host"));
}

/// One target; of several, for a pipeline that is only printed, the last one.
static Target targetOf(const CompileOptions &options) { return targetsOf(options).back(); }

static void buildGraph(OpPassManager &pm, const CompileOptions &options) {
  // Recognition first: exporters spell one function in many ways, and layout and folding take them
  // apart. Constants are evaluated late, in one run of the compiled code; the scale of an attention
  // may be one of them.
  std::string_view weights = options.weightType == WeightType::BF16 ? "{type=bf16}" : "";
  add(pm, "func.func(nncc-pack-borders,nncc-fold-shapes,canonicalize,cse,nncc-append-states,"
          "nncc-hoist-invariants,nncc-form-integer-products,nncc-simplify-graph,nncc-fuse-gelu,"
          "nncc-fuse-activations,nncc-fold-scales,nncc-fuse-layer-norm,nncc-fuse-softmax,"
          "nncc-fold-batch-norm,nncc-assign-layout,nncc-decompose-conv-transpose,canonicalize,cse,"
          "nncc-pack-weights" +
              std::string(weights) +
              "),"
              "nncc-evaluate-constants,func.func(nncc-fuse-attention,canonicalize,cse,"
              "nncc-split-batch" +
              (targetOf(options).chip ? ",nncc-split-reductions" : "") + ")");
}

/// What processors gain by comes first in a library that is for them as well.
static void buildKernels(OpPassManager &pm, const CompileOptions &options) {
  std::vector<Target> targets = targetsOf(options);
  auto areChipsFrom = [&](int capability) {
    return llvm::all_of(targets, [&](const Target &target) {
      return target.chip && target.chip->capability >= capability;
    });
  };
  // One query or a few are not worth 16 rows of a tensor core's product.
  std::string attention = areChipsFrom(nvptx::tensorCores) ? "{few-keys=1024 halves-from=5}"
                          : areChipsFrom(0)                ? "{few-keys=1024}"
                                                           : "";
  add(pm, "func.func(nncc-form-recurrences,nncc-form-contractions" + attention +
              ",canonicalize,cse,nncc-fuse-epilogue),nncc-form-kernels,nncc-merge-kernels,"
              "builtin.module(func.func(nncc-lower-nn,canonicalize,cse))");
}

/// Of the file, in which `compile` has found nothing wrong, or of the processor's family.
static cpu::MachineFacts factsOf(const CompileOptions &options, const cpu::Machine &machine) {
  auto facts = cpu::MachineFacts::of(machine);
  if (!options.machineFacts.empty())
    llvm::consumeError(facts.read(options.machineFacts));
  return facts;
}

static std::string registersOf(const cpu::MachineFacts &facts) {
  return "registers=" + std::to_string(facts.unit.registers) +
         " register-bytes=" + std::to_string(facts.unit.registerBytes);
}
/// What register tiles and blocks in the L1 cache depend on.
static std::string ratesOf(const cpu::MachineFacts &facts) {
  return registersOf(facts) + " fmas=" + std::to_string(facts.fmas) +
         " loads=" + std::to_string(facts.loads) +
         " fma-latency=" + std::to_string(facts.fmaLatency) +
         " l1-bytes=" + std::to_string(facts.l1Bytes);
}
/// All of the facts, as options of a pass.
static std::string numbersOf(const cpu::MachineFacts &facts) {
  return ratesOf(facts) + " l2-bytes=" + std::to_string(facts.l2Bytes) +
         " l2-rate=" + std::to_string(facts.l2Rate);
}

/// What measurements say counts more than what models estimate.
static void addPlans(OpPassManager &pm, const CompileOptions &options, const cpu::Machine &machine,
                     const cpu::MachineFacts &facts) {
  cpu::ApplyTuningOptions tuning;
  tuning.files.assign(options.tuning.begin(), options.tuning.end());
  tuning.processor = cpu::processorKey(machine);
  tuning.winograd = options.winograd;
  tuning.registers = facts.unit.registers;
  tuning.registerBytes = facts.unit.registerBytes;
  pm.addPass(cpu::createApplyTuning(tuning)); // not as text: names of files have any characters
  add(pm, "builtin.module(func.func(nncc-cpu-plan-winograd{mode=" + options.winograd + " " +
              registersOf(facts) + " l2-bytes=" + std::to_string(facts.l2Bytes) +
              "},nncc-cpu-plan-contract{" + numbersOf(facts) + "},nncc-cpu-plan-attention{" +
              ratesOf(facts) + "},nncc-cpu-plan-recurrence{" + registersOf(facts) + "}))");
}

void buildPlans(OpPassManager &pm, const CompileOptions &options) {
  cpu::Machine machine = targetOf(options).host;
  addPlans(pm, options, machine, factsOf(options, machine));
}

static void scheduleOnGPU(OpPassManager &pm, const CompileOptions &options,
                          const nvptx::Chip &chip) {
  add(pm, "builtin.module(nncc-nvptx-emit-kernel{capability=" + std::to_string(chip.capability) +
              " math=" + options.gpuMath +
              "},func.func(canonicalize,cse,"
              "nncc-cpu-approximate-math{lrint=false},canonicalize,cse))");
}

static void buildSchedule(OpPassManager &pm, const CompileOptions &options) {
  Target target = targetOf(options);
  if (target.chip)
    return scheduleOnGPU(pm, options, *target.chip);
  const cpu::Machine &machine = target.host;
  cpu::MachineFacts facts = factsOf(options, machine);
  add(pm, "nncc-cpu-widen-halves");
  addPlans(pm, options, machine, facts);
  add(pm, "nncc-cpu-fuse-bands{mode=" + options.bands + " " + numbersOf(facts) + "}");
  const cpu::VectorUnit &unit = facts.unit;
  auto floats = options.keepDenormals ? cpu::FloatControl::None : machine.floatControl();
  add(pm, "builtin.module(func.func(nncc-cpu-emit-kernel{flush-denormals=" +
              cpu::name(floats).str() + " byte-windows=" + (unit.byteWindows ? "true" : "false") +
              " l1-bytes=" + std::to_string(facts.l1Bytes) +
              "},canonicalize,cse,nncc-cpu-lower-brgemm{dot=" + unit.dot.str() +
              " dot-bits=" + std::to_string(unit.dotBits) + "},nncc-cpu-pack-bytes{pack-bits=" +
              std::to_string(unit.packBits) + "},nncc-cpu-approximate-math,canonicalize,cse))");
}

static void buildProgram(OpPassManager &pm, const CompileOptions &) { add(pm, "nncc-plan-memory"); }

static void buildTarget(OpPassManager &pm, const CompileOptions &options) {
  if (targetOf(options).chip)
    return add(pm, "builtin.module(convert-scf-to-cf,nncc-nvptx-lower-to-llvm,"
                   "reconcile-unrealized-casts)");
  add(pm, "builtin.module(convert-scf-to-cf,convert-vector-to-llvm,nncc-cpu-lower-to-llvm,"
          "reconcile-unrealized-casts)");
}

static constexpr Stage stages[] = {
    {"import", "nn on ranked tensors; weights refer to the model file", buildImport,
     "nncc-verify-graph", false},
    {"graph", "nn, simplified and fused, layouts chosen", buildGraph, "nncc-verify-graph", false},
    {"kernels", "kernels in modules of their own (linalg, kern), a program of rt.dispatch",
     buildKernels, "nncc-verify-kernels", false},
    {"schedule", "kernels as loops and vectors on flat buffers", buildSchedule,
     "nncc-verify-schedule", true},
    {"program", "every value has its place: rt.run on offsets", buildProgram, "nncc-verify-program",
     true},
    {"target", "kernels in the LLVM dialect", buildTarget, "nncc-verify-program,nncc-verify-target",
     true},
};

ArrayRef<Stage> pipelineStages() { return stages; }

/// Adds a user's passes: on the module, or, where they are passes on functions, on each function.
static LogicalResult addInserted(OpPassManager &pm, StringRef text, llvm::raw_ostream &errors) {
  auto parses = [&](StringRef anchor) {
    OpPassManager trial(anchor);
    return succeeded(parsePassPipeline(text, trial, llvm::nulls()));
  };
  if (!parses(ModuleOp::getOperationName()) && parses(func::FuncOp::getOperationName()))
    return parsePassPipeline(text, pm.nest<func::FuncOp>(), errors);
  return parsePassPipeline(text, pm, errors);
}

LogicalResult buildStage(OpPassManager &pm, const Stage &stage, const CompileOptions &options,
                         llvm::raw_ostream &errors) {
  for (bool before : {true, false}) {
    for (const InsertedPasses &inserted : options.insert)
      if (inserted.stage == stage.name && inserted.before == before &&
          failed(addInserted(pm, inserted.pipeline, errors)))
        return failure();
    if (before)
      stage.build(pm, options);
  }
  buildContract(pm, stage);
  return success();
}

void buildContract(OpPassManager &pm, const Stage &stage) { add(pm, stage.contract); }

} // namespace nncc
