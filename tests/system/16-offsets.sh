#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The offsets that meridianctl sources shows are those that a stock chronyd -Q measures: ours and the
# servers' against this machine's clock. One server is the lab's, another is ahead and only looked at.
set -eu
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/stock.sh"

AHEAD_S=0.25
LIMIT_S=0.05 # a chronyd that judges by one packet, on a machine with other work
ahead4=198.51.100.11

# `sources` tells how much our clock is ahead of a server.
agrees() # INDEX ADDRESS
{
	ours=$(stock_ahead_s client "$LAB_SERVER4" maxsamples 1)
	theirs=$(stock_ahead_s server "$2" maxsamples 1)
	shown=$(lab_field sources "sources.$1.offset_s")
	awk -v ours="${ours:-none}" -v theirs="${theirs:-none}" -v shown="$shown" -v limit="$LIMIT_S" \
		'BEGIN {
			difference = ours - theirs - shown
			exit !(ours + 0 == ours && theirs + 0 == theirs && difference < limit &&
				difference > -limit)
		}' || lab_differs "chronyd -Q $theirs s, of us $ours s; sources shows $shown s"
}

expect_agreement() # INDEX ADDRESS
{
	lab_wait 20 "meridianctl sources and chronyd -Q to agree on $2" agrees "$@"
	lab_figure "$2: chronyd -Q $theirs s, of us $ours s; sources shows $shown s"
}

sampled()
{
	[ "$(lab_field sources sources.1.samples)" -ge 3 ]
}

lab_enter "$@"
lab_network
lab_config "server $LAB_UPSTREAM4 iburst minpoll 0 maxpoll 2" \
	"server $ahead4 iburst minpoll 0 maxpoll 2 noselect"
ip -n upstream address add "$ahead4/24" dev eth0
lab_start ahead upstream /usr/bin/python3 "$LAB_TOOLS/ntp-fake" --ahead "$AHEAD_S" "$ahead4" \
	"$LAB_DIR/requests"
lab_upstream
lab_serve
lab_wait 20 "samples of the second server" sampled
expect_agreement 0 "$LAB_UPSTREAM4"
expect_agreement 1 "$ahead4"
