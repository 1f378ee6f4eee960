/* SPDX-License-Identifier: MIT */
/* process.c - a C module for programs that start other programs:
 *
 *   import { open } from "./process.so";
 *
 *   open(command, mode)   starts a command of the shell; gives an object for
 *                         its output (mode "r") or its input ("w")
 *   .read()               a promise of the next bytes; null at the end
 *   .write(text)          how many bytes of it were taken
 *   .close()              ends the stream; a promise of the exit status
 *
 * The loop waits for two descriptors of a process: its stream, and a pidfd,
 * which is readable once it has ended. A process ends with its object; an
 * object from before a sleep has none, and Torpor says so when it is used. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <torpor-module.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-parameter" /* of callbacks */

typedef struct process {
  int references;  /* of the object, and of a promise that waits */
  pid_t pid;       /* 0: it has ended, and its status was taken */
  int stream, end; /* descriptors; -1: closed */
} process;

/* Gives up a reference; the last one ends the process. */
static void drop(void *user) {
  process *p = user;
  if (--p->references > 0) return;
  if (p->pid > 0 && kill(p->pid, SIGKILL) == 0) waitpid(p->pid, NULL, 0);
  if (p->stream >= 0) close(p->stream);
  if (p->end >= 0) close(p->end);
  free(p);
}

static void finalize(const torpor_instance *instance, void *module) {
  drop(instance->data);
}

/* Starts 'command', and keeps the other end of its output or input. */
static process *spawn(const char *command, bool reads) {
  int ends[2];
  process *p = malloc(sizeof(*p));
  if (p == NULL || pipe2(ends, O_CLOEXEC) != 0) return free(p), NULL;
  *p = (process){1, fork(), ends[!reads], -1};
  if (p->pid == 0) {
    dup2(ends[reads], reads);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
  }
  close(ends[reads]);
  if (p->pid > 0) p->end = (int)syscall(SYS_pidfd_open, p->pid, 0);
  if (p->end >= 0 && fcntl(p->stream, F_SETFL, O_NONBLOCK) == 0) return p;
  return drop(p), NULL;
}

static torpor_status do_open(torpor_vm *vm, const torpor_arguments *args,
                             torpor_value *result, void *module) {
  torpor_bytes command = {0}, mode = {0};
  process *p = NULL;
  torpor_status status = torpor_string_read(vm, args->args[0], &command);
  if (status == TORPOR_OK)
    status = torpor_string_read(vm, args->args[1], &mode);
  if (status == TORPOR_OK) p = spawn((char *)command.data, mode.data[0] != 'w');
  if (status == TORPOR_OK)
    status = p == NULL
                 ? torpor_throw(vm, "Error", "no process can be started")
                 : torpor_instance_new(vm, "process.Process",
                                       &(torpor_instance){.data = p}, result);
  if (status != TORPOR_OK && p != NULL) drop(p);
  torpor_bytes_free(&command);
  torpor_bytes_free(&mode);
  return status;
}

/* A promise that 'answer' settles when 'descriptor' can be read. */
static torpor_status wait_for(torpor_module *module, const char *what,
                              process *p, int descriptor,
                              torpor_module_answer_fn answer,
                              torpor_value *result) {
  if (p->references > 1 || descriptor < 0)
    return torpor_throw(torpor_module_vm(module), "Error",
                        descriptor < 0 ? "it is closed" : "it is waited for");
  torpor_status status = torpor_module_await(
      module, what, descriptor, TORPOR_POLL_READABLE, answer, p, drop, result);
  if (status == TORPOR_OK) p->references++;
  return status;
}

static torpor_status take_bytes(torpor_vm *vm, torpor_module *module,
                                torpor_value *result, void *user) {
  char data[65536];
  ssize_t size = read(((process *)user)->stream, data, sizeof(data));
  *result = torpor_null();
  return size > 0 ? torpor_buffer_new(vm, data, (size_t)size, result)
                  : TORPOR_OK;
}

static torpor_status do_read(torpor_vm *vm, const torpor_arguments *args,
                             torpor_value *result, void *module) {
  process *p = args->instance.data;
  return wait_for(module, "read", p, p->stream, take_bytes, result);
}

static torpor_status do_write(torpor_vm *vm, const torpor_arguments *args,
                              torpor_value *result, void *module) {
  process *p = args->instance.data;
  torpor_bytes text;
  torpor_status status = torpor_string_read(vm, args->args[0], &text);
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
  waitpid(p->pid, &state, 0);
  p->pid = 0;
  *result = torpor_number(WIFEXITED(state) ? WEXITSTATUS(state)
                                           : 128 + WTERMSIG(state));
  return TORPOR_OK;
}

static torpor_status do_close(torpor_vm *vm, const torpor_arguments *args,
                              torpor_value *result, void *module) {
  process *p = args->instance.data;
  torpor_status status = wait_for(module, "close", p, p->pid == 0 ? -1 : p->end,
                                  take_status, result);
  if (status == TORPOR_OK) close(p->stream), p->stream = -1;
  return status;
}

static torpor_status start(torpor_module *module) {
  static const torpor_function_entry methods[] = {{"read", do_read, 0, 0},
                                                  {"write", do_write, 1, 0},
                                                  {"close", do_close, 0, 0}};
  torpor_class_def def = TORPOR_CLASS_DEF_INIT;
  def.name = "Process";
  def.finalize = finalize;
  def.members = methods;
  def.member_count = 3;
  torpor_status status = torpor_module_add_class(module, &def);
  if (status != TORPOR_OK) return status;
  return torpor_module_add_function(module, "open", 2, do_open);
}

TORPOR_MODULE_DEFINE(process, start, 0)
