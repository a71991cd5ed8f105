# SPDX-License-Identifier: BSD-3-Clause
"""The acceptance matrix (tests/matrix), as its printer prints it."""

import subprocess

import wire


class Row:
    def __init__(self, line):
        fields = line.rstrip("\n").split("\t")
        self.name, self.verdict, self.way = fields[:3]
        self.kernel_answers = fields[3] == "1"
        self.first, self.poll = int(fields[4]), int(fields[5])
        self.transmit = int(fields[6], 16).to_bytes(8, "big")
        self.frames = [bytes.fromhex(field) for field in fields[7:]]
        self.tags, at = wire.parse_tags(self.frames[0])
        self.ipv6 = self.frames[0][at:at + 2] == b"\x86\xdd"

    def is_tagged(self):
        """The kernel takes priority tags, and gives frames of a VLAN to the VLAN's interface."""
        return any(tci & 0xFFF for _, tci in self.tags)

    def answered(self, process):
        if process == "fallback" and self.kernel_answers:
            return True
        return self.verdict.startswith("answered") or self.way == "kernel"

    def reply_length(self):
        """Of version 5 that of the request, which no row makes longer than its packet."""
        at = self.frames[0].find(self.transmit) - 24
        return len(self.frames[0]) - at if self.first >> 3 == 5 else 48

    def check(self, process, tags, payload):
        """What every reply must be."""
        want_tags = [] if process == "fallback" else self.tags
        if tags != want_tags:
            return f"the reply has tags {tags}, expected {want_tags}"
        if payload[0] & 0x3F != self.first or payload[24:32] != self.transmit:
            return f"the reply is {payload.hex()}"
        if payload[2] != self.poll & 0xFF or len(payload) != self.reply_length():
            return f"poll {payload[2]}, {len(payload)} octets"
        return None


def read(printer, server_mac, client_mac, *server):
    """The rows by their names, built for two MAC addresses. `server`: "ntpv5" if it is spoken."""
    table = subprocess.run([printer, server_mac, client_mac, *server], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    return {row.name: row for row in map(Row, table.splitlines())}
