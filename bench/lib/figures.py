# SPDX-License-Identifier: BSD-3-Clause
"""The figures: what each is called, its unit, its target, and how it follows from measurements.

A measurement is one line of a case (lib/observe, lib/case.sh) as a dictionary, with "case" added.
Every figure has one sample a round, so that ratios are of one round and their median travels.
"""

import dataclasses
import statistics
from typing import Callable, Optional


NOT_CHOSEN = "not chosen"


@dataclasses.dataclass
class Target:
    """value >= or <= number, or number times the median of another figure."""
    relation: str
    number: float
    of: Optional[str] = None

    def limit(self, medians):
        """None while the other figure is not there."""
        if self.of is None:
            return self.number
        other = medians.get(self.of)
        return None if other is None else self.number * other

    def met(self, value, medians):
        limit = self.limit(medians)
        if limit is None:
            return None
        return value >= limit if self.relation == ">=" else value <= limit

    def __str__(self):
        of = f" x {self.of}" if self.of else ""
        return f"{self.relation} {compact(self.number)}{of}"


@dataclasses.dataclass
class Figure:
    key: str
    unit: str
    text: str
    case: str
    samples: Callable  # of the case's measurements: list of numbers, one a round
    target: Optional[Target] = None
    responder: Optional[str] = None  # whose capacity it is


def shown(number, unit):
    """A number with its unit: 10.96 M/s, 44.3 ticks, 2196 ns, 0.982."""
    if unit == "1/s":
        return f"{compact(number)}/s"
    return f"{number:.3g}{' ' * bool(unit)}{unit}" if number < 1000 else f"{number:.0f} {unit}"


def compact(number):
    """For people: 10.96 M, 431.2 k, 44.3."""
    for scale, suffix in ((1e6, " M"), (1e3, " k")):
        if abs(number) >= scale:
            return f"{number / scale:.4g}{suffix}"
    return f"{number:.3g}" if abs(number) < 100 else f"{number:.0f}"


# --- samples ------------------------------------------------------------------------------------


def of(measurements, **tags):
    return [m for m in measurements if all(m.get(k) == v for k, v in tags.items())]


GENERATOR_IDLE_LEAST = 0.01  # share of the turns in which bench-stream has nothing to do
CORE_SECONDS_LEAST = 0.5  # of which a core's time or replies a second are worth telling


def limited(measurement):
    """Whether the generator was the limit of a figure that is to be the server's. A flood by
    meridian-load is more than it can check, and still shows what the server sends."""
    results = measurement.get("results") or {}
    if measurement.get("what") == "flood":
        return results.get("generator_idle_share", 1) < GENERATOR_IDLE_LEAST
    found = measurement.get("search") or measurement.get("results") or {}
    return bool(found.get("generator_limited"))


def program(key, minus=None):
    """A benchmark program's own figure, or the difference of two."""
    def samples(measurements):
        found = []
        for m in measurements:
            results = m.get("results") or {}
            value, other = results.get(key), results.get(minus) if minus else 0
            if value is not None and other is not None:
                found.append(value - other)
        return found
    return samples


def by_round(measurements, value, **tags):
    """{round: value(measurement)} of those that have one."""
    values = {}
    for m in of(measurements, **tags):
        number = value(m)
        if number is not None:
            values[m.get("round")] = number
    return values


def answered(m):
    """Beyond capacity the generator may be the limit of what is sent, not of what is answered."""
    return (m.get("results") or {}).get("answered_per_s") or None


def searched(m):
    """The rate that a search found; 0 is none."""
    return (m.get("search") or {}).get("rate_per_s") or None


def transmitted(m):
    """Replies a second: as the interface counted them, else all that came back."""
    core = m.get("core") or {}
    if core.get("replies"):
        return core["replies"] / core["seconds"]
    results = m.get("results") or {}
    if not results.get("seconds"):
        return results.get("answered_per_s")
    back = results["answered"] + results["late"] + results["invalid"].get("bad_mode", 0)
    return back / results["seconds"]


def capacity(responder):
    """Highest rate with little loss."""
    return lambda ms: list(by_round(ms, searched, responder=responder, what="search").values())


