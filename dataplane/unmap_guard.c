/* SPDX-License-Identifier: BSD-3-Clause */
#include "unmap_guard.h"
#include <rte_interrupts.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unmap_guard_wait_function *guard_wait;

void unmap_guard_set(unmap_guard_wait_function *wait)
{
	__atomic_store_n(&guard_wait, wait, __ATOMIC_SEQ_CST);
}

__attribute__((visibility("default"))) int munmap(void *addr, size_t length)
{
	unmap_guard_wait_function *wait = __atomic_load_n(&guard_wait, __ATOMIC_SEQ_CST);

	if (wait && rte_thread_is_intr()) {
		/* What the driver stored before must be seen by who comes around. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		wait();
	}
	return (int)syscall(SYS_munmap, addr, length);
}
