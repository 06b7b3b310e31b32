// Walks a checked model and builds its module.
#pragma once

#include "compiler/import/CheckModel.h"
#include "compiler/import/Import.h"
#include "compiler/import/Rules.h"
#include "compiler/import/SortNodes.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc {

/// Imports one model. After a node that cannot be imported it goes on, to find every problem: its
/// results are null values, and nodes that read one are only checked for being supported.
class Importer {
public:
  Importer(ModelFile &file, const ImportOptions &options, mlir::MLIRContext &context,
           Problems &problems)
      : file(file), options(options), context(context), problems(problems), builder(&context),
        functions(file.proto()) {}

  /// The module; meaningless when there are problems.
  mlir::OwningOpRef<mlir::ModuleOp> run(const Opsets &opsets);

private:
  /// The values of a graph or function body while its nodes are imported.
  struct Scope {
    Scope *outer;
    const Opsets &opsets;
    std::string where;                        // of the nodes, for messages
    std::string prefix;                       // of their names, for locations
    unsigned depth = 0;                       // of function bodies
    llvm::StringMap<mlir::Value> values = {}; // null: could not be imported
    llvm::StringSet<> absent = {};            // inputs of a function that its call leaves out
    llvm::StringMap<const onnx::TensorProto *> tensors = {}; // initializers
    llvm::StringMap<const onnx::SparseTensorProto *> sparseTensors = {};
  };

  /// One node, with what messages and ops need of its place.
  struct Place {
    std::string where;
    std::string name;
    mlir::Location loc;
  };

  // Signature.cpp
  /// False where the sizes that the user gives do not fit the inputs: nothing that follows from
  /// them is worth a message.
  bool importSignature(mlir::func::FuncOp function, Scope &scope);
  void importOutputs(mlir::func::FuncOp function, Scope &scope);
  mlir::NamedAttribute importMetadata();

  void addInitializers(const onnx::GraphProto &graph, Scope &scope);
  mlir::Value lookUp(Scope &scope, llvm::StringRef name);
  mlir::Value makeConstant(Scope &scope, llvm::StringRef name);

  void importNodes(const NodeList &nodes, Scope &scope);
  void importNode(const onnx::NodeProto &node, int index, Scope &scope);
  void importOperator(const onnx::NodeProto &node, const Place &place, Scope &scope,
                      llvm::ArrayRef<mlir::Value> inputs, bool complete);
  /// False when the rule leaves the node to its function body.
  bool applyRule(const Rules::Entry &entry, const onnx::NodeProto &node, int opset,
                 const Place &place, Scope &scope, llvm::ArrayRef<mlir::Value> inputs);
  void refuse(const onnx::NodeProto &node, const Place &place, Scope &scope,
              const llvm::Twine &why);

  // FunctionBodies.cpp
  bool importSchemaBody(const onnx::OpSchema &schema, const onnx::NodeProto &node, int opset,
                        const Place &place, Scope &scope, llvm::ArrayRef<mlir::Value> inputs,
                        bool complete);
  void importBody(const onnx::FunctionProto &function, const onnx::NodeProto &call,
                  const onnx::OpSchema *schema, const Place &place, Scope &scope,
                  llvm::ArrayRef<mlir::Value> inputs);

  // ControlFlow.cpp
  bool importControlFlow(const onnx::NodeProto &node, const Place &place, Scope &scope,
                         llvm::ArrayRef<mlir::Value> inputs, bool complete);
  void importIf(const onnx::NodeProto &node, const Place &place, Scope &scope,
                mlir::Value condition);
  void importBranches(llvm::ArrayRef<const onnx::GraphProto *> graphs, const onnx::NodeProto &node,
                      const Place &place, Scope &scope, mlir::Value condition);
  /// Of a branch that no run can take: it is `wrong` for the sizes that are known.
  void importOnlyBranch(rt::IfOp draft, int index, const Problem &wrong, const Place &place);
  /// What two branches give: values of these types, and the tensors of numbers that they are.
  struct BranchOutputs {
    llvm::SmallVector<mlir::Value> values[2], parts[2];
    llvm::SmallVector<mlir::Type> types;
    std::vector<std::string> what; // of which output a part is, for messages
  };
  /// False where a type for both branches is missing, which is reported.
  bool takeApart(rt::IfOp draft, BranchOutputs &outputs, const onnx::NodeProto &node,
                 const Place &place);
  void joinBranches(rt::IfOp draft, BranchOutputs &outputs, unsigned visible,
                    const onnx::NodeProto &node, const Place &place, Scope &scope);

  // SequenceMap.cpp
  void importSequenceMap(const onnx::NodeProto &node, const Place &place, Scope &scope,
                         llvm::ArrayRef<mlir::Value> inputs);
  void mapList(const onnx::NodeProto &node, const onnx::GraphProto &graph, const Place &place,
               Scope &scope, llvm::ArrayRef<mlir::Value> inputs);
  void mapSequence(const onnx::NodeProto &node, const onnx::GraphProto &graph, const Place &place,
                   Scope &scope, llvm::ArrayRef<mlir::Value> inputs);

  /// The values of the outputs of `node`, in order; of none where it could not be imported.
  void bindOutputs(const onnx::NodeProto &node, Scope &scope, llvm::ArrayRef<mlir::Value> values);
  /// Reports that `what` is one of the values that is no tensor of numbers.
  bool expectTensors(llvm::ArrayRef<mlir::Value> values, const llvm::Twine &what,
                     const Place &place);
  /// The outputs of a graph inside of `node`, whose inputs have the values `arguments`. Empty where
  /// it could not be imported, which is reported.
  llvm::SmallVector<mlir::Value> importGraph(const onnx::GraphProto &graph, const Place &place,
                                             Scope &scope, llvm::ArrayRef<mlir::Value> arguments);

  // Loop.cpp
  void importLoop(const onnx::NodeProto &node, const Place &place, Scope &scope,
                  llvm::ArrayRef<mlir::Value> inputs);
  void importScan(const onnx::NodeProto &node, const Place &place, Scope &scope,
                  llvm::ArrayRef<mlir::Value> inputs);
  friend class LoopImporter;

  ModelFile &file;
  const ImportOptions &options;
  mlir::MLIRContext &context;
  Problems &problems;
  mlir::OpBuilder builder;
  Functions functions;
  std::string diagnostics;    // what ops reported since the last node
  uint64_t importedNodes = 0; // function bodies included
};

} // namespace nncc
