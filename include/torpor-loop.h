/* SPDX-License-Identifier: MIT */
/* torpor-loop.h - the world outside a VM: time, files, and what may be touched.
 *
 * A program that reads a file and waits:
 *
 *   torpor_loop *loop;
 *   torpor_access *access;
 *   torpor_vm *vm;
 *   torpor_value main;
 *   torpor_loop_open(NULL, &loop);
 *   torpor_access_open(NULL, &access);
 *   torpor_access_allow(access, TORPOR_READ, "data");
 *   torpor_vm_open(NULL, &vm);
 *   torpor_attachment world = TORPOR_ATTACHMENT_INIT;
 *   world.access = access;
 *   torpor_loop_attach(loop, vm, &world);
 *   torpor_eval(vm, source, size, "main.mjs", TORPOR_MODULE, &main);
 *   status = torpor_loop_finish(loop, vm, main, &result);
 *   torpor_loop_detach(loop, vm);
 *   torpor_vm_close(vm);
 *   torpor_access_close(access);
 *   torpor_loop_close(loop);
 *
 * A VM asks for something by beginning an operation; a driver performs it and
 * completes it with data; the data settles the operation's promise. The loop
 * brings the three together. The sections below are in reading order: the loop,
 * a loop inside another one, time, descriptors, access, the world of a
 * program, a VM on a loop, operations without a VM, drivers, modules from
 * files. Modules in C are in torpor-module.h.
 *
 * Ownership is as in torpor.h: what goes in is borrowed for the call unless its
 * comment says longer, what comes out is the caller's to release, every close
 * accepts NULL. No callback runs inside the call that registered it, and none
 * after the call that removed it.
 *
 * Threads: a loop and all that belongs to it is used by one thread. The
 * exceptions are torpor_loop_stop and torpor_loop_wake, which any thread and
 * any signal handler may call. */
#ifndef TORPOR_LOOP_H
#define TORPOR_LOOP_H

#include "torpor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The loop ------------------------------------------------------------*/

typedef struct torpor_loop torpor_loop;

typedef struct torpor_loop_options {
  size_t size; /* sizeof(torpor_loop_options) */
  /* Milliseconds as torpor_options.clock gives them; NULL: the system's clocks.
   * With another clock the loop still sleeps in real time, and reads that clock
   * when it wakes: by torpor_loop_wake, or after TORPOR_CLOCK_CHECK_MS at the
   * latest. */
  double (*clock)(void *user, torpor_clock which);
  void *user;
} torpor_loop_options;

#define TORPOR_LOOP_OPTIONS_INIT TORPOR_INIT(torpor_loop_options)

/* Opens a loop with the built-in drivers; docs/operations.md lists them. When
 * the first program opens a stream, SIGPIPE is ignored from then on, if it has
 * its default action: otherwise programs could end this process by writing.
 * 'options' may be NULL. Returns TORPOR_OK, TORPOR_NOMEM, TORPOR_MISUSE, or
 * TORPOR_IO (no file descriptors left, or what errno says).
 * [fails] */
TORPOR_API torpor_status torpor_loop_open(const torpor_loop_options *options,
                                          torpor_loop **out);

/* Ends everything on the loop without calling any callback, and waits for file
 * operations that the system is performing. VMs stay open. Must not be called
 * from a callback.
 * [-] */
TORPOR_API void torpor_loop_close(torpor_loop *loop);

/* Takes turns until nothing is pending: no task, no alarm, no job. Returns
 * TORPOR_OK; TORPOR_CANCELLED after torpor_loop_stop; or what ended an attached
 * VM: TORPOR_INTERRUPTED, TORPOR_TRAPPED, TORPOR_NOMEM. TORPOR_BUSY from a
 * callback of the loop, which runs already.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_loop_run(torpor_loop *loop);

/* One turn: calls what is due, delivers what is complete, and, when 'wait' is
 * true and there was nothing, waits for the first. Returns as torpor_loop_run
 * does, and TORPOR_NOT_FOUND when nothing is pending.
 * [fails] [runs] [outside] */
TORPOR_API torpor_status torpor_loop_turn(torpor_loop *loop, bool wait);

