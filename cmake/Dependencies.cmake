# SPDX-License-Identifier: Apache-2.0
# All are Debian packages; scripts/setup installs them. Included as system headers, so that our
# warnings speak of our code only.
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(CZMQ REQUIRED IMPORTED_TARGET libczmq)
# Debian 12 calls it msgpack. Later ones call it msgpack-c, with a file for pkg-config that names no library.
find_package(msgpack-c CONFIG QUIET)
if(TARGET msgpack-c)
    add_library(tilewire_msgpack ALIAS msgpack-c)
else()
    pkg_check_modules(MSGPACK REQUIRED IMPORTED_TARGET msgpack)
    add_library(tilewire_msgpack ALIAS PkgConfig::MSGPACK)
endif()
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
find_package(wslay REQUIRED CONFIG)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

# Buses. tilewire_bus(NAME MODULE): the source NAME, which is ingestor/source/NAME and ctl/oracle/sources/NAME.c, is built when
# pkg-config knows MODULE, its library. -DTILEWIRE_NAME=OFF leaves it out all the same; with ON its library has to be there. In C
# files TILEWIRE_HAVE_NAME is 1 or 0 (common/config/source_built.h).
add_library(tilewire_buses INTERFACE) # the libraries of all that are built
set(TILEWIRE_BUSES_HAVE "")           # definitions for C files
set(TILEWIRE_LEFT_OUT "^$")           # a regular expression of the files, and of their tests, that are not built
macro(tilewire_bus name module)
    string(TOUPPER ${name} upper)
    set(TILEWIRE_${upper} AUTO CACHE STRING "The source ${name}: AUTO (when there is ${module}), ON or OFF")
    set_property(CACHE TILEWIRE_${upper} PROPERTY STRINGS AUTO ON OFF)
    set(bus_required "")
    if(NOT TILEWIRE_${upper} STREQUAL "AUTO")
        set(bus_required REQUIRED)
    endif()
    if(TILEWIRE_${upper})
        pkg_check_modules(BUS_${upper} ${bus_required} IMPORTED_TARGET ${module})
    endif()
    if(TILEWIRE_${upper} AND BUS_${upper}_FOUND)
        target_link_libraries(tilewire_buses INTERFACE PkgConfig::BUS_${upper})
        list(APPEND TILEWIRE_BUSES_HAVE TILEWIRE_HAVE_${upper}=1)
    else()
        message(STATUS "The source ${name} is left out (TILEWIRE_${upper} is ${TILEWIRE_${upper}}, its library is ${module})")
        list(APPEND TILEWIRE_BUSES_HAVE TILEWIRE_HAVE_${upper}=0)
        string(APPEND TILEWIRE_LEFT_OUT "|/sources?/${name}[/.]")
    endif()
endmacro()
# The service manager is told how a program is doing (common/program/notify.c) when there is libsystemd.
set(TILEWIRE_SYSTEMD AUTO CACHE STRING "Tell systemd: AUTO (when there is libsystemd), ON or OFF")
set_property(CACHE TILEWIRE_SYSTEMD PROPERTY STRINGS AUTO ON OFF)
if(TILEWIRE_SYSTEMD STREQUAL "AUTO")
    pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
elseif(TILEWIRE_SYSTEMD)
    pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
endif()

tilewire_bus(kafka rdkafka)
tilewire_bus(redis hiredis)
tilewire_bus(nats "libnats;libcrypto")
