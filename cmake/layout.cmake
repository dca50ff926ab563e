# Where things lie below the prefix. A library finds the rest from its own
# place, so the same tree works in a prefix and inside a Python package.

if(SKBUILD)
  # The wheel: for the one Python that builds it, all of it in mod_wsgi/server.
  set(package_root mod_wsgi/server)
  set(CMAKE_INSTALL_LIBDIR "${package_root}/lib")
  set(libexec_directory "${package_root}/libexec/wsgi-core")
  set(module_directory "${package_root}")
  set(module_rpath "$ORIGIN/lib")
  execute_process(
    COMMAND "${PYTHON}" -c
            "import sysconfig as s; print(*map(s.get_config_var, ('py_version_nodot', 'EXT_SUFFIX')))"
    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed OR NOT answer MATCHES "^([^ ]+) ([^ ]+)$")
    message(FATAL_ERROR "${PYTHON} does not tell its version and suffix.")
  endif()
  set(module_name "mod_wsgi-py${CMAKE_MATCH_1}")
  set(module_suffix "${CMAKE_MATCH_2}")
else()
  # One layout on every system: Debian's lib/<triplet> would come out for /usr.
  set(CMAKE_INSTALL_LIBDIR lib CACHE PATH "Directory for libraries, below the prefix")
  set(libexec_directory libexec/wsgi-core)
  set(module_directory "${CMAKE_INSTALL_LIBDIR}/httpd/modules")
  set(module_rpath "$ORIGIN/../..")
  set(module_name mod_wsgi)
  set(module_suffix .so)
endif()
include(GNUInstallDirs)