/* Makes torpor_loop_run return TORPOR_CANCELLED, before the next callback. What
 * is pending stays pending; the next run goes on with it.
 * [any thread] */
TORPOR_API void torpor_loop_stop(torpor_loop *loop);

/* Makes a waiting loop turn once, and look at its clock.
 * [any thread] */
TORPOR_API void torpor_loop_wake(torpor_loop *loop);

/* True from torpor_loop_stop until the run returns; may be asked from inside
 * torpor_options.interrupt, so that a stop also ends guest code that runs long.
 * [-] */
TORPOR_API bool torpor_loop_stopping(const torpor_loop *loop);

/* Stops 'loop' at the first 'signal' (SIGINT, SIGTERM...); a second one does
 * what it did before this call. Signals belong to the process: only one loop at
 * a time may have them, TORPOR_EXISTS otherwise. Closing the loop gives them
 * back.
 * [fails] */
TORPOR_API torpor_status torpor_loop_stop_on(torpor_loop *loop, int signal);

/* The signal that stopped the loop; 0 when none did.
 * [-] */
TORPOR_API int torpor_loop_signal(const torpor_loop *loop);

/* Calls 'turned' in every turn, after the callbacks that were due and before
 * the loop waits: the place to commit all that the turn brought at once. While
 * it returns true the loop turns again without waiting. NULL removes it. */
typedef bool (*torpor_turned_fn)(void *user);
/* [-] */
TORPOR_API void torpor_loop_on_turn(torpor_loop *loop, torpor_turned_fn turned,
                                    void *user);

/* Calls 'changed' soon after the file or folder 'path' was written to, also by
 * other processes; several writes may give one call. Does not keep the loop
 * running. A loop watches one path: a second call replaces the first, NULL ends
 * it. TORPOR_OK, TORPOR_NOT_FOUND, or TORPOR_IO (the path cannot be watched:
 * poll it). */
typedef void (*torpor_changed_fn)(void *user);
/* [fails] */
TORPOR_API torpor_status torpor_loop_watch(torpor_loop *loop, const char *path,
                                           torpor_changed_fn changed,
                                           void *user);

/* ---- A loop inside another one -------------------------------------------*/

/* A program that has a loop of its own, on epoll, poll, GLib or whatever, lets
 * that one wait for this one too. After each turn:
 *
 *   torpor_loop_turn(loop, false);     goes on as far as it can, never waits
 *   wait for torpor_loop_backend_descriptor(loop) to be readable, for at most
 *     torpor_loop_timeout(loop) milliseconds, and for what else there is
 *
 * torpor_loop_stop and torpor_loop_wake, by whatever thread, make the
 * descriptor readable. TORPOR_NOT_FOUND of a turn says that nothing is pending
 * any more; a later wake, or a VM that is attached later, may change that.
 * examples/epoll-loop.c is such a program. */

/* A descriptor that is readable when a turn has something to do: one of the
 * loop's own, of epoll, to be waited for and not to be read. It stays the same,
 * and is closed with the loop. Watch it level-triggered.
 * [-] */
TORPOR_API int torpor_loop_backend_descriptor(const torpor_loop *loop);

/* For how many milliseconds the other loop may wait before the next turn: 0
 * when there is something to do at once, -1 for as long as it likes.
 * [-] */
TORPOR_API int torpor_loop_timeout(torpor_loop *loop);

/* ---- Time ----------------------------------------------------------------*/

/* Due times are wall-clock milliseconds since 1970, so that they mean the same
 * in another process or on another day. Waiting within a process is monotonic:
 * setting the wall clock back delays nothing; when it is set forward, or the
 * machine slept, what has become due by that is called within
 * TORPOR_CLOCK_CHECK_MS. */
#define TORPOR_CLOCK_CHECK_MS 2000

/* What the loop's clock says now.
 * [-] */
TORPOR_API double torpor_loop_now(const torpor_loop *loop, torpor_clock which);

/* Calls 'ring' once, when 'due' has come. Alarms are called in order of 'due',
 * those with the same 'due' in the order in which they were made. An alarm
 * keeps the loop running and is gone once it rang. TORPOR_OK, TORPOR_NOMEM, or
 * TORPOR_MISUSE when 'due' is not a number. */