LOADED = ("hold", "flood")  # measurements of a server that has much or all to do


def loaded(measurements, responders, what=LOADED):
    """Those, but for failed and short ones."""
    return [m for m in measurements
            if m.get("responder") in responders and m.get("what") in what
            and not m.get("error")
            and (m.get("core") or {}).get("seconds", CORE_SECONDS_LEAST) >= CORE_SECONDS_LEAST]


def flooded(measurements, *responders):
    """{round: most replies a second at any rate}."""
    best = {}
    for m in loaded(measurements, responders):
        if transmitted(m):
            best[m["round"]] = max(transmitted(m), best.get(m["round"], 0))
    return best


def most(*responders):
    return lambda ms: list(flooded(ms, *responders).values())


def most_ratio(responders, ideals):
    def samples(ms):
        ones, others = flooded(ms, *responders), flooded(ms, *ideals)
        return [ones[n] / others[n] for n in ones if others.get(n)]
    return samples


def core_ns(measurements, responder, what=LOADED):
    """{round: least core time of a reply}. A polling server is busy at any rate; only
    under full load is its time that of the replies."""
    least = {}
    for m in loaded(measurements, [responder], what):
        core = m.get("core") or {}
        if core.get("replies"):
            each = core["busy_ns"] / core["replies"]
            least[m["round"]] = min(each, least.get(m["round"], each))
    return least


def cpu_ns(responder):
    return lambda ms: list(core_ns(ms, responder).values())


def cpu_ratio(one, other, what=LOADED):
    """Of two responders in the same round."""
    def samples(ms):
        ones, others = core_ns(ms, one, what), core_ns(ms, other, what)
        return [ones[n] / others[n] for n in ones if others.get(n)]
    return samples


FLOOD_SHARE = 0.9  # of a flood, to be called one of that rate


def why_no_flood(m):
    """Why what these clients lost says nothing of the flood beside them, or None."""
    if m.get("flood_share", 0) < FLOOD_SHARE:
        return f"the generator sent {100 * m.get('flood_share', 0):.0f} % of the flood of {m['flood']}"
    rate = per_second(m["flood"])
    if "capacity_per_s" in m and rate and rate > m["capacity_per_s"]:
        return f"{m['flood']} is above the capacity there, {compact(m['capacity_per_s'])}/s"
    return None


def per_second(text):
    """Of 300k; None of a share of the capacity."""
    return 1000 * float(text[:-1]) if text.endswith("k") else None


def is_whole(m):
    return why_no_flood(m) is None


def clients_lost(flood, whole=is_whole):
    """Share of what clients lost while that flood went on."""
    return lambda ms: [m["lost"] / m["sent"] for m in of(ms, what="clients", flood=flood)
                       if m["sent"] and whole(m)]


def flood_refused(flood, where):
    """Share of what was sent to the server in the clients' time that found something full."""
    return lambda ms: [m[where] / (m["received"] + m[where])
                       for m in of(ms, what="clients", flood=flood) if m.get("received")]


def flood_answered(ms):
    """Most requests of a flood that were answered in a second."""
    return list(by_round(sorted(of(ms, what="flood"), key=lambda m: answered(m) or 0), answered,
                         what="flood").values())


def idle_percent(ms):
    return [100 * m["core"]["process_ns"] / 1e9 / m["core"]["seconds"]
            for m in ms if (m.get("core") or {}).get("seconds")]


def drops_start(ms):
    """Share of the capacity from which on the socket dropped as much as the search allows."""
    found, start = [searched(m) for m in of(ms, what="search") if searched(m)], None
    for m in sorted(of(ms, what="drops"), key=lambda m: -int(m["rate"])):
        sent = (m.get("results") or {}).get("sent")
        if not found or not sent or m["socket_drops"] <= 0.01 * sent:
            break
        start = int(m["rate"]) / found[-1]
    return [start] if start else []


def drops_of_lost(ms):
    """What the socket dropped, as a share of what was found lost, at all rates."""
    both = [(m["socket_drops"], m["results"]["lost"])
            for m in of(ms, what="drops") if m.get("results")]
    lost = sum(lost for _, lost in both)
    return [sum(drops for drops, _ in both) / lost] if lost else []


