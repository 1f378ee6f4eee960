/* SPDX-License-Identifier: MIT */
/* torpor-run.h - durable runs: programs that survive the death of their worker.
 *
 *   torpor_store *store;
 *   torpor_worker *worker;
 *   char id[TORPOR_RUN_ID_SIZE];
 *   torpor_run_options options = TORPOR_RUN_OPTIONS_INIT;
 *   options.file = "order.mjs";
 *   torpor_store_open("torpor.db", NULL, &store);
 *   torpor_run_add(store, &options, id);
 *   torpor_worker_open(store, NULL, &worker);
 *   torpor_worker_add(worker, id);
 *   torpor_worker_run(worker);
 *   torpor_worker_close(worker);
 *   torpor_store_close(store);
 *
 * A run is one committed state (a snapshot of its VM, with the operations that
 * it waits for) plus the results that came in after it. A worker wakes it,
 * delivers results, lets it run until it waits again, and commits the new state
 * in one transaction; only then do its new operations start and its output
 * appear. So a worker may die at any moment: another goes on from the last
 * commit.
 *
 * Functions return TORPOR_OK or a code of torpor.h; torpor_store_error then
 * gives a sentence that says what to do. A store and its workers belong to one
 * thread; any number of processes may open one store.
 *
 * Functions that show rows ('visit') call the host's function while nothing of
 * the store is being read or written. It may take as long as it likes, or print
 * to somebody who does not read, and keeps nobody off the store; what is added
 * meanwhile may be shown, too. It must not call the store. */
#ifndef TORPOR_RUN_H
#define TORPOR_RUN_H

#include "torpor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The store -----------------------------------------------------------*/

typedef struct torpor_store torpor_store;

/* Makes native code of an extension where there is none: 'module' is its side
 * module, as 'torpor extension build' takes it. Runs may come from others: the
 * module is as little trusted as a program. True: it is where extensions are
 * looked for (torpor/extension.h). Called on the thread of the store, which
 * must not be called. */
typedef bool (*torpor_make_extension_fn)(void *user, const void *module,
                                         size_t size);

typedef struct torpor_store_options {
  size_t size;     /* sizeof(torpor_store_options) */
  const char *vfs; /* name of a SQLite VFS; NULL: the system's */
  bool read_only;  /* never writes; for looking, also where one cannot write */
  bool must_exist; /* TORPOR_NOT_FOUND instead of making a new store */
  int busy_ms;     /* how long to wait for other processes; 0: 10,000 */
  /* TORPOR_KEY_SIZE bytes, copied, or NULL. With a key the states of runs are
   * encrypted and bound to run, branch and step; a state that was swapped for
   * another, or is not encrypted, is refused with TORPOR_KEY. */
  const uint8_t *key;
  /* May be NULL: a run with an extension that has no native code here is left
   * as it is then, with TORPOR_EXTENSION. */
  torpor_make_extension_fn make_extension;
  void *make_user;
} torpor_store_options;

#define TORPOR_STORE_OPTIONS_INIT TORPOR_INIT(torpor_store_options)

/* Opens the SQLite file 'path', made when missing; several processes may make
 * it at once. A store is the file: links and "file:PATH" lead to the same one.
 * When that file is removed, renamed or replaced while it is open, calls that
 * write, and workers, fail with TORPOR_IO. Returns TORPOR_OK, TORPOR_IO,
 * TORPOR_NEWER (made by a newer Torpor), TORPOR_CORRUPT, TORPOR_FORMAT (not a
 * store), TORPOR_LOCKED, TORPOR_FULL, TORPOR_NOT_FOUND, TORPOR_DENIED (this
 * user may not read it), TORPOR_READONLY, TORPOR_MISUSE (a name without a file,
 * such as ":memory:", or a file with several names).
 *
 * Opened for reading, a store that this user cannot write, or that is somebody
 * else's, is left without any trace: on a medium that is read-only, say. What
 * others commit meanwhile is seen. TORPOR_READONLY then: its last worker died,
 * and what it left can only be read by somebody who may write. Functions that
 * read may give TORPOR_LOCKED: it was written in that moment; try again.
 * [fails] */
