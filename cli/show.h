/* SPDX-License-Identifier: MIT */
/* show.h - what list and show both say of a run. */
#ifndef TORPOR_CLI_SHOW_H
#define TORPOR_CLI_SHOW_H

#include "torpor-run.h"

/* The members of a JSON object, which is open, that every run has. */
void cli_show_members(const torpor_run_info *info);

/* The beginning and the end of a list of what 'count' says, a JSON array or
 * lines; when there were none, 'none' is said on standard error instead. */
void cli_show_list_open(bool json);
void cli_show_list_close(bool json, torpor_status status, size_t count,
                         const char *none);

#endif
