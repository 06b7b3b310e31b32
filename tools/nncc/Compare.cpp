// nncc compare: a model's results beside reference results.
#include "compiler/import/CheckModel.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Difference.h"
#include "tools/nncc/Inputs.h"
#include "tools/nncc/Reference.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.onnx|model.so>"),
                                  cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<std::string> referenceOption(
    "reference",
    cl::desc("What is right: an .npz, a folder of output_N.pb or NAME.npy (its inputs are taken "
             "too where none are given), or ort: ONNX Runtime, on random inputs where none are "
             "given"),
    cl::value_desc("file|folder|ort"), cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<bool> layers("layers",
                            cl::desc("Compare every float tensor of the graph, not only outputs"),
                            cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<double> rtol("rtol", cl::desc("Allowed per element: rtol * |reference| + (1e-4)"),
                            cl::init(1e-4), cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<double> atol("atol", cl::desc("... atol * the largest |reference| (1e-5)"),
                            cl::init(1e-5), cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<std::string> python("python",
                                   cl::desc("Interpreter that can import onnxruntime (python3)"),
                                   cl::value_desc("program"), cl::init("python3"),
                                   cl::cat(category()), cl::sub(compareCommand()));
static cl::opt<int> threads("threads", cl::desc("Worker threads; 0: one per processor"),
                            cl::cat(category()), cl::sub(compareCommand()));

namespace {
/// One compared tensor.
struct Row {
  std::string name, type;
  std::vector<int64_t> shape;
  std::string node, op; ///< what computes it; "" where the model is a library
  size_t order = 0;     ///< distinct, in the order of the graph
  std::string problem;  ///< why it cannot be compared; "" where it can
  Difference difference;

  bool agrees() const { return problem.empty() && difference.agrees(); }
  double share() const { return problem.empty() ? difference.share : INFINITY; }
};

/// What an ONNX file says about its values; nothing of a library.
struct Graph {
  struct Producer {
    std::string node, op;
    size_t order = 0;
  };
  StringMap<Producer> producers; ///< by the value that the node computes
  std::optional<size_t> outputs;
};
} // namespace

static Expected<Graph> readGraph() {
  Graph graph;
  if (!isSource(model))
    return graph;
  Expected<ModelFile> file = ModelFile::open(model);
  if (!file)
    return file.takeError();
  if (Error error = checkModel(*file)) // puts the nodes in order
    return std::move(error);
  graph.outputs = file->proto().graph().output_size();
  for (auto [order, node] : enumerate(file->proto().graph().node()))
    for (const std::string &output : node.output())
      graph.producers.try_emplace(output, Graph::Producer{node.name(), node.op_type(), order});
  return graph;
}

/// The element's place, "[0, 3]".
static std::vector<int64_t> placeOf(int64_t index, ArrayRef<int64_t> shape) {
  std::vector<int64_t> place(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; index /= shape[dim])
    place[dim] = index % shape[dim];
  return place;
}

static std::string rowText(const Row &row) {
  std::string text;
  raw_string_ostream os(text);
  const Difference &d = row.difference;
  if (row.problem.empty())
    os << format("%10.3g %10.3g %10.3g %8.1f %10lld  ", d.share, d.maxAbs, d.maxRel, d.sqnr,
                 static_cast<long long>(d.elements));
  else
    os << format("%10s %10s %10s %8s %10s  ", "-", "-", "-", "-", "-");
  os << row.name;
  if (!row.op.empty())
    os << " (" << row.op << (row.node.empty() ? "" : " '" + row.node + "'") << ')';
  if (!row.problem.empty())
    os << ' ' << row.problem;
  else if (d.worst >= 0)
    os << ": " << format("%.7g, expected %.7g", d.result, d.expected) << " at "
       << shapeText(placeOf(d.worst, row.shape));
  return text;
}

static void printText(ArrayRef<Row> rows) {
  outs() << "  of limit    max abs    max rel  SQNR dB   elements  output\n";
  for (const Row &row : rows)
    outs() << rowText(row) << '\n';
}

static void printRow(llvm::json::OStream &out, const Row &row) {
  auto number = [&](StringRef key, double value) {
    if (std::isfinite(value))
      out.attribute(key, value);
    else
      out.attribute(key, nullptr);
  };
  const Difference &d = row.difference;
  out.attribute("name", row.name);
  out.attribute("type", row.type);
  out.attribute("shape", llvm::json::Array(row.shape));
  if (!row.op.empty()) {
    out.attribute("node", row.node);
    out.attribute("operator", row.op);
  }
  out.attribute("agrees", row.agrees());
  if (!row.problem.empty())
    return out.attribute("problem", row.problem);
  out.attribute("elements", d.elements);
  number("max_abs", d.maxAbs);
  number("max_rel", d.maxRel);
  number("sqnr_db", d.sqnr);
  number("share", d.share);
  if (d.worst >= 0)
    out.attributeObject("worst", [&] {
      out.attribute("index", llvm::json::Array(placeOf(d.worst, row.shape)));
      number("result", d.result);
      number("expected", d.expected);
    });
}

static void printJson(ArrayRef<Row> rows, const Row *first) {
  llvm::json::OStream out(outs(), 2);
  out.object([&] {
    out.attribute("agrees", first == nullptr);
    out.attribute("rtol", double(rtol));
    out.attribute("atol", double(atol));
    if (first)
      out.attribute("first_different", first->name);
    out.attributeArray("outputs", [&] {
      for (const Row &row : rows)
        out.object([&] { printRow(out, row); });
    });
  });
  outs() << '\n';
}

/// Prints the comparison; the exit code.
static int report(std::vector<Row> rows) {
  sort(rows, [](const Row &a, const Row &b) { return a.order < b.order; });
  std::optional<Row> first;
  size_t different = 0;
  for (const Row &row : rows) {
    if (row.agrees())
      continue;
    first = first ? first : row;
    ++different;
  }
  sort(rows, [](const Row &a, const Row &b) {
    return a.share() != b.share() ? a.share() > b.share() : a.order < b.order;
  });
  if (json())
    printJson(rows, first ? &*first : nullptr);
  else
    printText(rows);
  if (!first)
    return 0;
  errs() << "nncc: error: " << different << " of " << rows.size()
         << (layers ? " tensors" : " outputs") << " differ from the reference";
  if (layers)
    errs() << "; the first one in the graph is '" << first->name << '\''
           << (first->op.empty() ? "" : " of " + first->op + " '" + first->node + "'");
  errs() << '\n';
  return static_cast<int>(ErrorClass::Differs);
}

static Expected<std::vector<Row>> compareAll(ArrayRef<Tensor> results,
                                             MutableArrayRef<Tensor> references) {
  Expected<Graph> graph = readGraph();
  if (!graph)
    return graph.takeError();
  std::vector<Row> rows;
  for (size_t index = 0; index < results.size(); ++index) {
    const Tensor &result = results[index];
    auto found = find_if(references, [&](const Tensor &t) { return t.name == result.name; });
    if (found == references.end() && references.size() == 1 && references[0].name.empty())
      found = references.begin();
    if (found == references.end() && index < graph->outputs.value_or(results.size()))
      return usageError("the reference holds no '" + result.name + "'");
    if (found == references.end())
      continue;
    if (Error error = found->adopt(result.type))
      return std::move(error);
    Graph::Producer from = graph->producers.lookup(result.name);
    Row row;
    row.name = result.name;
    row.type = nncc_type_name(result.type);
    row.shape = result.shape;
    row.node = from.node;
    row.op = from.op;
    row.order = from.order * results.size() + index;
    row.problem = incomparable(result, *found);
    if (row.problem.empty())
      row.difference = difference(result, *found, {rtol, atol});
    rows.push_back(std::move(row));
  }
  return rows;
}

static Error checkUsage() {
  if (referenceOption.empty())
    return usageError("--reference is missing: an .npz, a folder, or ort");
  if (!(rtol >= 0) || !(atol >= 0))
    return usageError("--rtol and --atol: expected 0 or more");
  if (threads < 0)
    return usageError("--threads=" + Twine(threads) + ": expected 0 or more");
  if (!isSource(model) && (layers || referenceOption == "ort"))
    return usageError((layers ? "--layers" : "--reference=ort") +
                      Twine(": needs the .onnx file, ") +
                      "a compiled library does not hold its graph");
  return Error::success();
}

static Expected<std::vector<Row>> run() {
  if (Error error = checkUsage())
    return std::move(error);
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return options.takeError();
  options->allValuesAreOutputs = layers;
  Expected<Model> opened = Model::open(model);
  if (!opened)
    return opened.takeError();
  bool byRuntime = referenceOption == "ort";
  Expected<GivenInputs> inputs =
      gatherInputs(opened->inputs(), *options, byRuntime ? Generate::All : Generate::None,
                   byRuntime ? "" : referenceOption.getValue());
  if (!inputs)
    return inputs.takeError();
  if (Error error = opened->prepare(*options, inputs->tensors))
    return std::move(error);
  Expected<std::vector<Tensor>> results = runOnce(opened->get(), inputs->tensors, threads);
  if (!results)
    return results.takeError();
  std::vector<std::string> names;
  for (const Tensor &tensor : *results)
    names.push_back(tensor.name);
  Expected<std::vector<Tensor>> references =
      byRuntime ? runOnnxRuntime(python, model, inputs->tensors, names)
                : readReference(referenceOption, names);
  if (!references)
    return references.takeError();
  return compareAll(*results, *references);
}

int compareMain() {
  Expected<std::vector<Row>> rows = run();
  return rows ? report(std::move(*rows)) : fail(rows.takeError());
}

} // namespace nncc::tool
