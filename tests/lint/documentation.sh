#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The documentation is current: man formats every manual page without a warning, every directive
# of the config stands in meridian.conf(5), meridianctl(1) has the commands and options of
# `meridianctl --help`, meridian-load(1) the options of `meridian-load --help` and the names of its
# counters and of the reasons why a reply is invalid, no link in a Markdown file leads nowhere, the tests that the security case
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

load_page=bench/load/meridian-load.1.scd

# Sorted options of `meridian-load --help`, where it is built, and of the manual's paragraphs.
load_helped()
{
	"$build/bench/load/meridian-load" --help | sed -n 's/^  --\([a-z-]*\) .*/\1/p' | sort
}

load_documented()
{
	sed -n '/^# OPTIONS/,/^# RESULTS/p' "$load_page" | grep '^\*--' |
		grep -oE '\*--[a-z-]+\*' | tr -d '*' | sed 's/^--//' | sort
}

load_names()
{
	sed -n 's/^\tX(\([a-z_]*\)[,)].*/\1/p' bench/load/meter.h bench/load/reply.h
}

check_load_name() # NAME
{
	grep -qE "(^|[^a-z])$1([^a-z]|\$)" "$load_page" || complain "$load_page: nothing about $1"
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
if [ -x "$build/bench/load/meridian-load" ]; then
	differences=$(diff <(load_helped) <(load_documented)) ||
		complain "meridian-load --help (<) and meridian-load(1) (>): $differences"
fi
each "counter or reason of meridian-load" check_load_name < <(load_names)
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
