/* SPDX-License-Identifier: MIT */
/* show.h - what list and show both say of a run. */
#ifndef TORPOR_CLI_SHOW_H
#define TORPOR_CLI_SHOW_H

#include "torpor-run.h"

/* The members of a JSON object, which is open, that every run has. */
void cli_show_members(const torpor_run_info *info);

#endif
