#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the manual pages and the completions of shells from what the programs say of themselves with --help, so that they cannot say
# anything else. A part of the build.
#
#   packaging/describe.sh BIN VERSION OUT
#
# BIN has the programs. OUT/man gets tilewire.1 and tilewire-….8, OUT/bash, OUT/zsh and OUT/fish the completions.
set -eu
here=$(dirname "$0") bin=$1 version=$2 out=$3
export LC_ALL=C ARGP_HELP_FMT='rmargin=1000,opt-doc-col=60' ASAN_OPTIONS=detect_leaks=0

mkdir -p "$out/man" "$out/bash" "$out/zsh" "$out/fish"
commands=$("$bin/tilewire" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')

# help PROGRAM [COMMAND]: what it says, each line with who says it, a tab between them.
help() { "$bin/$1" ${2:+"$2"} --help | sed "s/^/$1 ${2:--}	/"; }

{
    for program in tilewire tilewire-ingestor tilewire-cache tilewire-gateway; do help "$program"; done
    for command in $commands; do help tilewire "$command"; done
} >"$out/help.txt"

for program in tilewire tilewire-ingestor tilewire-cache tilewire-gateway; do
    section=8
    if [ "$program" = tilewire ]; then section=1; fi
    awk -v program="$program" -v section="$section" -v version="$version" -f "$here/man.awk" "$out/help.txt" >"$out/man/$program.$section"
done
awk -v shell=bash -f "$here/completions.awk" "$out/help.txt" >"$out/bash/tilewire"
awk -v shell=zsh -f "$here/completions.awk" "$out/help.txt" >"$out/zsh/_tilewire"
awk -v shell=fish -f "$here/completions.awk" "$out/help.txt" >"$out/fish/tilewire.fish"
