// nncc run: one run of a model, results into files or as a summary.
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Inputs.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.so|model.onnx>"),
                                  cl::cat(category()), cl::sub(runCommand()));
static cl::opt<std::string>
    output("output", cl::desc("Where the results go: a folder, .npz, .npy or .pb; else a summary"),
           cl::value_desc("file|folder"), cl::cat(category()), cl::sub(runCommand()));
static cl::alias outputs("outputs", cl::desc("The same as --output"), cl::aliasopt(output),
                         cl::cat(category()));
static cl::opt<bool> generate("random", cl::desc("Random values for the inputs that are not given"),
                              cl::cat(category()), cl::sub(runCommand()));
static cl::opt<int> threads("threads", cl::desc("Worker threads; 0: one per processor"),
                            cl::cat(category()), cl::sub(runCommand()));

static Error writeFolder(const std::string &folder, ArrayRef<Tensor> tensors, bool asPb) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return usageError(folder + ": " + error.message());
  for (auto [index, tensor] : enumerate(tensors)) {
    std::string name =
        asPb ? "output_" + std::to_string(index) + ".pb" : fileName(tensor.name) + ".npy";
    if (Error error = writeTensors(folder + "/" + name, tensor))
      return error;
  }
  return Error::success();
}

namespace {
struct Summary {
  double min = NAN, max = NAN, mean = NAN;
  int64_t notFinite = 0;
};
} // namespace

static Summary summarize(const Tensor &tensor) {
  Summary summary;
  double sum = 0;
  int64_t finite = 0;
  for (int64_t i = 0, e = tensor.elements(); i < e; ++i) {
    double value = tensor.value(i);
    if (!std::isfinite(value)) {
      ++summary.notFinite;
      continue;
    }
    summary.min = std::fmin(summary.min, value);
    summary.max = std::fmax(summary.max, value);
    sum += value;
    ++finite;
  }
  summary.mean = sum / finite;
  return summary;
}

static void printSummary(ArrayRef<Tensor> tensors) {
  for (const Tensor &tensor : tensors) {
    Summary summary = summarize(tensor);
    outs() << tensor.name << ": " << tensor.typeText();
    if (tensor.elements())
      outs() << format(", min %.6g, max %.6g, mean %.6g", summary.min, summary.max, summary.mean);
    if (summary.notFinite)
      outs() << ", " << summary.notFinite << " not finite";
    outs() << "\n ";
    for (int64_t i = 0; i < std::min<int64_t>(tensor.elements(), 8); ++i)
      outs() << format(" %.6g", tensor.value(i));
    outs() << (tensor.elements() > 8 ? " ...\n" : "\n");
  }
}

static void printJson(ArrayRef<Tensor> tensors) {
  llvm::json::OStream out(outs(), 2);
  auto number = [&](StringRef key, double value) {
    if (std::isfinite(value))
      out.attribute(key, value);
  };
  out.object([&] {
    out.attributeArray("outputs", [&] {
      for (const Tensor &tensor : tensors)
        out.object([&] {
          Summary summary = summarize(tensor);
          out.attribute("name", tensor.name);
          out.attribute("type", nncc_type_name(tensor.type));
          out.attribute("shape", llvm::json::Array(tensor.shape));
          number("min", summary.min);
          number("max", summary.max);
          number("mean", summary.mean);
          out.attribute("not_finite", summary.notFinite);
        });
    });
  });
  outs() << '\n';
}

static Error writeResults(ArrayRef<Tensor> results, bool asPb) {
  if (json())
    printJson(results);
  if (output.empty()) {
    if (!json())
      printSummary(results);
    return Error::success();
  }
  return tensorFormat(output) ? writeTensors(output, results) : writeFolder(output, results, asPb);
}

static Error run() {
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return options.takeError();
  if (threads < 0)
    return usageError("--threads=" + Twine(threads) + ": expected 0 or more");
  Expected<Model> opened = Model::open(model);
  if (!opened)
    return opened.takeError();
  Expected<GivenInputs> inputs =
      gatherInputs(opened->inputs(), *options, generate ? Generate::All : Generate::None);
  if (!inputs)
    return inputs.takeError();
  if (Error error = opened->prepare(*options, inputs->tensors))
    return error;
  Expected<std::vector<Tensor>> results = runOnce(opened->get(), inputs->tensors, threads);
  if (!results)
    return results.takeError();
  return writeResults(*results, inputs->fromPb);
}

int runMain() {
  Error error = run();
  return error ? fail(std::move(error)) : 0;
}

} // namespace nncc::tool
