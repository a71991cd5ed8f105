/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_memory.h"
#include <meridian/page.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

/* mmap() aligns to a small page, so it gets one huge page more, and what surrounds goes back. */
static void *map(size_t size)
{
	size_t mapped = size + TABLE_MEMORY_HUGEPAGE, before;
	uint8_t *start =
		mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)start & (TABLE_MEMORY_HUGEPAGE - 1);
	if (before > 0)
		munmap(start, before);
	if (before < TABLE_MEMORY_HUGEPAGE)
		munmap(start + before + size, TABLE_MEMORY_HUGEPAGE - before);
	madvise(start + before, size, MADV_HUGEPAGE);
	return start + before;
}

void *table_memory_new(size_t size)
{
	void *memory;

	if (size < TABLE_MEMORY_HUGEPAGE)
		memory = aligned_alloc(MERIDIAN_CACHE_LINE, round_up(size, MERIDIAN_CACHE_LINE));
	else
		memory = map(round_up(size, TABLE_MEMORY_HUGEPAGE));
	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

void table_memory_free(void *memory, size_t size)
{
	if (memory != NULL && size >= TABLE_MEMORY_HUGEPAGE)
		munmap(memory, round_up(size, TABLE_MEMORY_HUGEPAGE));
	else
		free(memory);
}
