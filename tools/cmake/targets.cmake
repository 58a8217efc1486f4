# The kinds of targets in this project, each with the project's compile options.
include(GoogleTest)

# -O2: the hot loops already use vector instructions, and -O3 would only make the rest slower to compile.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# -Og: with sanitizers, a whole build takes 0.7 of the processor time that it takes with -O1.
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")

# Flags that affect bits (no contraction, no fast-math, no -march) are the same in every build.
add_library(lra_options INTERFACE)
target_compile_options(lra_options INTERFACE -Wall -Wextra -Wshadow -Winvalid-pch -Werror=unused-result -ffp-contract=off -fno-math-errno)
if(LRA_WERROR)
  target_compile_options(lra_options INTERFACE -Werror)
endif()
if(LRA_SANITIZE)
  # Without the checks that AddressSanitizer covers too (null, object-size) or that do not matter on x86 (alignment): they
  # instrument every access and take a quarter of the compile time.
  set(lra_watched -fsanitize=${LRA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
                  -fno-sanitize=null,alignment,object-size,vptr)
  target_compile_options(lra_options INTERFACE "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:LRA_ORACLE>>>:${lra_watched}>")
  target_link_options(lra_options INTERFACE -fsanitize=${LRA_SANITIZE})
endif()
# harness is a root for core/ alone, which stands below every folder: the other headers of harness are harness/… .
target_include_directories(lra_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/harness ${PROJECT_BINARY_DIR}/generated)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(lra_options INTERFACE -Wno-unused-command-line-argument)
endif()

# Precompiled headers that nearly every file includes, none of them ours, for each set of flags: libraries, the engine, the
# oracle (below), and tests (programs are compiled with -fPIE, libraries with -fPIC). The engine and its models use no JSON.
set(lra_precompiled_engine <algorithm> <cassert> <chrono> <functional> <map> <memory> <optional> <span> <string> <variant> <vector>
                           <fmt/format.h>)
set(lra_precompiled ${lra_precompiled_engine} <nlohmann/json.hpp>)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/empty.cpp CONTENT "")
add_library(precompiled_library OBJECT ${PROJECT_BINARY_DIR}/generated/empty.cpp)
target_link_libraries(precompiled_library PRIVATE lra_options fmt::fmt nlohmann_json::nlohmann_json)
target_precompile_headers(precompiled_library PRIVATE ${lra_precompiled})
add_library(precompiled_engine OBJECT ${PROJECT_BINARY_DIR}/generated/empty.cpp)
target_link_libraries(precompiled_engine PRIVATE lra_options fmt::fmt)
target_precompile_headers(precompiled_engine PRIVATE ${lra_precompiled_engine})
add_library(precompiled_oracle OBJECT ${PROJECT_BINARY_DIR}/generated/empty.cpp)
target_link_libraries(precompiled_oracle PRIVATE lra_options fmt::fmt)
target_precompile_headers(precompiled_oracle PRIVATE ${lra_precompiled_engine})
set_target_properties(precompiled_oracle PROPERTIES LRA_ORACLE ON)
add_executable(precompiled_test ${PROJECT_BINARY_DIR}/generated/empty.cpp)
target_link_libraries(precompiled_test PRIVATE lra_options fmt::fmt nlohmann_json::nlohmann_json GTest::gtest GTest::gtest_main)
target_precompile_headers(precompiled_test PRIVATE ${lra_precompiled} <gtest/gtest.h>)

# An ordinary library with an explicit list of sources.
function(lra_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC lra_options PRIVATE fmt::fmt nlohmann_json::nlohmann_json)
  target_precompile_headers(${name} REUSE_FROM precompiled_library)
endfunction()

