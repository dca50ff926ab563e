# The httpd module, compiled as apxs would, with its flags; CMake links it, for
# the relative run path that lets the tree work where it lies.

find_program(APXS NAMES "$ENV{APXS}" apxs apxs2 DOC "httpd's extension tool")
if(NOT APXS)
  message(FATAL_ERROR "apxs was not found (Debian: apt-get install apache2-dev).")
endif()

# apxs_query(<variable> <name>...): the values as a list of words.
function(apxs_query variable)
  execute_process(COMMAND "${APXS}" -q ${ARGN}
                  OUTPUT_VARIABLE answer RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${APXS} -q ${ARGN} failed.")
  endif()
  string(REPLACE ";;" " " answer "${answer}")
  separate_arguments(words UNIX_COMMAND "${answer}")
  set(${variable} "${words}" PARENT_SCOPE)
endfunction()

# apr_includes(<variable> <name of a variable of apxs>): directories that
# apr-config or apu-config names.
function(apr_includes variable config)
  apxs_query(program "${config}")
  execute_process(COMMAND "${program}" --includes
                  OUTPUT_VARIABLE answer RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "${program} --includes failed.")
  endif()
  separate_arguments(words UNIX_COMMAND "${answer}")
  list(TRANSFORM words REPLACE "^-I" "")
  set(${variable} "${words}" PARENT_SCOPE)
endfunction()

apxs_query(apxs_flags CFLAGS CPPFLAGS EXTRA_CFLAGS EXTRA_CPPFLAGS)
apxs_query(apxs_includes INCLUDEDIR)
apr_includes(apr_include_directories APR_CONFIG)
apr_includes(apu_include_directories APU_CONFIG)

add_library(mod_wsgi MODULE c/mod_wsgi.c)
# Hooks, commands and cleanups have the parameters that httpd and APR give them.
target_compile_options(mod_wsgi PRIVATE
  ${apxs_flags} -Wall -Wextra -Wno-unused-parameter $<$<BOOL:${WSGI_CORE_WERROR}>:-Werror>)
target_include_directories(mod_wsgi SYSTEM PRIVATE
  ${apxs_includes} ${apr_include_directories} ${apu_include_directories})
target_link_options(mod_wsgi PRIVATE -Wl,-z,relro -Wl,-z,now)
target_link_libraries(mod_wsgi PRIVATE wsgi_core)

set_target_properties(mod_wsgi PROPERTIES
  PREFIX ""
  OUTPUT_NAME "${module_name}"
  SUFFIX "${module_suffix}"
  LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${module_directory}"
  BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH "${module_rpath}")

install(TARGETS mod_wsgi LIBRARY DESTINATION "${module_directory}"
        PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
