#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The kernel's clock follows the time model, in a machine of its own: it is stepped as `makestep` or
# the operator says, slewed otherwise, and `maxchange` keeps it from what cannot be. A stock chronyd in
# the machine measures it, which sets nothing.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

upstream=$LAB_CLIENT4

# Without what the run before knew.
begin() # SERVER-OPTIONS LINE...
{
	vm_run "rm -rf /run/meridian /run/control.log"
	vm_config "server $upstream iburst minpoll 0 maxpoll 0 $1" steerclock "${@:2}"
	vm_control
}

step()
{
	local before set

	lab_wait 20 "the clock that the machine began with" vm_is_ahead "$upstream" 0 60
	set=$(awk -v s="$VM_AHEAD_S" 'BEGIN { print s - 20 }')
	vm_run "date -s @\$((\$(date +%s) + 20))" >/dev/null
	lab_wait 20 "the clock to be 20 s ahead, as it was set" vm_is_ahead "$upstream" "$set" 2
	before=$VM_AHEAD_S
	begin "" "makestep 1 3"
	lab_wait 30 "a step" vm_said control "steerclock: the clock was stepped by"
	lab_wait 20 "the right time after the step" vm_is_ahead "$upstream" 0 1
	lab_figure "step: $before s before, $VM_AHEAD_S s after it"
	vm_end control
}

slew()
{
	local before

	before=$(vm_ahead_s "$upstream")
	begin "offset 0.45" "maxslewrate 100000"
	lab_wait 60 "a slew by 0.45 s" vm_is_ahead "$upstream" -0.45 0.1
	lab_figure "slew by 0.45 s: $before s before, $VM_AHEAD_S s after it"
	vm_said control "steerclock: the clock was stepped" && lab_fail "the clock was stepped"
	vm_end control
}

order()
{
	begin "offset 4"
	lab_wait 30 "a clock to step by" vm_run "meridianctl --rundir /run/meridian tracking | grep -q '$upstream'"
	lab_wait 20 "the time of before the order" vm_is_ahead "$upstream" -0.45 0.5
	vm_run "meridianctl --rundir /run/meridian makestep" || lab_fail "makestep was refused"
	lab_wait 10 "a step" vm_said control "steerclock: the clock was stepped by"
	lab_wait 20 "the time that was ordered" vm_is_ahead "$upstream" -4 0.5
	lab_figure "ordered step by what was left to 4 s: $VM_AHEAD_S s after it"
	vm_end control
}

gate()
{
	local before

	before=$(vm_ahead_s "$upstream")
	begin "offset 30" "makestep 1 -1" "maxchange 10 0 2"
	lab_wait 30 "an error that is too large" vm_said control "more than maxchange allows: left alone"
	lab_wait 30 "the end of steering" vm_said control "it is not steered any more, until the next start"
	lab_wait 20 "the time of before what was too much" vm_is_ahead "$upstream" -4 2
	lab_figure "more than maxchange: $before s before, $VM_AHEAD_S s after it"
	vm_end control
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_STOCK/chrony/usr/sbin/chronyd"
vm_upstream
vm_start "" -device igb,netdev=wire,romfile=
vm_modules dca i2c-algo-bit igb
vm_address
step
slew
order
gate
