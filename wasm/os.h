/* SPDX-License-Identifier: MIT */
/* os.h - what Torpor asks of the operating system, all of it.
 *
 * wasm/ and vm/ include no header of a system's: for each system there are
 * files wasm/os-<system>*, of which the build takes those of its own, and they
 * alone do. docs/porting.md says what another system has for each
 * function, and what it may do without.
 *
 *  (1) Functions whose comment ends with "Handlers." may be called by handlers
 *      of faults and interrupts, which run in the middle of anything: they take
 *      no lock and allocate nothing.
 *  (2) Functions that return a bool return false when the system refused;
 *      nothing has changed then, unless the comment says so.
 *  (3) Addresses and sizes of memory are multiples of the system's page.
 *  (4) Times and durations are in nanoseconds; the time UINT64_MAX is never.
 *
 * All functions may be called by any thread. */
#ifndef TORPOR_WASM_OS_H
#define TORPOR_WASM_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#include "wasm/os-linux.h"
#else
#error "Torpor does not run on this system yet: see docs/porting.md"
#endif

/* A thread, by numbers of the system's. */
typedef struct torpor__os_thread {
  uintptr_t id, clock;
} torpor__os_thread;

/* ---- Refusing, for tests (os-linux.c) --------------------------------------
 *
 * What can fail of memory, files of memory and threads asks first whether a
 * test wants it to. What may change in part does so with its first half. */

#ifdef TORPOR_TESTING
/* From now on so many requests pass, and so many are refused then. */
void torpor__os_refuse(unsigned passed, unsigned refused);
/* How many there were since. */
unsigned torpor__os_asked(void);
/* Counts one more; whether it is refused. Handlers. */
bool torpor__os_is_refused(void);
#else
static inline bool torpor__os_is_refused(void) {
  return false;
}
#endif

/* ---- Memory (os-linux-memory.c) -------------------------------------------*/

/* Bytes of a page: a power of two. */
size_t torpor__os_page_size(void);

/* Reserves 'size' bytes of address space, which take no memory. They have no
 * access, and are zero when they get some. NULL: there is no space. */
void *torpor__os_reserve(size_t size);
/* Gives up a whole reservation, or a view of a file. */
void torpor__os_release(void *space, size_t size);
/* Gives up all of a reservation but its first 'kept' bytes. A system that
 * cannot do that gives back the memory alone, and returns true. */
bool torpor__os_release_rest(void *space, size_t size, size_t kept);

typedef enum torpor__os_access {
  TORPOR__OS_NONE, /* an access is a fault */
  TORPOR__OS_READ,
  TORPOR__OS_WRITE, /* and read */
} torpor__os_access;

/* Sets what can be done with a part of a reservation. Bytes that lose their
 * access may become zero or stay. false: some pages may have changed.
 * Handlers. */
bool torpor__os_protect(void *start, size_t size, torpor__os_access access);
/* Gives memory back to the system, and leaves its access. A part that lies on a
 * file (torpor__os_file_map) has the file's bytes again, all else is zero.
 * false: some of it may have been given back, and some has the bytes that it
 * had, as where the program has locked its memory. */
bool torpor__os_discard(void *start, size_t size);

/* Says that all of [start, start + size), which need not be whole pages, is
 * about to be written: the system may give it memory in larger pieces than
 * usual, which costs fewer page faults. Nothing else changes. */
void torpor__os_expect(void *start, size_t size);

/* How many stretches of memory, each with one kind of access, a process may
 * have; SIZE_MAX: no limit. */
size_t torpor__os_mappings_most(void);

/* ---- Files of memory (os-linux-memory.c) -----------------------------------
 *
 * A file of memory has no name, and can be mapped several times. Where a system
 * has none, VMs copy their images. */

typedef intptr_t torpor__os_file;
#define TORPOR__OS_NO_FILE ((torpor__os_file)(-1))

/* An empty file for at most 'most' bytes; TORPOR__OS_NO_FILE: there is none. */
torpor__os_file torpor__os_file_open(uint64_t most);
void torpor__os_file_close(torpor__os_file file);
/* What is added is zero. */
bool torpor__os_file_resize(torpor__os_file file, uint64_t size);
/* Writes to the file, within its size, and reads from it: both without mapping
 * it, and what a view shows is the same. false: there is no memory for it, the
 * file is sealed or shorter; some may have been written or read. */
bool torpor__os_file_write(torpor__os_file file, uint64_t at, const void *bytes,
                           size_t size);
bool torpor__os_file_read(torpor__os_file file, uint64_t at, void *bytes,
                          size_t size);
