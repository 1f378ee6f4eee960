/* SPDX-License-Identifier: MIT */
/* number.h - numbers from and to text. */
#ifndef TORPOR_VM_NUMBER_H
#define TORPOR_VM_NUMBER_H

#include <stddef.h>

double torpor__number_parse(const char *text);
/* The shortest text that gives 'number' again; at most 25 bytes. */
void torpor__number_print(double number, char *text, size_t size);

#endif
