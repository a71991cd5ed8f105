#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The documentation is current: man formats every manual page without a warning, every directive
# of the config stands in meridian.conf(5), meridianctl(1) has the commands and options of
# `meridianctl --help`, no link in a Markdown file leads nowhere, the tests that the security case
# names are there.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
status=0

complain()
{
	echo "$*"
	status=1
}

check_page() # FILE
{
	local warnings

	warnings=$(man --warnings --local-file "$1" 2>&1 >/dev/null)
	[ -z "$warnings" ] || complain "$1: $warnings"
}

directives()
{
	sed -n 's/^\t{\.name = "\([a-z_]*\)".*/\1/p' control/config_table.c
}

check_directives() # FILE
{
	local directive

	while read -r directive; do
		grep -qF "\\fB$directive\\fR" "$1" || complain "$1: nothing about $directive"
	done < <(directives)
}

# Sorted words of `meridianctl --help`, and of the manual's paragraphs about commands and options.
helped()
{
	"$build/control/command/meridianctl" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p' | sort
}

documented()
{
	sed -n '/^# COMMANDS/,/^# EXIT STATUS/s/^\*\([a-z-]*\)\*.*/\1/p' \
		control/command/meridianctl.1.scd | sort
}

[ -n "$(helped)" ] || complain "meridianctl --help: no commands found"
differences=$(diff <(helped) <(documented)) ||
	complain "meridianctl --help (<) and meridianctl(1) (>): $differences"
[ -n "$(directives)" ] || complain "control/config_table.c: no directives found"
while read -r page; do
	check_page "$page"
	[ "${page##*/}" != meridian.conf.5 ] || check_directives "$page"
done < <(find "$build" -name 'meridian*.[158]' -type f)
while IFS=: read -r file link; do
	[ -e "$(dirname "$file")/$link" ] || complain "$file: link to $link, which is not there"
done < <(git ls-files '*.md' | xargs grep -oHE '\]\([^)#:]+\)' | sed 's/](\(.*\))/\1/')
case=docs/security-case.md
named() # EXPRESSION
{
	grep -oE "$1" "$case" | tr -d '`:'
}

# shellcheck disable=SC2016 # Markdown's quotes
while read -r script; do
	[ -x "tests/$script" ] || complain "$case: no tests/$script"
done < <(named '`(system|lint)/[^`]+`')
# shellcheck disable=SC2016 # the same
while read -r program test; do
	file=$(find tests -name "test_${program#*-}.c")
	[ -n "$file" ] || complain "$case: no test program $program"
	# shellcheck disable=SC2086 # one program's name may be that of several
	[ -z "$test" ] || grep -q "void $test(" $file || complain "$case: no test $test in $program"
done < <(named '`(bpf|command|control|core|lib)-[a-z_-]+`(: [a-z_]+)?')
while read -r target; do
	[ -f "tests/fuzz/fuzz_$target.c" ] || complain "$case: no fuzz target $target"
done < <(named '[| ]fuzz [a-z]+(, [a-z]+)*' | sed 's/.*fuzz //' | tr -d ' ' | tr ',' '\n')
exit "$status"
