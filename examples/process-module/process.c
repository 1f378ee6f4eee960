/* SPDX-License-Identifier: MIT */
/* process.c - a C module for programs that start other programs:
 *
 *   import { open, read, write, close } from "./process.so";
 *
 *   open(command, mode)   starts a command of the shell; gives a number for its
 *                         output (mode "r") or its input ("w")
 *   read(number)          a promise of the next bytes; null at the end
 *   write(number, text)   how many bytes of it were taken
 *   close(number)         ends the stream; a promise of the exit status
 *
 * The loop waits for two descriptors of a process: its stream, and a pidfd,
 * which is readable once it has ended. Numbers begin anywhere, so that one from
 * before a sleep is not mistaken for another. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <torpor-module.h>
#include <unistd.h>

typedef struct process {
  struct process *next;
  double number;
  pid_t pid;
  int stream, end; /* descriptors */
  bool reading;
} process;

/* What the module keeps in each VM. */
typedef struct processes {
  process *first;
  uint32_t next; /* number */
} processes;

/* The process whose number is the first argument. */
static torpor_status find(torpor_module *module, const torpor_arguments *args,
                          process **out) {
  processes *all = torpor_module_user(module);
  for (*out = all->first; *out != NULL; *out = (*out)->next)
    if ((*out)->number == torpor_value_number(args->args[0])) return TORPOR_OK;
  return torpor_module_lost(module, "the process");
}

static void end_process(processes *all, process *p) {
  process **link = &all->first;
  while (*link != p) link = &(*link)->next;
  *link = p->next;
  if (p->pid > 0 && kill(p->pid, SIGKILL) == 0) waitpid(p->pid, NULL, 0);
  if (p->stream >= 0) close(p->stream);
  if (p->end >= 0) close(p->end);
  free(p);
}

/* Starts 'command'; 'p' gets the other end of its output or input. */
static bool spawn(process *p, const char *command, bool reads) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  p->pid = fork();
  if (p->pid == 0) {
    dup2(ends[reads], reads);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  close(ends[reads]);
  p->stream = ends[!reads];
  if (p->pid > 0) p->end = (int)syscall(SYS_pidfd_open, p->pid, 0);
  return p->end >= 0 && fcntl(p->stream, F_SETFL, O_NONBLOCK) == 0;
}

/* ---- Functions ------------------------------------------------------------*/

static torpor_status do_open(torpor_vm *vm, const torpor_arguments *args,
                             torpor_value *result, void *module) {
  processes *all = torpor_module_user(module);
  torpor_bytes command = {0}, mode = {0};
  torpor_status status = torpor_string_read(vm, args->args[0], &command);
  if (status == TORPOR_OK)
    status = torpor_string_read(vm, args->args[1], &mode);
  process *p = status == TORPOR_OK ? calloc(1, sizeof(*p)) : NULL;
  if (p != NULL) {
    *p = (process){all->first, all->next++, 0, -1, -1, false};
    all->first = p;
    *result = torpor_number(p->number);
    if (!spawn(p, (char *)command.data, mode.data[0] != 'w')) {
      end_process(all, p);
      status = torpor_throw(vm, "Error", "no process can be started");
    }
  }
  torpor_bytes_free(&command);
  torpor_bytes_free(&mode);
  return status;
}

static torpor_status take_bytes(torpor_vm *vm, torpor_module *module,
                                torpor_value *result, void *user) {
  process *p = user;
  char data[65536];
  ssize_t size = read(p->stream, data, sizeof(data));
  (void)module;
  p->reading = false;
  *result = torpor_null();
  return size > 0 ? torpor_buffer_new(vm, data, (size_t)size, result)
                  : TORPOR_OK;
}

static torpor_status do_read(torpor_vm *vm, const torpor_arguments *args,
                             torpor_value *result, void *module) {
  process *p;
  torpor_status status = find(module, args, &p);
  (void)vm;
  if (status == TORPOR_OK)
    status =
        torpor_module_await(module, "read", p->stream, TORPOR_POLL_READABLE,
                            take_bytes, p, NULL, result);
  if (status == TORPOR_OK) p->reading = true;
  return status;
}

static torpor_status do_write(torpor_vm *vm, const torpor_arguments *args,
                              torpor_value *result, void *module) {
  torpor_bytes text;
  process *p;
  torpor_status status = find(module, args, &p);
  if (status == TORPOR_OK)
    status = torpor_string_read(vm, args->args[1], &text);
  if (status != TORPOR_OK) return status;
  ssize_t size = write(p->stream, text.data, text.size);
  *result = torpor_number(size < 0 ? 0 : (double)size);
  torpor_bytes_free(&text);
  return TORPOR_OK;
}

/* It has ended, so waiting for it takes no time. */
static torpor_status take_status(torpor_vm *vm, torpor_module *module,
                                 torpor_value *result, void *user) {
  process *p = user;
  int state = 0;
  (void)vm;
  waitpid(p->pid, &state, 0);
  p->pid = 0;
  end_process(torpor_module_user(module), p);
  *result = torpor_number(WIFEXITED(state) ? WEXITSTATUS(state)
                                           : 128 + WTERMSIG(state));
  return TORPOR_OK;
}

static torpor_status do_close(torpor_vm *vm, const torpor_arguments *args,
                              torpor_value *result, void *module) {
  process *p;
  torpor_status status = find(module, args, &p);
  if (status != TORPOR_OK) return status;
  if (p->reading) return torpor_throw(vm, "Error", "close: it is being read");
  status = torpor_module_await(module, "close", p->end, TORPOR_POLL_READABLE,
                               take_status, p, NULL, result);
  if (status == TORPOR_OK && p->stream >= 0) close(p->stream);
  p->stream = -1;
  return status;
}

/* ---- The module -----------------------------------------------------------*/

/* Its VM is closed: nothing stays behind. */
static void end_module(void *user) {
  processes *all = user;
  while (all->first != NULL) end_process(all, all->first);
  free(all);
}

static torpor_status start(torpor_module *module) {
  static const torpor_function_entry functions[] = {
      {"open", do_open, 2, 0},
      {"read", do_read, 1, 0},
      {"write", do_write, 2, 0},
      {"close", do_close, 1, 0},
  };
  processes *all = calloc(1, sizeof(*all));
  if (all == NULL) return TORPOR_NOMEM;
  getrandom(&all->next, sizeof(all->next), 0);
  torpor_module_set_user(module, all, end_module);
  return torpor_module_add_functions(module, functions, 4);
}

TORPOR_MODULE_DEFINE(process, start, 0)
