# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The lab: three network namespaces, an upstream server, Meridian and a client, on one machine.
#
#     upstream eth0 ---- up0 server eth1 ---- eth0 client
#                            |
#              control, dataplane and fallback
#
# A script sources this file and calls lab_enter "$@", which runs the script once more inside
# private mount and process namespaces. Whatever the script does after that (namespaces, mounts,
# daemons, pinned BPF objects) ends with it, however it ends, and is out of sight for another
# lab beside it. Outside there are only a temporary directory and the hugepages, which the outer
# run gives back.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BUILD=$(cd "$LAB_ROOT" && realpath -m "${BUILD:-build}")
LAB_STOCK=$LAB_ROOT/build/stock
LAB_TOOLS=$LAB_ROOT/tests/tools
LAB_HUGEPAGES=${LAB_HUGEPAGES:-64} # 2 MiB each; 0: none
export LAB_ROOT LAB_BUILD LAB_STOCK LAB_TOOLS

# The addresses of the lab (RFC 5737 and 3849: documentation).
LAB_SERVER4=192.0.2.1
LAB_SERVER6=2001:db8:1::1
LAB_CLIENT4=192.0.2.2
LAB_CLIENT6=2001:db8:1::2
LAB_UPSTREAM4=198.51.100.2
LAB_UPSTREAM6=2001:db8:2::2

declare -A LAB_PID=()
LAB_PATIENCE=4
LAB_STDERR=2 # also where a command's own output is thrown away

lab_note()
{
	echo "$*"
}

# A measured figure: the runner shows it also when the test passes.
lab_figure()
{
	echo "figure: $*"
}

lab_fail()
{
	echo "FAIL: $*" >&"$LAB_STDERR"
	exit 1
}

lab_skip()
{
	echo "SKIP: $*"
	exit 77
}

# --- entering and leaving -----------------------------------------------------------------------

lab_enter()
{
	if [ -n "${LAB_DIR:-}" ]; then
		lab_inside
		return
	fi
	[ "$(id -u)" = 0 ] || lab_fail "the lab needs root (network namespaces, XDP)"
	[ -x "$LAB_BUILD/control/meridian-control" ] || lab_fail "nothing built in $LAB_BUILD: run make"
	LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/meridian-lab.XXXXXX")
	export LAB_DIR
	trap lab_outside_exit EXIT
	trap 'LAB_INTERRUPTED=1' INT TERM HUP
	lab_hugepages_reserve
	lab_outside "$@"
}

# Runs the script in its own namespaces and waits for it. A signal is passed on, and whatever
# has not ended ten seconds later is killed; so is everything when this process itself is.
lab_outside()
{
	local status=0 child

	setsid setpriv --pdeathsig KILL \
		unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@" &
	child=$!
	wait "$child" || status=$?
	if [ -n "${LAB_INTERRUPTED:-}" ]; then
		kill -TERM -- "-$child" || true
		timeout 10 tail -s 0.1 --pid="$child" -f /dev/null || kill -KILL "$child"
		status=0
		wait "$child" || status=$?
	fi
	exit "$status"
}

lab_outside_exit()
{
	lab_hugepages_restore
	rm -rf "$LAB_DIR"
}

# The private side: own /run/netns, and no bpffs, so that control has to mount one.
lab_inside()
{
	trap lab_inside_exit EXIT
	trap 'exit 130' INT TERM HUP
	exec {LAB_STDERR}>&2
	LAB_RUNDIR=$LAB_DIR/run
	LAB_CONFIG=$LAB_DIR/meridian.conf
	mkdir -p /run/netns "$LAB_RUNDIR"
	mount -t tmpfs lab /run/netns
	while mountpoint -q /sys/fs/bpf; do
		umount /sys/fs/bpf
	done
}

lab_inside_exit()
{
	local status=$?

	trap - EXIT INT TERM HUP
	set +e
	[ "$status" != 0 ] || lab_check_end || status=1
	[ "$status" = 0 ] || [ "$status" = 77 ] || [ "$status" = 130 ] || lab_show_logs
	exit "$status"
}

# What must hold at the end of a good run: the daemons stop cleanly and no sanitizer complained.
lab_check_end()
{
	local name status=0

	for name in fallback dataplane control; do
		[ -z "${LAB_PID[$name]:-}" ] || lab_stop "$name" || status=1
	done
	if grep -lE 'runtime error:|ERROR: (Address|Leak)Sanitizer' "$LAB_DIR"/*.log; then
		echo "FAIL: sanitizer report in the logs above" >&2
		status=1
	fi
	return "$status"
}

lab_show_logs()
{
	local log

	[ -z "${LAB_LOGS_FROM:-}" ] || "$LAB_LOGS_FROM" # a command that fetches more of them
	for log in "$LAB_DIR"/*.log; do
		[ -s "$log" ] || continue
		echo "--- ${log##*/} (last lines)"
		tail -n "${LAB_LOG_LINES:-20}" "$log"
	done >&2
}

