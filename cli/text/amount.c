/* SPDX-License-Identifier: MIT */
/* amount.c - sizes and counts as people read them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/text/amount.h"

const char *cli_amount_bytes(uint64_t bytes, char *text) {
  static const char *const units[] = {"KB", "MB", "GB", "TB"};
  double amount = (double)bytes / 1024;
  size_t unit = 0;
  if (bytes < 1024) {
    snprintf(text, CLI_AMOUNT_SIZE, "%" PRIu64 " byte%s", bytes,
             bytes == 1 ? "" : "s");
    return text;
  }
  for (; amount >= 1023.5 && unit < 3; unit++) amount /= 1024;
  snprintf(text, CLI_AMOUNT_SIZE, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount,
           units[unit]);
  return text;
}

const char *cli_amount_change(int64_t bytes, char *text) {
  uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;
  if (bytes == 0) {
    strcpy(text, "no change");
    return text;
  }
  cli_amount_bytes(size, text);
  memmove(text + 1, text, CLI_AMOUNT_SIZE - 1);
  text[0] = bytes < 0 ? '-' : '+';
  return text;
}

const char *cli_amount_count(uint64_t count, char *text) {
  char digits[24];
  size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
  char *to = text;
  for (size_t i = 0; i < size; i++) {
    if (i > 0 && (size - i) % 3 == 0) *to++ = ',';
    *to++ = digits[i];
  }
  *to = '\0';
  return text;
}
