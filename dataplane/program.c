/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"
#include "exit_code.h"
#include <stdlib.h>

volatile sig_atomic_t program_stop;

static void on_signal(int number)
{
	(void)number;
	program_stop = 1;
}

/* DPDK's virtio-user writes to a peer that may be gone, and so does who logs into a pipe. */
static void signals_catch(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int program_run(const struct program_stage *stage, size_t count, void (*serve)(void))
{
	size_t started = 0;
	int r = 0;

	signals_catch();
	while (started < count) {
		r = stage[started].start();
		if (r != 0)
			break;
		started++;
	}
	if (r == 0)
		serve();
	while (started-- > 0) {
		if (stage[started].stop)
			stage[started].stop();
	}
	return r >= 0 || program_stop ? EXIT_SUCCESS : EXIT_START;
}
