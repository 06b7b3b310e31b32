// nncc compile: a model -> a library, an object file, IR, or the IR of a stage.
#include "compiler/Pipeline.h"
#include "compiler/Register.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Reproducer.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> input(cl::Positional, cl::desc("<model.onnx, or stage.mlir>"),
                                  cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<std::string> output("o", cl::desc("Output file; default: the model's name"),
                                   cl::value_desc("file"), cl::cat(category()),
                                   cl::sub(compileCommand()));
namespace {
/// A modifier of an option: its values are the formats.
struct FormatValues {
  template <typename Option> void apply(Option &option) const {
    for (const EmitFormat &format : emitFormats)
      option.getParser().addLiteralOption(format.name, format.kind, format.description);
  }
};
} // namespace
static cl::opt<EmitKind> emit("emit", cl::desc("What to write"), cl::init(EmitKind::SharedLibrary),
                              FormatValues(), cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<bool> header("header", cl::desc("Also write a C header"), cl::cat(category()),
                            cl::sub(compileCommand()));
static cl::opt<WeightsPlace>
    weights("weights", cl::desc("Where the weights go"), cl::init(WeightsPlace::Embed),
            cl::values(clEnumValN(WeightsPlace::Embed, "embed", "into the library (default)"),
                       clEnumValN(WeightsPlace::File, "file", "into a file beside it")),
            cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<WeightType> weightType(
    "weight-type", cl::desc("How the weights of matrix products are stored"),
    cl::init(WeightType::F32),
    cl::values(clEnumValN(WeightType::F32, "f32", "as the model has them (default)"),
               clEnumValN(WeightType::BF16, "bf16",
                          "rounded to 8 bits of precision: half the bytes, which is what products "
                          "of a few rows wait for; check that the accuracy is enough")),
    cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<bool> strip("strip",
                           cl::desc("Leave out what profilers and debuggers show of kernels: their "
                                    "names and the nodes that they compute"),
                           cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<std::string> modelName("name",
                                      cl::desc("Name of the model in its symbol nncc_model_<name>"),
                                      cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<std::string> stopAfter("stop-after",
                                      cl::desc("Write the IR at the end of a stage instead"),
                                      cl::value_desc("stage"), cl::cat(category()),
                                      cl::sub(compileCommand()));
static cl::opt<bool> verifyEach("verify-each", cl::desc("Verify the IR after every pass"),
                                cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<unsigned> threads("threads",
                                 cl::desc("Threads of the compiler; 0: one per processor"),
                                 cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<std::string>
    remarks("remarks", cl::desc("Print the remarks of the passes whose names match; .*: all"),
            cl::value_desc("regex"), cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<bool> printStages("print-stages", cl::desc("List the stages and stop"),
                                 cl::cat(category()), cl::sub(compileCommand()));
static cl::opt<bool> dumpPassPipeline("dump-pass-pipeline",
                                      cl::desc("Print every stage's passes and stop"),
                                      cl::cat(category()), cl::sub(compileCommand()));

static Expected<CompileOptions> compileOptions() {
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return options;
  options->input = input;
  options->output = output;
  options->emit = emit;
  options->header = header;
  options->weights = weights;
  options->weightType = weightType;
  options->strip = strip;
  options->name = modelName;
  options->stopAfter = stopAfter;
  options->verifyEach = verifyEach;
  options->threads = threads;
  options->remarks = remarks;
  return options;
}

/// The stages, one per line: with their descriptions, or with their passes.
static Error listStages(const CompileOptions &options) {
  mlir::DialectRegistry registry;
  registerEverything(registry);
  mlir::MLIRContext context(registry);
  for (const Stage &stage : pipelineStages()) {
    outs() << stage.name << ": ";
    if (dumpPassPipeline) {
      mlir::PassManager pm(&context, mlir::ModuleOp::getOperationName());
      std::string messages;
      raw_string_ostream os(messages);
      if (failed(buildStage(pm, stage, options, os)))
        return usageError(messages);
      pm.printAsTextualPipeline(outs());
    } else {
      outs() << stage.description;
    }
    outs() << '\n';
  }
  return Error::success();
}

static void printReport(const CompileOptions &options, const CompileReport &report) {
  llvm::json::OStream out(outs(), 2);
  out.object([&] {
    out.attribute("input", options.input);
    out.attributeArray("stages", [&] {
      for (const CompileReport::Stage &stage : report.stages)
        out.object([&] {
          out.attribute("name", stage.name);
          out.attribute("seconds", stage.seconds);
          out.attribute("peak_bytes", stage.peakBytes);
        });
    });
    out.attribute("kernels", report.kernels);
    out.attribute("dispatches", report.dispatches);
    out.attribute("arena_bytes", report.arenaBytes);
    out.attribute("live_bytes", report.liveBytes);
    out.attribute("scratch_bytes", report.scratchBytes);
    out.attribute("weights_bytes", report.weightsBytes);
  });
  outs() << '\n';
}

int compileMain() {
  Expected<CompileOptions> options = compileOptions();
  if (!options)
    return fail(options.takeError());
  if (printStages || dumpPassPipeline) {
    Error error = listStages(*options);
    return error ? fail(std::move(error)) : 0;
  }
  if (options->input.empty())
    return fail(usageError("no model: expected 'nncc <model.onnx> -o <model.so>'; see --help"));
  Expected<CompileReport> report = compile(*options);
  if (!report)
    return fail(report.takeError());
  if (json())
    printReport(*options, *report);
  return 0;
}

void reproduceCompilation() {
  Expected<CompileOptions> options = compileOptions();
  if (options)
    writeReproducer(*options, outputPath(*options) + ".crash.mlir");
  else
    consumeError(options.takeError());
}

} // namespace nncc::tool
