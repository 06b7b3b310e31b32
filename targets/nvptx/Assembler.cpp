#include "targets/nvptx/Assembler.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"

using namespace llvm;

namespace nncc::nvptx {

/// Earlier chips are no longer among those of its ptxas.
static constexpr int leastOfCuda13 = 75;

Expected<SmallVector<char, 0>> assemble(StringRef assembler, ArrayRef<char> ptx, const Chip &chip) {
  SmallString<128> input, output, log;
  for (auto [suffix, path] : {std::pair("ptx", &input), {"cubin", &output}, {"log", &log}})
    if (std::error_code code = sys::fs::createTemporaryFile("nncc-ptxas", suffix, *path))
      return createStringError(code, "cannot write a temporary file: " + code.message());
  FileRemover removers[] = {FileRemover(input), FileRemover(output), FileRemover(log)};
  {
    std::error_code code;
    raw_fd_ostream file(input, code);
    file << StringRef(ptx.data(), ptx.size()).rtrim('\0');
    if (code || file.has_error()) {
      file.clear_error();
      return createStringError("cannot write a temporary file");
    }
  }
  std::string architecture = "-arch=" + chip.name;
  StringRef arguments[] = {assembler, architecture, "-O3", "-o", output, input};
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
  std::string problem;
  int status = sys::ExecuteAndWait(assembler, arguments, std::nullopt, redirects, 0, 0, &problem);
  if (status != 0) {
    if (auto text = MemoryBuffer::getFile(log))
      problem += (*text)->getBuffer().rtrim().str();
    if (StringRef(problem).contains("is not defined for option 'gpu-name'"))
      return createStringError(
          assembler + " knows no '" + chip.name + "': set CUDA_ROOT to a CUDA toolkit that does " +
          (chip.capability < leastOfCuda13 ? "(version 12 or earlier)" : "(a later version)") +
          ", or give --gpu-images=ptx, which leaves that to the driver");
    return createStringError("ptxas failed (--gpu-images=ptx does without it): " + problem);
  }
  auto cubin = MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!cubin)
    return createStringError("cannot read what ptxas wrote");
  StringRef code = (*cubin)->getBuffer();
  return SmallVector<char, 0>(code.begin(), code.end());
}

} // namespace nncc::nvptx
