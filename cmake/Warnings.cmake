# SPDX-License-Identifier: Apache-2.0
add_library(tilewire_warnings INTERFACE)
target_compile_options(tilewire_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2
    -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tilewire_warnings INTERFACE
        -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init)
endif()
# A sanitizer's own code makes gcc warn of what cannot be; the plain build has the say.
if(TILEWIRE_WERROR AND NOT TILEWIRE_SANITIZE)
    target_compile_options(tilewire_warnings INTERFACE -Werror)
endif()
