/* SPDX-License-Identifier: MIT */
/* inspect-show.c - what 'torpor inspect' found out, in words.
 *
 *  (1) Names and paths are the program's, or an attacker's: they are printed
 *      such that they stay on their line, and no longer than
 *      CLI_INSPECT_TEXT. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/inspect.h"
#include "cli/text/amount.h"
#include "cli/text/output.h"
#include "cli/text/wait.h"

/* ---- Pieces --------------------------------------------------------------*/

const char *cli_inspect_section_name(unsigned number) {
  static const char *const names[] = {
      NULL, "globals", "extensions", "operations", "waiting", "memory", "run"};
  return number < sizeof(names) / sizeof(*names) ? names[number] : NULL;
}

const char *cli_inspect_hex(const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE],
                            char *text) {
  for (size_t i = 0; i < TORPOR_SNAPSHOT_ID_SIZE; i++)
    sprintf(text + 2 * i, "%02x", id[i]);
  return text;
}

/* [name, version, hash, ...], see docs/snapshot-format.md. */
bool cli_inspect_extension(struct cli_items *items,
                           struct cli_inspected_extension *out) {
  struct cli_item entry, hash;
  size_t size;
  if (!cli_items_next(items, &entry)) return false;
  *out = (struct cli_inspected_extension){0};
  struct cli_items members = cli_item_elements(entry);
  if (!cli_items_next(&members, &out->name) ||
      !cli_items_next(&members, &out->version) ||
      !cli_items_next(&members, &hash))
    return true;
  const char *bytes = cli_item_text(hash, &size);
  if (size == TORPOR_SNAPSHOT_ID_SIZE)
    cli_inspect_hex((const uint8_t *)bytes, out->hash);
  return true;
}

struct cli_item cli_inspect_waiting(const struct cli_snapshot *snapshot) {
  struct cli_item item =
      cli_item_get(cli_item_of(&snapshot->report), "waiting");
  return item.data != NULL ? item : cli_item_of(&snapshot->waiting);
}

/* See (1). */
void cli_inspect_text(const char *data, size_t size) {
  cli_output_cut(stdout, data, size, CLI_INSPECT_TEXT);
}

static void show_text(struct cli_item item) {
  size_t size;
  const char *data = cli_item_text(item, &size);
  cli_inspect_text(data, size);
}

static bool is_empty(struct cli_item item) {
  size_t size;
  cli_item_text(item, &size);
  return size == 0;
}

void cli_inspect_place(struct cli_item place) {
  struct cli_item function = cli_item_get(place, "function");
  int64_t column = cli_item_integer(cli_item_get(place, "column"));
  bool named = !is_empty(function);
  if (named) {
    show_text(function);
    fputs(" (", stdout);
  }
  show_text(cli_item_get(place, "file"));
  cli_print(stdout, ":%" PRId64, cli_item_integer(cli_item_get(place, "line")));
  if (column > 0) cli_print(stdout, ":%" PRId64, column);
  if (named) putchar(')');
}

void cli_inspect_label(const char *label) {
  cli_print(stdout, "%-11s", label);
}

/* A line of a table, indented as what follows a label is. */
static void show_row(const char *name, uint64_t count, uint64_t bytes) {
  char number[CLI_AMOUNT_SIZE], size[CLI_AMOUNT_SIZE];
  cli_print(stdout, "           %12s %12s  %s\n",
            cli_amount_count(count, number), cli_amount_bytes(bytes, size),
            name);
}

void cli_inspect_rest(uint64_t all, uint64_t shown) {
  if (all > shown)
    cli_print(stdout, "           ... and %" PRIu64 " more\n", all - shown);
}

/* ---- What the bytes tell -------------------------------------------------*/

static void show_origin(const struct cli_snapshot *snapshot) {
  const torpor_snapshot_info *info = &snapshot->info;
  char hex[65], size[CLI_AMOUNT_SIZE];
  cli_inspect_label("snapshot");
  if (snapshot->store != NULL)
    cli_print(stdout, "run %s, step %" PRId64, snapshot->id, snapshot->step);
  else
    cli_output_plain(stdout, snapshot->name);
  cli_print(stdout, ", %s%s\n", cli_amount_bytes(snapshot->size, size),
            snapshot->protected ? ", protected" : "");
  cli_inspect_label("id");
  cli_print(stdout, "%s\n", cli_inspect_hex(info->id, hex));
  if (info->has_parent) {
    cli_inspect_label("parent");
    cli_print(stdout, "%s; it is a difference from that one\n",
              cli_inspect_hex(info->parent, hex));
  }
  cli_inspect_label("engine");
  cli_print(stdout, "%.16s...%s\n", info->engine,
            snapshot->installed || info->has_parent ? "" : ", not installed");
}