TORPOR_API torpor_status torpor_store_open(const char *path,
                                           const torpor_store_options *options,
                                           torpor_store **out);
/* NULL is accepted. Its workers must be closed.
 * [-] */
TORPOR_API void torpor_store_close(torpor_store *store);

/* True when 'path', a resolved one, is a file of a store, or one that SQLite or
 * Torpor would make beside it. A program must not touch those, whatever it was
 * granted: torpor_store_open gives this function to torpor_access_reserve. A
 * process that runs programs but opens no store may do so itself.
 * [any thread] */
TORPOR_API bool torpor_store_covers(const char *path);

/* A sentence about the last call for 'store' (and its workers) that failed;
 * with NULL about this thread's last failed torpor_store_open. Never NULL.
 * [-] */
TORPOR_API const char *torpor_store_error(const torpor_store *store);

/* Whether the last call of this thread on a store, or on a worker, that gave
 * TORPOR_IO did so since the process, or the machine, has too many files open
 * (EMFILE, ENFILE). It may succeed when some are closed.
 * [-] */
TORPOR_API bool torpor_store_exhausted(void);

/* ---- Runs ----------------------------------------------------------------*/

#define TORPOR_RUN_ID_SIZE 65 /* an id has 1 to 64 of A-Z a-z 0-9 - _ . */

typedef struct torpor_run_options {
  size_t size;
  const char *file;     /* the main module; it and what it imports statically
                           are read now and kept with the run */
  const char *id;       /* NULL: one is made */
  const uint8_t *input; /* CBOR, what input() gives; NULL: undefined */
  size_t input_size;
  const char *access;   /* grants as torpor_access_write gives; NULL: none */
  uint64_t memory_max;  /* see torpor_options; 0: default */
  uint64_t fuel;        /* polls of one step before a checkpoint between two
                           jobs; 0: TORPOR_RUN_FUEL */
  uint64_t deadline_ms; /* of a step, and of each entry in it; a step that takes
                           longer is rolled back; 0: TORPOR_RUN_DEADLINE_MS */
  uint64_t keep;        /* committed states that stay, the newest among them,
                           for rewind, fork and export; 0: TORPOR_RUN_KEEP */
  uint64_t keep_lines;  /* console lines that stay, the newest; their text takes
                           up to 16 MiB, or as many KiB if that is more. The
                           newest stays always. 0: TORPOR_RUN_KEEP_LINES */
  bool hold;            /* by torpor_run_add: no worker gets the run before one
                           of this store asks for it (torpor_worker_add), this
                           makes another run to hold, or the store is closed */
  const char *const *extensions; /* files NAME.wasm of native extensions, or
                           names of those that ship (no slash, no dot), which
                           are loaded in this order before the program begins;
                           they are kept with the run as its modules are */
  size_t extension_count;        /* 32 at most */
} torpor_run_options;

#define TORPOR_RUN_OPTIONS_INIT TORPOR_INIT(torpor_run_options)
#define TORPOR_RUN_FUEL UINT64_C(10000000)
#define TORPOR_RUN_DEADLINE_MS UINT64_C(60000)
#define TORPOR_RUN_ATTEMPTS 5 /* in a row without a commit park a run */
#define TORPOR_RUN_KEEP UINT64_C(10)
#define TORPOR_RUN_KEEP_LINES UINT64_C(10000)
#define TORPOR_RUN_KEEP_ALL UINT64_MAX /* for both */

/* Makes a run; 'id' (TORPOR_RUN_ID_SIZE bytes) receives its id. It starts when
 * a worker drives it. Returns TORPOR_OK, TORPOR_EXISTS, TORPOR_NOT_FOUND (a
 * module or an extension; the error names it), TORPOR_THROWN (a module is not
 * JavaScript), TORPOR_MISUSE or TORPOR_LIMIT (a bad id; MISUSE also when the
 * path of the program is no UTF-8), TORPOR_EXTENSION (there is no native code
 * of an extension, and none was made), TORPOR_FORMAT or TORPOR_LIMIT when no
 * program could read the input (it is not CBOR as docs/cbor.md says, or is
 * larger than the run's memory), or a store's code.
 * [fails] */
TORPOR_API torpor_status torpor_run_add(torpor_store *store,
                                        const torpor_run_options *options,
                                        char *id);

typedef struct torpor_run_batch {
  size_t size;
  const torpor_slice *inputs; /* CBOR, one of each run; empty: undefined */
  size_t count;               /* TORPOR_RUN_BATCH_LARGEST at most */
  uint64_t first; /* with an id in the options: the runs are called ID-FIRST,
                     and so on, rising by one */
} torpor_run_batch;

#define TORPOR_RUN_BATCH_INIT TORPOR_INIT(torpor_run_batch)
#define TORPOR_RUN_BATCH_LARGEST 100000

/* Is told the id of each run that was made, which is borrowed. */
typedef void (*torpor_run_made_fn)(void *user, const char *id);

/* Makes runs that differ in their input alone, in one transaction: all of them,
 * or none. 'made' (may be NULL) is called for each once they are durable; the
 * input in 'options' is not used. The codes of torpor_run_add.
 * [fails] */
TORPOR_API torpor_status torpor_run_add_many(torpor_store *store,
                                             const torpor_run_options *options,
                                             const torpor_run_batch *batch,
                                             torpor_run_made_fn made,
                                             void *user);

typedef enum torpor_run_state {
  TORPOR_RUN_READY,    /* has work now, or has not started */
  TORPOR_RUN_WAITING,  /* for its operations */
  TORPOR_RUN_DONE,     /* result in 'value' */
  TORPOR_RUN_FAILED,   /* error in 'value' */
  TORPOR_RUN_DEADLOCK, /* waits for what nothing can settle */
  TORPOR_RUN_KILLED,
  TORPOR_RUN_PARKED,  /* after too many attempts; see torpor_run_unpark */
  TORPOR_RUN_DAMAGED, /* its rows in the store cannot be read: 'reason' says
                         which; members that are not known are 0 */
} torpor_run_state;

/* The word for a state, as "waiting".
 * [any thread] */
TORPOR_API const char *torpor_run_state_name(torpor_run_state state);

typedef struct torpor_run_info {
  const char *id;
  const char *file;
  const char *engine; /* hex */
  const char *access;
  torpor_run_state state;
  int64_t step; /* commits so far */
  int64_t branch;
  int64_t attempts;               /* at a step, since the last commit */
  int64_t created_ms, changed_ms; /* Unix milliseconds */
  uint64_t snapshot_size; /* bytes of the sleeping state; 0 before the first */
  uint64_t operations;    /* pending */
  uint64_t signals;       /* in the mailbox, not yet taken */
  bool worked;            /* another process drives it at this moment */
  bool cancelling;        /* cancelled, but its program was not told yet */
  const char *reason;     /* why failed, deadlocked or parked; "" otherwise */
  const uint8_t *value;   /* CBOR of result or error; NULL when there is none */
  size_t value_size;
  uint64_t keep;      /* states that stay, see torpor_run_options */
  const char *parent; /* the run that this was forked from; "" when none, or
                         when that is not in the store */
  uint64_t memory_max, fuel, deadline_ms; /* what torpor_run_options said */
  const uint8_t *input; /* CBOR; NULL when there is none, and in a list */
  size_t input_size;
  uint64_t keep_lines;    /* console lines that stay */
  uint64_t lines;         /* that there are */
  uint64_t lines_dropped; /* earlier ones that went, since there were more */
} torpor_run_info;

/* Calls 'visit' for the run 'id', or for all in order of creation when 'id' is
 * NULL (torpor_run_list: for some); what 'info' points to is borrowed. A visit
 * that returns false stops. TORPOR_NOT_FOUND when 'id' is not there. In a list,
 * a run whose rows are damaged is visited as TORPOR_RUN_DAMAGED; asked for by
 * its id, it gives TORPOR_CORRUPT. If its id is damaged, it is called "#" and
 * its number. */
