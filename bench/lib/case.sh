# shellcheck shell=bash disable=SC2034 # used by the cases
# SPDX-License-Identifier: BSD-3-Clause
#
# What the cases share: a lab with a server's and a load generator's namespace, the responders to
# be compared, and the call of the generator. A case prints one line of JSON for each measurement
# (lib/observe), which bench/run reads; other lines are notes. Its environment, set by bench/run:
#
#   BENCH_ROUNDS     how often each responder has its turn
#   BENCH_SECONDS    length of one measurement
#   BENCH_FOREIGN    file with the CPU time of other processes (lib/observe)
#
# The server has core 0, the generator core 1.

export LAB_HUGEPAGES=${LAB_HUGEPAGES:-320}
. "$(dirname "${BASH_SOURCE[0]}")/../../tests/lab/lab.sh"

BENCH_LIB=$LAB_ROOT/bench/lib
BENCH_ROUNDS=${BENCH_ROUNDS:-1}
BENCH_SECONDS=${BENCH_SECONDS:-1}
BENCH_SOURCES=198.18.0.0/16 # RFC 2544: for benchmarks
BENCH_CLIENTS=16384
BENCH_LOAD=${BENCH_LOAD:-$LAB_BUILD/bench/load/meridian-load}
BENCH_LOAD_PREFIX=()
BENCH_TESTPMD_EAL=() # more options of its EAL
BENCH_SERVER_MAC=02:00:00:00:00:01
BENCH_CLIENT_MAC=02:00:00:00:00:02
BENCH_LOSS_PERCENT=1 # of what counts as within capacity

bench_missing() # RESPONDER REASON: why there will be no figure
{
	printf '{"responder": "%s", "missing": "%s"}\n' "$1" "$2"
}

# --- network ------------------------------------------------------------------------------------

# One veth pair. The sources of the load are behind the client, with its hardware address.
bench_network()
{
	local namespace

	for namespace in server client; do
		ip netns add "$namespace"
		ip -n "$namespace" link set lo up
	done
	lab_veth 1 eth1 eth0
	ip -n server link set eth1 address "$BENCH_SERVER_MAC"
	ip -n client link set eth0 address "$BENCH_CLIENT_MAC"
	lab_in server ethtool -K eth1 tx off >/dev/null # replies too must have their checksum
	lab_addresses server eth1 "$LAB_SERVER4/24" "$LAB_SERVER6/64"
	lab_addresses client eth0 "$LAB_CLIENT4/24" "$LAB_CLIENT6/64"
	ip -n server neighbour replace "$LAB_CLIENT4" lladdr "$BENCH_CLIENT_MAC" dev eth1
	ip -n server route add "$BENCH_SOURCES" via "$LAB_CLIENT4"
	ip -n client neighbour replace "$LAB_SERVER4" lladdr "$BENCH_SERVER_MAC" dev eth0
}

# A file below /sys as the server's namespace sees it.
bench_server_sysfs() # FILE VALUE
{
	# shellcheck disable=SC2016 # the inner shell's
	lab_in server unshare --mount sh -c 'mount -t sysfs sysfs /sys && echo "$2" >"$1"' sh "$1" "$2"
}

# Where the kernel receives for a socket: 1 on the server's core, 0 on the sender's.
bench_receive_on_server_core() # 1|0
{
	bench_server_sysfs /sys/class/net/eth1/queues/rx-0/rps_cpus "$1"
}

# The virtual device of one end of a memory NIC. The server of the memif listens and copies; only the
# client can spare the copies. Rings of 512, as what lies in larger ones leaves the caches.
bench_memif() # server|client MAC
{
	local device="net_memif0,role=$1,id=0,socket=$LAB_DIR/memif.sock,socket-abstract=no,rsize=9"

	case $1 in
	server) echo "$device,mac=$2" ;;
	client) echo "$device,mac=$2,zero-copy=yes" ;;
	esac
}

# --- measuring ----------------------------------------------------------------------------------

bench_observe() # OBSERVE-OPTION... -- COMMAND...
{
	lab_in server /usr/bin/python3 "$BENCH_LIB/observe" "$@" 2>>"$LAB_DIR/observe.log"
}

# A benchmark that is one program, without a lab: once each round. It prints its figures itself.
bench_program() # PROGRAM [OPTION...]
{
	local program=$LAB_BUILD/bench/$1 round

	shift
	[ -x "$program" ] || lab_skip "${program##*/} is not built"
	for round in $(seq "$BENCH_ROUNDS"); do
		/usr/bin/python3 "$BENCH_LIB/observe" --tag round="$round" -- \
			"$program" --json "$@"
	done
}

# --- profiles -----------------------------------------------------------------------------------
#
# Where the server's core spends its time while a command runs: one line for each symbol. Where
# perf is not installed there is no profile.

bench_profile() # NAME COMMAND [ARGUMENT...]
{
	local name=$1 data

	shift
	command -v perf >/dev/null || return 0
	data=$(mktemp)
	# Both cores, or a program that was started on the other one would have no symbols.
	BENCH_LOAD_PREFIX=(perf record --quiet -C "0,1" -e cpu-clock -F 997 -o "$data" --)
	"$@" >&2
	BENCH_LOAD_PREFIX=()
	perf report -i "$data" -C 0 --stdio --sort dso,symbol --percent-limit 0.1 2>/dev/null |
		awk -v name="$name" '$3 ~ /^\[.\]$/ {
			printf "{\"profile\": \"%s\", \"percent\": %s, ", name, $1 + 0
			printf "\"object\": \"%s\", \"symbol\": \"%s\"}\n", $2, $4
		}'
	rm -f "$data"
}

