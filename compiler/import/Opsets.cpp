#include "compiler/import/Opsets.h"
#include "compiler/import/ContribSchemas.h"
#include "compiler/import/ModelError.h"

using namespace nncc;

llvm::StringRef nncc::canonicalDomain(llvm::StringRef domain) {
  return domain == "ai.onnx" ? "" : domain;
}

std::string nncc::qualifiedName(llvm::StringRef domain, llvm::StringRef op) {
  domain = canonicalDomain(domain);
  return domain.empty() ? op.str() : (domain + "." + op).str();
}

// Lowest and highest known version of an ONNX domain.
static const std::pair<int, int> *versionRange(llvm::StringRef domain) {
  const auto &ranges = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  auto range = ranges.find(canonicalDomain(domain).str());
  return range == ranges.end() ? nullptr : &range->second;
}

bool nncc::isOnnxDomain(llvm::StringRef domain) { return versionRange(domain); }

static std::string quoteDomain(llvm::StringRef domain) {
  domain = canonicalDomain(domain);
  return "operator set '" + (domain.empty() ? "ai.onnx" : domain.str()) + "'";
}

llvm::Expected<Opsets> Opsets::read(const Imports &imports) {
  Opsets result;
  for (const onnx::OperatorSetIdProto &import : imports) {
    const llvm::StringRef domain = canonicalDomain(import.domain());
    const int64_t version = import.version();
    if (version < 1 || version > INT32_MAX)
      return invalidModel(quoteDomain(domain) + " is imported with version " +
                          llvm::Twine(version) + ", expected 1 or more");
    if (const auto *range = versionRange(domain); range && version > range->second)
      return unsupportedModel(quoteDomain(domain) + " of version " + llvm::Twine(version) +
                              " is newer than the newest known one, " + llvm::Twine(range->second));
    auto [known, inserted] = result.versions.try_emplace(domain, int(version));
    if (!inserted && known->second != version)
      return invalidModel(quoteDomain(domain) + " is imported with versions " +
                          llvm::Twine(known->second) + " and " + llvm::Twine(version));
  }
  return result;
}

void Opsets::addNewest() {
  for (const auto &[domain, range] : onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map())
    versions.try_emplace(domain, range.second);
}

std::optional<int> Opsets::version(llvm::StringRef domain) const {
  auto known = versions.find(canonicalDomain(domain));
  return known == versions.end() ? std::nullopt : std::optional<int>(known->second);
}

const onnx::OpSchema *Opsets::schema(llvm::StringRef domain, llvm::StringRef op) const {
  auto imported = version(domain);
  if (imported && !isOnnxDomain(domain))
    return contribSchema(domain, op);
  return imported
             ? onnx::OpSchemaRegistry::Schema(op.str(), *imported, canonicalDomain(domain).str())
             : nullptr;
}
