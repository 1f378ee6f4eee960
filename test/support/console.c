/* SPDX-License-Identifier: MIT */
/* console.c - see console.h. */
#include "console.h"

#include <string.h>

void test_console_write(void *console, torpor_level level, const char *text,
                        size_t size) {
  struct test_console *to = console;
  (void)level;
  assert_true(to->size + size + 2 <= sizeof(to->text));
  memcpy(to->text + to->size, text, size);
  to->size += size;
  to->text[to->size++] = '\n';
  to->text[to->size] = '\0';
}

void test_console_reject(void *console, torpor_vm *vm, torpor_value reason) {
  torpor_error error = TORPOR_ERROR_INIT;
  assert_int_equal(torpor_error_read(vm, reason, &error), TORPOR_OK);
  test_console_write(console, TORPOR_LEVEL_ERROR, error.message,
                     strlen(error.message));
  torpor_error_free(&error);
}

void test_console_clear(struct test_console *console) {
  console->size = 0;
  console->text[0] = '\0';
}

void test_console_expect(struct test_console *console, const char *text) {
  assert_string_equal(console->text, text);
  test_console_clear(console);
}
