# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of meridianctl(1). Commands and options come from its own --help.

_meridianctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words

	case $previous in
	--rundir)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	--window)
		mapfile -t COMPREPLY < <(compgen -W "minute hour day start" -- "$current")
		return
		;;
	--socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	words=$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  \([a-z-]*\) .*/\1/p')
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _meridianctl meridianctl
