/* SPDX-License-Identifier: MIT */
/* os.js - module torpor:os, by the names of QuickJS's own module "os".
 *
 * Functions give a negated errno, or [value, errno], when the system refuses;
 * what is not allowed is thrown, so that the error can name the flag. */
(function ($) {
  "use strict";

  $.load("processes");
  $.load("os-signals");
  $.load("worker");
  const { descriptors, files, osSignals, paths, processes, push,
    uncurry, wait } = $;
  const { Array, BigInt, Map, Number, Object,
    RangeError, TypeError, Uint8Array, clearInterval, clearTimeout,
    setInterval, setTimeout } = $.global;
  const { isArray } = Array;
  const includes = uncurry($.global.String.prototype.includes);
  const then = uncurry($.global.Promise.prototype.then);
  const { keys } = Object;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const { isOpen, number, release, same, stateOf } = descriptors;
  const clock = $.global.performance.now;
  const host = {
    __proto__: null,
    stat: $.host("torpor:path.stat", 2),
    realpath: $.host("torpor:path.realpath", 1),
    readlink: $.host("torpor:path.readlink", 1),
    readdir: $.host("torpor:path.readdir", 1),
    remove: $.host("torpor:path.remove", 1),
    rename: $.host("torpor:path.rename", 2),
    mkdir: $.host("torpor:path.mkdir", 2),
    symlink: $.host("torpor:path.symlink", 2),
    utimes: $.host("torpor:path.utimes", 3),
    isTerminal: $.host("torpor:terminal.is", 1),
    terminalSize: $.host("torpor:terminal.size", 1),
    setRaw: $.host("torpor:terminal.raw", 1),
    sleep: $.host("torpor:sleep", 1),
  };

  const EBADF = 9;
  const ENOTDIR = 20;
  const ENOTTY = 25;

  /* Numbers of Linux. */
  const constants = {
    __proto__: null,
    SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2,
    SIGINT: 2, SIGABRT: 6, SIGFPE: 8, SIGILL: 4, SIGSEGV: 11, SIGTERM: 15,
    SIGHUP: 1, SIGQUIT: 3, SIGTRAP: 5, SIGKILL: 9, SIGPIPE: 13, SIGALRM: 14,
    SIGUSR1: 10, SIGUSR2: 12, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19,
    SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGWINCH: 28,
    WNOHANG: 1,
    S_IFMT: 0o170000, S_IFIFO: 0o10000, S_IFCHR: 0o20000, S_IFDIR: 0o40000,
    S_IFBLK: 0o60000, S_IFREG: 0o100000, S_IFSOCK: 0o140000,
    S_IFLNK: 0o120000, S_ISGID: 0o2000, S_ISUID: 0o4000,
  };
  for (const name in files.flags) constants[name] = files.flags[name];

  /* ---- Arguments and results ---- */

  const handlerOf = (handler) => {
    if (handler !== null && typeof handler !== "function")
      throw new TypeError("a handler is a function, or null");
    return handler;
  };

  const requireOpen = (fd) => {
    if (!isOpen(fd)) throw new TypeError("the descriptor is not open");
  };

  /* The part of a buffer that read() and write() work on. */
  const part = (buffer, offset, length) => {
    if (typeof buffer !== "object" || $.classOf(buffer) !== "ArrayBuffer")
      throw new TypeError("expected an ArrayBuffer");
    if (!(offset >= 0 && length >= 0))
      throw new RangeError("offset and length are not negative");
    return new Uint8Array(buffer, offset, length);
  };

  /* [value, errno] of what a host function gave. */
  const pair = (value, none) =>
    typeof value === "number" ? [none, -value] : [value, 0];

  /* ---- Descriptors ---- */

  /* Where a handler waits until something can be written, by the host's number:
   * { handler, waiting }. */
  const writers = new Map();

  const awaitWritable = (fd, entry) => {
    const current = () => mapGet(writers, fd) === entry;
    const ready = () => {
      if (!current()) return;
      try {
        entry.handler();
      } catch (error) {
        $.report(error);
      }
      if (current()) awaitWritable(fd, entry);
    };
    const failed = (error) => {
      if (!current()) return;
      mapDelete(writers, fd);
      $.report(error);
    };
    entry.waiting =
      $.begin("descriptor-writable", { fd }, 0, ready, failed);
  };

  const onWritable = (fd, handler) => {
    const host = stateOf(fd).number;
    const before = mapGet(writers, host);
    if (before !== undefined) $.cancel(before.waiting);
    mapDelete(writers, host);
    if (handler === null) return;
    const entry = { __proto__: null, handler, waiting: 0 };
    mapSet(writers, host, entry);
    const { until } = stateOf(fd);
    if (until === undefined) awaitWritable(host, entry);
    else
      then(until, () => awaitWritable(host, entry), (error) =>
        $.report(error));
  };

  const isWaitingToWrite = (fd) => mapGet(writers, stateOf(fd).number);

  const closeNumber = (fd) => {
    if (isOpen(fd) && isWaitingToWrite(fd)) onWritable(fd, null);
    return files.close(fd);
  };

  const seek = (fd, offset, whence) => {
    const position = files.seek(fd, Number(offset), whence);
    return typeof offset === "bigint" ? BigInt(position) : position;
  };

  /* ---- Files by name ---- */

  const statOf = (path, follow) => {
    const found = host.stat(paths.of(path), follow);
    if (typeof found === "number") return [null, -found];
    return [{
      dev: found[0], ino: found[1], mode: found[2], nlink: found[3],
      uid: found[4], gid: found[5], rdev: found[6], size: found[7],
      blocks: found[8], atime: found[9], mtime: found[10], ctime: found[11],
    }, 0];
  };

  const chdir = (path) => {
    const folder = host.realpath(paths.of(path));
    if (typeof folder === "number") return folder;
    const { 0: found } = statOf(folder, true);
    if (found === null || (found.mode & constants.S_IFMT) !== constants.S_IFDIR)
      return -ENOTDIR;
    paths.change(folder);
    return 0;
  };

  /* ---- Processes ---- */

  const environmentOf = (env) => {
    if (env === undefined) return undefined;
    if (typeof env !== "object" || env === null)
      throw new TypeError("env: expected an object of strings");
    const all = [];
    const names = keys(env);
    for (let i = 0; i < names.length; i++)
      push(all, names[i] + "=" + env[names[i]]);
    return all;
  };

  /* What is run: a path that has no slash is looked up in PATH, or not. */
  const programOf = (file, options) =>
    options.usePath === false || includes(file, "/") ? absolute(file) : file;

  const absolute = (path) =>
    path[0] === "/" ? path : paths.cwd() + "/" + path;

  const exec = (args, options = {}) => {
    if (!isArray(args) || args.length === 0)
      throw new TypeError("exec: expected an array of the program's name and " +
        "its arguments");
    if (options.uid !== undefined || options.gid !== undefined)
      throw new TypeError("exec: uid and gid cannot be set: run the program " +
        "by sudo, or start Torpor as that user");
    const all = [];
    for (let i = 1; i < args.length; i++) push(all, "" + args[i]);
    const name = "" + args[0];
    const file = options.file === undefined ? name : "" + options.file;
    const stdio = [
      processes.stdioOf(options.stdin === undefined ? 0 : options.stdin),
      processes.stdioOf(options.stdout === undefined ? 1 : options.stdout),
      processes.stdioOf(options.stderr === undefined ? 2 : options.stderr),
    ];
    const pid = processes.start({
      __proto__: null,
      file: programOf(file, options),
      argv0: name,
      args: all,
      shell: false,
      env: environmentOf(options.env),
      cwd: options.cwd === undefined ? paths.cwd() : absolute(options.cwd),
    }, stdio);
    if (pid < 0 || options.block === false) return pid;
    const { 0: ended, 1: status } = processes.wait(pid);
    if (ended < 0) return ended;
    const signal = status & 127;
    return signal === 0 ? status >> 8 : -signal;
  };

  /* ---- The module ---- */

  const functions = {
    __proto__: null,

    open(path, flags = 0, mode = 0o666) {
      return files.open(path, flags, mode);
    },

    close: (fd) => closeNumber(fd),
    seek,

    /* The number of bytes that were read into the buffer; 0 at the end; -11
     * (-EAGAIN) when there are none yet and a handler waits for them. */
    read(fd, buffer, offset, length) {
      const bytes = part(buffer, offset, length);
      return isOpen(fd) && stateOf(fd).handler !== null
        ? descriptors.take(fd, bytes)
        : files.read(fd, bytes);
    },

    write(fd, buffer, offset, length) {
      const bytes = part(buffer, offset, length);
      return files.write(fd, bytes, !isOpen(fd) || !isWaitingToWrite(fd));
    },

    isatty: (fd) => isOpen(fd) && host.isTerminal(stateOf(fd).number),

    ttyGetWinSize: (fd) =>
      isOpen(fd) ? host.terminalSize(stateOf(fd).number) : null,

    ttySetRaw(fd) {
      if (!isOpen(fd)) return -EBADF;
      const result = host.setRaw(stateOf(fd).number);
      return result === undefined ? -ENOTTY : result;
    },

    setReadHandler(fd, handler) {
      requireOpen(fd);
      descriptors.onReadable(fd, handlerOf(handler));
    },

    setWriteHandler(fd, handler) {
      requireOpen(fd);
      onWritable(fd, handlerOf(handler));
    },

    dup(fd) {
      if (!isOpen(fd)) return -EBADF;
      const to = number();
      release(to);
      same(fd, to);
      return to;
    },

    dup2(fd, to) {
      if (!isOpen(fd) || typeof to !== "number" || to !== to >>> 0)
        return -EBADF;
      if (fd === to) return to;
      if (isOpen(to)) closeNumber(to);
      same(fd, to);
      return to;
    },

    pipe() {
      const ends = files.pipe();
      return typeof ends === "number" ? null : ends;
    },

    remove: (path) => host.remove(paths.of(path)),
    rename: (from, to) => host.rename(paths.of(from), paths.of(to)),
    realpath: (path) => pair(host.realpath(paths.of(path)), ""),
    getcwd: () => [paths.cwd(), 0],
    chdir,
    mkdir: (path, mode = 0o777) => host.mkdir(paths.of(path), mode),
    readdir: (path) => pair(host.readdir(paths.of(path)), []),
    stat: (path) => statOf(path, true),
    lstat: (path) => statOf(path, false),
    utimes: (path, accessed, modified) =>
      host.utimes(paths.of(path), +accessed, +modified),
    symlink: (target, path) => host.symlink("" + target, paths.of(path)),
    readlink: (path) => pair(host.readlink(paths.of(path)), ""),

    signal(signal, handler) {
      osSignals.handle(signal, handler);
    },

    kill: (pid, signal) => processes.kill(pid, signal),
    exec,
    waitpid: (pid, flags = 0) => processes.wait(pid, flags),

    sleep(ms) {
      host.sleep(+ms);
    },

    sleepAsync: (ms) => wait("timer", null, $.dueIn(+ms)),
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    now: () => clock(),
    platform: "linux",
    Worker: $.Worker,
  };
  for (const name in constants) functions[name] = constants[name];
  $.module("os", functions);
})
