// nncc-opt: runs passes over IR in text form; for tests and for those who write passes.
#include "compiler/Register.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  nncc::registerEverything(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "nncc's pass driver\n", registry));
}
