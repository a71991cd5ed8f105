/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpffs.h"
#include "isolate.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#define EXIT_SKIP 77

static int refuse(const char *what)
{
	printf("SKIP: %s: %s\n", what, strerror(errno));
	return EXIT_SKIP;
}

int isolate(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		return refuse("no namespaces");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("bpf", BPFFS_ROOT, "bpf", 0, NULL) < 0)
		return refuse("no bpffs");
	if (system("ip link add probe0 type veth peer name probe1 && ip link del probe0") != 0)
		return refuse("no veth");
	return 0;
}

void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}