# The generator on the client's end of the veth pair, in front of the responder that runs. Words
# in BENCH_LOAD_PREFIX go before the command.
bench_load() # OBSERVE-OPTION... -- LOAD-OPTION...
{
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	bench_observe "${options[@]}" --interface eth1 -- "${BENCH_LOAD_PREFIX[@]}" \
		nsenter --net=/run/netns/client -- "$BENCH_LOAD" --port af_xdp:eth0 --core 1 \
		--target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" --source "$BENCH_SOURCES" \
		--clients "$BENCH_CLIENTS" --json "$@"
}

# bench-stream in a namespace, in front of the responder that runs.
bench_stream() # NAMESPACE PORT OBSERVE-OPTION... -- STREAM-OPTION...
{
	local namespace=$1 port=$2 options=()

	shift 2
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	bench_observe "${options[@]}" -- "${BENCH_LOAD_PREFIX[@]}" \
		nsenter --net="/run/netns/$namespace" -- "$LAB_BUILD/bench/bench-stream" --core 1 \
		--port "$port" --target "$LAB_SERVER4" --target-mac "$BENCH_SERVER_MAC" \
		--source "$BENCH_SOURCES" --clients "$BENCH_CLIENTS" --json --warm-up 0.5 \
		--duration "$BENCH_SECONDS" "$@"
}

bench_pids() # NAME...: as options of lib/observe
{
	local name

	for name in "$@"; do
		printf ' --pid %s' "${LAB_PID[$name]}"
	done
}

# As lab_wait, but a failure is the caller's to deal with.
bench_wait() # SECONDS WHAT COMMAND...
{
	(lab_wait "$@")
}

# --- responders ---------------------------------------------------------------------------------
#
# bench_start_NAME starts one and waits until it answers, bench_stop_NAME ends it, also one that
# did not come up. Which process answers is in BENCH_SERVER.

# Every line is in force at each request: an access table and a rate limiter that lets it through.
bench_config() # NIC-LINE [LINE...]
{
	{
		echo "rundir $LAB_RUNDIR"
		echo "nic $1"
		shift
		echo "workers 0"
		echo "allow all"
		echo "deny 203.0.113.0/24"
		echo "ratelimit interval -12 burst 255" # 4096 requests a second of each client
		echo "cmdport 0"
		echo "local stratum 8"
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$LAB_CONFIG"
}

bench_stop() # NAME: says in the log when it was gone already
{
	[ -z "${LAB_PID[$1]:-}" ] || lab_stop "$1" || true
}

bench_start_meridian()
{
	bench_config eth1
	lab_control
	lab_dataplane
	BENCH_SERVER=dataplane
	bench_wait 20 "replies from the dataplane" lab_dataplane_answers
}

bench_stop_meridian()
{
	bench_stop dataplane
	bench_stop control
}

# DPDK's own forwarder on one core: swaps addresses and ports and looks at nothing else.
bench_testpmd() # NAME NAMESPACE CORE VDEV FORWARD-MODE [OPTION...]
{
	local name=$1 namespace=$2 core=$3 vdev=$4 mode=$5

	shift 5
	lab_start "$name" "$namespace" /usr/bin/dpdk-testpmd --lcores "0@$core,1@$core" --in-memory \
		"${BENCH_TESTPMD_EAL[@]}" --no-pci --iova-mode=va -m 256 \
		--file-prefix "$name" --log-level=*:4 --vdev "$vdev" -- \
		--forward-mode="$mode" --stats-period 1 --burst=64 --total-num-mbufs=16384 \
		--disable-rss "$@"
}

bench_start_testpmd()
{
	bench_testpmd testpmd server 0 net_af_xdp0,iface=eth1,start_queue=0,queue_count=1,busy_budget=64 \
		5tswap
	BENCH_SERVER=testpmd
	bench_wait 20 "testpmd" grep -q 'Port statistics' "$LAB_DIR/testpmd.log"
}

bench_stop_testpmd()
{
	bench_stop testpmd
	: >"$LAB_DIR/testpmd.log"
}

bench_start_chronyd()
{
	[ -x "$LAB_STOCK/chrony/usr/sbin/chronyd" ] || return 1
	lab_start chronyd server taskset -c 0 "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 8" "allow all" "cmdport 0" "bindcmdaddress /" \
		"pidfile $LAB_DIR/chronyd.pid"
	BENCH_SERVER=chronyd
	bench_wait 20 "replies from chronyd" lab_synchronised
}

bench_stop_chronyd()
{
	bench_stop chronyd
}

bench_start_chronyd_one_core()
{
	bench_receive_on_server_core 1
	bench_start_chronyd
}

bench_stop_chronyd_one_core()
{
	bench_receive_on_server_core 0
	bench_stop_chronyd
}

bench_start_ntpd()
{
	[ -x "$LAB_STOCK/ntpsec/usr/sbin/ntpd" ] || return 1
	# Serves its own clock without touching it, and limits nobody.
	printf '%s\n' "tos orphan 8 orphanwait 1" "disable ntp kernel" "unrestrict default limited" \
		>"$LAB_DIR/ntpd.conf"
	lab_start ntpd server taskset -c 0 "$LAB_STOCK/ntpsec/usr/sbin/ntpd" -n -N -g \
		-c "$LAB_DIR/ntpd.conf" -p "$LAB_DIR/ntpd.pid"
	BENCH_SERVER=ntpd
	bench_wait 20 "replies from ntpd" lab_synchronised
}

bench_stop_ntpd()
{
	bench_stop ntpd
}

bench_start_echo()
{
	lab_start echo server taskset -c 0 "$LAB_BUILD/bench/echo/bench-echo" eth1
	BENCH_SERVER="echo"
	bench_wait 10 "the echo" grep -q attached "$LAB_DIR/echo.log"
}

bench_stop_echo()
{
	bench_stop echo
}
