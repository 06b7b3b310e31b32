#include "targets/program/ProgramDescriptor.h"

#include "dialects/SizeText.h"
#include "dialects/nn/NN.h"
#include "runtime/include/nncc/abi.h"
#include "targets/program/ProgramSizes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace nncc;
using llvm::Constant;
using llvm::SmallVector;
using llvm::StringRef;
using mlir::AffineExpr;

namespace {

/// Of floats of 8 bits and less.
nncc_type smallFloatCode(mlir::Type type) {
  return llvm::TypeSwitch<mlir::Type, nncc_type>(type)
      .Case([](mlir::Float8E4M3FNType) { return NNCC_FLOAT8E4M3FN; })
      .Case([](mlir::Float8E4M3FNUZType) { return NNCC_FLOAT8E4M3FNUZ; })
      .Case([](mlir::Float8E5M2Type) { return NNCC_FLOAT8E5M2; })
      .Case([](mlir::Float8E5M2FNUZType) { return NNCC_FLOAT8E5M2FNUZ; })
      .Case([](mlir::Float8E8M0FNUType) { return NNCC_FLOAT8E8M0; })
      .Case([](mlir::Float4E2M1FNType) { return NNCC_FLOAT4E2M1; })
      .Case([](mlir::Float6E2M3FNType) { return NNCC_FLOAT6E2M3; })
      .Case([](mlir::Float6E3M2FNType) { return NNCC_FLOAT6E3M2; })
      .Default(0);
}

nncc_type typeCode(mlir::Type type) {
  if (llvm::isa<nn::StringType>(type))
    return NNCC_STRING;
  if (type.isF32())
    return NNCC_FLOAT;
  if (type.isF64())
    return NNCC_DOUBLE;
  if (type.isF16())
    return NNCC_FLOAT16;
  if (type.isBF16())
    return NNCC_BFLOAT16;
  if (type.isInteger(1))
    return NNCC_BOOL;
  if (auto complex = llvm::dyn_cast<mlir::ComplexType>(type))
    return complex.getElementType().isF64() ? NNCC_COMPLEX128 : NNCC_COMPLEX64;
  if (llvm::isa<mlir::FloatType>(type))
    return smallFloatCode(type);
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 2:
    return isUnsigned ? NNCC_UINT2 : NNCC_INT2;
  case 4:
    return isUnsigned ? NNCC_UINT4 : NNCC_INT4;
  case 8:
    return isUnsigned ? NNCC_UINT8 : NNCC_INT8;
  case 16:
    return isUnsigned ? NNCC_UINT16 : NNCC_INT16;
  case 32:
    return isUnsigned ? NNCC_UINT32 : NNCC_INT32;
  case 64:
    return isUnsigned ? NNCC_UINT64 : NNCC_INT64;
  }
  return 0;
}

class DescriptorEmitter {
public:
  DescriptorEmitter(ProgramBuilder &program, mlir::func::FuncOp main, const ProgramDims &dims)
      : program(program), b(program.b), main(main), dims(dims) {}

  Constant *tensorInfo(StringRef name, mlir::RankedTensorType type) {
    SmallVector<Constant *> shape;
    for (AffineExpr size : shapeOf(type))
      shape.push_back(program.i64(dims.inShape(size)));
    return program.record({program.text(name), program.i32(typeCode(type.getElementType())),
                           program.i32(type.getRank()), program.array(shape, "shape")},
                          sizeof(nncc_tensor_info));
  }

  SmallVector<Constant *> inputInfos() {
    SmallVector<Constant *> infos;
    for (auto [i, type] : llvm::enumerate(argumentTypes(main))) {
      auto name = main.getArgAttrOfType<mlir::StringAttr>(i, "nn.name");
      infos.push_back(tensorInfo(name ? name.str() : "input" + std::to_string(i), type));
    }
    return infos;
  }

  SmallVector<Constant *> outputInfos() {
    SmallVector<Constant *> infos;
    auto names = main->getAttrOfType<mlir::ArrayAttr>("rt.result_names");
    for (auto [type, name] : llvm::zip(resultTypes(main), names))
      infos.push_back(tensorInfo(llvm::cast<mlir::StringAttr>(name), type));
    return infos;
  }

