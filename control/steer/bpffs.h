/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STEER_BPFFS_H
#define CONTROL_STEER_BPFFS_H

/*
 * Where the program's link and maps are pinned: /sys/fs/bpf/meridian-RUNDIR/INTERFACE/, with
 * names escaped because bpffs allows no dot and a name no slash.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BPFFS_ROOT      "/sys/fs/bpf"
#define BPFFS_INSTANCES "meridian-*" /* pattern of the instances' directories in it */
#define BPFFS_PATH_SIZE 1200         /* escaping makes a name three times longer at most */

/* Writes `text` as a file name: letters and digits stay, '/' becomes '-', any other octet "_"
 * and two hex digits; slashes at either end are left out. Returns 0 or -ENAMETOOLONG. Pure. */
int bpffs_escape(char *ret_name, size_t size, const char *text);

/*
 * Makes the directory of the instance in `rundir` and all that will be pinned in it the user's who
 * control is about to become; to be called once, as root, before anything else here. That user may
 * not enter BPFFS_ROOT: from now on bpffs_directory() gives paths by way of an open descriptor,
 * which stays open. What this user cannot remove at the end is the instance's own directory, then
 * empty. Returns 0 or a negative errno.
 */
int bpffs_give(const char *rundir, uid_t user, gid_t group);

/* Directory of one interface of the instance that runs in `rundir`. 0 or a negative errno. */
int bpffs_directory(char ret_path[BPFFS_PATH_SIZE], const char *rundir, const char *interface);

/* Mounts bpffs if it is not there, and makes `directory` and its parent. 0 or -errno. */
int bpffs_make(const char *directory);

/* Gives what is pinned in `directory` to the user of bpffs_give(), if any. */
void bpffs_give_pins(const char *directory);

/* Removes what is pinned in `directory` but for the pin called `keep`; then as the next one. */
void bpffs_remove(const char *directory, const char *keep);

/* Removes `directory` when it is empty, and its parent when that is empty then. */
void bpffs_remove_empty(const char *directory);

/* Has `remove` remove each directory of the instance in `rundir` but for the `count` ones to keep.
 * Returns of how many it says that they had a program. */
size_t bpffs_remove_others(const char *rundir, const char *const *keep, size_t count,
	bool (*remove)(const char *directory));

#endif
