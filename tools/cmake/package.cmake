# The interface for models outside the tree: its public headers, its version, and the package `lra`, installed or in the
# build folder (-Dlra_DIR=…/build/release).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
include(${CMAKE_CURRENT_LIST_DIR}/lra_add_plugin.cmake)

# The headers that a model outside the tree may include. They include no other headers of the project, and neither do the
# models of the tree (tools/check_layers reads this list).
set(LRA_PUBLIC_HEADERS
  harness/core/config.h harness/core/error.h harness/core/names.h harness/core/random.h harness/core/registry.h
  models/tensor/context.h models/tensor/dropout_stream.h models/tensor/memory.h models/tensor/real.h
  models/tensor/tensor.h models/tensor/view.h
  models/autodiff/profile.h models/autodiff/tape.h
  models/ops/clustering.h models/ops/dplr_filters.h models/ops/hashing.h models/ops/largest.h models/ops/ops.h
  models/ops/pattern.h models/ops/recurrences.h models/ops/score_attention.h models/ops/scores.h
  models/ops/sequence_layout.h models/ops/sorted_attention.h models/ops/step_states.h
  models/layers/basic.h models/layers/blocks.h models/layers/buffer.h models/layers/centroids.h
  models/layers/cross_attention.h models/layers/delta_projections.h models/layers/encoder.h models/layers/experts.h
  models/layers/gated_convolution.h models/layers/gated_linear.h models/layers/grid.h models/layers/head_norm.h
  models/layers/hippo.h models/layers/latents.h models/layers/legendre.h models/layers/memory_blocks.h
  models/layers/mixer.h models/layers/moving_average.h models/layers/moving_average_attention.h
  models/layers/parameters.h models/layers/projections.h models/layers/recurrent.h
  models/layers/registry.h models/layers/relative.h models/layers/resampled.h models/layers/reversible.h
  models/layers/segments.h models/layers/selective.h models/layers/shared_states.h models/layers/sublayer.h)

# Any change in these headers may break compiled models, so the interface's version is a hash of their content.
set(interface "")
foreach(header IN LISTS LRA_PUBLIC_HEADERS)
  file(SHA256 ${PROJECT_SOURCE_DIR}/${header} hash)
  string(APPEND interface "${header} ${hash}\n")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${LRA_PUBLIC_HEADERS})
string(SHA256 interface "${interface}")
string(SUBSTRING ${interface} 0 12 interface)
set(LRA_ABI ${PROJECT_VERSION}-${interface})
set(LRA_INCLUDE_DIR ${PROJECT_SOURCE_DIR})
set(LRA_CONTRACT ${PROJECT_BINARY_DIR}/lra_contract)

# Writes lraConfig.cmake and its version file to FOLDER, for a package that is installed in DESTINATION below PREFIX.
function(lra_package folder prefix destination include_dir cmake_dir programs)
  set(LRA_INCLUDE_DIR ${include_dir})
  set(LRA_CMAKE_DIR ${cmake_dir})
  set(LRA_PROGRAM ${programs}/lra)
  set(LRA_CONTRACT ${programs}/lra_contract)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/tools/cmake/lraConfig.cmake.in ${folder}/lraConfig.cmake
    INSTALL_PREFIX ${prefix} INSTALL_DESTINATION ${destination} PATH_VARS LRA_INCLUDE_DIR LRA_CMAKE_DIR LRA_PROGRAM
    LRA_CONTRACT NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  write_basic_package_version_file(${folder}/lraConfigVersion.cmake COMPATIBILITY ExactVersion)
endfunction()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lra)
lra_package(${PROJECT_BINARY_DIR}/generated/package ${CMAKE_INSTALL_PREFIX} ${package}
  ${CMAKE_INSTALL_INCLUDEDIR}/lra ${package} ${CMAKE_INSTALL_BINDIR})
lra_package(${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR} .
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tools/cmake ${PROJECT_BINARY_DIR})

install(FILES ${PROJECT_BINARY_DIR}/generated/package/lraConfig.cmake
  ${PROJECT_BINARY_DIR}/generated/package/lraConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/tools/cmake/lra_add_plugin.cmake ${PROJECT_SOURCE_DIR}/tools/cmake/plugin_abi.cpp
  DESTINATION ${package})
foreach(header IN LISTS LRA_PUBLIC_HEADERS)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lra/${folder})
endforeach()
