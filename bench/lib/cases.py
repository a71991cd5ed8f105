# SPDX-License-Identifier: BSD-3-Clause
"""Runs the scripts of bench/cases and collects their measurements."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

SKIP_EXIT_CODE = 77
STOP_S = 20
LOG_LINES = 5


class Interrupted(Exception):
    pass


def interruptible():
    """SIGINT, SIGTERM and SIGHUP end the run like an exception, wherever it is."""
    def interrupt(number, _frame):
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)  # once is enough: cleaning up has begun
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


class Case:
    """One script. Its name without number and suffix is the case of its measurements."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = re.sub(r"^\d+-", "", self.path.stem)

    def run(self, env, log_path, measurements, report):
        """Adds to the measurements. Returns why there are none or too few, else None.

        Calls report(line) for each measurement and note.
        """
        reason = None
        with open(log_path, "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [str(self.path)], env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, text=True, errors="replace",
                start_new_session=True)
            try:
                for line in process.stdout:
                    reason = self.take(line.strip(), measurements, report) or reason
                code = process.wait()
            except BaseException:
                stop(process)
                raise
        if code not in (0, SKIP_EXIT_CODE):
            reason = f"{self.path.name} failed: {last_line(log_path) or f'exit code {code}'}"
        return reason

    def take(self, line, measurements, report):
        """A line of JSON is a measurement, another one a note or the reason of a skip. What only begins
        like JSON is a note: the last words of a case that was killed.
        """
        try:
            measurement = json.loads(line) if line.startswith("{") else None
        except ValueError:
            measurement = None
        if measurement:
            measurements.append({"case": self.name, **measurement})
            report(measurements[-1])
        elif line.startswith("SKIP:"):
            return line[5:].strip()
        elif line:
            report(line)
        return None


def stop(process):
    """Ends a case as an interrupt does, so that its lab cleans up."""
    process.terminate()
    end = time.monotonic() + STOP_S
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    if process.poll() is None:
        process.kill()
        process.wait()


def last_line(path):
    """The line with FAIL, else the last one."""
    lines = [line.strip() for line in pathlib.Path(path).read_text(errors="replace").splitlines()
             if line.strip()]
    failures = [line for line in lines if line.startswith("FAIL:")]
    return (failures or lines or [None])[-1]


def find(directory, names):
    """The cases in order of their numbers: all, or the named ones. ValueError for another name."""
    cases = [Case(path) for path in sorted(pathlib.Path(directory).glob("[0-9]*-*.sh"))]
    known = {case.name for case in cases}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no case {unknown[0]}; there are: {' '.join(c.name for c in cases)}")
    return [case for case in cases if not names or case.name in names]
