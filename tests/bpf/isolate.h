/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_BPF_ISOLATE_H
#define TESTS_BPF_ISOLATE_H

/* A place of a test's own: what it does to interfaces and pins does not reach the host. */

/* Enters network and mount namespaces with an empty bpffs. Returns 0; or, after saying why this
 * machine has none, the exit code of a test that is left out. */
int isolate(void);

/* Runs a command of the shell; the test fails when it does. */
void run(const char *command);

#endif
