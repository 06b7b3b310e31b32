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

static Error writeFolder(const std::string &folder, ArrayRef<Value> values, bool asPb) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return usageError(folder + ": " + error.message());
  for (auto [index, value] : enumerate(values)) {
    std::string name = asPb ? "output_" + std::to_string(index) + ".pb"
                            : fileName(value.name) + valueExtension(value.kind);
    if (Error error = writeValues(folder + "/" + name, value))
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

/// The first elements, and of numbers what they are like.
static void printTensor(const Tensor &tensor) {
  constexpr int64_t most = 8;
  bool strings = tensor.type == NNCC_STRING;
  outs() << tensor.name << ": " << tensor.typeText();
  if (tensor.elements() && !strings) {
    Summary summary = summarize(tensor);
    outs() << format(", min %.6g, max %.6g, mean %.6g", summary.min, summary.max, summary.mean);
    if (summary.notFinite)
      outs() << ", " << summary.notFinite << " not finite";
  }
  outs() << "\n ";
  for (int64_t i = 0; i < std::min<int64_t>(tensor.elements(), most); ++i) {
    if (strings)
      outs() << ' ' << quoted(tensor.strings[i]);
    else
      outs() << format(" %.6g", tensor.value(i));
  }
  outs() << (tensor.elements() > most ? " ...\n" : "\n");
}

static void printSummary(ArrayRef<Value> values) {
  for (const Value &value : values) {
    if (!value.isTensor())
      outs() << value.name << ": " << value.typeText() << '\n';
    for (const Tensor &tensor : value.tensors)
      printTensor(tensor);
  }
}

static void printTensor(llvm::json::OStream &out, const Tensor &tensor) {
  out.attribute("type", nncc_type_name(tensor.type));
  out.attribute("shape", llvm::json::Array(tensor.shape));
  if (tensor.type == NNCC_STRING)
    return;
  auto number = [&](StringRef key, double value) {
    if (std::isfinite(value))
      out.attribute(key, value);
  };
  Summary summary = summarize(tensor);
  number("min", summary.min);
  number("max", summary.max);
  number("mean", summary.mean);
  out.attribute("not_finite", summary.notFinite);
}

static void printJson(const nncc_descriptor *descriptor, ArrayRef<Value> values) {
  llvm::json::OStream out(outs(), 2);
  out.object([&] {
    out.attribute("processor", descriptor->cpu);
    out.attributeArray("outputs", [&] {
      for (const Value &value : values)
        out.object([&] {
          out.attribute("name", value.name);
          if (value.isTensor())
            return printTensor(out, value.tensors.front());
          out.attribute("type", value.kindText());
          out.attribute("present", value.present);
          out.attributeArray("elements", [&] {
            for (const Tensor &tensor : value.tensors)
              out.object([&] { printTensor(out, tensor); });
          });
        });
    });
  });
  outs() << '\n';
}

static Error writeResults(const nncc_descriptor *descriptor, ArrayRef<Value> results, bool asPb) {
  if (json())
    printJson(descriptor, results);
  if (output.empty()) {
    if (!json())
      printSummary(results);
    return Error::success();
  }
  return tensorFormat(output) ? writeValues(output, results) : writeFolder(output, results, asPb);
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
  if (Error error = opened->prepare(*options, inputs->values))
    return error;
  Expected<std::vector<Value>> results = runOnce(opened->get(), inputs->values, threads);
  if (!results)
    return results.takeError();
  return writeResults(nncc_model_descriptor(opened->get()), *results, inputs->fromPb);
}

int runMain() {
  Error error = run();
  return error ? fail(std::move(error)) : 0;
}

} // namespace nncc::tool
