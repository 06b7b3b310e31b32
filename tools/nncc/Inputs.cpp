#include "tools/nncc/Inputs.h"

#include "tools/nncc/CommandLine.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::tool {

static cl::list<std::string> inputOptions(
    "input",
    cl::desc("An input: x=@x.npy (.npz, .pb), or random values of a shape: x=3x224x224; "
             "without a name in the model's order"),
    cl::value_desc("[name=]@file|sizes"), cl::cat(category()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));
static cl::opt<std::string>
    inputsOption("inputs", cl::desc("All inputs: an .npz, or a folder of input_N.pb or NAME.npy"),
                 cl::value_desc("file|folder"), cl::cat(category()), cl::sub(runCommand()),
                 cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));
static cl::opt<uint64_t> seedOption("seed", cl::desc("Seed of random inputs"), cl::init(0),
                                    cl::cat(category()), cl::sub(runCommand()),
                                    cl::sub(benchCommand()), cl::sub(compareCommand()),
                                    cl::sub(tuneCommand()));

namespace {
/// One --input, parsed.
struct InputSpec {
  std::string name; // "": by position
  std::string file; // "": random values of `shape`
  std::vector<int64_t> shape;
};

class Gatherer {
public:
  Gatherer(ArrayRef<ValueInfo> infos, const CompileOptions &options)
      : infos(infos), options(options), found(infos.size()) {}

  Error addFolder(const std::string &folder);
  Error addArchive(const std::string &file);
  Error addSpec(const InputSpec &spec);
  Error addGenerated(bool onlyKnownSizes);
  Expected<GivenInputs> finish();

private:
  Expected<size_t> position(const InputSpec &spec);
  std::optional<int64_t> sizeOf(StringRef dim) const;
  Error addFile(size_t index, const std::string &file);
  Error add(size_t index, Value value, StringRef from);
  Error generate(size_t index, std::vector<int64_t> shape);

  ArrayRef<ValueInfo> infos;
  const CompileOptions &options;
  std::vector<std::optional<Value>> found;
  bool fromPb = false;
};
} // namespace

static Expected<InputSpec> parseSpec(StringRef text) {
  InputSpec spec;
  if (size_t at = text.find("=@"); at != StringRef::npos) {
    spec.name = text.take_front(at).str();
    spec.file = text.drop_front(at + 2).str();
    return spec;
  }
  if (text.consume_front("@")) {
    spec.file = text.str();
    return spec;
  }
  if (tensorFormat(text)) {
    bool named = text.contains('=') && !sys::fs::exists(text);
    spec.name = named ? text.split('=').first.str() : "";
    spec.file = named ? text.split('=').second.str() : text.str();
    return spec;
  }
  size_t split = text.find_last_of("=:");
  StringRef sizes = split == StringRef::npos ? text : text.drop_front(split + 1);
  std::optional<std::vector<int64_t>> shape = parseShape(sizes);
  if (!shape || text.empty())
    return usageError("--input=" + text + ": expected [<name>=]@<file.npy|.npz|.pb> or " +
                      "[<name>=]<sizes>, e.g. x=1x3x224x224");
  spec.name = split == StringRef::npos ? "" : text.take_front(split).str();
  spec.shape = std::move(*shape);
  return spec;
}

std::string fileName(StringRef tensor) {
  std::string name = tensor.str();
  std::replace(name.begin(), name.end(), '/', '_');
  return name.empty() || name[0] == '.' ? "_" + name : name;
}

static std::string nameList(ArrayRef<ValueInfo> infos) {
  return join(map_range(infos, [](const ValueInfo &info) { return "'" + info.name + "'"; }), ", ");
}

Expected<size_t> Gatherer::position(const InputSpec &spec) {
  size_t index = 0;
  if (spec.name.empty())
    while (index < infos.size() && found[index])
      ++index;
  else
    while (index < infos.size() && infos[index].name != spec.name)
      ++index;
  if (index < infos.size() && !found[index])
    return index;
  if (index < infos.size())
    return usageError("input '" + spec.name + "' is given twice");
  if (spec.name.empty())
    return usageError("more inputs are given than the model has (" + Twine(infos.size()) + ")");
  return usageError("the model has no input '" + spec.name + "'; it has " + nameList(infos));
}

