/* SPDX-License-Identifier: MIT */
/* graph-dynamic.c - modules that a program names while it runs.
 *
 * A name is found where it stands as a text of its own:
 *
 *     import("./page.js")    import(`./page.js`)    new Worker("./count.js")
 *
 * The source is searched, not parsed, so that a comment counts as well. That
 * does no harm: what is found is taken in if there is such a file, and is not
 * missed if there is none. Only names that begin with "./" or "../" are looked
 * for; those that a program puts together are what --include is for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/executable/graph-state.h"
#include "common/array.h"

/* ---- Names ---------------------------------------------------------------*/

bool cli_graph_is_relative(const char *specifier) {
  return strncmp(specifier, "./", 2) == 0 || strncmp(specifier, "../", 3) == 0;
}

char *cli_graph_join(const char *importer, const char *specifier) {
  size_t size = cli_graph_parent(importer, strlen(importer));
  char *name = malloc(size + strlen(specifier) + 2);
  if (name == NULL) return NULL;
  memcpy(name, importer, size);
  while (*specifier != '\0') {
    size_t part = strcspn(specifier, "/");
    if (part == 2 && memcmp(specifier, "..", 2) == 0) {
      size = cli_graph_parent(name, size);
    } else if (part > 0 && !(part == 1 && specifier[0] == '.')) {
      name[size++] = '/';
      memcpy(name + size, specifier, part);
      size += part;
    }
    specifier += part;
    specifier += *specifier == '/';
  }
  name[size] = '\0';
  return name;
}

bool cli_graph_add_edge(struct cli_graph *graph, const char *importer,
                        const char *specifier, const char *name) {
  if (importer[0] == '\0') return true;
  for (size_t i = 0; i < graph->edge_count; i++)
    if (strcmp(graph->edges[i].importer, importer) == 0 &&
        strcmp(graph->edges[i].specifier, specifier) == 0)
      return true;
  if (!torpor__array_reserve(&graph->edges, &graph->edge_capacity,
                             graph->edge_count + 1, sizeof(*graph->edges)))
    return false;
  struct cli_graph_edge edge = {strdup(importer), strdup(specifier),
                                strdup(name)};
  graph->edges[graph->edge_count++] = edge;
  return edge.importer != NULL && edge.specifier != NULL && edge.name != NULL;
}

/* ---- Searching -----------------------------------------------------------*/

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && isspace((unsigned char)*at)) at++;
  return at;
}

/* The text that stands alone behind "(" at 'at': its first byte, with 'size' of
 * them; NULL: none does. */
static const char *find_text(const char *at, const char *end, size_t *size) {
  at = skip_blanks(at, end);
  if (at == end || *at != '(') return NULL;
  at = skip_blanks(at + 1, end);
  if (at == end || strchr("\"'`", *at) == NULL || *at == '\0') return NULL;
  char quote = *at++;
  const char *first = at;
  while (at < end && *at != quote && *at != '\\' && *at != '\n' && *at != '$')
    at++;
  if (at == end || *at != quote) return NULL;
  *size = (size_t)(at - first);
  at = skip_blanks(at + 1, end);
  return at < end && (*at == ')' || *at == ',') ? first : NULL;
}

static bool is_word_at(const char *source, const char *at, const char *end,
                       const char *word) {
  size_t size = strlen(word);
  return (size_t)(end - at) > size && memcmp(at, word, size) == 0 &&
         (at == source ||
          !(isalnum((unsigned char)at[-1]) || at[-1] == '_' || at[-1] == '$'));
}

/* ---- What was found ------------------------------------------------------*/

static bool is_known(const struct cli_graph *graph, const char *name) {
  for (size_t i = 0; i < graph->dynamic_count; i++)
    if (strcmp(graph->dynamic[i], name) == 0) return true;
  return false;
}

static bool is_file(const char *name) {
  struct stat found;
  return stat(name, &found) == 0 && S_ISREG(found.st_mode);
}

/* Adds the file that 'specifier' means in 'importer', if there is one. */
static bool add_dynamic(struct cli_graph *graph, const char *importer,
                        const char *specifier) {
  char *name = cli_graph_join(importer, specifier);
  if (name == NULL) return false;
  bool done = true, added = false;
  if (is_file(name)) {
    done = cli_graph_add_edge(graph, importer, specifier, name);
    if (done && !is_known(graph, name)) {
      done = added = torpor__array_reserve(
          &graph->dynamic, &graph->dynamic_capacity, graph->dynamic_count + 1,
          sizeof(*graph->dynamic));
      if (added) graph->dynamic[graph->dynamic_count++] = name;
    }
  }
  if (!added) free(name);
  return done;
}

static bool search_file(struct cli_graph *graph, const char *name,
                        const torpor_bytes *source) {
  static const char *const words[] = {"import", "Worker"};
  const char *text = (const char *)source->data, *end = text + source->size;
  for (const char *at = text; at < end; at++) {
    size_t size, word = 0;
    while (word < 2 && !is_word_at(text, at, end, words[word])) word++;
    if (word == 2) continue;
    const char *found = find_text(at + strlen(words[word]), end, &size);
    if (found == NULL) continue;
    char *specifier = strndup(found, size);
    bool done = specifier != NULL && (!cli_graph_is_relative(specifier) ||
                                      add_dynamic(graph, name, specifier));
    free(specifier);
    if (!done) return false;
  }
  return true;
}

bool cli_graph_find_dynamic(struct cli_graph *graph) {
  for (size_t i = 0; i < graph->count; i++) {
    struct cli_graph_file *file = &graph->files[i];
    if (file->searched || !file->code) continue;
    file->searched = true;
    if (!search_file(graph, file->name, &file->source)) return false;
  }
  return true;
}
