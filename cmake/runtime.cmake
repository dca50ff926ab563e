# One runtime per Python: libwsgi_python-X.Y.so, linked with that Python's own
# libpython wherever it lies. Each has a cargo target directory of its own,
# because the same crates come out differently for another Python.

set(runtime_libdir "${engine_libdir}/wsgi-core")
set(runtime_versions "")

if(NOT PYTHON)
  message(FATAL_ERROR "PYTHON is empty: name at least one Python to build a runtime for.")
endif()

# describe_python(<interpreter>) sets python_version, python_libdir and
# python_executable in the caller, or stops with a reason.
function(describe_python interpreter)
  execute_process(
    COMMAND "${interpreter}" -E -s "${CMAKE_CURRENT_SOURCE_DIR}/cmake/python_info.py"
    OUTPUT_VARIABLE answer ERROR_VARIABLE reason RESULT_VARIABLE failed)
  if(failed)
    string(STRIP "${reason}" reason)
    if(NOT reason)
      set(reason "cannot be run (${failed})")
    endif()
    message(FATAL_ERROR "PYTHON: ${interpreter}: ${reason}")
  endif()
  string(REGEX MATCH "^([^\n]*)\n([^\n]*)\n([^\n]*)\n$" answer "${answer}")
  set(python_version "${CMAKE_MATCH_1}" PARENT_SCOPE)
  set(python_libdir "${CMAKE_MATCH_2}" PARENT_SCOPE)
  set(python_executable "${CMAKE_MATCH_3}" PARENT_SCOPE)
endfunction()

function(add_runtime version libdir executable)
  set(target_dir "${WSGI_CORE_CARGO_DIR}/cargo-${version}")
  set(file "libwsgi_python-${version}.so")
  cargo_command(build_runtime TARGET_DIR "${target_dir}"
    ENVIRONMENT
      "PYO3_PYTHON=${executable}"
      "WSGI_CORE_PYTHON_LIBDIR=${libdir}"
      "WSGI_CORE_PYTHON_EXECUTABLE=${executable}"
    ARGUMENTS build --release --locked --package wsgi_python)
  add_custom_target("runtime-${version}" ALL
    COMMAND ${build_runtime}
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${runtime_libdir}"
    COMMAND "${CMAKE_COMMAND}" -E copy_if_different
            "${target_dir}/release/libwsgi_python.so" "${runtime_libdir}/${file}"
    BYPRODUCTS "${runtime_libdir}/${file}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "==> building the runtime for Python ${version}"
    USES_TERMINAL VERBATIM)
  # One cargo at a time: each of them keeps every core busy by itself.
  add_dependencies("runtime-${version}" engine ${runtime_targets})
  install(FILES "${runtime_libdir}/${file}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/wsgi-core")
endfunction()

set(runtime_targets "")
foreach(interpreter IN LISTS PYTHON)
  describe_python("${interpreter}")
  if("${python_version}" IN_LIST runtime_versions)
    message(FATAL_ERROR
      "PYTHON: ${interpreter} is Python ${python_version}, which was named before; "
      "there is one runtime per version.")
  endif()
  message(STATUS "Runtime for Python ${python_version}: ${python_executable}")
  add_runtime("${python_version}" "${python_libdir}" "${python_executable}")
  list(APPEND runtime_versions "${python_version}")
  list(APPEND runtime_targets "runtime-${python_version}")
endforeach()

# The engine takes this one where a virtual environment does not decide.
list(GET runtime_versions 0 default_version)
file(WRITE "${CMAKE_BINARY_DIR}/default" "${default_version}\n")
install(FILES "${CMAKE_BINARY_DIR}/default" DESTINATION "${CMAKE_INSTALL_LIBDIR}/wsgi-core")
