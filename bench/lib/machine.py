# SPDX-License-Identifier: BSD-3-Clause
"""The machine: what it is, what other processes do on it, and the setting that a run changes."""

import contextlib
import os
import pathlib
import re
import subprocess
import threading
import time

PROC = pathlib.Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WATCH_S = 0.2
# A stock server's socket has to hold what arrives while a virtual core is away for some ms.
RMEM_DEFAULT = PROC / "sys/net/core/rmem_default"
RMEM_BYTES = 4 << 20


def output_of(*command):
    """What a command prints, None when it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def cpu_model():
    found = re.search(r"^model name\s*: (.*)$", (PROC / "cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else None


def tsc_hz():
    """What the kernel found, in its log. Where that is gone, what a virtual processor claims to run
    at, which is the counter's rate; else None."""
    log = output_of("dmesg") or ""
    found = re.search(r"tsc: (?:Refined TSC clocksource calibration:|Detected) ([\d.]+) MHz", log)
    cpuinfo = (PROC / "cpuinfo").read_text()
    if not found and "hypervisor" in cpuinfo:
        found = re.search(r"^cpu MHz\s*: ([\d.]+)$", cpuinfo, re.MULTILINE)
    return round(float(found.group(1)) * 1e6) if found else None


def hugepages():
    directory = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
    try:
        return {"size_kb": 2048, "before_the_run": int((directory / "nr_hugepages").read_text())}
    except OSError:
        return None


def describe(root):
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in (PROC / "cpuinfo").read_text(),
        "tsc_hz": tsc_hz(),
        "kernel": os.uname().release,
        "dpdk": output_of("pkg-config", "--modversion", "libdpdk"),
        "chronyd": stock_version(root, "chrony/usr/sbin/chronyd", "--version"),
        "ntpd": stock_version(root, "ntpsec/usr/sbin/ntpd", "--version"),
        "compiler": (output_of("cc", "--version") or "").split("\n")[0] or None,
        "hugepages": hugepages(),
        "revision": output_of("git", "-C", str(root), "describe", "--always", "--dirty"),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def stock_version(root, program, option):
    text = output_of(str(root / "build/stock" / program), option)
    return re.sub(r" \([^)]*\)( version)?", "", text) if text else None


# --- other processes ----------------------------------------------------------------------------


class Process:
    """A line of /proc/PID/stat. Its time includes that of the children it has waited for."""

    def __init__(self, path):
        text = path.read_text()
        fields = text[text.rindex(")") + 2:].split()
        self.parent = int(fields[1])
        self.kernel = int(fields[6]) & 0x00200000 != 0  # PF_KTHREAD
        self.cpu_s = sum(map(int, fields[11:15])) / TICKS_PER_S


def processes():
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            found[int(path.parent.name)] = Process(path)
    return found


def foreign_cpu_s():
    """CPU time so far of everything that is neither the kernel's nor descends from this process.

    A process that ends hands its time on to the parent that waits for it, so nothing is lost.
    """
    table = processes()
    own = {os.getpid()}

    def belongs(pid):
        chain = []
        while pid in table and pid not in own:
            chain.append(pid)
            pid = table[pid].parent
        if pid in own:
            own.update(chain)
        return pid in own

    return sum(p.cpu_s for pid, p in table.items() if not p.kernel and not belongs(pid))


class Watch(threading.Thread):
    """Keeps a file up to date with the time and the CPU time of other processes so far."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = pathlib.Path(path)
        self.ended = threading.Event()
        self.write()

    def write(self):
        new = self.path.with_suffix(".new")
        new.write_text(f"{time.monotonic():.3f} {foreign_cpu_s():.2f}\n")
        new.rename(self.path)

    def run(self):
        while not self.ended.wait(WATCH_S):
            self.write()

    def stop(self):
        self.ended.set()
        self.join()


@contextlib.contextmanager
def watched(path):
    watch = Watch(path)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


@contextlib.contextmanager
def socket_buffers():
    """Raises the default size of receive buffers and puts it back."""
    before = RMEM_DEFAULT.read_text()
    RMEM_DEFAULT.write_text(f"{max(RMEM_BYTES, int(before))}\n")
    try:
        yield
    finally:
        RMEM_DEFAULT.write_text(before)
