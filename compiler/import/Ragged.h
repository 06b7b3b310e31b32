// Formulas on values of which only a run knows how long they are: see Values.h.
#pragma once

#include "compiler/import/Parameters.h"
#include "compiler/import/Values.h"

namespace nncc {

/// Places in tensors whose parts are of different sizes; all tensors are int64 [n].
struct Pieces : Parameters {
  explicit Pieces(OpBinder &b) : Parameters{b} {}

  /// `size` elements of `x` along its first dim.
  mlir::Value cut(mlir::Value x, mlir::AffineExpr start, mlir::AffineExpr size) const;
  /// `sizes[i]` times i for each i, which are `total` elements.
  mlir::Value owners(mlir::Value sizes, mlir::AffineExpr total) const;
  /// The elements of the pieces of `x` that begin at `starts`, one piece after the other.
  mlir::Value collect(mlir::Value x, mlir::Value starts, mlir::Value sizes,
                      mlir::AffineExpr total) const;
  mlir::AffineExpr total(mlir::Value sizes) const;
};

/// Operations on values of type !nn.sequence and !nn.optional. Lists and none are given these types
/// by convert(). All of them report, and end the run, as the operators do that they are for.
struct Ragged : Pieces {
  explicit Ragged(OpBinder &b) : Pieces(b) {}

  /// The value as one of a type that joins its own with another one. An optional that has to be
  /// what is in it ends the run where it has no value.
  mlir::Value convert(mlir::Value value, mlir::Type type) const;
  /// The value with a length that only a run knows.
  mlir::Value open(mlir::Value value) const { return convert(value, openTypeOf(value)); }

  /// The same sequence, known to be of tensors with so many dims; others end the run.
  mlir::Value withRank(mlir::Value sequence, int64_t rank) const;

  mlir::AffineExpr length(mlir::Value sequence) const;
  /// Positions are one integer, counted from the back where it is negative; the first one, the one
  /// behind the last one, or the last one without it.
  mlir::Value at(mlir::Value sequence, mlir::Value position) const;
  mlir::Value at(mlir::Value sequence, mlir::AffineExpr position) const;
  mlir::Value insert(mlir::Value sequence, mlir::Value element, mlir::Value position) const;
  mlir::Value erase(mlir::Value sequence, mlir::Value position) const;
  /// All tensors, joined along an axis or along a new one.
  mlir::Value concat(mlir::Value sequence, int64_t axis, bool isNew) const;
  /// Parts of these sizes [n] of an axis. Without `keepsAxis` they are of size 1 and lose the axis.
  mlir::Value split(mlir::Value x, int64_t axis, mlir::Value sizes, bool keepsAxis) const;

  /// bool []
  mlir::Value hasValue(mlir::Value optional) const;
  mlir::Value valueOf(mlir::Value optional) const;

private:
  using Parts = llvm::SmallVector<mlir::Value>;

  /// What is known of the tensors of a sequence; null after reporting `why` their unknown rank
  /// matters.
  mlir::RankedTensorType rankedTensor(mlir::Value sequence, const llvm::Twine &why) const;
  mlir::AffineExpr position(mlir::Value given, mlir::AffineExpr count,
                            mlir::AffineExpr limit) const;
  mlir::Value counts(mlir::Value sequence) const;
  mlir::AffineExpr before(mlir::Value counts, mlir::AffineExpr index, mlir::Value flat) const;
  Parts piece(mlir::Value sequence, mlir::AffineExpr from, mlir::AffineExpr to) const;
  Parts partsOfElement(mlir::Value element) const;
  Parts partsOfEmpty(mlir::Type type) const;
  mlir::Value sequenceOf(mlir::Type tensor, llvm::ArrayRef<Parts> pieces) const;
  mlir::Value fromList(mlir::ValueRange elements, mlir::Type tensor) const;
  mlir::Value toOptional(mlir::Value value, nn::OptionalType type) const;
  mlir::Value stack(mlir::Value sequence, int64_t axis) const;
  Shape commonShape(mlir::Value sequence, int64_t axis) const;
  mlir::Value rowsOfParts(const Shape &shape, int64_t axis, mlir::Value sizes,
                          bool keepsAxis) const;
  mlir::Value make(mlir::Type type, mlir::ValueRange parts) const {
    return b.hasFailed() || llvm::is_contained(parts, mlir::Value())
               ? mlir::Value()
               : fromParts(b.getBuilder(), b.getLocation(), type, parts);
  }
};

} // namespace nncc
