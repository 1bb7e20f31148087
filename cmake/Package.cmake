# SPDX-License-Identifier: Apache-2.0
# One Debian package of all that `cmake --install` puts: scripts/package runs cpack.
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # the configuration lies outside of the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME tilewire)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Tilewire <tilewire@localhost>" CACHE STRING "Who maintains the package, as Debian writes it")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live dashboard tiles from an events table")
set(CPACK_PACKAGE_DESCRIPTION "Reads the rows of a table in SQLite or PostgreSQL, or of a topic or stream of\nKafka, Redis or NATS, folds them into tiles, and shows each change on every open\ndashboard within milliseconds.")
set(TILEWIRE_DEBIAN_REVISION 1 CACHE STRING "The package's revision")
set(CPACK_DEBIAN_PACKAGE_RELEASE ${TILEWIRE_DEBIAN_REVISION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS tzdata)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS systemd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${CMAKE_BINARY_DIR}/packaging/conffiles "/etc/tilewire/tilewire.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
    ${CMAKE_SOURCE_DIR}/packaging/debian/postrm ${CMAKE_BINARY_DIR}/packaging/conffiles)
include(CPack)
