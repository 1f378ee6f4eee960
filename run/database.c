/* SPDX-License-Identifier: MIT */
/* database.c - what every kind of store shares: the sentence that a failed call
 * leaves behind.
 *
 *  (1) A failed call always leaves a sentence; a successful one leaves the
 *      last sentence as it was.
 *
 * Runs on the store's thread. */
#include "database.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Whether what 'format' says is the whole sentence: these codes only tell a
 * program what kind of failure it is. */
static bool needs_no_text(torpor_status status) {
  switch (status) {
  case TORPOR_THROWN:
  case TORPOR_MISUSE:
  case TORPOR_LIMIT:
  case TORPOR_NOT_FOUND:
  case TORPOR_FORMAT:
  case TORPOR_NEWER:
  case TORPOR_DENIED:
    return true;
  default:
    return false;
  }
}

torpor_status torpor__database_fail(struct torpor__database *database,
                                    torpor_status status, const char *format,
                                    ...) {
  size_t size = sizeof database->message;
  const char *text = torpor_status_text(status);
  int used = 0;
  if (format == NULL) {
    snprintf(database->message, size, "%s", text);
    return status;
  }
  if (!needs_no_text(status))
    used = snprintf(database->message, size, "%s: ", text);
  if (used < 0 || (size_t)used >= size) return status;
  va_list args;
  va_start(args, format);
  vsnprintf(database->message + used, size - (size_t)used, format, args);
  va_end(args);
  return status;
}
