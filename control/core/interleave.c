/* SPDX-License-Identifier: BSD-3-Clause */
#include "interleave.h"

void interleave_request(struct interleave *interleave, struct packet_request *request)
{
	if (interleave->unanswered == INTERLEAVE_UNANSWERED_MAX)
		interleave->known = false;
	else
		interleave->unanswered++;
	request->interleaved = interleave->known;
	if (interleave->known)
		request->earlier = interleave->earlier;
}

bool interleave_answered(struct interleave *interleave, const struct packet_request *request,
	const struct packet_response *response)
{
	bool again = response->interleaved && interleave->used;

	*interleave = (struct interleave){.earlier = {.t1 = request->t1,
						  .t4 = request->t4,
						  .error_s = request->error_s,
						  .t2 = response->receive},
		.known = true,
		.used = !response->interleaved};
	return !again;
}

void interleave_stamp(struct interleave *interleave, uint64_t t1, uint64_t t4, double error_s)
{
	interleave->earlier.t1 = t1;
	interleave->earlier.t4 = t4;
	interleave->earlier.error_s = error_s;
}