# --- hugepages ----------------------------------------------------------------------------------

# Adds to the machine's 2 MiB pages and takes the same number away again, under a lock, so that
# labs side by side do not take each other's.
lab_hugepages_add() # NUMBER; prints how many were really added
{
	local file=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages before after

	[ -w "$file" ] || { echo 0; return; }
	{
		flock 9
		read -r before <"$file"
		echo $((before + $1)) >"$file" 2>/dev/null || true
		read -r after <"$file"
	} 9</proc/sys/vm
	echo $((after - before))
}

lab_hugepages_reserve()
{
	export LAB_HUGEPAGES_ADDED=0
	[ "$LAB_HUGEPAGES" != 0 ] || return 0
	LAB_HUGEPAGES_ADDED=$(lab_hugepages_add "$LAB_HUGEPAGES")
	[ "$LAB_HUGEPAGES_ADDED" = "$LAB_HUGEPAGES" ] ||
		lab_note "no hugepages to be had on this machine ($LAB_HUGEPAGES_ADDED of" \
			"$LAB_HUGEPAGES): running without"
}

lab_hugepages_restore()
{
	[ "${LAB_HUGEPAGES_ADDED:-0}" = 0 ] || lab_hugepages_add "-$LAB_HUGEPAGES_ADDED" >/dev/null
}

# --- network ------------------------------------------------------------------------------------

lab_in() # NAMESPACE COMMAND...
{
	local namespace=$1

	shift
	nsenter --net="/run/netns/$namespace" -- "$@"
}

# A veth pair between server and client. Its peer must not leave checksums to hardware that
# is not there: AF_XDP would see them unfinished.
lab_veth() # QUEUES SERVER-DEVICE CLIENT-DEVICE
{
	ip -n server link add "$2" numrxqueues "$1" numtxqueues "$1" type veth \
		peer name "$3" numrxqueues "$1" numtxqueues "$1" netns client
	lab_in client ethtool -K "$3" tx off >/dev/null
}

lab_link_client() # QUEUES
{
	lab_veth "$1" eth1 eth0
	lab_addresses server eth1 "$LAB_SERVER4/24" "$LAB_SERVER6/64"
	lab_addresses client eth0 "$LAB_CLIENT4/24" "$LAB_CLIENT6/64"
}

lab_addresses() # NAMESPACE DEVICE IPV4 IPV6
{
	ip -n "$1" address add "$3" dev "$2"
	ip -n "$1" address add "$4" dev "$2" nodad
	ip -n "$1" link set "$2" up
}

lab_network() # [QUEUES]
{
	local namespace

	for namespace in upstream server client; do
		ip netns add "$namespace"
		ip -n "$namespace" link set lo up
	done
	ip -n server link add up0 type veth peer name eth0 netns upstream
	lab_addresses server up0 198.51.100.1/24 2001:db8:2::1/64
	lab_addresses upstream eth0 "$LAB_UPSTREAM4/24" "$LAB_UPSTREAM6/64"
	lab_link_client "${1:-1}"
}

# Loads an XDP program of somebody else on an interface. It passes everything to the kernel.
lab_foreign_xdp() # DEVICE
{
	printf '%s\n' '__attribute__((section("xdp"), used)) int somebody_else(void *c)' \
		'{ return 2; }' >"$LAB_DIR/foreign.c"
	clang -O2 -target bpf -c "$LAB_DIR/foreign.c" -o "$LAB_DIR/foreign.o"
	ip -n server link set dev "$1" xdpgeneric obj "$LAB_DIR/foreign.o" sec xdp
}

# --- processes ----------------------------------------------------------------------------------

# Starts a process; its output goes to NAME.log.
lab_start() # NAME NAMESPACE COMMAND...
{
	local name=$1 namespace=$2

	shift 2
	nsenter --net="/run/netns/$namespace" -- "$@" >>"$LAB_DIR/$name.log" 2>&1 </dev/null &
	LAB_PID[$name]=$!
}

lab_alive() # NAME
{
	[ -n "${LAB_PID[$1]:-}" ] && kill -0 "${LAB_PID[$1]}" 2>/dev/null
}