def agreement(value):
    """{rate: (of ntpperf, of meridian-load)}, medians of the rounds, of what value() takes."""
    def pairs(ms):
        found = {}
        for m in of(ms, what="agree"):
            if m.get("results") and value(m["results"]) is not None:
                found.setdefault(m["rate"], {}).setdefault(m["tool"], []).append(
                    value(m["results"]))
        return {rate: tuple(statistics.median(tools[tool]) for tool in ("ntpperf", "meridian-load"))
                for rate, tools in found.items() if len(tools) == 2}
    return pairs


def invalid_share(results):
    if "invalid_share" in results:
        return results["invalid_share"]
    return sum(results["invalid"].values()) / results["sent"] if results["sent"] else None


def residence(name):
    return lambda results: results["server_residence_ns"].get(name)


def farthest(value, apart):
    """Of all rates, how far apart the two tools are at most."""
    return lambda ms: [max(apart(*pair) for pair in pairs.values())
                       for pairs in [agreement(value)(ms)] if pairs]


def difference(one, other):
    return abs(one - other)


def times(one, other):
    return max(one, other) / max(1, min(one, other))


FIGURES = [
    Figure("reply_ticks_ipv4", "ticks", "compute of an IPv4 reply", "reply",
           program("reply_ticks_ipv4"), Target("<=", 45)),
    Figure("reply_ticks_ipv6", "ticks", "compute of an IPv6 reply", "reply",
           program("reply_ticks_ipv6"), Target("<=", 60)),
    Figure("reply_ticks_ipv4_verified", "ticks",
           "compute of an IPv4 reply, verified by the NIC", "reply",
           program("reply_ticks_ipv4_verified")),
    Figure("reply_ticks_ipv4_aes128", "ticks", "  and signed by AES-CMAC (AES128)", "reply",
           program("reply_ticks_ipv4_aes128")),
    Figure("reply_aes128_per_s", "1/s", "  such replies of a core, without I/O", "reply",
           program("reply_ticks_ipv4_aes128_per_s")),
    Figure("reply_ticks_ipv4_sha256", "ticks", "  and signed by SHA256 instead", "reply",
           program("reply_ticks_ipv4_sha256")),
    Figure("reply_sha256_per_s", "1/s", "  such replies of a core, without I/O", "reply",
           program("reply_ticks_ipv4_sha256_per_s")),
    Figure("reply_ipv4_per_s", "1/s", "  IPv4 replies of a core, without I/O", "reply",
           program("reply_ticks_ipv4_per_s")),
    Figure("reply_ipv6_per_s", "1/s", "  IPv6 replies of a core, without I/O", "reply",
           program("reply_ticks_ipv6_per_s")),
    Figure("reply_ticks_ipv4_interleaved", "ticks", "compute of an interleaved IPv4 reply", "reply",
           program("reply_ticks_ipv4_interleaved")),
    Figure("reply_interleaved_per_s", "1/s", "  such replies of a core, without I/O", "reply",
           program("reply_ticks_ipv4_interleaved_per_s")),
    Figure("ring_replies_per_s", "1/s", "worker loop over in-process rings", "rings",
           program("ring_replies_per_s"), Target(">=", 27.4e6)),
    Figure("ring_worker_ticks", "ticks", "  the worker's time for each", "rings",
           program("ring_worker_ticks"), Target("<=", 95)),
    Figure("growth_ticks_clients", "ticks", "  more of it for 10^7 clients than for 1", "rings",
           program("ring_clients_1e7_worker_ticks", "ring_clients_1_worker_ticks"),
           Target("<=", 25)),
    Figure("growth_ticks_rules", "ticks", "  more of it for 10^5 access rules than for none",
           "rings", program("ring_rules_1e5_worker_ticks", "ring_clients_1e3_worker_ticks"),
           Target("<=", 25)),
    Figure("ring_basic_replies_per_s", "1/s", "  10^3 clients without rules", "rings",
           program("ring_clients_1e3_replies_per_s")),
    Figure("ring_rules_1e5_replies_per_s", "1/s", "  and 10^5 access rules", "rings",
           program("ring_rules_1e5_replies_per_s")),
    Figure("ring_rules_1e6_replies_per_s", "1/s", "  and 10^6 access rules", "rings",
           program("ring_rules_1e6_replies_per_s")),
    Figure("ring_interleaved_replies_per_s", "1/s", "  without rules, in interleaved mode", "rings",
           program("ring_interleaved_replies_per_s")),
    Figure("ring_aes128_replies_per_s", "1/s", "  and signed by AES-CMAC (AES128) instead", "rings",
           program("ring_aes128_replies_per_s")),
    Figure("ring_counted_replies_per_s", "1/s", "  without rules, clients counted", "rings",
           program("ring_counted_replies_per_s")),
    Figure("growth_ticks_counted", "ticks", "  more of it where clients are counted", "rings",
           program("ring_counted_worker_ticks", "ring_clients_1e3_worker_ticks"),
           Target("<=", 5)),
    Figure("growth_ticks_default_limit", "ticks",
           "  more of it for 10^7 clients and the default rate limit", "rings",
           program("ring_default_limit_worker_ticks", "ring_clients_1_worker_ticks"),
           Target("<=", 25)),
    Figure("growth_ticks_full_limiter", "ticks", "  more of it when the limiter's table is full",
           "rings", program("ring_full_limiter_worker_ticks", "ring_clients_1_worker_ticks"),
           Target("<=", 25)),
    Figure("ring_ipv6_replies_per_s", "1/s", "  the same over IPv6, no rules", "rings",
           program("ring_ipv6_replies_per_s")),
    Figure("ring_ipv6_worker_ticks", "ticks", "  the worker's time for each of these", "rings",
           program("ring_ipv6_worker_ticks")),
    Figure("workers_1_replies_per_s", "1/s", "  one worker that is fed by itself", "rings",
           program("workers_1_replies_per_s")),
    Figure("workers_2_ratio", "", "  two of them, times that", "rings",
           program("workers_2_ratio"), Target(">=", 1.8)),
    Figure("overload_3x_share_of_max", "", "  answered at 3x overload, share of the most", "rings",
           program("overload_3x_share_of_max"), Target(">=", 0.95)),
    Figure("memif_replies_per_s", "1/s", "memory NIC (memif, zero copy): capacity", "memif",
           capacity("meridian"), Target(">=", 10.96e6), responder="meridian"),
    Figure("memif_most_replies_per_s", "1/s", "  ours kept full, in the better role", "memif",
           most("meridian", "meridian_client"), Target(">=", 10.96e6)),
    Figure("memif_ideal_per_s", "1/s", "  testpmd 5tswap there, in the better role", "memif",
           most("testpmd", "testpmd_client")),
    Figure("memif_share_of_ideal", "", "  ours, share of that", "memif",
           most_ratio(["meridian", "meridian_client"], ["testpmd", "testpmd_client"])),
    Figure("memif_server_most_replies_per_s", "1/s", "  ours as the memif's server, which copies",
           "memif", most("meridian")),
    Figure("memif_server_share_of_ideal", "", "    share of testpmd's as the server", "memif",
           most_ratio(["meridian"], ["testpmd"])),
    Figure("memif_client_most_replies_per_s", "1/s", "  ours as its client, without copies",
           "memif", most("meridian_client")),
    Figure("memif_client_share_of_ideal", "", "    share of testpmd's as the client", "memif",
           most_ratio(["meridian_client"], ["testpmd_client"])),
    Figure("veth_replies_per_s", "1/s", "veth, AF_XDP copy mode: capacity", "veth",
           capacity("meridian"), responder="meridian"),
    Figure("veth_most_replies_per_s", "1/s", "  ours, most at any rate", "veth",
           most("meridian"), responder="meridian"),
    Figure("veth_afxdp_ideal_per_s", "1/s", "  testpmd 5tswap there, most at any rate", "veth",
           most("testpmd"), responder="testpmd"),
    Figure("veth_share_of_ideal", "", "  ours, share of that", "veth",
           most_ratio(["meridian"], ["testpmd"]), Target(">=", 0.95)),
    Figure("veth_chronyd_replies_per_s", "1/s", "  chronyd, receive path on the sender's core",
           "veth", capacity("chronyd"), responder="chronyd"),
    Figure("veth_chronyd_most_replies_per_s", "1/s", "    most at any rate", "veth",
           most("chronyd")),
    Figure("veth_times_chronyd", "", "  ours, times that, both the most", "veth",
           most_ratio(["meridian"], ["chronyd"]), Target(">=", 2)),
    Figure("veth_chronyd_one_core_replies_per_s", "1/s", "  chronyd, everything on one core",
           "veth", capacity("chronyd_one_core"), responder="chronyd_one_core"),
    Figure("veth_ntpd_replies_per_s", "1/s", "  NTPsec's ntpd, receive path on the sender's core",
           "veth", capacity("ntpd"), responder="ntpd"),
    Figure("veth_echo_per_s", "1/s", "  XDP_TX echo on the sender's core, most at any rate",
           "veth", most("echo"), responder="echo"),
    Figure("cpu_ns_per_reply", "ns", "core time of a reply, least at any rate", "veth",
           cpu_ns("meridian"), Target("<=", 0.2, "chronyd_cpu_ns_per_reply")),
    Figure("chronyd_cpu_ns_per_reply", "ns", "  chronyd, everything on one core", "veth",
           cpu_ns("chronyd_one_core")),
    Figure("chronyd_split_cpu_ns_per_reply", "ns", "  chronyd, receive path on the sender's core",
           "veth", cpu_ns("chronyd")),
    Figure("cpu_times_less_than_chronyd", "", "  ours, times less than chronyd on one core",
           "veth", cpu_ratio("chronyd_one_core", "meridian"), Target(">=", 5)),
    Figure("cpu_times_less_at_capacity", "", "    at the capacities found, spinning included", "veth",
           cpu_ratio("chronyd_one_core", "meridian", ["hold"])),
    Figure("agreement_loss_difference", "", "meridian-load and ntpperf before chronyd: loss apart by",
           "agreement", farthest(lambda results: results["loss"], difference), Target("<=", 1e-3)),
    Figure("agreement_invalid_difference", "", "  share of invalid replies apart by", "agreement",
           farthest(invalid_share, difference), Target("<=", 0)),
    Figure("agreement_min_residence_ratio", "", "  chronyd's least response time apart, times",
           "agreement", farthest(residence("min"), times), Target("<=", 1.5)),
    Figure("agreement_mean_residence_ratio", "", "  its mean response time apart, times",
           "agreement", farthest(residence("mean"), times), Target("<=", 1.5)),
    Figure("agreement_chronyd_capacity", "1/s", "  capacity by meridian-load", "agreement",
           capacity("chronyd"), responder="chronyd"),
    Figure("chronyd_drops_start_share", "", "  chronyd's socket drops 1 % from, share of that",
           "agreement", drops_start),
    Figure("chronyd_drops_of_lost", "", "  what its socket drops in all, share of the lost",
           "agreement", drops_of_lost, Target(">=", 0.98)),
    Figure("idle_cpu_percent", "%", "CPU of the dataplane without traffic", "idle",
           idle_percent, Target("<=", 5)),
    Figure("generator_per_s", "1/s", "meridian-load against its own reflector", "generator",
           capacity("reflect"), responder="reflect"),
    Figure("flood_answered_per_s", "1/s", "flood of 10^7 sources: answered, most",
           "flood", flood_answered),
    Figure("flood_100k_clients_lost", "", "  lost by clients beside 100 k/s of it", "flood",
           clients_lost("100k"), Target("<=", 0.01)),
    Figure("flood_300k_clients_lost", "", "  beside 300 k/s", "flood",
           clients_lost("300k"), Target("<=", 0.01)),
    Figure("flood_1500k_clients_lost", "", "  beside 1.5 M/s, or what the generator can", "flood",
           clients_lost("1500k", lambda _: True), Target("<=", 0.01)),
    Figure("flood_shared_answered_per_s", "1/s", "flood and clients in one queue: answered, most",
           "flood-shared", flood_answered),
    Figure("flood_shared_capacity_per_s", "1/s", "  capacity there, at 1 % loss", "flood-shared",
           capacity("meridian"), responder="meridian"),
    Figure("flood_shared_75_percent_clients_lost", "", "  lost by clients beside 75 % of that",
           "flood-shared", clients_lost("75%"), Target("<=", 0.01)),
    Figure("flood_shared_50k_clients_lost", "", "  lost by clients beside 50 k/s of it",
           "flood-shared", clients_lost("50k"), Target("<=", 0.01)),
    Figure("flood_shared_100k_clients_lost", "", "  beside 100 k/s", "flood-shared",
           clients_lost("100k"), Target("<=", 0.01)),
    Figure("flood_shared_300k_clients_lost", "", "  beside 300 k/s", "flood-shared",
           clients_lost("300k"), Target("<=", 0.01)),
    Figure("flood_shared_300k_socket_full", "", "  of these the dataplane's socket had no room for",
           "flood-shared", flood_refused("300k", "socket_full")),
    Figure("flood_shared_300k_pair_full", "", "  the veth pair before it had no room for",
           "flood-shared", flood_refused("300k", "pair_full")),
    Figure("generator_build_ticks", "ticks", "  to make an IPv4 request, without sending it",
           "generator", program("build_ticks_ipv4")),
    Figure("generator_check_ticks", "ticks", "  to check and count the reply", "generator",
           program("check_ticks_ipv4")),
    Figure("generator_floor_p50_ns", "ns", "  its round trip there at 100 k/s, median", "generator",
           lambda ms: [m["results"]["round_trip_ns"]["p50"]
                       for m in of(ms, what="floor") if m.get("results")]),
]

