/* SPDX-License-Identifier: MIT */
/* plugins.c - an application with plug-ins in JavaScript, which sleep with it.
 *
 * A plug-in is a module. It imports
 *
 *   "app"              a module that the host makes: functions and values
 *   "#colours"         a short name that the host resolves to a file's
 *   "./tools.js"       a file next to it, which the host gives
 *   "./words.json"     the same, as data
 *
 * and works with objects of the host's class Document. Then everything is put
 * to sleep and woken, as after a restart of the application: the plug-in's
 * state is there, and the host gives each Document its file again when it is
 * first used. Compile and run:
 *
 *   cc plugins.c -o plugins $(pkg-config --cflags --libs torpor)
 *   ./plugins
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <torpor.h>

static void check(torpor_vm *vm, torpor_status status) {
  if (status == TORPOR_OK) return;
  fprintf(stderr, "%s\n", torpor_last_error(vm));
  exit(1);
}

/* ---- Modules --------------------------------------------------------------*/

/* Files of the plug-ins; an application would read a folder. */
static const char *const files[][2] = {
    {"plugins/tools.js", "export const shout = s => s.toUpperCase() + '!';"},
    {"plugins/words.json", "{\"greeting\": \"good morning\"}"},
    {"shared/colours.js", "export default ['red', 'green'];"},
    {"plugins/first.js",
     "import { log, version } from 'app';\n"
     "import colours from '#colours';\n"
     "import { shout } from './tools.js';\n"
     "import words from './words.json' with { type: 'json' };\n"
     "log(shout(words.greeting), 'version', version, colours);\n"
     "const letter = new Document('letter');\n"
     "new Document('draft'); // nobody keeps it\n"
     "let turns = 0;\n"
     "globalThis.onTurn = () => {\n"
     "  letter.append(`turn ${++turns};`);\n"
     "  log(letter.name, 'has', letter.length, 'characters');\n"
     "};\n"
     "await import('fs').catch(error => log(error.message));\n"},
};

/* Which module is meant by a name in an import. */
static torpor_status resolve(void *user, const char *specifier,
                             const char *importer,
                             torpor_module_answer *answer) {
  char name[256];
  (void)user, (void)importer;
  if (specifier[0] != '#') return TORPOR_OK; /* by the usual rules */
  snprintf(name, sizeof(name), "shared/%s.js", specifier + 1);
  return torpor_module_give(answer, name, SIZE_MAX);
}

/* The source of a module. */
static torpor_status load(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  (void)user;
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    if (strcmp(files[i][0], request->name) == 0)
      return torpor_module_give(answer, files[i][1], SIZE_MAX);
  return torpor_module_refuse(answer, TORPOR_NOT_FOUND,
                              "plug-ins have no such file");
}

/* log(...): any values, as a console shows them. */
static torpor_status log_values(torpor_vm *vm,
                                const torpor_arguments *arguments,
                                torpor_value *result, void *user) {
  (void)result, (void)user;
  printf("plug-in:");
  for (size_t i = 0; i < arguments->count; i++) {
    torpor_bytes text;
    torpor_value value = arguments->args[i];
    torpor_status status = torpor_value_type(value) == TORPOR_TYPE_STRING
                               ? torpor_string_read(vm, value, &text)
                               : torpor_value_describe(vm, value, &text);
    if (status != TORPOR_OK) return status;
    printf(" %s", (const char *)text.data);
    torpor_bytes_free(&text);
  }
  printf("\n");
  return TORPOR_OK;
}

/* Makes the module "app"; in a VM that was woken, binds its functions. */
static void add_app(torpor_vm *vm) {
  const torpor_module_export exports[] = {
      {.name = "log", .function = log_values},
      {.name = "version", .value = torpor_number(3)},
  };
  check(vm, torpor_module_add(vm, "app", exports, 2));
}

/* ---- The class Document ---------------------------------------------------*/

/* What outlives the VMs, as a disk does: documents by their ids. */
typedef struct record {
  char name[32];
  char text[256];
} record;

static record disk[16];
static uint64_t last;

/* What a document in use has. */
typedef struct document {
  record *record;
  int changes;
} document;

static torpor_status open_document(torpor_instance *instance) {
  document *made = calloc(1, sizeof(*made));
  if (made == NULL) return TORPOR_NOMEM;
  made->record = &disk[instance->id];
  instance->data = made;
  return TORPOR_OK;
}

