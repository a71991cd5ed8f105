# SPDX-License-Identifier: BSD-3-Clause
"""The table of README.md, made of results.json between two lines that mark it."""

import re

from lib.figures import compact

BEGIN = "<!-- bench/run --readme: begin -->\n"
END = "<!-- bench/run --readme: end -->\n"
HEAD = "| figure | Meridian | beside it | target |\n|---|---|---|---|\n"

# Text, ours, beside it, figure with the target, the target in words. {KEY} is a figure.
ROWS = [
    ("reply path, IPv4, both checksums, ticks (1)", "{reply_ticks_ipv4} ({reply_ipv4_per_s}/s)", "",
     "reply_ticks_ipv4", "45"),
    ("reply path, IPv6, ticks (1)", "{reply_ticks_ipv6} ({reply_ipv6_per_s}/s)", "",
     "reply_ticks_ipv6", "60"),
    ("the same, IPv4, in interleaved mode (1)",
     "{reply_ticks_ipv4_interleaved} ({reply_interleaved_per_s}/s)", "", None, ""),
    ("the same, signed by AES-CMAC (1)", "{reply_ticks_ipv4_aes128} ({reply_aes128_per_s}/s)", "",
     None, ""),
    ("worker loop over a ring in memory, replies/s",
     "{ring_replies_per_s} ({ring_worker_ticks} ticks)", "", "ring_replies_per_s", "27.4 M"),
    ("more ticks for 10^7 clients than for 1", "{growth_ticks_clients}", "",
     "growth_ticks_clients", "25"),
    ("more ticks for 10^5 access rules than for none", "{growth_ticks_rules}", "",
     "growth_ticks_rules", "25"),
    ("answered at 3 times the capacity", "{overload_3x_share_of_max} of the most", "",
     "overload_3x_share_of_max", "0.95"),
    ("memif, most replies/s", "{memif_most_replies_per_s} ({memif_share_of_ideal} of testpmd)",
     "testpmd: {memif_ideal_per_s}", "memif_most_replies_per_s", "10.96 M"),
    ("AF_XDP on veth, most replies/s (3)",
     "{veth_most_replies_per_s} ({veth_share_of_ideal} of testpmd)",
     "testpmd: {veth_afxdp_ideal_per_s}; XDP_TX: {veth_echo_per_s}", "veth_share_of_ideal",
     "0.95 of testpmd"),
    ("the same beside chronyd", "{veth_times_chronyd} times as many",
     "chronyd: {veth_chronyd_most_replies_per_s}", "veth_times_chronyd", "2 x chronyd"),
    ("the same, capacity at 1 % loss", "{veth_replies_per_s}",
     "chronyd: {veth_chronyd_replies_per_s}; ntpd: {veth_ntpd_replies_per_s}", None, ""),
    ("core time of a reply there, least, ns", "{cpu_ns_per_reply}",
     "chronyd on one core: {chronyd_cpu_ns_per_reply}; received on the sender's: "
     "{chronyd_split_cpu_ns_per_reply}", "cpu_times_less_than_chronyd", "5 x less"),
    ("CPU without traffic, %", "{idle_cpu_percent}", "", "idle_cpu_percent", "5"),
    ("flood, sources drawn from 10^7, 100 k/s, in the clients' queue: lost by clients (2)",
     "{flood_shared_100k_clients_lost}", "", "flood_shared_100k_clients_lost", "0.01"),
]


class Cells(dict):
    """Figures as the table shows them."""

    def __missing__(self, key):
        raise KeyError(f"the README's table has no figure {key}")


def number(figure):
    if figure["value"] is None:
        return "not measured"
    if figure["unit"] == "1/s":
        return f"{figure['value'] / 1e6:.3g} M" if figure["value"] >= 1e6 else compact(
            float(f"{figure['value']:.3g}"))
    return f"{figure['value']:.3g}" if figure["value"] < 1000 else f"{figure['value']:.0f}"


def verdict(figures, key, words):
    if key is None:
        return ""
    met = figures[key]["met"]
    return f"{words}: {'not measured' if met is None else 'met' if met else 'missed'}"


def sources(cases):
    """Which cases were measured when and of what."""
    found = {}
    for name, case in cases.items():
        found.setdefault((case["time"][:10], case["revision"]), []).append(name)
    return "; ".join(f"{', '.join(names)}: {date}, {revision}"
                     for (date, revision), names in sorted(found.items()))


def rounds(figures):
    """Of the figures in the table: "3 rounds", "1 to 3 rounds"."""
    keys = re.findall(r"{(\w+)}", " ".join(ours + beside for _, ours, beside, _, _ in ROWS))
    found = sorted({figures[key]["rounds"] for key in keys if figures[key]["rounds"]}) or [0]
    first = f"{found[0]} to " if len(found) > 1 else ""
    return f"{first}{found[-1]} round{'s' if found[-1] != 1 else ''}"


def table(document):
    machine, figures = document["machine"], document["figures"]
    cells = Cells({key: number(figure) for key, figure in figures.items()})
    rows = "".join(
        f"| {text} | {ours.format_map(cells)} | {beside.format_map(cells)} | "
        f"{verdict(figures, key, words)} |\n" for text, ours, beside, key, words in ROWS)
    hz = f", TSC {machine['tsc_hz'] / 1e9:.3g} GHz" if machine["tsc_hz"] else ""
    return (f"Medians of {rounds(figures)} on a {'virtual ' if machine['virtual'] else ''}machine ({machine['cores']} "
            f"cores{hz}, Linux {machine['kernel'].split('-')[0]}, DPDK {machine['dpdk']}; "
            f"{sources(document['cases'])}):\n\n{HEAD}{re.sub(' +', ' ', rows)}")


def update(path, document):
    """Puts the table where the marks are. ValueError when they are not there."""
    text = path.read_text()
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"{path}: the lines that mark the table are missing")
    path.write_text(text[:begin + len(BEGIN)] + table(document) + text[end:])
