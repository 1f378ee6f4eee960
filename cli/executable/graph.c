/* SPDX-License-Identifier: MIT */
/* graph.c - all modules of a program, read from files.
 *
 * The engine itself finds them: it loads and links all modules of a graph
 * before it runs the first of them. So a module that imports
 *
 *     1. one that throws, and
 *     2. the program
 *
 * loads all of the program, and throws before that has run a line. Modules that
 * C code gives are not there yet: they are promised for later, so that the
 * graph is loaded and waits for them.
 *
 *  (1) Which module an import means is found out here, once, and kept: in the
 *      bundle names are others.
 *  (2) A file is read once, whatever it is imported as.
 *
 * What import() names is found by its text (graph-dynamic.c), and loaded by
 * linking all of it again, until nothing new is found. */
#include "cli/executable/graph-state.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text/output.h"
#include "cli/text/report.h"
#include "common/array.h"

#define STOP_NAME "torpor-build-stop"
#define STOP_SOURCE "throw 0;"

static int complain_memory(void) {
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

/* ---- Names ---------------------------------------------------------------*/

static bool is_extern(const struct cli_graph *graph, const char *name) {
  for (size_t i = 0; i < graph->settings->extern_count; i++)
    if (strcmp(graph->settings->externs[i], name) == 0) return true;
  return false;
}

/* torpor_options.resolve: a module in C goes before one of the library. */
static torpor_status resolve(void *user, const char *specifier,
                             const char *importer,
                             torpor_module_answer *answer) {
  struct cli_graph *graph = user;
  if (is_extern(graph, specifier))
    return torpor_module_give(answer, specifier, strlen(specifier));
  torpor_status status =
      torpor_loader_resolve(NULL, specifier, importer, answer);
  if (status != TORPOR_OK) return status;
  const char *name = (const char *)answer->text.data;
  char *joined = NULL;
  if (name == NULL && cli_graph_is_relative(specifier) && importer[0] == '/') {
    name = joined = cli_graph_join(importer, specifier);
    if (joined == NULL) return TORPOR_NOMEM;
  } else if (name == NULL && specifier[0] == '/') {
    name = specifier;
  }
  if (name != NULL && !cli_graph_add_edge(graph, importer, specifier, name))
    status = TORPOR_NOMEM;
  if (joined != NULL && status == TORPOR_OK)
    status = torpor_module_give(answer, joined, strlen(joined));
  free(joined);
  return status;
}

/* ---- Files ---------------------------------------------------------------*/

/* Keeps a copy of 'source'. */
static struct cli_graph_file *add_file(struct cli_graph *graph,
                                       const char *name,
                                       const torpor_bytes *source) {
  if (!torpor__array_reserve(&graph->files, &graph->capacity, graph->count + 1,
                             sizeof(*graph->files)))
    return NULL;
  struct cli_graph_file file = {
      .name = strdup(name),
      .source = {torpor__array_copy(source->data, source->size), source->size}};
  if (file.name == NULL || file.source.data == NULL) {
    free(file.name);
    free(file.source.data);
    return NULL;
  }
  graph->files[graph->count] = file;
  return &graph->files[graph->count++];
}

static torpor_status give_file(struct cli_graph *graph,
                               const torpor_module_request *request,
                               torpor_module_answer *answer) {
  struct cli_graph_file *file = cli_graph_find(graph, request->name);
  torpor_status status = TORPOR_OK;
  if (file != NULL) {
    status = torpor_module_give(answer, file->source.data, file->source.size);
  } else {
    status = torpor_loader_source(graph->loader, request, answer);
    if (status == TORPOR_OK) {
      file = add_file(graph, request->name, &answer->text);
      if (file == NULL) status = TORPOR_NOMEM;
    }
  }
  if (status != TORPOR_OK) return status;
  if (request->type == TORPOR_MODULE_CODE)
    file->code = true;
  else
    file->data = true;
  return TORPOR_OK;
}

/* torpor_options.module */
static torpor_status give_module(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer) {
  struct cli_graph *graph = user;
  if (strcmp(request->name, STOP_NAME) == 0)
    return torpor_module_give(answer, STOP_SOURCE, strlen(STOP_SOURCE));
  if (is_extern(graph, request->name)) {
    answer->later = true;
    return TORPOR_OK;
  }
  torpor_status status = give_file(graph, request, answer);
  if (status != TORPOR_OK) graph->failed = status;
  return status;
}

/* ---- Linking -------------------------------------------------------------*/

static bool has_ending(const char *name, const char *ending) {
  size_t size = strlen(name), length = strlen(ending);
  return size > length && strcmp(name + size - length, ending) == 0;
}

/* Writes an import of 'name' behind 'out', which has room for it. */
static char *write_import(char *out, const char *name, const char *type) {
  out += sprintf(out, "import \"");
  for (; *name != '\0'; name++) {
    if (*name == '"' || *name == '\\' || (unsigned char)*name < ' ')
      out += sprintf(out, "\\u%04x", (unsigned char)*name);
    else
      *out++ = *name;
  }
  return out + sprintf(out, "\"%s%s%s; ",
                       type[0] != '\0' ? " with {type:'" : "", type,
                       type[0] != '\0' ? "'}" : "");
}

/* What a file that --include names is taken as. */
static const char *find_type(const char *name) {
  if (has_ending(name, ".js") || has_ending(name, ".mjs")) return "";
  if (has_ending(name, ".json")) return "json";
  return "bytes";
}

/* The module that imports all; NULL: out of memory, or, after words, a file
 * that is not there. */
static char *write_root(const struct cli_graph *graph, int *code) {
  const struct cli_grant *include = graph->settings->include;
  const char *name = torpor_loader_name(graph->loader);
  size_t count = include == NULL ? 0 : include->count;
  char *source =
      malloc((count + graph->dynamic_count + 2) * (6 * PATH_MAX + 64));
  char *at = source;
  char path[PATH_MAX];
  *code = CLI_EXIT_HOST;
  if (source == NULL) return NULL;
  at = write_import(at, STOP_NAME, "");
  at = write_import(at, name, "");
  for (size_t i = 0; i < count; i++) {
    if (realpath(include->lists[i], path) == NULL) {
      cli_complain("--include=%s: there is no such file", include->lists[i]);
      *code = CLI_EXIT_FILE;
      free(source);
      return NULL;
    }
    at = write_import(at, path, find_type(path));
  }
  for (size_t i = 0; i < graph->dynamic_count; i++)
    at = write_import(at, graph->dynamic[i], find_type(graph->dynamic[i]));
  *code = CLI_EXIT_DONE;
  return source;
}

/* Says why the graph could not be linked. */
static int complain_reason(const struct cli_graph *graph, torpor_vm *vm,
                           torpor_value reason) {
  const struct cli_sources sources = {.loader = graph->loader};
  torpor_error error = TORPOR_ERROR_INIT;
  if (graph->failed == TORPOR_OK) {
    cli_report_error(vm, reason, &sources);
    return CLI_EXIT_THROWN;
  }
  if (torpor_error_read(vm, reason, &error) != TORPOR_OK)
    return complain_memory();
  cli_complain("%s%s", error.message,
               graph->failed == TORPOR_DENIED
                   ? " (when it is built: --allow-import)"
                   : "");
  torpor_error_free(&error);
  return CLI_EXIT_FILE;
}

static int link_graph(const struct cli_graph *graph, torpor_vm *vm,
                      const char *source) {
  torpor_value promise, reason;
  torpor_promise_state state = TORPOR_PENDING;
  /* Without a name, so that no error says that it imports the program. */
  torpor_status status =
      torpor_eval(vm, source, SIZE_MAX, "", TORPOR_MODULE, &promise);
  if (status == TORPOR_THROWN)
    return complain_reason(graph, vm, torpor_exception(vm));
  if (status == TORPOR_OK) status = torpor_job_run(vm, 0, NULL);
  if (status == TORPOR_OK)
    status = torpor_promise_read(vm, promise, &state, &reason);
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(vm));
    return CLI_EXIT_HOST;
  }
  if (state == TORPOR_PENDING && graph->settings->extern_count > 0)
    return CLI_EXIT_DONE;
  if (torpor_value_type(reason) == TORPOR_TYPE_NUMBER) return CLI_EXIT_DONE;
  return complain_reason(graph, vm, reason);
}

