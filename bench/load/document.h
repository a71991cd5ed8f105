/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOAD_DOCUMENT_H
#define LOAD_DOCUMENT_H

/* The JSON document of a run. */

#include "result.h"
#include "search.h"
#include <jansson.h>

#define DOCUMENT_SCHEMA_VERSION 1

/* Tool, version, the arguments as given and the machine. NULL without memory. */
json_t *document_new(const char *mode, int argc, char *const *argv, uint64_t hz);

/* Adds "results". */
void document_add_results(json_t *document, const struct result *result);

/* Adds "search": what each step found. */
void document_add_search(json_t *document, const struct search *search);

/* Prints it and gives it back. Returns 0 or -EIO. */
int document_print(json_t *document, FILE *stream);

#endif
