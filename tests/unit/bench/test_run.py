#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What bench/run makes of cases that fail, are killed or find nothing, and of what they measured."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench"))

from lib import cases, figures, table

# What others read in results.json.
KEYS = """memif_replies_per_s memif_ideal_per_s ring_replies_per_s reply_ticks_ipv4 reply_ticks_ipv6
veth_replies_per_s veth_afxdp_ideal_per_s veth_chronyd_replies_per_s veth_echo_per_s cpu_ns_per_reply
chronyd_cpu_ns_per_reply idle_cpu_percent overload_3x_share_of_max""".split()


def agreement(tool, **results):
    return {"case": "agreement", "responder": "chronyd", "what": "agree", "tool": tool,
            "rate": "10000", "round": "1", "results": {"loss": 0, "sent": 10000, "server_residence_ns": {}, **results}}


class Cases(unittest.TestCase):
    def run_case(self, script):
        """(measurements, lines that were told, reason)"""
        measurements, told = [], []
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name) / "10-some.sh"
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
            reason = cases.Case(path).run({}, pathlib.Path(name) / "log", measurements, told.append)
        return measurements, told, reason

    def test_measurement(self):
        self.assertEqual(self.run_case("""echo '{"what": "x"}'; echo a note"""),
                         ([{"case": "some", "what": "x"}],
                          [{"case": "some", "what": "x"}, "a note"], None))

    def test_failure(self):
        measurements, _, reason = self.run_case(
            """echo '{"what": "x"}'; echo "FAIL: no link" >&2; echo later >&2; exit 1""")
        self.assertEqual(len(measurements), 1)
        self.assertEqual(reason, "10-some.sh failed: FAIL: no link")

    def test_skip(self):
        self.assertEqual(self.run_case("echo 'SKIP: no chronyd'; exit 77")[2], "no chronyd")

    def test_killed(self):
        measurements, told, reason = self.run_case("""printf '{"what": "x'; kill -KILL $$""")
        self.assertEqual((measurements, told), ([], ['{"what": "x']))
        self.assertIn("10-some.sh failed", reason)


class Figures(unittest.TestCase):
    @staticmethod
    def flood(responder, replies, busy_ns, seconds=1.0, **more):
        return {"responder": responder, "round": "1", "what": "flood", "results": {},
                "core": {"seconds": seconds, "replies": replies, "busy_ns": busy_ns}, **more}

    def test_most_and_least(self):
        own = [self.flood("meridian", 500, 1000), self.flood("meridian", 400, 900),
               self.flood("meridian", 900, 900, error="wrong replies"),
               self.flood("meridian", 300, 300, seconds=0.2)]
        other = [self.flood("chronyd", 100, 1000), self.flood("chronyd", 200, 1800)]
        self.assertEqual(figures.most("meridian")(own + other), [500])
        self.assertEqual(figures.cpu_ns("meridian")(own + other), [2])
        self.assertEqual(figures.most_ratio(["meridian"], ["chronyd"])(own + other), [2.5])
        self.assertEqual(figures.cpu_ratio("chronyd", "meridian")(own + other), [4.5])
        hold = [{**m, "what": "hold"} for m in (own[1], other[0])]
        self.assertAlmostEqual(
            figures.cpu_ratio("chronyd", "meridian", ["hold"])(own + other + hold)[0], 10 / 2.25)

    def test_limited(self):
        busy, idle = self.flood("meridian", 1, 1), self.flood("meridian", 1, 1)
        busy["results"], idle["results"] = ({"generator_idle_share": share} for share in (0, 0.9))
        self.assertTrue(figures.limited(busy))
        self.assertFalse(figures.limited(idle))
        self.assertFalse(figures.limited(self.flood("chronyd", 1, 1)))

    def test_keys(self):
        self.assertEqual(figures.HEADLINES, KEYS)
        self.assertLessEqual(set(KEYS), {figure.key for figure in figures.FIGURES})

    def test_without_measurements(self):
        reasons = {figure.case: "no chronyd" for figure in figures.FIGURES}
        for key, figure in figures.evaluate([], reasons).items():
            self.assertIsNone(figure["value"], key)
            self.assertEqual(table.verdict(figure), "not measured: no chronyd")

    def test_target_of_nothing(self):
        """A target that is 0 and missed has no share."""
        found = [agreement("ntpperf", invalid_share=0.125), agreement("meridian-load", invalid={})]
        figure = figures.evaluate(found, {})["agreement_invalid_difference"]
        self.assertEqual(figure["value"], 0.125)
        self.assertIn("missed, 0.125 off", table.verdict(figure))

    def test_kinds(self):
        """Of each kind the same as the figure has, not what one round says."""
        found = [{"case": "reply", "results": {"reply_ticks_ipv6": ticks, "reply_ticks_ipv6_min": 1}}
                 for ticks in (40.0, 43.8, 59.2)]
        self.assertEqual(table.kinds(found)[2:], ["    43.8  reply_ticks_ipv6"])
        self.assertEqual(table.kinds([]), [])


unittest.main()
