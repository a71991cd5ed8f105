/* SPDX-License-Identifier: BSD-3-Clause */
#include "heap.h"
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OCTETS_MAX 64

/* The kernel's list of mappings names it. Read without stdio, whose buffer would take the place of
 * what was given back last. */
static bool heap_find(uint64_t *ret_begin, uint64_t *ret_end)
{
	static char maps[65536];
	const char *line;
	size_t length = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	while ((n = read(fd, maps + length, sizeof(maps) - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	maps[length] = '\0';
	line = strstr(maps, "[heap]");
	if (line == NULL)
		return false;
	while (line > maps && line[-1] != '\n')
		line--;
	return sscanf(line, "%" SCNx64 "-%" SCNx64, ret_begin, ret_end) == 2;
}

/* Read as a file, in pieces that overlap: much of it is not to be touched by way of a pointer. */
bool heap_has(const void *octets, size_t size)
{
	static uint8_t piece[65536];
	uint64_t begin, end;
	bool found = false;
	int fd;

	assert_in_range(size, 1, OCTETS_MAX);
	if (!heap_find(&begin, &end))
		return false;
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (uint64_t at = begin; !found && at < end; at += sizeof(piece) - OCTETS_MAX) {
		size_t left = end - at < sizeof(piece) ? end - at : sizeof(piece);
		ssize_t length = pread(fd, piece, left, (off_t)at);

		assert_true(length > 0);
		found = memmem(piece, (size_t)length, octets, size) != NULL;
	}
	close(fd);
	return found;
}

bool heap_is_seen(void)
{
	static const char mark[] = "known to be on the heap";
	char *copy = strdup(mark);
	bool found;

	assert_non_null(copy);
	found = heap_has(mark, sizeof(mark));
	free(copy);
	if (!found)
		print_message("the heap of this allocator is not looked at\n");
	return found;
}
