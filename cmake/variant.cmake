# SPDX-License-Identifier: MIT
#
# A variant is everything but the engine, compiled in one way:
#
#   product    NDEBUG; what is installed
#   testing    assertions, fault points and break switches (TORPOR_TESTING)
#   sanitize   the same under the address and undefined-behaviour sanitizers
#   thread     the same under the thread sanitizer
#
# torpor_add_variant(NAME [DEFINITIONS ...] [OPTIONS ...])
#
# makes an object library of common/, of each of TORPOR_PARTS, and of cli/ where
# there is all that it needs:
# torpor_common_NAME, torpor_vm_NAME, torpor_loop_NAME, torpor_run_NAME and
# torpor_cli_NAME. They are compiled once each, whatever is linked of them.
#
# torpor_add_command(TARGET VARIANT FOLDER LIBRARY...)
#
# makes the program 'torpor' in FOLDER.

foreach(folder IN ITEMS common wasm vm loop run cli)
  file(GLOB TORPOR_SOURCES_${folder} CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/${folder}/*.c" "${CMAKE_SOURCE_DIR}/${folder}/*/*.c")
endforeach()
# Of what asks the operating system (wasm/os.h), the files of this one.
string(TOLOWER "${CMAKE_SYSTEM_NAME}" torpor_system)
list(FILTER TORPOR_SOURCES_wasm EXCLUDE REGEX "/os-[^/]*$")
file(GLOB TORPOR_SOURCES_os CONFIGURE_DEPENDS
  "${CMAKE_SOURCE_DIR}/wasm/os-${torpor_system}*.c")
if(NOT TORPOR_SOURCES_os)
  message(FATAL_ERROR "Torpor does not run on ${CMAKE_SYSTEM_NAME} yet: "
    "docs/porting.md says what wasm/os-${torpor_system}.c needs.")
endif()
list(APPEND TORPOR_SOURCES_vm ${TORPOR_SOURCES_wasm} ${TORPOR_SOURCES_os})

# The modules in JavaScript that loop/library.c has as text.
set(TORPOR_LIBRARY_DIR "${CMAKE_SOURCE_DIR}/generated")
if(NOT EXISTS "${TORPOR_LIBRARY_DIR}/library-files.h")
  set(TORPOR_LIBRARY_DIR "${CMAKE_BINARY_DIR}/library")
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  file(GLOB torpor_library CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/library/*.js")
  add_custom_command(OUTPUT "${TORPOR_LIBRARY_DIR}/library-files.h"
    COMMAND Python3::Interpreter "${CMAKE_SOURCE_DIR}/guest/embed.py"
      "${TORPOR_LIBRARY_DIR}/library-files.h" ${torpor_library}
    DEPENDS ${torpor_library} "${CMAKE_SOURCE_DIR}/guest/embed.py" VERBATIM)
endif()
add_custom_target(torpor_library_files
  DEPENDS "${TORPOR_LIBRARY_DIR}/library-files.h")

set(TORPOR_ENGINE_OBJECTS
  $<$<TARGET_EXISTS:torpor_engine>:$<TARGET_OBJECTS:torpor_engine>>
  $<$<TARGET_EXISTS:torpor_extension_objects>:$<TARGET_OBJECTS:torpor_extension_objects>>)

set(TORPOR_WARNINGS -Wall -Wextra -Wshadow=local -Wpointer-arith -Wwrite-strings
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla
  -Wformat=2 -Wimplicit-fallthrough -Wdouble-promotion)
if(TORPOR_STRICT)
  list(APPEND TORPOR_WARNINGS -Werror)
endif()

# The flags of hand-written C, for TARGET.
function(torpor_house_flags target)
  target_compile_options(${target} PRIVATE ${TORPOR_WARNINGS})
  target_include_directories(${target} PRIVATE
    "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}")
  target_include_directories(${target} SYSTEM PRIVATE ${TORPOR_INCLUDES})
  target_compile_definitions(${target} PRIVATE
    $<$<BOOL:${TORPOR_SOFT_BOUNDS}>:TORPOR_SOFT_BOUNDS=1>)
endfunction()

# The flags of C that wasm2c generated, for TARGET. Strict floating point, so
# that results are the same on every host; no warnings, no sanitizers. No lazy
# binding: a trap may leave guest code while the dynamic linker works. Frames are
# probed page by page, so that none passes over the guard of the stack.
function(torpor_generated_flags target)
  target_compile_options(${target} PRIVATE
    $<IF:$<BOOL:${TORPOR_QUICK}>,-O1,-O2> -ffp-contract=off -w -fno-plt
    -fstack-clash-protection)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/wasm"
    "${CMAKE_SOURCE_DIR}")
  target_compile_definitions(${target} PRIVATE NDEBUG
    $<$<BOOL:${TORPOR_SOFT_BOUNDS}>:TORPOR_SOFT_BOUNDS=1>)
endfunction()

function(torpor_add_variant name)
  cmake_parse_arguments(arg "" "" "DEFINITIONS;OPTIONS" ${ARGN})
  set(parts common ${TORPOR_PARTS})
  if(NOT TORPOR_VM_ONLY)
    list(APPEND parts cli)
  endif()
  foreach(part IN LISTS parts)
    set(target torpor_${part}_${name})
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${TORPOR_SOURCES_${part}})
    torpor_house_flags(${target})
    target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS})
    if(part STREQUAL "loop")
      target_include_directories(${target} PRIVATE "${TORPOR_LIBRARY_DIR}")
      add_dependencies(${target} torpor_library_files)
    endif()
    target_compile_options(${target} PRIVATE ${arg_OPTIONS})
  endforeach()
  if(TARGET torpor_cli_${name})
    target_compile_definitions(torpor_cli_${name} PRIVATE
      "TORPOR_LIBDIR=\"${CMAKE_INSTALL_LIBDIR}\"")
  endif()
endfunction()

function(torpor_add_command target variant folder)
  add_executable(${target} $<TARGET_OBJECTS:torpor_cli_${variant}>)
  target_link_libraries(${target} PRIVATE ${ARGN})
  # C modules, which are linked to nothing, find Torpor in the command.
  set(list "${CMAKE_SOURCE_DIR}/cmake/torpor-command.map")
  target_link_options(${target} PRIVATE "-Wl,--dynamic-list=${list}")
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C
    OUTPUT_NAME torpor RUNTIME_OUTPUT_DIRECTORY "${folder}"
    LINK_DEPENDS "${list}")
endfunction()
