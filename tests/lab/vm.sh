# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A virtual machine in the lab: QEMU without hardware support, a kernel of Debian, and an initramfs
# of busybox and what was built. Its NIC, of which the caller says the model, is at the other end of
# tap0 in the namespace client, with the addresses that the lab's server has:
#
#     machine eth0 ---- tap0 client
#
# To be sourced behind lab.sh. The machine's console is in console.log; a second serial line is
# for commands, one at a time.

VM_ROOT=$LAB_ROOT/build/vm/root
VM_LIB=/usr/lib/$(uname -m)-linux-gnu
VM_DRIVERS=$VM_LIB/dpdk/pmds-23.0
VM_BOOT_S=240 # on a busy machine
VM_COMMAND_S=240

# Skips the test where no machine is to be had; another failure of `deps` is one of the test.
vm_need()
{
	local status=0

	"$LAB_ROOT/tests/lab/deps" vm >"$LAB_DIR/deps.log" 2>&1 || status=$?
	case $status in
	0) ;;
	3) lab_skip "no QEMU to be had: $(tail -n 1 "$LAB_DIR/deps.log")" ;;
	*) lab_fail "deps vm: status $status: $(tail -n 1 "$LAB_DIR/deps.log")" ;;
	esac
}

# --- what is in it ------------------------------------------------------------------------------

vm_libraries() # FILE...: paths of the libraries that they need
{
	ldd "$@" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u
}

# DPDK's drivers are looked for in a directory of their own, but must not be there twice; those in
# VM_MORE_DRIVERS are there, too.
vm_image() # [PROGRAM...]: others for its /bin
{
	local image=$LAB_DIR/image driver
	local programs=("$LAB_BUILD"/control/meridian-control "$LAB_BUILD"/control/command/meridianctl
		"$LAB_BUILD"/dataplane/meridian-dataplane "$LAB_BUILD"/dataplane/meridian-fallback "$@")
	local drivers=()

	mkdir -p "$image"/{bin,dev,proc,sys,run,tmp,etc,var,modules,dev/hugepages,"$VM_DRIVERS"}
	for driver in bus_vdev mempool_ring net_af_xdp ${VM_MORE_DRIVERS:-}; do
		drivers+=("$VM_DRIVERS/librte_$driver.so.23")
		ln -s "../../librte_$driver.so.23" "$image$VM_DRIVERS/librte_$driver.so"
	done
	ln -s /run "$image/var/run"
	ln -s usr/lib "$image/lib"
	mkdir "$image/usr/lib64"
	ln -s usr/lib64 "$image/lib64"
	cp "$VM_ROOT/bin/busybox" "${programs[@]}" "$image/bin"
	cp "$LAB_ROOT"/build/vm/modules/*.ko "$image/modules"
	cp "$LAB_ROOT/tests/lab/vm-init" "$image/init"
	echo "root:x:0:0::/:/bin/sh" >"$image/etc/passwd"
	cp -L "${drivers[@]}" "$image$VM_LIB"
	vm_libraries "${programs[@]}" "${drivers[@]}" | while read -r driver; do
		case $driver in
		/lib64/*) cp -L "$driver" "$image/lib64" ;;
		*) cp -L "$driver" "$image$VM_LIB" ;;
		esac
	done
	(cd "$image" && find . | "$VM_ROOT/bin/busybox" cpio -o -H newc >"$LAB_DIR/initramfs" 2>/dev/null)
	rm -r "$image"
}

# --- its life -----------------------------------------------------------------------------------

# The wire, and the machine's end of it where its kernel has it.
vm_network()
{
	ip netns add client
	ip -n client link set lo up
	ip -n client tuntap add tap0 mode tap
	lab_in client ethtool -K tap0 tx off >/dev/null
	lab_addresses client tap0 "$LAB_CLIENT4/24" "$LAB_CLIENT6/64"
}

# Starts a machine with QEMU's arguments, which name netdev `wire`; returns when it takes commands.
vm_start() # KERNEL-ARGUMENTS ARGUMENT...
{
	local kernel=$1

	shift
	mkfifo "$LAB_DIR/serial.in" "$LAB_DIR/serial.out"
	lab_start qemu client env LD_LIBRARY_PATH="$VM_ROOT$VM_LIB:$VM_ROOT${VM_LIB#/usr}" \
		"$VM_ROOT/usr/bin/qemu-system-x86_64" -machine q35 -accel tcg -cpu max -m 512 \
		-nodefaults -no-user-config -nographic -no-reboot -rtc base=utc \
		-L "$VM_ROOT/usr/share/seabios" -L "$VM_ROOT/usr/share/qemu" \
		-kernel "$LAB_ROOT/build/vm/vmlinux" -initrd "$LAB_DIR/initramfs" \
		-append "console=ttyS0 quiet panic=-1 nokaslr mitigations=off tsc=reliable $kernel" \
		-serial "file:$LAB_DIR/console.log" -chardev "pipe,id=serial,path=$LAB_DIR/serial" \
		-serial chardev:serial \
		-netdev tap,id=wire,ifname=tap0,script=no,downscript=no,vnet_hdr=off "$@"
	# Opened for both, so that this does not wait for a QEMU that has failed.
	exec {VM_IN}<>"$LAB_DIR/serial.in" {VM_OUT}<>"$LAB_DIR/serial.out"
	# shellcheck disable=SC2034 # read by lab.sh
	LAB_LOGS_FROM=vm_logs
	vm_answer "$VM_BOOT_S" >/dev/null || lab_fail "the machine does not start"
	lab_note "the machine is up: $(vm_run uname -r), $(vm_run "cut -d ' ' -f 1 /proc/uptime") s"
}

# Prints what comes on the serial line until a command's end; returns its exit code.
vm_answer() # SECONDS
{
	local line

	while IFS= read -r -t "$1" -u "$VM_OUT" line; do
		line=${line%$'\r'}
		case $line in
		=[0-9]*) return "${line#=}" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
	echo "FAIL: the machine does not answer" >&2
	return 125
}

# Runs a line of shell in the machine; what it prints must end with its lines.
vm_run() # COMMAND...
{
	printf '%s\n' "$*" >&"$VM_IN"
	vm_answer "$VM_COMMAND_S"
}

vm_modules() # MODULE...
{
	local module

	for module in "$@"; do
		vm_run "insmod /modules/$module.ko" || lab_fail "module $module"
	done
}

# The first NIC, or another interface, as the lab's server.
vm_address() # [INTERFACE]
{
	local nic=${1:-eth0}

	vm_run "echo 0 >/proc/sys/net/ipv6/conf/$nic/accept_dad; ip link set lo up; \
		ip address add $LAB_SERVER4/24 dev $nic; ip address add $LAB_SERVER6/64 dev $nic; \
		ip link set $nic up" || lab_fail "no $nic in the machine"
	lab_wait 20 "an answer to a ping of the machine" vm_run "ping -c 1 -W 1 $LAB_CLIENT4"
}

# Starts a program of the machine in the background; its output goes to /run/NAME.log there.
vm_daemon() # NAME COMMAND...
{
	local name=$1

	shift
	vm_run "$* >>/run/$name.log 2>&1 & echo \$! >/run/$name.pid"
}

# Ends it, and waits for that.
vm_end() # NAME
{
	vm_run "kill \$(cat /run/$1.pid); for i in \$(seq 100); do \
		kill -0 \$(cat /run/$1.pid) 2>/dev/null || exit 0; sleep 0.1; done; exit 1" ||
		lab_fail "$1 does not end in the machine"
}

# What the machine's daemons said, for the end of a test that failed.
vm_logs()
{
	vm_run "tail -n 20 /run/*.log" >"$LAB_DIR/machine.log" 2>&1 || true
}

# Writes what comes on standard input to a file of the machine.
vm_write() # FILE
{
	local line

	vm_run ": >'$1'"
	while IFS= read -r line; do
		vm_run "echo '$line' >>'$1'"
	done
}

# By how much a server is ahead of the machine's clock, says a stock chronyd there, which is to be
# in the image and sets nothing: by one packet, which may be late.
vm_ahead_s() # ADDRESS
{
	vm_run "chronyd -Q -t 10 -u root 'server $1 iburst maxsamples 1' 'cmdport 0' \
		'bindcmdaddress /' 'pidfile /run/chronyd.pid'" >"$LAB_DIR/measured.log" 2>&1 || true
	sed -n 's/.*clock wrong by \([-0-9.]*\) .*/\1/p' "$LAB_DIR/measured.log"
}

