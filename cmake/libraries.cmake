# SPDX-License-Identifier: MIT
#
# The libraries that Torpor links, looked for without pkg-config so that a
# source release needs a C compiler, CMake and the libraries alone.
#
# Gives TORPOR_LIBRARIES, TORPOR_INCLUDES, and TORPOR_LINK_NAMES: what a
# program that links libtorpor.a statically must name as well.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set(TORPOR_LIBRARIES Threads::Threads m ${CMAKE_DL_LIBS})
set(TORPOR_INCLUDES "")
set(TORPOR_LINK_NAMES pthread m ${CMAKE_DL_LIBS})

# Finds library NAME by its HEADER; PACKAGE is what Debian calls it.
function(torpor_find_library name header package)
  string(TOUPPER "${name}" key)
  find_path(TORPOR_${key}_INCLUDE "${header}")
  find_library(TORPOR_${key}_LIBRARY "${name}")
  if(NOT TORPOR_${key}_INCLUDE OR NOT TORPOR_${key}_LIBRARY)
    message(FATAL_ERROR "The library ${name} (${header}) was not found. "
      "On Debian: apt-get install ${package}")
  endif()
  mark_as_advanced(TORPOR_${key}_INCLUDE TORPOR_${key}_LIBRARY)
  list(APPEND TORPOR_LIBRARIES "${TORPOR_${key}_LIBRARY}")
  list(APPEND TORPOR_INCLUDES "${TORPOR_${key}_INCLUDE}")
  list(APPEND TORPOR_LINK_NAMES "${name}")
  list(REMOVE_DUPLICATES TORPOR_INCLUDES)
  set(TORPOR_LIBRARIES "${TORPOR_LIBRARIES}" PARENT_SCOPE)
  set(TORPOR_INCLUDES "${TORPOR_INCLUDES}" PARENT_SCOPE)
  set(TORPOR_LINK_NAMES "${TORPOR_LINK_NAMES}" PARENT_SCOPE)
endfunction()

torpor_find_library(uv uv.h libuv1-dev)
torpor_find_library(sqlite3 sqlite3.h libsqlite3-dev)
torpor_find_library(zstd zstd.h libzstd-dev)
torpor_find_library(deflate libdeflate.h libdeflate-dev)
torpor_find_library(crypto openssl/evp.h libssl-dev)