/* Opens a VM on a loop, which has what the library's modules call when they are
 * loaded. The loop takes no turn: nothing begins. */
static int open_vm(struct cli_graph *graph, torpor_loop **loop,
                   torpor_vm **vm) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  torpor_attachment world = TORPOR_ATTACHMENT_INIT;
  options.module = give_module;
  options.resolve = resolve;
  options.library = torpor_library_source;
  options.extensions = true;
  options.user = graph;
  if (torpor_vm_open(&options, vm) != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(NULL));
    return CLI_EXIT_HOST;
  }
  torpor_status status = torpor_loop_open(NULL, loop);
  if (status == TORPOR_OK) status = torpor_loop_attach(*loop, *vm, &world);
  if (status == TORPOR_OK) return CLI_EXIT_DONE;
  cli_complain("opening a loop: %s", torpor_status_text(status));
  return CLI_EXIT_HOST;
}

static int link_all(struct cli_graph *graph) {
  torpor_loop *loop = NULL;
  torpor_vm *vm = NULL;
  int code;
  char *source = write_root(graph, &code);
  if (source == NULL) return code == CLI_EXIT_HOST ? complain_memory() : code;
  code = open_vm(graph, &loop, &vm);
  if (code == CLI_EXIT_DONE) code = link_graph(graph, vm, source);
  torpor_loop_close(loop);
  torpor_vm_close(vm);
  free(source);
  return code;
}

