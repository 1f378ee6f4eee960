/* SPDX-License-Identifier: MIT */
/* exit.h - the exit codes of the command, each once: number, name, meaning.
 * Numbers are never reused. */
#ifndef TORPOR_CLI_EXIT_H
#define TORPOR_CLI_EXIT_H

#define CLI_EXIT_LIST(X)                                                       \
  X(0, DONE, "the program ended")                                              \
  X(1, THROWN, "the program threw an error that nobody caught")                \
  X(2, USAGE, "the command line is wrong; nothing was done")                   \
  X(3, INTERRUPTED, "the program reached --fuel or --deadline")                \
  X(4, TRAPPED, "the program broke its sandbox's limits and was ended")        \
  X(5, DEADLOCK, "the program waits for what nothing can settle any more")     \
  X(6, FILE, "a file could not be read or written")                            \
  X(7, HOST, "the machine ran out of memory or file descriptors")              \
  X(8, HELD, "the store or the run is in use by another process")              \
  X(9, KILLED, "the run was ended by 'torpor cancel --kill'")                  \
  X(10, PARKED, "the run crashed its worker too often and was parked")         \
  X(11, TAKEN, "another process took the run over")                            \
  X(12, NOT_FOUND, "no such store, run, state, signal or engine")              \
  X(13, EXISTS, "a run has that id already")                                   \
  X(14, ENDED, "the run has ended, so it takes no signal, cancel or upgrade")  \
  X(130, STOPPED, "stopped by Ctrl-C")                                         \
  X(141, PIPE, "nobody reads the output any more")

enum cli_exit {
#define X(number, name, text) CLI_EXIT_##name = number,
  CLI_EXIT_LIST(X)
#undef X
};

#endif
