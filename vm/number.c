/* SPDX-License-Identifier: MIT */
/* number.c - numbers from and to text, whatever locale the host has set. */
#include "vm/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t plain_locale;

static void make_plain_locale(void) {
  plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The locale "C" for this thread; gives back what it had. */
static locale_t use_plain(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_plain_locale);
  return uselocale(plain_locale);
}

double torpor__number_parse(const char *text) {
  locale_t before = use_plain();
  double number = strtod(text, NULL);
  uselocale(before);
  return number;
}

void torpor__number_print(double number, char *text, size_t size) {
  locale_t before = use_plain();
  int digits = 15;
  do {
    snprintf(text, size, "%.*g", digits, number);
  } while (strtod(text, NULL) != number && ++digits <= 17);
  uselocale(before);
}
