/* SPDX-License-Identifier: BSD-3-Clause */
#include "rundir.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char rundir[64];

int rundir_setup(void **state)
{
	strcpy(rundir, "/tmp/meridian-test-XXXXXX");
	*state = mkdtemp(rundir);
	return *state == NULL;
}

int rundir_teardown(void **state)
{
	DIR *directory = opendir(*state);
	struct dirent *entry;

	if (directory == NULL)
		return 1;
	while ((entry = readdir(directory)) != NULL)
		unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	return rmdir(*state);
}
