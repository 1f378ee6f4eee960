/* SPDX-License-Identifier: MIT */
/* sandbox.h - the options that say what a program may do, for every command
 * that starts one. */
#ifndef TORPOR_CLI_SANDBOX_H
#define TORPOR_CLI_SANDBOX_H

#include "cli/command.h"
#include "cli/program/trust.h"
#include "torpor-loop.h"

/* Part of such a command's settings. */
struct cli_sandbox {
  struct cli_grant read, write, net, run, env;
  struct cli_grant ffi;        /* files of native code */
  bool all;                    /* all of these, for everything */
  struct cli_grant extensions; /* files, and names of those that ship */
  const char *ca;              /* certificates; NULL: the system's */
  uint64_t memory;             /* bytes */
  uint64_t fuel;               /* polls */
  uint64_t deadline;           /* milliseconds */
};

/* The options, for settings of 'type' with a struct cli_sandbox 'member': what
 * any program may be granted, and the limits of one that runs from beginning to
 * end. */
#define CLI_GRANT_OPTIONS(type, member)                                        \
  CLI_OPTION(type, member.read, "allow-read", 0, CLI_GRANT, "PATH",            \
             "let the program read files: those below PATH, or all"),          \
      CLI_OPTION(type, member.write, "allow-write", 0, CLI_GRANT, "PATH",      \
                 "let the program write files: those below PATH, or all"),     \
      CLI_OPTION(type, member.net, "allow-net", 0, CLI_GRANT, "HOST",          \
                 "let it use the network: HOST, HOST:PORT, or all"),           \
      CLI_OPTION(type, member.run, "allow-run", 0, CLI_GRANT, "PROGRAM",       \
                 "let it run programs: PROGRAM, or all and shells"),           \
      CLI_OPTION(type, member.env, "allow-env", 0, CLI_GRANT, "NAME",          \
                 "let it read environment variables: NAME, or all"),           \
      CLI_OPTION(type, member.ffi, "allow-ffi", 0, CLI_GRANT, "PATH",          \
                 "let it import C modules: those below PATH, or all; they do " \
                 "what they like"),                                            \
      CLI_OPTION(type, member.all, "allow-all", 'A', CLI_FLAG, NULL,           \
                 "let it do all of this")

#define CLI_ACCESS_OPTIONS(type, member)                                       \
  CLI_GRANT_OPTIONS(type, member),                                             \
      CLI_OPTION(type, member.memory, "memory", 0, CLI_BYTES, "SIZE",          \
                 "most memory, such as 64M (512M)")

#define CLI_LIMIT_OPTIONS(type, member)                                        \
  CLI_OPTION(type, member.fuel, "fuel", 0, CLI_COUNT, "COUNT",                 \
             "most work: calls, loops, ... (no limit)"),                       \
      CLI_OPTION(type, member.deadline, "deadline", 0, CLI_DURATION, "TIME",   \
                 "longest time without waiting, such as 5s (no limit)")

/* What an executable of 'torpor build' keeps. */
#define CLI_KEPT_OPTIONS(type, member)                                         \
  CLI_ACCESS_OPTIONS(type, member), CLI_LIMIT_OPTIONS(type, member)

#define CLI_SANDBOX_OPTIONS(type, member)                                      \
  CLI_ACCESS_OPTIONS(type, member), CLI_TRUST_OPTION(type, member.ca),         \
      CLI_OPTION(type, member.extensions, "extension", 0, CLI_FILES,           \
                 "NAME|FILE",                                                  \
                 "load an extension: the NAME of one that ships, a .so, or a " \
                 ".wasm that was built here"),                                 \
      CLI_LIMIT_OPTIONS(type, member)

/* Makes what the options grant. CLI_EXIT_DONE with '*out', or an exit code
 * after saying what is wrong. */
int cli_sandbox_access(const struct cli_sandbox *sandbox, torpor_access **out);

/* The same as text, as runs keep it; torpor_bytes_free releases it. */
int cli_sandbox_grants(const struct cli_sandbox *sandbox, torpor_bytes *out);

/* Loads the extensions that were named into 'vm'. As above. */
int cli_sandbox_extend(const struct cli_sandbox *sandbox, torpor_vm *vm);

/* Sets the limits in 'options'. As above. */
int cli_sandbox_limits(const struct cli_sandbox *sandbox,
                       torpor_options *options);

#endif