typedef bool (*torpor_run_visit_fn)(void *user, const torpor_run_info *info);
/* [fails] */
TORPOR_API torpor_status torpor_run_each(torpor_store *store, const char *id,
                                         torpor_run_visit_fn visit, void *user);

typedef struct torpor_run_list_options {
  size_t size;
  /* Only runs in these states: TORPOR_RUN_LISTED(TORPOR_RUN_WAITING) |
   * TORPOR_RUN_LISTED(TORPOR_RUN_READY), say. 0: all. */
  uint32_t states;
  const char *program; /* only those whose main module this is, the path as in
                          torpor_run_info; NULL: any */
  const char *after;   /* begins behind this run; NULL: with the first */
  uint64_t limit;      /* runs at most; 0: all */
} torpor_run_list_options;

#define TORPOR_RUN_LIST_OPTIONS_INIT TORPOR_INIT(torpor_run_list_options)
#define TORPOR_RUN_LISTED(state) (UINT32_C(1) << (state))

/* Calls 'visit' for some of the runs, in order of creation, as torpor_run_each
 * does for all; 'options' may be NULL. The next page begins after the id that
 * was visited last. TORPOR_NOT_FOUND: there is no run 'after'.
 *
 * What it costs depends on how many runs are visited, not on how many there
 * are. With both 'program' and 'states' it depends on how many have the one or
 * the other, whichever are fewer. To find those that are TORPOR_RUN_WAITING,
 * those that are TORPOR_RUN_READY are looked at as well, and to find those that
 * are TORPOR_RUN_DAMAGED all are.
 * [fails] */
TORPOR_API torpor_status torpor_run_list(torpor_store *store,
                                         const torpor_run_list_options *options,
                                         torpor_run_visit_fn visit, void *user);

/* A program that a run has, or had before an upgrade. */
typedef struct torpor_run_version {
  int64_t number; /* 0: the one that it was made with */
  const char *file;
  const char *engine; /* hex */
  int64_t start;      /* it begins with the step after this one */
} torpor_run_version;

/* The programs that a run has had, in order; the last one is its own, unless it
 * was rewound to a step of an earlier one.
 * TORPOR_NOT_FOUND. */
typedef bool (*torpor_run_version_fn)(void *user,
                                      const torpor_run_version *version);
/* [fails] */
TORPOR_API torpor_status torpor_run_versions(torpor_store *store,
                                             const char *id,
                                             torpor_run_version_fn visit,
                                             void *user);

typedef struct torpor_run_operation {
  uint64_t id;
  const char *kind;
  const char *topic;      /* the signal's name; NULL for other kinds */
  const uint8_t *request; /* CBOR */
  size_t request_size;
  int64_t begun_ms;
  int64_t begun_step;
  int64_t due_ms;     /* -1: none */
  const char *key;    /* idempotency key */
  const char *waking; /* "re-arm", "repeat", "reattach", "reject" */
} torpor_run_operation;

typedef bool (*torpor_run_operation_fn)(void *user,
                                        const torpor_run_operation *operation);
/* The operations that a run waits for.
 * [fails] */
TORPOR_API torpor_status torpor_run_operations(torpor_store *store,
                                               const char *id,
                                               torpor_run_operation_fn visit,
                                               void *user);

typedef struct torpor_run_line {
  int64_t step;
  int64_t written_ms;
  torpor_level level;
  const char *text; /* UTF-8, without line end */
  size_t size;
  int64_t branch;
  int64_t number; /* within its step, from 0 */
} torpor_run_line;

/* Console output of steps after 'after' (0: all), in order: by branch, step and
 * number. */
typedef bool (*torpor_run_line_fn)(void *user, const torpor_run_line *line);
/* [fails] */
TORPOR_API torpor_status torpor_run_lines(torpor_store *store, const char *id,
                                          int64_t after,
                                          torpor_run_line_fn visit, void *user);

/* A place in the console output of a run: behind a line. */
typedef struct torpor_run_mark {
  int64_t branch, step, number;
} torpor_run_mark;

#define TORPOR_RUN_MARK_INIT {INT64_MIN, 0, 0} /* before the first line */

/* The lines behind 'mark', which is moved behind the last one that was shown:
 * again and again it gives each line once, also of a run that was rewound,
 * whose steps begin again on a new branch.
 * [fails] */
TORPOR_API torpor_status torpor_run_lines_since(torpor_store *store,
                                                const char *id,
                                                torpor_run_mark *mark,
                                                torpor_run_line_fn visit,
                                                void *user);

/* Puts a signal into the mailbox of a run; durable when this returns. 'data' is
 * CBOR (NULL: undefined). TORPOR_NOT_FOUND; TORPOR_ENDED; TORPOR_MISUSE when
 * the name is empty or not UTF-8; TORPOR_FORMAT when the value is not CBOR as
 * docs/cbor.md says, so that no program could read it; TORPOR_LIMIT when the
 * name, the value or the mailbox is too large.
 * [fails] */
TORPOR_API torpor_status torpor_run_signal(torpor_store *store, const char *id,
                                           const char *name,
                                           const uint8_t *data, size_t size);

/* A signal that waits in a mailbox. */
typedef struct torpor_run_mail {
  int64_t number; /* never used again in this store */
  const char *name;
  int64_t sent_ms;
  const uint8_t *value; /* CBOR */
  size_t size;
} torpor_run_mail;

/* The signals that no committed state has taken yet, the oldest first. */
typedef bool (*torpor_run_mail_fn)(void *user, const torpor_run_mail *mail);
/* [fails] */
TORPOR_API torpor_status torpor_run_mailbox(torpor_store *store, const char *id,
                                            torpor_run_mail_fn visit,
                                            void *user);

/* Removes the signal with this number, for good. TORPOR_NOT_FOUND: it is not in
 * the mailbox. TORPOR_LOCKED while a worker drives the run, as it may be
 * delivering the signal: stop the worker first.
 * [fails] */
TORPOR_API torpor_status torpor_run_mail_drop(torpor_store *store,
                                              const char *id, int64_t number);

/* Asks a run to end: what it waits for is rejected with an error named
 * Cancelled. With 'kill' it ends at once and its program is not asked: its
 * fence is raised, so a worker that drives it cannot commit any more.
 * [fails] */
TORPOR_API torpor_status torpor_run_cancel(torpor_store *store, const char *id,
                                           bool kill);

/* Makes a parked run ready again, with no attempts; does nothing to others.
 * [fails] */
TORPOR_API torpor_status torpor_run_unpark(torpor_store *store, const char *id);

/* ---- Going back, and going two ways --------------------------------------*/

/* The newest states of a run are kept, even after it has ended;
 * torpor_run_options says how many. The run can go on again from each of them
 * (rewind), or another run can start from it (fork). Both begin a new branch.
 * Operations that are begun on it get new keys. Those that the state waits for
 * keep their keys, and are treated as after the death of a worker: a timer
 * keeps its due time; what may be repeated is repeated under its old key; what
 * must not be repeated is rejected with an error named Lost, unless its result
 * was recorded. */

typedef struct torpor_run_step {
  int64_t branch;
  int64_t step;
  uint64_t size;       /* bytes in the store */
  int64_t parent_step; /* the step it is a difference from; -1: it is whole */
  int64_t made_ms;
  const char *engine; /* hex */
} torpor_run_step;

/* The states that are kept, oldest first. They may be more than were asked for,
 * since states that a kept one is a difference from are kept as well. */
typedef bool (*torpor_run_step_fn)(void *user, const torpor_run_step *step);
/* [fails] */
TORPOR_API torpor_status torpor_run_steps(torpor_store *store, const char *id,
                                          torpor_run_step_fn visit, void *user);

#define TORPOR_RUN_NEWEST INT64_C(-1) /* for 'step' below: the newest one */

/* The whole snapshot of a step. With TORPOR_NOT_FOUND the error names the steps
 * that are kept.
 * [fails] */
TORPOR_API torpor_status torpor_run_snapshot(torpor_store *store,
                                             const char *id, int64_t step,
                                             torpor_bytes *out);

