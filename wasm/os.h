/* SPDX-License-Identifier: MIT */
/* os.h - what Torpor asks of the operating system, all of it.
 *
 * wasm/ and vm/ include no header of a system's: for each system there are
 * files wasm/os-<system>*.c, of which the build takes those of its own, and
 * they alone do. docs/porting.md says what another system has for each
 * function, and what it may do without.
 *
 *  (1) Functions that say "Handlers." may be called by the functions that were
 *      given to torpor__os_faults_catch and torpor__os_interrupts_catch, which
 *      run in the middle of anything: they take no lock and allocate nothing.
 *  (2) Whatever gives a bool gives false when the system refused; nothing has
 *      changed then, unless it says so.
 *  (3) Addresses and sizes of memory are multiples of the system's page, unless
 *      it says otherwise.
 *  (4) Times are in nanoseconds, in 64 bits; UINT64_MAX is never.
 *
 * Any thread, unless it says otherwise. */
#ifndef TORPOR_WASM_OS_H
#define TORPOR_WASM_OS_H

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A thread; the system's own numbers. */
typedef struct torpor__os_thread {
  uintptr_t id, clock;
} torpor__os_thread;

/* ---- Memory (os-linux-memory.c) -------------------------------------------*/

/* Bytes of a page: a power of two. */
size_t torpor__os_page_size(void);

/* 'size' bytes of address space, which take no memory: all of it is without
 * access, and zero once it gets some. NULL: there is none. */
void *torpor__os_reserve(size_t size);
/* Gives up a reservation, all of it. */
void torpor__os_release(void *space, size_t size);
/* Gives up what of a reservation lies beyond its first 'kept' bytes. A system
 * that cannot gives back the memory alone, and true. */
bool torpor__os_release_rest(void *space, size_t size, size_t kept);

typedef enum torpor__os_access {
  TORPOR__OS_NONE, /* an access is a fault */
  TORPOR__OS_READ,
  TORPOR__OS_WRITE, /* and read */
} torpor__os_access;

/* Sets what can be done with a part of a reservation. Bytes that had access
 * before and lose it may become zero, or stay. false: some of the pages may
 * have changed. Handlers. */
bool torpor__os_protect(void *start, size_t size, torpor__os_access access);
/* Gives memory back to the system: what lay on a file (torpor__os_file_map) is
 * as the file has it, all else is zero; the access stays. false: it is as it
 * was, since the program has locked its memory. */
bool torpor__os_discard(void *start, size_t size);

/* How many stretches of memory with one kind of access the system keeps apart
 * for a process; SIZE_MAX: as many as one likes. */
size_t torpor__os_mappings_most(void);

/* ---- Files of memory (os-linux-memory.c) -----------------------------------
 *
 * Memory without a name that can be mapped several times. A system may have
 * none: then VMs copy their images. */

typedef intptr_t torpor__os_file;
#define TORPOR__OS_NO_FILE ((torpor__os_file) - 1)

/* An empty one for at most 'most' bytes; TORPOR__OS_NO_FILE: none. */
torpor__os_file torpor__os_file_open(uint64_t most);
void torpor__os_file_close(torpor__os_file file);
/* Its bytes beyond the size that it had are zero. */
bool torpor__os_file_resize(torpor__os_file file, uint64_t size);
/* From now on nobody can write or resize it. There must be no view of it that
 * can be written. */
bool torpor__os_file_seal(torpor__os_file file);
/* Maps its first 'size' bytes, which it need not have yet, for all to see;
 * NULL: the system refused. Ended by torpor__os_release. */
void *torpor__os_file_view(torpor__os_file file, size_t size,
                           torpor__os_access access);

/* Puts the first 'size' bytes of it over a part of a reservation: they can be
 * written, by this process alone. The file may be closed then. */
bool torpor__os_file_map(torpor__os_file file, void *start, size_t size);
/* Makes that a part of the reservation without access again. */
bool torpor__os_file_unmap(void *start, size_t size);

