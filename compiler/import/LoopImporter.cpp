#include "compiler/import/LoopImporter.h"
#include "compiler/import/Ragged.h"

#include "dialects/SizeText.h"

using namespace mlir;
using namespace nncc;

bool nncc::isTrue(Value condition) {
  auto known = nn::constantIntegers(condition);
  return known && known->size() == 1 && known->front();
}

// What the state begins with, as tensors.
bool LoopImporter::begin(OpBinder &binder) {
  parts.clear(), states.clear();
  symbols.clear(), starts.clear();
  for (auto [init, type] : llvm::zip(inits, types)) {
    Value value = Ragged(binder).convert(init, type);
    if (!value)
      return false;
    llvm::append_range(parts, partsOf(value));
  }
  for (Value part : parts)
    states.push_back(shapeOf(part));
  return true;
}

bool LoopImporter::importBody(Body &body, OpBinder &binder) {
  SmallVector<Type> partTypes;
  for (auto [state, part] : llvm::zip(states, parts))
    partTypes.push_back(tensorOf(state, getElementTypeOrSelf(part)));
  body.draft = rt::LoopOp::create(builder, place.loc, partTypes, counter, parts,
                                  /*conditional=*/false, nullptr, ArrayRef<int64_t>(), nullptr);
  OpBuilder::InsertionGuard guard(builder);
  Block &block = body.draft.getBody().emplaceBlock();
  block.addArguments(partTypes, SmallVector<Location>(partTypes.size(), place.loc));
  builder.setInsertionPointToStart(&block);
  const Values before = fromParts(builder, place.loc, types, block.getArguments());
  auto arguments =
      makeArguments(binder, getAffineSymbolExpr(counter, builder.getContext()), before);
  if (binder.hasFailed())
    return false;
  const Values outputs = importer.importGraph(graph, place, scope, arguments);
  if (int(outputs.size()) != graph.output_size() || binder.hasFailed())
    return false; // reported
  const Values yielded = takeOutputs(binder, outputs, before);
  ArrayRef<Value> rest = yielded;
  if (binder.hasFailed())
    return false;
  if (yieldsCondition) {
    if (!importer.expectTensors(rest[0], "the condition that its body yields", place))
      return false;
    if (std::string wrong = checkCondition(rest[0]); !wrong.empty()) {
      importer.problems.invalid(place.where, "its body " + wrong);
      return false;
    }
    body.condition = isTrue(rest[0]) ? Value() : rest[0];
    rest = rest.drop_front();
  }
  llvm::append_range(body.elements, rest.drop_front(inits.size()));
  return importer.expectTensors(body.elements, "what its body yields to be collected", place) &&
         takeState(body, rest.take_front(inits.size()), binder);
}

// The parts of the state after an iteration, where it has the types of the one before.
bool LoopImporter::takeState(Body &body, ArrayRef<Value> yielded, OpBinder &binder) {
  bool agree = true;
  for (auto [i, value] : llvm::enumerate(yielded)) {
    if (isa<RankedTensorType>(types[i]) && isNumeric(value)) {
      agree &= agrees(i, types[i], value.getType());
      continue;
    }
    Type joined = commonType(types[i], openTypeOf(value));
    if (!joined) {
      importer.problems.invalid(place.where, "state " + Twine(i) + " of its body begins as " +
                                                 describe(inits[i].getType()) +
                                                 " and is yielded as " + describe(value.getType()));
      return false;
    }
    body.isOutgrown |= joined != types[i];
    types[i] = joined;
  }
  if (!agree || body.isOutgrown)
    return agree;
  for (auto [value, type] : llvm::zip(yielded, types)) {
    Value converted = Ragged(binder).convert(value, type);
    if (!converted)
      return false;
    llvm::append_range(body.states, partsOf(converted));
  }
  return true;
}

bool LoopImporter::agrees(size_t i, Type state, Type next) {
  const std::string what = "state " + std::to_string(i) + " of its body begins as ";
  const int64_t rank = cast<RankedTensorType>(state).getRank();
  const int64_t nextRank = cast<RankedTensorType>(next).getRank();
  Type element = elementTypeOf(state), nextElement = elementTypeOf(next);
  if (element != nextElement)
    importer.problems.invalid(place.where, what + nn::typeName(element) + " and is yielded as " +
                                               nn::typeName(nextElement));
  else if (rank != nextRank)
    importer.problems.add(ErrorClass::Unsupported, place.where,
                          what + "a tensor of " + Twine(rank) + " dims and is yielded as one of " +
                              Twine(nextRank));
  else
    return true;
  return false;
}

