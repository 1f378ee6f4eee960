/* SPDX-License-Identifier: MIT */
/* field.c - single values out of an operation's request. See field.h.
 *
 * No state; any thread. */
#include "loop/field.h"

#include <math.h>
#include <string.h>

static const double COUNT_LARGEST = 9007199254740991.0; /* 2^53 - 1 */

/* A reader that stands before the value of 'key', which is of 'type'; NULL:
 * there is none. */
static torpor_reader *find(const torpor_operation *operation, const char *key,
                           torpor_data_type type) {
  torpor_reader *reader = NULL;
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) != TORPOR_OK)
    return NULL;
  if (torpor_reader_type(reader) == TORPOR_DATA_OBJECT) {
    torpor_reader_enter(reader);
    if (torpor_reader_find(reader, key, strlen(key)) &&
        torpor_reader_type(reader) == type)
      return reader;
  }
  torpor_reader_close(reader);
  return NULL;
}

char *torpor__field_text(const torpor_operation *operation, const char *key) {
  torpor_reader *reader = find(operation, key, TORPOR_DATA_STRING);
  if (reader == NULL) return NULL;
  torpor_slice text = torpor_reader_string(reader);
  bool good = torpor_reader_status(reader) == TORPOR_OK && text.size > 0 &&
              memchr(text.data, '\0', text.size) == NULL;
  char *copy = good ? strndup((const char *)text.data, text.size) : NULL;
  torpor_reader_close(reader);
  return copy;
}

bool torpor__field_number(const torpor_operation *operation, const char *key,
                          double *out) {
  torpor_reader *reader = find(operation, key, TORPOR_DATA_NUMBER);
  if (reader == NULL) return false;
  *out = torpor_reader_number(reader);
  torpor_reader_close(reader);
  return isfinite(*out);
}

uint64_t torpor__field_here(torpor_reader *reader, uint64_t otherwise) {
  if (torpor_reader_type(reader) != TORPOR_DATA_NUMBER) return otherwise;
  double number = torpor_reader_number(reader);
  return number >= 0 && number <= COUNT_LARGEST && number == floor(number)
             ? (uint64_t)number
             : otherwise;
}

uint64_t torpor__field_count(const torpor_operation *operation, const char *key,
                             uint64_t otherwise) {
  torpor_reader *reader = find(operation, key, TORPOR_DATA_NUMBER);
  if (reader == NULL) return otherwise;
  uint64_t count = torpor__field_here(reader, otherwise);
  torpor_reader_close(reader);
  return count;
}

bool torpor__field_flag(const torpor_operation *operation, const char *key) {
  torpor_reader *reader = find(operation, key, TORPOR_DATA_BOOLEAN);
  if (reader == NULL) return false;
  bool flag = torpor_reader_boolean(reader);
  torpor_reader_close(reader);
  return flag;
}
