/* SPDX-License-Identifier: MIT */
/* test_module_graph.c - random graphs of modules, with cycles, modules that
 * await, throw or are missing, whose sources come now or later, in any order,
 * with sleeps in between. What they log is compared with what has to come out:
 *
 *   nothing awaits    exactly the order in which a walk of the graph leaves the
 *                     modules
 *   some await        a module begins after all that it imports have ended, but
 *                     for those that import it as well; and the order is the
 *                     one of the same graph whose sources all come at once
 *   one throws        none that imports it begins
 *   one is missing    none begins, and the error names one that is missing
 *
 * And many loads of one graph, begun at any moment by import() and by the host,
 * with sleeps and forks in between, each end as their first module has to.
 *
 * TORPOR_MODULE_GRAPHS: how many; TORPOR_SEED: of the first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/vm.h"

enum { MODULES_MOST = 14, EDGES_MOST = 5, LOG_MOST = 1024 };

typedef struct graph {
  unsigned count;
  struct node {
    unsigned edges[EDGES_MOST], edge_count;
    bool awaits, throws, missing;
  } nodes[MODULES_MOST];
  bool reaches[MODULES_MOST][MODULES_MOST]; /* by one import or more */
} graph;

static struct {
  uint64_t seed;
  graph graph;
  bool later; /* some sources come later */
  test_random random;
} now;

static unsigned roll(unsigned sides) {
  return (unsigned)(test_random_next(&now.random) % sides);
}

static void complain(const char *what, const char *text) {
  print_error("seed %llu: %s: %s\n", (unsigned long long)now.seed, what, text);
  fail();
}

/* ---- Graphs --------------------------------------------------------------*/

static void make_graph(graph *graph) {
  unsigned awaits = roll(3) == 0 ? 0 : 4, bad = roll(3) ? 0 : 12;
  memset(graph, 0, sizeof(*graph));
  graph->count = 1 + roll(MODULES_MOST);
  for (unsigned i = 0; i < graph->count; i++) {
    struct node *node = &graph->nodes[i];
    node->edge_count = roll(EDGES_MOST);
    for (unsigned e = 0; e < node->edge_count; e++)
      node->edges[e] = roll(graph->count);
    node->awaits = awaits && roll(awaits) == 0;
    node->throws = bad && roll(bad) == 0;
    node->missing = i > 0 && bad && roll(2 * bad) == 0;
    for (unsigned e = 0; !node->missing && e < node->edge_count; e++)
      graph->reaches[i][node->edges[e]] = true;
  }
  for (unsigned k = 0; k < graph->count; k++)
    for (unsigned i = 0; i < graph->count; i++)
      for (unsigned j = 0; j < graph->count; j++)
        graph->reaches[i][j] |= graph->reaches[i][k] && graph->reaches[k][j];
}

static size_t write_source(const struct node *node, unsigned number,
                           char *out) {
  char *end = out;
  for (unsigned e = 0; e < node->edge_count; e++)
    end += sprintf(end, "import './m%u.js';", node->edges[e]);
  end += sprintf(end, "log.push('%u');", number);
  if (node->throws) end += sprintf(end, "throw new Error('thrown');");
  if (node->awaits) end += sprintf(end, "await 0; await 0;");
  end += sprintf(end, "log.push('%u.');", number);
  return (size_t)(end - out);
}

/* The node that a name stands for; NULL: it is missing. */
static const struct node *find_node(const char *name, unsigned *number) {
  if (sscanf(name, "m%u.js", number) != 1) return NULL;
  return now.graph.nodes[*number].missing ? NULL : &now.graph.nodes[*number];
}

/* ---- The host ------------------------------------------------------------*/

static torpor_status give(void *user, const torpor_module_request *request,
                          torpor_module_answer *answer) {
  char source[1024];
  unsigned number;
  const struct node *node = find_node(request->name, &number);
  (void)user;
  if (now.later && roll(3) > 0)
    return torpor_module_later(NULL, request, answer);
  if (!node) return TORPOR_NOT_FOUND;
  return torpor_module_give(answer, source, write_source(node, number, source));
}

static torpor_options make_options(void) {
  torpor_options options = TORPOR_OPTIONS_INIT;
  options.module = give;
  return options;
}

static void answer_one(torpor_vm *vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  torpor_value request, value;
  torpor_bytes name;
  char source[1024];
  unsigned number;
  const struct node *node;
  uint64_t id;
  test_ok(vm, torpor_operation_at(
                  vm, roll((unsigned)torpor_operation_count(vm)), &operation));
  id = operation.id;
  test_ok(vm, torpor_cbor_decode(vm, operation.request, operation.request_size,
                                 &request));
  test_ok(vm, torpor_get(vm, request, "name", &value));
  test_ok(vm, torpor_string_read(vm, value, &name));
  node = find_node((const char *)name.data, &number);
  torpor_bytes_free(&name);
  if (node) {
    size_t size = write_source(node, number, source);
    test_ok(vm, torpor_string_new(vm, source, size, &value));
    test_ok(vm, torpor_operation_settle(vm, id, TORPOR_RESOLVE, value));
  } else {
    test_ok(vm, torpor_error_new(vm, "Error", "there is none", &value));
    test_ok(vm, torpor_operation_settle(vm, id, TORPOR_REJECT, value));
  }
}

