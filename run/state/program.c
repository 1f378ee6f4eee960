/* SPDX-License-Identifier: MIT */
/* program.c - reading the modules of a durable program.
 *
 * The engine itself finds them: it loads and links all modules of a graph
 * before it runs the first of them. So a module that imports
 *
 *     1. one that throws, and
 *     2. the program
 *
 * loads all of the program, and throws before that has run a line. */
#include "run/state/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/utf8.h"
#include "run/state/extension-load.h"
#include "torpor-module.h"
#include "torpor-run.h"

#define STOP_NAME "torpor-program-stop"
#define STOP_SOURCE "throw 0;"

struct reader {
  struct torpor__program *program;
  torpor_loader *loader;
  torpor_bytes main;
  torpor_status status; /* of the module that could not be given */
};

torpor_status torpor__program_add(struct torpor__program *program,
                                  const char *name, torpor_slice source) {
  if (!torpor__array_reserve(&program->files, &program->capacity,
                             program->count + 1, sizeof *program->files))
    return TORPOR_NOMEM;
  char *name_copy = torpor__array_copy(name, strlen(name) + 1);
  void *data = torpor__array_copy(source.data, source.size);
  if (name_copy == NULL || data == NULL) {
    free(name_copy);
    free(data);
    return TORPOR_NOMEM;
  }
  program->files[program->count++] = (struct torpor__file){
      .name = name_copy, .source = {.data = data, .size = source.size}};
  return TORPOR_OK;
}

static torpor_slice slice_of(const torpor_bytes *bytes) {
  return (torpor_slice){.data = bytes->data, .size = bytes->size};
}

static torpor_status copy_bytes(const void *data, size_t size,
                                torpor_bytes *out) {
  out->data = malloc(size + 1);
  if (out->data == NULL) return TORPOR_NOMEM;
  if (size > 0) memcpy(out->data, data, size);
  out->data[size] = 0;
  out->size = size;
  return TORPOR_OK;
}

/* Gives a file, and keeps it: once, whatever it is imported as. */
static torpor_status give_file(struct reader *reader,
                               const torpor_module_request *request,
                               torpor_module_answer *answer) {
  torpor_status status =
      torpor__program_give(reader->program, request->name, &answer->text);
  if (status != TORPOR_NOT_FOUND) return status;
  status = torpor_loader_source(reader->loader, request, answer);
  if (status != TORPOR_OK || torpor_loader_is_native(request)) return status;
  return torpor__program_add(reader->program, request->name,
                             slice_of(&answer->text));
}

/* torpor_options.module */
static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct reader *reader = user;
  torpor_status status =
      strcmp(request->name, STOP_NAME) == 0
          ? copy_bytes(STOP_SOURCE, strlen(STOP_SOURCE), &answer->text)
          : give_file(reader, request, answer);
  if (status != TORPOR_OK) reader->status = status;
  return status;
}

void torpor__program_quote(const char *name, char *out) {
  *out++ = '"';
  for (; *name; name++) {
    if (*name == '"' || *name == '\\' || (unsigned char)*name < ' ')
      out += sprintf(out, "\\u%04x", (unsigned char)*name);
    else
      *out++ = *name;
  }
  strcpy(out, "\"");
}

/* True when 'reason' is what the stopping module throws. */
static bool is_stop(torpor_value reason) {
  return torpor_value_type(reason) == TORPOR_TYPE_NUMBER;
}

static torpor_status explain(struct reader *reader, torpor_vm *vm,
                             torpor_value reason) {
  struct torpor__program *program = reader->program;
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status failed = reader->status;
  torpor_status status = torpor_error_read(vm, reason, &error);
  if (status != TORPOR_OK) return status;
  const char *place = error.stack + strspn(error.stack, " ");
  if (failed == TORPOR_OK)
    snprintf(program->message, sizeof program->message, "%s: %s%s%.*s",
             error.name, error.message, *place ? " " : "",
             (int)strcspn(place, "\n"), place);
  else
    snprintf(program->message, sizeof program->message, "%s", error.message);
  torpor_error_free(&error);
  return failed == TORPOR_OK ? TORPOR_THROWN : failed;
}

static torpor_status link_graph(struct reader *reader, torpor_vm *vm,
                                const char *source) {
  torpor_value result, reason;
  torpor_promise_state state;
  /* Without a name, so that no error says that it imports the program. */
  torpor_status status =
      torpor_eval(vm, source, SIZE_MAX, "", TORPOR_MODULE, &result);
  if (status == TORPOR_THROWN) return explain(reader, vm, torpor_exception(vm));
  if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  if (status == TORPOR_OK)
    status = torpor_promise_read(vm, result, &state, &reason);
  if (status == TORPOR_OK && !is_stop(reason))
    return explain(reader, vm, reason);
  if (status != TORPOR_OK)
    snprintf(reader->program->message, sizeof reader->program->message, "%s",
             torpor_last_error(vm));
  return status;
}

/* torpor__extension_give_fn */
static torpor_status give_extension(void *user, const char *name,
                                    torpor_bytes *module) {
  return torpor__program_give(user, name, module);
}

