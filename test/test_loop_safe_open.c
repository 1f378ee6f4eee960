/* SPDX-License-Identifier: MIT */
/* test_loop_safe_open.c - what is opened, made, renamed or removed by a
 * resolved path lies where the path says, while another thread swaps a folder
 * and a link that leads elsewhere, all the time. With openat2 and without. */
#define _GNU_SOURCE /* RENAME_EXCHANGE */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/files/disk-verbs.h"
#include "loop/files/disk.h"
#include "loop/net/unix-socket.h"
#include "loop/path.h"
#include "loop/safe-open.h"

enum { ROUNDS = 4000 };

/*   ROOT/in/sub   a folder that is granted      swapped all the time
 *   ROOT/in/out   a link to ROOT/outside        with each other
 *   ROOT/outside  a folder that is not
 *
 * The folder has the marks "inside", the other "outside". */
struct fixture {
  char root[64];
  pthread_t thread;
  atomic_bool stop;
  atomic_uint swaps;
  unsigned done, refused; /* of the rounds */
};

static char *at(const struct fixture *fixture, const char *name) {
  static _Thread_local char paths[4][256];
  static _Thread_local unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof(paths[0]), "%s/%s", fixture->root, name);
  return path;
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void *swap(void *argument) {
  struct fixture *fixture = argument;
  char *one = at(fixture, "in/sub"), *other = at(fixture, "in/out");
  while (!atomic_load(&fixture->stop))
    if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2) == 0)
      atomic_fetch_add(&fixture->swaps, 1);
  return NULL;
}

static int set_up(void **state) {
  struct fixture *fixture = calloc(1, sizeof(*fixture));
  assert_non_null(fixture);
  strcpy(fixture->root, "/tmp/torpor-safe-XXXXXX");
  assert_non_null(mkdtemp(fixture->root));
  assert_int_equal(mkdir(at(fixture, "in"), 0755), 0);
  assert_int_equal(mkdir(at(fixture, "in/sub"), 0755), 0);
  assert_int_equal(mkdir(at(fixture, "outside"), 0755), 0);
  assert_int_equal(symlink(at(fixture, "outside"), at(fixture, "in/out")), 0);
  put(at(fixture, "in/sub/file"), "inside");
  put(at(fixture, "outside/file"), "outside");
  put(at(fixture, "outside/only"), "outside");
  assert_int_equal(mkdir(at(fixture, "outside/folder"), 0755), 0);
  put(at(fixture, "outside/folder/file"), "outside");
  assert_int_equal(pthread_create(&fixture->thread, NULL, swap, fixture), 0);
  *state = fixture;
  return 0;
}

/* Ends the swapping. Outside, everything is as it was. */
static int tear_down(void **state) {
  struct fixture *fixture = *state;
  char command[128];
  struct torpor__disk_entries found;
  atomic_store(&fixture->stop, true);
  assert_int_equal(pthread_join(fixture->thread, NULL), 0);
  torpor__safe_without_openat2(false);
  assert_int_equal(
      torpor__disk_list(at(fixture, "outside"), NULL, 100, NULL, &found), 0);
  assert_int_equal(found.count, 3);
  torpor__disk_entries_free(&found);
  static const char *const files[] = {"outside/file", "outside/only",
                                      "outside/folder/file"};
  for (int i = 0; i < 3; i++) {
    struct torpor__file_bytes content;
    assert_int_equal(
        torpor__disk_read(at(fixture, files[i]), 0, 100, NULL, &content), 0);
    assert_string_equal((char *)content.data, "outside");
    free(content.data);
  }
  snprintf(command, sizeof(command), "rm -rf '%s'", fixture->root);
  free(fixture);
  return system(command);
}

/* Counts a round: done, or refused because a link was in the way, or what was
 * meant was not there at that moment. */
static void count(struct fixture *fixture, int failure) {
  if (failure >= 0) {
    fixture->done++;
    return;
  }
  fixture->refused++;
  if (failure != -ELOOP && failure != -ENOTDIR && failure != -ENOENT &&
      failure != -EEXIST && failure != -ENOTEMPTY)
    fail_msg("a round ended with %s", strerror(-failure));
}

/* Whether there were races: both sides of them were seen, amid many swaps. */
static bool has_raced(const struct fixture *fixture) {
  return fixture->done > 0 && fixture->refused > 0 &&
         atomic_load(&fixture->swaps) > 100;
}

