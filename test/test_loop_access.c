/* SPDX-License-Identifier: MIT */
/* test_loop_access.c - grants on a real file system with real links. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "torpor-loop.h"

#include "test/support/file.h"

/* A folder made for each test:
 *
 *   allowed/file  allowed/sub/
 *   allowed/out -> ../secret        allowed/nowhere -> ../missing/file
 *   allowed/here -> missing/file
 *   secret/file   allowed-not/file */
static char root[PATH_MAX];

static const char *at(const char *name) {
  static char paths[4][PATH_MAX];
  static int next;
  char *path = paths[next++ % 4];
  assert_true(snprintf(path, PATH_MAX, "%.2000s/%s", root, name) < PATH_MAX);
  return path;
}

static void make_file(const char *name) {
  test_file_write_text(at(name), "content");
}

static int set_up(void **state) {
  char template[] = "/tmp/torpor-access-XXXXXX";
  (void)state;
  assert_non_null(mkdtemp(template));
  assert_non_null(realpath(template, root));
  assert_int_equal(mkdir(at("allowed"), 0755), 0);
  assert_int_equal(mkdir(at("allowed/sub"), 0755), 0);
  assert_int_equal(mkdir(at("allowed-not"), 0755), 0);
  assert_int_equal(mkdir(at("secret"), 0755), 0);
  make_file("allowed/file");
  make_file("allowed-not/file");
  make_file("secret/file");
  assert_int_equal(symlink("../secret", at("allowed/out")), 0);
  assert_int_equal(symlink("../missing/file", at("allowed/nowhere")), 0);
  assert_int_equal(symlink("missing/file", at("allowed/here")), 0);
  assert_int_equal(symlink("loop", at("allowed/loop")), 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  char command[PATH_MAX + 16];
  snprintf(command, sizeof(command), "rm -rf '%.2000s'", root);
  return system(command);
}

static torpor_access *open_access(void) {
  torpor_access *access;
  assert_int_equal(torpor_access_open(root, &access), TORPOR_OK);
  return access;
}

/* Checks and gives the sentence or path, in a static buffer. */
static const char *check(const torpor_access *access,
                         torpor_permission permission, const char *path,
                         torpor_status expected) {
  static char text[3 * PATH_MAX];
  torpor_bytes out;
  assert_int_equal(torpor_access_check(access, permission, path, &out),
                   expected);
  snprintf(text, sizeof(text), "%s", out.data ? (char *)out.data : "");
  torpor_bytes_free(&out);
  return text;
}

static void nothing_is_granted_at_first(void **state) {
  torpor_access *access = open_access();
  (void)state;
  const char *text = check(access, TORPOR_READ, "allowed/file", TORPOR_DENIED);
  assert_non_null(strstr(text, "reading "));
  assert_non_null(strstr(text, "--allow-read="));
  assert_non_null(strstr(text, at("allowed/file")));
  check(NULL, TORPOR_READ, "/etc/passwd", TORPOR_DENIED);
  torpor_access_close(access);
  torpor_access_close(NULL);
}

static void a_grant_covers_what_is_below(void **state) {
  torpor_access *access = open_access();
  (void)state;
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "allowed"),
                   TORPOR_OK);
  assert_string_equal(check(access, TORPOR_READ, "allowed", TORPOR_OK),
                      at("allowed"));
  assert_string_equal(
      check(access, TORPOR_READ, "allowed/./sub/../file", TORPOR_OK),
      at("allowed/file"));
  assert_string_equal(
      check(access, TORPOR_READ, at("allowed/new/er"), TORPOR_OK),
      at("allowed/new/er"));
  check(access, TORPOR_READ, "allowed-not/file", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/../secret/file", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/sub/../../secret/file", TORPOR_DENIED);
  check(access, TORPOR_READ, "/", TORPOR_DENIED);
  check(access, TORPOR_WRITE, "allowed/file", TORPOR_DENIED);
  torpor_access_close(access);
}

static void links_do_not_lead_out(void **state) {
  torpor_access *access = open_access();
  (void)state;
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "allowed"),
                   TORPOR_OK);
  const char *text =
      check(access, TORPOR_READ, "allowed/out/file", TORPOR_DENIED);
  assert_non_null(strstr(text, at("secret/file")));
  check(access, TORPOR_READ, "allowed/out/new", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/nowhere", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/here", TORPOR_IO);
  check(access, TORPOR_READ, "allowed/loop/x", TORPOR_IO);
  check(access, TORPOR_READ, "allowed/file/x", TORPOR_IO);
  check(access, TORPOR_READ, "allowed/new/../file", TORPOR_IO);
  torpor_access_close(access);
}

