# lra_add_plugin(NAME SOURCES FILE.cpp …)
# Adds a shared library libNAME.so with models, for `lra COMMAND --plugin libNAME.so`, and a target test_NAME, which also
# builds the models for the double engine and checks them against the contract of all models. Needs LRA_ABI,
# LRA_INCLUDE_DIR and LRA_CONTRACT, which the package sets.
function(lra_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lra_add_plugin(${name} …): list the files after SOURCES, as in lra_add_plugin(${name} SOURCES ${name}.cpp)")
  endif()
  lra_plugin_library(${name} ${arg_SOURCES})
  lra_plugin_library(${name}_double EXCLUDE_FROM_ALL ${arg_SOURCES})
  target_compile_definitions(${name}_double PRIVATE LRA_ENGINE=f64)
  add_custom_target(test_${name}
    COMMAND ${LRA_CONTRACT} $<TARGET_FILE:${name}> $<TARGET_FILE:${name}_double>
    COMMENT "Checking ${name} against the contract" VERBATIM)
  add_dependencies(test_${name} ${name} ${name}_double)
endfunction()

function(lra_plugin_library name)
  add_library(${name} MODULE ${ARGN} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_abi.cpp)
  target_include_directories(${name} PRIVATE ${LRA_INCLUDE_DIR} ${LRA_INCLUDE_DIR}/harness)
  target_compile_definitions(${name} PRIVATE LRA_ABI="${LRA_ABI}")
  target_compile_features(${name} PRIVATE cxx_std_20)
  # The flags that affect bits, as in the program.
  target_compile_options(${name} PRIVATE -ffp-contract=off -fno-math-errno)
  target_link_libraries(${name} PRIVATE fmt::fmt)
endfunction()