static void expect_races(const struct fixture *fixture) {
  if (!has_raced(fixture))
    fail_msg("%u done, %u refused, %u swaps: no race was tried", fixture->done,
             fixture->refused, atomic_load(&fixture->swaps));
}

/* ---- The rounds ----------------------------------------------------------*/

static void read_round(struct fixture *fixture) {
  struct torpor__file_bytes content;
  int failure =
      torpor__disk_read(at(fixture, "in/sub/file"), 0, 100, NULL, &content);
  if (failure == 0) assert_string_equal((char *)content.data, "inside");
  if (failure == 0) free(content.data);
  count(fixture, failure);
}

static void write_round(struct fixture *fixture) {
  count(fixture,
        torpor__disk_write(at(fixture, "in/sub/file"), "inside", 6, NULL));
}

static void append_round(struct fixture *fixture) {
  count(fixture,
        torpor__disk_append(at(fixture, "in/sub/log"), "x", 1, 0644, false));
}

static void copy_round(struct fixture *fixture) {
  count(fixture, torpor__disk_copy(at(fixture, "in/sub/file"),
                                   at(fixture, "in/sub/copy"), NULL));
}

static void open_round(struct fixture *fixture) {
  int file = torpor__disk_open(at(fixture, "in/sub/new"),
                               O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) close(file);
  count(fixture, file);
}

static void list_round(struct fixture *fixture) {
  struct torpor__disk_entries found;
  int failure =
      torpor__disk_list(at(fixture, "in/sub"), NULL, 100, NULL, &found);
  for (size_t i = 0; i < found.count; i++)
    assert_string_not_equal(found.entries[i].name, "only");
  torpor__disk_entries_free(&found);
  count(fixture, failure);
}

static void stat_round(struct fixture *fixture) {
  struct torpor__disk_stat found;
  int failure = torpor__disk_stat(at(fixture, "in/sub/only"), &found);
  assert_true(failure < 0);
  count(fixture, failure);
  failure = torpor__disk_stat(at(fixture, "in/sub/file"), &found);
  if (failure == 0) assert_int_equal(found.size, 6);
  count(fixture, failure);
}

static void rename_round(struct fixture *fixture) {
  count(fixture, torpor__disk_rename(at(fixture, "in/sub/file"),
                                     at(fixture, "in/sub/moved")));
  count(fixture, torpor__disk_rename(at(fixture, "in/sub/moved"),
                                     at(fixture, "in/sub/file")));
  /* What is outside only must not come in. */
  assert_true(torpor__disk_rename(at(fixture, "in/sub/only"),
                                  at(fixture, "in/got")) < 0);
}

static void remove_round(struct fixture *fixture) {
  assert_true(torpor__disk_remove(at(fixture, "in/sub/only"), false, NULL) < 0);
  count(fixture,
        torpor__disk_make_folder(at(fixture, "in/sub/folder"), 0755, false));
  count(fixture, torpor__disk_append(at(fixture, "in/sub/folder/file"), "x", 1,
                                     0644, false));
  count(fixture, torpor__disk_remove(at(fixture, "in/sub/folder"), true, NULL));
}

static void make_round(struct fixture *fixture) {
  char *made;
  int failure = torpor__disk_make_temporary(at(fixture, "in/sub"), "t-", &made);
  count(fixture, failure);
  if (failure == 0) free(made);
  count(fixture,
        torpor__disk_make_folder(at(fixture, "in/sub/a/b"), 0755, true));
}

static void link_round(struct fixture *fixture) {
  count(fixture, torpor__disk_link(at(fixture, "in/sub/file"),
                                   at(fixture, "in/sub/second")));
  count(fixture, torpor__disk_symlink("file", at(fixture, "in/sub/link")));
  count(fixture,
        torpor__disk_remove(at(fixture, "in/sub/second"), false, NULL));
  count(fixture, torpor__disk_remove(at(fixture, "in/sub/link"), false, NULL));
}

static void set_round(struct fixture *fixture) {
  struct stat before, after;
  assert_int_equal(stat(at(fixture, "outside/file"), &before), 0);
  count(fixture, torpor__disk_set_mode(at(fixture, "in/sub/file"), 0600));
  count(fixture, torpor__disk_set_times(at(fixture, "in/sub/file"), 1, 2));
  assert_int_equal(stat(at(fixture, "outside/file"), &after), 0);
  assert_int_equal(before.st_mode, after.st_mode);
  assert_int_equal(before.st_mtime, after.st_mtime);
}

