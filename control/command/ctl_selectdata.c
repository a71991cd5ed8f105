/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl.h"
#include <math.h>

struct select_row {
	char name_text[CTL_NAME_SIZE], address_text[CTL_NAME_SIZE];
	char mark_text[2], written_text[8], options_text[8];
	const char *mark, *name, *address, *written, *options, *leap, *why;
	bool authenticated;
	uint64_t sample_age_s;
	double score, low_s, high_s;
};

static const struct output_field select_fields[] = {
	OUTPUT_FIELD("state", "", STRING, select_row, mark, 0),
	OUTPUT_FIELD("name", "Name", STRING, select_row, name, 0),
	OUTPUT_FIELD("address", "Address", STRING, select_row, address, 0),
	OUTPUT_FIELD("authenticated", "Auth", BOOL, select_row, authenticated, 0),
	OUTPUT_FIELD("options_configured", "COpts", STRING, select_row, written, 0),
	OUTPUT_FIELD("options", "EOpts", STRING, select_row, options, 0),
	OUTPUT_FIELD("sample_age_s", "LastRx", COUNT, select_row, sample_age_s, 0),
	OUTPUT_FIELD("score", "", PPM, select_row, score, OUTPUT_NOT_TEXT),
	OUTPUT_FIELD("low_s", "Low", SECONDS, select_row, low_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("high_s", "High", SECONDS, select_row, high_s, OUTPUT_SIGNED),
	OUTPUT_FIELD("leap", "Leap", STRING, select_row, leap, 0),
	OUTPUT_FIELD("why", "Why", STRING, select_row, why, 0),
};

static const struct output_report select_report =
	OUTPUT_REPORT("selectdata", NULL, select_fields, select_row);

static const char *state_text(char state)
{
	static const struct {
		char letter;
		const char *text;
	} texts[] = {
		{'M', "no samples yet"},
		{'N', "only measured (noselect)"},
		{'s', "it is not synchronised"},
		{'d', "its root distance is above maxdistance"},
		{'~', "its jitter is above maxjitter"},
		{'w', "waits for the first answers of others"},
		{'S', "does not answer"},
		{'x', "contradicts the majority"},
		{'T', "not within what the trusted sources agree on"},
		{'W', "agrees, but more sources must, or a required one"},
		{'P', "agrees, but another one is preferred"},
		{'D', "agrees, but is too far from the best one to be combined"},
		{'+', "combined with the best one"},
		{'*', "the best one"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].letter == state)
			return texts[i].text;
	}
	return "";
}

/* chrony's letters, in chrony's order. */
static void options_write(uint16_t options, char text[static 8])
{
	text[0] = options & REPORT_OPTION_NOSELECT ? 'N' : '-';
	text[1] = options & REPORT_OPTION_PREFER ? 'P' : '-';
	text[2] = options & REPORT_OPTION_TRUST ? 'T' : '-';
	text[3] = options & REPORT_OPTION_REQUIRE ? 'R' : '-';
	text[4] = '\0';
}

static void select_row_write(struct select_row *row, const struct report_select *select)
{
	static const char *const leaps[] = {"normal", "insert", "delete", "unsynchronised"};
	bool sampled = select->sample_age_s != UINT32_MAX;

	row->mark_text[0] = select->state;
	row->mark = row->mark_text;
	options_write(select->written, row->written_text);
	row->written = row->written_text;
	options_write(select->options, row->options_text);
	row->options = row->options_text;
	row->authenticated = select->authenticated;
	ctl_address_format(&select->address, select->refid, row->address_text);
	row->address = row->address_text[0] != '\0' ? row->address_text : NULL;
	row->name = row->name_text[0] != '\0' ? row->name_text : row->address;
	row->leap = sampled ? leaps[select->leap & 3] : NULL;
	row->why = state_text(select->state);
	row->sample_age_s = sampled ? select->sample_age_s : UINT64_MAX;
	row->score = select->score;
	row->low_s = sampled ? select->low_s : (double)NAN;
	row->high_s = sampled ? select->high_s : (double)NAN;
}

static int select_row_fill(struct client *client, uint32_t index, void *argument)
{
	struct select_row *row = argument;
	struct report_select select;
	int r = client_select(client, index, &select, row->name_text);

	if (r == 0)
		select_row_write(row, &select);
	return r;
}

int ctl_selectdata(struct ctl *ctl)
{
	return ctl_source_table(ctl, &select_report, select_row_fill);
}
