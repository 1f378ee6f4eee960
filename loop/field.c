/* SPDX-License-Identifier: MIT */
/* field.c - single values out of an operation's request. See field.h.
 *
 * No state; any thread. */
#include "field.h"

#include <math.h>
#include <string.h>

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

uint64_t torpor__field_count(const torpor_operation *operation, const char *key,
                             uint64_t otherwise) {
  double number;
  if (!torpor__field_number(operation, key, &number) ||
      !(number >= 0 && number <= 9007199254740991.0) || number != floor(number))
    return otherwise;
  return (uint64_t)number;
}

bool torpor__field_flag(const torpor_operation *operation, const char *key) {
  torpor_reader *reader = find(operation, key, TORPOR_DATA_BOOLEAN);
  if (reader == NULL) return false;
  bool flag = torpor_reader_boolean(reader);
  torpor_reader_close(reader);
  return flag;
}
