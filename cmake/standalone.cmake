# SPDX-License-Identifier: MIT
#
# What 'torpor build' makes executables of:
#
#   libtorpor-standalone.a   VMs, the loop, and the files of cli/ that run a
#                            program of a bundle; with libuv, zstd, libdeflate
#                            and SHA-256 in it: it needs the system's libraries
#                            alone
#   lib/torpor/standalone    an executable of that, to put a program behind
#
#  (1) Neither needs libcrypto, SQLite or anything else that would have to be
#      loaded at start: files of standalone/ are in the place of those of vm/
#      that have the same names, and pack.c of the half of zstd that is not used.
#  (2) There are no tables for unwinding in them, 300 KB that nothing reads: a
#      trap leaves by a jump of its own (wasm/leave.c).
#  (3) The archive shows the public functions alone, as the others do.
#
# Where one of the static libraries is missing nothing is made: then programs
# are put behind the command itself.

set(TORPOR_STANDALONE_PARTS "")
foreach(names IN ITEMS "libuv.a;libuv_a.a" "libzstd.a" "libdeflate.a"
    "libcrypto.a")
  list(GET names 0 key)
  string(MAKE_C_IDENTIFIER "TORPOR_STATIC_${key}" key)
  find_library(${key} NAMES ${names})
  mark_as_advanced(${key})
  if(NOT ${key})
    message(STATUS "No ${names}: standalone executables will be copies of "
      "the command")
    set(TORPOR_STANDALONE_PARTS "")
    return()
  endif()
  list(APPEND TORPOR_STANDALONE_PARTS "${${key}}")
endforeach()

# The files of cli/ that run a program out of a bundle.
set(runs "bundle|option|option-table|output|payload|program|program-bundle|\
program-end|program-host|program-open|program-sleep|report|sandbox|\
standalone|suggest|trust|utf8")
set(cli "$<FILTER:$<TARGET_OBJECTS:torpor_cli_product>,INCLUDE,\
/(${runs})[.]c[.]o$>")
set(vm "$<FILTER:$<TARGET_OBJECTS:torpor_vm_product>,EXCLUDE,\
/(protect|identify)[.]c[.]o$>")

add_library(torpor_vm_standalone OBJECT
  "${CMAKE_SOURCE_DIR}/standalone/identify.c"
  "${CMAKE_SOURCE_DIR}/standalone/pack.c"
  "${CMAKE_SOURCE_DIR}/standalone/protect.c")
torpor_house_flags(torpor_vm_standalone)
target_compile_definitions(torpor_vm_standalone PRIVATE NDEBUG)

set(objects "${vm}" "${cli}" $<TARGET_OBJECTS:torpor_loop_product>
  $<TARGET_OBJECTS:torpor_vm_standalone> ${TORPOR_ENGINE_OBJECTS})
set(whole "${CMAKE_BINARY_DIR}/parts/torpor-standalone.o")
separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
add_custom_command(OUTPUT "${whole}"
  COMMAND "${CMAKE_C_COMPILER}" ${flags} -r -nostdlib -Wl,-d -o "${whole}"
    ${objects} "$<TARGET_FILE:torpor_common>" ${TORPOR_STANDALONE_PARTS}
  COMMAND "${CMAKE_OBJCOPY}" --wildcard --strip-debug
    --remove-section=.eh_frame --remove-section=.rela.eh_frame
    "--keep-global-symbol=torpor_[a-z]*" "${whole}"
  DEPENDS ${objects} torpor_common
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(torpor_standalone STATIC "${whole}")
add_dependencies(torpor_standalone torpor_vm_product torpor_loop_product
  torpor_cli_product torpor_vm_standalone)
foreach(made IN ITEMS torpor_engine torpor_extension_objects)
  if(TARGET ${made})
    add_dependencies(torpor_standalone ${made})
  endif()
endforeach()
target_link_libraries(torpor_standalone PUBLIC m Threads::Threads
  ${CMAKE_DL_LIBS})
set_target_properties(torpor_standalone PROPERTIES LINKER_LANGUAGE C
  OUTPUT_NAME torpor-standalone ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")

set(TORPOR_RUNTIME_DIR "${CMAKE_BINARY_DIR}/lib/torpor")
add_executable(torpor_runtime "${CMAKE_SOURCE_DIR}/standalone/main.c")
torpor_house_flags(torpor_runtime)
target_link_libraries(torpor_runtime PRIVATE torpor_standalone)
# As the command, it has what C modules under --allow-ffi use.
set(list "${CMAKE_SOURCE_DIR}/cmake/torpor-command.map")
target_link_options(torpor_runtime PRIVATE -s -Wl,--as-needed
  "-Wl,--dynamic-list=${list}")
set_target_properties(torpor_runtime PROPERTIES LINKER_LANGUAGE C
  OUTPUT_NAME standalone RUNTIME_OUTPUT_DIRECTORY "${TORPOR_RUNTIME_DIR}")

# 'torpor build' in the build folder finds the headers as an installed one does.
file(CREATE_LINK "${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/include"
  SYMBOLIC)
