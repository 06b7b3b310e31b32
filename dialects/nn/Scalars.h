// The functions on one element that the lines of Elementwise.td and Activation.td name. Arguments
// are in storage types; `type` is the nn type of an operand, where the sign of integers matters.
// Integer traps are guarded here: no lowering of nn divides, shifts or converts by itself.
#pragma once

#include "dialects/nn/NN.h"

namespace nncc::nn {

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
mlir::Value byType(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange x) {
  mlir::Type element = mlir::getElementTypeOrSelf(type);
  if (llvm::isa<mlir::FloatType>(element))
    return FloatOp::create(b, loc, x[0], x[1]);
  if (element.isUnsignedInteger())
    return UnsignedOp::create(b, loc, x[0], x[1]);
  return SignedOp::create(b, loc, x[0], x[1]);
}

mlir::Value buildNeg(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildAbs(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildSign(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildReciprocal(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildNot(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildDiv(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value y);
mlir::Value buildPow(PowOp op, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value y);
mlir::Value buildCompare(CompareOp op, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                         mlir::Value y);

mlir::Value buildMod(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value y, bool fmod);
mlir::Value buildBitShift(mlir::Type type, ShiftKind kind, mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value x, mlir::Value y);
mlir::Value buildIsInf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool positive,
                       bool negative);

/// nn.cast, on a value that is stored for the operand's element type.
mlir::Value buildCast(CastOp op, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildBitCast(mlir::Type from, mlir::Type to, mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value x);

mlir::Value buildRelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildSigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildSilu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildHardSigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha,
                             double beta);
mlir::Value buildHardSwish(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildLeakyRelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha);
mlir::Value buildElu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha);
mlir::Value buildCelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha);
mlir::Value buildSelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha,
                      double gamma);
mlir::Value buildThresholdedRelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                                 double alpha);
mlir::Value buildShrink(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        double lambd, double bias);
mlir::Value buildPRelu(mlir::Type type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Value slope);
mlir::Value buildSoftplus(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildSoftsign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildMish(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildGelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool approximate);

/// The function of `op` on one element of each operand, computed in f32 where the elements are
/// narrower floats, stored for the element type of the result.
mlir::Value buildElement(ScalarOpInterface op, mlir::OpBuilder &b, mlir::Location loc,
                         mlir::ValueRange x);

} // namespace nncc::nn
