# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: trees of Debian and Ubuntu.
# shellcheck shell=bash

# make_tree SUITE FOLDER LOG: a minimal system. Debian's debootstrap knows none of Ubuntu's newer releases, which are made as the older ones
# are, and has no key of theirs; apt in the tree has it, and checks what is installed there.
make_tree() {
    local known=/usr/share/debootstrap/scripts more=()
    if [ ! -e "$known/$1" ]; then more=("--components=main,universe" --no-check-gpg); fi
    debootstrap --variant=minbase "${more[@]}" "$1" "$2" ${more:+"" "$known/gutsy"} >"$3" 2>&1 || { tail -n 20 "$3"; die "no tree of $1"; }
}
