# Every dependency is a Debian package; tools/setup installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(GTest 1.12 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_package(hwy 1.0 REQUIRED CONFIG)
find_package(PNG 1.6 REQUIRED)
find_package(Boost 1.74 REQUIRED)  # Boost.Math, headers only
find_package(benchmark 1.7 QUIET)  # optional: without it there are no *_benchmark
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl>=7.85)
pkg_check_modules(libutf8proc REQUIRED IMPORTED_TARGET libutf8proc>=2.6)
pkg_check_modules(libxxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)

# oneDNN's CMake package on Debian requires OpenCL headers, which lra does not need and the Debian package does not install.
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
find_library(DNNL_LIBRARY dnnl REQUIRED)
add_library(DNNL::dnnl UNKNOWN IMPORTED)
set_target_properties(DNNL::dnnl PROPERTIES
  IMPORTED_LOCATION ${DNNL_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${DNNL_INCLUDE_DIR})

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness lets ccache cache files that use a precompiled header; relative paths let checkouts share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

# Inlined into the HTML report, so that reports need no network.
find_file(CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js REQUIRED)
find_file(CHART_JS_LICENCE copyright PATHS /usr/share/doc/libjs-chart.js REQUIRED)
