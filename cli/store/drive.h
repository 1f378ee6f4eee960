/* SPDX-License-Identifier: MIT */
/* drive.h - drives runs in the foreground and shows what they do; for run,
 * resume and worker. */
#ifndef TORPOR_CLI_DRIVE_H
#define TORPOR_CLI_DRIVE_H

#include "cli/program/trust.h"
#include "cli/store/store.h"

/* Part of such a command's settings. */
struct cli_drive {
  bool json;
  bool quiet;
  uint64_t memory_total;
  const char *ca; /* certificates; NULL: the system's */
};

#define CLI_DRIVE_OPTIONS(type, member)                                        \
  CLI_OPTION(type, member.json, "json", 0, CLI_FLAG, NULL,                     \
             "print one JSON object per event"),                               \
      CLI_TRUST_OPTION(type, member.ca),                                       \
      CLI_OPTION(type, member.quiet, "quiet", 'q', CLI_FLAG, NULL,             \
                 "show the program's output only"),                            \
      CLI_OPTION(type, member.memory_total, "memory-total", 0, CLI_BYTES,      \
                 "SIZE",                                                       \
                 "most memory of this process, such as 1G; runs beyond that "  \
                 "wait their turn (what its control group allows, less an "    \
                 "eighth)")

/* What is driven. */
struct cli_driven {
  torpor_store *store;
  const struct cli_store *place; /* for telling how to resume */
  const char *const *ids;        /* NULL: every run */
  bool until_ended;              /* and then, until all have ended; else until
                                    stopped */
  size_t count;
  bool several; /* asked for, if perhaps one is left of them */
};

/* Drives them until all have ended or a signal (SIGINT, SIGTERM, SIGHUP,
 * SIGQUIT) stops it. If one run was asked for its end decides the exit code. */
int cli_drive(const struct cli_driven *driven,
              const struct cli_drive *settings);

#endif
