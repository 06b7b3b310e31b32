// Recurrent layers: RNN, GRU, LSTM.
#include "compiler/import/Compose.h"
#include "compiler/import/Indices.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace nncc;

namespace {

/// The activations of one direction, with ONNX's defaults in place of numbers that are left out.
struct Functions {
  SmallVector<StringRef> names;
  SmallVector<float> alpha, beta;

  bool operator==(const Functions &other) const {
    return names == other.names && alpha == other.alpha && beta == other.beta;
  }
};

/// One node: its sizes, and its operands in the layout [steps, batch, size] and in f32 or f64.
struct Layer {
  OpBinder &b;
  nn::CellKind kind;
  Compose f{b};
  nn::Direction direction{};
  int64_t directions = 1, gates = 0, units = 0;
  Type element{};
  bool batchFirst = false;
  SmallVector<Functions> functions{}; // by direction

  bool read();
  void import();

private:
  bool readSizes();
  bool readFunctions();
  bool expect(size_t input, StringRef name, ArrayRef<int64_t> shape);
  Value operand(size_t i) { return b.input(i) ? b.cast(b.input(i), element) : Value(); }
  Value state(size_t i) { return b.input(i) ? swapped(operand(i), {1, 0, 2}) : Value(); }
  Value swapped(Value x, ArrayRef<int64_t> perm) { return batchFirst ? f.transpose(x, perm) : x; }
  Value products(Value bias);
  std::pair<Value, Value> biases();
  SmallVector<Value> steps(nn::Direction way, const Functions &own, ValueRange operands);
  SmallVector<Value> stepsPerDirection(ValueRange operands);
};

/// nn's name of an activation; empty of a name that is none. ONNX Runtime takes any case.
StringRef activationName(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .CaseLower("Relu", "relu")
      .CaseLower("Tanh", "tanh")
      .CaseLower("Sigmoid", "sigmoid")
      .CaseLower("Affine", "affine")
      .CaseLower("LeakyRelu", "leaky_relu")
      .CaseLower("ThresholdedRelu", "thresholded_relu")
      .CaseLower("ScaledTanh", "scaled_tanh")
      .CaseLower("HardSigmoid", "hard_sigmoid")
      .CaseLower("Elu", "elu")
      .CaseLower("Softsign", "softsign")
      .CaseLower("Softplus", "softplus")
      .Default("");
}

std::pair<float, float> defaultsOf(StringRef activation) {
  return llvm::StringSwitch<std::pair<float, float>>(activation)
      .Case("leaky_relu", {0.01f, 0})
      .Cases({"thresholded_relu", "elu"}, {1, 0})
      .Case("affine", {1, 0})
      .Case("scaled_tanh", {1, 1})
      .Case("hard_sigmoid", {0.2f, 0.5f})
      .Default({0, 0});
}

} // namespace

/// Whether an operand that is there has these sizes; -1 is any.
bool Layer::expect(size_t input, StringRef name, ArrayRef<int64_t> shape) {
  Value value = b.input(input);
  if (!value)
    return true;
  ArrayRef<int64_t> found = b.typeOf(value).getShape();
  bool fits = found.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] < 0 || ShapedType::isDynamic(found[i]) || found[i] == shape[i];
  if (fits)
    return true;
  auto text = [](ArrayRef<int64_t> sizes) {
    return "[" +
           llvm::join(llvm::map_range(sizes,
                                      [](int64_t size) {
                                        return size < 0 ? std::string("?") : std::to_string(size);
                                      }),
                      ", ") +
           "]";
  };
  b.invalid(name + " is " + text(found) + ", expected " + text(shape));
  return false;
}

