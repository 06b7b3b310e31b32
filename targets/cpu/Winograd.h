// The transforms of Winograd's minimal filtering, on vectors.
#pragma once

#include "targets/kernel/Contraction.h"

namespace nncc::cpu {

/// Whether a contraction is one that Winograd's algorithm computes: of a 3x3 window, stride and
/// dilation 1, in one group, packed, over f32, of constant sizes.
bool isWinogradShape(const Contraction &p);

/// The transforms of F(m, 3), in one dim. The points at which polynomials are evaluated are 0,
/// infinity and m / 2 pairs +-p, so that each pair shares its even and its odd part.
///
/// m = 2: +-1. m = 4: +-5/8, +-3/2, which are exact in binary; errors in f32 are less than half of
/// those of the usual +-1, +-2. (Root mean square over sums of 64 to 256 channels, 3x3, inputs
/// past a ReLU, relative to that of the result; direct sums: 3.0e-7, 6.0e-7.)
///
/// | points | 64 channels | 256 channels |
/// |---|---|---|
/// | +-1, +-2 | 1.4e-6 | 2.5e-6 |
/// | +-1, +-1/2 | 1.3e-6 | 2.3e-6 |
/// | +-1/2, +-2 | 8.5e-7 | 1.8e-6 |
/// | +-3/4, +-3/2 | 7.3e-7 | 1.2e-6 |
/// | +-5/8, +-3/2 | 6.0e-7 | 1.3e-6 |
/// | m = 2 | 2.3e-7 | 4.4e-7 |
class WinogradTransforms {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  WinogradTransforms(Emitter &e, int64_t tile, mlir::VectorType type);

  int64_t points() const { return 2 * pairs.size() + 2; }

  // In two dims: of values in row-major order. (m + 2)^2 to as many, 3 x 3 to (m + 2)^2, (m + 2)^2
  // to m^2.
  Values input(mlir::ValueRange x) { return inBothDims(x, &WinogradTransforms::inputRow); }
  Values weights(mlir::ValueRange x) { return inBothDims(x, &WinogradTransforms::weightsRow); }
  Values output(mlir::ValueRange x) { return inBothDims(x, &WinogradTransforms::outputRow); }

private:
  using Row = Values (WinogradTransforms::*)(mlir::ValueRange);

  Values inBothDims(mlir::ValueRange x, Row transform);
  Values inputRow(mlir::ValueRange d);
  Values weightsRow(mlir::ValueRange g);
  Values outputRow(mlir::ValueRange m);

  /// factor * x + sum; without a sum, factor * x.
  mlir::Value fma(double factor, mlir::Value x, mlir::Value sum = nullptr);

  Emitter &e;
  mlir::VectorType type;
  llvm::ArrayRef<double> pairs;
};

} // namespace nncc::cpu
