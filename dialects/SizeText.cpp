#include "dialects/SizeText.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace nncc {

namespace {

class Writer {
public:
  explicit Writer(ArrayRef<std::string> names) : names(names) {}

  SizeText write(AffineExpr size) {
    SizeText result;
    result.text = hasChoice(size) ? unnamed() : text(size);
    result.isNamed = isNamed;
    return result;
  }

private:
  std::string unnamed() {
    isNamed = false;
    return "?";
  }

  std::string text(AffineExpr size) {
    if (auto constant = constantOf(size))
      return std::to_string(*constant);
    if (auto symbol = dyn_cast<AffineSymbolExpr>(size)) {
      bool known = symbol.getPosition() < names.size() && !names[symbol.getPosition()].empty();
      return known ? names[symbol.getPosition()] : unnamed();
    }
    auto binary = cast<AffineBinaryOpExpr>(size);
    AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
    switch (binary.getKind()) {
    case AffineExprKind::Add:
      if (auto constant = constantOf(rhs); constant && *constant < 0)
        return text(lhs) + " - " + text(-rhs);
      return text(lhs) + " + " + text(rhs);
    case AffineExprKind::Mul:
      return constantOf(rhs) ? factor(rhs) + "*" + factor(lhs) : factor(lhs) + "*" + factor(rhs);
    case AffineExprKind::Mod:
      return factor(lhs) + " mod " + factor(rhs);
    case AffineExprKind::CeilDiv:
      return "ceil(" + factor(lhs) + "/" + factor(rhs) + ")";
    default:
      return "floor(" + factor(lhs) + "/" + factor(rhs) + ")";
    }
  }

  /// With parentheses where it is a sum or a remainder.
  std::string factor(AffineExpr size) {
    bool isSum = size.getKind() == AffineExprKind::Add || size.getKind() == AffineExprKind::Mod;
    return isSum ? "(" + text(size) + ")" : text(size);
  }

  ArrayRef<std::string> names;
  bool isNamed = true;
};

} // namespace

SizeText textOf(AffineExpr size, ArrayRef<std::string> names) { return Writer(names).write(size); }

std::string textOf(ArrayRef<AffineExpr> shape, ArrayRef<std::string> names) {
  auto sizes = llvm::map_range(shape, [&](AffineExpr size) { return textOf(size, names).text; });
  return "[" + llvm::join(sizes, ", ") + "]";
}

SmallVector<std::string> symbolNames(Operation *function) {
  SmallVector<std::string> names;
  if (auto declared = function->getAttrOfType<ArrayAttr>("nn.dims"))
    for (Attribute name : declared)
      names.push_back(cast<StringAttr>(name).str());
  return names;
}

unsigned addSymbol(Operation *function) {
  auto declared = function->getAttrOfType<ArrayAttr>("nn.dims");
  auto names = declared ? llvm::to_vector(declared) : SmallVector<Attribute>();
  names.push_back(StringAttr::get(function->getContext(), ""));
  function->setAttr("nn.dims", ArrayAttr::get(function->getContext(), names));
  return names.size() - 1;
}

unsigned givenSymbols(FunctionOpInterface function) {
  unsigned given = 0;
  for (Type type : function.getArgumentTypes())
    given = std::max(given, symbolCount(shapeOf(cast<RankedTensorType>(type))));
  return given;
}

SmallVector<RankedTensorType> argumentTypes(FunctionOpInterface function) {
  SmallVector<RankedTensorType> types;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto declared = function.getArgAttrOfType<TypeAttr>(i, declaredTypeAttr);
    types.push_back(cast<RankedTensorType>(declared ? declared.getValue() : type));
  }
  return types;
}

} // namespace nncc
