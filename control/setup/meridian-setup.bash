# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of meridian-setup(8). Options come from its own --help, NICs from the kernel.

_meridian_setup() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words

	case $previous in
	--config | --state)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	words=$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\) .*/\1/p'
		cd /sys/class/net && echo *)
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _meridian_setup meridian-setup
