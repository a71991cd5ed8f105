/* SPDX-License-Identifier: BSD-3-Clause */
#include "idle.h"

static void cpu_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static uint32_t nap_next(uint32_t nap_ns, uint32_t nap_max_ns)
{
	nap_ns = nap_ns == 0 ? IDLE_NAP_FIRST_NS : nap_ns + nap_ns / IDLE_NAP_GROWTH;
	return nap_ns < nap_max_ns ? nap_ns : nap_max_ns;
}

enum idle_step idle_step(struct idle *idle, uint32_t nap_max_ns, bool watchable)
{
	const uint32_t watch_until = IDLE_SPIN_TURNS + (watchable ? IDLE_WATCH_TURNS : 0);

	if (nap_max_ns == 0)
		return IDLE_SPIN;
	if (idle->turns < watch_until)
		return idle->turns++ < IDLE_SPIN_TURNS ? IDLE_SPIN : IDLE_WATCH;
	idle->nap_ns = nap_next(idle->nap_ns, nap_max_ns);
	return IDLE_NAP;
}

void idle_wait(const struct idle *idle, enum idle_step step, struct port_queue *queue)
{
	struct timespec nap = {.tv_nsec = idle->nap_ns};

	switch (step) {
	case IDLE_SPIN:
		cpu_pause();
		break;
	case IDLE_WATCH:
		queue->operations->watch(queue, IDLE_WATCH_NS);
		break;
	case IDLE_NAP:
		nanosleep(&nap, NULL);
		break;
	}
}