static torpor_vm *sleep_and_wake(torpor_vm *vm) {
  torpor_options options = make_options();
  torpor_bytes asleep = test_save(vm);
  torpor_vm_close(vm);
  vm = test_restore(&asleep, &options);
  torpor_bytes_free(&asleep);
  return vm;
}

/* Runs all that there is to run. */
static torpor_vm *finish(torpor_vm *vm) {
  for (;;) {
    if (roll(4) == 0 && torpor_job_pending(vm))
      test_ok(vm, torpor_job_run(vm, 1 + roll(3), NULL));
    else if (torpor_job_pending(vm))
      test_run_jobs(vm);
    else if (torpor_operation_count(vm) == 0)
      return vm;
    if (torpor_operation_count(vm) > 0 && roll(2)) answer_one(vm);
    if (now.later && roll(4) == 0) vm = sleep_and_wake(vm);
  }
}

/* Loads the graph from its first module and writes what was logged, and then
 * " ok" or the message of the error. */
static void run_graph(bool later, char log[LOG_MOST]) {
  torpor_options options = make_options();
  torpor_vm *vm;
  torpor_value value;
  torpor_bytes text;
  now.later = later;
  vm = test_vm_open(&options);
  test_eval(vm,
            "globalThis.log = []; globalThis.ends = [];"
            "for (let i = 0; i < 2; i++)"
            "  import('./m0.js').then(() => ends.push(' ok'),"
            "    (e) => ends.push(' ' + e.message))");
  vm = finish(vm);
  value = test_eval(vm,
                    "log.join(' ') + (ends[0] === ends[1] || "
                    "ends.join().includes('no') ? ends[0] : ends.join())");
  test_ok(vm, torpor_string_read(vm, value, &text));
  snprintf(log, LOG_MOST, "%s", (const char *)text.data);
  torpor_bytes_free(&text);
  torpor_vm_close(vm);
}

/* ---- What has to come out ------------------------------------------------*/

static bool needs(const graph *graph, unsigned from,
                  bool (*is)(const struct node *)) {
  for (unsigned i = 0; i < graph->count; i++)
    if ((i == from || graph->reaches[from][i]) && is(&graph->nodes[i]))
      return true;
  return false;
}

static bool node_is_missing(const struct node *node) {
  return node->missing;
}

static bool node_throws(const struct node *node) {
  return node->throws;
}

static bool node_awaits(const struct node *node) {
  return node->awaits;
}

static void leave_in_order(const graph *graph, unsigned number, bool *seen,
                           char *log) {
  const struct node *node = &graph->nodes[number];
  if (seen[number]) return;
  seen[number] = true;
  for (unsigned e = 0; e < node->edge_count; e++)
    leave_in_order(graph, node->edges[e], seen, log);
  sprintf(log + strlen(log), "%s%u %u.", *log ? " " : "", number, number);
}

/* Where 'number', then 'end', stands in the log; -1: nowhere. */
static int find_entry(const char *log, unsigned number, const char *end) {
  char entry[16], with[LOG_MOST + 2];
  const char *found;
  snprintf(with, sizeof(with), " %s ", log);
  snprintf(entry, sizeof(entry), " %u%s ", number, end);
  found = strstr(with, entry);
  return found ? (int)(found - with) : -1;
}

static void check_entries(const graph *graph, const char *log) {
  for (unsigned i = 0; i < graph->count; i++) {
    const struct node *node = &graph->nodes[i];
    int begin = find_entry(log, i, "");
    if (begin < 0) continue;
    for (unsigned e = 0; e < node->edge_count; e++) {
      unsigned j = node->edges[e];
      int end = find_entry(log, j, ".");
      if (j != i && !graph->reaches[j][i] && (end < 0 || end > begin))
        complain("begins too early", log);
    }
  }
}

static void check_log(const graph *graph, const char *log) {
  char expected[LOG_MOST] = "";
  bool seen[MODULES_MOST] = {false};
  check_entries(graph, log);
  if (needs(graph, 0, node_is_missing)) {
    if (strncmp(log, " cannot load module 'm", 22) != 0)
      complain("a module is missing", log);
    return;
  }
  if (needs(graph, 0, node_throws)) {
    if (!strstr(log, " thrown")) complain("a module throws", log);
    return;
  }
  if (!strstr(log, " ok")) complain("it failed", log);
  if (needs(graph, 0, node_awaits)) return;
  leave_in_order(graph, 0, seen, expected);
  strcat(expected, " ok");
  if (strcmp(log, expected) != 0) complain(expected, log);
}

