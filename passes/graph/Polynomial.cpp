#include "passes/graph/Polynomial.h"

#include "passes/graph/Constants.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc {

double Polynomial::coefficient(unsigned i, unsigned j) const {
  auto it = terms.find({i, j});
  return it == terms.end() ? 0 : it->second;
}

bool Polynomial::isConstant() const { return degree() == 0; }

unsigned Polynomial::degree() const {
  unsigned result = 0;
  for (auto &[powers, coefficient] : terms)
    result = std::max(result, powers.first + powers.second);
  return result;
}

Polynomial Polynomial::plus(const Polynomial &other, double factor) const {
  Polynomial result = *this;
  for (auto &[powers, coefficient] : other.terms)
    if ((result.terms[powers] += factor * coefficient) == 0)
      result.terms.erase(powers);
  return result;
}

Polynomial Polynomial::times(const Polynomial &other) const {
  Polynomial result;
  for (auto &[left, a] : terms)
    for (auto &[right, b] : other.terms)
      result.terms[{left.first + right.first, left.second + right.second}] += a * b;
  return result;
}

Polynomial Polynomial::scaled(double factor) const {
  Polynomial result;
  for (auto &[powers, coefficient] : terms)
    if (factor != 0)
      result.terms[powers] = factor * coefficient;
  return result;
}

bool isClose(double found, double expected, Type element) {
  double tolerance = element.getIntOrFloatBitWidth() < 32 ? 4e-3 : 1e-5;
  return std::abs(found - expected) <= tolerance * std::max(std::abs(expected), 1e-3);
}

bool Polynomial::equals(ArrayRef<Term> expected, Type element) const {
  unsigned found = 0;
  for (const Term &term : expected) {
    if (!isClose(coefficient(term.x, term.t), term.coefficient, element))
      return false;
    found += terms.count({term.x, term.t});
  }
  return found == terms.size();
}

/// Expansion by recursion over the operations, within limits: formulas are small.
class Expander {
public:
  Expander(Value x, Value t) : x(x), t(t) {}

  std::optional<Polynomial> expand(Value value) {
    if (value == x || value == t)
      return monomial(value == x, value == t, 1);
    if (std::optional<double> scalar = nn::constantScalar(value))
      return monomial(0, 0, *scalar);
    Operation *op = value.getDefiningOp();
    if (!op || ++visited > 64)
      return std::nullopt;
    return TypeSwitch<Operation *, std::optional<Polynomial>>(op)
        .Case<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp>([&](auto) { return binary(op); })
        .Case([&](nn::NegOp neg) -> std::optional<Polynomial> {
          std::optional<Polynomial> operand = expand(neg.getOperand());
          return operand ? std::optional(operand->scaled(-1)) : std::nullopt;
        })
        .Case([&](nn::PowOp pow) { return power(pow); })
        .Default(std::optional<Polynomial>());
  }

private:
  static Polynomial monomial(unsigned i, unsigned j, double coefficient) {
    Polynomial result;
    if (coefficient != 0)
      result.terms[{i, j}] = coefficient;
    return result;
  }

  std::optional<Polynomial> binary(Operation *op) {
    std::optional<Polynomial> lhs = expand(op->getOperand(0)), rhs = expand(op->getOperand(1));
    if (!lhs || !rhs)
      return std::nullopt;
    if (isa<nn::AddOp>(op))
      return lhs->plus(*rhs);
    if (isa<nn::SubOp>(op))
      return lhs->plus(*rhs, -1);
    if (isa<nn::DivOp>(op)) {
      if (!rhs->isConstant() || rhs->coefficient(0) == 0)
        return std::nullopt;
      return lhs->scaled(1 / rhs->coefficient(0));
    }
    if (lhs->degree() + rhs->degree() > maxDegree)
      return std::nullopt;
    return lhs->times(*rhs);
  }

  std::optional<Polynomial> power(nn::PowOp op) {
    std::optional<double> exponent = nn::constantScalar(op.getRhs());
    if (auto integers = nn::constantIntegers(op.getRhs()); integers && integers->size() == 1)
      exponent = integers->front();
    std::optional<Polynomial> base = expand(op.getLhs());
    if (!base || !exponent || *exponent < 1 || *exponent > maxDegree ||
        *exponent != std::floor(*exponent) || base->degree() * *exponent > maxDegree)
      return std::nullopt;
    Polynomial result = *base;
    for (int i = 1; i < *exponent; ++i)
      result = result.times(*base);
    return result;
  }

  static constexpr unsigned maxDegree = 6;
  Value x, t;
  unsigned visited = 0;
};

std::optional<Polynomial> Polynomial::expand(Value root, Value x, Value t) {
  return Expander(x, t).expand(root);
}

SmallVector<Value> arithmeticSources(Value root) {
  constexpr size_t most = 24; // more than any known formula has
  llvm::SetVector<Value> sources;
  sources.insert(root);
  for (size_t i = 0; i < sources.size() && sources.size() < most; ++i) {
    Operation *op = sources[i].getDefiningOp();
    if (op && isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::NegOp, nn::PowOp>(op))
      for (Value operand : op->getOperands())
        if (!isConstant(operand))
          sources.insert(operand);
  }
  return sources.takeVector();
}

} // namespace nncc
