# SPDX-License-Identifier: BSD-3-Clause
"""Builds Ethernet frames that carry NTP requests, right or wrong, and exchanges them with a server
over a packet socket. A frame is bytes; the layers are separate so that a case can spoil one."""

import os
import select
import socket
import struct
import time

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
ETHERTYPE_VLAN, ETHERTYPE_SVLAN = 0x8100, 0x88A8
PROTOCOL_UDP = 17
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def ntp(version=4, mode=3, length=48, tail=b"", transmit=None):
    header = bytes([version << 3 | mode]) + bytes(39) + (transmit or os.urandom(8))
    return header[:length] + tail


def udp(source, destination, payload, source_port=40123, port=123, length=None, checksum_xor=0,
        has_checksum=True):
    """A datagram between two packed addresses, with its checksum."""
    length = 8 + len(payload) if length is None else length
    header = struct.pack("!HHHH", source_port, port, length, 0)
    pseudo = source + destination + struct.pack("!HH", PROTOCOL_UDP, 8 + len(payload))
    value = (checksum(pseudo + header + payload) or 0xFFFF) ^ checksum_xor
    return header[:6] + struct.pack("!H", value if has_checksum else 0) + payload


def ipv4(source, destination, payload, options=b"", fragment=0, checksum_xor=0, ident=1,
         protocol=PROTOCOL_UDP):
    header = struct.pack("!BBHHHBBH4s4s", 4 << 4 | (20 + len(options)) // 4, 0,
                         20 + len(options) + len(payload), ident, fragment, 64, protocol, 0,
                         source, destination) + options
    value = checksum(header) ^ checksum_xor
    return header[:10] + struct.pack("!H", value) + header[12:] + payload


def ipv6(source, destination, payload, next_header=PROTOCOL_UDP):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), next_header, 64, source,
                       destination) + payload


def ethernet(destination, source, tags, ethertype, payload):
    """`tags`: (TPID, TCI) from the outside in."""
    middle = b"".join(struct.pack("!HH", tpid, tci) for tpid, tci in tags)
    return destination + source + middle + struct.pack("!H", ethertype) + payload


def parse_reply(frame):
    """(tags, NTP payload) of an Ethernet frame that comes from UDP port 123, else None."""
    tags, at = [], 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        tags.append(struct.unpack_from("!HH", frame, at))
        at += 4
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
    """A packet socket on one interface."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((interface, ETH_P_ALL))
        self.mac = self.socket.getsockname()[4]

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

    def reply(self, transmit, timeout):
        """(tags, payload) of the reply whose origin timestamp is `transmit`, or None."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                break
            frame = self.receive()
            found = parse_reply(frame) if frame else None
            if found and found[1][24:32] == transmit:
                return found
        return None