/* They may bring modules for the program to import. */
static torpor_status load_extensions(struct reader *reader, torpor_vm *vm) {
  torpor_status status =
      torpor__extension_load(vm, give_extension, reader->program);
  if (status != TORPOR_OK)
    snprintf(reader->program->message, sizeof reader->program->message,
             "loading its extensions: %.400s", torpor_last_error(vm));
  return status;
}

static torpor_status read_imports(struct reader *reader) {
  const char *name = torpor_loader_name(reader->loader);
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.module = give_module;
  options.resolve = torpor_loader_resolve;
  options.library = torpor_library_source;
  options.extensions = true;
  options.deadline_ms = TORPOR_RUN_DEADLINE_MS;
  options.user = reader;
  char *source = malloc(strlen(name) * 6 + 64);
  torpor_vm *vm = NULL;
  if (source == NULL) return TORPOR_NOMEM;
  torpor__program_quote(
      name, source + sprintf(source, "import \"%s\"; import ", STOP_NAME));
  torpor_status status = torpor_vm_open(&options, &vm);
  if (status == TORPOR_OK) status = load_extensions(reader, vm);
  if (status == TORPOR_OK)
    status = torpor_loader_bind(reader->loader, vm, TORPOR_MODULE_PURE);
  if (status == TORPOR_OK) status = link_graph(reader, vm, source);
  torpor_vm_close(vm);
  free(source);
  return status;
}

static bool is_utf8(const char *name) {
  return torpor__utf8_valid(name, strlen(name));
}

static torpor_status add_all(struct torpor__program *program,
                             const struct torpor__program *others) {
  torpor_status status = TORPOR_OK;
  for (size_t i = 0; status == TORPOR_OK && i < others->count; i++)
    status = torpor__program_add(program, others->files[i].name,
                                 others->files[i].source);
  return status;
}

torpor_status torpor__program_read(struct torpor__program *program,
                                   const char *path,
                                   const torpor_access *access,
                                   const struct torpor__program *extensions) {
  struct reader reader = {.program = program};
  torpor_status status =
      torpor_loader_open(path, access, &reader.loader, &reader.main);
  if (status != TORPOR_OK) {
    snprintf(program->message, sizeof program->message, "%s",
             reader.loader ? torpor_loader_error(reader.loader)
                           : torpor_status_text(status));
  } else if (!is_utf8(torpor_loader_name(reader.loader))) {
    status = TORPOR_MISUSE;
    snprintf(program->message, sizeof program->message,
             "the path of a run's program is UTF-8; rename %s",
             torpor_loader_name(reader.loader));
  } else {
    status = torpor__program_add(program, torpor_loader_name(reader.loader),
                                 slice_of(&reader.main));
    if (status == TORPOR_OK) status = add_all(program, extensions);
    if (status == TORPOR_OK) status = read_imports(&reader);
  }
  if (status != TORPOR_OK && program->message[0] == '\0')
    snprintf(program->message, sizeof program->message, "%s",
             torpor_status_text(status));
  program->lacked_files =
      status == TORPOR_IO && torpor_loader_exhausted(reader.loader);
  torpor_bytes_free(&reader.main);
  torpor_loader_close(reader.loader);
  if (status != TORPOR_OK) torpor__program_free(program);
  return status;
}

void torpor__program_free(struct torpor__program *program) {
  for (size_t i = 0; i < program->count; i++) {
    free((char *)program->files[i].name);
    free((void *)program->files[i].source.data);
  }
  free(program->files);
  program->files = NULL;
  program->count = program->capacity = 0;
}

/* ---- Finding a module that was read ---------------------------------------*/

struct wanted {
  torpor_bytes *source;
  torpor_status status;
};

/* torpor__file_fn */
static torpor_status take_file(void *data, const char *name,
                               torpor_slice source) {
  struct wanted *wanted = data;
  (void)name;
  wanted->status = copy_bytes(source.data, source.size, wanted->source);
  return TORPOR_OK;
}

torpor_status torpor__program_find(struct torpor__database *database,
                                   int64_t run, int64_t version,
                                   const char *name, torpor_bytes *source) {
  struct wanted wanted = {.source = source, .status = TORPOR_NOT_FOUND};
  torpor_status status = database->calls->file_each(database, run, version,
                                                    name, take_file, &wanted);
  if (wanted.status == TORPOR_NOMEM)
    return torpor__database_fail(database, TORPOR_NOMEM, NULL);
  if (status == TORPOR_OK) return wanted.status;
  return status == TORPOR_NOMEM ? status : TORPOR_IO;
}

/* ---- All of them ---------------------------------------------------------*/

/* torpor__file_fn */
static torpor_status take_each(void *data, const char *name,
                               torpor_slice source) {
  return torpor__program_add(data, name, source);
}

torpor_status torpor__program_load(struct torpor__program *program,
                                   struct torpor__database *database,
                                   int64_t run, int64_t version) {
  torpor_status status = database->calls->file_each(database, run, version,
                                                    NULL, take_each, program);
  if (status != TORPOR_OK) torpor__program_free(program);
  return status;
}

torpor_status torpor__program_give(const struct torpor__program *program,
                                   const char *name, torpor_bytes *source) {
  for (size_t i = 0; i < program->count; i++)
    if (strcmp(program->files[i].name, name) == 0)
      return copy_bytes(program->files[i].source.data,
                        program->files[i].source.size, source);
  return TORPOR_NOT_FOUND;
}