/* Makes a new run that goes on from a step of run 'id', which is not affected
 * and may be driven meanwhile. The copy has the same modules, input, access and
 * limits; signals in the mailbox stay with the original. Its program is told
 * that it is a clone, and its randomness is reseeded. Step 0 is the program
 * before it began. 'new_id' may be NULL; 'out_id' receives the id
 * (TORPOR_RUN_ID_SIZE bytes). TORPOR_EXISTS, TORPOR_NOT_FOUND.
 * [fails] */
TORPOR_API torpor_status torpor_run_fork(torpor_store *store, const char *id,
                                         int64_t step, const char *new_id,
                                         char *out_id);

/* Makes the run go on from a step that is kept, on a new branch, even if it has
 * ended or was parked. Later states are removed; their console output stays,
 * and the signals that they consumed are not delivered again. Step 0 starts the
 * program from its beginning. TORPOR_LOCKED while a worker drives the run: stop
 * the worker first. With TORPOR_NOT_FOUND the error names the steps that are
 * kept.
 * [fails] */
TORPOR_API torpor_status torpor_run_rewind(torpor_store *store, const char *id,
                                           int64_t step);

/* A run as bytes: the snapshot of a step (docs/snapshot-format.md), with the
 * places where its functions wait, its modules, and how its operations go on.
 * Signals, console output and other states are not included.
 * [fails] */
TORPOR_API torpor_status torpor_run_export(torpor_store *store, const char *id,
                                           int64_t step, torpor_bytes *out);

typedef struct torpor_run_import_options {
  size_t size;
  const char *id;     /* NULL: the id that it had */
  const char *access; /* grants as torpor_access_write gives; NULL: none. What
                         it was granted elsewhere does not count */
  uint64_t keep;      /* as in torpor_run_options */
  /* As there; 0: what it had, but no more than the default. */
  uint64_t memory_max, fuel, deadline_ms;
  uint64_t keep_lines; /* the same */
  /* Whether native code may be made (torpor_store_options) of extensions that
   * the file brings, by a compiler that the file may try to overtax. */
  bool make_extensions;
} torpor_run_import_options;

#define TORPOR_RUN_IMPORT_OPTIONS_INIT TORPOR_INIT(torpor_run_import_options)

/* Makes a run of what torpor_run_export gave; 'data' need not be trusted. The
 * run goes on as a fork does, on a branch of its own. 'options' may be NULL.
 * TORPOR_EXISTS; TORPOR_FORMAT, TORPOR_NEWER, TORPOR_ENGINE, TORPOR_LIMIT and
 * the like as torpor_snapshot_restore.
 * [fails] */
TORPOR_API torpor_status
torpor_run_import(torpor_store *store, const void *data, size_t size,
                  const torpor_run_import_options *options, char *out_id);

typedef struct torpor_run_pruned {
  size_t size;     /* sizeof(torpor_run_pruned) */
  uint64_t states; /* that were removed */
  uint64_t bytes;  /* that they took */
  uint64_t runs;   /* that were removed with all that there was of them */
} torpor_run_pruned;

#define TORPOR_RUN_PRUNED_INIT TORPOR_INIT(torpor_run_pruned)

/* Removes all states of run 'id' (NULL: of every run) except the newest 'keep'
 * and those that these are differences from. With 0, a run that has not ended
 * keeps its newest state, and one that has ended keeps none. With a NULL 'id',
 * runs whose rows are damaged are left alone. The file then becomes smaller if
 * much of it is unused and no other process writes to it. 'out' may be NULL. A
 * dry run says what would be removed, and removes nothing.
 * [fails] */
TORPOR_API torpor_status torpor_run_prune(torpor_store *store, const char *id,
                                          uint64_t keep, bool dry_run,
                                          torpor_run_pruned *out);

/* Removes runs that have ended, with their states, console lines, mailbox and,
 * where no other run has them, sources: all 'count' of them, or none. A run
 * that is damaged can be removed as well. Their ids are free then; idempotency
 * keys of a new run with such an id begin as those of the old one. Other
 * processes may work on other runs; the file becomes smaller as
 * torpor_run_prune says. TORPOR_NOT_FOUND: no run has one of the ids.
 * TORPOR_MISUSE: one has not ended; end it first, by torpor_run_cancel.
 * TORPOR_LOCKED: a worker still has it. 'out' may be NULL.
 * [fails] */