static void show_exported(const torpor_bytes *exported) {
  struct cli_item run = cli_item_of(exported);
  if (run.data == NULL) return;
  cli_inspect_label("exported");
  fputs("from run ", stdout);
  show_text(cli_item_get(run, "id"));
  cli_print(stdout, " at step %" PRId64 ", program ",
            cli_item_integer(cli_item_get(run, "step")));
  show_text(cli_item_get(run, "program"));
  putchar('\n');
}

static void show_sizes(const torpor_snapshot_info *info) {
  char raw[CLI_AMOUNT_SIZE], stored[CLI_AMOUNT_SIZE];
  cli_inspect_label("awake");
  cli_print(stdout, "%s of memory\n", cli_amount_bytes(info->memory, raw));
  cli_inspect_label("sections");
  cli_print(stdout, "%12s %12s\n", "RAW", "STORED");
  for (unsigned i = 0; i < TORPOR_SNAPSHOT_SECTIONS; i++) {
    const torpor_section_size *section = &info->sections[i];
    if (section->stored == 0) continue;
    cli_print(stdout, "           %12s %12s  %s\n",
              cli_amount_bytes(section->raw, raw),
              cli_amount_bytes(section->stored, stored),
              cli_inspect_section_name(i));
  }
}

static void show_pages(const struct cli_inspected *inspected) {
  const struct cli_pages *pages = &inspected->pages;
  char count[CLI_AMOUNT_SIZE], data[CLI_AMOUNT_SIZE], zero[CLI_AMOUNT_SIZE];
  cli_inspect_label("pages");
  if (!inspected->counted) {
    puts("not counted; see --memory");
    return;
  }
  cli_print(
      stdout,
      "%s of %u KB differ from the baseline: %s of content, %s of zeros\n",
      cli_amount_count(pages->pages, count), CLI_PAGE_SIZE >> 10,
      cli_amount_bytes(pages->data_bytes, data),
      cli_amount_bytes(pages->zero_bytes, zero));
}

/* Oldest first, as they are put together. */
static void show_extensions(const torpor_bytes *extensions) {
  struct cli_items items = cli_item_elements(cli_item_of(extensions));
  struct cli_inspected_extension one;
  while (cli_inspect_extension(&items, &one)) {
    cli_inspect_label("extension");
    show_text(one.name);
    putchar(' ');
    show_text(one.version);
    cli_print(stdout, ", SHA-256 %.16s...\n", one.hash);
  }
}

static void show_chain(const struct cli_inspected *inspected) {
  char size[CLI_AMOUNT_SIZE];
  uint64_t bytes = 0;
  if (inspected->chain_count == 0) return;
  for (size_t i = 0; i < inspected->chain_count; i++)
    bytes += inspected->chain[i].size;
  cli_inspect_label("in store");
  cli_print(stdout, "%s: ", cli_amount_bytes(bytes, size));
  cli_print(stdout, "step %" PRId64,
            inspected->chain[inspected->chain_count - 1].step);
  if (inspected->chain_count > 1)
    cli_print(stdout, " and %zu differences up to step %" PRId64,
              inspected->chain_count - 1, inspected->chain[0].step);
  putchar('\n');
}

static void show_operations(const torpor_bytes *operations) {
  char text[CLI_WAIT_SIZE];
  struct cli_items items = cli_item_elements(cli_item_of(operations));
  struct cli_item operation;
  uint64_t shown = 0, all = items.left;
  cli_inspect_label("waits for");
  if (all == 0) puts("nothing");
  for (; shown < CLI_INSPECT_LINES && cli_items_next(&items, &operation);
       shown++) {
    if (shown > 0) cli_inspect_label("");
    cli_print(stdout, "%" PRId64 " ",
              cli_item_integer(cli_item_get(operation, "id")));
    cli_output_plain(stdout, cli_wait_describe_item(operation, text));
    putchar('\n');
  }
  cli_inspect_rest(all, shown);
}

/* ---- What the engine tells -----------------------------------------------*/

static void show_waiting(struct cli_item waiting) {
  struct cli_items items = cli_item_elements(waiting);
  struct cli_item place, operation;
  uint64_t shown = 0, all = items.left;
  if (waiting.data == NULL) return;
  cli_inspect_label("asleep in");
  if (all == 0) puts("no function");
  for (; shown < CLI_INSPECT_LINES && cli_items_next(&items, &place); shown++) {
    if (shown > 0) cli_inspect_label("");
    cli_inspect_place(place);
    fputs(", ", stdout);
    show_text(cli_item_get(place, "kind"));
    operation = cli_item_get(place, "operation");
    if (operation.data != NULL)
      cli_print(stdout, ", waits for %" PRId64, cli_item_integer(operation));
    putchar('\n');
  }
  cli_inspect_rest(all, shown);
}

