// What a rule sees of an ONNX node, and how it builds ops of nn for it.
#pragma once

#include "compiler/import/ModelError.h"
#include "compiler/import/ModelFile.h"

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include <deque>
#include <optional>

namespace nncc {

/// The function that is built.
mlir::func::FuncOp programOf(mlir::OpBuilder &builder);

/// One node during its import. Building on a value that could not be built is allowed and does
/// nothing: a rule reads as a straight line, and the first failure is the one reported.
class OpBinder {
public:
  OpBinder(mlir::OpBuilder &builder, mlir::Location loc, const ModelFile &file,
           const onnx::NodeProto &node, int opset, llvm::ArrayRef<mlir::Value> inputs,
           Problems &problems)
      : b(builder), loc(loc), file(file), node(node), opset(opset), inputs(inputs),
        results(node.output_size()), problems(problems) {}

  /// The version of the operator set that the node is written in.
  int getOpset() const { return opset; }
  /// The node's name with those of the bodies that it is in; operator and position without one.
  llvm::StringRef getName() const;

  // Operands
  // ---------------------------------------------------------------------------------------
  size_t getInputCount() const { return inputs.size(); }
  /// Null when left out.
  mlir::Value input(size_t i) const { return i < inputs.size() ? inputs[i] : mlir::Value(); }
  mlir::ValueRange allInputs() const { return inputs; }
  /// What the rest of the rule sees as the inputs.
  void replaceInputs(llvm::ArrayRef<mlir::Value> values) {
    replaced.assign(values.begin(), values.end());
    inputs = replaced;
  }
  /// Input 1 of a binary operator, shaped to broadcast as NumPy's do: until opset 6 it broadcasts
  /// only with attribute `broadcast`, from dim `axis` of input 0 on.
  mlir::Value secondOperand();
  mlir::RankedTensorType typeOf(mlir::Value value) const;
  /// Number of dims; 0 for a value that could not be built.
  int64_t rankOf(mlir::Value value) const;
  /// The sizes: constants, or expressions over the symbols of the program.
  Shape shapeOf(mlir::Value value) const;
  /// A size as people write it: "2*batch + 1".
  std::string textOf(mlir::AffineExpr size);
  /// The sizes where the importer cannot do without numbers; reports those that are open.
  llvm::ArrayRef<int64_t> fixedShapeOf(mlir::Value value);
  int64_t fixedSizeOf(mlir::Value value, int64_t dim);
  /// Whether the sizes say so; one of an open size may have one element as well.
  bool hasOneElement(mlir::Value value) const;
  /// The elements of an integer tensor known at compile time.
  std::optional<llvm::SmallVector<int64_t>> integersOf(mlir::Value value) const;
  /// The same where the importer cannot do without; reports "`what` must be known at compile time".
  llvm::SmallVector<int64_t> requireIntegers(mlir::Value value, const llvm::Twine &what);
  /// The elements of an integer tensor as expressions over the symbols of the program. Those that
  /// only a run knows become symbols: sizes, where a negative one ends the run, or any integers.
  /// `what` they are is for messages. A tensor of more elements than can be told apart is refused.
  Shape sizesOf(mlir::Value value, const llvm::Twine &what);
  Shape numbersOf(mlir::Value value, const llvm::Twine &what);
  /// The same as a tensor whose elements are known.
  mlir::Value knownSizes(mlir::Value value, const llvm::Twine &what);
  mlir::Value knownNumbers(mlir::Value value, const llvm::Twine &what);
  /// Ends a run in which one of the expressions is not 0, with a message of `what` is wrong then;
  /// reports it where one never is.
  void requireZeros(llvm::ArrayRef<mlir::AffineExpr> zeros, const llvm::Twine &what);
  /// `value` with `size` in place of an open size of dim `dim`: ends a run in which it is another,
  /// with a message that says `what`. A known one stays as it is.
  mlir::Value withSize(mlir::Value value, int64_t dim, mlir::AffineExpr size,
                       const llvm::Twine &what);
  mlir::Value withSize(mlir::Value value, int64_t dim, int64_t size, const llvm::Twine &what) {
    return withSize(value, dim, b.getAffineConstantExpr(size), what);
  }
  size_t getOutputCount() const { return results.size(); }
  /// Whether somebody uses output `i`.
  bool wants(size_t i) const { return i < results.size() && !node.output(int(i)).empty(); }

