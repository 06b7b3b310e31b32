#include "compiler/import/Import.h"
#include "compiler/import/Importer.h"
#include "dialects/rt/RT.h"

using namespace mlir;
using namespace nncc;

llvm::Expected<OwningOpRef<ModuleOp>> nncc::importModel(MLIRContext &context, StringRef path,
                                                        const ImportOptions &options) {
  auto file = ModelFile::open(path);
  if (!file)
    return file.takeError();
  if (auto error = checkModel(*file))
    return std::move(error);
  auto opsets = readOpsets(file->proto());
  if (!opsets)
    return opsets.takeError();
  context.loadDialect<func::FuncDialect, nn::NNDialect, rt::RTDialect>();
  Problems problems;
  auto module = Importer(*file, options, context, problems).run(*opsets);
  if (auto error = problems.finish())
    return std::move(error);
  return std::move(module);
}

llvm::Expected<std::vector<Problem>> nncc::listUnsupported(MLIRContext &context, StringRef path,
                                                           const ImportOptions &options) {
  auto module = importModel(context, path, options);
  if (module)
    return std::vector<Problem>();
  std::vector<Problem> unsupported;
  llvm::Error rest =
      llvm::handleErrors(module.takeError(), [&](std::unique_ptr<ModelError> error) -> llvm::Error {
        if (error->getClass() != ErrorClass::Unsupported)
          return llvm::Error(std::move(error));
        unsupported.assign(error->getProblems().begin(), error->getProblems().end());
        return llvm::Error::success();
      });
  if (rest)
    return std::move(rest);
  return unsupported;
}
