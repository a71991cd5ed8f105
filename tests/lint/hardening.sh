#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The programs as built: position independent, relocations read-only and bound at start, no
# executable stack, stack protector, fortified libc calls; no path to look up libraries in.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
status=0

# readelf has no say in BIND_NOW for the words "Flags: NOW" alone.
has() # FILE WHAT PATTERN READELF-OPTION
{
	readelf -W "$4" "$1" | grep -Eq "$3" && return
	echo "$1: no $2"
	status=1
}

check() # PROGRAM
{
	[ -x "$1" ] || { echo "$1: not built"; status=1; return; }
	has "$1" "position independent code" 'Type: *DYN' --file-header
	has "$1" "read-only relocations" 'GNU_RELRO' --program-headers
	has "$1" "binding at start" '\(FLAGS.*NOW' --dynamic
	has "$1" "stack without execution" 'GNU_STACK.* RW ' --program-headers
	has "$1" "stack protector" '__stack_chk_fail' --dyn-syms
	has "$1" "fortified calls" '__[a-z]+_chk' --dyn-syms
}

for program in control/meridian-control control/command/meridianctl dataplane/meridian-dataplane \
	dataplane/meridian-fallback bench/load/meridian-load; do
	check "$build/$program"
done
exit "$status"
