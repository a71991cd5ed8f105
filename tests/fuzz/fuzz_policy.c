/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The policy page as the dataplane finds it: what meridian_policy_read() accepts can be expanded
 * and served from.
 *
 * Input: the mapped page; from the start of its first slot on if it begins with 0.
 */

#include "fixture.h"
#include "fuzz.h"
#include <meridian/policy.h>

#define PAGE_MAX 65536

/* A page around a blob, as control writes it. */
static void *page_around(struct fuzz_input *input, size_t *ret_size)
{
	struct meridian_slots head = {.generation = 2,
		.slot = {{sizeof(head), input->size}, {sizeof(head), input->size}}};
	uint8_t *page = malloc(sizeof(head) + input->size);

	FUZZ_CHECK(page != NULL);
	memcpy(page, &head, sizeof(head));
	memcpy(page + sizeof(head), input->data, input->size);
	*ret_size = sizeof(head) + input->size;
	return page;
}

/* Asks each family from an address of the input. */
static void serve(const struct responder_policy *policy, uint64_t source)
{
	struct meridian_timemodel_data model = fixture_model();
	struct responder responder;

	responder_init(&responder, 1, NULL);
	responder_begin(&responder, &model, policy, FIXTURE_COUNTER, 0);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct fixture_frame f;
		uint8_t payload[PKT_NTP_SIZE];
		struct pkt pkt;

		pkt_ntp(payload, 0x23, 1);
		pkt_build(&pkt, (struct pkt_spec){.ipv6 = ipv6}, payload, sizeof(payload));
		memcpy(pkt.data + pkt.ip + (ipv6 ? 8 : 12), &source, ipv6 ? 8 : 4);
		pkt_checksum(&pkt);
		fixture_frame_init(&f, pkt.data, pkt.length);
		FUZZ_CHECK(responder_classify(&responder, &f.frame, FIXTURE_COUNTER) <
			MERIDIAN_VERDICT_COUNT);
		fixture_frame_fini(&f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size < PAGE_MAX ? size : PAGE_MAX};
	struct meridian_page page = {.fd = -1, .lock_fd = -1};
	struct meridian_policy_blob *blob;
	struct responder_policy *policy;

	if (fuzz_u8(&input) == 0) {
		page.addr = page_around(&input, &page.size);
	} else {
		page.size = input.size;
		page.addr = fuzz_copy(input.data, input.size);
	}
	if (page.size >= sizeof(struct meridian_slots) && meridian_policy_read(&page, &blob) == 0) {
		FUZZ_CHECK(meridian_policy_check(blob, blob->size) == 0);
		if (responder_policy_new(&policy, blob) == 0) {
			serve(policy, blob->generation ^ blob->size ^ blob->reserved[0]);
			responder_policy_free(policy);
		}
		free(blob);
	}
	free(page.addr);
	return 0;
}
