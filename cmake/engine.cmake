# The engine: libwsgi_core.so and libwsgi_core.a, staged in the layout that is
# installed, so that what is linked here finds everything where it will be.

set(engine_soversion "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
set(engine_libdir "${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}")
set(engine_libexecdir "${CMAKE_BINARY_DIR}/${libexec_directory}")
set(engine_target_dir "${WSGI_CORE_CARGO_DIR}/cargo")
set(engine_output "${engine_target_dir}/release")
set(engine_file "libwsgi_core.so.${PROJECT_VERSION}")

cargo_command(build_engine TARGET_DIR "${engine_target_dir}"
              ARGUMENTS build --release --locked --package wsgi_core)

add_custom_target(engine ALL
  COMMAND ${build_engine}
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${engine_libdir}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${engine_output}/libwsgi_core.so" "${engine_libdir}/${engine_file}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${engine_output}/libwsgi_core.a" "${engine_libdir}/libwsgi_core.a"
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${engine_libexecdir}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
          "${engine_output}/wsgi-daemon" "${engine_libexecdir}/wsgi-daemon"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink
          "${engine_file}" "${engine_libdir}/libwsgi_core.so.${engine_soversion}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink
          "libwsgi_core.so.${engine_soversion}" "${engine_libdir}/libwsgi_core.so"
  BYPRODUCTS "${engine_libdir}/${engine_file}" "${engine_libdir}/libwsgi_core.a"
             "${engine_libdir}/libwsgi_core.so" "${engine_libexecdir}/wsgi-daemon"
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "==> building the engine"
  USES_TERMINAL VERBATIM)

add_library(wsgi_core SHARED IMPORTED)
add_dependencies(wsgi_core engine)
set_target_properties(wsgi_core PROPERTIES
  IMPORTED_LOCATION "${engine_libdir}/libwsgi_core.so"
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}/include")

# What a program that links the static library needs besides: the system
# libraries of Rust's standard library, as this compiler names them.
set(probe "${CMAKE_BINARY_DIR}/native_libraries")
file(WRITE "${probe}.rs" "")
execute_process(
  COMMAND "${RUSTC}" --print native-static-libs --crate-type staticlib
          -o "${probe}.a" "${probe}.rs"
  ERROR_VARIABLE native_libraries RESULT_VARIABLE failed)
if(failed OR NOT native_libraries MATCHES "native-static-libs: ([^\n]*)")
  message(FATAL_ERROR "${RUSTC} does not name its native libraries: ${native_libraries}")
endif()
string(STRIP "${CMAKE_MATCH_1}" engine_native_libraries)

# Executed by the library for process groups, which finds it from its own place.
install(PROGRAMS "${engine_libexecdir}/wsgi-daemon" DESTINATION "${libexec_directory}")
