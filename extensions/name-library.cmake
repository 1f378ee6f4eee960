# SPDX-License-Identifier: MIT
#
# Puts LIBRARY, and the MODULE that it was made of, into FOLDER under the name
# that ID, an extension-id.h, gives them. What an earlier build of extension
# NAME put there goes.

file(STRINGS "${ID}" line REGEX "TORPOR_EXTENSION_ID")
if(NOT line MATCHES "\"([0-9a-f]+)\"")
  message(FATAL_ERROR "there is no hash in ${ID}")
endif()
set(hash "${CMAKE_MATCH_1}")
set(note "${FOLDER}/.${NAME}")
if(EXISTS "${note}")
  file(READ "${note}" before)
  file(REMOVE "${FOLDER}/${before}.so" "${FOLDER}/${before}.wasm")
endif()
file(MAKE_DIRECTORY "${FOLDER}")
configure_file("${LIBRARY}" "${FOLDER}/${hash}.so" COPYONLY)
configure_file("${MODULE}" "${FOLDER}/${hash}.wasm" COPYONLY)
file(WRITE "${note}" "${hash}")