typedef struct torpor_alarm torpor_alarm;
typedef void (*torpor_ring_fn)(void *user);
/* [fails] */
TORPOR_API torpor_status torpor_alarm_open(torpor_loop *loop, double due,
                                           torpor_ring_fn ring, void *user,
                                           torpor_alarm **out);
/* An alarm that has not rung is not rung any more.
 * [-] */
TORPOR_API void torpor_alarm_close(torpor_alarm *alarm);

/* ---- Descriptors ---------------------------------------------------------*/

/* A file descriptor that is watched: a pipe, a socket, a terminal, an eventfd,
 * a pidfd, not a file on a disk. While one is watched for anything the loop
 * keeps running. */
typedef struct torpor_poll torpor_poll;

/* What it may be watched for; flags. */
typedef enum torpor_poll_event {
  TORPOR_POLL_READABLE = 1, /* reading gives data, the end, or an error */
  TORPOR_POLL_WRITABLE = 2, /* writing takes data, or gives an error */
} torpor_poll_event;

/* Called in a turn, whenever 'events' are true of the descriptor, and again in
 * the next turn as long as they are. An error or the end of the other side
 * counts as all that is watched for: reading or writing says which it is. After
 * an error nothing is watched for until torpor_poll_change. */
typedef void (*torpor_ready_fn)(void *user, unsigned events);

/* Watches 'descriptor' for 'events' (0: for nothing yet), and makes it
 * non-blocking. It must stay open until torpor_poll_close. TORPOR_OK;
 * TORPOR_EXISTS: the loop watches it already; TORPOR_UNSUPPORTED: it cannot be
 * waited for, as a file, which is always ready; TORPOR_MISUSE, TORPOR_NOMEM, or
 * TORPOR_IO (it is not open).
 * [fails] */
TORPOR_API torpor_status torpor_poll_open(torpor_loop *loop, int descriptor,
                                          unsigned events,
                                          torpor_ready_fn ready, void *user,
                                          torpor_poll **out);
/* Watches for other events from now on; 0: for none. TORPOR_CANCELLED: its loop
 * was closed.
 * [fails] */
TORPOR_API torpor_status torpor_poll_change(torpor_poll *poll, unsigned events);
/* Ends it, also after its loop was closed, and leaves the descriptor open. May
 * be called from 'ready'. NULL is accepted.
 * [-] */
TORPOR_API void torpor_poll_close(torpor_poll *poll);

/* ---- Access --------------------------------------------------------------*/

/* What a program may touch: nothing unless it was granted. What a grant is for
 * depends on the permission:
 *
 *   READ, WRITE   a path, and all below it. Paths are resolved before they are
 *                 compared: relative ones against the folder of the access,
 *                 links and ".." by the file system
 *   FFI           the same, of native code
 *   NET           "host:port", or "host" for all its ports; "unix:PATH" for a
 *                 socket in the file system. Names are compared as they are
 *                 written, without regard to case, and not looked up
 *   RUN           a program: a path, or a name that is looked up in PATH when
 *                 it is granted and again when it is run
 *   ENV           the name of an environment variable */
typedef struct torpor_access torpor_access;

/* Every permission: its name, its word in flags and texts, its verb. */
#define TORPOR_PERMISSION_LIST(X)                                              \
  X(READ, "read", "reading")                                                   \
  X(WRITE, "write", "writing")                                                 \
  X(NET, "net", "reaching")                                                    \
  X(RUN, "run", "running")                                                     \
  X(ENV, "env", "reading the environment variable")                            \
  X(FFI, "ffi", "loading")

typedef enum torpor_permission {
#define X(name, word, doing) TORPOR_##name,
  TORPOR_PERMISSION_LIST(X)
#undef X
      TORPOR_PERMISSION_COUNT
} torpor_permission;

/* An access that grants nothing. 'folder' is what relative paths start from,
 * NULL for the current one. TORPOR_OK, TORPOR_NOMEM, TORPOR_NOT_FOUND.
 * [fails] */
TORPOR_API torpor_status torpor_access_open(const char *folder,
                                            torpor_access **out);
/* NULL is accepted.
 * [-] */
TORPOR_API void torpor_access_close(torpor_access *access);