/// Whether the model takes a tensor like this one for, or in, an input.
static bool fits(const ValueInfo &info, const Tensor &tensor) {
  if (tensor.type != info.type || tensor.opaqueBytes)
    return false;
  if (info.ranked && tensor.shape.size() != info.shape.size())
    return false;
  for (size_t d = 0; d < info.shape.size(); ++d)
    if (info.shape[d] >= 0 && info.shape[d] != tensor.shape[d])
      return false;
  return true;
}

Error Gatherer::add(size_t index, Value value, StringRef from) {
  const ValueInfo &info = infos[index];
  value.name = info.name;
  if (value.isTensor() && info.kind == NNCC_VALUE_OPTIONAL)
    value.kind = info.kind; // a tensor may stand for an optional that holds it
  for (auto [position, tensor] : enumerate(value.tensors)) {
    if (Error error = tensor.adopt(info.type))
      return error;
    tensor.name = value.nameOf(position);
    if (value.kind == info.kind && !fits(info, tensor))
      return usageError("input '" + info.name + "' is " + info.typeText() + " in the model, but " +
                        from + (value.isTensor() ? " is " : " holds " + tensor.name + ": ") +
                        tensor.typeText());
  }
  if (value.kind != info.kind)
    return usageError("input '" + info.name + "' is " + info.typeText() + " in the model, but " +
                      from + " is " + value.typeText());
  value.type = info.type;
  found[index] = std::move(value);
  return Error::success();
}

Error Gatherer::addFile(size_t index, const std::string &file) {
  Expected<std::vector<Value>> values = readValues(file, infos[index].kind);
  if (!values)
    return values.takeError();
  for (Value &value : *values)
    if (values->size() == 1 || value.name == infos[index].name)
      return add(index, std::move(value), file);
  return usageError(file + " holds no '" + infos[index].name + "'");
}

Error Gatherer::generate(size_t index, std::vector<int64_t> shape) {
  if (infos[index].type == NNCC_STRING)
    return usageError("input '" + infos[index].name +
                      "': strings are not generated; give --input " + infos[index].name +
                      "=@<file.pb>");
  Expected<Tensor> tensor = Tensor::create(infos[index].type, std::move(shape));
  if (!tensor)
    return tensor.takeError();
  fillRandom(*tensor, seedOption + (index << 32));
  return add(index, Value(std::move(*tensor)), "the given shape");
}

Error Gatherer::addSpec(const InputSpec &spec) {
  if (spec.name.empty() && tensorFormat(spec.file) == TensorFormat::Npz)
    return addArchive(spec.file);
  Expected<size_t> index = position(spec);
  if (!index)
    return index.takeError();
  return spec.file.empty() ? generate(*index, spec.shape) : addFile(*index, spec.file);
}

/// Names that the model does not have are left alone: data sets hold labels too.
Error Gatherer::addArchive(const std::string &file) {
  Expected<std::vector<Value>> values = readValues(file);
  if (!values)
    return values.takeError();
  for (Value &value : *values)
    for (auto [index, info] : enumerate(infos))
      if (info.name == value.name && !found[index])
        if (Error error = add(index, std::move(value), file))
          return error;
  return Error::success();
}

Error Gatherer::addFolder(const std::string &folder) {
  if (!sys::fs::is_directory(folder))
    return usageError(folder + ": no such folder");
  auto path = [&](const Twine &name) { return folder + "/" + name.str(); };
  auto numbered = [&](size_t index) { return path("input_" + Twine(index) + ".pb"); };
  // The first ones may be optionals without a value.
  fromPb = infos.empty() || any_of(seq(infos.size()),
                                   [&](size_t index) { return sys::fs::exists(numbered(index)); });
  for (auto [index, info] : enumerate(infos)) {
    std::string file =
        fromPb ? numbered(index) : path(fileName(info.name) + valueExtension(info.kind));
    if (found[index] || !sys::fs::exists(file))
      continue;
    if (Error error = addFile(index, file))
      return error;
  }
  return Error::success();
}

