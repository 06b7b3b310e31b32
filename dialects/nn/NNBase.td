// The dialect and what every family of ops shares.
#ifndef NNCC_NN_BASE
#define NNCC_NN_BASE

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/nn/Interfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::nncc::nn";
  let summary = "A neural network as a graph of operations on tensors";
  let description = [{
    One operation per operator of the newest ONNX operator set, without the history:
    differences between operator-set versions end in the importer. What ONNX passes as an input
    (axes, shapes, pads, sizes) is an operand. Signless integers are signed, i1 is bool.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultTypePrinterParser = 1;
  let extraClassDeclaration = [{
    // One per family, in its .cpp.
    void addElementwiseOps();
    void addActivationOps();
    void addLinearOps();
    void addConvOps();
    void addPoolOps();
    void addNormOps();
    void addReduceOps();
    void addShapeOps();
    void addMoveOps();
    void addGenerateOps();
    void addResizeOps();
    void addGatherOps();
    void addAttentionOps();
    void addRecurrentOps();
    void addQuantOps();
    void addRandomOps();
    void addSampleOps();
    void addSelectOps();
    void addConstantOps();
    void addPackOps();
  }];
}

// The elements that operations compute with. Every number of ONNX can be moved, converted and
// quantized; arithmetic is on those that have a byte or more, and no float of 8 bits.
def NN_Float : Type<CPred<"::llvm::isa<::mlir::FloatType>($_self) && !::nncc::nn::isCode($_self)">,
                    "floating-point">;
def NN_Int : Type<CPred<"::llvm::isa<::mlir::IntegerType>($_self) && !::nncc::nn::isCode($_self)">, "integer">;
def NN_AnyTensor : RankedTensorOf<[AnyFloat, AnyInteger, AnyComplex]>;
def NN_NumberTensor : RankedTensorOf<[AnyFloat, AnyInteger]>;
def NN_Tensor : RankedTensorOf<[NN_Float, NN_Int]>;
def NN_FloatTensor : RankedTensorOf<[NN_Float]>;
def NN_IntTensor : RankedTensorOf<[NN_Int]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
/// Axes, shapes, pads...: integers that a run could compute.
def NN_IndexTensor : RankedTensorOf<[I64, I32]>;

// The op gives one function,
//   static LogicalResult infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
//                              EmitError error);
// on sizes that are affine expressions. From it follow the result types, the verifier, and the
// folding of shape arithmetic.
def NN_InferTrait : NativeOpTrait<"InferFacts", [], [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
      return ::nncc::nn::areCompatible(inferred, actual);
    }
    static ::llvm::LogicalResult infer(Adaptor op, ::llvm::ArrayRef<::nncc::nn::Fact> operands,
                                       ::llvm::SmallVectorImpl<::nncc::nn::Fact> &results,
                                       ::nncc::nn::EmitError error);
  }], [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nncc::nn::inferTypes<$cppClass>(
          location, operands, Adaptor(operands, attributes, properties, regions), types);
    }
    ::llvm::LogicalResult $cppClass::inferFacts(
        ::llvm::ArrayRef<::nncc::nn::Fact> operands,
        ::llvm::SmallVectorImpl<::nncc::nn::Fact> &results) {
      return infer(Adaptor(*this), operands, results,
                   [&](const ::llvm::Twine &text) { return emitOpError(text); });
    }
  }]> {
  let cppNamespace = "::nncc::nn";
}

def NN_Infer : TraitList<[
  DeclareOpInterfaceMethods<InferTypeOpInterface>,
  DeclareOpInterfaceMethods<InferFactsOpInterface>,
  NN_InferTrait]>;

class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat(traits, [
          Pure, NN_Infer, DeclareOpInterfaceMethods<LowerToLinalgOpInterface>])> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif
