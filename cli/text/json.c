/* SPDX-License-Identifier: MIT */
/* json.c - writes JSON to standard output. See json.h. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/text/json.h"
#include "cli/text/output.h"
#include "cli/text/utf8.h"
#include "cli/text/when.h"
#include "torpor.h"

static bool begun[CLI_JSON_DEPTH]; /* something was written at that depth */
static size_t depth;

/* Control characters are escaped all, also those that JSON allows: the reader
 * may be a terminal. What is no UTF-8 becomes U+FFFD, a byte at a time. */
static void write_character(const char *text, struct cli_character character) {
  if (!character.valid) {
    fputs("\\ufffd", stdout);
  } else if (character.control) {
    printf("\\u%04x", (unsigned char)text[character.size - 1]);
  } else {
    if (*text == '"' || *text == '\\') putchar('\\');
    fwrite(text, 1, character.size, stdout);
  }
}

static void write_text(const char *text, size_t size) {
  putchar('"');
  for (size_t i = 0; i < size;) {
    struct cli_character next = cli_utf8_read(text + i, size - i);
    write_character(text + i, next);
    i += next.size;
  }
  putchar('"');
}

static void write_name(const char *name) {
  if (depth > 0 && begun[depth - 1]) putchar(',');
  if (depth > 0) begun[depth - 1] = true;
  if (name == NULL) return;
  write_text(name, strlen(name));
  putchar(':');
}

void cli_json_open(const char *name, char bracket) {
  assert(depth < CLI_JSON_DEPTH);
  if (depth == 0) cli_output_begin();
  write_name(name);
  putchar(bracket);
  begun[depth++] = false;
}

void cli_json_close(char bracket) {
  assert(depth > 0);
  putchar(bracket);
  if (--depth == 0) putchar('\n');
}

void cli_json_text(const char *name, const char *text) {
  if (text != NULL) {
    cli_json_string(name, text, strlen(text));
    return;
  }
  write_name(name);
  fputs("null", stdout);
}

void cli_json_string(const char *name, const char *text, size_t size) {
  write_name(name);
  write_text(text, size);
}

void cli_json_number(const char *name, int64_t number) {
  write_name(name);
  printf("%" PRId64, number);
}

void cli_json_decimal(const char *name, double number) {
  write_name(name);
  printf("%.1f", number);
}

void cli_json_boolean(const char *name, bool value) {
  write_name(name);
  fputs(value ? "true" : "false", stdout);
}

void cli_json_data(const char *name, const uint8_t *data, size_t size) {
  torpor_bytes text = {0};
  write_name(name);
  if (data != NULL && torpor_cbor_to_json(data, size, &text) == TORPOR_OK)
    fwrite(text.data, 1, text.size, stdout);
  else
    fputs("null", stdout);
  torpor_bytes_free(&text);
}

void cli_json_time(const char *name, int64_t ms) {
  char text[CLI_WHEN_SIZE];
  cli_json_text(name, ms < 0 ? NULL : cli_when_iso(ms, text));
}
