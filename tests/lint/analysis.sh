#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# cppcheck and clang-tidy (checks in .clang-tidy) over the programs, with the flags of the clang
# build.
set -euo pipefail
cd "$(dirname "$0")/../.."
build="build-clang"
[ -f $build/compile_commands.json ] || CC=clang meson setup $build -Dwerror=true >/dev/null
ninja -C $build bpf/steer.skel.h bpf/echo.skel.h >/dev/null # headers that sources include

status=0
cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -j "$(nproc)" \
	--enable=warning,performance,portability --suppress=missingIncludeSystem \
	-D__x86_64__ -D__SIZEOF_POINTER__=8 -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 \
	'-DLIBBPF_OPTS(type,name,...)=struct type name = {__VA_ARGS__}' \
	-I include -I include/lib -I include/units -I dataplane -I dataplane/core -I control -I bench -I bench/load \
	-i bench/echo/echo.bpf.c include dataplane control bench || status=1
git ls-files 'include/*.c' 'dataplane/*.c' 'control/*.c' 'bench/*.c' ':!*.bpf.c' |
	xargs /usr/bin/python3 tests/lint/tidy.py $build || status=1
exit $status