# Every .cpp in FOLDER registers itself, so the sources are globbed. They form an OBJECT library that each executable links
# directly, because a linker drops unreferenced files of a static archive.
function(lra_plugins name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  add_library(${name} OBJECT ${sources})
  target_link_libraries(${name} PUBLIC lra_options PRIVATE fmt::fmt nlohmann_json::nlohmann_json)
  target_precompile_headers(${name} REUSE_FROM precompiled_library)
endfunction()

# The libraries of a program with all registered parts. OBJECT libraries are listed by name, because other libraries do not
# pass on their objects.
set(LRA_PARTS definitions sources attention encoders reports harness tasks datasets models results core)

# Marks the named libraries as parts of the shipped engine.
function(lra_engine)
  set_target_properties(${ARGN} PROPERTIES PRECOMPILE_HEADERS_REUSE_FROM precompiled_engine)
endfunction()

# Marks the named libraries as parts of the double engine, which tests compare with. It shares its sources with the float
# engine, where the sanitizers check them; without sanitizers it compiles and runs in a fraction of the time.
function(lra_oracle)
  set_target_properties(${ARGN} PROPERTIES LRA_ORACLE ON PRECOMPILE_HEADERS_REUSE_FROM precompiled_oracle)
endfunction()

# Marks the named targets as code whose own speed does not matter, because it waits for models, files and the database.
# -Og compiles it in about two thirds of the time. Without inlining, g++ takes the inside of std::regex for uninitialised.
function(lra_light)
  foreach(name ${ARGN})
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Og> $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
  endforeach()
endfunction()

# Compiles the sources of the named targets together, up to eleven of one folder at once; generated files and those with
# flags of their own stay alone. The program then takes a third less processor time to build: even an empty file takes 1.5 s
# with the precompiled headers, because the literals of nlohmann's header instantiate its parser, and most files use the same
# maps and formats.
# Names in anonymous namespaces must differ within a folder; tools/check_layers checks that they do.
function(lra_together)
  if(NOT LRA_TOGETHER)
    return()
  endif()
  foreach(name ${ARGN})
    get_target_property(sources ${name} SOURCES)
    list(FILTER sources EXCLUDE REGEX "^[/$]")
    set(before "")
    foreach(source ${sources})
      get_filename_component(folder ${source} DIRECTORY)
      if(NOT "${folder}/" STREQUAL before)
        set(before "${folder}/")
        set(count 0)
      endif()
      math(EXPR batch "${count} / 11")
      math(EXPR count "${count} + 1")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${folder}${batch}")
    endforeach()
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    # g++ takes every included file for a header, where a class with members of anonymous types would be a mistake.
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endforeach()
endfunction()

# A program at the root of the build folder; HEADERS are precompiled with the common ones.
function(lra_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lra_options ${LRA_PARTS})
  target_precompile_headers(${name} PRIVATE ${lra_precompiled} ${arg_HEADERS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endfunction()

# A GoogleTest binary; with FILTER, only the tests that match it. Tests named Slow* get the label `slow`, which the README's
# test command leaves out.
function(lra_test name)
  cmake_parse_arguments(arg "" "FILTER" "SOURCES;LINK" ${ARGN})
  if(NOT arg_FILTER)
    set(arg_FILTER "*")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE lra_options ${arg_LINK} source_folder GTest::gtest GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM precompiled_test)
  gtest_discover_tests(${name} TEST_FILTER "${arg_FILTER}-*Slow*" DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 300)
  if(NOT arg_FILTER STREQUAL "*")
    return()
  endif()
  gtest_discover_tests(${name} TEST_FILTER "*Slow*" DISCOVERY_TIMEOUT 120 TEST_LIST ${name}_slow
                       PROPERTIES LABELS slow TIMEOUT 1800)
endfunction()

# The fuzz target fuzz/NAME.cpp. Without LRA_FUZZ it is an ordinary program; in both cases a test runs it on the inputs in
# fuzz/corpus/NAME.
function(lra_fuzz name)
  set(shared ${PROJECT_SOURCE_DIR}/harness/core/fuzz)
  add_executable(fuzz_${name} fuzz/${name}.cpp ${shared}/files.cpp)
  target_link_libraries(fuzz_${name} PRIVATE lra_options ${ARGN})
  if(LRA_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${shared}/replay.cpp)
  endif()
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} -runs=0 ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 300)
endfunction()
