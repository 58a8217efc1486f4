# lra_add_plugin(NAME SOURCES FILE.cpp …)
# A shared library libNAME.so with models, for `lra COMMAND --plugin libNAME.so`. Needs LRA_ABI and LRA_INCLUDE_DIR, which
# the package sets.
function(lra_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lra_add_plugin(${name} …): give the files after SOURCES, as in lra_add_plugin(${name} SOURCES ${name}.cpp)")
  endif()
  add_library(${name} MODULE ${arg_SOURCES} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_abi.cpp)
  target_include_directories(${name} PRIVATE ${LRA_INCLUDE_DIR})
  target_compile_definitions(${name} PRIVATE LRA_ABI="${LRA_ABI}")
  target_compile_features(${name} PRIVATE cxx_std_20)
  # The flags that decide bits, as in the program itself.
  target_compile_options(${name} PRIVATE -ffp-contract=off -fno-math-errno)
  target_link_libraries(${name} PRIVATE fmt::fmt)
endfunction()
