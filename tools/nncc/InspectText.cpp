// The text of `nncc inspect`: a rendering of its JSON.
#include "tools/nncc/Inspect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static std::string scalarText(const llvm::json::Value &value) {
  if (auto text = value.getAsString())
    return text->str();
  if (const JsonArray *array = value.getAsArray())
    return "[" + join(map_range(*array, scalarText), ", ") + "]";
  if (const JsonObject *object = value.getAsObject()) {
    std::vector<std::string> parts;
    for (const auto &[key, part] : *object)
      parts.push_back(key.str() + " " + scalarText(part));
    llvm::sort(parts);
    return join(parts, ", ");
  }
  return formatv("{0}", value).str();
}

/// "sequence(float32[batch, 3])": the shape is that of the tensors.
static std::string typeText(StringRef type, const JsonArray *shape) {
  StringRef inner = type.rtrim(')');
  std::string sizes;
  if (shape)
    sizes = "[" + join(map_range(*shape, scalarText), ", ") + "]";
  return (inner + sizes + type.drop_front(inner.size())).str();
}

/// What a device takes for a block of a kernel.
static void printBlock(const JsonObject &kernel) {
  auto number = [&](StringRef key) { return kernel.getInteger(key).value_or(0); };
  outs() << ", blocks of " << number("threads_per_block") << " threads with "
         << number("shared_bytes") + number("static_shared_bytes") << " bytes of shared memory";
  if (kernel.get("registers")) {
    outs() << ", " << number("registers") << " registers";
    if (int64_t bytes = number("stack_bytes"))
      outs() << " and " << bytes << " bytes of stack";
    outs() << " a thread";
  }
  if (kernel.get("occupancy"))
    outs() << formatv(", {0} blocks ({1:P0} of the threads) on a multiprocessor",
                      number("blocks_per_multiprocessor"), *kernel.getNumber("occupancy"));
}

/// One line of a list: a value, a dim or a kernel.
static void printElement(const JsonObject &fields) {
  auto field = [&](StringRef key) {
    const llvm::json::Value *value = fields.get(key);
    return value ? scalarText(*value) : "";
  };
  outs() << "  " << field("name") << ": ";
  if (fields.get("type"))
    outs() << typeText(*fields.get("type")->getAsString(), fields.getArray("shape"));
  else if (fields.get("taken"))
    outs() << field("instructions") << (field("taken") == "true" ? "; taken" : "")
           << (field("runs_here") == "true" ? "" : "; not on this machine: " + field("why_not"));
  else if (fields.get("capability"))
    outs() << field("capability") << ", " << field("bytes") << " bytes"
           << (fields.get("broken") ? "; cannot be read: " + field("broken") : "");
  else if (fields.get("min"))
    outs() << field("min") << " to " << (fields.get("max") ? field("max") : "any");
  else
    outs() << field("calls") << " calls, " << field("gflop") << " GFLOP, " << field("nodes");
  if (fields.get("threads_per_block"))
    printBlock(fields);
  outs() << '\n';
}

void printText(const JsonObject &object) {
  static constexpr StringLiteral order[] = {
      "file",    "name",   "producer",  "ir_version",   "opsets",    "compiler",
      "abi",     "triple", "processor", "instructions", "runs_here", "why_not_here",
      "levels",  "images", "inputs",    "outputs",      "dims",      "metadata",
      "weights", "memory", "operators", "kernels",      "exports",   "needs"};
  for (StringRef key : order) {
    const llvm::json::Value *value = object.get(key);
    if (!value)
      continue;
    const JsonArray *array = value->getAsArray();
    bool lines = array && !array->empty() && array->front().getAsObject();
    std::string text = lines ? "" : scalarText(*value);
    if (!lines && (text.empty() || text == "[]"))
      continue;
    outs() << key << (lines ? ":" : ": ") << text << '\n';
    if (lines)
      for (const llvm::json::Value &element : *array)
        printElement(*element.getAsObject());
  }
}

} // namespace nncc::tool