  // One nncc_value_info; `tensors`: the types of all inputs or outputs.
  Constant *valueInfo(mlir::DictionaryAttr value, int64_t first,
                      llvm::ArrayRef<mlir::RankedTensorType> tensors) {
    const int64_t count = value.getAs<mlir::IntegerAttr>("parts").getInt();
    mlir::Type type = value.getAs<mlir::TypeAttr>("type").getValue();
    int kind = NNCC_VALUE_TENSOR;
    if (auto optional = llvm::dyn_cast<nn::OptionalType>(type))
      kind = NNCC_VALUE_OPTIONAL, type = optional.getValue();
    if (auto sequence = llvm::dyn_cast<nn::SequenceType>(type)) {
      kind = kind == NNCC_VALUE_OPTIONAL ? NNCC_VALUE_OPTIONAL_SEQUENCE : NNCC_VALUE_SEQUENCE;
      type = sequence.getTensor();
    }
    SmallVector<Constant *> shape;
    auto ranked = llvm::dyn_cast<mlir::RankedTensorType>(type);
    if (kind == NNCC_VALUE_TENSOR)
      for (AffineExpr size : shapeOf(tensors[first + count - 1])) // of strings: their lengths
        shape.push_back(program.i64(dims.inShape(size)));
    else if (ranked)
      for (int64_t size : ranked.getShape())
        shape.push_back(program.i64(size));
    static_assert(mlir::ShapedType::kDynamic == INT64_MIN,
                  "a size that each tensor has of its own");
    return program.record({program.text(value.getAs<mlir::StringAttr>("name")), program.i32(kind),
                           program.i32(typeCode(mlir::getElementTypeOrSelf(type))),
                           program.i32(ranked ? ranked.getRank() : -1),
                           program.array(shape, "shape"), program.i32(first), program.i32(count)},
                          sizeof(nncc_value_info));
  }

  SmallVector<Constant *> valueInfos(StringRef attribute,
                                     llvm::ArrayRef<mlir::RankedTensorType> tensors) {
    SmallVector<Constant *> infos;
    int64_t first = 0;
    if (auto values = main->getAttrOfType<mlir::ArrayAttr>(attribute))
      for (auto value : values.getAsRange<mlir::DictionaryAttr>()) {
        infos.push_back(valueInfo(value, first, tensors));
        first += value.getAs<mlir::IntegerAttr>("parts").getInt();
      }
    return infos;
  }

  SmallVector<Constant *> dimInfos() {
    SmallVector<Constant *> infos;
    auto add = [&](StringRef name) {
      infos.push_back(program.record(
          {program.text(name), program.i64(/*min=*/0), program.i64(/*max=*/-1)}, sizeof(nncc_dim)));
    };
    llvm::for_each(dims.names, add);
    for (AffineExpr derived : dims.derived) {
      SizeText size = textOf(derived, dims.names);
      add(size.isNamed ? size.text : "");
    }
    return infos;
  }

  SmallVector<Constant *> metadata() {
    SmallVector<Constant *> entries;
    auto source = main->getParentOfType<mlir::ModuleOp>();
    if (auto dictionary = source->getAttrOfType<mlir::DictionaryAttr>("nn.metadata"))
      for (mlir::NamedAttribute entry : dictionary)
        if (auto value = llvm::dyn_cast<mlir::StringAttr>(entry.getValue()))
          entries.push_back(program.record({program.text(entry.getName()), program.text(value)},
                                           sizeof(nncc_metadata)));
    return entries;
  }

