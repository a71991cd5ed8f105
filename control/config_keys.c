/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_keys.h"
#include "key_file.h"
#include <errno.h>
#include <inttypes.h>

void config_keys_load(struct config_parser *parser)
{
	struct config *config = parser->config;
	int r;

	if (!config_return_to(parser, "keyfile"))
		return;
	r = key_file_read(config->keyfile, config->insecure_keys, parser->errors, &config->keys);
	if (r == 0 && config->keys->count == 0)
		config_warning(
			parser, "warning: no effect: there is no key in %s", config->keyfile);
	else if (r < 0)
		config_error(parser, "%s: %s", config->keyfile,
			r == -EBADMSG ? "not used, see above" : config_file_strerror(r));
	parser->directive = NULL;
}

static const char *const modes[] = {[CONFIG_AUTH_REQUIRE] = "require",
	[CONFIG_AUTH_PREFER] = "prefer",
	[CONFIG_AUTH_MIX] = "mix",
	[CONFIG_AUTH_IGNORE] = "ignore",
	NULL};

const char *config_auth_select_name(uint8_t mode)
{
	return modes[mode];
}

void config_parse_authselectmode(struct config_parser *parser, const struct config_directive *row)
{
	int mode = config_choice(parser, "mode", modes);

	(void)row;
	if (mode >= 0)
		parser->config->auth_select = (uint8_t)mode;
}

/* False after reporting that there is no such key. */
static bool key_check(struct config_parser *parser, const struct config_server *server)
{
	const struct config *config = parser->config;
	unsigned int error_count = parser->error_count;

	config_place_set(parser, server->place);
	parser->directive = server->pool ? "pool" : "server";
	if (config->keyfile[0] == '\0')
		config_error(parser, "key %" PRIu32 " needs `keyfile`", server->key);
	else if (config->keys != NULL && key_file_find(config->keys, server->key) == NULL)
		config_error(
			parser, "there is no key %" PRIu32 " in %s", server->key, config->keyfile);
	parser->directive = NULL;
	return parser->error_count == error_count;
}

/* Servers without their key are errors, but those of `sourcedir` are left out. */
static void keys_check(struct config_parser *parser)
{
	struct config *config = parser->config;
	size_t count = 0;

	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->server[i];
		unsigned int error_count = parser->error_count;
		bool ok;

		parser->tolerant = server->tolerant;
		ok = server->key == 0 || key_check(parser, server);
		if (server->tolerant)
			parser->error_count = error_count;
		if (ok || !server->tolerant)
			config->server[count++] = *server;
	}
	parser->tolerant = false;
	config->server_count = count;
}

/* With `require` nothing is left then of the servers that would be used. */
static void warn_unsigned(struct config_parser *parser)
{
	if (config_return_to(parser, "authselectmode"))
		config_warning(
			parser, "warning: no server is used: none without noselect has a `key`");
	parser->directive = NULL;
}

static void source_select(struct config_source *source, bool noselect, bool lead)
{
	source->select = source->written;
	source->select.noselect |= noselect;
	source->select.trust |= lead;
	source->select.require |= lead;
}

/* The options that each kind of source gets, by chrony's rules. */
static void sources_select(struct config *config, bool unsigned_noselect, bool others_lead)
{
	for (size_t i = 0; i < config->server_count; i++) {
		struct config_server *server = &config->server[i];
		bool has_key = server->key != 0;

		source_select(
			&server->source, unsigned_noselect && !has_key, others_lead && has_key);
	}
	for (size_t i = 0; i < config->refclock_count; i++)
		source_select(&config->refclock[i].source, false, others_lead);
}

void config_keys_apply(struct config_parser *parser)
{
	struct config *config = parser->config;
	bool with = false, without = false;

	keys_check(parser);
	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->server[i];

		if (server->source.written.noselect)
			continue;
		with |= server->key != 0;
		without |= server->key == 0;
	}
	if (config->auth_select == CONFIG_AUTH_REQUIRE && without && !with)
		warn_unsigned(parser);
	sources_select(config,
		config->auth_select == CONFIG_AUTH_REQUIRE ||
			(config->auth_select == CONFIG_AUTH_PREFER && with),
		config->auth_select == CONFIG_AUTH_MIX && with && without);
}
