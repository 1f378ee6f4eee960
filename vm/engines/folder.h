/* SPDX-License-Identifier: MIT */
/* folder.h - the folders that may hold native code to load. */
#ifndef TORPOR_VM_FOLDER_H
#define TORPOR_VM_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Folder number 'index' of those that may hold 'kind' ("engines"): those that
 * the environment variable 'setting' lists, then <folder of
 * libtorpor.so>/torpor/<kind> and <folder of the program>/../lib/torpor/<kind>.
 * false: no more. An empty path stands for one that is not to be had. */
bool torpor__folder(const char *setting, const char *kind, size_t index,
                    char *path, size_t size);

#endif