/* ---- Many loads ----------------------------------------------------------*/

enum { LOADS_MOST = 24 };

static torpor_vm *copy_vm(torpor_vm *vm) {
  torpor_options options = make_options();
  torpor_vm *copy;
  test_ok(vm, torpor_vm_fork(vm, &options, &copy));
  torpor_vm_close(vm);
  return copy;
}

/* Begins a load of the program's, whose end is noted. */
static void begin_import(torpor_vm *vm, unsigned load, unsigned number) {
  char source[80];
  snprintf(source, sizeof(source), "watch(%u, import('./m%u.js')); 0", load,
           number);
  test_eval(vm, source);
}

/* Begins one of the host's, from a module that imports that. */
static void begin_eval(torpor_vm *vm, unsigned load, unsigned number) {
  char source[80], name[20];
  torpor_scope scope;
  torpor_value args[2];
  bool begun;
  test_ok(vm, torpor_scope_open(vm, &scope));
  snprintf(source, sizeof(source), "import './m%u.js'", number);
  snprintf(name, sizeof(name), "main%u.js", load);
  begun = torpor_eval(vm, source, SIZE_MAX, name, TORPOR_MODULE, &args[1]) ==
          TORPOR_OK;
  if (!begun) args[1] = torpor_exception(vm);
  args[0] = torpor_number(load);
  test_ok(vm, torpor_call(vm, test_eval(vm, begun ? "watch" : "failed"),
                          torpor_undefined(), args, 2, NULL));
  torpor_scope_close(vm, scope);
}

static torpor_vm *begin_loads(torpor_vm *vm, unsigned *numbers,
                              unsigned count) {
  for (unsigned load = 0; load < count; load++) {
    numbers[load] = roll(now.graph.count);
    (roll(3) ? begin_import : begin_eval)(vm, load, numbers[load]);
    while (roll(2)) {
      if (torpor_operation_count(vm) > 0 && roll(3)) answer_one(vm);
      test_ok(vm, torpor_job_run(vm, 1 + roll(4), NULL));
      if (roll(8) == 0) vm = roll(2) ? sleep_and_wake(vm) : copy_vm(vm);
    }
  }
  return finish(vm);
}

static void check_end(torpor_vm *vm, unsigned load, unsigned number) {
  char source[40];
  const char *expected = " ok";
  torpor_bytes text;
  torpor_value value;
  snprintf(source, sizeof(source), "`${ends[%u]}`", load);
  value = test_eval(vm, source);
  if (needs(&now.graph, number, node_is_missing))
    expected = " cannot load module 'm";
  else if (needs(&now.graph, number, node_throws))
    expected = " thrown";
  test_ok(vm, torpor_string_read(vm, value, &text));
  if (strncmp((const char *)text.data, expected, strlen(expected)) != 0)
    complain(expected, (const char *)text.data);
  torpor_bytes_free(&text);
}

static void run_loads(void) {
  torpor_options options = make_options();
  unsigned numbers[LOADS_MOST], count = 1 + roll(LOADS_MOST);
  torpor_vm *vm;
  now.later = true;
  vm = test_vm_open(&options);
  test_eval(vm,
            "globalThis.log = []; globalThis.ends = [];"
            "globalThis.failed = (load, e) => ends[load] = ' ' + e.message;"
            "globalThis.watch = (load, promise) => promise.then("
            "  () => ends[load] = ' ok', (e) => failed(load, e)); 0");
  vm = begin_loads(vm, numbers, count);
  for (unsigned load = 0; load < count; load++)
    check_end(vm, load, numbers[load]);
  torpor_vm_close(vm);
}

static void test_many_loads(void **state) {
  unsigned count = test_count("TORPOR_MODULE_GRAPHS", 150, 5000);
  unsigned first = test_count("TORPOR_SEED", 1, 1);
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    now.seed = first + i;
    now.random.state = now.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    make_graph(&now.graph);
    run_loads();
  }
}

static void test_graphs(void **state) {
  unsigned count = test_count("TORPOR_MODULE_GRAPHS", 150, 5000);
  unsigned first = test_count("TORPOR_SEED", 1, 1);
  char at_once[LOG_MOST], later[LOG_MOST];
  (void)state;
  for (unsigned i = 0; i < count; i++) {
    now.seed = first + i;
    now.random.state = now.seed * UINT64_C(0x9e3779b97f4a7c15);
    make_graph(&now.graph);
    run_graph(false, at_once);
    check_log(&now.graph, at_once);
    run_graph(true, later);
    check_log(&now.graph, later);
    if (!needs(&now.graph, 0, node_is_missing) && strcmp(at_once, later) != 0)
      complain(at_once, later);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_graphs),
                                     cmocka_unit_test(test_many_loads)};
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
