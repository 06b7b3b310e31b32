// What the passes ask of an operation without knowing which one it is.
#ifndef NNCC_NN_INTERFACES
#define NNCC_NN_INTERFACES

include "mlir/IR/OpBase.td"

def InferFactsOpInterface : OpInterface<"InferFactsOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = [{
    An operation that can tell shapes, element types and, where they are small integer tensors, values of
    its results from what is known of its operands.
  }];
  let methods = [InterfaceMethod<
      "Facts of the results from facts of the operands (an absent one has a null element type). Reports failure at the op.",
      "::llvm::LogicalResult", "inferFacts",
      (ins "::llvm::ArrayRef<::nncc::nn::Fact>":$operands,
           "::llvm::SmallVectorImpl<::nncc::nn::Fact> &":$results)>];
}

def LowerToLinalgOpInterface : OpInterface<"LowerToLinalgOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = "The meaning of an operation, spelled in linalg on tensors.";
  let methods = [InterfaceMethod<
      "Builds the reference lowering; on failure it has reported why.",
      "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "lower",
      (ins "::mlir::OpBuilder &":$builder)>];
}

def ScalarOpInterface : OpInterface<"ScalarOpInterface"> {
  let cppNamespace = "::nncc::nn";
  let description = "An elementwise operation: the scalar function it applies.";
  let methods = [InterfaceMethod<
      "Builds the function on one element of each operand, in storage types.",
      "::mlir::Value", "buildScalar",
      (ins "::mlir::OpBuilder &":$b, "::mlir::Location":$loc, "::mlir::ValueRange":$x)>];
}

#endif
