# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Stock clients in the lab, for scripts that source this after lab.sh. None of them may set the
# machine's clock: each runs without the capability to.

stock_in() # NAMESPACE COMMAND...
{
	lab_in "$1" setpriv --bounding-set=-sys_time --inh-caps=-sys_time -- "${@:2}"
}

# By how much chronyd says that a server is ahead of this machine's clock, s; nothing when it gets
# no time.
stock_ahead_s() # NAMESPACE ADDRESS [OPTION...]: of its server
{
	local log=$LAB_DIR/chronyd.$1.$2.log

	stock_in "$1" "$LAB_STOCK/chrony/usr/sbin/chronyd" -Q -t 20 -u root "server $2 iburst ${*:3}" \
		"cmdport 0" "bindcmdaddress /" "pidfile $LAB_DIR/chronyd.$1.$2.pid" >"$log" 2>&1 || true
	sed -n 's/.*clock wrong by \([-0-9.]*\) .*/\1/p' "$log"
}

# Runs a command that finds NTPsec's ntpdig and its libraries.
stock_with_ntpdig() # COMMAND...
{
	stock_in client env PYTHONPATH="$LAB_STOCK/python3-ntp/usr/lib/python3/dist-packages" \
		LD_LIBRARY_PATH="$(dirname "$LAB_STOCK"/python3-ntp/usr/lib/*/ntp/libntpc.so)" \
		PATH="$LAB_STOCK/ntpsec-ntpdig/usr/bin:$PATH" "$@"
}

# Runs NTPsec's ntpd until it would set the clock. Its peerstats, in LAB_DIR, have a line for each
# sample that it accepts: day, second, address, status, offset.
stock_ntpsec() # LINE...: of its config
{
	printf '%s\n' "$@" "disable ntp" "statsdir $LAB_DIR/" "statistics peerstats" \
		"filegen peerstats file peerstats type none enable" >"$LAB_DIR/ntpsec.conf"
	stock_in client "$LAB_STOCK/ntpsec/usr/sbin/ntpd" -n -q -c "$LAB_DIR/ntpsec.conf" \
		-p "$LAB_DIR/ntpsec.pid" >"$LAB_DIR/ntpsec.log" 2>&1 || lab_fail "NTPsec's ntpd failed"
}