  /// nncc_descriptor.infer: derived dims whose symbols are known; null where there is none.
  Constant *emitInfer() {
    if (dims.derived.empty())
      return program.null();
    llvm::Function *infer = program.makeFunction({program.pointer()}, "infer");
    llvm::Value *values = infer->getArg(0);
    llvm::BasicBlock *refuse = program.makeBlock("refuse");
    // Sizes are computed of unknown symbols too, and then not looked at.
    ProgramSizes sizes(program, values, dims.names.size());
    for (auto [i, size] : llvm::enumerate(dims.derived)) {
      if (!dims.isGiven(size))
        continue; // stays unknown
      llvm::Value *known = b.getTrue();
      size.walk([&](AffineExpr part) {
        if (llvm::isa<mlir::AffineSymbolExpr>(part))
          known = b.CreateAnd(known, b.CreateICmpSGE(sizes.value(part), program.i64(0)));
      });
      size_t place = (dims.names.size() + i) * sizeof(int64_t);
      llvm::Value *given = program.load(b.getInt64Ty(), values, place);
      llvm::Value *computed = sizes.value(size);
      llvm::Value *differs =
          b.CreateAnd(b.CreateICmpSGE(given, program.i64(0)), b.CreateICmpNE(given, computed));
      llvm::Value *bad = b.CreateAnd(known, b.CreateOr(sizes.isBad(size), differs));
      program.store(b.CreateSelect(known, computed, given), values, place);
      llvm::BasicBlock *next = program.makeBlock("next");
      b.CreateCondBr(bad, refuse, next);
      b.SetInsertPoint(next);
    }
    b.CreateRet(program.i32(NNCC_OK));
    b.SetInsertPoint(refuse);
    b.CreateRet(program.i32(NNCC_INVALID_ARGUMENT));
    return infer;
  }

  Constant *weights(const ProgramInfo &info) {
    if (!info.weightsFile.empty() || !info.weightsSize)
      return program.null();
    auto *symbol = new llvm::GlobalVariable(
        *program.module, llvm::ArrayType::get(b.getInt8Ty(), info.weightsSize), true,
        llvm::GlobalValue::ExternalLinkage, nullptr, info.weightsSymbol);
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }

  /// nncc_descriptor.levels. They are in object files of their own but for this one, the least.
  Constant *levels(const ProgramInfo &info) {
    SmallVector<Constant *> all;
    for (const std::string &level : info.levels) {
      ProgramInfo other = info;
      other.level = level;
      auto *symbol = llvm::cast<llvm::GlobalVariable>(
          program.module->getOrInsertGlobal(other.symbol("descriptor"), b.getInt8Ty()));
      symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
      all.push_back(symbol);
    }
    return program.array(all, "levels");
  }

  static std::string isa(const ProgramInfo &info, const cpu::Machine &machine) {
    std::vector<std::string> features = machine.isa();
    if (!info.device.empty())
      features.insert(features.begin(), "cuda");
    return llvm::join(features, ",");
  }

  Constant *images(const ProgramInfo &info) {
    SmallVector<Constant *> all;
    for (const ProgramImage &image : info.images) {
      StringRef bytes(image.data.data(), image.data.size());
      Constant *data = program.global(
          llvm::ConstantDataArray::getRaw(bytes, bytes.size(), b.getInt8Ty()), "image_data");
      llvm::cast<llvm::GlobalVariable>(data)->setAlignment(llvm::Align(16));
      all.push_back(program.record({program.i32(sizeof(nncc_image)), program.i32(image.kind),
                                    program.i32(image.capability), program.i32(image.isExact), data,
                                    program.i64(bytes.size())},
                                   sizeof(nncc_image)));
    }
    return program.array(all, "images");
  }

  Constant *emit(const ProgramInfo &info, const cpu::Machine &machine,
                 const DescriptorParts &parts) {
    SmallVector<Constant *> inputs = inputInfos(), outputs = outputInfos(), meta = metadata();
    SmallVector<Constant *> sizes = dimInfos(), checks;
    SmallVector<Constant *> inputValues = valueInfos(nn::inputsAttr, argumentTypes(main)),
                            outputValues = valueInfos(nn::outputsAttr, resultTypes(main));
    for (const std::string &check : parts.checks)
      checks.push_back(program.text(check));
    ProgramBuilder &p = program;
    return p.global(p.record({p.i64(NNCC_ABI_MAGIC),
                              b.getInt16(NNCC_ABI_MAJOR),
                              b.getInt16(NNCC_ABI_MINOR),
                              p.i32(sizeof(nncc_descriptor)),
                              p.text(info.name),
                              p.text(info.compiler),
                              p.text(machine.triple),
                              p.text(info.device.empty() ? machine.processor() : info.device),
                              p.text(isa(info, machine)),
                              p.i32(inputs.size()),
                              p.i32(outputs.size()),
                              p.i32(sizes.size()),
                              p.i32(meta.size()),
                              p.i32(parts.dispatches.size()),
                              p.i32(parts.checks.size()),
                              p.array(inputs, "inputs"),
                              p.array(outputs, "outputs"),
                              p.array(sizes, "dims"),
                              p.array(meta, "metadata"),
                              p.array(parts.dispatches, "dispatches"),
                              weights(info),
                              info.weightsFile.empty() ? p.null() : p.text(info.weightsFile),
                              p.i64(info.weightsSize),
                              p.i64(info.weightsHash),
                              parts.plan,
                              parts.run,
                              emitInfer(),
                              p.array(checks, "checks"),
                              p.i32(inputValues.size()),
                              p.i32(outputValues.size()),
                              p.array(inputValues, "input_values"),
                              p.array(outputValues, "output_values"),
                              p.i32(info.levels.size()),
                              levels(info),
                              p.i64(liveSize()),
                              p.i32(info.device.empty() ? NNCC_DEVICE_CPU : NNCC_DEVICE_CUDA),
                              p.i32(info.images.size()),
                              images(info)},
                             sizeof(nncc_descriptor)),
                    "descriptor");
  }

private:
  int64_t liveSize() {
    auto module = main->getParentOfType<mlir::ModuleOp>();
    auto size = module->getAttrOfType<mlir::IntegerAttr>("rt.live_size");
    return size ? size.getInt() : 0;
  }

