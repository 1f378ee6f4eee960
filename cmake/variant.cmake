# SPDX-License-Identifier: MIT
#
# A variant is everything but the engine, compiled in one way:
#
#   product    NDEBUG; what is installed
#   testing    assertions, fault points and break switches (TORPOR_TESTING)
#   sanitize   the same under the address and undefined-behaviour sanitizers
#   thread     the same under the thread sanitizer
#
# torpor_add_variant(NAME LIBRARY target [COMMAND target] OUTPUT folder
#                    [DEFINITIONS ...] [OPTIONS ...])
#
# makes the static library LIBRARY and the program COMMAND ('torpor' in OUTPUT).

foreach(folder IN ITEMS common wasm vm loop run cli)
  file(GLOB TORPOR_SOURCES_${folder} CONFIGURE_DEPENDS
    "${CMAKE_SOURCE_DIR}/${folder}/*.c")
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
set(TORPOR_SOURCES ${TORPOR_SOURCES_common} ${TORPOR_SOURCES_os} ${TORPOR_SOURCES_wasm}
  ${TORPOR_SOURCES_vm} ${TORPOR_SOURCES_loop} ${TORPOR_SOURCES_run})

set(TORPOR_ENGINE_OBJECTS
  $<$<TARGET_EXISTS:torpor_engine>:$<TARGET_OBJECTS:torpor_engine>>)

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
  target_compile_options(${target} PRIVATE -O2 -ffp-contract=off -w -fno-plt
    -fstack-clash-protection)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/wasm"
    "${CMAKE_SOURCE_DIR}")
  target_compile_definitions(${target} PRIVATE NDEBUG
    $<$<BOOL:${TORPOR_SOFT_BOUNDS}>:TORPOR_SOFT_BOUNDS=1>)
endfunction()

function(torpor_add_variant name)
  cmake_parse_arguments(arg "" "LIBRARY;COMMAND;OUTPUT" "DEFINITIONS;OPTIONS"
    ${ARGN})
  if(NOT TORPOR_SOURCES)
    return()
  endif()

  add_library(torpor_objects_${name} OBJECT ${TORPOR_SOURCES})
  torpor_house_flags(torpor_objects_${name})
  target_compile_definitions(torpor_objects_${name} PRIVATE ${arg_DEFINITIONS})
  target_compile_options(torpor_objects_${name} PRIVATE ${arg_OPTIONS})

  add_library(${arg_LIBRARY} STATIC $<TARGET_OBJECTS:torpor_objects_${name}>
    ${TORPOR_ENGINE_OBJECTS})
  target_link_libraries(${arg_LIBRARY} PUBLIC ${TORPOR_LIBRARIES})
  target_link_options(${arg_LIBRARY} PUBLIC ${arg_OPTIONS})
  set_target_properties(${arg_LIBRARY} PROPERTIES
    ARCHIVE_OUTPUT_DIRECTORY "${arg_OUTPUT}")

  if(arg_COMMAND AND TORPOR_SOURCES_cli)
    add_executable(${arg_COMMAND} ${TORPOR_SOURCES_cli})
    torpor_house_flags(${arg_COMMAND})
    target_compile_definitions(${arg_COMMAND} PRIVATE ${arg_DEFINITIONS})
    target_compile_options(${arg_COMMAND} PRIVATE ${arg_OPTIONS})
    target_link_libraries(${arg_COMMAND} PRIVATE ${arg_LIBRARY})
    set_target_properties(${arg_COMMAND} PROPERTIES
      OUTPUT_NAME torpor RUNTIME_OUTPUT_DIRECTORY "${arg_OUTPUT}")
  endif()
endfunction()