static void show_heap_sizes(struct cli_item heap) {
  char size[CLI_AMOUNT_SIZE];
  struct cli_item own = cli_item_get(heap, "own");
  int64_t used = cli_item_integer(cli_item_get(heap, "used"));
  int64_t left = cli_item_integer(cli_item_get(heap, "free"));
  cli_inspect_label("heap");
  cli_print(stdout, "%s used", cli_amount_bytes((uint64_t)used, size));
  if (own.data != NULL)
    cli_print(stdout, " (%s against a new VM)",
              cli_amount_change(cli_item_integer(own), size));
  cli_print(stdout, ", %s free\n", cli_amount_bytes((uint64_t)left, size));
}

static void show_heap(struct cli_item heap) {
  char name[CLI_INSPECT_TEXT + 1];
  struct cli_items items = cli_item_elements(cli_item_get(heap, "classes"));
  struct cli_item class;
  uint64_t shown = 0, all = items.left;
  if (heap.data == NULL) return;
  show_heap_sizes(heap);
  for (; shown < CLI_INSPECT_LINES && cli_items_next(&items, &class); shown++) {
    size_t size;
    const char *text = cli_item_text(cli_item_get(class, "class"), &size);
    snprintf(name, sizeof(name), "%.*s",
             (int)(size < CLI_INSPECT_TEXT ? size : CLI_INSPECT_TEXT), text);
    show_row(name, (uint64_t)cli_item_integer(cli_item_get(class, "count")),
             (uint64_t)cli_item_integer(cli_item_get(class, "bytes")));
  }
  cli_inspect_rest(all, shown);
}

/* Says that keys of the extension crypto lie in the snapshot. */
static void show_keys(struct cli_item heap) {
  static const char wanted[] = "CryptoKey";
  struct cli_items items = cli_item_elements(cli_item_get(heap, "classes"));
  struct cli_item class;
  uint64_t count = 0;
  while (cli_items_next(&items, &class)) {
    size_t size;
    const char *text = cli_item_text(cli_item_get(class, "class"), &size);
    if (size == sizeof(wanted) - 1 && memcmp(text, wanted, size) == 0)
      count += (uint64_t)cli_item_integer(cli_item_get(class, "count"));
  }
  if (count == 0) return;
  cli_inspect_label("keys");
  cli_print(stdout,
            "%" PRIu64
            " of class CryptoKey: who can read the snapshot "
            "has them\n",
            count);
}

/* globalThis.cache[3]: the steps from a root to an object. */
static void show_path(struct cli_item path) {
  struct cli_items items = cli_item_elements(path);
  struct cli_item step;
  while (cli_items_next(&items, &step)) show_text(step);
}

static void show_largest(struct cli_item largest) {
  char size[CLI_AMOUNT_SIZE];
  struct cli_items items = cli_item_elements(largest);
  struct cli_item object;
  bool first = true;
  while (cli_items_next(&items, &object)) {
    int64_t bytes = cli_item_integer(cli_item_get(object, "bytes"));
    cli_inspect_label(first ? "largest" : "");
    first = false;
    cli_print(stdout, "%12s  ", cli_amount_bytes((uint64_t)bytes, size));
    show_text(cli_item_get(object, "class"));
    if (!is_empty(cli_item_get(object, "name"))) {
      putchar(' ');
      show_text(cli_item_get(object, "name"));
    }
    if (cli_item_count(cli_item_get(object, "held_by")) > 0)
      fputs(", held by ", stdout);
    show_path(cli_item_get(object, "held_by"));
    putchar('\n');
  }
}

void cli_inspect_show(const struct cli_inspected *inspected) {
  const struct cli_snapshot *snapshot = inspected->snapshot;
  struct cli_item report = cli_item_of(&snapshot->report);
  show_origin(snapshot);
  show_exported(&inspected->exported);
  show_sizes(&snapshot->info);
  show_pages(inspected);
  show_chain(inspected);
  show_extensions(&inspected->extensions);
  show_operations(&snapshot->operations);
  show_waiting(cli_inspect_waiting(snapshot));
  show_heap(cli_item_get(report, "heap"));
  show_keys(cli_item_get(report, "heap"));
  show_largest(cli_item_get(report, "largest"));
  if (snapshot->missing[0] == '\0') return;
  cli_inspect_label("not known");
  fputs("the heap: ", stdout);
  cli_output_plain(stdout, snapshot->missing);
  putchar('\n');
}
