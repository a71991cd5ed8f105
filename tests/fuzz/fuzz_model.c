/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The time model as a reader finds it: what meridian_timemodel_sane() lets through can be computed
 * with at any counter value, and replies of it are good.
 *
 * Input: counter values, then the model.
 */

#include "fixture.h"
#include "fuzz.h"
#include "reply_check.h"
#include <clock.h>
#include <reply.h>

static void check_arithmetic(const struct meridian_timemodel_data *model, uint64_t counter)
{
	struct meridian_utc utc = meridian_timemodel_utc(model, counter);
	uint64_t dispersion = meridian_timemodel_dispersion_ns(model, counter);
	uint8_t leap = meridian_timemodel_leap_indicator(model, utc);
	int offset = meridian_timemodel_leap_offset_s(model, utc);

	FUZZ_CHECK(dispersion >= model->root_dispersion_ns && dispersion <= UINT64_MAX / 2);
	FUZZ_CHECK(leap <= MERIDIAN_NTP_LI_UNKNOWN && offset >= -1 && offset <= 1);
	FUZZ_CHECK(clock_leap_indicator(model, utc) <= MERIDIAN_NTP_LI_UNKNOWN);
	FUZZ_CHECK(!meridian_timemodel_valid(model, counter) ||
		model->status == MERIDIAN_TIMEMODEL_SYNCHRONISED);
	meridian_timemodel_ticks(model, counter);
	meridian_timemodel_ns(model, counter);
}

/* Within a segment the clock does not run backwards. */
static void check_order(const struct meridian_timemodel_data *model, uint64_t counter)
{
	struct meridian_utc a = meridian_timemodel_utc(model, counter);
	struct meridian_utc b = meridian_timemodel_utc(model, counter + 1);
	bool one_segment = counter + 1 != model->line.counter && counter != UINT64_MAX;

	FUZZ_CHECK(!one_segment || b.s > a.s || (b.s == a.s && b.frac64 >= a.frac64));
}

static void check_reply(const struct meridian_timemodel_data *model, uint64_t counter)
{
	static struct responder_policy *policy;
	struct responder responder;
	uint8_t payload[PKT_NTP_SIZE];
	struct fixture_frame f;
	struct pkt pkt;
	const char *fault;

	if (policy == NULL)
		policy = fixture_policy();
	pkt_ntp(payload, 0x23, counter);
	pkt_build(&pkt, (struct pkt_spec){.ipv6 = counter & 1}, payload, sizeof(payload));
	fixture_frame_init(&f, pkt.data, pkt.length);
	responder_init(&responder, 1, NULL);
	responder_begin(&responder, model, policy, counter, 0);
	FUZZ_CHECK(meridian_verdict_outcome(responder_classify(&responder, &f.frame, counter)) ==
		MERIDIAN_OUTCOME_ANSWER);
	responder_finish(&responder, &f.frame, counter);
	fault = reply_fault(&f);
	if (fault != NULL) {
		fprintf(stderr, "reply: %s\n", fault);
		abort();
	}
	fixture_frame_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint64_t counter[3];
	struct meridian_timemodel_data model;

	fuzz_take(&input, counter, sizeof(counter));
	fuzz_take(&input, &model, sizeof(model));
	if (!meridian_timemodel_sane(&model))
		return 0;
	for (unsigned int i = 0; i < 3; i++) {
		check_arithmetic(&model, counter[i]);
		check_order(&model, counter[i]);
		check_reply(&model, counter[i]);
	}
	return 0;
}
