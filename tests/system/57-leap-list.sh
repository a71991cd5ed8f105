#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The list of leap seconds: what is wrong with it is told by file and line, before the start and on
# a reload, which keeps the list that was good. That it is about to expire is logged, that it has is
# logged, and told by status, until there is a new one.
set -eu
. "$(dirname "$0")/../lab/lab.sh"

list=$LAB_TOOLS/ntp-leap
leap=1483228800 # 2017-01-01, the last one
expired="The list of leap seconds has expired"

make_list() # SECONDS-UNTIL-IT-EXPIRES
{
	expires=$(($(date +%s) + $1))
	"$list" list --expires "$expires" "$leap" >"$file.new"
	mv "$file.new" "$file"
}

# Exit code 2, and these words in the line about the list.
refuse() # WORDS
{
	local status=0

	"$LAB_BUILD/control/meridian-control" --check-config --config "$LAB_CONFIG" \
		>"$LAB_DIR/refused.log" 2>&1 || status=$?
	[ "$status" = 2 ] || lab_fail "$1: --check-config ended with status $status, expected 2"
	grep -qF "$1" "$LAB_DIR/refused.log" ||
		lab_fail "no '$1' in: $(cat "$LAB_DIR/refused.log")"
	lab_note "$(cat "$LAB_DIR/refused.log")"
}

said() # WORDS
{
	grep -qF "$1" "$LAB_DIR/control.log"
}

is_told() # by status, for eyes and for programs
{
	lab_ctl status >"$LAB_DIR/status" || true
	lab_ctl status --json >"$LAB_DIR/status.json" || true
	grep -qF "$expired" "$LAB_DIR/status" && grep -qF "$expired" "$LAB_DIR/status.json"
}

is_not_told()
{
	! is_told && ! grep -qF "$expired" "$LAB_DIR/status" "$LAB_DIR/status.json"
}

reload()
{
	kill -HUP "${LAB_PID[control]}"
}

lab_enter "$@"
file=$LAB_DIR/leap-seconds.list
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 0" "leapseclist $file"

make_list 86400
good=$(cat "$file")
sed -i '3s/36/36 s/' "$file"
refuse "$file:3: not a time and a number of seconds"
echo "${good/$'\t'37/$'\t'35}" >"$file"
refuse "$file: the checksum (#h) does not match"
rm "$file"
refuse "$file: No such file"

lab_upstream
make_list $((40 * 86400))
lab_serve
lab_expect status clock.tai_offset_s 37
said "leapseclist $file: it expires on" && lab_fail "40 days are said to be soon"
make_list $((20 * 86400))
reload
lab_wait 5 "an expiry in 20 days to be logged" \
	said "leapseclist $file: it expires on $(date -ud "@$expires" +%F)"
is_not_told || lab_fail "status says that the list has expired, which has 20 days left"

used=$(date -ud "@$expires" +%FT%TZ)
make_list 86400
sed -i '4s/37/39/' "$file"
reload
lab_wait 5 "the damage to be logged by line" \
	said "leapseclist $file:4: not one second more or less than the line before"
lab_expect status clock.tai_offset_s 37 # the old list is used
lab_expect status clock.leap_known_until "$used"

make_list 5
reload
lab_wait 15 "the expiry to be logged" said \
	"leapseclist $file: it expired on $(date -ud "@$expires" +%F), only announcements of"
lab_wait 5 "status to tell of the expiry" is_told
lab_synchronised || lab_fail "no time is served with a list that has expired"
lab_note "$(grep -F "$expired" "$LAB_DIR/status")"

make_list $((200 * 86400))
reload
lab_wait 5 "the problem to be gone with a new list" is_not_told
lab_expect status clock.tai_offset_s 37
