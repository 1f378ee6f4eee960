/* SPDX-License-Identifier: MIT */
/* sleeper.c - makes snapshots with the C library, for tests of the package.
 *
 * Usage: sleeper < COMMANDS
 *
 * One command a line; a failure is said, and ends the program with 1:
 *
 *   load NAME                loads an extension that ships
 *   eval CODE                evaluates CODE, runs all jobs, prints the value
 *   run FILE                 the same of the code in FILE
 *   fuel N                   prints how much fuel is left, and sets it
 *   begin NAME KIND DUE CODE begins an operation whose request is CODE's value;
 *                            its promise becomes the global NAME
 *   save FILE [parent] [delta] [waiting] [packed LEVEL]
 *   restore FILE...          goes on with what the chain FILE... holds
 *
 * Its clock stands at 1700000000000 ms, and its randomness is the same each
 * time: that of matrix-host.mjs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <torpor.h>

enum { PIECES = 16 };

static torpor_vm *vm;
static torpor_options options = TORPOR_OPTIONS_INIT;

static double stand_still(void *user, torpor_clock which) {
  (void)user, (void)which;
  return 1700000000000.0;
}

static void repeat(void *user, void *data, size_t size) {
  static uint32_t state = 1;
  (void)user;
  for (size_t i = 0; i < size; i++) {
    state = state * 1664525 + 1013904223;
    ((uint8_t *)data)[i] = (uint8_t)(state >> 24);
  }
}

static void need(torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "sleeper: %s\n", torpor_last_error(vm));
  exit(1);
}

static torpor_value eval(const char *code) {
  torpor_value value;
  need(torpor_eval(vm, code, SIZE_MAX, "sleeper.js", TORPOR_SCRIPT, &value));
  return value;
}

static void print_value(const char *code) {
  torpor_value value = eval(code);
  torpor_bytes text;
  need(torpor_job_run(vm, 0, NULL));
  need(torpor_string_read(vm, value, &text));
  puts((const char *)text.data);
  torpor_bytes_free(&text);
}

static void refuel(const char *amount) {
  printf("%llu\n", (unsigned long long)torpor_vm_fuel(vm));
  torpor_vm_set_fuel(vm, strtoull(amount, NULL, 10));
}

static void begin(char *arguments) {
  const char *name = strtok(arguments, " "), *kind = strtok(NULL, " ");
  double due = atof(strtok(NULL, " "));
  torpor_value promise, global;
  need(torpor_operation_begin(vm, kind, eval(strtok(NULL, "")), due, NULL,
                              &promise));
  need(torpor_global(vm, &global));
  need(torpor_set(vm, global, name, promise));
}

static void write_file(const char *path, const torpor_bytes *bytes) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes->data, 1, bytes->size, file) != bytes->size ||
      fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

static void save(char *arguments) {
  torpor_save_options how = TORPOR_SAVE_OPTIONS_INIT;
  const char *path = strtok(arguments, " "), *word;
  torpor_bytes bytes;
  while ((word = strtok(NULL, " ")) != NULL) {
    if (strcmp(word, "parent") == 0) how.flags |= TORPOR_SAVE_PARENT;
    if (strcmp(word, "delta") == 0) how.flags |= TORPOR_SAVE_DELTA;
    if (strcmp(word, "waiting") == 0) how.flags |= TORPOR_SAVE_WAITING;
    if (strcmp(word, "packed") == 0) {
      how.packing = TORPOR_PACKED;
      how.level = atoi(strtok(NULL, " "));
    }
  }
  need(torpor_snapshot_save_with(vm, &how, &bytes));
  write_file(path, &bytes);
  torpor_bytes_free(&bytes);
}

static torpor_slice read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  torpor_slice slice;
  void *data;
  long size;
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    perror(path);
    exit(1);
  }
  size = ftell(file);
  rewind(file);
  data = malloc((size_t)size + 1);
  slice = (torpor_slice){data, fread(data, 1, (size_t)size, file)};
  ((char *)data)[slice.size] = 0;
  fclose(file);
  return slice;
}

static void restore(char *arguments) {
  torpor_slice chain[PIECES];
  size_t count = 0;
  char *path = strtok(arguments, " ");
  for (; path && count < PIECES; path = strtok(NULL, " "))
    chain[count++] = read_file(path);
  torpor_vm_close(vm);
  vm = NULL;
  need(torpor_snapshot_restore_chain(chain, count, &options, &vm));
  while (count > 0) free((void *)chain[--count].data);
}

static void run(const char *path) {
  char *code = (char *)read_file(path).data;
  print_value(code);
  free(code);
}

static void obey(char *line) {
  char *space = strchr(line, ' ');
  char *arguments = space ? space + 1 : line + strlen(line);
  if (space) *space = 0;
  if (strcmp(line, "eval") == 0)
    print_value(arguments);
  else if (strcmp(line, "load") == 0)
    need(torpor_vm_load_extension(vm, arguments, NULL));
  else if (strcmp(line, "run") == 0)
    run(arguments);
  else if (strcmp(line, "fuel") == 0)
    refuel(arguments);
  else if (strcmp(line, "begin") == 0)
    begin(arguments);
  else if (strcmp(line, "save") == 0)
    save(arguments);
  else if (strcmp(line, "restore") == 0)
    restore(arguments);
  else
    exit(2);
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  options.clock = stand_still;
  options.random = repeat;
  need(torpor_vm_open(&options, &vm));
  while (getline(&line, &room, stdin) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (*line) obey(line);
    fflush(stdout);
  }
  free(line);
  torpor_vm_close(vm);
  return 0;
}
