#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A kernel's clock gets over a leap second: it is told in time, inserts the second by itself, and needs
# no correction afterwards.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/vm.sh"

leap=1940630400
upstream=$LAB_CLIENT4

kernel_says() # WORDS, in what adjtimex(2) returns
{
	vm_run adjtimex | grep -q "return value:.*($1)"
}

lab_enter "$@"
vm_need
vm_network
vm_image "$LAB_STOCK/chrony/usr/sbin/chronyd"
vm_start "" -device igb,netdev=wire,romfile=
vm_modules dca i2c-algo-bit igb
vm_address
origin=$(awk '{print $1 + 30}' /proc/uptime)
lab_start upstream client "$LAB_TOOLS/ntp-leap" serve --announce 0 "$upstream" "$leap" "$origin"
"$LAB_TOOLS/ntp-leap" list "$leap" | vm_write /etc/leap-seconds.list
vm_config "server $upstream iburst minpoll 0 maxpoll 0" steerclock "makestep 1 1" rtcsync \
	"leapseclist /etc/leap-seconds.list"
vm_control
lab_wait 28 "STA_INS" kernel_says "insert leap second"
lab_note "the kernel is told of the leap second"
lab_wait 40 "the leap second" kernel_says "leap second has occurred"
lab_wait 20 "the right time after the leap second" vm_is_ahead "$upstream" 0 0.5
lab_figure "the kernel inserted a second and is $VM_AHEAD_S s behind its upstream"
steps=$(vm_run "grep -c 'steerclock: the clock was stepped' /run/control.log")
[ "$steps" = 1 ] || lab_fail "the clock was stepped $steps times, not once at the start"
vm_end control
