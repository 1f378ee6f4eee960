/* SPDX-License-Identifier: MIT */
/* number.c - numbers from and to text, independent of the host's locale. */
#include "vm/data/number.h"

#include <stdio.h>
#include <stdlib.h>

#include "wasm/os.h"

double torpor__number_parse(const char *text) {
  uintptr_t before = torpor__os_locale_plain();
  double number = strtod(text, NULL);
  torpor__os_locale_set(before);
  return number;
}

void torpor__number_print(double number, char *text, size_t size) {
  uintptr_t before = torpor__os_locale_plain();
  int digits = 15;
  do {
    snprintf(text, size, "%.*g", digits, number);
  } while (strtod(text, NULL) != number && ++digits <= 17);
  torpor__os_locale_set(before);
}
