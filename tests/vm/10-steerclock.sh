#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's clock follows the time model, in a machine of its own: it is stepped as `makestep` says,
# slewed otherwise, and `maxchange` keeps it from what cannot be. A stock chronyd in the machine
# measures it, which sets nothing.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4

# By how much the upstream is ahead of the machine's clock, by one packet, which may be late.
ahead_s()
{
	vm_run "chronyd -Q -t 10 -u root 'server $upstream iburst maxsamples 1' 'cmdport 0' \
		'bindcmdaddress /' 'pidfile /run/chronyd.pid'" >"$LAB_DIR/measured.log" 2>&1 || true
	sed -n 's/.*clock wrong by \([-0-9.]*\) .*/\1/p' "$LAB_DIR/measured.log"
}

# The measured offset is nearer to what is expected than that.
is_ahead() # EXPECTED LIMIT
{
	measured=$(ahead_s)
	awk -v s="${measured:-none}" -v e="$1" -v l="$2" \
		'BEGIN { exit !(s + 0 == s && s - e < l && e - s < l) }'
}

said() # WORDS
{
	vm_run "grep -q '$1' /run/control.log"
}

# Without what the run before knew.
begin() # SERVER-OPTIONS LINE...
{
	vm_run "rm -rf /run/meridian /run/control.log"
	vm_config "server $upstream iburst minpoll 0 maxpoll 0 $1" steerclock "${@:2}"
	vm_control
}

step()
{
	local before

	vm_run "date -s @\$((\$(date +%s) + 20))" >/dev/null
	is_ahead -20 2 || lab_fail "the clock was set 20 s ahead, but is $measured s behind"
	before=$measured
	begin "" "makestep 1 3"
	lab_wait 30 "a step" said "steerclock: the clock was stepped by"
	is_ahead 0 1 || lab_fail "after the step the clock is $measured s behind"
	lab_figure "step: $before s before, $measured s after it"
	vm_end control
}

slew()
{
	local before

	before=$(ahead_s)
	begin "offset 0.45" "maxslewrate 100000"
	lab_wait 60 "a slew by 0.45 s" is_ahead -0.45 0.1
	lab_figure "slew by 0.45 s: $before s before, $measured s after it"
	said "steerclock: the clock was stepped" && lab_fail "the clock was stepped"
	vm_end control
}

gate()
{
	local before

	before=$(ahead_s)
	begin "offset 30" "makestep 1 -1" "maxchange 10 0 2"
	lab_wait 30 "an error that is too large" said "more than maxchange allows: left alone"
	lab_wait 30 "the end of steering" said "it is not steered any more, until the next start"
	is_ahead -0.45 2 || lab_fail "30 s were too much, but the clock is $measured s behind"
	lab_figure "more than maxchange: $before s before, $measured s after it"
	vm_end control
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_STOCK/chrony/usr/sbin/chronyd"
lab_start upstream client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
	"local stratum 1" "allow all" "cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/upstream.pid"
vm_start "" -device igb,netdev=wire,romfile=
vm_modules dca i2c-algo-bit igb
vm_address
step
slew
gate