  // Attributes
  // -------------------------------------------------------------------------------------
  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  int64_t integer(llvm::StringRef name, int64_t otherwise) const;
  bool flag(llvm::StringRef name, bool otherwise = false) const {
    return integer(name, otherwise) != 0;
  }
  float number(llvm::StringRef name, float otherwise) const;
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef otherwise) const;
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef name) const;
  /// Attribute `name` of `count` values, `otherwise` each where it is left out; reports another
  /// count.
  llvm::SmallVector<int64_t> integers(llvm::StringRef name, size_t count, int64_t otherwise);
  /// The element type that attribute `name` states, `otherwise` where it is left out; reports one
  /// that nn does not have, and gives null.
  mlir::Type elementType(llvm::StringRef name, mlir::Type otherwise = {});
  /// The same, where it may be that of strings.
  mlir::Type valueElementType(llvm::StringRef name, mlir::Type otherwise = {});
  /// `axis` counted from the front; reports one outside of [-rank, rank).
  int64_t axis(int64_t axis, int64_t rank);

  // Attributes of nn ops
  // ---------------------------------------------------------------------------
  mlir::IntegerAttr i64(int64_t value) { return b.getI64IntegerAttr(value); }
  mlir::FloatAttr f32(double value) { return b.getF32FloatAttr(float(value)); }
  mlir::DenseI64ArrayAttr array(llvm::ArrayRef<int64_t> values) {
    return b.getDenseI64ArrayAttr(values);
  }
  mlir::UnitAttr unitIf(bool condition) { return condition ? b.getUnitAttr() : mlir::UnitAttr(); }
  mlir::OpBuilder &getBuilder() { return b; }
  mlir::Location getLocation() const { return loc; }

  // Building
  // ---------------------------------------------------------------------------------------
  /// An op of nn with inferred result types; folded when its results are small known integers.
  template <typename Op>
  mlir::Value create(mlir::ValueRange operands, typename Op::Properties properties = {}) {
    if (failed || llvm::is_contained(operands, mlir::Value()))
      return fail();
    llvm::SmallVector<mlir::Type> types;
    if (mlir::failed(
            Op::inferReturnTypes(b.getContext(), loc, operands, {}, &properties, {}, types)))
      return fail();
    mlir::OperationState state(loc, Op::getOperationName(), operands, types);
    state.getOrAddProperties<typename Op::Properties>() = properties;
    return finish(b.create(state));
  }
  mlir::Value constant(mlir::ElementsAttr value);
  /// A tensor [n] of int64.
  mlir::Value constant(llvm::ArrayRef<int64_t> values);
  /// A tensor [n] of int64: nn.constant or nn.sizes.
  mlir::Value sizes(llvm::ArrayRef<mlir::AffineExpr> values);
  /// One element without dims; `value` is converted to the element type.
  mlir::Value scalar(mlir::Type element, double value);
  /// The data of a tensor in an attribute.
  mlir::Value constant(const onnx::TensorProto &tensor);
  mlir::Value constant(const onnx::SparseTensorProto &tensor);
  /// A tensor of strings.
  mlir::Value constant(llvm::ArrayRef<llvm::StringRef> strings, llvm::ArrayRef<int64_t> shape);
  /// nn.reshape to a known shape; nothing where it has that shape.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value reshapeTo(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> shape);
  mlir::Value cast(mlir::Value value, mlir::Type element);

  // Outcome
  // ----------------------------------------------------------------------------------------
  void result(mlir::Value value, size_t i = 0) { results[i] = value; }
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }
  /// Both report at the node, once, and return a null value.
  mlir::Value invalid(const llvm::Twine &what);
  mlir::Value unsupported(const llvm::Twine &what);
  bool hasFailed() const { return failed; }
  /// Leaves the node to the function body by which ONNX defines its operator.
  void decline() { declined = true; }
  bool hasDeclined() const { return declined; }
  /// Of a failure that an op reported by a diagnostic: whether nn does not take operands that ONNX
  /// allows, rather than the node being wrong.
  bool isUnsupported() const { return refused; }

private:
  void needsDim(int64_t dim);
  Shape read(mlir::Value value, const llvm::Twine &what, bool isSigned);
  mlir::Value known(mlir::Value value, const Shape &elements);
  mlir::Value fail() {
    failed = true;
    return {};
  }
  mlir::Value finish(mlir::Operation *op);
  mlir::Value fail(llvm::Error reason);
  mlir::Value constantOrFail(llvm::Expected<mlir::ElementsAttr> value);

  mlir::OpBuilder &b;
  mlir::Location loc;
  const ModelFile &file;
  const onnx::NodeProto &node;
  int opset;
  llvm::ArrayRef<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> replaced, results;
  Problems &problems;
  std::deque<llvm::SmallVector<int64_t>> none; // stand for shapes that are not fixed
  bool failed = false, refused = false, declined = false;
};

} // namespace nncc