// Whether a size that the loop's symbols did not stand for changes: it does from now on.
bool LoopImporter::generalize(Body &body) {
  bool changed = false;
  nexts.assign(symbols.size(), AffineExpr());
  for (auto [i, shape] : llvm::enumerate(states)) {
    const Shape next = shapeOf(body.states[i]), start = shapeOf(parts[i]);
    for (auto [dim, size] : llvm::enumerate(shape)) {
      auto symbol = dyn_cast<AffineSymbolExpr>(size);
      auto *own = symbol ? llvm::find(symbols, symbol.getPosition()) : symbols.end();
      if (own != symbols.end()) {
        nexts[own - symbols.begin()] = next[dim];
      } else if (size != next[dim]) {
        symbols.push_back(addSymbol(function));
        starts.push_back(start[dim]);
        size = getAffineSymbolExpr(symbols.back(), builder.getContext());
        changed = true;
      }
    }
  }
  return changed;
}

// Sizes of what is collected that nobody outside knows are the loop's symbols too; they have to be
// the same in each iteration.
Shape LoopImporter::resultShape(Value element) {
  Shape shape = shapeOf(element);
  SmallVector<AffineExpr> zeros;
  for (AffineExpr &size : shape) {
    if (symbolCount(size) <= visible)
      continue;
    const AffineExpr inside = size;
    symbols.push_back(addSymbol(function));
    starts.push_back(getAffineConstantExpr(0, builder.getContext()));
    nexts.push_back(inside);
    size = getAffineSymbolExpr(symbols.back(), builder.getContext());
    zeros.push_back(
        normalForm(getAffineSymbolExpr(counter, builder.getContext()) * (size - inside)));
  }
  if (!zeros.empty())
    rt::CheckOp::create(
        builder, place.loc, sizeMap(zeros, builder.getContext()),
        "node '" + place.name +
            "': the sizes of what its body yields in two iterations do not fit each other");
  return shape;
}

LoopImporter::Values LoopImporter::build(Body &body) {
  MLIRContext *context = builder.getContext();
  const bool conditional = isConditional(body);
  const AffineExpr count =
      !conditional && trip && symbolCount(trip) <= visible && isNeverNegative(trip)
          ? trip
          : getAffineSymbolExpr(counter, context);
  SmallVector<Type> resultTypes(body.draft.getResultTypes());
  SmallVector<Value> yielded, operands;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&body.draft.getBody().front());
    for (Value element : body.elements) {
      Shape shape = resultShape(element);
      shape.insert(shape.begin(), count);
      resultTypes.push_back(tensorOf(shape, getElementTypeOrSelf(element)));
    }
    auto always = [&] {
      return nn::ConstantOp::create(
          builder, place.loc,
          DenseElementsAttr::get(RankedTensorType::get({}, builder.getI1Type()), true));
    };
    if (conditional)
      yielded.push_back(body.condition ? body.condition : always());
    llvm::append_range(yielded, body.states);
    llvm::append_range(yielded, body.elements);
    rt::YieldOp::create(builder, place.loc, yielded, makeSizes(nexts, context));
    builder.setInsertionPoint(body.draft);
    if (conditional)
      operands.push_back(condition ? condition : always());
  }
  llvm::append_range(operands, parts);
  auto op = rt::LoopOp::create(builder, place.loc, resultTypes, counter, operands, conditional,
                               trip ? makeSizes(trip, context) : AffineMapAttr(), symbols,
                               makeSizes(starts, context));
  op.getBody().takeBody(body.draft.getBody());
  body.draft.erase();
  return llvm::to_vector_of<Value>(op.getResults());
}

// The values that the tensors are which a loop gives.
LoopImporter::Values LoopImporter::assemble(const Values &results) {
  ValueRange rest = results;
  Values values = fromParts(builder, place.loc, types, rest.take_front(parts.size()));
  llvm::append_range(values, rest.drop_front(parts.size()));
  return values;
}

// No iteration: what it begins with, and nothing collected. The body may not even be able to run.
LoopImporter::Values LoopImporter::buildNothing(Body &body, OpBinder &binder) {
  Values results = parts;
  const AffineExpr zero = getAffineConstantExpr(0, builder.getContext());
  for (Value element : body.elements) {
    Shape shape = shapeOf(element);
    for (AffineExpr &size : shape)
      size = symbolCount(size) <= visible ? size : zero;
    shape.insert(shape.begin(), zero);
    results.push_back(binder.create<nn::ExpandOp>(
        {binder.scalar(getElementTypeOrSelf(element), 0), binder.sizes(shape)}));
  }
  body.draft.erase();
  return results;
}

std::optional<LoopImporter::Values> LoopImporter::run(OpBinder &binder) {
  types = llvm::map_to_vector(inits, openTypeOf);
  if (!begin(binder))
    return std::nullopt;
  visible = symbolNames(function).size();
  counter = addSymbol(function);
  while (true) { // each round finds a type or size that changes, or ends
    Body body;
    const bool isImported = importBody(body, binder);
    if (isImported && !body.isOutgrown && !generalize(body))
      return assemble(trip && constantOf(trip).value_or(1) <= 0 ? buildNothing(body, binder)
                                                                : build(body));
    body.draft.erase();
    if (!isImported || (body.isOutgrown && !begin(binder)))
      return std::nullopt;
  }
}
