// Constant matrices that are integers until an operation dequantizes them.
#pragma once

#include "dialects/WeightBlocks.h"
#include "dialects/nn/NN.h"

namespace nncc {

/// weight[k, n] = (code[k, n] - zero[k / block, n]) * scale[k / block, n], of `depth` rows and
/// `columns` columns; codes, of 8 or 4 bits, are unsigned.
class DequantizedMatrix {
public:
  /// Of the rhs of a product: nn.dequantize of constants, with one scale and zero point, one of
  /// each per column, or one of each per column and block of rows; on its way there may be split,
  /// cut off at the end, and transposed. Otherwise `why` says what it is not.
  static std::optional<DequantizedMatrix> of(mlir::Value rhs, std::string &why);

  int64_t getBits() const { return bits; }
  int64_t getBlock() const { return block; }
  int64_t getDepth() const { return depth; }
  int64_t getColumns() const { return columns; }

  /// The panels, in the format of WeightBlocks, as a constant i8 [P, bytes].
  mlir::ElementsAttr pack(mlir::MLIRContext *context) const;

private:
  /// Where the elements of a parameter are: one for all where strides are 0.
  struct Parameter {
    llvm::SmallVector<double> values;
    int64_t perBlock = 0, perColumn = 0;
    double at(int64_t block, int64_t n) const { return values[block * perBlock + n * perColumn]; }
  };

  bool readCodes(mlir::Value operand, std::string &why);
  bool readParameter(mlir::Value value, llvm::ArrayRef<int64_t> shape, bool isSplit,
                     bool isTransposed, Parameter &result, std::string &why) const;
  unsigned code(int64_t k, int64_t n) const;
  void packPanel(int64_t panel, char *to) const;

  int64_t bits = 8, block = 1, depth = 0, columns = 0;
  int64_t strideK = 0, strideN = 0; // of codes
  llvm::ArrayRef<char> codes;
  bool isSplat = false, isSigned = false, isPacked = false; // several codes in a byte
  Parameter scale, zero;
};

} // namespace nncc
