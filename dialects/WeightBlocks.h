// How matrices of few bits are stored: the format that nn.matmul_packed and kern.contract share.
#pragma once

#include <cstdint>

namespace nncc {

/// A panel of `columns` columns is one block of rows after the other; the last one may have fewer
/// rows. A block is scale[columns] f32, zero[columns] ui8, then the codes: rows of `columns` bytes,
/// of 4 bits two rows in one, the first in the low bits.
struct WeightBlocks {
  static constexpr int64_t columns = 16;
  static constexpr int64_t scaleBytes = 4 * columns, zeroBytes = columns;
  static constexpr int64_t headBytes = scaleBytes + zeroBytes;
  /// The most rows and columns of a matrix: no product of two overflows.
  static constexpr int64_t mostRows = (int64_t(1) << 31) - 1;

  int64_t bits; // 8 or 4
  int64_t rows; // of a block, all but the last one; an even number of 4 bits

  int64_t count(int64_t depth) const { return (depth + rows - 1) / rows; }
  int64_t codeBytes(int64_t count) const { return count * bits * columns / 8; }
  int64_t blockBytes() const { return headBytes + codeBytes(rows); }
  /// Of a panel of `depth` rows.
  int64_t panelBytes(int64_t depth) const { return count(depth) * headBytes + codeBytes(depth); }
};

} // namespace nncc
