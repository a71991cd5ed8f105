/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Prints the acceptance matrix for tests/tools/matrix-wire, which sends it: one line for each row,
 * of fields with tabs between them: name, verdict, way, whether the kernel answers against the
 * verdict, first octet of a reply, poll, octets of its MAC, transmit timestamp, and the frames in
 * hexadecimal. With "ntpv5" the verdicts are those of a server that speaks NTPv5. "key" prints the
 * line that the server's key file must have.
 */

#include "matrix.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ways[] = {
	[MATRIX_STEERED] = "steered", [MATRIX_KERNEL] = "kernel", [MATRIX_LOST] = "lost"};

static void parse_mac(uint8_t mac[6], const char *text)
{
	unsigned int octet[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &octet[0], &octet[1], &octet[2], &octet[3], &octet[4],
		    &octet[5]) != 6) {
		fprintf(stderr, "matrix: '%s' is not a MAC address\n", text);
		exit(2);
	}
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)octet[i];
}

static void print_row(size_t i, const struct matrix_wire *wire, bool ntpv5)
{
	const struct matrix_row *row = &matrix_rows[i];
	struct matrix_frame frame[MATRIX_FRAMES_MAX];
	uint64_t transmit = row->no_transmit ? 0 : UINT64_C(0x4d45520000000001) + i;
	unsigned int count = matrix_build(row, wire, transmit, frame);

	printf("%s\t%s\t%s\t%d\t%u\t%d\t%d\t%" PRIx64, row->name,
		meridian_verdict_name(ntpv5 ? matrix_verdict_ntpv5(row) : row->verdict),
		ways[row->way], row->kernel_answers, matrix_reply_first(row), row->poll,
		row->is_signed ? row->rest : 0, transmit);
	for (unsigned int k = 0; k < count; k++) {
		putchar('\t');
		for (uint32_t at = 0; at < frame[k].length; at++)
			printf("%02x", frame[k].octets[at]);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct matrix_wire wire;

	bool ntpv5 = argc == 4 && strcmp(argv[3], "ntpv5") == 0;

	if (argc == 2 && strcmp(argv[1], "key") == 0) {
		printf("%d SHA256 ASCII:%s\n", MATRIX_KEY, MATRIX_KEY_SECRET);
		return 0;
	}
	if (argc != 3 && !ntpv5) {
		fputs("usage: matrix SERVER-MAC CLIENT-MAC [ntpv5] | key\n", stderr);
		return 2;
	}
	parse_mac(wire.server_mac, argv[1]);
	parse_mac(wire.client_mac, argv[2]);
	for (size_t i = 0; i < matrix_row_count; i++)
		print_row(i, &wire, ntpv5);
	return 0;
}