/// The size of a named dim: from --dim, or from an input that has it.
std::optional<int64_t> Gatherer::sizeOf(StringRef dim) const {
  auto given = options.dims.find(dim.str());
  if (given != options.dims.end())
    return given->second;
  if (!dim.empty())
    for (auto [info, value] : zip(infos, found))
      for (size_t d = 0; value && value->isTensor() && d < info.dims.size(); ++d)
        if (info.shape[d] < 0 && info.dims[d] == dim)
          return value->tensors.front().shape[d];
  return std::nullopt;
}

Error Gatherer::addGenerated(bool onlyKnownSizes) {
  for (auto [index, info] : enumerate(infos)) {
    if (found[index] || !info.isTensor() || info.type == NNCC_STRING)
      continue;
    std::vector<int64_t> shape = info.shape;
    auto whole = options.shapes.find(info.name);
    if (whole != options.shapes.end())
      shape = whole->second;
    else if (!info.ranked)
      return usageError("input '" + info.name + "' may have any number of dims; give --input " +
                        info.name + "=<sizes>");
    for (auto [size, name] : zip(shape, info.dims)) {
      if (size >= 0)
        continue;
      std::optional<int64_t> given = sizeOf(name);
      size = given.value_or(1);
      if (given)
        continue;
      std::string label = name.empty() ? "?" : name;
      if (onlyKnownSizes)
        return usageError("input '" + info.name + "' (" + info.typeText() + "): size '" + label +
                          "' is open; give it with " +
                          (name.empty() ? "" : "--dim=" + name + "=<size> or ") +
                          "--shape=" + info.name + ":<sizes>");
      note("input '" + info.name + "': size '" + label + "' is not given, 1 is taken");
    }
    if (Error error = generate(index, std::move(shape)))
      return error;
  }
  return Error::success();
}

Expected<GivenInputs> Gatherer::finish() {
  GivenInputs inputs;
  inputs.fromPb = fromPb;
  for (auto [index, info] : enumerate(infos)) {
    if (!found[index] && info.isOptional()) {
      found[index].emplace();
      found[index]->name = info.name;
      found[index]->kind = info.kind;
      found[index]->type = info.type;
      found[index]->present = false;
    }
    bool numbers = info.isTensor() && info.type != NNCC_STRING;
    if (!found[index])
      return usageError("input '" + info.name + "' (" + info.typeText() +
                        ") is missing; give --input " + info.name +
                        (numbers ? "=@<file>, or --random" : "=@<file.pb>"));
    inputs.values.push_back(std::move(*found[index]));
  }
  return inputs;
}

bool inputsAreGiven() { return !inputOptions.empty() || !inputsOption.empty(); }

Expected<GivenInputs> gatherInputs(ArrayRef<ValueInfo> infos, const CompileOptions &options,
                                   Generate missing, const std::string &otherwise) {
  Gatherer gatherer(infos, options);
  for (StringRef text : inputOptions) {
    Expected<InputSpec> spec = parseSpec(text);
    if (!spec)
      return spec.takeError();
    if (Error error = gatherer.addSpec(*spec))
      return std::move(error);
  }
  const std::string &all = inputsAreGiven() ? inputsOption : otherwise;
  if (!all.empty()) {
    bool archive = tensorFormat(all) == TensorFormat::Npz;
    if (Error error = archive ? gatherer.addArchive(all) : gatherer.addFolder(all))
      return std::move(error);
  }
  if (missing != Generate::None)
    if (Error error = gatherer.addGenerated(missing == Generate::KnownSizes))
      return std::move(error);
  return gatherer.finish();
}

} // namespace nncc::tool
