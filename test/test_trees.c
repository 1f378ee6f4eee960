/* SPDX-License-Identifier: MIT */
/* test_trees.c - random trees of values: what comes back is what was there, in
 * values, order and identity, in the same VM and in another one; and a second
 * reader, tools/read-cbor, written from docs/cbor.md alone, sees the same in
 * the same bytes.
 * ctest: full timeout=120 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/file.h"
#include "test/support/vm.h"

static torpor_vm *vm, *other;

static const char *environment(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value ? value : otherwise;
}

static void eval_file(torpor_vm *of, const char *name) {
  char path[512];
  torpor_bytes source;
  snprintf(path, sizeof(path), "%s/test/support/%s",
           environment("TORPOR_SOURCE", "."), name);
  source = test_file_read(path);
  assert_non_null(source.data);
  test_ok(of, torpor_eval(of, (const char *)source.data, source.size, name,
                          TORPOR_SCRIPT, NULL));
  free(source.data);
}

static int setup(void **state) {
  (void)state;
  vm = test_vm_open(NULL);
  other = test_vm_open(NULL);
  eval_file(vm, "trees.js");
  eval_file(other, "trees.js");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  torpor_vm_close(vm);
  torpor_vm_close(other);
  return 0;
}

static torpor_value make(unsigned seed) {
  char source[40];
  snprintf(source, sizeof(source), "make(%u)", seed);
  return test_eval(vm, source);
}

static torpor_bytes describe(torpor_vm *of, torpor_value value) {
  torpor_value line;
  torpor_bytes text;
  test_ok(of, torpor_call(of, test_eval(of, "describe"), torpor_undefined(),
                          &value, 1, &line));
  test_ok(of, torpor_string_read(of, line, &text));
  return text;
}

static void assert_same(const torpor_bytes *a, const torpor_bytes *b,
                        unsigned seed) {
  if (a->size != b->size || memcmp(a->data, b->data, a->size) != 0)
    fail_msg("tree %u:\n%s\ncame back as\n%s", seed, (const char *)a->data,
             (const char *)b->data);
}

/* Decodes in 'in', and asserts what came out. */
static void assert_comes_back(torpor_vm *in, const torpor_bytes *cbor,
                              const torpor_bytes *line, unsigned seed) {
  torpor_value value;
  torpor_bytes found;
  test_ok(in, torpor_cbor_decode(in, cbor->data, cbor->size, &value));
  found = describe(in, value);
  assert_same(line, &found, seed);
  torpor_bytes_free(&found);
}

/* Goes through all of a tree, and into what references lead to. */
static void read_all(torpor_reader *r, unsigned depth) {
  torpor_data_type type;
  while ((type = torpor_reader_type(r)) != TORPOR_DATA_END) {
    if (type == TORPOR_DATA_REFERENCE && depth < 20) {
      torpor_reader_follow(r);
      torpor_reader_skip(r);
      torpor_reader_leave(r);
    } else if (type == TORPOR_DATA_ARRAY || type == TORPOR_DATA_OBJECT ||
               type == TORPOR_DATA_MAP || type == TORPOR_DATA_SET ||
               type == TORPOR_DATA_ERROR || type == TORPOR_DATA_SYMBOL ||
               type == TORPOR_DATA_BOXED || type == TORPOR_DATA_REGEXP) {
      torpor_reader_enter(r);
      read_all(r, depth + 1);
      torpor_reader_leave(r);
    } else if (type == TORPOR_DATA_VIEW) {
      torpor_reader_view(r, NULL);
    } else if (type == TORPOR_DATA_NUMBER) {
      torpor_reader_number(r);
    } else if (type == TORPOR_DATA_BIGINT) {
      torpor_reader_bigint(r, NULL, NULL, 1);
    } else if (type == TORPOR_DATA_STRING || type == TORPOR_DATA_WTF8) {
      torpor_reader_wtf8(r);
    } else {
      assert_int_not_equal(type, TORPOR_DATA_TAG);
      torpor_reader_skip(r);
    }
  }
}

static void assert_read_in_c(const torpor_bytes *cbor) {
  torpor_reader *r;
  torpor_bytes json, again;
  test_ok(NULL, torpor_reader_open(cbor->data, cbor->size, &r));
  read_all(r, 0);
  test_ok(NULL, torpor_reader_status(r));
  torpor_reader_close(r);
  test_ok(NULL, torpor_cbor_to_json(cbor->data, cbor->size, &json));
  torpor_json_to_cbor((const char *)json.data, json.size, &again);
  torpor_bytes_free(&again);
  torpor_bytes_free(&json);
}

static void append(const char *path, const char *mode, const void *data,
                   size_t size) {
  FILE *file = fopen(path, mode);
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  fclose(file);
}