  ProgramBuilder &program;
  llvm::IRBuilder<> &b;
  mlir::func::FuncOp main;
  const ProgramDims &dims;
};

} // namespace

SmallVector<mlir::RankedTensorType> nncc::resultTypes(mlir::func::FuncOp main) {
  return llvm::map_to_vector(
      main->getAttrOfType<mlir::ArrayAttr>("rt.result_types"), [](mlir::Attribute type) {
        return llvm::cast<mlir::RankedTensorType>(llvm::cast<mlir::TypeAttr>(type).getValue());
      });
}

ProgramDims::ProgramDims(mlir::func::FuncOp main) {
  names = symbolNames(main);
  names.truncate(std::min<size_t>(names.size(), givenSymbols(main)));
  auto add = [&](mlir::RankedTensorType type) {
    for (AffineExpr size : shapeOf(type))
      if (!constantOf(size) && !(llvm::isa<mlir::AffineSymbolExpr>(size) && isGiven(size)) &&
          !llvm::is_contained(derived, normalForm(size)))
        derived.push_back(normalForm(size));
  };
  llvm::for_each(argumentTypes(main), add);
  llvm::for_each(resultTypes(main), add);
}

int64_t ProgramDims::inShape(AffineExpr size) const {
  size = normalForm(size);
  if (auto constant = constantOf(size))
    return *constant;
  if (auto symbol = llvm::dyn_cast<mlir::AffineSymbolExpr>(size); symbol && isGiven(size))
    return -1 - static_cast<int64_t>(symbol.getPosition());
  auto *found = llvm::find(derived, size);
  return -1 - static_cast<int64_t>(names.size() + (found - derived.begin()));
}

/// Gives a descriptor the name by which the table of levels refers to it.
static void exportLevel(ProgramBuilder &program, llvm::GlobalVariable *descriptor,
                        StringRef symbol) {
  if (llvm::GlobalVariable *declared = program.module->getNamedGlobal(symbol)) { // in its own table
    declared->replaceAllUsesWith(descriptor);
    declared->eraseFromParent();
  }
  descriptor->setName(symbol);
  descriptor->setLinkage(llvm::GlobalValue::ExternalLinkage);
  descriptor->setVisibility(llvm::GlobalValue::HiddenVisibility);
}

void nncc::emitDescriptor(ProgramBuilder &program, mlir::func::FuncOp main, const ProgramDims &dims,
                          const ProgramInfo &info, const cpu::Machine &machine,
                          const DescriptorParts &parts) {
  Constant *descriptor = DescriptorEmitter(program, main, dims).emit(info, machine, parts);
  if (!info.level.empty())
    exportLevel(program, llvm::cast<llvm::GlobalVariable>(descriptor), info.symbol("descriptor"));
  if (!info.level.empty() && info.levels.empty())
    return; // the least level has the entry point
  auto *entry = llvm::Function::Create(llvm::FunctionType::get(program.pointer(), false),
                                       llvm::GlobalValue::ExternalLinkage,
                                       "nncc_model_" + info.name, *program.module);
  program.b.SetInsertPoint(llvm::BasicBlock::Create(program.b.getContext(), "entry", entry));
  program.b.CreateRet(descriptor);
}
