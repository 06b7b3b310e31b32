// Which memory the tensors of a kernel live in.
#pragma once

#include "targets/kernel/Indices.h"
#include "targets/kernel/Kernel.h"

namespace nncc {

/// A dense tensor in memory, row-major.
struct Base {
  mlir::Value buffer; // flat; null for an intermediate that has no memory yet
  mlir::Type element; // in memory: bools are i8, integers signless
  Shape shape;
  mlir::Attribute constant; // the elements, where they are known
};

/// The memory behind a tensor: element i of it is the element indices(i) of a base. Transposes,
/// reshapes and slices change the indices alone.
struct Home {
  unsigned base;
  llvm::SmallVector<mlir::AffineExpr> indices;
};

/// A tensor that must be copied into a result: a result that is an argument, or a view of something
/// that cannot be written through the view.
struct ResultCopy {
  mlir::Value from;
  Home to;
};

/// The type of one element of a tensor in memory: i8 for i1, signless for signed and unsigned.
mlir::Type memoryType(mlir::Type element);

/// Where every tensor of a kernel lives. Views are resolved from operands on, and backwards from
/// what is returned: an operation writes its result where a view of it is to be seen.
class Homes {
public:
  /// `arguments` and `results`: the flat buffers. Reports operations that it does not know.
  static mlir::FailureOr<Homes> of(mlir::func::FuncOp function,
                                   llvm::ArrayRef<mlir::Value> arguments,
                                   llvm::ArrayRef<mlir::Value> results);

  const Home &of(mlir::Value tensor) const { return homes.find(tensor)->second; }
  bool has(mlir::Value tensor) const { return homes.contains(tensor); }

  /// The home as strides of a flat buffer; none where it is not one.
  std::optional<Place> place(mlir::Value tensor) const;

  /// Views, sources of constants and placeholders compute nothing.
  static bool isView(mlir::Operation *op);

  /// Concatenation operands that are written into the result by the op that computes them.
  bool isInPlace(mlir::OpOperand &part) const { return inPlace.contains(&part); }

  mlir::MLIRContext *getContext() const { return context; }

  llvm::SmallVector<Base> bases;
  llvm::SmallVector<ResultCopy> copies;

private:
  unsigned addBase(mlir::RankedTensorType type, mlir::Value buffer, mlir::Attribute constant = {});
  Home identity(unsigned base) const;
  void placeResults(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> results);
  void placeParts(mlir::Operation *op);
  mlir::LogicalResult placeViews(mlir::func::FuncOp function);

  mlir::MLIRContext *context = nullptr;
  llvm::DenseMap<mlir::Value, Home> homes;
  llvm::DenseSet<mlir::OpOperand *> inPlace;
};

} // namespace nncc
