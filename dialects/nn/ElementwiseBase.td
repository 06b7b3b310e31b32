// The classes by which an elementwise operation is one line, without C++. Its last string builds the
// function on scalars (b: builder, loc: location, x: one element of each operand in storage type).
#ifndef NNCC_NN_ELEMENTWISE_BASE
#define NNCC_NN_ELEMENTWISE_BASE

include "dialects/nn/NNBase.td"

class NN_Elementwise<string mnemonic, string text, string scalar, string element = "operands[0].element",
                     string onSizes = "\"" # mnemonic # "\"", Type tensor = NN_Tensor>
    : NN_Op<mnemonic, [DeclareOpInterfaceMethods<ScalarOpInterface>]> {
  let summary = text;
  let results = (outs tensor:$result);
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::infer(
        Adaptor op, ::llvm::ArrayRef<::nncc::nn::Fact> operands,
        ::llvm::SmallVectorImpl<::nncc::nn::Fact> &results, ::nncc::nn::EmitError error) {
      results.emplace_back().element = }] # element # [{;
      return ::nncc::nn::inferElementwise(}] # onSizes # [{, operands, results.back(), error);
    }
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>> $cppClass::lower(::mlir::OpBuilder &b) {
      return ::nncc::nn::lowerElementwise(*this, b);
    }
    ::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &b, ::mlir::Location loc,
                                         ::mlir::ValueRange x) {
      return }] # scalar # [{;
    }
  }];
}

class NN_Unary<string mnemonic, string text, string scalarOp,
               string scalar = "::mlir::" # scalarOp # "::create(b, loc, x[0])">
    : NN_Elementwise<mnemonic, text, scalar> {
  let arguments = (ins NN_Tensor:$operand);
}

class NN_Binary<string mnemonic, string text, string scalar, string onSizes = "\"" # mnemonic # "\"">
    : NN_Elementwise<mnemonic, text, scalar, "operands[0].element", onSizes> {
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs);
}

/// The same on floats, signed and unsigned integers.
class NN_Arith<string mnemonic, string text, string floatOp, string signedOp, string unsignedOp = signedOp>
    : NN_Binary<mnemonic, text, "::nncc::nn::byType<::mlir::" # floatOp # ", ::mlir::" # signedOp #
                ", ::mlir::" # unsignedOp # ">(getLhs().getType(), b, loc, x)">;

#endif
