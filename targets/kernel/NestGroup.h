// Nests that share the outer dims over which their kernel is cut into units.
#pragma once

#include "targets/kernel/Nest.h"

namespace nncc {

/// A dim that all nests of a group run over in parallel and index alike: parts of it are
/// independent of each other, across all nests.
struct SharedDim {
  mlir::AffineExpr size;
  int64_t block = 1;  // of it belong to a unit
  bool inner = false; // a loop of each nest; else one around all of them
  mlir::AffineExpr blocks() const { return normalForm(size.ceilDiv(block)); }
  bool hasEqualBlocks() const { return bool(exactQuotient(size, blockSize())); }
  mlir::AffineExpr blockSize() const {
    return mlir::getAffineConstantExpr(block, size.getContext());
  }
};

/// The layout of an intermediate in a worker's scratch.
struct Scratch {
  mlir::Value buffer;            // flat
  bool isBlocked = false;        // holds the unit's part of shared dims; else everything
  llvm::SmallVector<int> shared; // per dim of the base: the shared dim, or -1
  Shape sizes;                   // in memory, per dim of the base; 1 for shared dims outside
  Shape strides;                 // per dim of the base
  mlir::AffineExpr elements(mlir::MLIRContext *context) const {
    return elementCount(sizes, context);
  }
};

/// Nests that belong together since some read what others write.
struct NestGroup {
  std::vector<Nest> nests;
  llvm::SmallVector<bool> repeated; // small, computed again by each unit
  llvm::SmallVector<SharedDim> dims;
  llvm::DenseMap<unsigned, Scratch> scratch; // of the intermediates, by base

  mlir::AffineExpr units() const;
  /// Nominal points of a nest's own loops, of the nest that has most.
  int64_t ownPoints() const;
  /// The group's nests are elementwise: nothing but shared dims.
  bool isPointwise() const;
};

/// Sorts the nests into groups that can run in any order.
std::vector<NestGroup> formGroups(std::vector<Nest> nests, const Homes &homes);

/// Finds the dims that a group shares, joins those that are contiguous.
void shareDims(NestGroup &group, const Homes &homes);

/// Sizes and strides of the intermediates of a unit, once blocks are chosen; neighbouring elements
/// are those along inner dims, or along the others.
void layOut(NestGroup &group, bool alongInner);

} // namespace nncc
