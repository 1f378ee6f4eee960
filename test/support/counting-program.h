/* SPDX-License-Identifier: MIT */
/* counting-program.h - the programs of the runs in a model (run-model.h).
 *
 * Each adds up the numbers that it is sent, and says so. Where it keeps sum and
 * count depends on the extensions that its run keeps: in objects of JavaScript
 * when there are none, else in objects of the extensions, or in the memory of
 * one. An upgrade hands both over. What fails here fails the test. */
#ifndef TORPOR_TEST_COUNTING_PROGRAM_H
#define TORPOR_TEST_COUNTING_PROGRAM_H

enum { COUNTING_MODULES = 3, COUNTING_SETS = 4 };

/* A side module. */
extern struct counting_module {
  const char *folder, *name;
  char path[512];
  char hash[65]; /* SHA-256, in hex */
} counting_modules[COUNTING_MODULES];

/* The extensions of a run, in the order of loading, and where its program keeps
 * its numbers: JavaScript of objects with get and set. */
struct counting_set {
  int count;
  int modules[2];
  const char *sums, *counts;
};
extern const struct counting_set counting_sets[COUNTING_SETS];

/* For cmocka. Loads each module once, since native code that a process has
 * loaded is found again. */
int counting_program_find_modules(void **state);

/* Writes a program to the file of the bench, and a module that it imports
 * beside it. Both differ with each number: 'main' and 'lib' are what its
 * console lines begin with, 'extensions' is one of the sets. */
void counting_program_write(int main, int lib, int extensions);

/* Removes the module beside it. */
void counting_program_remove(void);

#endif
