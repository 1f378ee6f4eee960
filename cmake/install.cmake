# SPDX-License-Identifier: MIT
#
# What 'make install' puts where: the command, its manual page and completion,
# the libraries, the public headers, the engine module, and what pkg-config and
# find_package(torpor) read.
# Engines of other versions in lib/torpor/engines are never removed.

# --- For pkg-config ----------------------------------------------------------
#
# Each library has two packages: torpor is the shared one, or, with --static and
# a linker that is told -static, the static one; torpor-static is the static one
# in a program that is linked with shared libraries otherwise.

# A program finds the shared library where it was found when it was linked.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(rpath OFF)
else()
  set(rpath ON)
endif()
option(TORPOR_PC_RPATH "Programs that pkg-config links look for libtorpor.so \
where it was installed" ${rpath})

# The files name paths relative to themselves: an installed tree may be moved.
file(RELATIVE_PATH TORPOR_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" TORPOR_PC_PREFIX "${TORPOR_PC_PREFIX}")

foreach(part IN LISTS TORPOR_PARTS)
  set(static_names_${part} ${TORPOR_LINK_NAMES_${part}})
endforeach()
# Debian's libuv.a goes by another name.
if("loop" IN_LIST TORPOR_PARTS)
  find_library(TORPOR_UV_STATIC_LIBRARY NAMES libuv.a libuv_a.a)
  mark_as_advanced(TORPOR_UV_STATIC_LIBRARY)
  if(TORPOR_UV_STATIC_LIBRARY MATCHES "libuv_a[.]a$")
    list(TRANSFORM static_names_loop REPLACE "^uv$" "uv_a")
  endif()
endif()

# Writes the files of PART, which REQUIRES another, unless it is not built.
function(torpor_write_packages part requires description)
  if(NOT part IN_LIST TORPOR_PARTS)
    return()
  endif()
  set(base "${TORPOR_NAME_${part}}")
  list(TRANSFORM TORPOR_LINK_NAMES_${part} PREPEND "-l" OUTPUT_VARIABLE flags)
  list(TRANSFORM static_names_${part} PREPEND "-l" OUTPUT_VARIABLE private)
  list(JOIN flags " " flags)
  list(JOIN private " " private)

  set(name "${base}")
  set(libs "-L\${libdir} -l${base}")
  if(TORPOR_PC_RPATH)
    string(PREPEND libs "-Wl,-rpath,\${libdir} ")
  endif()
  configure_file(cmake/package.pc.in "${name}.pc" @ONLY)

  set(name "${base}-static")
  if(requires)
    string(APPEND requires "-static")
  endif()
  string(APPEND description ", linked statically")
  set(libs "\${libdir}/lib${base}.a ${flags}")
  set(private "")
  configure_file(cmake/package.pc.in "${name}.pc" @ONLY)

  install(FILES "${CMAKE_BINARY_DIR}/${base}.pc" "${CMAKE_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

torpor_write_packages(vm ""
  "JavaScript VMs that can be put to sleep and woken anywhere")
torpor_write_packages(loop torpor "Time and files for VMs of Torpor")
torpor_write_packages(run torpor-loop "Durable runs of JavaScript programs")

# What 'torpor build' links has but one package, which needs no other.
if(TARGET torpor_standalone)
  set(name "torpor-standalone")
  set(description "JavaScript programs as executables of their own")
  set(requires "")
  set(libs "\${libdir}/libtorpor-standalone.a -lm -lpthread -ldl")
  set(private "")
  configure_file(cmake/package.pc.in "${name}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endif()

# --- For find_package --------------------------------------------------------

file(RELATIVE_PATH TORPOR_CONFIG_PREFIX
  "/${CMAKE_INSTALL_LIBDIR}/cmake/torpor" "/")
configure_file(cmake/torporConfig.cmake.in torporConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(torporConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/torporConfig.cmake"
  "${CMAKE_BINARY_DIR}/torporConfigVersion.cmake"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/torpor")

# --- The manual page, and completion for shells ------------------------------
#
# The command prints them. Shells look below share/ of where they are installed
# themselves; for any other prefix docs/cli.md says what to do.

# Writes what the command prints for WORDS to FILE of share/FOLDER.
function(torpor_write_page folder file)
  set(page "${CMAKE_BINARY_DIR}/share/${folder}/${file}")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/${folder}")
  add_custom_command(OUTPUT "${page}"
    COMMAND torpor ${ARGN} > "${page}" DEPENDS torpor VERBATIM)
  set_property(GLOBAL APPEND PROPERTY TORPOR_PAGES "${page}")
  install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_DATADIR}/${folder}")
endfunction()

if(TARGET torpor)
  torpor_write_page(man/man1 torpor.1 help --man)
  torpor_write_page(bash-completion/completions torpor completion bash)
  torpor_write_page(zsh/site-functions _torpor completion zsh)
  torpor_write_page(fish/vendor_completions.d torpor.fish completion fish)
  get_property(pages GLOBAL PROPERTY TORPOR_PAGES)
  add_custom_target(torpor_pages ALL DEPENDS ${pages})
endif()

# --- Everything else ---------------------------------------------------------

install(TARGETS ${TORPOR_TARGETS})
if(TARGET torpor)
  install(TARGETS torpor)
endif()
if(TARGET torpor_standalone)
  install(TARGETS torpor_standalone)
  install(TARGETS torpor_runtime
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/torpor")
endif()
set(not_here "")
if(TORPOR_VM_ONLY)
  set(not_here PATTERN torpor-loop.h EXCLUDE PATTERN torpor-module.h EXCLUDE
    PATTERN torpor-run.h EXCLUDE PATTERN torpor-standalone.h EXCLUDE)
endif()
install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h"
  ${not_here})
install(FILES "${CMAKE_BINARY_DIR}/engine.wasm"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/torpor")
install(FILES LICENSE NOTICE TYPE DOC)
