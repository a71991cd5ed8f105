/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_LAYOUT_H
#define DATAPLANE_LAYOUT_H

/* Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768) as far as requests need them. */

#define MAC_SIZE        6
#define ETHERNET_HEADER 14
#define VLAN_TAG        4
#define VLAN_TAGS_MAX   2
#define IPV4_HEADER     20
#define IPV6_HEADER     40
#define UDP_HEADER      8
#define UDP_CHECKSUM    6 /* offset in the UDP header */

#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_IPV6  0x86dd
#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_SVLAN 0x88a8

#define IPV4_DONT_FRAGMENT 0x4000
#define IPV4_FRAGMENT      0x3fff /* more fragments, or an offset */
#define PROTOCOL_UDP       17
#define REPLY_TTL          64

#endif
