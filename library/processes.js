/* SPDX-License-Identifier: MIT */
/* processes.js - programs that modules "os" and "std" start, and their ends.
 *
 *   $.processes.start(command, stdio)   a number in the system (pid), or a
 *                                       negated errno
 *   $.processes.wait(pid, flags)        [pid, status] as waitpid(2) has them;
 *                                       pid -1: any of ours; 0: it runs
 *   $.processes.kill(pid, signal)       0, or a negated errno
 *   $.processes.stdioOf(fd)             what a process gets as a stream
 *   $.processes.changes()               variables that the program has set, as
 *                                       "NAME=value", or "NAME": unset
 *   $.processes.set(name, value)        sets one; value null: unset
 *   $.processes.variable(name)          undefined: the program has not set it
 *
 * Variables are the program's own: it changes them for itself and for those
 * that it starts. */
(function ($) {
  "use strict";

  $.load("files");
  $.load("errors");
  const { descriptors, errors, files, push, uncurry } = $;
  const { Map } = $.global;
  const { hostOf, isOpen, number, release } = descriptors;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const mapForEach = uncurry(Map.prototype.forEach);
  const sizeOf = $.getter(Map.prototype, "size");
  const atOnce = $.host("torpor:at-once", 2);
  const hostWait = $.host("torpor:process.wait", 2);
  const hostKill = $.host("torpor:process.kill", 2);
  const hostClose = $.host("torpor:file.close", 1);

  const ECHILD = -10;
  const WNOHANG = 1;

  const children = new Map(); /* from pid to the number of its descriptor */
  const variables = new Map();

  /* ---- Variables ---- */

  const changes = () => {
    const all = [];
    mapForEach(variables, (value, name) => {
      push(all, value === null ? name : name + "=" + value);
    });
    return all.length === 0 ? undefined : all;
  };

  /* ---- Processes ---- */

  const stdioOf = (fd) => {
    if (!isOpen(fd)) return "null";
    const host = hostOf(fd);
    if (host === fd && fd <= 2) return "default";
    files.share(fd);
    return { fd: host };
  };

  const start = (command, stdio) => {
    /* What the program has written comes before what the process writes. */
    if ($.stdio !== undefined) $.stdio.flush();
    const fd = number();
    const request = {
      fd,
      file: command.file,
      argv0: command.argv0,
      args: command.args,
      shell: command.shell,
      group: false,
      env: command.env,
      changes: changes(),
      cwd: command.cwd,
      stdio,
    };
    let done = false;
    try {
      const { pid } = atOnce("process", request);
      mapSet(children, pid, fd);
      done = true;
      return pid;
    } catch (error) {
      const failure = errors.numberOf(error);
      if (failure === undefined) throw error;
      return -failure;
    } finally {
      if (!done) release(fd);
    }
  };

  /* Looks at one child: [pid, status], or undefined while it runs. */
  const look = (pid, fd, wait) => {
    const end = hostWait(fd, wait);
    if (end === null) return undefined;
    mapDelete(children, pid);
    release(fd);
    hostClose(fd);
    return typeof end === "number"
      ? [end, 0]
      : [pid, (end[0] & 255) << 8 | end[1]];
  };

  const anyEnd = () => {
    let found;
    mapForEach(children, (fd, pid) => {
      if (found === undefined) found = look(pid, fd, false);
    });
    return found;
  };

  const nap = $.host("torpor:sleep", 1);

  const waitAny = (hang) => {
    for (;;) {
      if (sizeOf(children) === 0) return [ECHILD, 0];
      const end = anyEnd();
      if (end !== undefined) return end;
      if (!hang) return [0, 0];
      nap(2);
    }
  };

  const wait = (pid, flags = 0) => {
    const hang = (flags & WNOHANG) === 0;
    if (pid === -1) return waitAny(hang);
    const fd = mapGet(children, pid);
    if (fd === undefined) return [ECHILD, 0];
    return look(pid, fd, hang) || [0, 0];
  };

  const kill = (pid, signal) => {
    const fd = mapGet(children, pid);
    if (fd === undefined) return hostKill(pid, signal);
    try {
      atOnce("process-signal", { fd, signal });
      return 0;
    } catch (error) {
      const failure = errors.numberOf(error);
      if (failure === undefined) throw error;
      return -failure;
    }
  };

  $.processes = {
    __proto__: null,
    changes,
    kill,
    set(name, value) {
      mapSet(variables, name, value);
    },
    start,
    stdioOf,
    variable: (name) => mapGet(variables, name),
    wait,
  };
})