TORPOR_API torpor_status torpor_run_remove(torpor_store *store,
                                           const char *const *ids, size_t count,
                                           torpor_run_pruned *out);

/* The same for all runs that ended before a time, in Unix milliseconds, but
 * those that a worker still has, and damaged ones. A dry run says what would be
 * removed, and removes nothing.
 * [fails] */
TORPOR_API torpor_status torpor_run_remove_ended(torpor_store *store,
                                                 int64_t before_ms,
                                                 bool dry_run,
                                                 torpor_run_pruned *out);

/* ---- Upgrading -----------------------------------------------------------*/

/* Moves a run that waits to a new program, which may be of a newer engine.
 *
 * The state is handed over as plain data, not as memory. It comes from the
 * function that the old program gave to exportState() of torpor:run, or from
 * 'exporter', a module that is evaluated in a copy of the sleeping VM: its
 * default export is the data, or a function that gives it. The exporter can
 * reach nothing but the memory of that VM, and must not wait.
 *
 * The new program starts from its beginning in the next step, in a branch of
 * its own; what it gives to onUpgrade() is called with that data. Operations of
 * the old program are dropped, signals in the mailbox stay. */
typedef struct torpor_run_upgrade_options {
  size_t size;
  const char *file;     /* the new main module; it and what it imports are read
                           as by torpor_run_add, with the access of the run */
  const char *exporter; /* a module's file; NULL: exportState's function */
  bool dry_run;         /* does all of it except changing the run */
  const char *const *extensions; /* as torpor_run_options; none: those of the
                                    old program */
  size_t extension_count;
} torpor_run_upgrade_options;

#define TORPOR_RUN_UPGRADE_OPTIONS_INIT TORPOR_INIT(torpor_run_upgrade_options)
#define TORPOR_RUN_HANDOVER_LARGEST ((size_t)64 << 20) /* bytes of CBOR */

/* What an upgrade has done, or would do. */
typedef struct torpor_run_upgrade_report {
  size_t size;                         /* sizeof(torpor_run_upgrade_report) */
  char *from_file, *to_file;           /* main modules */
  char from_engine[65], to_engine[65]; /* hex */
  int64_t from_branch, to_branch;
  int64_t step;       /* of the state that was handed over; the new program
                         begins with the next one */
  uint64_t modules;   /* files of the new program */
  torpor_bytes state; /* CBOR: what was handed over */
  torpor_run_operation **lost; /* what the old program waited for */
  size_t lost_count;
  uint64_t answered; /* how many of these had a result already */
  uint64_t signals;  /* in the mailbox, for the new program to take */
} torpor_run_upgrade_report;

#define TORPOR_RUN_UPGRADE_REPORT_INIT TORPOR_INIT(torpor_run_upgrade_report)

/* 'out' may be NULL. Crashing at any moment leaves the run at its old program
 * or at the new one. Parked runs can be upgraded too, and are ready then.
 * TORPOR_NOT_FOUND: no such run or file, or the exporter has no default export.
 * TORPOR_MISUSE: the run has not begun, or there is neither an exporter nor a
 * function that was given to exportState(). TORPOR_LOCKED: a worker drives it.
 * TORPOR_ENDED. TORPOR_THROWN: the exporter threw, or a module is not
 * JavaScript. TORPOR_DEADLOCK: the exporter waits. TORPOR_WRONG_TYPE: what it
 * gave is not plain data. TORPOR_FORMAT: no program can read it. TORPOR_LIMIT:
 * too large. TORPOR_ENGINE: the old engine is not installed. Or a code of
 * reading modules, of waking the VM, or of the store.
 * [fails] */
TORPOR_API torpor_status torpor_run_upgrade(
    torpor_store *store, const char *id,
    const torpor_run_upgrade_options *options, torpor_run_upgrade_report *out);
/* Frees what is in a report.
 * [any thread] */
