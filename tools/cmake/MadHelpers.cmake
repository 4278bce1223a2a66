# mad_tablegen(<target> <file.td> <out.inc> <flags> [<out.inc> <flags>]...)
# One custom command an output; the target orders them before any user.
function(mad_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest out flags)
    separate_arguments(flags)
    mlir_tablegen(${out} ${flags})
  endwhile()
  add_custom_target(${target} DEPENDS ${TABLEGEN_OUTPUT})
endfunction()

# mad_library(<name> SRCS ... [TABLEGEN targets] [LINK libs] [LLVM])
# A static library of ours. LLVM: its sources include LLVM or MLIR headers. No
# LLVM or MLIR archive is ever named: the two shared libraries are linked once,
# in the tools, so that static and shared copies cannot mix.
function(mad_library name)
  cmake_parse_arguments(A "LLVM" "" "SRCS;TABLEGEN;LINK" ${ARGN})
  add_library(${name} STATIC ${A_SRCS})
  target_link_libraries(${name} PUBLIC mad_flags ${A_LINK})
  if(A_LLVM)
    target_link_libraries(${name} PUBLIC mad_llvm_flags)
    mad_use_pch(${name})
  endif()
  if(A_TABLEGEN)
    add_dependencies(${name} ${A_TABLEGEN})
  endif()
endfunction()

# mad_tool(<name> SRCS ... LINK libs): an executable on the shared MLIR and LLVM.
function(mad_tool name)
  cmake_parse_arguments(A "" "" "SRCS;LINK" ${ARGN})
  add_executable(${name} ${A_SRCS})
  target_link_libraries(${name} PRIVATE ${A_LINK} mad_llvm_flags MLIR LLVM)
  mad_use_pch(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()

# mad_unittest(<name> SRCS ... LINK libs [LLVM]): a GoogleTest program, run by
# `ninja check` through tools/check.sh.
function(mad_unittest name)
  cmake_parse_arguments(A "LLVM" "" "SRCS;LINK" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${A_SRCS})
  target_link_libraries(${name} PRIVATE mad_flags ${A_LINK} GTest::gtest_main)
  if(A_LLVM)
    target_link_libraries(${name} PRIVATE mad_llvm_flags MLIR LLVM)
    mad_use_pch(${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/unit")
  set_property(GLOBAL APPEND PROPERTY MAD_UNITTESTS ${name})
endfunction()
