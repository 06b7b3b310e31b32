// Recognising a formula by what it computes instead of how it is spelled.
#pragma once

#include "dialects/nn/NN.h"
#include <map>

namespace nncc {

/// A polynomial in two tensors: the input x of a formula and a term t of it that is not a
/// polynomial (an erf, a sigmoid...). 0.5 * x * (1 + t), (x + x * t) / 2 and every other spelling
/// with additions, multiplications, divisions by scalars and integer powers expand to the same
/// coefficients.
class Polynomial {
public:
  /// Fails where `root` depends on anything but x, t and scalar constants. `t` may be null.
  static std::optional<Polynomial> expand(mlir::Value root, mlir::Value x, mlir::Value t);

  /// Of x^i t^j.
  double coefficient(unsigned i, unsigned j = 0) const;

  struct Term {
    unsigned x, t;
    double coefficient;
  };
  /// Whether it has these terms and no other ones, to the precision in which exporters write
  /// constants of this element type.
  bool equals(llvm::ArrayRef<Term> terms, mlir::Type element) const;

  bool isConstant() const;
  unsigned degree() const;
  Polynomial plus(const Polynomial &other, double factor = 1) const;
  Polynomial times(const Polynomial &other) const;
  Polynomial scaled(double factor) const;

private:
  friend class Expander;
  std::map<std::pair<unsigned, unsigned>, double> terms; // no zero coefficient
};

/// Whether a constant that an exporter wrote is the one that a formula has.
bool isClose(double found, double expected, mlir::Type element);

/// The operands of `root`, theirs and so on through additions, multiplications, divisions,
/// negations and powers, nearest first, without constants. The first one is `root`.
llvm::SmallVector<mlir::Value> arithmeticSources(mlir::Value root);

} // namespace nncc
