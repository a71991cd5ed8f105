# SPDX-License-Identifier: BSD-3-Clause
"""Runs clang-tidy: tidy.py BUILD SOURCE...

With the command of each source in BUILD/compile_commands.json: one, though several targets may
compile it, and clang-tidy by itself would look at it as often (such commands differ in no macro that
the source uses; the longest is taken). What was found clean is not looked at again while nothing
that the compiler sees of it, headers and comments included, has changed: its hash stands in
BUILD/tidy. Prints what clang-tidy complains of; exit code 1 then.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys


def run(command, cwd):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def commands(build):
    """Source: its entry of the database."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if len(entry["command"]) > len(found.get(source, entry)["command"]) or source not in found:
            found[source] = entry
    return found


def preprocessed(entry):
    """What the compiler sees."""
    words = [word for word in shlex.split(entry["command"]) if word not in ("-c", "-MD")]
    for option in ("-o", "-MQ", "-MF"):
        at = words.index(option)
        del words[at:at + 2]
    result = run([*words, "-E", "-CC"], entry["directory"])
    if result.returncode != 0:
        sys.exit(result.stderr.decode(errors="replace"))
    return result.stdout


def key_of(entry, rules):
    return hashlib.sha256(rules + entry["command"].encode() + preprocessed(entry)).hexdigest()


def complaints(entry, database, rules, seen):
    """Lines of clang-tidy about a source."""
    mark = seen / key_of(entry, rules)
    if mark.exists():
        return []
    result = run(["clang-tidy", "--quiet", "-p", database, entry["file"]], entry["directory"])
    output = (result.stdout + result.stderr).decode(errors="replace")
    found = [line for line in output.splitlines() if "error: " in line or "warning: " in line]
    if result.returncode == 0 and not found:
        mark.touch()
    elif not found:
        found = [output]
    return found


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    database = build / "tidy"
    seen = database / "clean"
    seen.mkdir(parents=True, exist_ok=True)
    all_commands = commands(build)
    (database / "compile_commands.json").write_text(json.dumps(list(all_commands.values())))
    rules = pathlib.Path(".clang-tidy").read_bytes() + run(["clang-tidy", "--version"], ".").stdout
    # The large ones first, so that no core waits for one at the end.
    sources = sorted(map(pathlib.Path, sys.argv[2:]), key=lambda path: -path.stat().st_size)
    missing = [str(path) for path in sources if path.resolve() not in all_commands]
    if missing:
        sys.exit(f"tests/lint/tidy.py: {build} compiles no {' '.join(missing)}")
    found = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(
                lambda path: complaints(all_commands[path.resolve()], database, rules, seen),
                sources):
            found += lines
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


sys.exit(main())
