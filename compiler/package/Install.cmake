# What `cmake --install` gives beside the runtime and the tools: the compiler as a library, and all
# that extending it takes: headers, .td files, CMake package. The tree works wherever it is moved.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/nncc-compiler)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/nncc)

add_library(nncc_compiler_interface INTERFACE)
set_target_properties(nncc_compiler_interface PROPERTIES EXPORT_NAME compiler)
target_include_directories(nncc_compiler_interface INTERFACE $<INSTALL_INTERFACE:${headers}>)
target_compile_features(nncc_compiler_interface INTERFACE cxx_std_17)
target_compile_options(nncc_compiler_interface INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
target_link_libraries(libnncc INTERFACE nncc_compiler_interface)
install(TARGETS nncc_compiler_interface libnncc EXPORT nncc-compiler-targets)
install(EXPORT nncc-compiler-targets NAMESPACE nncc:: DESTINATION ${package})

foreach(folder dialects passes targets compiler)
  install(DIRECTORY ${folder} DESTINATION ${headers}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "Precompiled.h" EXCLUDE)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/${folder} DESTINATION ${headers}
    FILES_MATCHING PATTERN "*.h.inc" PATTERN "CMakeFiles" EXCLUDE)
endforeach()
# A build tree has the .td files at the same place, seen from libnncc.so.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/${headers})
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/dialects ${PROJECT_BINARY_DIR}/${headers}/dialects SYMBOLIC)

file(RELATIVE_PATH NNCC_CONFIG_TO_BIN ${CMAKE_INSTALL_PREFIX}/${package} ${CMAKE_INSTALL_FULL_BINDIR})
configure_file(${CMAKE_CURRENT_LIST_DIR}/nncc-compiler.cmake.in ${PROJECT_BINARY_DIR}/nncc-compiler.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/nncc-compiler.cmake ${CMAKE_CURRENT_LIST_DIR}/PluginAbi.cpp DESTINATION ${package})