# Whether that is nearer to what is expected than the limit; what it was is in VM_AHEAD_S.
vm_is_ahead() # ADDRESS EXPECTED LIMIT
{
	VM_AHEAD_S=$(vm_ahead_s "$1")
	awk -v s="${VM_AHEAD_S:-none}" -v e="$2" -v l="$3" \
		'BEGIN { exit !(s + 0 == s && s - e < l && e - s < l) }' ||
		lab_differs "the clock is ${VM_AHEAD_S:-an unknown number of} s behind"
}

# The log of a daemon there has these words.
vm_said() # NAME WORDS
{
	vm_run "grep -q '$2' /run/$1.log"
}

# The config; every machine has its first lines.
vm_config() # LINE...
{
	vm_run "mkdir -p /run/meridian"
	printf '%s\n' "rundir /run/meridian" "cmdport 0" "ratelimit off" "$@" |
		vm_write /etc/meridian.conf
}

vm_control()
{
	vm_daemon control meridian-control --foreground --config /etc/meridian.conf
}

vm_dataplane()
{
	vm_daemon dataplane meridian-dataplane --rundir /run/meridian
	vm_daemon fallback meridian-fallback --rundir /run/meridian
}

# A stock chronyd on the wire as upstream, on this machine's clock, which it does not touch.
vm_upstream()
{
	lab_start upstream client "$LAB_STOCK/chrony/usr/sbin/chronyd" -x -d -u root \
		"local stratum 1" "allow all" "cmdport 0" "bindcmdaddress /" \
		"pidfile $LAB_DIR/upstream.pid"
}

# A field of meridianctl COMMAND --json there.
vm_field() # COMMAND PATH
{
	vm_run "meridianctl --rundir /run/meridian $1 --json" | "$LAB_TOOLS/json-field" "$2"
}

vm_has() # COMMAND PATH VALUE
{
	[ "$(vm_field "$1" "$2")" = "$3" ]
}

# Fails unless the field has the value.
vm_expect() # COMMAND PATH VALUE
{
	vm_has "$@" || lab_fail "$1: $2 is '$(vm_field "$1" "$2")', expected $3"
}

# Packets of the dataplane there that had their receive time from the XDP program. Of a process that
# has none there is no row, and the fallback's comes first.
vm_answered()
{
	if vm_has status stamps.0.process dataplane 2>/dev/null; then
		vm_field status stamps.0.packets
	else
		echo 0
	fi
}