# Ends a process with SIGTERM. Says so and returns 1 unless it ends with exit code 0 in a minute.
lab_stop() # NAME
{
	local pid=${LAB_PID[$1]} status=0

	unset "LAB_PID[$1]"
	kill -TERM "$pid" 2>/dev/null || true
	timeout 60 tail -s 0.05 --pid="$pid" -f /dev/null || kill -KILL "$pid"
	wait "$pid" 2>/dev/null || status=$?
	[ "$status" = 0 ] && return
	echo "FAIL: $1 ended with status $status" >&2
	return 1
}

lab_kill() # NAME: at once, as a crash
{
	kill -KILL "${LAB_PID[$1]}"
	wait "${LAB_PID[$1]}" 2>/dev/null || true
	unset "LAB_PID[$1]"
}

# Tries a command until it succeeds. The seconds are what is generous on an idle machine; a busy
# one gets more of them, which costs nothing where they are not needed.
lab_wait() # SECONDS WHAT COMMAND...
{
	local end=$((SECONDS + LAB_PATIENCE * $1)) what=$2

	shift 2
	LAB_FOUND=
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] ||
			lab_fail "$what: not within the time allowed${LAB_FOUND:+; $LAB_FOUND}"
		sleep 0.1
	done
}

# --- the servers --------------------------------------------------------------------------------

# A stock chronyd on the host's clock, which it does not touch (-x).
lab_upstream()
{
	lab_need_stock chrony/usr/sbin/chronyd
	lab_start upstream upstream "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 1" "allow all" "cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/upstream.pid"
}

lab_need_stock() # FILE
{
	[ -x "$LAB_STOCK/$1" ] || lab_fail "no $LAB_STOCK/$1: run make deps"
}

