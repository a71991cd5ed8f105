/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The control socket: what a client may send, answered from reports that say anything, and from
 * pages of clients that are good.
 *
 * Input: the request's length (15 bits) and whether it came over UDP (1 bit), its octets, then what
 * the reports say.
 */

#include "edits.h"
#include "talkers.h"
#include <answer.h>
#include <errno.h>
#include <steer/steer.h>

#define SOURCES 3
#define TALKERS 20 /* more than one reply has */

#define OVER_UDP 0x8000

static struct fuzz_input reports;
static struct meridian_page pages[TALKERS_PAGES];

unsigned int report_source_count(void)
{
	return SOURCES;
}

int report_source(unsigned int index, struct report_source *ret_source)
{
	if (index >= SOURCES)
		return -ENOENT;
	fuzz_take(&reports, ret_source, sizeof(*ret_source));
	ret_source->name = ret_source->stratum & 1 ? NULL : "ntp.example";
	ret_source->state %= REPORT_SOURCE_COMBINED + 1;
	return 0;
}

int report_select(unsigned int index, struct report_select *ret_select)
{
	if (index >= SOURCES)
		return -ENOENT;
	fuzz_take(&reports, ret_select, sizeof(*ret_select));
	ret_select->authenticated = fuzz_u8(&reports) & 1;
	return 0;
}

int report_ntp(unsigned int index, struct report_ntp *ret_ntp)
{
	if (index >= SOURCES)
		return -ENOENT;
	fuzz_take(&reports, ret_ntp, sizeof(*ret_ntp));
	ret_ntp->interleaved = fuzz_u8(&reports) & 1;
	ret_ntp->dataplane_transmit = fuzz_u8(&reports) & 1;
	ret_ntp->dataplane_receive = fuzz_u8(&reports) & 1;
	ret_ntp->authenticated = fuzz_u8(&reports) & 1;
	return 0;
}

void report_tracking(struct report_tracking *ret_tracking)
{
	fuzz_take(&reports, ret_tracking, sizeof(*ret_tracking));
}

void report_activity(struct report_activity *ret_activity)
{
	fuzz_take(&reports, ret_activity, sizeof(*ret_activity));
}

bool steer_allows(const struct report_address *address)
{
	return address->octets[0] % 2;
}

const char *steer_rundir(void)
{
	return edits_rundir();
}

void steer_report_server(struct report_server *ret_server)
{
	fuzz_take(&reports, ret_server, sizeof(*ret_server));
}

static void check_reply(const uint8_t *request, uint8_t *reply, size_t length, bool over_udp)
{
	struct candm_wire wire = {.octets = reply, .size = length, .decode = true};
	struct candm_reply head;

	candm_reply(&wire, &head);
	FUZZ_CHECK(!wire.overrun);
	FUZZ_CHECK(head.version == CANDM_VERSION && head.type == CANDM_TYPE_REPLY);
	FUZZ_CHECK(memcmp(request + 4, reply + 4, 2) == 0); /* command */
	FUZZ_CHECK(head.status == CANDM_STATUS_SUCCESS || head.reply == CANDM_REPLY_NULL);
	FUZZ_CHECK(head.status != CANDM_STATUS_INACTIVE);
	FUZZ_CHECK(!over_udp || head.reply != CANDM_REPLY_CLIENTS);
}

/* What is ordered must be what could be: nothing without an end, and nothing else. */
static bool order_sources_fuzzed(const struct order_target *target, const struct order *order)
{
	FUZZ_CHECK(target->address.family <= MERIDIAN_FAMILY_IPV6);
	FUZZ_CHECK(target->mask.family <= MERIDIAN_FAMILY_IPV6);
	FUZZ_CHECK(target->id == 0 || target->address.family == 0);
	FUZZ_CHECK(order->kind != ORDER_BURST || order->burst_requests > 0);
	return target->address.octets[3] & 1;
}

static void order_reselect_fuzzed(void)
{
}

static bool order_step_fuzzed(void)
{
	return true;
}

static const struct answer_orders orders = {
	order_sources_fuzzed, order_reselect_fuzzed, order_step_fuzzed};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint16_t how = fuzz_u16(&input);
	bool over_udp = how & OVER_UDP;
	const struct answer_context context = {.hits = 1, .orders = over_udp ? NULL : &orders};
	size_t length = how & ~OVER_UDP, replied;
	uint8_t reply[CANDM_REPLY_MAX], *request, *before;

	talkers_make(pages, edits_rundir(), TALKERS);
	if (length > input.size)
		length = input.size;
	request = fuzz_copy(input.data, length);
	before = fuzz_copy(input.data, length);
	reports = (struct fuzz_input){input.data + length, input.size - length};
	replied = answer(request, length, &context, reply);
	FUZZ_CHECK(replied <= length && replied <= sizeof(reply));
	FUZZ_CHECK(memcmp(request, before, length) == 0);
	if (replied > 0) {
		uint8_t copy[CANDM_REPLY_MAX];

		check_reply(request, reply, replied, over_udp);
		FUZZ_CHECK(answer(reply, replied, &context, copy) == 0); /* no reply to a reply */
	}
	free(request);
	free(before);
	return 0;
}
