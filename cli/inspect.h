/* SPDX-License-Identifier: MIT */
/* inspect.h - what 'torpor inspect' found out: as words and as JSON. */
#ifndef TORPOR_CLI_INSPECT_H
#define TORPOR_CLI_INSPECT_H

#include "cli/snapshot/pages.h"
#include "cli/snapshot/snapshot.h"
#include "cli/text/cbor.h"

/* One of the differences that a state of a run consists of. */
struct cli_link {
  int64_t step;
  uint64_t size;
};

struct cli_inspected {
  const struct cli_snapshot *snapshot;
  bool counted; /* 'pages' is known */
  struct cli_pages pages;
  struct cli_link *chain; /* of a run: the newest first */
  size_t chain_count;
  torpor_bytes
      exported; /* section 6: the run that it is a state of; or empty */
  torpor_bytes extensions; /* section 2; or empty */
};

/* "memory"; sections that are not known have none. */
const char *cli_inspect_section_name(unsigned number);

/* Where functions wait: of the report, or of the snapshot itself. */
struct cli_item cli_inspect_waiting(const struct cli_snapshot *snapshot);

void cli_inspect_print(const struct cli_inspected *inspected); /* JSON */
void cli_inspect_show(const struct cli_inspected *inspected);  /* words */

/* The next extension of 'items', elements of section 2: its name and version,
 * and its hash as hex digits; false: there is none. */
struct cli_inspected_extension {
  struct cli_item name, version;
  char hash[65];
};
bool cli_inspect_extension(struct cli_items *items,
                           struct cli_inspected_extension *out);

/* An id as 64 hex digits; 'text' has 65 bytes and is returned. */
const char *cli_inspect_hex(const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE],
                            char *text);

/* 'load (shop.mjs:12:5)' of an element of the waiting list, or of anything
 * that has function, file and line; to stdout, on its line. */
void cli_inspect_place(struct cli_item place);

/* What is shown of a list, and of a text. */
enum { CLI_INSPECT_LINES = 20, CLI_INSPECT_TEXT = 100 };

/* The label of a line, or as much space. */
void cli_inspect_label(const char *label);
/* A text of the program, cut with "..." when it is long. */
void cli_inspect_text(const char *text, size_t size);
/* "... and 12 more", unless all were shown. */
void cli_inspect_rest(uint64_t all, uint64_t shown);

#endif
