# SPDX-License-Identifier: BSD-3-Clause
"""Exchanges raw Ethernet frames with a server and finds the NTP replies among what comes back."""

import select
import socket
import struct
import time

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
ETHERTYPE_VLAN = 0x8100
PROTOCOL_UDP = 17
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4


def parse_tags(frame):
    """(VLAN tags from the outside in, offset of the EtherType behind them)."""
    tags, at = [], 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        tags.append(struct.unpack_from("!HH", frame, at))
        at += 4
    return tags, at


def parse_reply(frame):
    """(tags, NTP payload) of an Ethernet frame that comes from UDP port 123, else None."""
    tags, at = parse_tags(frame)
    (ethertype,) = struct.unpack_from("!H", frame, at)
    at += 2
    if ethertype == ETHERTYPE_IPV4 and frame[at + 9] == PROTOCOL_UDP:
        at += (frame[at] & 15) * 4
    elif ethertype == ETHERTYPE_IPV6 and frame[at + 6] == PROTOCOL_UDP:
        at += 40
    else:
        return None
    if len(frame) < at + 56 or struct.unpack_from("!H", frame, at)[0] != 123:
        return None
    return tags, frame[at + 8:]


class Wire:
    """A packet socket on one interface. `replies`: what came in so far, by origin timestamp."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((interface, ETH_P_ALL))
        self.mac = self.socket.getsockname()[4].hex(":")
        self.replies = {}

    def send(self, frame):
        self.socket.send(frame)

    def receive(self):
        """One frame that came in from the wire, its outer VLAN tag put back; None for our own."""
        data, control, _, sender = self.socket.recvmsg(65536, 256)
        if sender[2] == socket.PACKET_OUTGOING:
            return None
        for level, kind, value in control:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                data = data[:12] + struct.pack("!HH", tpid or ETHERTYPE_VLAN, tci) + data[12:]
        return data

    def collect(self, timeout_s, until):
        """Takes in replies until until() is true; returns whether it was in time."""
        deadline = time.monotonic() + timeout_s
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not select.select([self.socket], [], [], min(left, 0.002))[0]:
                continue
            frame = self.receive()
            found = parse_reply(frame) if frame else None
            if found:
                self.replies.setdefault(found[1][24:32], []).append(found)
        return True
