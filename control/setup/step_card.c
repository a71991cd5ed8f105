/* SPDX-License-Identifier: BSD-3-Clause */
#include "step_kinds.h"
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

/* The interface's name now. Returns false when it is gone. */
static bool find(const struct step *step, char ret_name[static IF_NAMESIZE])
{
	return if_indextoname(step->ifindex, ret_name) != NULL;
}

/* What most drivers answer to what they cannot do now. */
static const char *reason(int r)
{
	switch (r) {
	case -EOPNOTSUPP:
		return "its driver cannot do that";
	case -EINVAL:
		return "its driver refuses that";
	case -EBUSY:
		return "it is in use, perhaps by AF_XDP: stop the dataplane first";
	default:
		return strerror(-r);
	}
}

static int result(
	const struct step *step, const char *what, int r, char error[static STEP_ERROR_SIZE])
{
	return r == 0 ? 0 : step_error(error, r, "%s: %s: %s", step->on, what, reason(r));
}

static int gone(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	return step_error(
		error, -ENODEV, "%s: the interface is gone, and its settings with it", step->on);
}

/* --- the table of hashes ------------------------------------------------------------------------
 */

static void table_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	if (undo)
		fprintf(out, "%sethtool -X %s ... (the table of before, %zu entries)\n", indent,
			step->on, step->table_size);
	else
		fprintf(out, "%sethtool -X %s default\n", indent, step->on);
}

static int table_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	return result(step, "RSS table", card_set_table(step->on, NULL, 0), error);
}

static int table_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char name[IF_NAMESIZE];

	if (!find(step, name))
		return gone(step, error);
	return result(
		step, "RSS table", card_set_table(name, step->table, step->table_size), error);
}

const struct step_operations step_table = {
	.name = "table", .print = table_print, .run = table_run, .undo = table_undo};

/* --- queues -------------------------------------------------------------------------------------
 */

static void queues_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	static const char *const word[STEP_VALUES] = {"rx", "tx", "other", "combined"};
	const int64_t *before = undo ? step->to : step->from, *after = undo ? step->from : step->to;

	fprintf(out, "%sethtool -L %s", indent, step->on);
	for (size_t i = 0; i < STEP_VALUES; i++) {
		if (before[i] != after[i])
			fprintf(out, " %s %" PRId64, word[i], after[i]);
	}
	fputc('\n', out);
}

static int queues_set(const char *name, const int64_t count[static STEP_VALUES])
{
	uint32_t channels[STEP_VALUES];

	for (size_t i = 0; i < STEP_VALUES; i++)
		channels[i] = (uint32_t)count[i];
	return card_set_channels(name, channels);
}

static int queues_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	return result(step, "queues", queues_set(step->on, step->to), error);
}

/* The kernel does not take what is set already. */
static bool queues_are(const char *name, const int64_t count[static STEP_VALUES])
{
	struct card card;

	return card_read(name, &card) == 0 && card.channels.rx_count == count[0] &&
		card.channels.tx_count == count[1] && card.channels.other_count == count[2] &&
		card.channels.combined_count == count[3];
}

static int queues_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char name[IF_NAMESIZE];

	if (!find(step, name))
		return gone(step, error);
	if (queues_are(name, step->from))
		return 0;
	return result(step, "queues", queues_set(name, step->from), error);
}

const struct step_operations step_queues = {
	.name = "queues", .print = queues_print, .run = queues_run, .undo = queues_undo};

/* --- what is hashed -----------------------------------------------------------------------------
 */

static void hash_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	static const struct {
		uint32_t bit;
		char letter;
	} letters[] = {{RXH_L2DA, 'm'}, {RXH_VLAN, 'v'}, {RXH_L3_PROTO, 't'}, {RXH_IP_SRC, 's'},
		{RXH_IP_DST, 'd'}, {RXH_L4_B_0_1, 'f'}, {RXH_L4_B_2_3, 'n'},
		{UINT32_C(1) << 31, 'r'}};
	uint64_t hash = (uint64_t)(undo ? step->from[0] : step->to[0]);

	fprintf(out, "%sethtool -N %s rx-flow-hash %s ", indent, step->on,
		step->from[1] == CARD_UDP4 ? "udp4" : "udp6");
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (hash & letters[i].bit)
			fputc(letters[i].letter, out);
	}
	fputc('\n', out);
}

static enum card_flow flow(const struct step *step)
{
	return step->from[1] == CARD_UDP4 ? CARD_UDP4 : CARD_UDP6;
}

static int hash_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	return result(step, "what is hashed",
		card_set_hash(step->on, flow(step), (uint64_t)step->to[0]), error);
}

static int hash_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char name[IF_NAMESIZE];

	if (!find(step, name))
		return gone(step, error);
	return result(step, "what is hashed",
		card_set_hash(name, flow(step), (uint64_t)step->from[0]), error);
}

const struct step_operations step_hash = {
	.name = "hash", .wish = true, .print = hash_print, .run = hash_run, .undo = hash_undo};

/* --- time stamps --------------------------------------------------------------------------------
 */

static void stamps_print(const struct step *step, bool undo, const char *indent, FILE *out)
{
	const int64_t *after = undo ? step->from : step->to;

	fprintf(out, "%shwstamp_ctl -i %s -t %" PRId64 " -r %" PRId64 "\n", indent, step->on,
		after[0], after[1]);
}

static int stamps_run(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	return result(step, "time stamps",
		hwstamp_set(step->on, (int)step->to[0], (int)step->to[1]), error);
}

static int stamps_undo(const struct step *step, char error[static STEP_ERROR_SIZE])
{
	char name[IF_NAMESIZE];

	if (!find(step, name))
		return gone(step, error);
	return result(step, "time stamps",
		hwstamp_set(name, (int)step->from[0], (int)step->from[1]), error);
}

const struct step_operations step_stamps = {
	.name = "stamps", .print = stamps_print, .run = stamps_run, .undo = stamps_undo};
