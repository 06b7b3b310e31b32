#include "compiler/import/ContribSchemas.h"

using namespace nncc;
using onnx::AttributeProto;
using onnx::OpSchema;

// Whether an input may be left out.
static OpSchema::FormalParameterOption optional(bool isOptional) {
  return isOptional ? OpSchema::Optional : OpSchema::Single;
}

// As ONNX Runtime documents it (docs/ContribOperators.md).
static OpSchema matMulNBits() {
  OpSchema schema("MatMulNBits", __FILE__, __LINE__);
  schema.SetDomain("com.microsoft").SinceVersion(1);
  for (const char *name : {"K", "N", "block_size"})
    schema.Attr(name, "", AttributeProto::INT, /*required=*/true);
  schema.Attr("bits", "", AttributeProto::INT, int64_t(4));
  for (const char *name : {"accuracy_level", "weight_prepacked"})
    schema.Attr(name, "", AttributeProto::INT, int64_t(0));
  const struct {
    const char *name, *type;
    bool isOptional;
  } inputs[] = {{"A", "T1", false},          {"B", "T2", false},    {"scales", "T1", false},
                {"zero_points", "T3", true}, {"g_idx", "T4", true}, {"bias", "T1", true}};
  for (int i = 0; i < int(std::size(inputs)); ++i)
    schema.Input(i, inputs[i].name, "", inputs[i].type, optional(inputs[i].isOptional));
  const std::vector<std::string> floats{"tensor(float)", "tensor(float16)", "tensor(bfloat16)"};
  std::vector<std::string> points = floats;
  points.push_back("tensor(uint8)");
  schema.Output(0, "Y", "", "T1");
  schema.TypeConstraint("T1", floats, "").TypeConstraint("T2", {"tensor(uint8)"}, "");
  schema.TypeConstraint("T3", points, "").TypeConstraint("T4", {"tensor(int32)"}, "");
  schema.Finalize();
  return schema;
}

const OpSchema *nncc::contribSchema(llvm::StringRef domain, llvm::StringRef op) {
  static const OpSchema schema = matMulNBits();
  return domain == "com.microsoft" && op == "MatMulNBits" ? &schema : nullptr;
}
