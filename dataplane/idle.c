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

enum idle_step idle_step(struct idle *idle, uint32_t nap_max_ns, const struct idle_place *place)
{
	const uint32_t watch_until =
		IDLE_SPIN_TURNS + (place->watched != NULL ? IDLE_WATCH_TURNS : 0);

	if (nap_max_ns == 0)
		return IDLE_SPIN;
	if (idle->turns < watch_until)
		return idle->turns++ < IDLE_SPIN_TURNS ? IDLE_SPIN : IDLE_WATCH;
	if (place->rousing && !idle->roused)
		idle->nap_ns = IDLE_NAP_ROUSED_NS;
	else
		idle->nap_ns = nap_next(idle->nap_ns, nap_max_ns);
	return IDLE_NAP;
}

/* A packet that ended a nap and cannot be taken, for want of buffers perhaps, does not end the next
 * one as well: that would be a loop of system calls. */
static void nap(struct idle *idle, const struct idle_place *place)
{
	const struct timespec length = {.tv_nsec = idle->nap_ns};
	const unsigned int count = idle->roused ? 0 : place->wake_count;

	idle->roused = ppoll(place->wake, count, &length, NULL) > 0;
}

void idle_wait(struct idle *idle, enum idle_step step, const struct idle_place *place)
{
	switch (step) {
	case IDLE_SPIN:
		cpu_pause();
		break;
	case IDLE_WATCH:
		place->watched->operations->watch(place->watched, IDLE_WATCH_NS);
		break;
	case IDLE_NAP:
		nap(idle, place);
		break;
	}
}
