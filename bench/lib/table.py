# SPDX-License-Identifier: BSD-3-Clause
"""The text that a run ends with."""

import re
import statistics

from lib.figures import NOT_CHOSEN, compact, shown

IDLE = re.compile("halt|idle|mwait")
STAGES = [
    ("the kernel: its driver, soft interrupts, system calls", r"^\[kernel|vmlinux"),
    ("receive and send: DPDK's drivers, packet buffers", r"librte_|libxdp|ld-linux"),
    ("testpmd: swaps addresses", r"dpdk-testpmd"),
    ("receive and send: the port", r"ring_(receive|transmit|release)|ethdev_|af_xdp|port_"),
    ("verify, look for the client", r" (take_|classify$|burst_classify|frame_|request_|served_)"),
    ("access rules, rate limit", r" (admit_|access_|limit_)"),
    ("make the reply", r" (answer_|serve_|reply_|responder_|interleaved_)"),
    ("transmit time and checksums", r" (burst_)?finish$"),
    ("the loop: stamps, time model, statistics", r" (worker_|server_|stamp_|idle_|meridian_|"
     r"clock_|__vdso|clock_gettime)"),
]
HEAD = f"{'':<54} {'median':>10} {'min ... max':>21} {'rounds':>6}  {'target':<12} verdict"


def verdict(figure):
    if figure["value"] is None:
        return f"not measured: {figure['reason']}"
    words = []
    if figure["met"] is not None:
        words.append("met" if figure["met"] else f"missed, {off(figure)}")
    if figure["generator_limited"]:
        words.append("the generator was the limit")
    if figure["disturbed"]:
        words.append("disturbed by other processes")
    return "; ".join(words)


def off(figure):
    """How far the figure is from its limit."""
    if figure["limit"] == 0:
        return f"{compact(figure['value'])} off"
    share = figure["value"] / figure["limit"]
    return f"{100 * share:.0f} % of the target" if share < 1 else f"{share:.2f} times the target"


def target(figure):
    if figure["limit"] is None:
        return ""
    return f"{figure['target'][:2]} {compact(figure['limit'])}"


def line(text, figure):
    if figure["value"] is None:
        spread, value = "", "-"
    else:
        value = shown(figure["value"], figure["unit"])
        spread = f"{compact(figure['min'])} ... {compact(figure['max'])}"
    return (f"{text:<54} {value:>10} {spread:>21} {figure['rounds'] or '':>6}  "
            f"{target(figure):<12} {verdict(figure)}").rstrip()


def kinds(measurements):
    """What the microbenchmark says of each kind of packet, medians of the rounds."""
    rows = {}
    for measurement in measurements:
        if measurement["case"] != "reply":
            continue
        for key, value in (measurement.get("results") or {}).items():
            if (re.search("_ticks(_ipv[46])?(_[a-z0-9]+)*$", key) and value is not None
                    and not key.endswith(("_min", "_max", "_cycles", "_per_s"))):
                rows.setdefault(key, []).append(value)
    if not rows:
        return []
    return ["", "compute by kind of packet, ticks, medians",
            *(f"{statistics.median(values):>8.1f}  {key}" for key, values in rows.items())]


def latencies(rows):
    """The round trips under load, one line a server and load."""
    if not rows:
        return []
    lines = ["", f"{'round trip under load, in microseconds':<54} {'rate/s':>10} {'p50':>8} "
                 f"{'p99':>8} {'p99.9':>8} {'p99.99':>8} {'max':>8}"]
    for row in rows:
        cells = [row["round_trip_ns"].get(key) for key in ("p50", "p99", "p99_9", "p99_99", "max")]
        cells = " ".join(f"{'-' if c is None else f'{c / 1000:.1f}':>8}" for c in cells)
        text = f"{row['responder']} at {row['percent']} % of its capacity"
        lines.append(f"{text:<54} {compact(row['rate_per_s']):>10} {cells}")
    return lines


def stage(row):
    """What a symbol is a part of."""
    return next((name for name, pattern in STAGES
                 if re.search(pattern, f"{row['object']} {row['symbol']}")), "other")


def share_lines(rows, key, busy, ticks):
    """The greatest shares, in percent of the busy time and in ticks a request where known."""
    shares = {}
    for row in rows:
        shares[key(row)] = shares.get(key(row), 0) + row["percent"] / busy
    return [f"{100 * share:>6.1f} % " + (f"{share * ticks:>7.1f}" if ticks else " " * 7)
            + f"  {name}" for name, share in sorted(shares.items(), key=lambda s: -s[1])]


def profile(document):
    """By stage, and by symbol; without the time in which the core was idle."""
    lines = []
    for name, (text, ticks) in PROFILES.items():
        rows = [row for row in document["profile"] if row["profile"] == name
                and not IDLE.search(row["symbol"])]
        busy = sum(row["percent"] for row in rows)
        if not busy:
            continue
        figure = ticks(document)
        lines += ["", f"where the server's core spends its time: {text}"
                  + (f"; % and ticks of {figure:.0f} a request" if figure else "")]
        lines += share_lines(rows, stage, busy, figure)
        lines += ["    of which", *share_lines(
            rows, lambda row: f"{row['object']:<28} {row['symbol']}", busy, figure)[:12]]
    return lines


def value(document, key):
    return document["figures"][key]["value"]


def memif_ticks(document, share=None):
    """The core is busy all the time while it is kept full."""
    rate, hz = value(document, "memif_server_most_replies_per_s"), document["machine"]["tsc_hz"]
    return int(hz) / rate * (share or 1) if rate and hz else None


PROFILES = {
    "ring": ("rings, 10^5 clients, 10^3 rules", lambda d: value(d, "ring_worker_ticks")),
    "memif": ("memif, as its server, kept full", memif_ticks),
    "memif_ideal": ("testpmd in its place", lambda d: memif_ticks(
        d, value(d, "memif_server_share_of_ideal"))),
    "veth": ("veth, asked as much as the generator can", lambda d: None),
    "veth_ideal": ("testpmd in its place", lambda d: None),
}


def text(document, figures):
    """`document` is results.json, `figures` the definitions in their order."""
    machine = document["machine"]
    cpu = machine["cpu"] or "a processor without name"
    lines = [
        f"{cpu}, {machine['cores']} cores{', virtual' if machine['virtual'] else ''}; "
        f"TSC {machine['tsc_hz'] or 'unknown'} Hz; Linux {machine['kernel']}; "
        f"DPDK {machine['dpdk']}; {machine['revision']}",
        "", HEAD, "-" * len(HEAD),
    ]
    lines += [line(figure.text, document["figures"][figure.key]) for figure in figures
              if document["figures"][figure.key].get("reason") != NOT_CHOSEN]
    lines += kinds(document["measurements"])
    lines += latencies(document["latency"])
    lines += profile(document)
    if document["notes"]:
        lines += ["", *(f"note: {note}" for note in document["notes"])]
    return "\n".join(lines)
