# SPDX-License-Identifier: MIT
#
# Puts LIBRARY into FOLDER under the name that ID, an engine-id.h, gives it.
# What earlier builds put there goes.

file(STRINGS "${ID}" line REGEX "TORPOR_ENGINE_ID")
if(NOT line MATCHES "\"([0-9a-f]+)\"")
  message(FATAL_ERROR "there is no engine id in ${ID}")
endif()
set(name "${CMAKE_MATCH_1}.so")
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}")
configure_file("${LIBRARY}" "${FOLDER}/${name}" COPYONLY)