/* Grants 'permission' for 'path' or whatever else it is about; for everything
 * when that is NULL. A path need not exist yet, a program must. TORPOR_OK,
 * TORPOR_NOMEM, TORPOR_MISUSE (an empty text, a port that is no number),
 * TORPOR_NOT_FOUND (no such program), or TORPOR_IO (a folder on the way cannot
 * be resolved).
 * [fails] */
TORPOR_API torpor_status torpor_access_allow(torpor_access *access,
                                             torpor_permission permission,
                                             const char *path);

/* Asks whether 'path', or whatever the permission is about, may be touched.
 * TORPOR_OK: 'out' is the resolved path, or the program's, to be used in place
 * of 'path'. Otherwise 'out' is a sentence for the user:
 * TORPOR_DENIED names the flag that would grant it, TORPOR_IO and TORPOR_MISUSE
 * say what is wrong with the path. Release 'out' in any case. With a NULL
 * 'access' nothing is granted.
 * [fails] */
TORPOR_API torpor_status torpor_access_check(const torpor_access *access,
                                             torpor_permission permission,
                                             const char *path,
                                             torpor_bytes *out);

/* Reserves files in the whole process: no grant covers them, and no module is
 * read from them. 'reserved' returns true for such a file; it is asked about
 * the resolved path of every file, on the thread of the check. It cannot be
 * removed; adding it again changes nothing. TORPOR_OK, or TORPOR_LIMIT when
 * there are eight already. Stores of durable runs reserve their own files, see
 * torpor_store_covers. */
typedef bool (*torpor_reserved_fn)(const char *path);
/* [fails] [any thread] */
TORPOR_API torpor_status torpor_access_reserve(torpor_reserved_fn reserved);

/* An access as text, to be kept with a run, and back:
 *
 *   folder /home/me/job        what relative paths start from
 *   read /usr/share            a grant
 *   write                      a grant for everything
 *
 * One line each; '%', and bytes below 32, are written as '%' and two hex
 * digits. TORPOR_FORMAT for anything else.
 * [fails] */
TORPOR_API torpor_status torpor_access_write(const torpor_access *access,
                                             torpor_bytes *out);
/* Makes an access of such a text, which ends with a zero byte when its size is
 * SIZE_MAX.
 * [fails] */
TORPOR_API torpor_status torpor_access_read(const char *text, size_t size,
                                            torpor_access **out);

/* Whether 'permission' was granted for everything.
 * [-] */
TORPOR_API bool torpor_access_allows_all(const torpor_access *access,
                                         torpor_permission permission);

/* ---- The world of a program ----------------------------------------------*/

/* What one program has outside of its VM: its access, and what it has open:
 * streams, processes, sockets. The program knows these by numbers, descriptors,
 * which it chooses itself and never uses twice. When it sleeps it keeps the
 * numbers; what they stood for is gone with its world, and using one then fails
 * with a LostError. */
typedef struct torpor_world torpor_world;

typedef struct torpor_world_options {
  size_t size; /* sizeof(torpor_world_options) */
  /* Must outlive the world; NULL: grants nothing. */
  const torpor_access *access;
  /* Descriptors 0, 1 and 2 are the standard streams of this process. */
  bool standard;
  /* The program is a durable run: functions that change something outside at
   * once, instead of by an operation, refuse to. */
  bool durable;
  void *user; /* for the functions below */
  /* Takes what the program writes to descriptor 1 or 2, 'stream'. False: nobody
   * reads it any more. NULL: it goes to stdio's stdout and stderr. */
  bool (*output)(void *user, int stream, const void *data, size_t size);
  /* The program ends itself, with this exit code: what it runs is interrupted
   * when this returns, and the host lets it run no more. NULL: it may not. */
  void (*exit)(void *user, int code);
} torpor_world_options;

#define TORPOR_WORLD_OPTIONS_INIT TORPOR_INIT(torpor_world_options)

/* Opens a world. 'options' may be NULL. TORPOR_OK, TORPOR_NOMEM, TORPOR_MISUSE.
 * [fails] */
TORPOR_API torpor_status torpor_world_open(torpor_loop *loop,
                                           const torpor_world_options *options,
                                           torpor_world **out);
