/* SPDX-License-Identifier: MIT */
/* bundle-write.h - making a bundle. */
#ifndef TORPOR_CLI_BUNDLE_WRITE_H
#define TORPOR_CLI_BUNDLE_WRITE_H

#include "cli/program/bundle.h"
#include "torpor.h"

struct cli_draft_entry {
  struct cli_entry entry; /* name and data are its own */
};

/* Zeroed is empty. */
struct cli_draft {
  struct cli_draft_entry *entries;
  size_t count, capacity;
};

/* Adds an entry, of which name and data are copied. One that is there already
 * stays. False: out of memory. */
bool cli_draft_add(struct cli_draft *draft, enum cli_entry_kind kind,
                   const char *name, const void *data, size_t size);
bool cli_draft_edge(struct cli_draft *draft, const char *importer,
                    const char *specifier, const char *name);
/* NULL: there is none. */
const struct cli_entry *cli_draft_find(const struct cli_draft *draft,
                                       enum cli_entry_kind kind,
                                       const char *name);
/* Takes an entry out, if it is there. */
void cli_draft_remove(struct cli_draft *draft, enum cli_entry_kind kind,
                      const char *name);
/* The bytes, for torpor_bytes_free. TORPOR_NOMEM, or TORPOR_LIMIT. */
torpor_status cli_draft_write(struct cli_draft *draft, torpor_bytes *out);
void cli_draft_free(struct cli_draft *draft);

#endif
