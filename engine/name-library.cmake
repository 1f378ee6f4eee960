# SPDX-License-Identifier: MIT
#
# Puts LIBRARY, and the MODULE that it was made of, into FOLDER under the name
# that ID, an engine-id.h, gives them. What earlier builds put there goes.

file(STRINGS "${ID}" line REGEX "TORPOR_ENGINE_ID")
if(NOT line MATCHES "\"([0-9a-f]+)\"")
  message(FATAL_ERROR "there is no engine id in ${ID}")
endif()
set(name "${CMAKE_MATCH_1}")
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
configure_file("${LIBRARY}" "${FOLDER}/${name}.so" COPYONLY)
configure_file("${MODULE}" "${FOLDER}/${name}.wasm" COPYONLY)
