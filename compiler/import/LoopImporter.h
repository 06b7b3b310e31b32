// What the operators have in common that run a graph again and again.
#pragma once

#include "compiler/import/ControlFlow.h"
#include "compiler/import/Importer.h"

namespace nncc {

/// A body that is run again and again, with state. Of a state that is no tensor of numbers the
/// program has the tensors that it is made of. Its type, and the sizes of the tensors, may change
/// from one iteration to the next: the body is imported until its state has types that hold for
/// each of them.
class LoopImporter {
public:
  using Place = Importer::Place;
  using Scope = Importer::Scope;
  using Values = llvm::SmallVector<mlir::Value>;

  LoopImporter(Importer &importer, const Place &place, Scope &scope, const onnx::GraphProto &graph)
      : importer(importer), place(place), scope(scope), graph(graph), builder(importer.builder),
        function(programOf(builder)) {}

  /// The values of the body's inputs in one iteration, given its number and its state.
  std::function<Values(OpBinder &, mlir::AffineExpr counter, llvm::ArrayRef<mlir::Value> states)>
      makeArguments;
  /// Of the body's outputs, and of its state before: the condition (if it `yieldsCondition`), the
  /// state after it, and what is collected.
  std::function<Values(OpBinder &, llvm::ArrayRef<mlir::Value> outputs,
                       llvm::ArrayRef<mlir::Value> states)>
      takeOutputs;
  Values inits;
  mlir::Value condition; // null: it holds
  mlir::AffineExpr trip; // null: no bound
  bool yieldsCondition = false;

  /// The state and what is collected; nothing where something was reported.
  std::optional<Values> run(OpBinder &binder);

private:
  /// A body that is imported for states of these types.
  struct Body {
    rt::LoopOp draft;
    mlir::Value condition;   // null: it holds
    Values states, elements; // the parts of the state
    bool isOutgrown = false; // the state is of a type that none of the types stands for
  };
  bool begin(OpBinder &binder);
  bool importBody(Body &body, OpBinder &binder);
  bool takeState(Body &body, llvm::ArrayRef<mlir::Value> yielded, OpBinder &binder);
  bool agrees(size_t i, mlir::Type state, mlir::Type next);
  bool generalize(Body &body);
  Values build(Body &body);
  Values buildNothing(Body &body, OpBinder &binder);
  Values assemble(const Values &results);
  Shape resultShape(mlir::Value element);
  bool isConditional(const Body &body) const { return condition || body.condition; }

  Importer &importer;
  const Place &place;
  Scope &scope;
  const onnx::GraphProto &graph;
  mlir::OpBuilder &builder;
  mlir::func::FuncOp function;
  unsigned visible = 0; // symbols that are known before the loop
  int64_t counter = 0;
  llvm::SmallVector<mlir::Type> types; // of the state
  Values parts;                        // of `inits`, which have these types
  llvm::SmallVector<Shape> states;     // the sizes of the parts in every iteration
  llvm::SmallVector<int64_t> symbols;
  llvm::SmallVector<mlir::AffineExpr> starts, nexts;
};

/// Whether a condition is known to hold.
bool isTrue(mlir::Value condition);

} // namespace nncc
