/* SPDX-License-Identifier: MIT */
/* test_extension_scripts.c - the scripts in extensions/NAME/test, with the
 * extensions as they are linked into the library.
 *
 * A script throws when something is wrong, or gives a promise that is rejected
 * then. Of one named NAME.sleep.js, what follows the line "//// sleep" runs in
 * a VM that was put to sleep and woken meanwhile, and in a copy of it.
 *
 * ctest: timeout=300 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/file.h"
#include "test/support/save.h"
#include "test/support/vm.h"

/* What an extension adds to. */
static const char *find_needed(const char *name) {
  return strcmp(name, "encoding-legacy") == 0 ? "encoding" : NULL;
}

static char *path_of(const char *name, const char *file) {
  static char path[4096];
  snprintf(path, sizeof(path), "%s/extensions/%s/%s", getenv("TORPOR_SOURCE"),
           name, file);
  return path;
}

static torpor_vm *open_with(const char *name) {
  torpor_vm *vm = test_vm_open(NULL);
  const char *needed = find_needed(name);
  if (needed) test_ok(vm, torpor_vm_load_extension(vm, needed, NULL));
  test_ok(vm, torpor_vm_load_extension(vm, name, NULL));
  return vm;
}

/* Runs a script with check.js in front of it, and waits for what it gives, or
 * as long as there is something to do. */
static void run(torpor_vm *vm, const char *file, const char *source,
                size_t size, bool may_wait) {
  torpor_bytes check = test_file_read(path_of("test", "check.js"));
  torpor_value value;
  torpor_status status = TORPOR_OK;
  torpor_brand brand;
  assert_non_null(check.data);
  test_ok(vm, torpor_eval(vm, (const char *)check.data, check.size, "check.js",
                          TORPOR_SCRIPT, NULL));
  torpor_bytes_free(&check);
  test_ok(vm, torpor_eval(vm, source, size, file, TORPOR_SCRIPT, &value));
  test_ok(vm, torpor_value_brand(vm, value, &brand));
  if (brand == TORPOR_BRAND_PROMISE) status = torpor_await(vm, value, NULL);
  if (!may_wait || status != TORPOR_DEADLOCK) test_ok(vm, status);
}

static void run_asleep(const char *name, const char *file,
                       const torpor_bytes *source) {
  const char *all = (const char *)source->data,
             *cut = strstr(all, "\n//// sleep\n");
  torpor_vm *vm = open_with(name), *copy;
  torpor_bytes asleep;
  assert_non_null(cut);
  run(vm, file, all, (size_t)(cut - all), true);
  asleep = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&asleep, NULL);
  test_ok(vm, torpor_vm_fork(vm, NULL, &copy));
  run(vm, file, cut, source->size - (size_t)(cut - all), false);
  run(copy, file, cut, source->size - (size_t)(cut - all), false);
  torpor_vm_close(vm);
  torpor_vm_close(copy);
  torpor_bytes_free(&asleep);
}

static bool ends_with(const char *text, const char *end) {
  size_t size = strlen(text), length = strlen(end);
  return size >= length && strcmp(text + size - length, end) == 0;
}

static void run_file(const char *name, const char *file) {
  char below[512];
  torpor_bytes source;
  torpor_vm *vm;
  snprintf(below, sizeof(below), "test/%s", file);
  source = test_file_read(path_of(name, below));
  assert_non_null(source.data);
  print_message("    %s/%s\n", name, file);
  if (ends_with(file, ".sleep.js")) {
    run_asleep(name, file, &source);
  } else {
    vm = open_with(name);
    run(vm, file, (const char *)source.data, source.size, false);
    torpor_vm_close(vm);
  }
  torpor_bytes_free(&source);
}

/* All scripts of one extension. */
static void test_scripts(void **state) {
  const char *name = *state;
  DIR *folder = opendir(path_of(name, "test"));
  int count = 0;
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (ends_with(entry->d_name, ".js")) {
      run_file(name, entry->d_name);
      count++;
    }
  closedir(folder);
  assert_true(count > 0);
}

#define SCRIPTS(name)                                                          \
  {                                                                            \
    name, test_scripts, NULL, NULL, (char[]) {                                 \
      name                                                                     \
    }                                                                          \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      SCRIPTS("base64"),   SCRIPTS("crypto"),
      SCRIPTS("encoding"), SCRIPTS("encoding-legacy"),
      SCRIPTS("headers"),  SCRIPTS("structured-clone"),
      SCRIPTS("url"),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
