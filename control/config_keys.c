/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_keys.h"
#include "key_file.h"
#include <errno.h>

void config_keys_load(struct config_parser *parser)
{
	const struct config_directive *row = config_directive_find("keyfile");
	struct config *config = parser->config;
	int r;

	if (config->keyfile[0] == '\0')
		return;
	r = key_file_read(config->keyfile, config->insecure_keys, parser->errors, &config->keys);
	if (r == 0)
		return;
	parser->line = parser->line_of[row - config_table];
	parser->directive = row->name;
	config_error(parser, "%s: %s", config->keyfile,
		r == -EBADMSG ? "not used, see above" : config_file_strerror(r));
	parser->directive = NULL;
}
