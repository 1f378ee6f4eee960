/* SPDX-License-Identifier: MIT */
/* snapshot.h - a snapshot that a command was given: a file, standard input, or
 * a state of a run.
 *
 *   FILE      a snapshot in a file; '-' is standard input
 *   ID        the newest state of a run
 *   ID@STEP   a state that the run keeps
 *
 * A file of that name comes first; "./" in front says that a file is meant. */
#ifndef TORPOR_CLI_SNAPSHOT_H
#define TORPOR_CLI_SNAPSHOT_H

#include "cli/store/store.h"

/* Part of such a command's settings. */
struct cli_snapshot_settings {
  struct cli_store store;
  uint64_t memory; /* most that its VM may have; 0: TORPOR_MEMORY_DEFAULT */
};

#define CLI_SNAPSHOT_OPTIONS(type, member)                                     \
  CLI_STORE_OPTION(type, member.store), CLI_KEY_OPTION(type, member.store),    \
      CLI_OPTION(type, member.memory, "memory", 0, CLI_BYTES, "SIZE",          \
                 "most memory that it may take here, such as 2G (512M)")

struct cli_snapshot {
  const char *name;    /* the argument */
  torpor_store *store; /* of a run; NULL: of a file */
  char id[TORPOR_RUN_ID_SIZE];
  int64_t step;
  uint64_t size; /* as it was given, with its protection */
  bool protected;
  bool installed;      /* its engine is here */
  const uint8_t *data; /* the snapshot without protection */
  size_t data_size;
  uint8_t *file;      /* owned: what was read */
  torpor_bytes owned; /* or what the library gave */
  torpor_snapshot_info info;
  torpor_bytes operations;
  torpor_bytes report;  /* see torpor_vm_inspect; empty when there is none */
  torpor_bytes waiting; /* CBOR array; empty when it is not known */
  char missing[512];    /* why there is no report; empty when there is one */
};

/* Reads what 'argument' names; 'step' (NULL: by the argument) is that of
 * --step. CLI_EXIT_DONE, or an exit code after saying what is wrong; 'out' is
 * closed then. */
int cli_snapshot_open(const struct cli_snapshot_settings *settings,
                      const char *argument, const char *step,
                      struct cli_snapshot *out);
void cli_snapshot_close(struct cli_snapshot *snapshot);

/* Looks into it with its engine, which fills in report, waiting and missing. No
 * code of the program runs. */
void cli_snapshot_look(struct cli_snapshot *snapshot,
                       const struct cli_snapshot_settings *settings);

/* Its section 'section', unpacked; empty when it has none, it is too large for
 * --memory, or damaged. */
torpor_bytes cli_snapshot_section(const struct cli_snapshot *snapshot,
                                  const struct cli_snapshot_settings *settings,
                                  torpor_section section);

/* Reads a step: -1 for NULL, the newest. As cli_snapshot_open. */
int cli_snapshot_step(const char *text, int64_t *out);

/* Takes "ID" or "ID@STEP" apart; 'step' (NULL: none) is one that was given
 * beside it. As cli_snapshot_open. */
int cli_snapshot_state(const char *argument, const char *step,
                       char id[TORPOR_RUN_ID_SIZE], int64_t *out);

#endif
