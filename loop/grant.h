/* SPDX-License-Identifier: MIT */
/* grant.h - what grants of each permission are about, as text: a path, a host,
 * a program, a name.
 *
 * A grant and what is asked for are first brought into one form; then one of
 * them covers the other or not, by its text alone.
 *
 * No state; any thread. */
#ifndef TORPOR_LOOP_GRANT_H
#define TORPOR_LOOP_GRANT_H

#include "torpor-loop.h"

/* Whether 'permission' is about paths. */
bool torpor__grant_is_path(torpor_permission permission);

/* 'text' in the form in which grants are kept; the caller frees it. 'folder' is
 * what relative paths start from. TORPOR_OK, TORPOR_NOMEM, TORPOR_MISUSE (no
 * such thing can be), TORPOR_NOT_FOUND (there is no such program), TORPOR_IO (a
 * path cannot be resolved). */
torpor_status torpor__grant_make(torpor_permission permission,
                                 const char *folder, const char *text,
                                 char **out);

/* Whether a grant for 'granted' covers 'asked', both in that form. */
bool torpor__grant_covers(torpor_permission permission, const char *granted,
                          const char *asked);

/* Whether 'text' may be in a kept grant: an absolute path, or a word. */
bool torpor__grant_is_kept_form(torpor_permission permission, const char *text);

#endif