/* Closes all that is open in it, and ends the processes that were started in
 * it. All its tasks must have ended, and it must go before its loop. NULL is
 * accepted.
 * [-] */
TORPOR_API void torpor_world_close(torpor_world *world);
/* What the program may touch.
 * [-] */
TORPOR_API const torpor_access *torpor_world_access(const torpor_world *world);

/* Gives 'vm' the functions that the library's modules call at once, without an
 * operation: os.stat and so on. In a VM that was restored, too. Either may be
 * closed first; without its world they throw a LostError. torpor_loop_attach
 * does it.
 * [fails] */
TORPOR_API torpor_status torpor_world_bind(torpor_world *world, torpor_vm *vm);

/* A function for torpor_options.library: the modules "torpor:process" and so on
 * and globals such as fetch, which work on a loop. 'user' is not used.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_library_source(void *user, const char *name,
                                               torpor_module_answer *answer);

/* ---- A VM on a loop ------------------------------------------------------*/

/* How a VM is attached. */
typedef struct torpor_attachment {
  size_t size;                 /* sizeof(torpor_attachment) */
  const torpor_access *access; /* must outlive this; NULL: grants nothing */
  /* Called for each promise that was rejected without a handler, when the job
   * queue was empty. May call into the VM, and torpor_loop_stop. NULL: they are
   * dropped. */
  void (*rejected)(void *user, torpor_vm *vm, torpor_value reason);
  void *user;
  bool standard; /* as in torpor_world_options */
  /* Lets the VM import C modules, see torpor-module.h; must be the one that
   * gives its modules, of no other VM, and must outlive this. A VM that was
   * restored is woken for that. NULL: it has none. */
  struct torpor_loader *loader;
  /* As in torpor_world_options, with 'user'. */
  bool (*output)(void *user, int stream, const void *data, size_t size);
  void (*exit)(void *user, int code);
  /* What torpor_options.module and .resolve are to the program, for the workers
   * that it starts (os.Worker), whose modules are files if this is NULL. Called
   * on their threads, several at once. UNSUPPORTED: that module is a file. */
  torpor_status (*worker_module)(void *user,
                                 const torpor_module_request *request,
                                 torpor_module_answer *answer);
  torpor_status (*worker_resolve)(void *user, const char *specifier,
                                  const char *importer,
                                  torpor_module_answer *answer);
} torpor_attachment;

#define TORPOR_ATTACHMENT_INIT TORPOR_INIT(torpor_attachment)

/* Gives the VM's operations to the loop's drivers, now and in each turn,
 * settles them one at a time, and runs all jobs after each. Operations that
 * were pending already, after a restore, are started too. A VM can be attached
 * only once at a time: TORPOR_EXISTS otherwise. It must stay open until it is
 * detached, which cancels its tasks and must not be done from a callback of the
 * VM or of its tasks.
 * [fails] */
TORPOR_API torpor_status torpor_loop_attach(torpor_loop *loop, torpor_vm *vm,
                                            const torpor_attachment *options);
/* Does nothing to a VM that is not attached.
 * [-] */
TORPOR_API void torpor_loop_detach(torpor_loop *loop, torpor_vm *vm);

/* Runs the loop until nothing is pending or 'promise', usually that of a
 * module, is rejected; then reads it. Its rejection is not reported to
 * 'rejected'. Returns
 * TORPOR_OK with its value, TORPOR_THROWN with its reason, TORPOR_DEADLOCK
 * when it is still pending, what torpor_loop_run returned, or
 * TORPOR_WRONG_TYPE when it is not a promise.
 * [fails] [throws] [runs] [outside] */
TORPOR_API torpor_status torpor_loop_finish(torpor_loop *loop, torpor_vm *vm,
                                            torpor_value promise,
                                            torpor_value *result);

/* ---- Operations without a VM ---------------------------------------------*/

/* A task is an operation that a driver performs. A host that keeps its VMs
 * asleep starts the operations itself, and wakes the VM when one is done. */
typedef struct torpor_task torpor_task;

/* 'data' is the result or, with TORPOR_REJECT, the error, as CBOR; borrowed.
 * The task is gone when this returns. */
