/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The small files that control reads: list of leap seconds, drift file, script of the clock.
 *
 * Input: which (modulo 3), then the file.
 */

#include "fuzz.h"
#include <core/drift.h>
#include <core/leap_list.h>
#include <core/script.h>
#include <errno.h>
#include <math.h>

static void leap_list(const char *text, size_t length)
{
	static struct leap_list list;
	unsigned int line = 0;
	const char *message = leap_list_parse(text, length, &list, &line);

	if (message != NULL) {
		FUZZ_CHECK(message[0] != '\0');
		return;
	}
	FUZZ_CHECK(list.count >= 1 && list.count <= LEAP_LIST_MAX);
	for (size_t i = 1; i < list.count; i++)
		FUZZ_CHECK(list.entry[i].from_s > list.entry[i - 1].from_s);
	leap_list_of_tai(&list, list.entry[0].from_s);
	leap_list_of_tai(&list, INT64_MAX);
	leap_list_of_tai(&list, INT64_MIN);
}

static void drift(const char *text, size_t length)
{
	char *line = strndup(text, length), written[256];
	struct drift drift, again;

	if (drift_parse(line, &drift) == 0) {
		FUZZ_CHECK(isfinite(drift.ppm) && isfinite(drift.skew_ppm) && drift.skew_ppm >= 0);
		FUZZ_CHECK(drift_format(&drift, written, sizeof(written)) < (int)sizeof(written));
		if (drift.hz != 0)
			FUZZ_CHECK(drift_parse(written, &again) == 0 && again.hz == drift.hz);
	}
	free(line);
}

static void script(const char *text, size_t length)
{
	static struct script script;
	char message[SCRIPT_MESSAGE_SIZE] = "";
	struct script_state state;
	unsigned int line = 0;

	if (script_parse(text, length, &script, &line, message) < 0) {
		FUZZ_CHECK(message[0] != '\0' && strlen(message) < sizeof(message));
		return;
	}
	FUZZ_CHECK(script.count <= SCRIPT_ACTIONS_MAX);
	script_begin(&state);
	for (double now_s = 0; now_s < 1e9; now_s = 2 * now_s + 1) {
		while (script_take(&script, &state, now_s) != NULL)
			;
		FUZZ_CHECK(isfinite(script_offset(&state, now_s)));
		FUZZ_CHECK(fabs(script_rate(&state, now_s)) <= SCRIPT_RATE_MAX);
		FUZZ_CHECK(script_next_s(&script, &state, now_s) > now_s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *text, size_t length) = {
		leap_list, drift, script};
	struct fuzz_input input = {data, size};
	uint8_t which = fuzz_u8(&input) % 3;
	char *text = fuzz_copy(input.data, input.size);

	readers[which](text, input.size);
	free(text);
	return 0;
}
