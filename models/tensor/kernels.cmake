# The vector kernels (float) and the reference kernels (double), and their test. Included from models/CMakeLists.txt.
set(tensor ${CMAKE_CURRENT_LIST_DIR})

lra_library(kernels_vector
  ${tensor}/vector_attention.cpp ${tensor}/vector_convolution.cpp ${tensor}/vector_elementwise.cpp
  ${tensor}/vector_entmax.cpp ${tensor}/vector_features.cpp ${tensor}/vector_optimiser.cpp ${tensor}/vector_rows.cpp
  ${tensor}/vector_selective_scan.cpp ${tensor}/vector_states.cpp)
# Disabled: intermediate instruction sets that do not speed up these loops, and SVE, whose vectors cannot be members of
# a struct.
target_compile_definitions(kernels_vector PRIVATE
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_AVX3_DL|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128)")
target_link_libraries(kernels_vector PUBLIC core PRIVATE hwy::hwy)

lra_library(kernels_reference
  ${tensor}/reference.cpp ${tensor}/reference_selective_scan.cpp ${tensor}/reference_states.cpp)
target_compile_definitions(kernels_reference PUBLIC LRA_ENGINE=f64)
target_link_libraries(kernels_reference PUBLIC core)
lra_oracle(kernels_reference)

# The table of cases is compiled for both engines.
add_library(kernel_cases_double OBJECT ${tensor}/kernel_cases.cpp)
target_link_libraries(kernel_cases_double PUBLIC kernels_reference)
lra_oracle(kernel_cases_double)
lra_test(kernels_test SOURCES ${tensor}/kernels_test.cpp ${tensor}/kernel_cases.cpp $<TARGET_OBJECTS:kernel_cases_double>
         LINK kernels_vector $<LINK_ONLY:kernels_reference> hwy::hwy)
