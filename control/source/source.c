/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"
#include <log.h>
#include <string.h>

#define SETTLED_POLLS 2

void source_init(struct source *source, const struct source_kind *kind,
	const struct source_context *context, const struct config_source *config)
{
	memset(source, 0, sizeof(*source));
	source->kind = kind;
	source->context = context;
	source->config = config;
	source_reset(source);
}

void source_reset(struct source *source)
{
	const struct source_context *context = source->context;

	source->reach = 0;
	estimator_init(&source->estimator, context->timescale, context->start.frequency,
		context->start.frequency_sd);
}

void source_begin_poll(struct source *source)
{
	bool was_reachable = source->reach != 0;

	source->polls++;
	source->reach = (uint8_t)(source->reach << 1);
	if (!was_reachable || source->reach != 0)
		return;
	log_notice("%s: nothing came in 8 polls", source->label);
	source_tell(source);
}

bool source_admit(struct source *source, uint64_t from, uint64_t to, struct sample *sample)
{
	sample->offset_s += source->config->offset_s;
	source_hear(source);
	return source->context->admit == NULL || source->context->admit(from, to, sample);
}

void source_add(struct source *source, const struct sample *sample, uint64_t counter)
{
	source->last_sample = counter;
	estimator_add(&source->estimator, sample);
}

void source_shift(struct source *source, double seconds)
{
	estimator_shift(&source->estimator, seconds);
	if (source->kind->shift)
		source->kind->shift(source, seconds);
}

void source_give_up(struct source *source)
{
	source->stopped = true;
	source->reach = 0;
	source_tell(source);
}

bool source_settled(const struct source *source)
{
	return source->estimator.sample_count > 0 || source->polls > SETTLED_POLLS ||
		source->stopped || source->absent || source->follower;
}
