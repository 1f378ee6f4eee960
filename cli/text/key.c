/* SPDX-License-Identifier: MIT */
/* key.c - the key that --key-file names.
 *
 * Either its 32 bytes, as 'head -c 32 /dev/urandom' makes them, or 64 hex
 * digits, with or without an end of line. It is not left in any buffer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/text/key.h"
#include "cli/text/output.h"

enum { HEX_SIZE = 2 * TORPOR_KEY_SIZE, FILE_MAX = HEX_SIZE + 2 };

static int read_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

static bool read_hex(const uint8_t *text, uint8_t key[TORPOR_KEY_SIZE]) {
  for (size_t i = 0; i < TORPOR_KEY_SIZE; i++) {
    int high = read_digit(text[2 * i]), low = read_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static bool read_key(const uint8_t *text, size_t size,
                     uint8_t key[TORPOR_KEY_SIZE]) {
  if (size == TORPOR_KEY_SIZE) {
    memcpy(key, text, size);
    return true;
  }
  while (size > HEX_SIZE && size <= FILE_MAX &&
         (text[size - 1] == '\n' || text[size - 1] == '\r'))
    size--;
  return size == HEX_SIZE && read_hex(text, key);
}

int cli_key_read(const char *path, uint8_t key[TORPOR_KEY_SIZE]) {
  uint8_t text[FILE_MAX + 1];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    cli_complain("the key file '%s' cannot be read: %s", path, strerror(errno));
    return CLI_EXIT_FILE;
  }
  setvbuf(file, NULL, _IONBF, 0);
  size_t size = fread(text, 1, sizeof(text), file);
  fclose(file);
  bool good = read_key(text, size, key);
  explicit_bzero(text, sizeof(text));
  if (good) return CLI_EXIT_DONE;
  cli_complain(
      "'%s' is not a key: it must have 32 bytes, or 64 hex digits; make one "
      "with 'head -c 32 /dev/urandom > %s'",
      path, path);
  return CLI_EXIT_USAGE;
}
