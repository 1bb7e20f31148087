# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts beside the programs, and scripts/package into a package: units of systemd, users, the configuration,
# manual pages, completions, pages and licences. DESTDIR is respected.
include(GNUInstallDirs)
set(packaging ${CMAKE_SOURCE_DIR}/packaging)
set(made ${CMAKE_BINARY_DIR}/packaging)

# systemd looks for units, users and folders below /usr/lib and /usr/local/lib alone. Where the programs are is known when they are
# installed: there is --prefix.
foreach(unit tilewire-ingestor.service tilewire-cache.service tilewire-gateway@.service)
    install(CODE "set(BIN \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
        configure_file(\"${packaging}/systemd/${unit}.in\" \"${made}/systemd/${unit}\" @ONLY)")
    install(FILES ${made}/systemd/${unit} DESTINATION lib/systemd/system)
endforeach()
install(FILES ${packaging}/systemd/tilewire.target DESTINATION lib/systemd/system)
install(FILES ${packaging}/sysusers.conf DESTINATION lib/sysusers.d RENAME tilewire.conf)
install(FILES ${packaging}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME tilewire.conf)

# The programs look there, wherever they lie themselves. A file that is there is somebody's.
install(CODE "set(source \"${packaging}/tilewire.yaml\")")
install(CODE [[
    if(EXISTS "$ENV{DESTDIR}/etc/tilewire/tilewire.yaml")
        message(STATUS "Left alone: $ENV{DESTDIR}/etc/tilewire/tilewire.yaml")
    else()
        file(INSTALL DESTINATION /etc/tilewire TYPE FILE FILES "${source}")
    endif()
]])

install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tilewire)
install(FILES ${packaging}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tilewire)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tilewire PATTERN images EXCLUDE)
install(PROGRAMS scripts/subscribe.py DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tilewire)

# Manual pages and completions are made of what the programs say of themselves, so the programs have to run here.
if(CMAKE_CROSSCOMPILING OR TILEWIRE_FUZZ)
    message(STATUS "No manual pages and completions: the programs cannot be asked in this build")
    return()
endif()
set(pages man/tilewire.1 man/tilewire-ingestor.8 man/tilewire-cache.8 man/tilewire-gateway.8)
set(described bash/tilewire zsh/_tilewire fish/tilewire.fish)
list(TRANSFORM pages PREPEND ${made}/)
list(TRANSFORM described PREPEND ${made}/)
set(packed ${pages})
list(TRANSFORM packed APPEND .gz)
set(programs tilewire tilewire-ingestor tilewire-cache tilewire-gateway)
add_custom_command(OUTPUT ${packed} ${described}
    COMMAND ${packaging}/describe.sh ${CMAKE_BINARY_DIR}/bin ${PROJECT_VERSION} ${made}
    COMMAND gzip -9nf ${pages}
    DEPENDS ${programs} ${packaging}/describe.sh ${packaging}/man.awk ${packaging}/completions.awk VERBATIM)
add_custom_target(tilewire_described ALL DEPENDS ${packed} ${described})
foreach(page ${packed})
    string(REGEX REPLACE ".*\\.([18])\\.gz$" "\\1" section ${page})
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(FILES ${made}/bash/tilewire DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
foreach(program tilewire-ingestor tilewire-cache tilewire-gateway)
    install(FILES ${made}/bash/tilewire DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
endforeach()
install(FILES ${made}/zsh/_tilewire DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${made}/fish/tilewire.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