/* new Document(name): a new record, whose number is the object's id. */
static torpor_status document_new(torpor_vm *vm,
                                  const torpor_arguments *arguments,
                                  torpor_instance *instance, void *user) {
  torpor_bytes name;
  torpor_status status;
  (void)user;
  if (last + 1 == sizeof(disk) / sizeof(disk[0]))
    return torpor_throw(vm, "RangeError", "the disk is full");
  status = torpor_string_read(vm, torpor_argument(arguments, 0), &name);
  if (status != TORPOR_OK) return status;
  instance->id = ++last;
  snprintf(disk[last].name, sizeof(disk[last].name), "%s",
           (const char *)name.data);
  torpor_bytes_free(&name);
  return open_document(instance);
}

/* A document that slept is used again. */
static torpor_status document_restore(torpor_vm *vm, torpor_instance *instance,
                                      void *user) {
  (void)vm, (void)user;
  if (instance->id == 0 || instance->id > last) return TORPOR_NOT_FOUND;
  printf("host: opens '%s' again\n", disk[instance->id].name);
  return open_document(instance);
}

/* Its object was collected, or its VM is closed. */
static void document_close(const torpor_instance *instance, void *user) {
  document *closed = instance->data;
  (void)user;
  printf("host: closes '%s' after %d changes\n", closed->record->name,
         closed->changes);
  free(closed);
}

static torpor_status document_append(torpor_vm *vm,
                                     const torpor_arguments *arguments,
                                     torpor_value *result, void *user) {
  document *self = arguments->instance.data;
  char *text = self->record->text;
  size_t size = strlen(text);
  torpor_bytes more;
  torpor_status status =
      torpor_string_read(vm, torpor_argument(arguments, 0), &more);
  (void)result, (void)user;
  if (status != TORPOR_OK) return status;
  snprintf(text + size, sizeof(self->record->text) - size, "%s",
           (const char *)more.data);
  torpor_bytes_free(&more);
  self->changes++;
  return TORPOR_OK;
}

static torpor_status document_name(torpor_vm *vm,
                                   const torpor_arguments *arguments,
                                   torpor_value *result, void *user) {
  const document *self = arguments->instance.data;
  (void)user;
  return torpor_string_new(vm, self->record->name, SIZE_MAX, result);
}

static torpor_status document_length(torpor_vm *vm,
                                     const torpor_arguments *arguments,
                                     torpor_value *result, void *user) {
  const document *self = arguments->instance.data;
  (void)vm, (void)user;
  *result = torpor_number((double)strlen(self->record->text));
  return TORPOR_OK;
}

static const torpor_function_entry members[] = {
    {"append", document_append, 1, 0},
    {"name", document_name, 0, TORPOR_FUNCTION_GETTER},
    {"length", document_length, 0, TORPOR_FUNCTION_GETTER},
};

/* Makes the class; in a VM that was woken, binds it. */
static void add_document(torpor_vm *vm) {
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = "Document";
  def.construct = document_new;
  def.length = 1;
  def.members = members;
  def.member_count = sizeof(members) / sizeof(members[0]);
  def.restore = document_restore;
  def.finalize = document_close;
  check(vm, torpor_class_add(vm, &def));
}

/* ---- The application ------------------------------------------------------*/

static void take_turn(torpor_vm *vm) {
  torpor_value global;
  check(vm, torpor_global(vm, &global));
  check(vm, torpor_call_method(vm, global, "onTurn", NULL, 0, NULL));
}

int main(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_bytes asleep;
  torpor_vm *vm;
  options.module = load;
  options.resolve = resolve;
  check(NULL, torpor_vm_open(&options, &vm));
  add_app(vm);
  add_document(vm);

  torpor_value loaded;
  check(vm, torpor_eval(vm, "import './plugins/first.js'", SIZE_MAX, "main.js",
                        TORPOR_MODULE, &loaded));
  check(vm, torpor_await(vm, loaded, NULL));
  take_turn(vm);

  check(vm, torpor_snapshot_save(vm, &asleep));
  torpor_vm_close(vm);
  printf("host: asleep\n");

  check(NULL, torpor_snapshot_restore(asleep.data, asleep.size, &options, &vm));
  torpor_bytes_free(&asleep);
  add_app(vm);
  add_document(vm);
  take_turn(vm);
  torpor_vm_close(vm);
  printf("host: the letter says '%s'\n", disk[1].text);
  return 0;
}