/* Nobody can write or resize the file from now on. There must be no view that
 * can be written. */
bool torpor__os_file_seal(torpor__os_file file);
/* Maps the first 'size' bytes of the file, also beyond its present size; what
 * is written is written to the file. NULL: the system refused. The view ends
 * with torpor__os_release. */
void *torpor__os_file_view(torpor__os_file file, size_t size,
                           torpor__os_access access);

/* Maps the first 'size' bytes of the file over a part of a reservation, to read
 * and write: what is written is this mapping's alone. The file may be closed
 * afterwards. */
bool torpor__os_file_map(torpor__os_file file, void *start, size_t size);
/* Makes that a part of the reservation without access again. */
bool torpor__os_file_unmap(void *start, size_t size);

/* Finds the pages of [start, start + size) that are this mapping's own and not
 * the file's: those that were written, where it lies on a file. Calls 'visit'
 * for ranges of offsets from 'start' that cover them, in ascending order.
 * false: the system does not tell, and nothing was visited. */
bool torpor__os_file_written(const void *start, size_t size,
                             void (*visit)(void *user, size_t from, size_t to),
                             void *user);

#ifdef TORPOR_TESTING
/* As if the system knew only the slower way to find out. */
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
 * Guest code is left by a jump while it runs: when it touches memory that it
 * must not touch (a fault), or when another thread says so (an interrupt). With
 * TORPOR_SOFT_BOUNDS addresses are checked in code and nothing is caught: then
 * a system needs nothing of this but the jumps. */

/* A torpor__os_place, a type of the system's, is one to jump back to.
 * TORPOR__OS_MARK(place) marks where it stands, and gives 0; it gives 1 when
 * torpor__os_jump has jumped there. The function that it stands in must not
 * have returned by then, so it is a macro. */
_Noreturn void torpor__os_jump(torpor__os_place place); /* Handlers. */

/* The state of a thread at the moment that a handler interrupted it: a type of
 * the system's. */
typedef struct torpor__os_context torpor__os_context;

/* The same out of a handler that interrupted 'context': what is blocked while
 * handlers run is unblocked, as it was there. Handlers. */
_Noreturn void torpor__os_jump_out(torpor__os_place place,
                                   const torpor__os_context *context);

typedef struct torpor__os_fault {
  uintptr_t address;       /* what was touched */
  uintptr_t stack_pointer; /* of the code that touched it */
  const torpor__os_context *context;
} torpor__os_fault;

/* Handles a fault, on the thread that touched memory without access and in the
 * middle of its code. Returns true: the access is allowed now, try it again;
 * false: it is not ours, and goes to whoever handled faults before us. May jump
 * out. */
typedef bool torpor__os_fault_fn(const torpor__os_fault *fault);

/* Handles an interrupt, on the thread that was interrupted and in the middle of
 * its code. false: it was not for us. May jump out. */
typedef bool torpor__os_interrupt_fn(const torpor__os_context *context);

#ifndef TORPOR_SOFT_BOUNDS

/* Makes 'handle' the first to handle faults, also when someone else took over
 * since it was last. Not by two threads at once. */
void torpor__os_faults_catch(torpor__os_fault_fn *handle);
/* Whether it is still the first. Asked for every VM that is opened. */
bool torpor__os_faults_are_caught(void);

/* Makes 'handle' handle interrupts; once in a process. */
void torpor__os_interrupts_catch(torpor__os_interrupt_fn *handle);

/* Gives this thread a stack for handlers, without which the end of its own
 * could not be handled. '*stack' is it, or NULL when the thread had one. false:
 * no memory. */
bool torpor__os_handler_stack_add(void **stack);
/* Takes it away and frees it; NULL is fine. */
void torpor__os_handler_stack_remove(void *stack);
/* Unblocks our handlers in this thread. */
void torpor__os_handlers_let_in(void);
/* Interrupts 'thread', which must not have ended, soon. */
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

/* The calling thread. To be asked again in the child of a fork. */
torpor__os_thread torpor__os_thread_self(void);
/* The bounds of this thread's own stack, without its guard; both 0: unknown. */
void torpor__os_thread_stack(uintptr_t *low, uintptr_t *high);
/* The processor time that 'thread', which must not have ended, has used. */
uint64_t torpor__os_thread_used(const torpor__os_thread *thread);
/* Starts a thread that nobody waits for. The program's signals go to others. */
bool torpor__os_thread_start(void (*run)(void));
/* Calls 'work' with 'user' on 'count' threads at once, this one among them, and
 * returns when all have returned; on fewer where the system refuses, and on at
 * most TORPOR__OS_TOGETHER_MOST. So 'work' takes what is left to do until there
 * is nothing. The program's signals go to other threads, as above. */
