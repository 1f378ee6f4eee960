/* SPDX-License-Identifier: MIT */
/* database.c - what every database shares: what an id is, and the sentence
 * that says why a call failed.
 *
 *  (1) A call that fails leaves a sentence; one that succeeds does not touch
 *      the last one.
 *
 * On the thread of the database. */
#include "run/database/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static _Thread_local bool lacked_files;

/* Whether the text of a code would add nothing to a sentence about what
 * happened. */
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

bool torpor__database_is_id(const char *id) {
  size_t size = strlen(id);
  return size > 0 && size <= TORPOR__RUN_ID_MAX &&
         strspn(id,
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "0123456789._-") == size;
}

torpor_status torpor__database_fail(struct torpor__database *database,
                                    torpor_status status, const char *format,
                                    ...) {
  size_t size = sizeof database->message;
  const char *text = torpor_status_text(status);
  int used = 0;
  lacked_files = false;
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

torpor_status torpor__database_fail_system(struct torpor__database *database,
                                           torpor_status status, int error,
                                           const char *what) {
  bool lacking = error == EMFILE || error == ENFILE;
  torpor__database_fail(database, status, "%s: %s%s", what, strerror(error),
                        lacking ? "; close some, or allow more (ulimit -n)"
                                : "");
  lacked_files = lacking;
  return status;
}

torpor_status torpor__database_pass_on(struct torpor__database *database,
                                       torpor_status status,
                                       const char *message, bool lacking) {
  snprintf(database->message, sizeof database->message, "%s", message);
  lacked_files = lacking;
  return status;
}

bool torpor__database_lacked_files(void) {
  return lacked_files;
}
