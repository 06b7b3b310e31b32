#include "compiler/import/CheckModel.h"
#include "compiler/import/CheckGraph.h"
#include "compiler/import/ModelError.h"

#include "onnx/checker.h"

using namespace nncc;

Functions::Functions(const onnx::ModelProto &model) {
  for (const onnx::FunctionProto &function : model.functions())
    table.try_emplace(
        {canonicalDomain(function.domain()).str(), function.name(), function.overload()},
        &function);
}

const onnx::FunctionProto *Functions::find(const onnx::NodeProto &node) const {
  auto found = table.find({canonicalDomain(node.domain()).str(), node.op_type(), node.overload()});
  return found == table.end() ? nullptr : found->second;
}

llvm::Expected<Opsets> nncc::readOpsets(const onnx::ModelProto &model) {
  if (model.ir_version() < onnx::IR_VERSION_2017_11_3 && model.opset_import().empty()) {
    Opsets::Imports first;
    first.Add()->set_version(1);
    return Opsets::read(first);
  }
  return Opsets::read(model.opset_import());
}

static void checkVersions(const onnx::ModelProto &model, Problems &problems) {
  if (!model.has_ir_version() || model.ir_version() < 1)
    problems.invalid("", "the file has no ONNX format version (ir_version); is it an ONNX model?");
  else if (model.ir_version() > onnx::IR_VERSION)
    problems.add(ErrorClass::Unsupported, "",
                 "ONNX format version (ir_version) " + llvm::Twine(model.ir_version()) +
                     " is newer than the newest known one, " + llvm::Twine(onnx::IR_VERSION));
  else if (model.ir_version() >= onnx::IR_VERSION_2017_11_3 && model.opset_import().empty())
    problems.invalid("", "the model imports no operator set (opset_import)");
}

static void checkFunctionNames(const onnx::ModelProto &model, const Functions &functions,
                               Problems &problems) {
  for (const onnx::FunctionProto &function : model.functions()) {
    onnx::NodeProto call;
    call.set_domain(function.domain());
    call.set_op_type(function.name());
    call.set_overload(function.overload());
    if (function.name().empty())
      problems.invalid("", "a function without a name");
    else if (functions.find(call) != &function)
      problems.invalid("function '" + function.name() + "'", "is defined twice");
  }
  try { // the ONNX library reports by exceptions: they end here
    onnx::checker::check_function_call_cycles(model);
  } catch (const std::exception &error) {
    problems.invalid("", error.what());
  }
}

llvm::Error nncc::checkModel(ModelFile &file) {
  onnx::ModelProto &model = file.proto();
  Problems problems;
  checkVersions(model, problems);
  if (!model.has_graph())
    problems.invalid("", "the file has no graph");
  if (!problems.empty())
    return problems.finish();
  auto opsets = readOpsets(model);
  if (!opsets)
    return opsets.takeError();
  const Functions functions(model);
  checkFunctionNames(model, functions, problems);
  GraphChecker checker(file, functions, problems);
  for (onnx::FunctionProto &function : *model.mutable_functions())
    checker.checkFunction(function);
  checker.checkMainGraph(*model.mutable_graph(), *opsets);
  return problems.finish();
}