typedef void (*torpor_done_fn)(void *user, torpor_task *task,
                               torpor_outcome outcome, const void *data,
                               size_t size);

/* Starts 'operation', which is copied; 'world' (NULL: nothing is granted or
 * open) must outlive the task. 'done' is called once, never inside this call
 * and never after torpor_task_cancel. If no driver performs that kind of
 * operation, the task ends with an error that names the kind; if the operation
 * was pending when its VM slept and its driver is lost then, with a LostError.
 * TORPOR_OK, TORPOR_NOMEM, or TORPOR_MISUSE (no kind, or a longer one than
 * TORPOR_KIND_LARGEST).
 * [fails] */
TORPOR_API torpor_status torpor_loop_start(torpor_loop *loop,
                                           const torpor_operation *operation,
                                           torpor_world *world,
                                           torpor_done_fn done, void *user,
                                           torpor_task **out);

/* Ends 'task' without calling 'done'. Effects that the driver already had
 * outside are not undone. NULL is accepted.
 * [-] */
TORPOR_API void torpor_task_cancel(torpor_task *task);

/* ---- Drivers -------------------------------------------------------------*/

/* What waking means for a kind of operation: what becomes of one that was
 * pending when its VM went to sleep, or its process died. */
typedef enum torpor_waking {
  TORPOR_REARM,    /* goes on waiting for the same due time */
  TORPOR_REPEAT,   /* is done again; doing it twice does no harm */
  TORPOR_REATTACH, /* what it waits for may have come meanwhile */
  TORPOR_LOST,     /* must not be done twice: ends with an error */
} torpor_waking;

typedef struct torpor_driver {
  size_t size; /* sizeof(torpor_driver) */
  const char *kind;
  torpor_waking waking;
  /* Begins 'task'. The driver then ends it with torpor_task_complete or
   * torpor_task_fail, now or later, once. */
  void (*start)(torpor_task *task, void *user);
  /* Ends what 'start' began; the task is gone afterwards. Not called for a task
   * that was completed. */
  void (*cancel)(torpor_task *task, void *user);
  void *user;
  /* What waking means for this operation, where it is not the same for all of
   * the kind. NULL: 'waking'. Called on any thread, since workers compute steps
   * of runs on several; two calls may be at once. */
  torpor_waking (*waking_of)(const torpor_operation *operation, void *user);
  /* Told that a completed task is cancelled before anybody took its result,
   * which is given: a stream takes it back. The task may be another one for the
   * same operation, whose state is NULL. May be NULL. */
  void (*drop)(torpor_task *task, void *user, torpor_outcome outcome,
               const void *data, size_t size);
} torpor_driver;

#define TORPOR_DRIVER_INIT TORPOR_INIT(torpor_driver)

/* Lets 'driver', which is copied except for 'kind' and 'user', perform the
 * tasks of its kind. TORPOR_OK, TORPOR_NOMEM, TORPOR_MISUSE, or TORPOR_EXISTS
 * when the kind has one already.
 * [fails] */
TORPOR_API torpor_status torpor_loop_add_driver(torpor_loop *loop,
                                                const torpor_driver *driver);

/* The driver for 'kind', or NULL.
 * [-] */
TORPOR_API const torpor_driver *torpor_loop_driver(const torpor_loop *loop,
                                                   const char *kind);

/* Tells the driver of 'operation', which ended in 'world' uncancelled, that
 * nobody took its result after all: whoever keeps results for a while, as
 * durable runs do, finds that the program has cancelled it meanwhile.
 * [-] */
TORPOR_API void torpor_loop_drop(torpor_loop *loop,
                                 const torpor_operation *operation,
                                 torpor_world *world, torpor_outcome outcome,
                                 const void *data, size_t size);

/* What waking means for 'operation'; TORPOR_REPEAT if no driver performs it.
 * [-] */
TORPOR_API torpor_waking torpor_loop_waking(const torpor_loop *loop,
                                            const torpor_operation *operation);

/* What a driver needs of its task. 'state' is the driver's own.
 * [-] */
TORPOR_API torpor_loop *torpor_task_loop(const torpor_task *task);
/* What is to be done; valid as long as the task.
 * [-] */
