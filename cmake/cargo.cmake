# cargo decides itself what is out of date, so its targets always run it.

# edition 2024, and what the code relies on
set(minimum_rust 1.88)

# What another user of the tree has found may be in a home of theirs.
foreach(program IN ITEMS CARGO RUSTC)
  if(${program})
    execute_process(COMMAND "${${program}}" --version
                    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(failed)
      unset(${program} CACHE)
    endif()
  endif()
endforeach()
find_program(CARGO cargo HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin
             DOC "The cargo command")
find_program(RUSTC rustc HINTS ENV CARGO_HOME "$ENV{HOME}/.cargo" PATH_SUFFIXES bin
             DOC "The Rust compiler")
if(NOT CARGO OR NOT RUSTC)
  message(FATAL_ERROR
    "cargo and rustc ${minimum_rust} or newer are needed, and were not found. "
    "https://rustup.rs installs them for one user.")
endif()

execute_process(COMMAND "${RUSTC}" --version WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
                OUTPUT_VARIABLE rust_version OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" rust_version "${rust_version}")
if(rust_version VERSION_LESS minimum_rust)
  message(FATAL_ERROR
    "${RUSTC} is version ${rust_version}, and ${minimum_rust} or newer is needed. "
    "https://rustup.rs installs a current one beside the system's.")
endif()

# cargo_command(<variable> TARGET_DIR <dir> [ENVIRONMENT <name=value>...] ARGUMENTS <argument>...)
#
# A command line for add_custom_target. The environment is pinned where it
# would change the result: flags meant for something else, and pyo3's
# overrides of the Python that we name.
function(cargo_command variable)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET_DIR" "ENVIRONMENT;ARGUMENTS")
  set(${variable}
    "${CMAKE_COMMAND}" -E env
      --unset=RUSTFLAGS --unset=CARGO_ENCODED_RUSTFLAGS --unset=CARGO_BUILD_TARGET
      --unset=PYO3_CONFIG_FILE --unset=PYO3_CROSS --unset=PYO3_CROSS_LIB_DIR
      "RUSTC=${RUSTC}" "CARGO_TARGET_DIR=${arg_TARGET_DIR}" ${arg_ENVIRONMENT}
      "${CARGO}" ${arg_ARGUMENTS}
    PARENT_SCOPE)
endfunction()
