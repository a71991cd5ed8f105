/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DEVICE_H
#define CONTROL_DEVICE_H

/* Opens the character device `path` with `flags` of open(2). Returns its descriptor or a negative
 * errno; -ENODEV when it is something else. clknetsim plays open(2) where the compiler does not
 * know the flags: so devices of control are opened here. */
int device_open(const char *path, int flags);

#endif
