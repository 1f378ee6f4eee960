/* SPDX-License-Identifier: MIT */
/* graph-state.h - what graph.c finds, and graph-write.c writes down. */
#ifndef TORPOR_CLI_GRAPH_STATE_H
#define TORPOR_CLI_GRAPH_STATE_H

#include "cli/executable/graph.h"

/* A file. */
struct cli_graph_file {
  char *name;
  bool code, data; /* what it is imported as */
  bool searched;   /* for what it imports while it runs */
  torpor_bytes source;
};

/* Which module an import means. */
struct cli_graph_edge {
  char *importer, *specifier, *name;
};

struct cli_graph {
  const struct cli_graph_settings *settings;
  torpor_access *access;
  torpor_loader *loader;
  struct cli_graph_file *files;
  size_t count, capacity;
  struct cli_graph_edge *edges;
  size_t edge_count, edge_capacity;
  char **dynamic; /* files that import() names; see graph-dynamic.c */
  size_t dynamic_count, dynamic_capacity;
  torpor_status failed; /* of the module that could not be given */
  size_t root;          /* how many bytes of each name are the common folder */
};

/* Where the last folder of 'path', which is absolute and has 'size' bytes
 * without a slash at its end, begins: at its slash. */
size_t cli_graph_parent(const char *path, size_t size);

/* The file that 'specifier', as "./a.js", means in the file 'importer', by
 * looking at the text alone, from malloc; NULL: out of memory. */
char *cli_graph_join(const char *importer, const char *specifier);
/* Whether 'specifier' begins with "./" or "../". */
bool cli_graph_is_relative(const char *specifier);

/* Notes which module an import means. False: out of memory. */
bool cli_graph_add_edge(struct cli_graph *graph, const char *importer,
                        const char *specifier, const char *name);

/* Adds to 'dynamic' what files that were not searched yet name in import() and
 * new Worker(). False: out of memory. */
bool cli_graph_find_dynamic(struct cli_graph *graph);

/* NULL: it was not read. */
struct cli_graph_file *cli_graph_find(const struct cli_graph *graph,
                                      const char *name);

/* Adds all that was found to 'draft', the files of code compiled. An exit
 * code, after saying what is wrong. */
int cli_graph_write(struct cli_graph *graph, struct cli_draft *draft);

#endif
