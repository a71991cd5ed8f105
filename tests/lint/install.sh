#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# `make install` into an empty directory: what a user needs is there, the units start programs that
# are, systemd understands them, and a program outside this repository builds with libmeridian.
# `make uninstall` leaves none of it behind.
set -eu
cd "$(dirname "$0")/../.."
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
status=0

complain()
{
	echo "$*"
	status=1
}

prefix() # where meson was told to install
{
	meson introspect "${BUILD:-build}" --buildoptions |
		/usr/bin/python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))'
}

check_files() # NAME...: below the prefix, as patterns
{
	local name

	for name in "$@"; do
		compgen -G "$top/$name" >/dev/null || complain "not installed: $name"
	done
}

check_units()
{
	local unit program

	mkdir "$dest/units"
	for unit in "$top"/lib/systemd/system/*.service; do
		program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
		[ -x "$dest$program" ] || complain "${unit##*/}: there is no $program"
		sed "s,^ExecStart=,&$dest," "$unit" >"$dest/units/${unit##*/}"
	done
	command -v systemd-analyze >/dev/null || return 0
	systemd-analyze verify --man=no "$dest"/units/*.service >"$dest/log" 2>&1 || true
	[ ! -s "$dest/log" ] || complain "systemd-analyze: $(cat "$dest/log")"
}

# A local application as in libmeridian's description.
check_library()
{
	local pc flags

	pc=$(find "$top" -name libmeridian.pc)
	[ -n "$pc" ] || { complain "not installed: libmeridian.pc"; return; }
	flags=$(PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$(dirname "$pc") \
		pkg-config --cflags --libs libmeridian)
	# shellcheck disable=SC2086 # a list of words
	cc -o "$dest/now" include/example/now.c $flags || complain "libmeridian.pc does not work"
}

make --no-print-directory install DESTDIR="$dest" >"$dest/log" 2>&1 || {
	cat "$dest/log"
	exit 1
}
top=$dest$(prefix)
check_files sbin/meridian-{control,dataplane,fallback,setup} bin/meridian{ctl,-load} \
	lib/systemd/system/meridian-{control,dataplane,fallback}.service \
	share/man/man{1/meridianctl.1,1/meridian-load.1,5/meridian.conf.5}* \
	share/man/man8/meridian-{control,dataplane,fallback,setup}.8* \
	share/bash-completion/completions/{meridianctl,meridian-setup} \
	share/doc/meridian/meridian.conf.example
for header in include/meridian/*.h; do
	check_files "$header"
done
check_units
check_library
make --no-print-directory uninstall DESTDIR="$dest" >"$dest/log" 2>&1 || complain "$(cat "$dest/log")"
left=$(find "$dest" -path "$top/*" -not -type d)
[ -z "$left" ] || complain "make uninstall leaves $left"
exit "$status"
