/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_file.h"
#include "config_table.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <mac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TYPE_DEFAULT  "MD5"
#define ID_DIGITS_MAX 10

/* A file that is none of keys has something wrong in each line. */
#define MESSAGES_MAX 20

/* chrony's too: what is shorter can be found by trying. */
#define BITS_MIN 80

struct entry {
	uint32_t id;
	unsigned int line;
	uint16_t length;
	uint8_t type;
	uint8_t octets[MERIDIAN_KEY_OCTETS_MAX];
};

/* The file being read. */
struct reader {
	struct config_parser parser; /* first */
	bool insecure;
	struct entry *entry;
	size_t count, capacity;
};

static bool id_parse(struct config_parser *parser, const char *word, uint32_t *ret_id)
{
	bool number = word[strspn(word, "0123456789")] == '\0';
	unsigned long long id = number ? strtoull(word, NULL, 10) : 0;
	bool ok = number && id >= 1 && id <= UINT32_MAX;

	/* Anything that cannot be an ID may be a key that has lost it. */
	if (!number || (!ok && strlen(word) > ID_DIGITS_MAX))
		config_error(parser, "the line does not begin with a key ID (1 to %" PRIu32 ")",
			UINT32_MAX);
	else if (!ok)
		config_error(parser, "key ID %s is out of range (allowed: 1 to %" PRIu32 ")", word,
			UINT32_MAX);
	*ret_id = (uint32_t)id;
	return ok;
}

static void type_error(struct config_parser *parser, uint32_t id)
{
	char names[256] = "";
	const struct mac_type *type;

	for (size_t i = 0; (type = mac_type_at(i)); i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			i ? ", " : "", type->name);
	config_error(
		parser, "key %" PRIu32 " is of a type that is not known (allowed: %s)", id, names);
}

/* Takes the type, if there is one, and the key. NULL after reporting an error. */
static const struct mac_type *words_take(struct reader *reader, uint32_t id, const char **ret_key)
{
	struct config_parser *parser = &reader->parser;
	const char *first = config_word(parser), *second = config_word(parser);
	const char *name = second ? first : TYPE_DEFAULT;
	const struct mac_type *type = mac_type_find(name);

	if (first == NULL || !config_at_end(parser)) {
		config_error(parser, "key %" PRIu32 " %s (usage: ID [TYPE] [ASCII:|HEX:]KEY)", id,
			first ? "has too many words" : "is missing");
		return NULL;
	}
	if (type == NULL) {
		type_error(parser, id);
		return NULL;
	}
	if (type->broken && !reader->insecure) {
		config_error(parser,
			"key %" PRIu32
			" is of type %s%s, whose hash is broken: replace it, AES128 is best, "
			"or allow such keys by `insecurekeys`",
			id, type->name, second ? "" : " (as no type is given)");
		return NULL;
	}
	*ret_key = second ? second : first;
	return type;
}