/* Calls 'visit' for ranges, in order, of bytes from 'start' that hold every
 * page of [start, start + size) which is this process's own: all that was
 * written, in what lies on a file. false: the system does not tell, and nothing
 * was visited. */
bool torpor__os_file_written(const void *start, size_t size,
                             void (*visit)(void *user, size_t from, size_t to),
                             void *user);

#ifdef TORPOR_TESTING
/* As on a system that knows only the slower way to find out. */
void torpor__os_file_refuse_scan(bool refuse);
/* Calls 'visit' for each mapping [start, end) of the process, in order. false:
 * the system does not tell. */
bool torpor__os_mappings_each(void (*visit)(void *user, uintptr_t start,
                                            uintptr_t end,
                                            torpor__os_access access),
                              void *user);
#endif

/* ---- Faults and interrupts (os-linux-signal.c) -----------------------------
 *
 * Code may be left by a jump while it runs: when it touches memory that it must
 * not (a fault), or when another thread says so (an interrupt). With
 * TORPOR_SOFT_BOUNDS memory is checked in code and nothing is ever caught: a
 * system needs no more than the jumps then. */

/* A place on the stack to jump back to. TORPOR__OS_MARK marks it, is 0 then,
 * and 1 when somebody jumped there; the function that marked it must not have
 * returned. A macro, since it has to stand in that very function. */
typedef sigjmp_buf torpor__os_place;
#define TORPOR__OS_MARK(place) sigsetjmp((place), 0)
_Noreturn void torpor__os_jump(torpor__os_place place); /* Handlers. */

/* What was interrupted: the system's own. */
typedef struct torpor__os_context torpor__os_context;

/* The same out of a handler: what is blocked while handlers run is as it
 * was where 'context' was interrupted. Handlers. */
_Noreturn void torpor__os_jump_out(torpor__os_place place,
                                   const torpor__os_context *context);

typedef struct torpor__os_fault {
  uintptr_t address;       /* what was touched */
  uintptr_t stack_pointer; /* of the code that touched it */
  const torpor__os_context *context;
} torpor__os_fault;

/* Is told of a fault, on the thread and in the middle of the code that touched
 * memory without access. true: it can be touched now, go on. false: it is not
 * ours, and goes to whoever was told of faults before us. May jump out. */
typedef bool torpor__os_fault_fn(const torpor__os_fault *fault);

/* Is told, on a thread that was interrupted, in the middle of what it does.
 * false: it was not for us. May jump out. */
typedef bool torpor__os_interrupt_fn(const torpor__os_context *context);

#ifndef TORPOR_SOFT_BOUNDS

/* Has 'handle' told of faults from now on, also when someone else has taken
 * over since the last time. Not by two threads at once. */
void torpor__os_faults_catch(torpor__os_fault_fn *handle);
/* Whether we are the first to be told of faults still. Asked for every VM that
 * is opened. */
bool torpor__os_faults_are_caught(void);

/* Has 'handle' told of interrupts; once in a process. */
void torpor__os_interrupts_catch(torpor__os_interrupt_fn *handle);

/* Gives this thread a stack for handlers, which '*stack' gets, unless it has
 * one: without, the end of its stack cannot be caught. false: no memory. */
bool torpor__os_handler_stack_add(void **stack);
/* Takes it away again; NULL is fine. */
void torpor__os_handler_stack_remove(void *stack);
/* Lets handlers in where this thread blocks them. */
void torpor__os_handlers_let_in(void);
/* Interrupts 'thread', which has not ended, soon. */
void torpor__os_thread_interrupt(const torpor__os_thread *thread);

#else

static inline void torpor__os_faults_catch(torpor__os_fault_fn *handle) {
  (void)handle;
}
static inline bool torpor__os_faults_are_caught(void) {
  return true;
}
static inline bool torpor__os_handler_stack_add(void **stack) {
  *stack = NULL;
  return true;
}
static inline void torpor__os_handler_stack_remove(void *stack) {
  (void)stack;
}
static inline void torpor__os_handlers_let_in(void) {
}

#endif

/* ---- Threads (os-linux-thread.c) ------------------------------------------*/

