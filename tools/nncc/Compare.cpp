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
  /// Distinct, in the order of the graph, and of the tensors of one value.
  std::pair<size_t, size_t> order;
  std::string problem; ///< why it cannot be compared; "" where it can
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

static std::string worstText(const Difference &d) {
  if (!d.resultText.empty())
    return d.resultText + ", expected " + d.expectedText;
  std::string text;
  raw_string_ostream(text) << format("%.7g, expected %.7g", d.result, d.expected);
  return text;
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
    os << ": " << worstText(d) << " at " << shapeText(placeOf(d.worst, row.shape));
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
      if (d.resultText.empty()) {
        number("result", d.result);
        number("expected", d.expected);
      } else {
        out.attribute("result", llvm::json::fixUTF8(d.resultText));
        out.attribute("expected", llvm::json::fixUTF8(d.expectedText));
      }
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

/// A row for each tensor of the two values, or one that says why there is none.
static Error compareValues(const Value &result, Value &reference, Row row, std::vector<Row> &rows) {
  // NumPy's files hold tensors only.
  if (reference.isTensor() && result.kind == NNCC_VALUE_OPTIONAL)
    reference.kind = result.kind;
  row.name = result.name;
  row.type = nncc_type_name(result.type);
  bool same = result.kind == reference.kind && result.present == reference.present &&
              result.tensors.size() == reference.tensors.size();
  if (!same)
    row.problem = "is " + result.typeText() + ", the reference is " + reference.typeText();
  if (!same || result.tensors.empty())
    rows.push_back(row);
  for (size_t index = 0; same && index < result.tensors.size(); ++index) {
    const Tensor &tensor = result.tensors[index];
    Tensor &expected = reference.tensors[index];
    if (Error error = expected.adopt(tensor.type))
      return error;
    row.order.second = index;
    row.name = result.nameOf(index);
    row.shape = tensor.shape;
    row.problem = incomparable(tensor, expected);
    row.difference =
        row.problem.empty() ? difference(tensor, expected, {rtol, atol}) : Difference();
    rows.push_back(row);
  }
  return Error::success();
}

static Expected<std::vector<Row>> compareAll(ArrayRef<Value> results,
                                             MutableArrayRef<Value> references) {
  Expected<Graph> graph = readGraph();
  if (!graph)
    return graph.takeError();
  std::vector<Row> rows;
  for (size_t index = 0; index < results.size(); ++index) {
    const Value &result = results[index];
    auto found = find_if(references, [&](const Value &v) { return v.name == result.name; });
    if (found == references.end() && references.size() == 1 && references[0].name.empty())
      found = references.begin();
    if (found == references.end() && index < graph->outputs.value_or(results.size()))
      return usageError("the reference holds no '" + result.name + "'");
    if (found == references.end())
      continue;
    Graph::Producer from = graph->producers.lookup(result.name);
    Row row;
    row.node = from.node;
    row.op = from.op;
    row.order.first = from.order * results.size() + index;
    if (Error error = compareValues(result, *found, std::move(row), rows))
      return std::move(error);
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
  if (Error error = opened->prepare(*options, inputs->values))
    return std::move(error);
  Expected<std::vector<Value>> results = runOnce(opened->get(), inputs->values, threads);
  if (!results)
    return results.takeError();
  Expected<std::vector<Value>> references =
      byRuntime ? runOnnxRuntime(python, model, inputs->values, *results)
                : readReference(referenceOption, *results);
  if (!references)
    return references.takeError();
  return compareAll(*results, *references);
}

int compareMain() {
  Expected<std::vector<Row>> rows = run();
  return rows ? report(std::move(*rows)) : fail(rows.takeError());
}

} // namespace nncc::tool
