/* SPDX-License-Identifier: MIT */
/* refuse.c - rejects an operation of a run's VM. See refuse.h. */
#include "run/vm/refuse.h"

#include <stdio.h>
#include <string.h>

torpor_status torpor__refuse_fail(torpor_vm *vm, torpor_status status,
                                  char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  const char *sentence = torpor_last_error(vm);
  snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "%.*s",
           (int)strcspn(sentence, ";"), sentence);
  return status;
}

torpor_status
torpor__refuse_fail_memory(char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "out of memory");
  return TORPOR_NOMEM;
}

torpor_status torpor__refuse(torpor_vm *vm, uint64_t id, const char *name,
                             const char *text, const char *code,
                             char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  torpor_bytes error = {0};
  if (torpor_cbor_error(name, text, code, &error) != TORPOR_OK)
    return torpor__refuse_fail_memory(message);
  torpor_status status = torpor_operation_settle_cbor(vm, id, TORPOR_REJECT,
                                                      error.data, error.size);
  torpor_bytes_free(&error);
  return status == TORPOR_OK || status == TORPOR_NOT_FOUND
             ? TORPOR_OK
             : torpor__refuse_fail(vm, status, message);
}

torpor_status
torpor__refuse_unread(torpor_vm *vm, uint64_t id,
                      char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  char text[TORPOR__DATABASE_MESSAGE_MAX];
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status = torpor_error_read(vm, torpor_exception(vm), &error);
  if (status != TORPOR_OK) return torpor__refuse_fail(vm, status, message);
  snprintf(text, sizeof text, "what came cannot be read: %.400s",
           error.message);
  torpor__refuse_trim(text);
  status = torpor__refuse(vm, id, *error.name ? error.name : "Error", text,
                          "UNREADABLE", message);
  torpor_error_free(&error);
  return status;
}

torpor_status torpor__refuse_large(torpor_vm *vm, uint64_t id, size_t size,
                                   char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  char text[128];
  snprintf(text, sizeof text,
           "what came has %zu bytes, for which the program's memory has no "
           "room",
           size);
  return torpor__refuse(vm, id, "RangeError", text, "LIMIT", message);
}

void torpor__refuse_trim(char *text) {
  size_t size = strlen(text), at = size;
  while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80) at--;
  if (at == 0) return;
  unsigned char first = (unsigned char)text[at - 1];
  size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (size - (at - 1) < wanted) text[at - 1] = '\0';
}
