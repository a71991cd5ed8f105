#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The documentation is current: man formats every manual page without a warning, every directive
# of the config stands in meridian.conf(5), meridianctl(1) has the commands and options of
# `meridianctl --help`, no link in a Markdown file leads nowhere, the tests that the security case
# names are there.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
case=docs/security-case.md
status=0

complain()
{
	echo "$*"
	status=1
}

# Calls a function with the words of each line of its input, of which there must be some.
each() # WHAT FUNCTION
{
	local count=0 words

	while read -ra words; do
		count=$((count + 1))
		"$2" "${words[@]}"
	done
	[ "$count" -gt 0 ] || complain "no $1 found: is this lint still right?"
}

# --- manual pages ---------------------------------------------------------------------------------

pages()
{
	git ls-files '*.[158].scd' | sed "s|.*|$build/&|; s|\.scd$||"
	echo "$build/control/meridian.conf.5"
}

check_page() # FILE
{
	local warnings

	warnings=$(man --warnings --local-file "$1" 2>&1 >/dev/null) || complain "no $1"
	[ -z "$warnings" ] || complain "$1: $warnings"
}

directives()
{
	sed -n 's/^\t{\.name = "\([a-z_]*\)".*/\1/p' control/config_table.c
}

check_directive() # NAME
{
	grep -qF "\\fB$1\\fR" "$build/control/meridian.conf.5" ||
		complain "meridian.conf.5: nothing about $1"
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

# --- Markdown -------------------------------------------------------------------------------------

links()
{
	git ls-files '*.md' | xargs grep -oHE '\]\([^)#:]+\)' | sed 's/:\](\(.*\))/ \1/'
}

check_link() # FILE LINK
{
	[ -e "$(dirname "$1")/$2" ] || complain "$1: link to $2, which is not there"
}

# What the security case names.
named() # EXPRESSION
{
	grep -oE "$1" "$case" | tr -d '`:'
}

check_script() # FILE
{
	[ -x "tests/$1" ] || complain "$case: no tests/$1"
}

check_test() # PROGRAM [TEST]
{
	local file

	file=$(find tests -name "test_${1#*-}.c")
	[ -n "$file" ] || complain "$case: no test program $1"
	# shellcheck disable=SC2086 # one program's name may be that of several
	[ -z "${2:-}" ] || grep -q "void $2(" $file || complain "$case: no test $2 in $1"
}

check_target() # NAME
{
	[ -f "tests/fuzz/fuzz_$1.c" ] || complain "$case: no fuzz target $1"
}

[ -n "$(helped)" ] || complain "meridianctl --help: no commands found"
differences=$(diff <(helped) <(documented)) ||
	complain "meridianctl --help (<) and meridianctl(1) (>): $differences"
each "manual page" check_page < <(pages)
each "directive" check_directive < <(directives)
each "link" check_link < <(links)
# shellcheck disable=SC2016 # Markdown's quotes
each "script in $case" check_script < <(named '`(system|lint)/[^`]+`')
# shellcheck disable=SC2016 # the same
each "test in $case" check_test < <(named '`(bpf|command|control|core|lib)-[a-z_-]+`(: [a-z_]+)?')
each "fuzz target in $case" check_target < <(named '[| ]fuzz [a-z]+(, [a-z]+)*' |
	sed 's/.*fuzz //' | tr -d ' ' | tr ',' '\n')
[ "$status" = 0 ]
