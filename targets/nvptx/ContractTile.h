// How a contraction is cut into tiles for the blocks of a GPU.
#pragma once

#include "targets/kernel/Contraction.h"

namespace nncc::nvptx {

/// How products of f32 are computed; see CompileOptions::gpuMath.
enum class FloatMath { F32, TF32, BF16x3 };

/// What products may use. The defaults are what every chip has.
struct ContractFeatures {
  int64_t capability = 70; // of the chip: see Chip
  FloatMath math = FloatMath::F32;
};

/// What multiplies: a thread by itself, one step of the reduction at a time, or the lanes of a warp
/// together, by mma.sync on 16 x 8 sums. Operands are in words of 32 bits along the reduction:
/// four bytes, or one f32.
enum class Multiplier {
  FMA,         // f32, f64
  DP4A,        // 4 bytes of each
  MatrixBytes, // m16n8k32 of u8 and s8
  MatrixTF32,  // m16n8k8
  MatrixBF16x3 // three m16n8k16 of f32 in two parts of bf16
};
llvm::StringRef name(Multiplier multiplier);

/// A block computes `rows` x `columns` sums, each thread, or each warp where it multiplies
/// matrices, `partRows` x `partColumns` of them. Slices of `steps` of the reduction pass through
/// `stages` places in shared memory. Of few rows, where `depthParts` is not 0, each thread has a
/// part of the reduction instead: groups of `steps` steps, of which it loads `stages` at once.
struct ContractTile {
  Multiplier multiplier;
  int64_t rows, columns, partRows, partColumns;
  int64_t steps = 16, stages = 2, depthParts = 0;
  int64_t parts = 1;                  // of the reduction, each of other blocks: see ContractParts.h
  static constexpr int64_t group = 4; // words that one instruction loads

  bool isOfMatrices() const { return multiplier >= Multiplier::MatrixBytes; }
  bool isStreamed() const { return depthParts != 0; }
  int64_t columnParts() const { return columns / partColumns; }
  int64_t threads() const {
    int64_t parts = rows / partRows * columnParts();
    return parts * (isOfMatrices() ? 32 : isStreamed() ? depthParts : 1);
  }
  int64_t sumsOfThread() const { return partRows * partColumns / (isOfMatrices() ? 32 : 1); }

  static ContractTile choose(const Contraction &p, const ContractFeatures &features);
};

/// How many slices of the reduction there are in all.
mlir::AffineExpr slicesOf(const Contraction &p, const ContractTile &tile);

/// Whether B has neighbours along the reduction, and not along its columns.
bool isAlongK(const Contraction &p);

/// Slices of matrices in shared memory: [index][step], or [step][column] where B has neighbouring
/// columns. From line to line as many words as keep 16 bytes aligned and let the lanes of a warp
/// read fragments from different banks: lines 4 words apart modulo 8, or 8 modulo 32.
struct MatrixSlices {
  int64_t pitchA, pitchB, wordsA, wordsB;

  MatrixSlices(const Contraction &p, const ContractTile &tile);
  int64_t words() const { return wordsA + wordsB; }
};

} // namespace nncc::nvptx