/* What is refused must not tell what exists: same code, same words. */
static void a_refusal_tells_nothing(void **state) {
  torpor_access *access = open_access();
  char there[3 * PATH_MAX];
  (void)state;
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "allowed"),
                   TORPOR_OK);
  snprintf(there, sizeof(there), "%s",
           check(access, TORPOR_READ, "secret/file", TORPOR_DENIED));
  const char *missing =
      check(access, TORPOR_READ, "secret/fil2", TORPOR_DENIED);
  assert_int_equal(strlen(there), strlen(missing));
  check(access, TORPOR_READ, "secret/file/x", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/out/file/../x", TORPOR_DENIED);
  check(access, TORPOR_READ, "allowed/out/none/../x", TORPOR_DENIED);
  torpor_access_close(access);
}

static void a_link_to_the_granted_folder_is_fine(void **state) {
  torpor_access *access = open_access();
  (void)state;
  assert_int_equal(symlink("allowed", at("alias")), 0);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "alias"),
                   TORPOR_OK);
  check(access, TORPOR_READ, "alias/file", TORPOR_OK);
  check(access, TORPOR_READ, "allowed/file", TORPOR_OK);
  torpor_access_close(access);
}

static void everything_can_be_granted(void **state) {
  torpor_access *access = open_access();
  (void)state;
  assert_int_equal(torpor_access_allow(access, TORPOR_WRITE, NULL), TORPOR_OK);
  check(access, TORPOR_WRITE, "/etc/passwd", TORPOR_OK);
  check(access, TORPOR_READ, "/etc/passwd", TORPOR_DENIED);
  torpor_access_close(access);
  access = open_access();
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "/"), TORPOR_OK);
  check(access, TORPOR_READ, "/etc/passwd", TORPOR_OK);
  torpor_access_close(access);
}

static void wrong_paths_are_refused(void **state) {
  torpor_access *access = open_access();
  static char text[PATH_MAX + 2];
  (void)state;
  memset(text, 'a', PATH_MAX + 1);
  check(access, TORPOR_READ, "", TORPOR_MISUSE);
  check(access, TORPOR_READ, text, TORPOR_MISUSE);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, ""), TORPOR_MISUSE);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "allowed/nowhere"),
                   TORPOR_IO);
  assert_int_equal(
      torpor_access_allow(access, TORPOR_PERMISSION_COUNT, "allowed"),
      TORPOR_MISUSE);
  torpor_access_close(access);
}

/* ---- As text -------------------------------------------------------------*/

static void comes_back_from_text(void **state) {
  torpor_access *access = open_access(), *again;
  torpor_bytes text, same;
  (void)state;
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "allowed"),
                   TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_READ, "100%\nline"),
                   TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_WRITE, NULL), TORPOR_OK);
  assert_int_equal(torpor_access_allow(access, TORPOR_FFI, "allowed"),
                   TORPOR_OK);
  assert_int_equal(torpor_access_write(access, &text), TORPOR_OK);
  assert_int_equal(strlen((char *)text.data), text.size);
  assert_non_null(strstr((char *)text.data, "100%25%0Aline\nwrite\nffi /"));
  assert_int_equal(torpor_access_read((char *)text.data, text.size, &again),
                   TORPOR_OK);
  assert_int_equal(torpor_access_write(again, &same), TORPOR_OK);
  assert_string_equal((char *)same.data, (char *)text.data);
  assert_int_equal(chdir("/"), 0);
  check(again, TORPOR_READ, "allowed/file", TORPOR_OK);
  check(again, TORPOR_READ, "100%\nline", TORPOR_OK);
  check(again, TORPOR_READ, "secret/file", TORPOR_DENIED);
  check(again, TORPOR_WRITE, "secret/file", TORPOR_OK);
  check(again, TORPOR_FFI, "allowed/file", TORPOR_OK);
  check(again, TORPOR_FFI, "secret/file", TORPOR_DENIED);
  torpor_bytes_free(&text);
  torpor_bytes_free(&same);
  torpor_access_close(access);
  torpor_access_close(again);
}

static void damaged_texts_are_refused(void **state) {
  static const char *const texts[] = {
      "",
      "folder",
      "folder \n",
      "folder relative\n",
      "folder /tmp",
      "read /tmp\n",
      "folder /tmp\nread relative\n",
      "folder /tmp\nread /a%\n",
      "folder /tmp\nread /a%0\n",
      "folder /tmp\nread /a%zz\n",
      "folder /tmp\nread /a%00\n",
      "folder /tmp\nread /a",
      "folder /tmp\nexecute /a\n",
      "folder /tmp\nread \n",
      "folder /tmp\n\n",
      "folder /tmp\nfolder /\n",
  };
  torpor_access *access;
  (void)state;
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    assert_int_equal(torpor_access_read(texts[i], strlen(texts[i]), &access),
                     TORPOR_FORMAT);
    assert_null(access);
  }
  assert_int_equal(torpor_access_read("folder /\0\n", 10, &access),
                   TORPOR_FORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_is_granted_at_first, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_grant_covers_what_is_below, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(links_do_not_lead_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_refusal_tells_nothing, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_link_to_the_granted_folder_is_fine,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(everything_can_be_granted, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(wrong_paths_are_refused, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(comes_back_from_text, set_up, tear_down),
      cmocka_unit_test(damaged_texts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