HEADLINES = [
    "memif_replies_per_s", "memif_ideal_per_s", "ring_replies_per_s", "reply_ticks_ipv4",
    "reply_ticks_ipv6", "veth_replies_per_s", "veth_afxdp_ideal_per_s",
    "veth_chronyd_replies_per_s", "veth_echo_per_s", "cpu_ns_per_reply",
    "chronyd_cpu_ns_per_reply", "idle_cpu_percent", "overload_3x_share_of_max",
]


# --- evaluation ---------------------------------------------------------------------------------


def evaluate(measurements, reasons):
    """{key: everything about the figure}; `reasons` says why a case has no measurements."""
    found = {figure.key: samples_of(figure, measurements) for figure in FIGURES}
    medians = {key: statistics.median(s) for key, (s, _) in found.items() if s}
    return {f.key: describe(f, *found[f.key], medians, measurements, reasons) for f in FIGURES}


def samples_of(figure, measurements):
    """(samples, whether other processes disturbed them): the disturbed only where no others are."""
    own = [m for m in measurements if m["case"] == figure.case]
    quiet = [float(s) for s in figure.samples([m for m in own if not m.get("noisy")])]
    return (quiet, False) if quiet else ([float(s) for s in figure.samples(own)], True)


def describe(figure, samples, disturbed, medians, measurements, reasons):
    value = medians.get(figure.key)
    target = figure.target
    described = {
        "value": value, "unit": figure.unit, "text": figure.text.strip(), "rounds": len(samples),
        "min": min(samples, default=None), "median": value, "max": max(samples, default=None),
        "samples": samples,
        "target": str(target) if target else None,
        "limit": target.limit(medians) if target else None,
        "met": target.met(value, medians) if target and value is not None else None,
        "disturbed": disturbed if samples else None,
        "generator_limited": any(
            limited(m) for m in of(measurements, case=figure.case, responder=figure.responder))
        if figure.responder else None,
    }
    if value is None:
        described["reason"] = why_missing(figure, measurements, reasons)
    return described


def why_missing(figure, measurements, reasons):
    if figure.case in reasons:
        return reasons[figure.case]
    own = [m for m in measurements if m["case"] == figure.case]
    errors = sorted({m["error"] for m in own if m.get("error")})
    missing = sorted({f"{m['responder']}: {m['missing']}" for m in own if m.get("missing")})
    floods = sorted({why_no_flood(m) for m in of(own, what="clients") if not is_whole(m)})
    return "; ".join(errors + missing + floods) or "the measurement gave no such figure"
