/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"
#include "packet_memory.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATAPLANE "meridian-datapl" /* as /proc has it, which cuts names */

void pages_path(char ret_path[static SYSFS_PATH_SIZE], int node, const char *file)
{
	char where[64] = "kernel/mm";

	if (node >= 0)
		snprintf(where, sizeof(where), "devices/system/node/node%d", node);
	snprintf(ret_path, SYSFS_PATH_SIZE, "%s/hugepages/hugepages-%dkB/%s", where,
		PACKET_MEMORY_PAGE_MB * 1024, file);
}

/* The dataplane's own, in kB; 0 for any other process. */
static int64_t process_pages_kb(const char *pid)
{
	char path[64], line[128];
	bool is_dataplane = false;
	int64_t kb = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	status = fopen(path, "re");
	if (status == NULL)
		return 0;
	while (fgets(line, sizeof(line), status)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "Name:\t" DATAPLANE) == 0)
			is_dataplane = true;
		if (strncmp(line, "HugetlbPages:", 13) == 0)
			kb = strtoll(line + 13, NULL, 10);
	}
	fclose(status);
	return is_dataplane ? kb : 0;
}

static int64_t dataplane_pages(void)
{
	DIR *processes = opendir("/proc");
	int64_t kb = 0;

	if (processes == NULL)
		return 0;
	for (const struct dirent *one = readdir(processes); one; one = readdir(processes)) {
		if (one->d_name[0] >= '0' && one->d_name[0] <= '9')
			kb += process_pages_kb(one->d_name);
	}
	closedir(processes);
	return kb / (PACKET_MEMORY_PAGE_MB * 1024);
}

int pages_read(struct pages *ret_pages, int node)
{
	char path[SYSFS_PATH_SIZE];
	int64_t free_pages;
	int r;

	*ret_pages = (struct pages){.node = node};
	if (sysfs_find("devices/system/node/node1") < 0)
		ret_pages->node = -1;
	pages_path(path, ret_pages->node, "nr_hugepages");
	r = sysfs_number(&ret_pages->total, "%s", path);
	if (r < 0)
		return r;
	pages_path(path, ret_pages->node, "free_hugepages");
	r = sysfs_number(&free_pages, "%s", path);
	ret_pages->ready = free_pages + dataplane_pages();
	return r;
}