/* Links the program until linking it finds no more of it. */
static int read_imports(struct cli_graph *graph) {
  size_t known;
  int code;
  do {
    known = graph->dynamic_count;
    code = link_all(graph);
    if (code == CLI_EXIT_DONE && !cli_graph_find_dynamic(graph))
      code = complain_memory();
  } while (code == CLI_EXIT_DONE && graph->dynamic_count > known);
  return code;
}

/* ---- Reading -------------------------------------------------------------*/

/* Grants the folders of --allow-import, and the files of --include. */
static int open_access(struct cli_graph *graph) {
  const struct cli_grant *grants[] = {graph->settings->from,
                                      graph->settings->include};
  if (torpor_access_open(NULL, &graph->access) != TORPOR_OK) {
    cli_complain("the current folder cannot be found");
    return CLI_EXIT_FILE;
  }
  if (grants[0] != NULL && grants[0]->all &&
      torpor_access_allow(graph->access, TORPOR_READ, NULL) != TORPOR_OK)
    return complain_memory();
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; grants[k] != NULL && i < grants[k]->count; i++)
      if (torpor_access_allow(graph->access, TORPOR_READ,
                              grants[k]->lists[i]) != TORPOR_OK) {
        cli_complain("the path '%s' leads nowhere", grants[k]->lists[i]);
        return CLI_EXIT_FILE;
      }
  return CLI_EXIT_DONE;
}

static int open_main(struct cli_graph *graph) {
  torpor_bytes source = {NULL, 0};
  torpor_status status = torpor_loader_open(
      graph->settings->file, graph->access, &graph->loader, &source);
  if (status != TORPOR_OK) {
    cli_complain("%s", torpor_loader_error(graph->loader));
    return status == TORPOR_NOMEM || torpor_loader_exhausted(graph->loader)
               ? CLI_EXIT_HOST
               : CLI_EXIT_FILE;
  }
  struct cli_graph_file *main =
      add_file(graph, torpor_loader_name(graph->loader), &source);
  torpor_bytes_free(&source);
  if (main == NULL) return complain_memory();
  main->code = true;
  return CLI_EXIT_DONE;
}

static void close_graph(struct cli_graph *graph) {
  for (size_t i = 0; i < graph->count; i++) {
    free(graph->files[i].name);
    free(graph->files[i].source.data);
  }
  for (size_t i = 0; i < graph->edge_count; i++) {
    free(graph->edges[i].importer);
    free(graph->edges[i].specifier);
    free(graph->edges[i].name);
  }
  for (size_t i = 0; i < graph->dynamic_count; i++) free(graph->dynamic[i]);
  free(graph->files);
  free(graph->edges);
  free(graph->dynamic);
  torpor_loader_close(graph->loader);
  torpor_access_close(graph->access);
}

int cli_graph_read(const struct cli_graph_settings *settings,
                   struct cli_draft *draft) {
  struct cli_graph graph = {.settings = settings};
  int code = open_access(&graph);
  if (code == CLI_EXIT_DONE) code = open_main(&graph);
  if (code == CLI_EXIT_DONE && !settings->script) code = read_imports(&graph);
  if (code == CLI_EXIT_DONE) code = cli_graph_write(&graph, draft);
  close_graph(&graph);
  return code;
}
