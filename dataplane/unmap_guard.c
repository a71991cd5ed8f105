/* SPDX-License-Identifier: BSD-3-Clause */
#include "unmap_guard.h"
#include <pthread.h>
#include <rte_interrupts.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t guard_mutex = PTHREAD_MUTEX_INITIALIZER; /* held during a wait */
static unmap_guard_wait_function *guard_wait;                   /* read by others without it */

void unmap_guard_set(unmap_guard_wait_function *wait)
{
	pthread_mutex_lock(&guard_mutex);
	__atomic_store_n(&guard_wait, wait, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&guard_mutex);
}

static void threads_wait(void)
{
	pthread_mutex_lock(&guard_mutex);
	if (guard_wait) {
		/* What the driver stored before must be seen by who comes around. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		guard_wait();
	}
	pthread_mutex_unlock(&guard_mutex);
}

/* Runs in any thread, and before the first constructor. */
__attribute__((visibility("default"))) int munmap(void *addr, size_t length)
{
	if (__atomic_load_n(&guard_wait, __ATOMIC_SEQ_CST) && rte_thread_is_intr())
		threads_wait();
	return (int)syscall(SYS_munmap, addr, length);
}