TORPOR_API const torpor_operation *
torpor_task_operation(const torpor_task *task);
/* What the program may touch; NULL: nothing.
 * [-] */
TORPOR_API const torpor_access *torpor_task_access(const torpor_task *task);
/* The world of the program; NULL: it has none.
 * [-] */
TORPOR_API torpor_world *torpor_task_world(const torpor_task *task);
/* Keeps a pointer of the driver's own.
 * [-] */
TORPOR_API void torpor_task_set_state(torpor_task *task, void *state);
/* The pointer that was kept; NULL at first.
 * [-] */
TORPOR_API void *torpor_task_state(const torpor_task *task);

/* Completes 'task' with CBOR data, which is copied; torpor_task_fail with an
 * error ('code' may be NULL). 'done' is called in a later step of the loop, in
 * the order of completions. The driver must not use the task any more. When
 * memory runs out the task is done with an error that says so.
 * [-] */
TORPOR_API void torpor_task_complete(torpor_task *task, torpor_outcome outcome,
                                     const void *data, size_t size);
/* The same with an error.
 * [-] */
TORPOR_API void torpor_task_fail(torpor_task *task, const char *name,
                                 const char *message, const char *code);

/* ---- Modules from files --------------------------------------------------*/

/* Gives a program the modules that it imports. The folder of the main module,
 * with all below it, is the program. Until torpor_loader_linked, that is, for
 * static imports, its modules need no grant. Modules elsewhere, and those that
 * import() names later, are read only if 'access' allows it: otherwise a
 * program could read any file near it, through the text of a syntax error. A
 * module has at most TORPOR_SOURCE_LARGEST bytes. */
typedef struct torpor_loader torpor_loader;

/* Reads the main module 'path'. Returns TORPOR_OK with 'source';
 * TORPOR_NOT_FOUND, TORPOR_IO or TORPOR_LIMIT, with which 'out' is opened all
 * the same, for torpor_loader_error; or TORPOR_NOMEM. 'access' may be NULL,
 * else it must outlive the loader. With a NULL 'path' there is no main module
 * and no program: every module needs a grant.
 * [fails] */
TORPOR_API torpor_status torpor_loader_open(const char *path,
                                            const torpor_access *access,
                                            torpor_loader **out,
                                            torpor_bytes *source);
/* NULL is accepted.
 * [-] */
TORPOR_API void torpor_loader_close(torpor_loader *loader);

/* The main module's name: its resolved path, to be given to torpor_eval.
 * [-] */
TORPOR_API const char *torpor_loader_name(const torpor_loader *loader);

/* A function for torpor_options.module; its 'user' is the loader.
 * [fails] */
TORPOR_API torpor_status
torpor_loader_source(void *loader, const torpor_module_request *request,
                     torpor_module_answer *answer);
/* A function for torpor_options.resolve, which takes "file:" URLs for paths;
 * 'user' is not used.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_loader_resolve(void *user,
                                               const char *specifier,
                                               const char *importer,
                                               torpor_module_answer *answer);

/* The same source for a host that has other callbacks: 'name' is resolved.
 * torpor_loader_error says why there is none.
 * [fails] */
TORPOR_API torpor_status torpor_loader_module(torpor_loader *loader,
                                              const char *name,
                                              torpor_bytes *source);

/* Says that the main module's static imports have been read: call it when
 * torpor_eval of that module has returned, before jobs run. From then on every
 * module needs a grant, wherever it lies, unless it was given before.
 * [-] */
TORPOR_API void torpor_loader_linked(torpor_loader *loader);

/* A sentence about the last call for the loader that failed; never NULL.
 * [-] */
TORPOR_API const char *torpor_loader_error(const torpor_loader *loader);

/* Whether it failed with TORPOR_IO since the process, or the machine, has too
 * many files open (EMFILE, ENFILE). NULL is accepted.
 * [-] */
TORPOR_API bool torpor_loader_exhausted(const torpor_loader *loader);

/* True when 'name' is a module that this loader has given out. A host should
 * show source lines of those only.
 * [-] */
TORPOR_API bool torpor_loader_gave(const torpor_loader *loader,
                                   const char *name);

#ifdef __cplusplus
}
#endif

#endif
