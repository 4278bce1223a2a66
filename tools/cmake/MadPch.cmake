# One precompiled header of LLVM and MLIR (tools/cmake/Pch.h) for everything that
# includes them: such a file then compiles in a third of the time. CMake's own
# command would make one a target, and one whose bytes depend on the folder;
# ccache is given a checksum of what went into ours instead (mlir.pch.sum).
option(MAD_PCH "precompile the headers of LLVM and MLIR" ON)

function(mad_make_pch)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${config}}")
  set(source "${PROJECT_SOURCE_DIR}/tools/cmake/Pch.h")
  set(includes)
  set(folders ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  list(REMOVE_DUPLICATES folders)
  foreach(folder ${folders})
    list(APPEND includes -isystem "${folder}")
  endforeach()
  set(command ${flags} -fPIC -fvisibility=hidden -std=c++20 ${LLVM_DEFINITIONS_LIST} ${includes})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(SHA256 "${source}" digest)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/mlir.pch.sum" @ONLY
       CONTENT "${digest} ${LLVM_PACKAGE_VERSION} ${CMAKE_CXX_COMPILER_VERSION} ${command}\n")
  add_custom_command(OUTPUT "${PROJECT_BINARY_DIR}/mlir.pch"
    COMMAND "${CMAKE_CXX_COMPILER}" ${command} -x c++-header -Xclang -fno-pch-timestamp
            -fpch-instantiate-templates "${source}" -o "${PROJECT_BINARY_DIR}/mlir.pch"
    DEPENDS "${source}" "${MLIR_DIR}/MLIRConfig.cmake" "${PROJECT_BINARY_DIR}/mlir.pch.sum"
    VERBATIM COMMENT "Precompiling headers of LLVM and MLIR")
  add_custom_target(mad_pch DEPENDS "${PROJECT_BINARY_DIR}/mlir.pch")
endfunction()

# Makes a target use it. Executables are compiled like libraries: the header fits
# one kind of code only.
function(mad_use_pch target)
  if(NOT MAD_PCH)
    return()
  endif()
  add_dependencies(${target} mad_pch)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-fPIC>
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include-pch ${PROJECT_BINARY_DIR}/mlir.pch>")
  get_target_property(sources ${target} SOURCES)
  set_property(SOURCE ${sources} TARGET_DIRECTORY ${target} APPEND PROPERTY
               OBJECT_DEPENDS "${PROJECT_BINARY_DIR}/mlir.pch")
endfunction()

if(MAD_PCH)
  mad_make_pch()
endif()