TORPOR_API void
torpor_run_upgrade_report_free(torpor_run_upgrade_report *report);

/* ---- Workers -------------------------------------------------------------*/

typedef struct torpor_worker torpor_worker;

typedef enum torpor_event_kind {
  TORPOR_EVENT_WOKEN,   /* restored from its last commit: us, size, step */
  TORPOR_EVENT_STARTED, /* first entry of a new run */
  TORPOR_EVENT_COMMIT,  /* a step is durable: step, size, operations */
  TORPOR_EVENT_LINE,    /* console output that is durable: level, text */
  TORPOR_EVENT_ENDED,   /* state: see torpor_run_each for the value */
  TORPOR_EVENT_HELD,    /* another worker drives it; it is left alone */
  TORPOR_EVENT_ERROR,   /* text says what failed; the run stays as committed */
  TORPOR_EVENT_TAKEN,   /* another process has taken the run over: text */
} torpor_event_kind;

typedef struct torpor_event {
  torpor_event_kind kind;
  const char *run;
  int64_t step;
  double us;           /* what waking took, in microseconds */
  uint64_t size;       /* bytes of the snapshot */
  uint64_t operations; /* pending */
  int64_t next_due_ms; /* earliest due time of them; -1: none */
  torpor_level level;
  const char *text;
  torpor_run_state state;
} torpor_event;

typedef void (*torpor_event_fn)(void *user, const torpor_event *event);

typedef struct torpor_worker_options {
  size_t size;
  torpor_event_fn event; /* on the worker's thread; must not call the store */
  void *user;
  /* Between looks for what others have written. 0: a worker is told by the
   * system, and looks all the same every 500, or every 20 where the system
   * tells nothing of files. */
  int poll_ms;
  /* Drivers of the host's own, see torpor-loop.h; may be NULL. */
  const struct torpor_driver *const *drivers;
  size_t driver_count;
  /* Bytes that the process may take: as many VMs are awake at once as fit, at
   * least one, and the others wait their turn. 0: the smallest limit of the
   * process's control groups less an eighth or, if there is none, three
   * quarters of the machine's memory. A run may take up to its own memory_max
   * in a step: leave room for that. */
  uint64_t memory_total;
  /* When NULL is added: torpor_worker_run returns once every run of the store
   * has ended, or was parked, or cannot be driven here. */
  bool until_ended;
} torpor_worker_options;

#define TORPOR_WORKER_OPTIONS_INIT TORPOR_INIT(torpor_worker_options)

/* Opens a worker for the runs of a store, which must outlive it.
 * [fails] */
TORPOR_API torpor_status
torpor_worker_open(torpor_store *store, const torpor_worker_options *options,
                   torpor_worker **out);
/* NULL is accepted. Runs are left for the next worker.
 * [-] */
TORPOR_API void torpor_worker_close(torpor_worker *worker);

/* Drives run 'id'; with NULL every run of the store that is ready or waiting,
 * also those that come later: each is taken when it needs a worker, and most of
 * those that only wait are let go of again, so that a worker may have any
 * number of them. A run whose engine is not installed, of whose extension there
 * is no native code, or that the store's key does not open, is left to other
 * workers: TORPOR_ENGINE, TORPOR_EXTENSION, TORPOR_KEY. A run whose rows are
 * damaged is parked: TORPOR_CORRUPT. What is found so later, as it is for every
 * run with NULL, is an event instead.
 * [fails] */
TORPOR_API torpor_status torpor_worker_add(torpor_worker *worker,
                                           const char *id);

/* Drives the runs that were added until all have ended (never, if NULL was
 * added, but for 'until_ended') or torpor_worker_stop is called. What was
 * committed stays; what was under way is left for the next worker. Returns
 * TORPOR_OK, or a store's code after which no run can go on.
 * [fails] */
TORPOR_API torpor_status torpor_worker_run(torpor_worker *worker);

/* Makes torpor_worker_run return soon. From any thread or a signal handler.
 * [any thread] */
TORPOR_API void torpor_worker_stop(torpor_worker *worker);

#ifdef __cplusplus
}
#endif

#endif
