# SPDX-License-Identifier: MIT
#
# The libraries that Torpor links, looked for without pkg-config so that a
# source release needs a C compiler, CMake and the libraries alone.
#
# For each of TORPOR_PARTS (vm, loop, run) it gives TORPOR_NEEDS_<part>, what the
# part links, and TORPOR_LINK_NAMES_<part>: what a program must name as well
# that links the part statically; and TORPOR_INCLUDES for all of them.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set(TORPOR_INCLUDES "")
foreach(part IN LISTS TORPOR_PARTS)
  set(TORPOR_NEEDS_${part} Threads::Threads)
  set(TORPOR_LINK_NAMES_${part} pthread)
endforeach()
list(APPEND TORPOR_NEEDS_vm m ${CMAKE_DL_LIBS})
list(APPEND TORPOR_LINK_NAMES_vm m ${CMAKE_DL_LIBS})
if("loop" IN_LIST TORPOR_PARTS)
  list(APPEND TORPOR_NEEDS_loop ${CMAKE_DL_LIBS})
  list(APPEND TORPOR_LINK_NAMES_loop ${CMAKE_DL_LIBS})
endif()

# Finds library NAME, which PART links, by its HEADER; PACKAGE is what Debian
# calls it. Nothing happens if PART is not built.
function(torpor_find_library part name header package)
  if(NOT part IN_LIST TORPOR_PARTS)
    return()
  endif()
  string(TOUPPER "${name}" key)
  find_path(TORPOR_${key}_INCLUDE "${header}")
  find_library(TORPOR_${key}_LIBRARY "${name}")
  if(NOT TORPOR_${key}_INCLUDE OR NOT TORPOR_${key}_LIBRARY)
    message(FATAL_ERROR "The library ${name} (${header}) was not found. "
      "On Debian: apt-get install ${package}")
  endif()
  mark_as_advanced(TORPOR_${key}_INCLUDE TORPOR_${key}_LIBRARY)
  list(APPEND TORPOR_NEEDS_${part} "${TORPOR_${key}_LIBRARY}")
  list(APPEND TORPOR_LINK_NAMES_${part} "${name}")
  list(APPEND TORPOR_INCLUDES "${TORPOR_${key}_INCLUDE}")
  list(REMOVE_DUPLICATES TORPOR_INCLUDES)
  foreach(list IN ITEMS NEEDS_${part} LINK_NAMES_${part} INCLUDES)
    set(TORPOR_${list} "${TORPOR_${list}}" PARENT_SCOPE)
  endforeach()
endfunction()

torpor_find_library(vm zstd zstd.h libzstd-dev)
torpor_find_library(vm deflate libdeflate.h libdeflate-dev)
torpor_find_library(vm crypto openssl/evp.h libssl-dev)
torpor_find_library(loop uv uv.h libuv1-dev)
# libcurl is loaded when a program first fetches (loop/curl.c): compiling needs
# its headers, linking nothing.
if("loop" IN_LIST TORPOR_PARTS)
  find_path(TORPOR_CURL_INCLUDE curl/curl.h)
  if(NOT TORPOR_CURL_INCLUDE)
    message(FATAL_ERROR "The header curl/curl.h was not found. "
      "On Debian: apt-get install libcurl4-openssl-dev")
  endif()
  mark_as_advanced(TORPOR_CURL_INCLUDE)
  list(APPEND TORPOR_INCLUDES "${TORPOR_CURL_INCLUDE}")
  list(REMOVE_DUPLICATES TORPOR_INCLUDES)
endif()
torpor_find_library(run sqlite3 sqlite3.h libsqlite3-dev)
torpor_find_library(run crypto openssl/evp.h libssl-dev)
