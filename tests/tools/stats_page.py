# SPDX-License-Identifier: BSD-3-Clause
"""Reads a statistics page itself, so that it works without control and checks the layout of
include/meridian/stats.h from outside."""

import pathlib
import re
import struct

HEADER = pathlib.Path(__file__).parent / "../../include/meridian/stats.h"
HEAD_SIZE, PORTS, PORT_SIZE = 128, 16, 64
WORKERS, WORKER_WORDS = 64, 256
FIELDS = {"heartbeat": 0, "state": 1, "core": 2, "policy_generation": 3, "rx_packets": 4,
          "rx_octets": 5, "tx_packets": 6, "tx_octets": 7, "bursts": 8, "interleaved": 10, "model_retries": 11,
          "authenticated": 12}
VERDICT_AT, STAMP_AT = 16, 80


def names(macro):
    """The identifiers of an X-macro list of the header."""
    text = HEADER.read_text().split(f"#define {macro}(X)")[1].split("\n\n")[0]
    return re.findall(r"X\((\w+),", text)


def words_by_name():
    """Where in a worker's slot each counter stands."""
    words = dict(FIELDS)
    words.update({name: VERDICT_AT + i for i, name in enumerate(names("MERIDIAN_VERDICTS"))})
    words.update(
        {"stamp_" + name: STAMP_AT + i for i, name in enumerate(names("MERIDIAN_STAMPS"))})
    return words


def read_workers(rundir, process):
    """The words of each worker's slot."""
    page = (pathlib.Path(rundir) / f"stats.{process}").read_bytes()
    at = HEAD_SIZE + PORTS * PORT_SIZE
    if len(page) < at + WORKERS * WORKER_WORDS * 8:
        raise SystemExit(f"stats.{process}: only {len(page)} bytes")
    return [struct.unpack_from(f"<{WORKER_WORDS}Q", page, at + i * WORKER_WORDS * 8)
            for i in range(WORKERS)]


def read_verdicts(rundir, process):
    """How often each verdict was given."""
    workers = read_workers(rundir, process)
    return {name: sum(worker[VERDICT_AT + i] for worker in workers)
            for i, name in enumerate(names("MERIDIAN_VERDICTS"))}


def difference(before, after):
    """Those of two sets of counters that have moved, and by how much."""
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
