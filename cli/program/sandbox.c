/* SPDX-License-Identifier: MIT */
/* sandbox.c - the options that say what a program may do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program/sandbox.h"
#include "cli/text/output.h"

/* Memory below this holds no VM. */
static const uint64_t MEMORY_LEAST = (uint64_t)4 << 20;

/* What is wrong with a grant, by the status of granting it. */
static const char *grant_fault(torpor_status status, const char *text) {
  if (text[0] == '\0') return "it is empty";
  if (status == TORPOR_NOT_FOUND) return "there is no such program";
  return status == TORPOR_MISUSE ? "it is not the name of one"
                                 : "it leads nowhere";
}

static int allow_one(torpor_access *access, torpor_permission permission,
                     const char *text) {
  static const char *const nouns[TORPOR_PERMISSION_COUNT] = {
      [TORPOR_READ] = "path",    [TORPOR_WRITE] = "path",
      [TORPOR_NET] = "host",     [TORPOR_RUN] = "program",
      [TORPOR_ENV] = "variable", [TORPOR_FFI] = "path",
  };
  torpor_status status = torpor_access_allow(access, permission, text);
  if (status == TORPOR_OK) return CLI_EXIT_DONE;
  if (status == TORPOR_NOMEM) {
    cli_complain("out of memory");
    return CLI_EXIT_HOST;
  }
  cli_complain("the %s '%s' cannot be granted: %s", nouns[permission], text,
               grant_fault(status, text));
  return CLI_EXIT_USAGE;
}

/* Grants what 'list' names, with commas between. */
static int allow_list(torpor_access *access, torpor_permission permission,
                      const char *list) {
  int code = CLI_EXIT_DONE;
  for (;;) {
    size_t size = strcspn(list, ",");
    char *path = strndup(list, size);
    if (path == NULL) return CLI_EXIT_HOST;
    code = allow_one(access, permission, path);
    free(path);
    if (code != CLI_EXIT_DONE || list[size] == '\0') return code;
    list += size + 1;
  }
}

static int allow(torpor_access *access, torpor_permission permission,
                 const struct cli_grant *grant) {
  int code = CLI_EXIT_DONE;
  if (grant->all && torpor_access_allow(access, permission, NULL) != TORPOR_OK)
    return CLI_EXIT_HOST;
  for (size_t i = 0; i < grant->count && code == CLI_EXIT_DONE; i++)
    code = allow_list(access, permission, grant->lists[i]);
  return code;
}

int cli_sandbox_access(const struct cli_sandbox *sandbox, torpor_access **out) {
  if (torpor_access_open(NULL, out) != TORPOR_OK) {
    cli_complain("the current folder cannot be found");
    return CLI_EXIT_FILE;
  }
  const struct cli_grant *const grants[TORPOR_PERMISSION_COUNT] = {
      [TORPOR_READ] = &sandbox->read, [TORPOR_WRITE] = &sandbox->write,
      [TORPOR_NET] = &sandbox->net,   [TORPOR_RUN] = &sandbox->run,
      [TORPOR_ENV] = &sandbox->env,   [TORPOR_FFI] = &sandbox->ffi,
  };
  static const struct cli_grant everything = {.all = true};
  int code = CLI_EXIT_DONE;
  for (int i = 0; i < TORPOR_PERMISSION_COUNT && code == CLI_EXIT_DONE; i++)
    code = allow(*out, (torpor_permission)i,
                 sandbox->all ? &everything : grants[i]);
  if (code != CLI_EXIT_DONE) {
    torpor_access_close(*out);
    *out = NULL;
  }
  return code;
}

int cli_sandbox_grants(const struct cli_sandbox *sandbox, torpor_bytes *out) {
  torpor_access *access = NULL;
  *out = (torpor_bytes){NULL, 0};
  int code = cli_sandbox_access(sandbox, &access);
  if (code == CLI_EXIT_DONE && torpor_access_write(access, out) != TORPOR_OK)
    code = CLI_EXIT_HOST;
  torpor_access_close(access);
  return code;
}

/* With a slash in it, so that it is not the name of one that ships. */
static torpor_status load_extension(torpor_vm *vm, const char *file) {
  if (strchr(file, '/') != NULL || strchr(file, '.') == NULL)
    return torpor_vm_load_extension(vm, file, NULL);
  size_t size = strlen(file) + sizeof("./");
  char *path = malloc(size);
  if (path == NULL) return TORPOR_NOMEM;
  snprintf(path, size, "./%s", file);
  torpor_status status = torpor_vm_load_extension(vm, path, NULL);
  free(path);
  return status;
}

int cli_sandbox_extend(const struct cli_sandbox *sandbox, torpor_vm *vm) {
  for (size_t i = 0; i < sandbox->extensions.count; i++) {
    torpor_status status = load_extension(vm, sandbox->extensions.lists[i]);
    if (status == TORPOR_OK) continue;
    cli_complain("%s", torpor_last_error(vm));
    return status == TORPOR_EXTENSION ? CLI_EXIT_FILE : CLI_EXIT_HOST;
  }
  return CLI_EXIT_DONE;
}

int cli_sandbox_limits(const struct cli_sandbox *sandbox,
                       torpor_options *options) {
  uint64_t memory = sandbox->memory;
  if (memory != 0 &&
      (memory < MEMORY_LEAST || memory > TORPOR_MEMORY_LARGEST)) {
    cli_complain("--memory can be from %dM to %dM", (int)(MEMORY_LEAST >> 20),
                 (int)(TORPOR_MEMORY_LARGEST >> 20));
    return CLI_EXIT_USAGE;
  }
  options->memory_max = memory;
  options->fuel = sandbox->fuel;
  options->deadline_ms = sandbox->deadline;
  return CLI_EXIT_DONE;
}