# Writes the config: what every lab has, then one line for each argument. Tests ask more often than
# a client may, so there is no rate limit unless a line sets one.
lab_config() # [LINE...]
{
	{
		echo "rundir $LAB_RUNDIR"
		echo "nic eth1"
		echo "allow 192.0.2.0/24"
		echo "allow 2001:db8:1::/64"
		echo "cmdport 0"
		echo "ratelimit off"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$LAB_CONFIG"
}

lab_control()
{
	lab_start control server "$LAB_BUILD/control/meridian-control" --foreground \
		--config "$LAB_CONFIG"
}

lab_dataplane()
{
	lab_start dataplane server "$LAB_BUILD/dataplane/meridian-dataplane" --rundir "$LAB_RUNDIR"
}

lab_fallback()
{
	lab_start fallback server "$LAB_BUILD/dataplane/meridian-fallback" --rundir "$LAB_RUNDIR"
}

lab_ctl() # COMMAND [OPTION...]
{
	"$LAB_BUILD/control/command/meridianctl" --rundir "$LAB_RUNDIR" "$@"
}

# All three, and waits until a client gets a synchronised reply from the dataplane.
lab_serve()
{
	lab_control
	lab_dataplane
	lab_fallback
	lab_wait 30 "synchronised replies" lab_synchronised
	lab_wait 20 "replies from the dataplane" lab_dataplane_answers
}

# Starts an upstream server whose time comes to an instant of interest at `origin` (CLOCK_MONOTONIC,
# s), control and the dataplane; returns when they have synchronised in good time for it. A busy
# machine, on which they have not, gets more time.
lab_serve_before() # UPSTREAM-FUNCTION
{
	local lead

	for lead in 25 60 120; do
		origin=$(awk -v lead="$lead" '{ print $1 + lead }' /proc/uptime)
		"$1"
		lab_control
		lab_dataplane
		! lab_synchronised_before || return 0
		lab_kill upstream
		lab_stop dataplane
		lab_stop control
	done
	lab_fail "not synchronised within $lead s"
}

lab_synchronised_before()
{
	while awk -v origin="$origin" '{ exit !($1 + 8 < origin) }' /proc/uptime; do
		! lab_synchronised >/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# --- asking -------------------------------------------------------------------------------------

lab_ask() # ARGUMENT...: of tests/tools/ntp-ask, from the client
{
	lab_in client /usr/bin/python3 "$LAB_TOOLS/ntp-ask" "$@"
}

# What a reply tells, such as: lab_reply stratum
lab_reply() # NAME
{
	lab_ask "$LAB_SERVER4" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"
}

# Fails unless the time served is so many microseconds ahead of this machine's, by the quickest of ten
# replies, which a busy machine may still have held up on one way. Sets offset_us.
lab_expect_offset() # WHAT EXPECTED-US LIMIT-US
{
	local delay_us

	lab_wait 5 "$1: an answer" lab_offset
	awk -v us="$offset_us" -v expected="$2" -v limit="$3" -v delay="$delay_us" 'BEGIN {
		off = us - expected
		exit !((off < 0 ? -off : off) <= limit + delay / 2)
	}' || lab_fail "$1: off by $offset_us us, with a delay of $delay_us us, expected $2"
}

lab_offset()
{
	read -r delay_us offset_us < <(lab_ask --count 10 --interval 0.02 "$LAB_SERVER4" |
		sed -n 's/.* offset_us=\([^ ]*\) delay_us=\([^ ]*\).*/\2 \1/p' | sort -n)
}

# Waits until clients are told of a greater root dispersion than now.
lab_bound_grows()
{
	local first

	first=$(lab_reply root_dispersion)
	lab_wait 10 "a root dispersion above $first s" lab_bound_above "$first"
	lab_note "root dispersion without sources: $first s, then $(lab_reply root_dispersion) s"
}

lab_bound_above() # SECONDS
{
	lab_less "$1" "$(lab_reply root_dispersion)"
}

lab_synchronised()
{
	lab_ask --require-synchronised "$LAB_SERVER4"
}

# A counter of the process's statistics page (tests/tools/stats), summed over the workers; 0
# while there is no page.
lab_counter() # dataplane|fallback NAME [WORKER]
{
	[ -s "$LAB_RUNDIR/stats.$1" ] || { echo 0; return; }
	/usr/bin/python3 "$LAB_TOOLS/stats" "$LAB_RUNDIR" "$@"
}

# Asks once and looks whether it was the dataplane that answered.
lab_dataplane_answers()
{
	local before

	before=$(lab_counter dataplane answered)
	lab_synchronised
	[ "$(lab_counter dataplane answered)" -gt "$before" ]
}

# Asks so often; true when all was answered. What came is in ask.txt.
lab_all_answered() # COUNT INTERVAL ADDRESS
{
	lab_ask --count "$1" --interval "$2" "$3" >"$LAB_DIR/ask.txt" || true
	grep -q 'lost 0$' "$LAB_DIR/ask.txt" || lab_differs "$(tail -n 1 "$LAB_DIR/ask.txt")"
}

# The same, when it was the dataplane that answered: a busy machine may starve it, and then the
# fallback does.
lab_dataplane_answers_all() # COUNT INTERVAL ADDRESS
{
	local before answered

	before=$(lab_counter dataplane answered)
	lab_all_answered "$@" || return
	answered=$(($(lab_counter dataplane answered) - before))
	[ "$answered" = "$1" ] || lab_differs "the dataplane answered $answered of $1"
}

# As lab_dataplane_answers, with the dataplane and the fallback started again when they end to be started again,
# as a service manager would. That end is a success; another one is a failure.
lab_restarted_dataplane_answers()
{
	lab_restart_ended dataplane
	lab_restart_ended fallback
	lab_dataplane_answers
}

lab_restart_ended() # dataplane|fallback
{
	local status=0

	lab_alive "$1" && return
	wait "${LAB_PID[$1]}" || status=$?
	[ "$status" = 0 ] || lab_fail "$1 ended with status $status"
	"lab_$1"
}

lab_fallback_answers()
{
	local before

	before=$(lab_counter fallback answered)
	lab_synchronised
	[ "$(lab_counter fallback answered)" -gt "$before" ]
}

# Directory of an interface's pinned link and maps; nothing when there is none.
lab_pins() # DEVICE
{
	find /sys/fs/bpf -type d -name "$1" 2>/dev/null
}

# A field of `meridianctl COMMAND --json`, such as: lab_field status ports.0.driver
lab_field() # COMMAND PATH
{
	lab_ctl "$1" --json | "$LAB_TOOLS/json-field" "$2"
}

# The last polls of a source, so many, were not answered.
lab_silent() # INDEX POLLS
{
	local reach

	reach=$(lab_field sources "sources.$1.reachability")
	[ $((reach & ((1 << $2) - 1))) = 0 ]
}

lab_less() # A B
{
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'
}

# Waits until the field has the value.
lab_expect() # COMMAND PATH VALUE
{
	lab_wait 5 "$1: $2 to be $3" lab_field_is "$@"
}

lab_field_is() # COMMAND PATH VALUE
{
	local value

	value=$(lab_field "$1" "$2") || value="not there"
	[ "$value" = "$3" ] || lab_differs "$1: $2 is $value"
}

# In a command that lab_wait tries: what it found is shown should it never succeed.
lab_differs() # WHAT
{
	LAB_FOUND=$*
	return 1
}