/* This one. To be asked again in a child after a fork. */
torpor__os_thread torpor__os_thread_self(void);
/* The bounds of this thread's own stack, without its guard; both 0: not
 * known. */
void torpor__os_thread_stack(uintptr_t *low, uintptr_t *high);
/* The processor's time that 'thread', which has not ended, has used. */
uint64_t torpor__os_thread_used(const torpor__os_thread *thread);
/* Starts a thread that nobody waits for, and that the program's own signals
 * pass by. */
bool torpor__os_thread_start(void (*run)(void));

/* What a thread has until it ends; static, with 'end' alone set. */
typedef struct torpor__os_at_end {
  void (*end)(void *value); /* runs as the thread ends */
  _Atomic uintptr_t key;
} torpor__os_at_end;

/* Has 'at_end->end' called with 'value', not NULL, when this thread ends. */
bool torpor__os_at_thread_end(torpor__os_at_end *at_end, void *value);

/* 'run' runs once, before any call with the same 'once', which is static and
 * zero at first, returns. */
typedef struct torpor__os_once_flag {
  uintptr_t state;
} torpor__os_once_flag;
void torpor__os_once(torpor__os_once_flag *once, void (*run)(void));

/* A lock, free when it is zero; and one to wait with. Neither is ended. */
typedef struct torpor__os_mutex {
  uint64_t state[8];
} torpor__os_mutex;
typedef struct torpor__os_condition {
  uint64_t state[8];
} torpor__os_condition;

void torpor__os_mutex_take(torpor__os_mutex *mutex);
void torpor__os_mutex_give(torpor__os_mutex *mutex);
/* Makes a new one of it, whatever it is. */
void torpor__os_condition_start(torpor__os_condition *condition);
/* Waits, without the mutex, until it is woken or 'time' has come. */
void torpor__os_condition_wait(torpor__os_condition *condition,
                               torpor__os_mutex *mutex, uint64_t time);
void torpor__os_condition_wake(torpor__os_condition *condition);

/* Has these called, those that are not NULL, when the process makes a child of
 * itself: before, and then in it and in the child, which has only the thread
 * that forked. Of several the last comes first before, and last after. */
void torpor__os_at_fork(void (*before)(void), void (*in_parent)(void),
                        void (*in_child)(void));

/* ---- Time and chance (os-linux.c) -----------------------------------------*/

/* Since some moment, never going back; and since 1970, UTC. Handlers. */
uint64_t torpor__os_now(void);
uint64_t torpor__os_now_utc(void);
/* Minutes ahead of UTC in the system's time zone, 'seconds' after 1970. */
int torpor__os_zone(int64_t seconds);
/* Bytes that nobody can guess. */
bool torpor__os_random(void *bytes, size_t size);

/* ---- The program and its files (os-linux.c) -------------------------------*/

#define TORPOR__OS_PATH_LARGEST 4096

/* What the environment says, or NULL; also NULL in a program that may do more
 * than the user who runs it. */
const char *torpor__os_setting(const char *name);
/* A line to standard output, or standard error: no other thread's comes in
 * between. */
void torpor__os_write_line(bool is_error, const char *text, size_t size);
/* Numbers are written as in C until this thread's locale is set back to what
 * this gives. */
uintptr_t torpor__os_locale_plain(void);
void torpor__os_locale_set(uintptr_t before);

/* The file of the program, and the one that this code is in; false: not known,
 * or longer than 'size'. */
bool torpor__os_program_path(char *path, size_t size);
bool torpor__os_library_path(char *path, size_t size);
bool torpor__os_path_exists(const char *path);
/* Calls 'visit' for the names in a folder, in order, until it gives false. What
 * cannot be read is empty. false: 'visit' gave that. */
bool torpor__os_folder_each(const char *path,
                            bool (*visit)(void *user, const char *name),
                            void *user);

/* Loads the shared library in a file; NULL: it is none, or damaged. */
void *torpor__os_library_open(const char *path);
void torpor__os_library_close(void *library);
/* What it has under 'name', or NULL. */
void *torpor__os_library_find(void *library, const char *name);

#endif
