/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer_program.h"
#include "bpffs.h"
#include "log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <steer.skel.h>

#define PIN_SIZE (BPFFS_PATH_SIZE + 32)

__attribute__((format(printf, 2, 0))) static int print_debug(
	enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[512];

	(void)level;
	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return 0;
}

static void pin_path(char path[PIN_SIZE], const char *directory, const struct bpf_map *map)
{
	snprintf(path, PIN_SIZE, "%s/%s", directory, bpf_map__name(map));
}

/* As a program for frames in pieces, which drivers want for jumbo frames. */
static void allow_frags(struct steer_bpf *bpf)
{
	struct bpf_program *program = bpf->progs.xsk_def_prog;

	bpf->rodata->steer_has_frags = true;
	(void)bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_XDP_HAS_FRAGS);
}

/* Constants belong to one program: they are no map to share. */
static bool is_pinned(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map);
}

/* Maps that are pinned already are used instead of new ones, the others are pinned. */
static int maps_pin(struct steer_bpf *bpf, const char *directory)
{
	struct bpf_map *map = NULL;
	char path[PIN_SIZE];
	int r = 0;

	while (r == 0 && (map = bpf_object__next_map(bpf->obj, map)) != NULL) {
		if (!is_pinned(map))
			continue;
		pin_path(path, directory, map);
		r = bpf_map__set_pin_path(map, path);
	}
	return r;
}

/* Gives up pinned maps of another layout, which an earlier version made. The program that runs
 * keeps using them until it is swapped. The map of sockets has one layout for ever. */
static void maps_unpin(const struct steer_bpf *bpf, const char *directory)
{
	const struct bpf_map *map = NULL;
	char path[PIN_SIZE];

	while ((map = bpf_object__next_map(bpf->obj, map)) != NULL) {
		if (!is_pinned(map) || strcmp(bpf_map__name(map), "xsks_map") == 0)
			continue;
		pin_path(path, directory, map);
		unlink(path);
	}
}

/* On failure *ret_bpf may be open, to be looked at. */
static int load(struct steer_bpf **ret_bpf, const char *directory, bool frags)
{
	int r;

	libbpf_set_print(print_debug);
	*ret_bpf = steer_bpf__open();
	if (!*ret_bpf)
		return -errno;
	if (frags)
		allow_frags(*ret_bpf);
	r = maps_pin(*ret_bpf, directory);
	return r < 0 ? r : steer_bpf__load(*ret_bpf);
}

int steer_program_load(struct steer_bpf **ret_bpf, const char *directory, bool frags)
{
	int r = load(ret_bpf, directory, frags);

	if (r == -EINVAL && *ret_bpf) {
		maps_unpin(*ret_bpf, directory);
		steer_program_unload(*ret_bpf);
		r = load(ret_bpf, directory, frags);
	}
	if (r < 0) {
		steer_program_unload(*ret_bpf);
		*ret_bpf = NULL;
	}
	return r;
}

void steer_program_unload(struct steer_bpf *bpf)
{
	steer_bpf__destroy(bpf);
}
