// What is known of a tensor before the program runs. Each op infers it once; result types,
// verification and the folding of shape arithmetic follow from that.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace nncc::nn {

using EmitError = llvm::function_ref<llvm::LogicalResult(const llvm::Twine &)>;

struct Fact {
  Shape shape;
  mlir::Type element;         // null: the operand is absent
  std::optional<Shape> value; // the elements of an integer tensor of at most `maxValues` elements
  static constexpr int64_t maxValues = 1024;
  /// Of a result: what has to be 0 when the program runs for the operands to fit each other.
  Shape zeros;

  int64_t rank() const { return shape.size(); }
  /// The size where it is static, else ShapedType::kDynamic.
  int64_t size(int64_t dim) const;
  /// The elements where all of them are constants.
  std::optional<llvm::SmallVector<int64_t>> constants() const;

  /// Whether the expression may be 0; if that depends on symbols it joins `zeros`.
  bool mayBeZero(mlir::AffineExpr expression);
  /// Whether two sizes may be equal; if that depends on symbols their difference joins `zeros`.
  bool mayEqual(mlir::AffineExpr lhs, mlir::AffineExpr rhs) { return mayBeZero(lhs - rhs); }
};

/// Reports a shape that does not broadcast to `target`; notes in `result` what has to hold.
llvm::LogicalResult expectBroadcast(llvm::ArrayRef<mlir::AffineExpr> shape,
                                    llvm::ArrayRef<mlir::AffineExpr> target, Fact &result,
                                    EmitError error);

/// Whether the dims along which a tensor of these sizes is repeated, to have those of `target`, are
/// those of size 1: no symbol decides that.
bool broadcastsAlike(llvm::ArrayRef<mlir::AffineExpr> sizes,
                     llvm::ArrayRef<mlir::AffineExpr> target);

/// A size as errors name it: the number, or "open".
std::string textOf(mlir::AffineExpr size);

/// A trait without behaviour of its own: its declarations are in NNBase.td.
template <typename Op> class InferFacts : public mlir::OpTrait::TraitBase<Op, InferFacts> {};

/// What the type of `value` and, if it is a constant, its elements tell.
Fact factOf(mlir::Value value);
mlir::RankedTensorType makeType(const Fact &fact);

/// NumPy's broadcasting rule: sets the shape of `result`. Of two sizes over symbols one has to be 1
/// when the program runs, or they are equal.
llvm::LogicalResult broadcast(llvm::ArrayRef<Fact> operands, Fact &result, EmitError error);

/// The elements of an elementwise op on integers whose elements are known; none if it is not one of
/// the operations on sizes that exporters leave in a graph.
std::optional<Shape> inferValues(llvm::StringRef mnemonic, llvm::ArrayRef<Fact> operands,
                                 const Fact &result);

/// The shape and, of integer arithmetic on known values, the value of an elementwise op.
llvm::LogicalResult inferElementwise(llvm::StringRef mnemonic, llvm::ArrayRef<Fact> operands,
                                     Fact &result, EmitError error);

/// `axis` counted from the front; reports an axis outside of [-rank, rank).
llvm::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank, EmitError error);

/// Distinct axes counted from the front, in order.
llvm::FailureOr<llvm::SmallVector<int64_t>> normalizeAxes(llvm::ArrayRef<int64_t> axes,
                                                          int64_t rank, EmitError error);

/// The elements of an operand that has to be a constant; reports that it is none by this name.
llvm::FailureOr<llvm::SmallVector<int64_t>> expectConstants(const Fact &fact, llvm::StringRef name,
                                                            EmitError error);

/// Whether optional operand `index` is there.
inline bool isPresent(llvm::ArrayRef<Fact> operands, size_t index) {
  return index < operands.size() && operands[index].element;
}

/// Reports negative sizes, and tensors that no memory holds.
llvm::LogicalResult checkSizes(const Fact &fact, EmitError error);

bool areCompatible(mlir::TypeRange inferred, mlir::TypeRange actual);

/// A tensor of known elements: nn.constant, or nn.sizes where some are over symbols. Null where the
/// type of the fact cannot hold them.
mlir::Value buildValue(mlir::OpBuilder &builder, mlir::Location loc, const Fact &fact);

/// The same of int64, [n].
mlir::Value buildSizes(mlir::OpBuilder &builder, mlir::Location loc,
                       llvm::ArrayRef<mlir::AffineExpr> sizes);

/// What `op` infers of its results; none if it infers nothing.
llvm::SmallVector<Fact> inferFacts(mlir::Operation *op);

/// If the elements of `op`'s results are known (Shape, Gather, Concat, Unsqueeze of sizes): those
/// values, inserted at `builder`; else nothing. `results`: of inferFacts().
llvm::SmallVector<mlir::Value> foldByFacts(mlir::OpBuilder &builder, mlir::Operation *op,
                                           llvm::ArrayRef<Fact> results);

template <typename Op>
llvm::LogicalResult inferTypes(std::optional<mlir::Location> location, mlir::ValueRange operands,
                               typename Op::Adaptor adaptor,
                               llvm::SmallVectorImpl<mlir::Type> &types) {
  llvm::SmallVector<Fact> facts, results;
  for (mlir::Value operand : operands)
    facts.push_back(factOf(operand));
  auto error = [&](const llvm::Twine &text) {
    return mlir::emitOptionalError(location, "'", Op::getOperationName(), "' op ", text);
  };
  if (failed(Op::infer(adaptor, facts, results, error)))
    return mlir::failure();
  for (const Fact &fact : results) {
    if (failed(checkSizes(fact, error)))
      return mlir::failure();
    types.push_back(makeType(fact));
  }
  return mlir::success();
}

} // namespace nncc::nn
