#include "targets/program/KernelNames.h"

#include "dialects/rt/RT.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace nncc {

/// The part of a symbol that stands for a node: what every assembler takes, and no more of it than
/// a line of a profile shows.
static std::string nodePart(StringRef node) {
  constexpr size_t longest = 60;
  std::string text;
  for (char c : node.ltrim('/').take_back(longest)) // names end with what is special about them
    text += isAlnum(c) || c == '.' ? c : '_';
  return text;
}

static std::string withNodes(std::string symbol, StringRef nodes) {
  auto [first, others] = nodes.split(';');
  if (!first.empty())
    symbol += "." + nodePart(first);
  if (!others.empty())
    symbol += ".and_" + std::to_string(others.count(';') + 1) + "_more";
  return symbol;
}

/// PTX has no dots in names.
static constexpr char deviceSeparator = '$';

StringRef withoutNodes(StringRef symbol) {
  return symbol.take_until([](char c) { return c == '.' || c == deviceSeparator; });
}

StringMap<KernelName> nameKernels(mlir::ModuleOp program, const ProgramInfo &info) {
  StringMap<KernelName> names;
  StringMap<unsigned> calls;
  unsigned call = 0;
  program.walk([&](rt::RunOp run) {
    ++call;
    ++calls[run.getKernel()];
    KernelName &name = names[run.getKernel()];
    if (name.call)
      return;
    auto attribute = run->getAttrOfType<mlir::StringAttr>("nodes");
    StringRef nodes = attribute ? attribute.getValue() : "";
    name = {withNodes(info.symbol(run.getKernel()), nodes), nodes.str(), call};
    if (!info.device.empty())
      llvm::replace(name.symbol, '.', deviceSeparator);
  });
  for (auto &[kernel, name] : names)
    if (calls[kernel] > 1)
      name.title += " (first of " + std::to_string(calls[kernel]) + " calls)";
  return names;
}

} // namespace nncc
