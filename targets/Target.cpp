#include "targets/Target.h"

using namespace llvm;

namespace nncc {

static constexpr StringLiteral nvptxPrefix = "nvptx:";

/// "host+nvptx:sm_90a" -> "host", "sm_90a".
static std::pair<StringRef, StringRef> split(StringRef text) {
  if (text.starts_with(nvptxPrefix))
    return {"", text.drop_front(nvptxPrefix.size())};
  size_t at = text.find(("+" + nvptxPrefix).str());
  if (at == StringRef::npos)
    return {text, ""};
  return {text.take_front(at), text.drop_front(at + 1 + nvptxPrefix.size())};
}

Expected<std::vector<Target>> Target::parseAll(StringRef text) {
  auto [processors, chip] = split(text);
  std::vector<Target> targets;
  bool isForChip = processors.size() < text.size();
  Expected<std::vector<cpu::Machine>> machines =
      cpu::Machine::parseAll(processors.empty() && isForChip ? "host" : processors);
  if (!machines)
    return machines.takeError();
  if (!processors.empty())
    for (const cpu::Machine &machine : *machines)
      targets.push_back({machine.target, machine, std::nullopt});
  if (!isForChip)
    return targets;
  Expected<nvptx::Chip> parsed = nvptx::Chip::parse(chip);
  if (!parsed)
    return parsed.takeError();
  const cpu::Machine &least = machines->front();
  std::string own = (nvptxPrefix + chip).str();
  targets.push_back({processors.empty() ? own : least.target + "+" + own, least, *parsed});
  return targets;
}

} // namespace nncc