#define TORPOR__OS_TOGETHER_MOST 64u
void torpor__os_thread_together(unsigned count, void (*work)(void *user),
                                void *user);

/* A function to be called as a thread ends; static, with only 'end' set. */
typedef struct torpor__os_at_end {
  void (*end)(void *value);
  _Atomic uintptr_t key;
} torpor__os_at_end;

/* Calls 'at_end->end' with 'value', not NULL, when this thread ends. */
bool torpor__os_at_thread_end(torpor__os_at_end *at_end, void *value);

typedef struct torpor__os_once_flag {
  uintptr_t state;
} torpor__os_once_flag;
/* Calls 'run' unless it was called with the same 'once', which is static and
 * zero at first; returns when it has run. */
void torpor__os_once(torpor__os_once_flag *once, void (*run)(void));

/* A lock; free when all of it is zero. */
typedef struct torpor__os_mutex {
  uint64_t state[8];
} torpor__os_mutex;
/* Something to wait for; started before it is used. */
typedef struct torpor__os_condition {
  uint64_t state[8];
} torpor__os_condition;

void torpor__os_mutex_take(torpor__os_mutex *mutex);
void torpor__os_mutex_give(torpor__os_mutex *mutex);
/* Also for one that was in use before a fork. */
void torpor__os_condition_start(torpor__os_condition *condition);
/* Gives the mutex back, waits until it is woken or 'time' has come, and takes
 * the mutex again. */
void torpor__os_condition_wait(torpor__os_condition *condition,
                               torpor__os_mutex *mutex, uint64_t time);
void torpor__os_condition_wake(torpor__os_condition *condition);

/* Calls these functions, as far as they are not NULL, when the process forks:
 * before it, then in the parent and in the child, which has only the thread
 * that forked. Those that were added last are called first before the fork, and
 * last after it. Not to be called while holding a lock that a 'before' takes:
 * the system may hold one of its own while it calls them. */
void torpor__os_at_fork(void (*before)(void), void (*in_parent)(void),
                        void (*in_child)(void));

/* ---- The base of guest memory (os-linux-base.c) ----------------------------
 *
 * The address in the register of this thread that translated code adds to those
 * of guest memory (wasm-rt.h). Where there is no such register it is 0, and
 * setting it does nothing. Both are called at each entry. */
uintptr_t torpor__os_base(void);
bool torpor__os_base_set(uintptr_t base);
#ifdef TORPOR_TESTING
/* Whether to do as on a processor without instructions for that. */
extern bool torpor__os_base_by_call;
#endif

/* ---- Time and chance (os-linux.c) -----------------------------------------*/

/* The time since some moment, which never goes back; and since 1970 in UTC.
 * Handlers. */
uint64_t torpor__os_now(void);
uint64_t torpor__os_now_utc(void);
/* Minutes ahead of UTC in the system's time zone, 'seconds' after 1970. */
int torpor__os_zone(int64_t seconds);
/* Bytes that nobody can guess. */
bool torpor__os_random(void *bytes, size_t size);

/* ---- The program and its files (os-linux.c) -------------------------------*/

#define TORPOR__OS_PATH_LARGEST 4096

/* An environment variable, or NULL; always NULL in a program with more rights
 * than the user who runs it. */
const char *torpor__os_setting(const char *name);
/* Writes a line to standard output, or to standard error, without those of
 * other threads in between. */
void torpor__os_write_line(bool is_error, const char *text, size_t size);
/* Makes the calling thread read and print numbers as in C, and gives its locale
 * of before, to be set again. */
uintptr_t torpor__os_locale_plain(void);
void torpor__os_locale_set(uintptr_t before);

/* The path of the program's file, and of the one that this code is in; false:
 * unknown, or longer than 'size'. */
bool torpor__os_program_path(char *path, size_t size);
bool torpor__os_library_path(char *path, size_t size);
bool torpor__os_path_exists(const char *path);
/* Calls 'visit' for each name in a folder, sorted, until it returns false; then
 * returns false. A folder that cannot be read has no names. */
bool torpor__os_folder_each(const char *path,
                            bool (*visit)(void *user, const char *name),
                            void *user);

/* Loads a shared library; NULL: the file is none, or damaged. */
void *torpor__os_library_open(const char *path);
void torpor__os_library_close(void *library);
/* The address of its symbol 'name', or NULL. */
void *torpor__os_library_find(void *library, const char *name);

#endif
