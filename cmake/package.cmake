# What others need to build against the installed library, and the manual.

install(FILES include/wsgi_core.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
# FILES and not PROGRAMS: Debian's policy, and httpd's, is that libraries are
# not executable. Symbolic links are installed as such.
install(FILES
    "${engine_libdir}/${engine_file}"
    "${engine_libdir}/libwsgi_core.so.${engine_soversion}"
    "${engine_libdir}/libwsgi_core.so"
    "${engine_libdir}/libwsgi_core.a"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}")

include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_LIBDIR}/cmake/wsgi_core")
set(pkgconfig_directory "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# From the directory of wsgi_core.pc back to the prefix, which keeps the file
# right when the tree is moved.
file(RELATIVE_PATH pc_prefix
  "/prefix/${pkgconfig_directory}" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")

string(REGEX MATCHALL "[^ ]+" native_library_list "${engine_native_libraries}")
configure_package_config_file(
  cmake/wsgi_core-config.cmake.in "${CMAKE_BINARY_DIR}/wsgi_core-config.cmake"
  INSTALL_DESTINATION "${package_directory}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
  "${CMAKE_BINARY_DIR}/wsgi_core-config-version.cmake" COMPATIBILITY SameMinorVersion)
configure_file(cmake/wsgi_core.pc.in "${CMAKE_BINARY_DIR}/wsgi_core.pc" @ONLY)

install(FILES
    "${CMAKE_BINARY_DIR}/wsgi_core-config.cmake"
    "${CMAKE_BINARY_DIR}/wsgi_core-config-version.cmake"
  DESTINATION "${package_directory}")
install(FILES "${CMAKE_BINARY_DIR}/wsgi_core.pc" DESTINATION "${pkgconfig_directory}")
install(FILES docs/man/wsgi_core.3 DESTINATION "${CMAKE_INSTALL_MANDIR}/man3")
install(FILES docs/man/mod_wsgi.8 DESTINATION "${CMAKE_INSTALL_MANDIR}/man8")
