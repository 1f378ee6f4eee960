/* SPDX-License-Identifier: MIT */
/* main.c - the executable that 'torpor build' puts a program behind. */
#include "torpor-standalone.h"

int main(int count, char **words) {
  return torpor_standalone_main(NULL, 0, count, words);
}
