# SPDX-License-Identifier: MIT
#
# The three libraries, each shared and static, of the objects of the product.
# TORPOR_TARGETS are those that are built.
#
#   vm     libtorpor        what most programs need
#   loop   libtorpor-loop   needs libtorpor, and libuv
#   run    libtorpor-run    needs both of them, and SQLite
#
#  (1) A library shows what its headers declare and nothing else, the static one
#      as well: it is a single object whose other names are local, so that they
#      never clash with those of a program.
#  (2) A library uses another as programs do, by its public functions. What all
#      of them share (common/) is in each, and defines no public function.
#
# test/test_install.sh and test/test_api.py hold both to that.

if(NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "objcopy, which is a part of binutils, was not found.")
endif()

set(TORPOR_NAME_vm torpor)
set(TORPOR_NAME_loop torpor-loop)
set(TORPOR_NAME_run torpor-run)

# Of these, the linker takes what a library uses.
add_library(torpor_common STATIC $<TARGET_OBJECTS:torpor_common_product>)
set_target_properties(torpor_common PROPERTIES LINKER_LANGUAGE C
  ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/parts")

# Makes the shared library TARGET of PART, which links what follows.
function(torpor_add_shared target part)
  add_library(${target} SHARED $<TARGET_OBJECTS:torpor_${part}_product>
    ${ARGN})
  target_link_libraries(${target} PRIVATE torpor_common
    ${TORPOR_NEEDS_${part}})
  set(map "${CMAKE_SOURCE_DIR}/cmake/libtorpor.map")
  # Signal handlers and threads outlive a dlclose.
  target_link_options(${target} PRIVATE -Wl,--no-undefined -Wl,--as-needed
    -Wl,-z,nodelete "-Wl,--version-script=${map}")
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE C
    OUTPUT_NAME "${TORPOR_NAME_${part}}"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}"
    VERSION "${PROJECT_VERSION}"
    SOVERSION "${PROJECT_VERSION_MAJOR}"
    # They find each other wherever they are installed.
    INSTALL_RPATH "\$ORIGIN"
    LINK_DEPENDS "${map}")
endfunction()

# Makes the static library TARGET of PART, with further objects in it.
function(torpor_add_static target part)
  set(objects $<TARGET_OBJECTS:torpor_${part}_product> ${ARGN})
  set(whole "${CMAKE_BINARY_DIR}/parts/${TORPOR_NAME_${part}}.o")
  separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
  add_custom_command(OUTPUT "${whole}"
    COMMAND "${CMAKE_C_COMPILER}" ${flags} -r -nostdlib -o "${whole}"
      ${objects} "$<TARGET_FILE:torpor_common>"
    COMMAND "${CMAKE_OBJCOPY}" --wildcard
      "--keep-global-symbol=torpor_[a-z]*" "${whole}"
    DEPENDS ${objects} torpor_common
    COMMAND_EXPAND_LISTS VERBATIM)
  add_library(${target} STATIC "${whole}")
  add_dependencies(${target} torpor_${part}_product)
  target_link_libraries(${target} PUBLIC ${TORPOR_NEEDS_${part}})
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE C
    OUTPUT_NAME "${TORPOR_NAME_${part}}"
    ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()

torpor_add_shared(torpor_shared vm ${TORPOR_ENGINE_OBJECTS})
torpor_add_static(torpor_static vm ${TORPOR_ENGINE_OBJECTS})
foreach(made IN ITEMS torpor_engine torpor_extension_objects)
  if(TARGET ${made})
    add_dependencies(torpor_static ${made})
  endif()
endforeach()
set(TORPOR_TARGETS torpor_shared torpor_static)

# Makes both libraries of PART, which use those of the part BELOW.
function(torpor_add_libraries part below)
  foreach(kind IN ITEMS shared static)
    cmake_language(CALL torpor_add_${kind} torpor_${part}_${kind} ${part})
    target_link_libraries(torpor_${part}_${kind} PUBLIC ${below}_${kind})
    list(APPEND TORPOR_TARGETS torpor_${part}_${kind})
  endforeach()
  set(TORPOR_TARGETS "${TORPOR_TARGETS}" PARENT_SCOPE)
endfunction()

if(NOT TORPOR_VM_ONLY)
  torpor_add_libraries(loop torpor)
  torpor_add_libraries(run torpor_loop)
endif()
