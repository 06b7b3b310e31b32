// The scalar body of a loop nest, evaluated for one point or for several at once.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Nest.h"

namespace nncc {

/// A value of the body at neighbouring points.
struct Lanes {
  mlir::Value scalar; // of all lanes, or of the first one where they count up; null: they vary
  mlir::Value vector; // where it was needed
  bool countsUp = false;
};
using LaneMap = llvm::DenseMap<mlir::Value, Lanes>;

/// Elements of memory as values: bools are bytes there, reinterpreted tensors have other types.
mlir::Value fromMemory(Emitter &e, mlir::Value value, mlir::Type element);
mlir::Value toMemory(Emitter &e, mlir::Value value, mlir::Type memory);

/// Maximum and minimum need not order zeros by sign, which takes half of their instructions.
void relaxZeros(mlir::Operation *op);

/// The points at which a body is evaluated: one, or neighbours in the direction of one loop.
struct Points {
  llvm::SmallVector<mlir::Value> loops; // per loop of the nest: its index, null where not yet known
  int vector = -1;                      // the loop whose index differs between lanes
  int64_t lanes = 1;
  mlir::Value mask; // of the lanes that exist; null: all
};

class BodyEvaluator {
public:
  BodyEvaluator(const Homes &homes, const Nest &nest) : homes(homes), nest(nest) {}

  /// The lanes of an operand of the body's operations; none where not yet evaluated.
  std::optional<Lanes> lookup(mlir::Value value, const LaneMap &values) const;

  /// Evaluates what can be from `values`; with `scalarOnly`, only what is equal for all lanes.
  void evaluate(Emitter &e, LaneMap &values, const Points &points, bool scalarOnly) const;
  /// The same of one operation; whether it can be.
  bool evaluate(Emitter &e, mlir::Operation &op, LaneMap &values, const Points &points,
                bool scalarOnly) const;

  /// All lanes as a vector; with one lane, the scalar.
  static mlir::Value asVector(Emitter &e, Lanes &lanes, int64_t count);

  /// The value of an index expression of the nest; none where it needs a loop not yet known.
  std::optional<Lanes> index(Emitter &e, mlir::AffineExpr expression, const Points &points) const;

private:
  /// A branch that all lanes take or none.
  void evaluateBranch(Emitter &e, mlir::scf::IfOp op, LaneMap &values, const Points &points) const;
  std::optional<Lanes> extract(Emitter &e, mlir::tensor::ExtractOp op, LaneMap &values,
                               const Points &points, bool scalarOnly) const;
  Lanes gather(Emitter &e, mlir::tensor::ExtractOp op, llvm::MutableArrayRef<Lanes> indices,
               const Points &points) const;
  mlir::Value scalarElement(Emitter &e, mlir::Value tensor, mlir::ValueRange indices) const;
  mlir::Operation *cloneScalar(Emitter &e, mlir::Operation &op, const LaneMap &values,
                               const Points &points) const;

  const Homes &homes;
  const Nest &nest;
};

} // namespace nncc
