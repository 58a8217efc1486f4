# Run at every build (cmake -P): writes OUTPUT, and only when its content changes, with
# what git knows of the commit, and with the compiler and its flags.
# Takes SOURCE_DIR, OUTPUT, TEMPLATE, VERSION, COMPILER, FLAGS and optionally GIT.
cmake_minimum_required(VERSION 3.25)

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
