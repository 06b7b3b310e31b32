# find_package(nncc): the targets
#   nncc::runtime, nncc::runtime_static   load and run compiled models (component runtime)
#   nncc::compiler   headers and flags for what extends the compiler, e.g. a pass plug-in
#   nncc::libnncc    the compiler as a library (both: component compiler, which needs MLIR)
# the variable NNCC_EXECUTABLE, and the function
#   nncc_add_pass_plugin(<name> <sources>...)
# Without components: all that is installed.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/nncc-runtime.cmake)
set(nncc_runtime_FOUND TRUE)

set(nncc_wanted ${nncc_FIND_COMPONENTS})
if(NOT nncc_wanted)
  set(nncc_wanted compiler)
  set(nncc_FIND_REQUIRED_compiler FALSE) # an installation may be the runtime alone
endif()
if("compiler" IN_LIST nncc_wanted AND EXISTS ${CMAKE_CURRENT_LIST_DIR}/nncc-compiler.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/nncc-compiler.cmake)
endif()
unset(nncc_wanted)
include(FindPackageHandleStandardArgs)
set(nncc_CONFIG ${CMAKE_CURRENT_LIST_FILE})
find_package_handle_standard_args(nncc CONFIG_MODE HANDLE_COMPONENTS)
