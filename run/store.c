/* SPDX-License-Identifier: MIT */
/* store.c - what every kind of store shares: the sentence that a failed call
 * leaves behind.
 *
 *  (1) A failed call always leaves a sentence; a successful one leaves the
 *      last sentence as it was.
 *
 * Runs on the store's thread. */
#include "store.h"

#include <stdarg.h>
#include <stdio.h>

torpor_status torpor__store_fail(struct torpor__store *store,
                                 torpor_status status, const char *format,
                                 ...) {
  size_t size = sizeof store->message;
  const char *text = torpor_status_text(status);
  int used = snprintf(store->message, size, "%s", text);
  if (format == NULL || used < 0 || (size_t)used + 3 >= size) return status;
  used += snprintf(store->message + used, size - (size_t)used, ": ");
  va_list args;
  va_start(args, format);
  vsnprintf(store->message + used, size - (size_t)used, format, args);
  va_end(args);
  return status;
}
