# SPDX-License-Identifier: BSD-3-Clause
"""The acceptance matrix (tests/matrix), as its printer prints it."""

import hashlib
import subprocess

import wire


class Key:
    """The server's, from its line of a key file."""
    def __init__(self, line):
        number, _, secret = line.rstrip("\n").split(" ", 2)
        self.number, self.secret = int(number), secret.removeprefix("ASCII:").encode()

    def mac(self, packet, octets):
        digest = hashlib.sha256(self.secret + packet).digest()
        return (self.number.to_bytes(4, "big") + digest)[:octets]


class Row:
    def __init__(self, line, key):
        fields = line.rstrip("\n").split("\t")
        self.name, self.verdict, self.way = fields[:3]
        self.kernel_answers = fields[3] == "1"
        self.first, self.poll = int(fields[4]), int(fields[5])
        self.key, self.mac = key, int(fields[6])  # octets of the reply's MAC
        self.transmit = int(fields[7], 16).to_bytes(8, "big")
        self.frames = [bytes.fromhex(field) for field in fields[8:]]
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
        return len(self.frames[0]) - at if self.first >> 3 == 5 else 48 + self.mac

    def check(self, process, tags, payload):
        """What every reply must be."""
        want_tags = [] if process == "fallback" else self.tags
        if tags != want_tags:
            return f"the reply has tags {tags}, expected {want_tags}"
        if payload[0] & 0x3F != self.first or payload[24:32] != self.transmit:
            return f"the reply is {payload.hex()}"
        if payload[2] != self.poll & 0xFF or len(payload) != self.reply_length():
            return f"poll {payload[2]}, {len(payload)} octets"
        if self.mac and payload[48:] != self.key.mac(payload[:48], self.mac):
            return f"the reply's MAC is {payload[48:].hex()}"
        return None


def read(printer, server_mac, client_mac, *server):
    """The rows by their names, built for two MAC addresses. `server`: "ntpv5" if it is spoken."""
    def printed(*arguments):
        return subprocess.run([printer, *arguments], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    key = Key(printed("key"))
    rows = (Row(line, key) for line in printed(server_mac, client_mac, *server).splitlines())
    return {row.name: row for row in rows}
