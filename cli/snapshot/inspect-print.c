/* SPDX-License-Identifier: MIT */
/* inspect-print.c - what 'torpor inspect' found out, as one JSON object. */
#include <stdio.h>

#include "cli/inspect.h"
#include "cli/text/json.h"
#include "cli/text/wait.h"

/* A part of the report as it is; null when there is none. */
static void print_item(const char *name, struct cli_item item) {
  cli_json_data(name, item.data, item.size);
}

static void print_origin(const struct cli_snapshot *snapshot) {
  cli_json_text("name", snapshot->name);
  cli_json_text("run", snapshot->store == NULL ? NULL : snapshot->id);
  if (snapshot->store == NULL)
    cli_json_text("step", NULL);
  else
    cli_json_number("step", snapshot->step);
  cli_json_number("bytes", (int64_t)snapshot->size);
  cli_json_boolean("protected", snapshot->protected);
}

static void print_header(const torpor_snapshot_info *info, bool installed) {
  char hex[65];
  cli_json_text("id", cli_inspect_hex(info->id, hex));
  cli_json_text("parent",
                info->has_parent ? cli_inspect_hex(info->parent, hex) : NULL);
  cli_json_number("format", info->version);
  cli_json_text("engine", info->engine);
  cli_json_boolean("engine_installed", installed);
  cli_json_number("memory_bytes", (int64_t)info->memory);
}

static void print_sections(const torpor_snapshot_info *info) {
  cli_json_open("sections", '[');
  for (unsigned i = 0; i < TORPOR_SNAPSHOT_SECTIONS; i++) {
    if (info->sections[i].stored == 0) continue;
    cli_json_open(NULL, '{');
    cli_json_text("name", cli_inspect_section_name(i));
    cli_json_number("raw", (int64_t)info->sections[i].raw);
    cli_json_number("stored", (int64_t)info->sections[i].stored);
    cli_json_close('}');
  }
  cli_json_close(']');
}

static void print_pages(const struct cli_inspected *inspected) {
  if (!inspected->counted) {
    cli_json_text("pages", NULL);
    return;
  }
  cli_json_open("pages", '{');
  cli_json_number("size", CLI_PAGE_SIZE);
  cli_json_number("changed", (int64_t)inspected->pages.pages);
  cli_json_number("data_bytes", (int64_t)inspected->pages.data_bytes);
  cli_json_number("zero_bytes", (int64_t)inspected->pages.zero_bytes);
  cli_json_close('}');
}

static void print_chain(const struct cli_inspected *inspected) {
  cli_json_open("chain", '[');
  for (size_t i = 0; i < inspected->chain_count; i++) {
    cli_json_open(NULL, '{');
    cli_json_number("step", inspected->chain[i].step);
    cli_json_number("bytes", (int64_t)inspected->chain[i].size);
    cli_json_close('}');
  }
  cli_json_close(']');
}

static void print_extensions(const torpor_bytes *extensions) {
  struct cli_items items = cli_item_elements(cli_item_of(extensions));
  struct cli_inspected_extension one;
  cli_json_open("extensions", '[');
  while (cli_inspect_extension(&items, &one)) {
    cli_json_open(NULL, '{');
    print_item("name", one.name);
    print_item("version", one.version);
    cli_json_text("hash", one.hash);
    cli_json_close('}');
  }
  cli_json_close(']');
}

static void print_operations(const torpor_bytes *operations) {
  struct cli_items items = cli_item_elements(cli_item_of(operations));
  struct cli_item operation;
  cli_json_open("operations", '[');
  while (cli_items_next(&items, &operation)) cli_wait_print_item(operation);
  cli_json_close(']');
}

static void print_exported(const torpor_bytes *exported) {
  static const char *const members[] = {"id", "program", "step", "branch",
                                        "created"};
  struct cli_item run = cli_item_of(exported);
  if (run.data == NULL) {
    cli_json_text("exported", NULL);
    return;
  }
  cli_json_open("exported", '{');
  for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
    print_item(members[i], cli_item_get(run, members[i]));
  cli_json_close('}');
}

void cli_inspect_print(const struct cli_inspected *inspected) {
  static const char *const parts[] = {"heap", "largest", "jobs", "functions"};
  const struct cli_snapshot *snapshot = inspected->snapshot;
  struct cli_item report = cli_item_of(&snapshot->report);
  cli_json_open(NULL, '{');
  print_origin(snapshot);
  print_header(&snapshot->info, snapshot->installed);
  print_sections(&snapshot->info);
  print_pages(inspected);
  print_chain(inspected);
  print_exported(&inspected->exported);
  print_extensions(&inspected->extensions);
  print_operations(&snapshot->operations);
  print_item("waiting", cli_inspect_waiting(snapshot));
  for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
    print_item(parts[i], cli_item_get(report, parts[i]));
  cli_json_text("missing",
                snapshot->missing[0] == '\0' ? NULL : snapshot->missing);
  cli_json_close('}');
}
