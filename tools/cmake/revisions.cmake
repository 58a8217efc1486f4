# Run at every build (cmake -P): writes OUTPUT, and only when its content changes, with
#   the revision of each model: SHA-256 over its file and over every source that a result's bits depend on;
#   what git knows of the commit; the compiler and its flags.
# Takes SOURCE_DIR, OUTPUT, TEMPLATE, VERSION, COMPILER, FLAGS and optionally GIT.
cmake_minimum_required(VERSION 3.25)

# Path and hash of each file, in a fixed order.
function(describe_files out)
  list(SORT ARGN)
  set(text "")
  foreach(file IN LISTS ARGN)
    file(SHA256 ${file} hash)
    file(RELATIVE_PATH path ${SOURCE_DIR} ${file})
    string(APPEND text "${path} ${hash}\n")
  endforeach()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# The engine, and the few files outside it that decide bits: random streams, batches, the training loop.
set(patterns "harness/core/random" "harness/lanes" "harness/train" "harness/update" "harness/evaluate" "tasks/batcher" "tasks/recipe")
list(TRANSFORM patterns REPLACE "(.+)" "${SOURCE_DIR}/\\1*.h;${SOURCE_DIR}/\\1*.cpp")
file(GLOB engine ${patterns})
foreach(folder tensor autodiff ops layers optim)
  file(GLOB_RECURSE sources ${SOURCE_DIR}/models/${folder}/*.h ${SOURCE_DIR}/models/${folder}/*.cpp)
  list(APPEND engine ${sources})
endforeach()
list(FILTER engine EXCLUDE REGEX "_(test|benchmark)\\.cpp$")
describe_files(engine_text ${engine})
string(SHA256 engine_revision "${engine_text}")
string(SUBSTRING ${engine_revision} 0 16 engine_revision)

file(GLOB models ${SOURCE_DIR}/models/attention/*.cpp ${SOURCE_DIR}/models/encoders/*.cpp)
list(FILTER models EXCLUDE REGEX "_test\\.cpp$")
list(SORT models)
set(revisions "")
foreach(model IN LISTS models)
  cmake_path(GET model STEM name)
  describe_files(model_text ${model})
  string(SHA256 revision "${engine_text}${model_text}")
  string(SUBSTRING ${revision} 0 16 revision)
  string(APPEND revisions "      {\"${name}\", \"${revision}\"},\n")
endforeach()

# An archive unpacked inside somebody else's repository is not that repository's commit.
set(code_version ${VERSION})
set(dirty false)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(REAL_PATH ${SOURCE_DIR} source_dir)
  if(top STREQUAL source_dir)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} describe --always --tags --abbrev=12
      OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} --no-optional-locks status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET)
    if(described)
      set(code_version ${described})
    endif()
    if(changes)
      set(dirty true)
    endif()
  endif()
endif()

configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