static void bind_round(struct fixture *fixture) {
  struct torpor__unix_name name;
  int fd = torpor__unix_bind(at(fixture, "in/sub/socket"), &name);
  count(fixture, fd);
  torpor__unix_remove(&name);
  if (fd >= 0) close(fd);
}

static void run(struct fixture *fixture, void (*round)(struct fixture *)) {
  for (int without = 0; without < 2; without++) {
    torpor__safe_without_openat2(without == 1);
    fixture->done = fixture->refused = 0;
    for (int i = 0; i < ROUNDS; i++) round(fixture);
    /* Threads may have taken turns of many rounds. */
    for (int i = 0; i < 200 && !has_raced(fixture); i++) {
      usleep(1000);
      for (int j = 0; j < 100; j++) round(fixture);
    }
    expect_races(fixture);
  }
}

#define RACE(name)                                                             \
  static void name##s_stay_inside(void **state) {                              \
    run(*state, name##_round);                                                 \
  }
RACE(read)
RACE(append)
RACE(open)
RACE(list)
RACE(stat)
RACE(rename)
RACE(remove)
RACE(make)
RACE(link)
RACE(set)
RACE(bind)
#undef RACE

/* These sync, which takes its time. */
static void writes_stay_inside(void **state) {
  struct fixture *fixture = *state;
  for (int i = 0; i < 300 || (i < 2000 && !has_raced(fixture)); i++) {
    if (i >= 300) usleep(1000); /* for the other thread to have its turn */
    torpor__safe_without_openat2(i % 2 == 1);
    write_round(fixture);
    copy_round(fixture);
  }
  expect_races(fixture);
}

/* ---- Without races -------------------------------------------------------*/

static void expect_open(const char *path, int flags, int expected) {
  for (int without = 0; without < 2; without++) {
    torpor__safe_without_openat2(without == 1);
    int fd = torpor__safe_open(path, flags, 0644);
    if (expected == 0 && fd < 0)
      fail_msg("%s: %s", path, strerror(-fd));
    else if (expected != 0 && fd != expected)
      fail_msg("%s: %d, not %d", path, fd, expected);
    if (fd >= 0) close(fd);
  }
}

static void both_ways_say_the_same(void **state) {
  struct fixture *fixture = *state;
  char long_name[300];
  atomic_store(&fixture->stop, true);
  usleep(1000);
  expect_open("/", O_RDONLY | O_DIRECTORY, 0);
  expect_open("/proc", O_PATH | O_DIRECTORY, 0);
  expect_open("relative", O_RDONLY, -EINVAL);
  expect_open(at(fixture, "outside/file"), O_RDONLY, 0);
  expect_open(at(fixture, "outside/none"), O_RDONLY, -ENOENT);
  expect_open(at(fixture, "none/file"), O_RDONLY, -ENOENT);
  expect_open(at(fixture, "outside/file/x"), O_RDONLY, -ENOTDIR);
  expect_open(at(fixture, "outside"), O_WRONLY, -EISDIR);
  assert_int_equal(symlink("file", at(fixture, "in/x")), 0);
  expect_open(at(fixture, "in/x"), O_RDONLY, -ELOOP);
  assert_int_equal(unlink(at(fixture, "in/x")), 0);
  /* What a link of /proc leads to is no part of a path, either. */
  torpor__safe_without_openat2(false);
  assert_int_equal(torpor__safe_open("/proc/self/root/etc", O_RDONLY, 0),
                   -ELOOP);
  torpor__safe_without_openat2(true);
  assert_int_equal(torpor__safe_open("/proc/self/root/etc", O_RDONLY, 0),
                   -ENOTDIR);
  memset(long_name, 'x', sizeof(long_name) - 1);
  long_name[0] = '/';
  long_name[sizeof(long_name) - 1] = '\0';
  expect_open(long_name, O_RDONLY, -ENAMETOOLONG);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(reads_stay_inside),      TEST(writes_stay_inside),
      TEST(appends_stay_inside),    TEST(opens_stay_inside),
      TEST(lists_stay_inside),      TEST(stats_stay_inside),
      TEST(renames_stay_inside),    TEST(removes_stay_inside),
      TEST(makes_stay_inside),      TEST(links_stay_inside),
      TEST(sets_stay_inside),       TEST(binds_stay_inside),
      TEST(both_ways_say_the_same),
  };
#undef TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
