# SPDX-License-Identifier: MIT
#
# What 'make install' puts where: the command, both libraries, the public
# headers, the engine module, and what pkg-config and find_package(torpor) read.
# Engines of other versions in lib/torpor/engines are never removed.

list(TRANSFORM TORPOR_LINK_NAMES PREPEND "-l" OUTPUT_VARIABLE flags)
list(JOIN flags " " TORPOR_LINK_FLAGS)

# Both files name paths relative to themselves: an installed tree may be moved.
file(RELATIVE_PATH TORPOR_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
file(RELATIVE_PATH TORPOR_CONFIG_PREFIX
  "/${CMAKE_INSTALL_LIBDIR}/cmake/torpor" "/")

configure_file(cmake/torpor.pc.in torpor.pc @ONLY)
configure_file(cmake/torporConfig.cmake.in torporConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(torporConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

foreach(target IN ITEMS torpor torpor_core torpor_shared)
  if(TARGET ${target})
    install(TARGETS ${target})
  endif()
endforeach()
install(DIRECTORY include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES "${CMAKE_BINARY_DIR}/engine.wasm"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/torpor")
install(FILES LICENSE NOTICE TYPE DOC)
install(FILES "${CMAKE_BINARY_DIR}/torpor.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
install(FILES "${CMAKE_BINARY_DIR}/torporConfig.cmake"
  "${CMAKE_BINARY_DIR}/torporConfigVersion.cmake"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/torpor")
