/* SPDX-License-Identifier: MIT */
/* status.h - what a call returns: codes, their names and sentences.
 * Included by torpor.h. */
#ifndef TORPOR_PUBLIC_STATUS_H
#define TORPOR_PUBLIC_STATUS_H

#if defined(__GNUC__)
#define TORPOR_API __attribute__((visibility("default")))
#define TORPOR_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TORPOR_API
#define TORPOR_PRINTF(text, first)
#endif

/* A struct that may grow begins with its size, which tells the library which
 * fields the program knows. Start it from its macro, which sets the size and
 * leaves all else zero: torpor_options from TORPOR_OPTIONS_INIT, and so on. */
#ifdef __cplusplus
template <typename type> inline type torpor_init() {
  type made = type();
  made.size = sizeof(type);
  return made;
}
#define TORPOR_INIT(type) torpor_init<type>()
#else
#define TORPOR_INIT(type) {.size = sizeof(type)}
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* All status codes: number, name, and a sentence that says what it means and
 * what to do. Numbers are never reused. Functions that can fail return one of
 * them. */
#define TORPOR_STATUS_LIST(X)                                                  \
  X(0, OK, "done")                                                             \
  X(1, THROWN, "JavaScript threw; torpor_exception has what")                  \
  X(2, INTERRUPTED,                                                            \
    "guest code was stopped by its fuel, deadline or an interrupt; the VM "    \
    "may be used, but what was running did not finish")                        \
  X(3, TRAPPED,                                                                \
    "guest code was ended by a fault, the watchdog or lack of memory; the "    \
    "VM is broken: close it or restore a snapshot")                            \
  X(4, BROKEN, "the VM trapped earlier; close it or restore a snapshot")       \
  X(5, BUSY, "not possible while guest code is on the stack; return first")    \
  X(6, NOMEM, "out of memory on the host")                                     \
  X(7, MISUSE, "an argument is wrong; see torpor_last_error")                  \
  X(8, STALE, "the handle's scope is closed or it was released")               \
  X(9, WRONG_TYPE, "the value is of another type than the call needs")         \
  X(10, LIMIT, "a limit was reached; see torpor_last_error for which")         \
  X(11, IO, "reading or writing failed")                                       \
  X(12, NOT_FOUND, "there is no such thing")                                   \
  X(13, FORMAT, "the bytes are of another kind, or damaged")                   \
  X(14, NEWER, "made by a newer version; use that version to read it")         \
  X(15, ENGINE, "needs an engine that is not installed")                       \
  X(16, EXTENSION, "needs an extension that is missing or different")          \
  X(17, CHECKSUM, "the checksum does not match: the bytes were altered")       \
  X(18, DEADLOCK,                                                              \
    "the program waits for a promise that nothing can settle any more")        \
  X(19, DENIED, "access was not granted; see torpor_last_error for the flag")  \
  X(20, FULL, "the disk or the database is full")                              \
  X(21, LOCKED, "another process works on it")                                 \
  X(22, CORRUPT, "the store is damaged")                                       \
  X(23, CANCELLED, "cancelled")                                                \
  X(24, EXISTS, "there is one already")                                        \
  X(25, UNSUPPORTED, "not supported on this system or in this build")          \
  X(26, READONLY, "the store cannot be written; check its permissions")        \
  X(27, FENCED, "the run was taken over or killed; its last commit stands")    \
  X(28, ENDED, "the run has ended already")                                    \
  X(29, KEY,                                                                   \
    "the key or context is another or missing, or the bytes were altered")     \
  X(30, PARENT,                                                                \
    "is a difference from a snapshot that was not given; give the whole "      \
    "chain, the base first")

typedef enum torpor_status {
#define X(number, name, text) TORPOR_##name = number,
  TORPOR_STATUS_LIST(X)
#undef X
} torpor_status;

/* The name of a code, as "THROWN"; "UNKNOWN" if it is not in the list.
 * [any thread] */
TORPOR_API const char *torpor_status_name(torpor_status status);
/* The sentence of a code. torpor_last_error has one about what happened.
 * [any thread] */
TORPOR_API const char *torpor_status_text(torpor_status status);

/* The version of the library that is linked, as "0.1.0".
 * [any thread] */
TORPOR_API const char *torpor_version(void);

#ifdef __cplusplus
}
#endif

#endif
