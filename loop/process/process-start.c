/* SPDX-License-Identifier: MIT */
/* process-start.c - the driver of kind "process": runs a program outside.
 *
 *   {fd, file, args, env, cwd, stdio, shell, group}   gives {pid}
 *
 *   fd       the number of the process, a descriptor (process.c)
 *   file     the program, looked up in PATH; args: what it gets behind its name
 *   shell    true: 'file' is a command for /bin/sh
 *   argv0    what it is told that its name is; left out: 'file'
 *   env      an array of "NAME=value"; left out: ours
 *   changes  an array of "NAME=value", and "NAME" to be left out: what is
 *            different in the environment that the process gets
 *   cwd      where it runs; left out: where relative paths start from
 *   stdio    three of: a number (a new pipe, which is a descriptor of that
 *            number), "null", "inherit", "default" (inherited where there is
 *            something to inherit), or {fd} (a stream that is open)
 *
 * "process-signal" {fd, signal} sends it a signal by number.
 *
 * Waking: TORPOR_LOST. What the process did cannot be told.
 *
 * Runs on the loop's thread. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/field.h"
#include "loop/path.h"
#include "loop/process/process.h"
#include "loop/stream.h"
#include "loop/task-end.h"
#include "loop/world.h"

enum { ARGS_MAX = 65536, STREAMS = 3 };

/* ---- What it is started with ----------------------------------------------*/

/* What a process is started with; 'text' holds the strings. */
struct start {
  torpor_task *task;
  torpor_world *world;
  uint64_t number;
  torpor_bytes file; /* as it was asked for; then argv[0] */
  char *path;        /* what is run */
  char *cwd;
  char *name;         /* NULL: 'file' */
  char **args, **env; /* end with NULL; env NULL: ours */
  char **changes;     /* of that; NULL: none */
  bool shell, group;
  uv_stdio_container_t stdio[STREAMS];
  struct torpor__stream *pipes[STREAMS]; /* our ends of those made for it */
  int theirs[STREAMS];                   /* opened for it alone; -1: none */
  uint64_t pipe_numbers[STREAMS];
  bool added[STREAMS]; /* which of them are open in the world */
};

static void free_strings(char **strings) {
  if (strings == NULL) return;
  for (size_t i = 0; strings[i] != NULL; i++) free(strings[i]);
  free(strings);
}

static void free_start(struct start *start) {
  torpor_bytes_free(&start->file);
  free(start->path);
  free(start->cwd);
  free(start->name);
  free_strings(start->args);
  free_strings(start->env);
  free_strings(start->changes);
}

static bool refuse(const struct start *start, const char *message) {
  torpor_task_fail(start->task, "TypeError", message, "EINVAL");
  return false;
}

static bool fail_memory(const struct start *start) {
  torpor__task_fail_system(start->task, "starting a process", UV_ENOMEM);
  return false;
}

/* The string before which the reader stands, with a zero byte at its end; NULL:
 * it is none, has a zero byte in it, or memory ran out. */
static char *copy_string(torpor_reader *reader) {
  if (torpor_reader_type(reader) != TORPOR_DATA_STRING) {
    torpor_reader_skip(reader);
    return NULL;
  }
  torpor_slice text = torpor_reader_string(reader);
  if (memchr(text.data, '\0', text.size) != NULL) return NULL;
  return strndup((const char *)text.data, text.size);
}

/* Reads the array of strings under 'key' behind 'before' places that are left
 * free; false: it is none. */
static bool read_strings(torpor_reader *reader, const char *key, size_t before,
                         char ***out) {
  size_t count = 0;
  bool found = torpor_reader_find(reader, key, strlen(key));
  if (found && torpor_reader_type(reader) != TORPOR_DATA_ARRAY) return false;
  if (found) count = torpor_reader_enter(reader);
  if (count > ARGS_MAX) return false;
  char **strings = calloc(before + count + 1, sizeof(*strings));
  if (strings == NULL) return false;
  for (size_t i = 0; i < before + count; i++) {
    strings[i] = i < before ? strdup("") : copy_string(reader);
    if (strings[i] == NULL) {
      free_strings(strings);
      return false;
    }
  }
  if (found) torpor_reader_leave(reader);
  *out = strings;
  return true;
}

