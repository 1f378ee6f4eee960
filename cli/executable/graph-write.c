/* SPDX-License-Identifier: MIT */
/* graph-write.c - the modules of a program, compiled, in a bundle.
 *
 *  (1) Names in the bundle begin at the folder that all files have in common,
 *      and so tell nothing about where that was. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/executable/graph-state.h"
#include "cli/text/output.h"
#include "cli/text/report.h"

static int complain_memory(void) {
  cli_complain("out of memory");
  return CLI_EXIT_HOST;
}

size_t cli_graph_parent(const char *path, size_t size) {
  while (size > 0 && path[size - 1] != '/') size--;
  return size > 0 ? size - 1 : 0;
}

struct cli_graph_file *cli_graph_find(const struct cli_graph *graph,
                                      const char *name) {
  for (size_t i = 0; i < graph->count; i++)
    if (strcmp(graph->files[i].name, name) == 0) return &graph->files[i];
  return NULL;
}

/* The folder that all files have in common. */
static void find_root(struct cli_graph *graph) {
  const char *first = graph->files[0].name;
  size_t root = cli_graph_parent(first, strlen(first)) + 1;
  for (size_t i = 1; i < graph->count; i++)
    while (strncmp(first, graph->files[i].name, root) != 0)
      root = cli_graph_parent(first, root - 1) + 1;
  graph->root = root;
}

/* The name of a file in the executable. */
static void name_inside(const struct cli_graph *graph, const char *name,
                        char out[PATH_MAX + 16]) {
  const char *given = graph->settings->name;
  bool main = given != NULL && strcmp(name, graph->files[0].name) == 0;
  snprintf(out, PATH_MAX + 16, "%s%s", CLI_BUNDLE_ROOT,
           main ? given : name + graph->root);
}

static int compile_file(const struct cli_graph *graph, torpor_vm *vm,
                        const struct cli_graph_file *file,
                        struct cli_draft *draft) {
  const struct cli_sources sources = {.loader = graph->loader};
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  torpor_bytes code = {NULL, 0};
  char name[PATH_MAX + 16];
  name_inside(graph, file->name, name);
  options.file = name;
  options.mode = graph->settings->script && file == graph->files
                     ? TORPOR_SCRIPT
                     : TORPOR_MODULE;
  options.strip = graph->settings->strip;
  torpor_status status = torpor_compile(vm, (const char *)file->source.data,
                                        file->source.size, &options, &code);
  if (status == TORPOR_THROWN) {
    cli_report_error(vm, torpor_exception(vm), &sources);
    return CLI_EXIT_THROWN;
  }
  if (status != TORPOR_OK) {
    cli_complain("%s: %s", file->name, torpor_last_error(vm));
    return CLI_EXIT_HOST;
  }
  bool added = cli_draft_add(draft, CLI_ENTRY_CODE, name, code.data, code.size);
  torpor_bytes_free(&code);
  return added ? CLI_EXIT_DONE : complain_memory();
}

static int add_files(const struct cli_graph *graph, torpor_vm *vm,
                     struct cli_draft *draft) {
  char name[PATH_MAX + 16];
  for (size_t i = 0; i < graph->count; i++) {
    const struct cli_graph_file *file = &graph->files[i];
    if (file->code) {
      int code = compile_file(graph, vm, file, draft);
      if (code != CLI_EXIT_DONE) return code;
    }
    name_inside(graph, file->name, name);
    if (file->data && !cli_draft_add(draft, CLI_ENTRY_DATA, name,
                                     file->source.data, file->source.size))
      return complain_memory();
  }
  name_inside(graph, graph->files[0].name, name);
  return cli_draft_add(draft, CLI_ENTRY_ABOUT, "main", name, strlen(name))
             ? CLI_EXIT_DONE
             : complain_memory();
}

static int add_edges(struct cli_graph *graph, struct cli_draft *draft) {
  char importer[PATH_MAX + 16], name[PATH_MAX + 16];
  for (size_t i = 0; i < graph->edge_count; i++) {
    const struct cli_graph_edge *edge = &graph->edges[i];
    if (cli_graph_find(graph, edge->name) == NULL ||
        cli_graph_find(graph, edge->importer) == NULL)
      continue;
    name_inside(graph, edge->importer, importer);
    name_inside(graph, edge->name, name);
    if (!cli_draft_edge(draft, importer, edge->specifier, name))
      return complain_memory();
  }
  for (size_t i = 0; i < graph->settings->extern_count; i++)
    if (!cli_draft_add(draft, CLI_ENTRY_EXTERN, graph->settings->externs[i],
                       NULL, 0))
      return complain_memory();
  return CLI_EXIT_DONE;
}

int cli_graph_write(struct cli_graph *graph, struct cli_draft *draft) {
  torpor_vm *vm = NULL;
  find_root(graph);
  if (torpor_vm_open(NULL, &vm) != TORPOR_OK) {
    cli_complain("%s", torpor_last_error(NULL));
    return CLI_EXIT_HOST;
  }
  int code = add_files(graph, vm, draft);
  if (code == CLI_EXIT_DONE) code = add_edges(graph, draft);
  torpor_vm_close(vm);
  return code;
}