bool Layer::readSizes() {
  gates = nn::RecurrenceOp::gatesOf(kind);
  StringRef way = b.string("direction", "forward");
  auto known = nn::symbolizeDirection(way);
  if (!known) {
    b.invalid("attribute 'direction' is '" + way + "', expected forward, reverse or bidirectional");
    return false;
  }
  direction = *known, directions = nn::RecurrenceOp::directionsOf(direction);
  batchFirst = b.flag("layout");
  if (!expect(0, "X", {-1, -1, -1}) || !expect(1, "W", {directions, -1, -1}) ||
      !expect(2, "R", {directions, -1, -1}))
    return false;
  if (auto fixed = constantOf(b.shapeOf(b.input(2))[2])) {
    units = *fixed;
  } else if (b.attribute("hidden_size")) { // not every exporter writes it
    units = b.integer("hidden_size", 0);
  } else {
    b.unsupported("needs its units, dim 2 of R or attribute 'hidden_size', known at compile time; "
                  "give the sizes of the inputs with --dim or --shape");
    return false;
  }
  if (const int64_t stated = b.integer("hidden_size", units); stated != units) {
    b.invalid("hidden_size is " + Twine(stated) + ", but R has " + Twine(units) + " units");
    return false;
  }
  if (units < 1 || !llvm::isInt<32>(units)) { // products of sizes must not overflow
    b.invalid("has " + Twine(units) + " units, expected 1 or more, below 2^31");
    return false;
  }
  const int64_t all = gates * units;
  const int64_t inputs = constantOf(b.shapeOf(b.input(1))[2]).value_or(-1);
  if (!expect(0, "X", {-1, -1, inputs}) || !expect(1, "W", {directions, all, -1}) ||
      !expect(2, "R", {directions, all, units}) || !expect(3, "B", {directions, 2 * all}) ||
      !expect(4, "sequence_lens", {-1}) || !expect(7, "P", {directions, 3 * units}))
    return false;
  for (auto [i, name] : {std::pair(5, "initial_h"), {6, "initial_c"}})
    if (!(batchFirst ? expect(i, name, {-1, directions, units})
                     : expect(i, name, {directions, -1, units})))
      return false;
  return true;
}

/// As many names for each direction as the cell has functions; numbers are taken by those that have
/// any, in order.
bool Layer::readFunctions() {
  static constexpr StringRef defaults[][3] = {
      {"tanh"}, {"sigmoid", "tanh"}, {"sigmoid", "tanh", "tanh"}};
  const int64_t count = nn::RecurrenceOp::functionsOf(kind);
  const auto *given = b.attribute("activations");
  // The schema of RNN has two names as its default, for either number of directions.
  if (given && given->strings_size() != count * directions) {
    b.invalid("attribute 'activations' has " + Twine(given->strings_size()) + " names, expected " +
              Twine(count * directions));
    return false;
  }
  auto numbers = [&](StringRef name) {
    const auto *attribute = b.attribute(name);
    return attribute ? SmallVector<float>(attribute->floats().begin(), attribute->floats().end())
                     : SmallVector<float>();
  };
  SmallVector<float> alphas = numbers("activation_alpha"), betas = numbers("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  for (int64_t d = 0; d < directions; ++d) {
    Functions &own = functions.emplace_back();
    for (int64_t i = 0; i < count; ++i) {
      StringRef name = defaults[count - 1][i];
      if (given)
        name = activationName(given->strings(int(d * count + i)));
      if (name.empty()) {
        b.invalid("'" + given->strings(int(d * count + i)) + "' is no activation of a " +
                  stringifyCellKind(kind));
        return false;
      }
      auto [alpha, beta] = defaultsOf(name);
      const int64_t takes = nn::RecurrenceOp::parametersOf(name);
      if (takes > 0 && nextAlpha < alphas.size())
        alpha = alphas[nextAlpha++];
      if (takes > 1 && nextBeta < betas.size())
        beta = betas[nextBeta++];
      own.names.push_back(name), own.alpha.push_back(alpha), own.beta.push_back(beta);
    }
  }
  return true;
}

bool Layer::read() {
  if (!readSizes() || !readFunctions())
    return false;
  if (b.attribute("clip") && !(b.number("clip", 0) >= 0)) {
    b.invalid("attribute 'clip' is below 0");
    return false;
  }
  // Products add up and states are carried on: narrower floats are computed in f32 throughout.
  element = b.typeOf(b.input(0)).getElementType();
  if (!element.isF64())
    element = b.getBuilder().getF32Type();
  return !b.hasFailed();
}

/// The bias of the products of the inputs, [D, G*H], and the parameters that a cell takes, [D, P,
/// H]; null where there is none.
std::pair<Value, Value> Layer::biases() {
  Value bias = operand(3), peepholes = operand(7);
  if (peepholes)
    peepholes = b.reshape(peepholes, {directions, 3, units});
  if (!bias)
    return {bias, peepholes};
  const int64_t all = gates * units;
  bias = b.reshape(bias, {directions, 2 * all});
  Value ofInputs = f.slice(bias, 1, 0, all), ofStates = f.slice(bias, 1, all, 2 * all);
  if (kind != nn::CellKind::GRU || !b.flag("linear_before_reset"))
    return {f.add(ofInputs, ofStates), peepholes};
  // The reset gate is multiplied with the last of them, too.
  const int64_t first = 2 * units;
  Value sums = f.add(f.slice(ofInputs, 1, 0, first), f.slice(ofStates, 1, 0, first));
  return {f.concat({sums, f.slice(ofInputs, 1, first, all)}, 1),
          b.reshape(f.slice(ofStates, 1, first, all), {directions, 1, units})};
}