/* Whether there is something under 'key', before which the reader then stands.
 */
static bool is_given(torpor_reader *reader, const char *key) {
  return torpor_reader_find(reader, key, strlen(key)) &&
         torpor_reader_type(reader) != TORPOR_DATA_UNDEFINED;
}

/* Another way to the pipe 'fd' that is non-blocking, for the process alone; -1:
 * it is no such pipe. Processes expect a stream that blocks, and one that both
 * had would block for both, and so the loop. Opened without waiting: perhaps
 * nobody reads it. */
static int open_again(int fd) {
  char path[64];
  struct stat found;
  int mode = fcntl(fd, F_GETFL);
  if (mode < 0 || (mode & O_NONBLOCK) == 0 || fstat(fd, &found) != 0 ||
      !S_ISFIFO(found.st_mode))
    return -1;
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return open(path, (mode & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC);
}

static bool use_fd(struct start *start, int index, int fd) {
  int again = open_again(fd);
  if (again >= 0) start->theirs[index] = again;
  start->stdio[index] = (uv_stdio_container_t){
      .flags = UV_INHERIT_FD, .data.fd = again >= 0 ? again : fd};
  return true;
}

/* Stream 'index' of the three: a pipe that is made. A real one, not libuv's
 * pair of sockets: what is at /dev/stdin can be opened, and a writer whose
 * reader went away gets a SIGPIPE. */
static bool make_pipe(struct start *start, int index) {
  bool in = index == 0;
  uv_file ends[2]; /* to read from, to write to */
  int failure =
      uv_pipe(ends, in ? 0 : UV_NONBLOCK_PIPE, in ? UV_NONBLOCK_PIPE : 0);
  if (failure == 0) {
    start->theirs[index] = ends[in ? 0 : 1];
    start->pipes[index] = torpor__stream_of(torpor_task_loop(start->task),
                                            ends[in ? 1 : 0], &failure);
    if (start->pipes[index] == NULL) close(ends[in ? 1 : 0]);
  }
  if (failure == 0) return use_fd(start, index, start->theirs[index]);
  torpor__task_fail_system(start->task, "making a pipe", failure);
  return false;
}

/* A stream that is open already, by its number in {fd}. */
static bool use_stream(struct start *start, int index, torpor_reader *reader) {
  uint64_t number = UINT64_MAX;
  torpor_reader_enter(reader);
  if (torpor_reader_find(reader, "fd", 2))
    number = torpor__field_here(reader, UINT64_MAX);
  torpor_reader_leave(reader);
  struct torpor__descriptor *found =
      torpor__descriptor_find(start->world, number);
  int fd = found == NULL ? -1 : torpor__descriptor_file(found);
  if (fd < 0)
    return refuse(start, "a stream that a process shall have is not open");
  return use_fd(start, index, fd);
}

static bool is_word(torpor_slice text, const char *word) {
  return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static bool use_word(struct start *start, int index, torpor_slice word) {
  if (is_word(word, "null")) return true;
  if (is_word(word, "default") && !start->world->options.standard) return true;
  if (!is_word(word, "inherit") && !is_word(word, "default"))
    return refuse(start,
                  "a stream of a process is \"pipe\", \"null\", "
                  "\"inherit\" or a descriptor");
  if (!start->world->options.standard)
    return refuse(start,
                  "this program has no standard streams that a process "
                  "could inherit");
  return use_fd(start, index, index);
}

static bool read_stream(struct start *start, int index, torpor_reader *reader) {
  switch (torpor_reader_type(reader)) {
  case TORPOR_DATA_NUMBER:
    start->pipe_numbers[index] = torpor__field_here(reader, UINT64_MAX);
    if (start->pipe_numbers[index] == UINT64_MAX) break;
    return make_pipe(start, index);
  case TORPOR_DATA_STRING:
    return use_word(start, index, torpor_reader_string(reader));
  case TORPOR_DATA_OBJECT:
    return use_stream(start, index, reader);
  default:
    break;
  }
  return refuse(start,
                "a stream of a process is \"pipe\", \"null\", "
                "\"inherit\" or a descriptor");
}

static bool read_streams(struct start *start, torpor_reader *reader) {
  if (!torpor_reader_find(reader, "stdio", 5) ||
      torpor_reader_type(reader) != TORPOR_DATA_ARRAY)
    return refuse(start, "a process has three streams");
  size_t count = torpor_reader_enter(reader);
  bool good = count == STREAMS || refuse(start, "a process has three streams");
  for (int i = 0; good && i < STREAMS; i++)
    good = read_stream(start, i, reader);
  torpor_reader_leave(reader);
  return good;
}

/* Reads all but the streams. */
static bool read_command(struct start *start, torpor_reader *reader) {
  const torpor_operation *operation = torpor_task_operation(start->task);
  start->number = torpor__field_count(operation, "fd", UINT64_MAX);
  if (start->number == UINT64_MAX)
    return refuse(start,
                  "a process is requested with the number of its "
                  "descriptor");
  char *file = NULL;
  if (torpor_reader_find(reader, "file", 4)) file = copy_string(reader);
  if (file == NULL)
    return refuse(start, "the program to run is a text without U+0000");
  start->file = (torpor_bytes){(uint8_t *)file, strlen(file)};
  start->shell = torpor__field_flag(operation, "shell");
  start->group = torpor__field_flag(operation, "group");
  if (!read_strings(reader, "args", start->shell ? 3 : 1, &start->args))
    return refuse(start, "the arguments of a process are texts without U+0000");
  if (is_given(reader, "env") && !read_strings(reader, "env", 0, &start->env))
    return refuse(start,
                  "the environment of a process are texts \"NAME=value\" "
                  "without U+0000");
  if (is_given(reader, "changes") &&
      !read_strings(reader, "changes", 0, &start->changes))
    return refuse(start,
                  "changes of the environment are texts \"NAME=value\" "
                  "or \"NAME\" without U+0000");
  if (is_given(reader, "argv0")) {
    start->name = copy_string(reader);
    if (start->name == NULL)
      return refuse(start, "the name of a process is a text without U+0000");
  }
  if (is_given(reader, "cwd")) {
    start->cwd = copy_string(reader);
    if (start->cwd == NULL)
      return refuse(start, "the folder of a process is a text without U+0000");
  }
  return true;
}

extern char **environ;

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

static bool is_ours(const char *variable) {
  for (char **own = environ; *own != NULL; own++)
    if (strcmp(*own, variable) == 0) return true;
  return false;
}

/* Whether one of 'variables', which we do not have, makes any program load code
 * of somebody's choice. */
static bool load_code(char *const *variables) {
  for (; variables != NULL && *variables != NULL; variables++)
    if ((strncmp(*variables, "LD_", 3) == 0 ||
         strncmp(*variables, "GCONV_PATH", 10) == 0) &&
        !is_ours(*variables))
      return true;
  return false;
}

static bool deny(const struct start *start, const char *message) {
  torpor_task_fail(start->task, "NotAllowedError", message, "EACCES");
  return false;
}

/* A grant for a program is not one for every code that it could be made to
 * load, nor for all that it is under other names: some programs are many, and
 * look at the name that they were called by. */
static bool check_company(const struct start *start) {
  if (torpor_access_allows_all(torpor_world_access(start->world), TORPOR_RUN))
    return true;
  if (load_code(start->env))
    return deny(start,
                "giving a process variables LD_... or GCONV_PATH of its own is "
                "not allowed; run with --allow-run, without the names of "
                "programs");
  if (start->name != NULL &&
      strcmp(last_part(start->name), last_part(start->path)) != 0)
    return deny(start,
                "giving a process another name than its program's is not "
                "allowed; run with --allow-run, without the names of programs");
  return true;
}

/* 'place', which is in a list that ends with NULL, keeps what it has when
 * memory runs out. */
static bool replace(char **place, const char *text) {
  char *copy = strdup(text);
  if (copy == NULL) return false;
  free(*place);
  *place = copy;
  return true;
}

/* Finds what is run, if the program may run it. */
static bool find_program(struct start *start) {
  const torpor_access *access = torpor_world_access(start->world);
  const char *file = (const char *)start->file.data;
  torpor_bytes found = {0};
  if (start->shell && !torpor_access_allows_all(access, TORPOR_RUN))
    return deny(start,
                "running a command of the shell is not allowed; run with "
                "--allow-run, without the names of programs");
  torpor_status status = torpor_access_check(
      access, TORPOR_RUN, start->shell ? "/bin/sh" : file, &found);
  if (status != TORPOR_OK) {
    torpor__task_fail_access(start->task, status, &found);
    torpor_bytes_free(&found);
    return false;
  }
  start->path = (char *)found.data;
  bool done =
      start->shell
          ? replace(&start->args[0], "/bin/sh") &&
                replace(&start->args[1], "-c") && replace(&start->args[2], file)
          : replace(&start->args[0], start->name != NULL ? start->name : file);
  return done || fail_memory(start);
}

/* The folder that the process runs in. */
static bool find_folder(struct start *start) {
  const torpor_access *access = torpor_world_access(start->world);
  const char *folder = torpor__access_folder(access);
  char *path = torpor__path_normalise(folder == NULL ? "/" : folder,
                                      start->cwd == NULL ? "." : start->cwd);
  free(start->cwd);
  start->cwd = path;
  return path != NULL || fail_memory(start);
}

/* ---- Its environment ------------------------------------------------------*/

/* Whether 'variable', "NAME=value", is the one that 'change' is about. */
static bool is_about(const char *change, const char *variable) {
  size_t size = strcspn(change, "=");
  return strncmp(change, variable, size) == 0 && variable[size] == '=';
}

static bool is_changed(char *const *changes, const char *variable) {
  for (size_t i = 0; changes[i] != NULL; i++)
    if (is_about(changes[i], variable)) return true;
  return false;
}

static size_t count_strings(char *const *strings) {
  size_t count = 0;
  while (strings[count] != NULL) count++;
  return count;
}

/* Makes 'env' of what it is and the changes. The strings of 'changes' go with
 * it. */
static bool change_environment(struct start *start) {
  if (start->changes == NULL) return true;
  char **before = start->env != NULL ? start->env : environ;
  size_t most = count_strings(before) + count_strings(start->changes) + 1;
  char **after = calloc(most, sizeof(*after));
  size_t count = 0;
  bool made = after != NULL;
  for (size_t i = 0; made && before[i] != NULL; i++)
    if (!is_changed(start->changes, before[i]))
      made = (after[count++] = strdup(before[i])) != NULL;
  for (size_t i = 0; made && start->changes[i] != NULL; i++)
    if (strchr(start->changes[i], '=') != NULL)
      made = (after[count++] = strdup(start->changes[i])) != NULL;
  free_strings(start->env);
  start->env = after;
  return made || fail_memory(start);
}

/* ---- Starting -------------------------------------------------------------*/

static void tell_started(const struct start *start, int pid) {
  torpor_writer *writer = NULL;
  torpor_writer_open(NULL, 0, &writer);
  torpor_writer_object(writer, 1);
  torpor_writer_key(writer, "pid", SIZE_MAX);
  torpor_writer_integer(writer, pid);
  torpor_writer_end(writer);
  torpor__task_finish_written(start->task, writer);
}

/* Opens all of them or none. */
static bool add_pipes(struct start *start) {
  for (int i = 0; i < STREAMS; i++) {
    struct torpor__stream *pipe = start->pipes[i];
    start->pipes[i] = NULL;
    if (pipe == NULL ||
        torpor__stream_add(pipe, start->world, start->pipe_numbers[i])) {
      start->added[i] = pipe != NULL;
      continue;
    }
    while (--i >= 0)
      if (start->added[i])
        torpor__descriptor_close(
            torpor__descriptor_find(start->world, start->pipe_numbers[i]));
    return false;
  }
  return true;
}

/* libuv does not say which of the two is missing, the program or the folder. */
static void fail_start(const struct start *start, int failure) {
  struct stat found;
  bool folder = stat(start->cwd, &found) == 0 && S_ISDIR(found.st_mode);
  torpor_bytes doing;
  torpor__format(&doing,
                 folder ? "running %s" : "running %s in the folder '%s'",
                 (char *)start->file.data, start->cwd);
  torpor__task_fail_system(
      start->task,
      doing.data == NULL ? "running a program" : (char *)doing.data, failure);
  torpor_bytes_free(&doing);
}

static void run_process(struct start *start) {
  int pid, failure;
  uv_process_options_t options = {
      .file = start->path,
      .args = start->args,
      .env = start->env,
      .cwd = start->cwd,
      .flags = start->group ? UV_PROCESS_DETACHED : 0,
      .stdio_count = STREAMS,
      .stdio = start->stdio,
  };
  struct torpor__descriptor *process = torpor__process_open(
      torpor_task_loop(start->task), &options, &pid, &failure);
  if (process == NULL) {
    fail_start(start, failure);
  } else if (!torpor__descriptor_add(start->world, start->number, process)) {
    torpor__process_discard(process);
    refuse(start,
           "the number of a process is in use, or the program has too "
           "many descriptors");
  } else if (!add_pipes(start)) {
    torpor__descriptor_close(process);
    refuse(start,
           "the number of a stream is in use, or the program has too "
           "many descriptors");
  } else {
    tell_started(start, pid);
  }
}

static void start_process(torpor_task *task, void *user) {
  (void)user;
  struct start start = {
      .task = task, .world = torpor_task_world(task), .theirs = {-1, -1, -1}};
  const torpor_operation *operation = torpor_task_operation(task);
  torpor_reader *reader = NULL;
  if (torpor_reader_open(operation->request, operation->request_size,
                         &reader) != TORPOR_OK ||
      torpor_reader_type(reader) != TORPOR_DATA_OBJECT) {
    refuse(&start, "a process is requested as { fd, file, args, stdio }");
  } else {
    torpor_reader_enter(reader);
    if (read_command(&start, reader) && find_program(&start) &&
        find_folder(&start) && change_environment(&start) &&
        check_company(&start) && read_streams(&start, reader))
      run_process(&start);
  }
  torpor_reader_close(reader);
  for (int i = 0; i < STREAMS; i++) {
    torpor__stream_discard(start.pipes[i]);
    if (start.theirs[i] >= 0) close(start.theirs[i]);
  }
  free_start(&start);
}

static void signal_process(torpor_task *task, void *user) {
  (void)user;
  torpor__process_signal(task);
}

/* Both are complete when they were started. */
static void cancel(torpor_task *task, void *user) {
  (void)task, (void)user;
}

torpor_status torpor__process_add(torpor_loop *loop) {
  static const torpor_driver drivers[] = {
      {.size = sizeof(torpor_driver),
       .kind = "process",
       .waking = TORPOR_LOST,
       .start = start_process,
       .cancel = cancel},
      {.size = sizeof(torpor_driver),
       .kind = "process-signal",
       .waking = TORPOR_LOST,
       .start = signal_process,
       .cancel = cancel},
  };
  torpor_status status = torpor_loop_add_driver(loop, &drivers[0]);
  if (status != TORPOR_OK) return status;
  return torpor_loop_add_driver(loop, &drivers[1]);
}
