/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload_record.h"
#include "bpffs.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Value of the map. */
struct record {
	uint32_t ifindex, set;
};

static void record_path(char path[BPFFS_PATH_SIZE + 16], const char *directory)
{
	snprintf(path, BPFFS_PATH_SIZE + 16, "%s/" OFFLOAD_RECORD_PIN, directory);
}

static int record_pin(int map, const char *directory, const struct record *record)
{
	char path[BPFFS_PATH_SIZE + 16];
	int r = bpf_map_update_elem(map, &(uint32_t){0}, record, BPF_ANY);

	if (r < 0)
		return r;
	record_path(path, directory);
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(map, path);
}

int offload_record_write(const char *directory, uint32_t ifindex, uint32_t set)
{
	const struct record record = {ifindex, set};
	int map, r = bpffs_make(directory);

	if (r < 0)
		return r;
	map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, OFFLOAD_RECORD_PIN, sizeof(uint32_t), sizeof(record), 1, NULL);
	if (map < 0)
		return map;
	r = record_pin(map, directory, &record);
	close(map);
	if (r == 0)
		bpffs_give_pins(directory);
	return r;
}

static bool is_record(int map)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &size) == 0 && info.type == BPF_MAP_TYPE_ARRAY &&
		info.value_size == sizeof(struct record);
}

uint32_t offload_record_find(const char *directory, uint32_t *ret_ifindex)
{
	struct record record = {0};
	char path[BPFFS_PATH_SIZE + 16];
	bool found;
	int map;

	record_path(path, directory);
	*ret_ifindex = 0;
	map = bpf_obj_get(path);
	if (map < 0)
		return 0;
	found = is_record(map) && bpf_map_lookup_elem(map, &(uint32_t){0}, &record) == 0;
	close(map);
	*ret_ifindex = record.ifindex;
	return found ? record.set : 0;
}

uint32_t offload_record_read(const char *directory, uint32_t ifindex)
{
	uint32_t noted, set = offload_record_find(directory, &noted);

	return noted == ifindex ? set : 0;
}

void offload_record_remove(const char *directory)
{
	char path[BPFFS_PATH_SIZE + 16];

	record_path(path, directory);
	unlink(path);
	bpffs_remove_empty(directory);
}
