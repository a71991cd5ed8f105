/* SPDX-License-Identifier: BSD-3-Clause */
#include "steer_program.h"
#include "bpffs.h"
#include "log.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <steer.skel.h>
#include <steer_nic.skel.h>

/* Of the kernel's, which older headers do not have. */
#define XDP_DEV_BOUND_ONLY (1u << 6)

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

static void bind_to(struct steer_bpf *bpf, uint32_t ifindex)
{
	struct bpf_program *program = bpf->progs.xsk_def_prog;

	bpf_program__set_ifindex(program, ifindex);
	(void)bpf_program__set_flags(program, bpf_program__flags(program) | XDP_DEV_BOUND_ONLY);
}

/* The two builds differ in nothing that the skeleton knows but in their instructions, which it has
 * as an image. */
static struct steer_bpf *program_open(const struct steer_program_kind *kind)
{
	struct steer_bpf *bpf = calloc(1, sizeof(*bpf));
	int r;

	if (!bpf)
		return NULL;
	r = steer_bpf__create_skeleton(bpf);
	if (r == 0 && kind->bound_ifindex != 0)
		bpf->skeleton->data = steer_nic_bpf__elf_bytes(&bpf->skeleton->data_sz);
	if (r == 0)
		r = bpf_object__open_skeleton(bpf->skeleton, NULL);
	if (r == 0)
		return bpf;
	steer_bpf__destroy(bpf);
	errno = -r;
	return NULL;
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
static int load(
	struct steer_bpf **ret_bpf, const char *directory, const struct steer_program_kind *kind)
{
	int r;

	libbpf_set_print(print_debug);
	*ret_bpf = program_open(kind);
	if (!*ret_bpf)
		return -errno;
	if (kind->frags)
		allow_frags(*ret_bpf);
	if (kind->bound_ifindex != 0)
		bind_to(*ret_bpf, kind->bound_ifindex);
	r = maps_pin(*ret_bpf, directory);
	return r < 0 ? r : steer_bpf__load(*ret_bpf);
}

int steer_program_load(
	struct steer_bpf **ret_bpf, const char *directory, const struct steer_program_kind *kind)
{
	int r = load(ret_bpf, directory, kind);

	if (r == -EINVAL && *ret_bpf) {
		maps_unpin(*ret_bpf, directory);
		steer_program_unload(*ret_bpf);
		r = load(ret_bpf, directory, kind);
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