/* What the second reader says of all trees is in "said". */
static void assert_second_reader(const char *folder) {
  char command[1200], path[2][256];
  torpor_bytes said[2];
  snprintf(command, sizeof(command),
           "python3 %s/tools/read-cbor %s/trees >%s/said",
           environment("TORPOR_SOURCE", "."), folder, folder);
  assert_int_equal(system(command), 0);
  snprintf(path[0], sizeof(path[0]), "%s/lines", folder);
  snprintf(path[1], sizeof(path[1]), "%s/said", folder);
  for (int i = 0; i < 2; i++) {
    said[i] = test_file_read(path[i]);
    assert_non_null(said[i].data);
  }
  assert_same(&said[0], &said[1], 0);
  for (int i = 0; i < 2; i++) free(said[i].data);
  snprintf(command, sizeof(command), "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

static void test_model(void **state) {
  unsigned rounds = test_count("TORPOR_TEST_ROUNDS", 300, 6000);
  char folder[] = "/tmp/torpor-trees-XXXXXX", trees[64], lines[64];
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(trees, sizeof(trees), "%s/trees", folder);
  snprintf(lines, sizeof(lines), "%s/lines", folder);
  for (unsigned seed = 1; seed <= rounds; seed++) {
    torpor_scope scope, scope_other;
    torpor_bytes cbor, line;
    uint8_t size[4];
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_ok(other, torpor_scope_open(other, &scope_other));
    torpor_value tree = make(seed);
    line = describe(vm, tree);
    test_ok(vm, torpor_cbor_encode(vm, tree, &cbor));
    assert_comes_back(vm, &cbor, &line, seed);
    assert_comes_back(other, &cbor, &line, seed);
    assert_read_in_c(&cbor);
    for (int i = 0; i < 4; i++) size[i] = (uint8_t)(cbor.size >> 8 * i);
    append(trees, "ab", size, sizeof(size));
    append(trees, "ab", cbor.data, cbor.size);
    append(lines, "ab", line.data, line.size);
    append(lines, "ab", "\n", 1);
    torpor_bytes_free(&cbor);
    torpor_bytes_free(&line);
    test_ok(vm, torpor_scope_close(vm, scope));
    test_ok(other, torpor_scope_close(other, scope_other));
  }
  assert_second_reader(folder);
}

/* Trees with what is no data in them, left out: what is left comes back. */
static void test_left_out(void **state) {
  static const char dirty[] =
      "seed => { const tree = make(seed), seen = new Set(), bad = [() => 1,"
      " Symbol(), new WeakMap(), new (class {}), new Proxy({}, {})];"
      " (function walk(v) { if (typeof v !== 'object' || !v || seen.has(v))"
      " return; seen.add(v); if (Array.isArray(v)) { v.forEach(walk);"
      " v.push(bad[seed % 5]); } else if (Object.getPrototypeOf(v) ==="
      " Object.prototype) { Object.values(v).forEach(walk);"
      " v.bad = bad[(seed + 1) % 5]; } })(tree); return tree; }";
  static const char clean[] =
      "t => { const seen = new Set(); (function walk(v) {"
      " if (typeof v !== 'object' || !v || seen.has(v)) return; seen.add(v);"
      " if (Array.isArray(v)) { v[v.length - 1] = undefined; v.forEach(walk); }"
      " else if (Object.getPrototypeOf(v) === Object.prototype) {"
      " delete v.bad; Object.values(v).forEach(walk); } })(t); return t; }";
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  (void)state;
  options.not_data = TORPOR_LEAVE_OUT;
  for (unsigned seed = 1; seed <= 100; seed++) {
    torpor_value number = torpor_number(seed), tree, rest;
    torpor_bytes cbor, line;
    torpor_scope scope;
    test_ok(vm, torpor_scope_open(vm, &scope));
    test_ok(vm, torpor_call(vm, test_eval(vm, dirty), torpor_undefined(),
                            &number, 1, &tree));
    test_status(vm, torpor_cbor_encode(vm, tree, NULL), TORPOR_THROWN);
    test_ok(vm, torpor_cbor_encode_with(vm, tree, &options, &cbor));
    test_ok(vm, torpor_call(vm, test_eval(vm, clean), torpor_undefined(), &tree,
                            1, &rest));
    line = describe(vm, rest);
    assert_comes_back(vm, &cbor, &line, seed);
    torpor_bytes_free(&cbor);
    torpor_bytes_free(&line);
    test_ok(vm, torpor_scope_close(vm, scope));
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_model),
      TEST(test_left_out),
  };
  return cmocka_run_group_tests(tests, test_vm_setup, test_vm_teardown);
}
