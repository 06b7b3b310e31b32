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
/// together, by mma.sync on 16 x 8 sums. A step of the reduction takes a word of 32 bits of each
/// operand, four bytes or one f32, or a half of one.
enum class Multiplier {
  FMA,          // f32, f64; f16 and bf16 as f32
  DP4A,         // 4 bytes of each
  MatrixBytes,  // m16n8k32 of u8 and s8
  MatrixTF32,   // m16n8k8
  MatrixBF16x3, // three m16n8k16 of f32 in two parts of bf16
  MatrixF16,    // m16n8k16
  MatrixBF16    // m16n8k16
};
llvm::StringRef name(Multiplier multiplier);
/// What multiplies operands of this type with sums in f32: matrices where it is f16 or bf16 and the
/// chip has tensor cores for them.
Multiplier halfMultiplier(mlir::Type operand, const ContractFeatures &features);

/// A block computes `rows` x `columns` sums, each thread, or each warp where it multiplies
/// matrices, `partRows` x `partColumns` of them. Slices of `steps` of the reduction pass through
/// `stages` places in shared memory. A multiprocessor has registers and shared memory for `blocks`
/// blocks at a time. Where sums are `staged`, they pass through shared memory once more, of which
/// threads take neighbours of one row then. Of few rows, where `depthParts` is not 0, each thread
/// has a part of the reduction instead: groups of `steps` steps, of which it loads `stages` at
/// once.
struct ContractTile {
  Multiplier multiplier;
  int64_t rows, columns, partRows, partColumns;
  int64_t blocks = 2, steps = 16, stages = 2, depthParts = 0;
  int64_t parts = 1; // of the reduction, each of other blocks: see ContractParts.h
  bool staged = false;
  static constexpr int64_t group = 4; // words that one instruction loads

  bool isOfMatrices() const { return multiplier >= Multiplier::MatrixBytes; }
  bool isOfHalves() const { return multiplier >= Multiplier::MatrixF16; }
  bool isStreamed() const { return depthParts != 0; }
  /// Of a step of an operand in shared memory.
  int64_t stepBytes() const { return isOfHalves() ? 2 : 4; }
  int64_t columnParts() const { return columns / partColumns; }
  int64_t threads() const {
    int64_t partsOfTile = rows / partRows * columnParts();
    return partsOfTile * (isOfMatrices() ? 32 : isStreamed() ? depthParts : 1);
  }
  /// From row to row of staged sums, which are f32: lanes write pairs to different banks.
  int64_t stagedPitch() const { return columns + 8; }
  int64_t stagedBytes() const { return rows * stagedPitch() * 4; }
  int64_t sumsOfThread() const { return partRows * partColumns / (isOfMatrices() ? 32 : 1); }

  static ContractTile choose(const Contraction &p, const ContractFeatures &features);
};

/// How many slices of the reduction there are in all.
mlir::AffineExpr slicesOf(const Contraction &p, const ContractTile &tile);

/// Whether B has neighbours along the reduction, and not along its columns.
bool isAlongK(const Contraction &p);

/// Slices of matrices in shared memory, in elements of ContractTile::stepBytes: [index][step], or
/// [step][column] where B has neighbouring columns. From line to line as many as keep 16 bytes
/// aligned and let the lanes of a warp read fragments from different banks: lines an odd multiple
/// of 16 bytes apart for ldmatrix, or 8 words modulo 32.
struct MatrixSlices {
  int64_t pitchA, pitchB, sizeA, sizeB;

  MatrixSlices(const Contraction &p, const ContractTile &tile);
  int64_t size() const { return sizeA + sizeB; }
};

} // namespace nncc::nvptx
