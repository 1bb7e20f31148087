# SPDX-License-Identifier: Apache-2.0
# tilewire_program(NAME FOLDER_LIBRARY LIBRARIES...): all sources of a folder and of those below it, but main.c, become
# the static library that the folder's unit tests link; main.c makes the program.
# What belongs to a bus whose library is not there is left out.
function(tilewire_program name library)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$|/node_modules/|${TILEWIRE_LEFT_OUT}")
    add_library(${library} STATIC ${sources})
    target_link_libraries(${library} PUBLIC tilewire_common ${ARGN})
    add_executable(${name} main.c)
    target_link_libraries(${name} PRIVATE ${library})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    install(TARGETS ${name})
endfunction()
