# SPDX-License-Identifier: BSD-3-Clause
"""SVG plots of a run, by gnuplot. A plot without data is not made, and an old one is removed."""

import subprocess

COLOURS = ["#0b6e4f", "#8a8d91", "#c1666b", "#e0a458", "#4a7fb5", "#6b4e71"]
HEAD = """set terminal svg size {width},{height} font "sans,13" background "white"
set termoption noenhanced
set output "{output}"
set title "{title}"
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
"""


class Plot:
    def __init__(self, path, title, width=860, height=460):
        self.path = path
        self.lines = [HEAD.format(output=path, title=title, width=width, height=height)]

    def add(self, *lines):
        self.lines += lines

    def data(self, name, rows):
        self.lines += [f"${name} << EOD", *(" ".join(map(str, row)) for row in rows), "EOD"]

    def draw(self):
        """Returns what went wrong, None when the plot is there."""
        try:
            done = subprocess.run(["gnuplot"], input="\n".join(self.lines) + "\n", text=True,
                                  capture_output=True, check=False)
        except OSError:
            return "no gnuplot here"
        return done.stderr.strip() or None if done.returncode else None


def throughput(path, figures):
    """Bars with the spread of the rounds."""
    bars = [("veth_replies_per_s", "Meridian"), ("veth_afxdp_ideal_per_s", "5tswap\\n(ideal)"),
            ("veth_chronyd_replies_per_s", "chronyd"),
            ("veth_chronyd_one_core_replies_per_s", "chronyd\\non one core"),
            ("veth_ntpd_replies_per_s", "ntpd\\n(NTPsec)"), ("veth_echo_per_s", "XDP_TX echo")]
    return bar_plot(path, "Replies per second over veth", bars, figures)


def memory_nic(path, figures):
    bars = [("memif_replies_per_s", "Meridian, memif"), ("memif_ideal_per_s", "5tswap, memif"),
            ("ring_replies_per_s", "Meridian, rings")]
    return bar_plot(path, "Replies per second without a kernel, one core", bars, figures)


def bar_plot(path, title, bars, figures):
    rows = [(i, f'"{label}"', *(figures[key][k] / 1e6 for k in ("median", "min", "max")), i)
            for i, (key, label) in enumerate(bars) if figures[key]["value"] is not None]
    if not rows:
        return None
    plot = Plot(path, title)
    plot.data("bars", rows)
    plot.add('set ylabel "million per second"', "set yrange [0:*]", "set boxwidth 0.6",
             "set bmargin 4",
             "set style fill solid", "set bars small", "unset key", "set offset 0.5,0.5,0,0",
             "plot $bars using 1:3:xtic(2) with boxes lc rgb '#0b6e4f', "
             "$bars using 1:3:4:5 with yerrorbars lc rgb 'black' pt 0, "
             "$bars using 1:3:(sprintf('%.3g M', $3)) with labels offset 0,0.9")
    return plot


PERCENTILES = [("p50", 50), ("p90", 90), ("p99", 99), ("p99_9", 99.9), ("p99_99", 99.99),
               ("p99_999", 99.999)]


def latency(path, rows):
    """One curve a server and load: the round trip by percentile."""
    curves = []
    for row in rows:
        points = [(1 / (1 - p / 100), row["round_trip_ns"][key] / 1000)
                  for key, p in PERCENTILES if row["round_trip_ns"].get(key)]
        if points:
            curves.append((f"{row['responder']} at {row['percent']} %", row, points))
    if not curves:
        return None
    plot = Plot(path, "Round trip under load, from the scheduled time of sending")
    for i, (_, _, points) in enumerate(curves):
        plot.data(f"curve{i}", points)
    servers = sorted({row["responder"] for row in rows}, reverse=True)
    loads = sorted({row["percent"] for row in rows})
    drawn = [f"$curve{i} with linespoints lw 2 dt {loads.index(row['percent']) + 1} pt 7 ps 0.5 "
             f"lc rgb '{COLOURS[2 * servers.index(row['responder']) % len(COLOURS)]}' "
             f"title '{label}'" for i, (label, row, _) in enumerate(curves)]
    tics = ", ".join(f"'{p} %%' {1 / (1 - p / 100):g}" for _, p in PERCENTILES)
    plot.add("set logscale xy", f"set xtics ({tics})", 'set xlabel "percentile"',
             'set ylabel "microseconds"', "set key outside right", "plot " + ", ".join(drawn))
    return plot


def growth(path, series):
    """Ticks a request by the number of clients and of access rules; series: {name: {n: value}}."""
    series = {name: points for name, points in series.items() if points}
    if not series:
        return None
    plot = Plot(path, "Cost of a request as clients and rules grow")
    drawn = []
    for i, (name, points) in enumerate(sorted(series.items())):
        plot.data(f"growth{i}", sorted((max(1, n), value) for n, value in points.items()))
        drawn.append(f"$growth{i} with linespoints lw 2 pt 7 lc rgb '{COLOURS[i]}' "
                     f"title '{name}'")
    plot.add("set logscale x", 'set format x "10^%L"', 'set xlabel "number"',
             'set ylabel "TSC ticks a request"', "set yrange [0:*]", "set key left top",
             "plot " + ", ".join(drawn))
    return plot


def draw_all(directory, document, series):
    """Returns the files that were drawn and what went wrong."""
    plots = {
        "throughput.svg": throughput(directory / "throughput.svg", document["figures"]),
        "memory-nic.svg": memory_nic(directory / "memory-nic.svg", document["figures"]),
        "latency.svg": latency(directory / "latency.svg", document["latency"]),
        "growth.svg": growth(directory / "growth.svg", series),
    }
    drawn, errors = [], []
    for name, plot in plots.items():
        (directory / name).unlink(missing_ok=True)
        if plot is None:
            continue
        error = plot.draw()
        if error:
            errors.append(f"{name}: {error}")
        else:
            drawn.append(name)
    return drawn, errors
