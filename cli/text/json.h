/* SPDX-License-Identifier: MIT */
/* json.h - writes JSON to standard output, a member at a time.
 *
 *   cli_json_open('{');
 *   cli_json_text("id", "order-7");
 *   cli_json_number("step", 3);
 *   cli_json_close('}');
 *
 * 'name' is NULL for the elements of an array. Commas are put in by themselves.
 * The depth is at most CLI_JSON_DEPTH. */
#ifndef TORPOR_CLI_JSON_H
#define TORPOR_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_JSON_DEPTH = 8 };

void cli_json_open(const char *name, char bracket);
/* The outermost bracket also ends the line. */
void cli_json_close(char bracket);
void cli_json_text(const char *name, const char *text); /* NULL: null */
void cli_json_string(const char *name, const char *text, size_t size);
void cli_json_number(const char *name, int64_t number);
void cli_json_decimal(const char *name, double number);
void cli_json_boolean(const char *name, bool value);
/* CBOR as JSON; null when there is none. */
void cli_json_data(const char *name, const uint8_t *data, size_t size);
/* Unix milliseconds as ISO 8601; null when negative. */
void cli_json_time(const char *name, int64_t ms);

#endif
