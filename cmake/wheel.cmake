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