/// The products of all steps at once, [S, B, D*G*H].
Value Layer::products(Value bias) {
  const int64_t all = directions * gates * units;
  Value x = swapped(operand(0), {1, 0, 2}), weights = operand(1);
  const AffineExpr inputs = b.shapeOf(weights)[2];
  weights = b.reshapeTo(weights, {getAffineConstantExpr(all, inputs.getContext()), inputs});
  weights = f.transpose(weights, {1, 0});
  Value result = b.create<nn::MatMulOp>({x, weights});
  return bias ? f.add(result, b.reshape(bias, {all})) : result;
}

/// `operands`: x, r, params, lengths, initial h and c, null where there is none.
SmallVector<Value> Layer::steps(nn::Direction way, const Functions &own, ValueRange operands) {
  nn::RecurrenceOp::Properties properties;
  Builder &builder = b.getBuilder();
  properties.kind = nn::CellKindAttr::get(builder.getContext(), kind);
  properties.direction = nn::DirectionAttr::get(builder.getContext(), way);
  properties.activations = builder.getStrArrayAttr(own.names);
  properties.alpha = builder.getDenseF32ArrayAttr(own.alpha);
  properties.beta = builder.getDenseF32ArrayAttr(own.beta);
  if (b.attribute("clip") && b.number("clip", 0) > 0) // 0 is none, as in ONNX Runtime
    properties.clip = b.f32(b.number("clip", 0));
  properties.input_forget = b.unitIf(kind == nn::CellKind::LSTM && b.flag("input_forget"));
  properties.linear_before_reset =
      b.unitIf(kind == nn::CellKind::GRU && b.flag("linear_before_reset"));
  SmallVector<Value> present;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    properties.operandSegmentSizes[i] = operand ? 1 : 0;
    if (operand)
      present.push_back(operand);
  }
  Value first = b.create<nn::RecurrenceOp>(present, properties);
  if (!first)
    return {};
  return SmallVector<Value>(first.getDefiningOp()->getResults());
}

/// Two layers, where the directions have functions of their own.
SmallVector<Value> Layer::stepsPerDirection(ValueRange operands) {
  SmallVector<SmallVector<Value>> parts;
  for (int64_t d = 0; d < directions; ++d) {
    SmallVector<Value> own;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      const int64_t size = i == 0 ? gates * units : 1;
      bool isShared = !operand || i == 3;
      own.push_back(isShared ? operand
                             : f.slice(operand, i == 0 ? 2 : 0, d * size, (d + 1) * size));
    }
    parts.push_back(steps(d ? nn::Direction::Reverse : nn::Direction::Forward, functions[d], own));
    if (parts.back().empty())
      return {};
  }
  SmallVector<Value> results;
  for (size_t i = 0; i < parts[0].size(); ++i)
    results.push_back(f.concat({parts[0][i], parts[1][i]}, i == 0 ? 1 : 0));
  return results;
}

void Layer::import() {
  const AffineExpr length = b.shapeOf(b.input(0))[batchFirst ? 1 : 0];
  requireWithin(b, b.input(4), normalForm(length * 0), length, "a length in sequence_lens");
  auto [bias, params] = biases();
  // Weights of open sizes, as those of a graph's input may be, have those that `units` tells.
  Value weights = b.reshape(operand(2), {directions, gates * units, units});
  SmallVector<Value> operands{products(bias), weights, params, b.input(4), state(5), state(6)};
  if (b.hasFailed())
    return;
  bool isOne = llvm::all_equal(functions);
  SmallVector<Value> results =
      isOne ? steps(direction, functions.front(), operands) : stepsPerDirection(operands);
  Type own = b.typeOf(b.input(0)).getElementType();
  for (auto [i, value] : llvm::enumerate(results)) {
    if (!b.wants(i))
      continue;
    Value ordered = i == 0 ? swapped(value, {2, 0, 1, 3}) : swapped(value, {1, 0, 2});
    b.result(b.cast(ordered, own), i);
  }
}

static void importLayer(OpBinder &b, nn::CellKind kind) {
  Layer layer{b, kind};
  if (layer.read())
    layer.import();
}

void nncc::addRecurrentRules(Rules &rules) {
  rules.onOp("RNN", 1, [](OpBinder &b) { importLayer(b, nn::CellKind::RNN); });
  rules.onOp("GRU", 1, [](OpBinder &b) { importLayer(b, nn::CellKind::GRU); });
  rules.onOp("LSTM", 1, [](OpBinder &b) { importLayer(b, nn::CellKind::LSTM); });
}
