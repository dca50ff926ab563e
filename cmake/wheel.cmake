# What a wheel has instead of a package for C: the engine alone, as one file,
# for a wheel has no symbolic links; and where httpd's programs are.

install(PROGRAMS "${engine_libdir}/${engine_file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        RENAME "libwsgi_core.so.${engine_soversion}")

apxs_query(httpd_name PROGNAME)
apxs_query(httpd_sbindir SBINDIR)
apxs_query(httpd_bindir BINDIR)
apxs_query(httpd_modules LIBEXECDIR)
set(httpd "")
foreach(directory "${httpd_sbindir}" "${httpd_bindir}")
  if(NOT httpd AND EXISTS "${directory}/${httpd_name}")
    set(httpd "${directory}/${httpd_name}")
  endif()
endforeach()
if(NOT httpd)
  set(httpd "${httpd_name}")
endif()
set(rotatelogs "rotatelogs")
foreach(directory "${httpd_bindir}" "${httpd_sbindir}")
  if(rotatelogs STREQUAL "rotatelogs" AND EXISTS "${directory}/rotatelogs")
    set(rotatelogs "${directory}/rotatelogs")
  endif()
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/httpd.json"
  "{\"httpd\": \"${httpd}\", \"modules\": \"${httpd_modules}\", \"rotatelogs\": \"${rotatelogs}\"}\n")
install(FILES "${CMAKE_BINARY_DIR}/httpd.json" DESTINATION "${package_root}")

# What --enable-docs serves.
install(DIRECTORY docs/ DESTINATION mod_wsgi/docs FILES_MATCHING PATTERN "*.md")

# For the shell and for man, outside the package and below the prefix of the Python.
set(shell_completion
  "bash;bash-completion/completions/mod_wsgi-express"
  "zsh;zsh/site-functions/_mod_wsgi-express"
  "fish;fish/vendor_completions.d/mod_wsgi-express.fish")
while(shell_completion)
  list(POP_FRONT shell_completion shell path)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env "PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR}/bindings/python"
            "${PYTHON}" -B -m mod_wsgi.express.completion "${shell}"
    OUTPUT_FILE "${CMAKE_BINARY_DIR}/completion.${shell}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The completion for ${shell} cannot be made.")
  endif()
  get_filename_component(directory "${path}" DIRECTORY)
  get_filename_component(name "${path}" NAME)
  install(FILES "${CMAKE_BINARY_DIR}/completion.${shell}"
          DESTINATION "${SKBUILD_DATA_DIR}/share/${directory}" RENAME "${name}")
endwhile()
install(FILES docs/man/mod_wsgi-express.1 DESTINATION "${SKBUILD_DATA_DIR}/share/man/man1")