static int digit_value(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Returns the number of octets; -1: not pairs of digits; above MERIDIAN_KEY_OCTETS_MAX: too many.
 */
static int hex_decode(const char *text, uint8_t *octets)
{
	int count = 0;

	for (; *text; text += 2, count++) {
		int high = digit_value(text[0]), low = high < 0 ? -1 : digit_value(text[1]);

		if (low < 0)
			return -1;
		if (count == MERIDIAN_KEY_OCTETS_MAX)
			return count + 1;
		octets[count] = (uint8_t)(high << 4 | low);
	}
	return count;
}

static int ascii_decode(const char *text, uint8_t *octets)
{
	int count = 0;

	for (; text[count] != '\0'; count++) {
		if (count == MERIDIAN_KEY_OCTETS_MAX)
			return count + 1;
		octets[count] = (uint8_t)text[count];
	}
	return count;
}

static int key_decode(const char *text, uint8_t *octets)
{
	if (strncmp(text, "HEX:", 4) == 0)
		return hex_decode(text + 4, octets);
	return ascii_decode(strncmp(text, "ASCII:", 6) == 0 ? text + 6 : text, octets);
}

static bool length_check(
	struct config_parser *parser, uint32_t id, const struct mac_type *type, int length)
{
	if (length < 0) {
		config_error(parser,
			"key %" PRIu32 ": HEX: is not followed by pairs of digits 0-9, a-f", id);
	} else if (type->key_length != 0 && length != type->key_length) {
		config_error(parser,
			"key %" PRIu32 " has %d octets; %s takes %u (after HEX: %u digits)", id,
			length, type->name, type->key_length, 2u * type->key_length);
	} else if (length == 0 || length > MERIDIAN_KEY_OCTETS_MAX) {
		config_error(parser, "key %" PRIu32 " is too %s (allowed: 1 to %d octets)", id,
			length ? "long" : "short", MERIDIAN_KEY_OCTETS_MAX);
	} else {
		if (8 * length < BITS_MIN)
			config_warning(parser,
				"warning: key %" PRIu32
				" has %d bits, too few to be safe (below %d)",
				id, 8 * length, BITS_MIN);
		return true;
	}
	return false;
}

/* Room for one more. What it had is wiped when it moves. */
static bool reader_grow(struct reader *reader)
{
	size_t capacity = reader->capacity ? 2 * reader->capacity : 16;
	struct entry *grown;

	if (reader->count < reader->capacity)
		return true;
	if (reader->count == MERIDIAN_KEYS_MAX) {
		config_error(&reader->parser, "more than %d keys", MERIDIAN_KEYS_MAX);
		return false;
	}
	grown = calloc(capacity, sizeof(*grown));
	if (grown == NULL) {
		config_error(&reader->parser, "out of memory");
		return false;
	}
	if (reader->count > 0)
		memcpy(grown, reader->entry, reader->count * sizeof(*grown));
	if (reader->entry != NULL)
		explicit_bzero(reader->entry, reader->capacity * sizeof(*grown));
	free(reader->entry);
	reader->entry = grown;
	reader->capacity = capacity;
	return true;
}

static void line_take(struct config_parser *parser)
{
	struct reader *reader = (struct reader *)parser;
	const char *word = config_word(parser), *text;
	const struct mac_type *type;
	struct entry *entry;
	uint32_t id;
	int length;

	if (!id_parse(parser, word, &id) || (type = words_take(reader, id, &text)) == NULL ||
		!reader_grow(reader))
		return;
	entry = &reader->entry[reader->count];
	length = key_decode(text, entry->octets);
	if (!length_check(parser, id, type, length))
		return;
	entry->id = id;
	entry->line = parser->line;
	entry->length = (uint16_t)length;
	entry->type = type->number;
	reader->count++;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

static void check_repeated(struct reader *reader)
{
	for (size_t i = 1; i < reader->count; i++) {
		if (reader->entry[i].id != reader->entry[i - 1].id)
			continue;
		reader->parser.line = reader->entry[i].line;
		config_error(&reader->parser, "key %" PRIu32 " is there already, in line %u",
			reader->entry[i].id, reader->entry[i - 1].line);
	}
}

static void check_mode(struct reader *reader, FILE *file)
{
	struct stat status;

	if (reader->count == 0 || fstat(fileno(file), &status) < 0 || !(status.st_mode & S_IRWXO))
		return;
	fprintf(reader->parser.errors,
		"%s: everybody on this host may use the keys (mode %04o): chmod it to 0640 or "
		"0600\n",
		reader->parser.path, (unsigned int)status.st_mode & 07777);
	reader->parser.error_count++;
}

static void count_rest(const struct config_parser *parser)
{
	if (parser->message_count > parser->message_max)
		fprintf(parser->errors, "%s: and %u more such lines\n", parser->path,
			parser->message_count - parser->message_max);
}

static struct meridian_keys_blob *blob_new(const struct reader *reader)
{
	uint64_t size =
		sizeof(struct meridian_keys_blob) + reader->count * sizeof(struct meridian_key);
	struct meridian_keys_blob *blob;
	struct meridian_key *key;
	uint64_t offset = size;

	for (size_t i = 0; i < reader->count; i++)
		size += reader->entry[i].length;
	blob = calloc(1, size);
	if (blob == NULL)
		return NULL;
	blob->size = size;
	blob->count = reader->count;
	key = (struct meridian_key *)(void *)(blob + 1);
	for (size_t i = 0; i < reader->count; i++) {
		const struct entry *entry = &reader->entry[i];

		key[i] = (struct meridian_key){.id = entry->id,
			.offset = (uint32_t)offset,
			.length = entry->length,
			.type = entry->type};
		memcpy((uint8_t *)blob + offset, entry->octets, entry->length);
		offset += entry->length;
	}
	return blob;
}

static int reader_run(struct reader *reader, FILE *file, struct meridian_keys_blob **ret_blob)
{
	int r = config_lines_read(&reader->parser, file, line_take);

	if (r < 0)
		return r;
	if (reader->count > 1)
		qsort(reader->entry, reader->count, sizeof(*reader->entry), entry_compare);
	check_repeated(reader);
	count_rest(&reader->parser);
	check_mode(reader, file);
	if (reader->parser.error_count > 0)
		return -EBADMSG;
	*ret_blob = blob_new(reader);
	return *ret_blob ? 0 : -ENOMEM;
}

int key_file_read(
	const char *path, bool insecure, FILE *errors, struct meridian_keys_blob **ret_blob)
{
	struct reader reader = {
		.parser = {.path = path, .errors = errors, .message_max = MESSAGES_MAX},
		.insecure = insecure};
	char buffer[4096];
	FILE *file = NULL;
	int r = config_file_open(path, &file);

	if (file == NULL)
		return r;
	/* stdio would free its own with the text in it. */
	if (setvbuf(file, buffer, _IOFBF, sizeof(buffer)) == 0)
		r = reader_run(&reader, file, ret_blob);
	else
		r = -ENOMEM;
	fclose(file);
	explicit_bzero(buffer, sizeof(buffer));
	if (reader.entry != NULL)
		explicit_bzero(reader.entry, reader.capacity * sizeof(*reader.entry));
	free(reader.entry);
	return r;
}

void key_file_free(struct meridian_keys_blob *blob)
{
	if (blob != NULL)
		explicit_bzero(blob, blob->size);
	free(blob);
}

const struct meridian_key *key_file_find(const struct meridian_keys_blob *blob, uint32_t id)
{
	size_t low = 0, high = blob ? blob->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct meridian_key *key = &meridian_keys_of(blob)[middle];

		if (key->id == id)
			return key;
		if (key->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
