# Runs at every build (cmake -P) and writes OUTPUT, if its content changes, with the commit according to git, the compiler
# and its flags. Takes SOURCE_DIR, OUTPUT, TEMPLATE, VERSION, COMPILER, FLAGS and optionally GIT.
cmake_minimum_required(VERSION 3.25)

# Only uses git if this tree is the top of a repository, not an archive unpacked inside another one.
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
