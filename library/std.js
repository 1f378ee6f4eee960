/* SPDX-License-Identifier: MIT */
/* std.js - module torpor:std, by the names of QuickJS's own module "std".
 *
 * What is not allowed is thrown, so that the error can name the flag; what the
 * system refuses is null, and in errno of the object that was given for it. */
(function ($) {
  "use strict";

  $.load("stdio");
  $.load("ext-json");
  const { errors, files, octets, paths, processes, stdio, uncurry } = $;
  const { Error, TypeError, Uint8Array } = $.global;
  const textIndexOf = uncurry($.global.String.prototype.indexOf);
  const textSlice = uncurry($.global.String.prototype.slice);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const setBytes = uncurry(Uint8Array.prototype.set);
  const host = {
    __proto__: null,
    eval: $.host("torpor:std.eval", 4),
    gc: $.host("torpor:std.gc", 0),
    strerror: $.host("torpor:std.strerror", 1),
    exit: $.host("torpor:std.exit", 1),
    getenv: $.host("torpor:env.get", 1),
    getenviron: $.host("torpor:env.all", 0),
  };

  const EINVAL = 22;
  const EMFILE = 24;

  const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_TRUNC } =
    files.flags;

  /* Most bytes of a file that is loaded whole. */
  const LARGEST = 1 << 30;

  /* ---- Files ---- */

  const tell = (errorObj, errno) => {
    if (typeof errorObj === "object" && errorObj !== null)
      errorObj.errno = errno;
  };

  /* What "r+", "wx" and so on mean; a TypeError for what means nothing. */
  const modeOf = (mode) => {
    const text = "" + mode;
    const has = (c) => textIndexOf(text, c) >= 0;
    const first = text[0];
    for (let i = 1; i < text.length; i++)
      if (textIndexOf("b+xt", text[i]) < 0) throw badMode();
    if (first !== "r" && first !== "w" && first !== "a") throw badMode();
    const both = has("+");
    let flags = both ? O_RDWR : first === "r" ? O_RDONLY : O_WRONLY;
    if (first === "w") flags |= O_CREAT | O_TRUNC;
    if (first === "a") flags |= O_CREAT | O_APPEND;
    if (has("x")) flags |= O_EXCL;
    return { __proto__: null, flags, reads: both || first === "r",
      writes: both || first !== "r", process: undefined };
  };

  const badMode = () =>
    new TypeError('a mode is "r", "w" or "a", with "+", "b" or "x" behind it');

  /* A FILE of what a function of $.files gave, or null. */
  const fileOf = (fd, mode, errorObj) => {
    tell(errorObj, fd < 0 ? -fd : 0);
    return fd < 0 ? null : stdio.open(fd, mode);
  };

  const open = (path, mode, errorObj = undefined) => {
    const how = modeOf(mode);
    return fileOf(files.open(path, how.flags, 0o666), how, errorObj);
  };

  const fdopen = (fd, mode, errorObj = undefined) => {
    const how = modeOf(mode);
    return fileOf($.descriptors.isOpen(fd) ? fd : -9, how, errorObj);
  };

  const tmpfile = (errorObj = undefined) =>
    fileOf(files.temporary(), modeOf("w+"), errorObj);

  const popen = (command, mode, errorObj = undefined) => {
    if (mode !== "r" && mode !== "w")
      throw new TypeError('popen: the mode is "r" or "w"');
    stdio.flush();
    const ends = files.pipe();
    if (typeof ends === "number") return fileOf(ends, undefined, errorObj);
    const reads = mode === "r";
    const mine = reads ? ends[0] : ends[1];
    const its = reads ? ends[1] : ends[0];
    const usual = (fd) => processes.stdioOf(fd);
    let pid = -EINVAL;
    try {
      pid = processes.start(
        { __proto__: null, file: "" + command, args: [], shell: true,
          cwd: paths.cwd() },
        reads ? [usual(0), usual(its), usual(2)]
          : [usual(its), usual(1), usual(2)],
      );
    } finally {
      files.close(its);
      if (pid < 0) files.close(mine);
    }
    if (pid < 0) return fileOf(pid, undefined, errorObj);
    return fileOf(mine, { __proto__: null, reads, writes: !reads,
      process: pid }, errorObj);
  };

  /* All bytes of a file, or a negated errno. */
  const bytesOf = (path) => {
    const fd = files.open(path, O_RDONLY, 0);
    if (fd < 0) return fd;
    try {
      let all = new Uint8Array(65536);
      let size = 0;
      for (;;) {
        if (size === all.length) {
          if (size >= LARGEST) return -EMFILE;
          const more = new Uint8Array(size * 2);
          setBytes(more, all);
          all = more;
        }
        const count = files.read(fd, subarray(all, size));
        if (count < 0) return count;
        if (count === 0) return subarray(all, 0, size);
        size += count;
      }
    } finally {
      files.close(fd);
    }
  };

  const copyOf = (bytes) => {
    const copy = new Uint8Array(bytes.length);
    setBytes(copy, bytes);
    return copy;
  };

  const loadFile = (path, options = undefined) => {
    const bytes = bytesOf(path);
    if (typeof bytes === "number") return null;
    return options !== undefined && options.binary === true
      ? copyOf(bytes)
      : $.text(bytes);
  };

  const failed = (path, errno) => {
    const error = new Error(path + ": " + host.strerror(errno));
    error.errno = errno;
    return error;
  };

  const writeFile = (path, data) => {
    const bytes =
      typeof data === "string" ? $.bytes(data) : octets.bytesIn(data);
    if (bytes === undefined)
      throw new TypeError("writeFile: expected a string or bytes");
    const fd = files.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666);
    if (fd < 0) throw failed(path, -fd);
    try {
      for (let at = 0; at < bytes.length;) {
        const count = files.write(fd, subarray(bytes, at));
        if (count < 0) throw failed(path, -count);
        at += count;
      }
    } finally {
      files.close(fd);
    }
  };

  /* ---- Scripts ---- */

  const evalScript = (source, options = {}) =>
    host.eval("" + source, "<evalScript>", options.async === true,
      options.backtrace_barrier === true);

  const loadScript = (path) => {
    const bytes = bytesOf(path);
    if (typeof bytes === "number") throw failed(path, -bytes);
    return host.eval($.text(bytes), "" + path, false, false);
  };

  const exit = (code = 0) => {
    stdio.flush();
    host.exit(+code | 0);
  };

  /* ---- The environment ---- */

  const nameOf = (name) => {
    const text = "" + name;
    if (text === "" || textIndexOf(text, "=") >= 0)
      throw new TypeError("the name of a variable is not empty, without '='");
    return text;
  };

  const getenv = (name) => {
    const text = nameOf(name);
    const own = processes.variable(text);
    if (own === undefined) return host.getenv(text);
    return own === null ? undefined : own;
  };

  const getenviron = () => {
    const all = host.getenviron();
    const changes = processes.changes() || [];
    for (let i = 0; i < changes.length; i++) {
      const at = textIndexOf(changes[i], "=");
      if (at < 0) delete all[changes[i]];
      else all[textSlice(changes[i], 0, at)] = textSlice(changes[i], at + 1);
    }
    return all;
  };

  /* ---- URLs ---- */

  const headersOf = (response) => {
    let text = "";
    response.headers.forEach((value, name) => {
      text += name + ": " + value + "\r\n";
    });
    return text;
  };

  /* A promise: a VM does not stand still while it waits for the network. */
  const urlGet = async (url, options = {}) => {
    const { fetch } = $.global;
    const full = options.full === true;
    let response;
    try {
      response = await fetch("" + url);
    } catch (error) {
      if (!full || error.name === "NotAllowedError") throw error;
      return { response: null, responseHeaders: "", status: 0 };
    }
    const body = options.binary === true
      ? new Uint8Array(await response.arrayBuffer())
      : await response.text();
    if (full)
      return { response: body, responseHeaders: headersOf(response),
        status: response.status };
    return response.ok ? body : null;
  };

  /* ---- The module ---- */

  const numbers = {};
  const known = ["EINVAL", "EIO", "EACCES", "EEXIST", "ENOSPC", "ENOSYS",
    "EBUSY", "ENOENT", "EPERM", "EPIPE", "EBADF"];
  for (let i = 0; i < known.length; i++)
    numbers[known[i]] = errors.numbers[known[i]];

  $.module("std", {
    Error: numbers,
    FILE: stdio.FILE,
    SEEK_SET: 0,
    SEEK_CUR: 1,
    SEEK_END: 2,
    in: stdio.in,
    out: stdio.out,
    err: stdio.err,
    open,
    popen,
    fdopen,
    tmpfile,
    puts: (...texts) => $.apply(stdio.FILE.prototype.puts, stdio.out, texts),
    printf: (...args) => $.apply(stdio.FILE.prototype.printf, stdio.out, args),
    sprintf: (format, ...args) => $.sprintf(format, args),
    loadFile,
    writeFile,
    evalScript,
    loadScript,
    gc: () => host.gc(),
    exit,
    strerror: (errno) => host.strerror(+errno),
    getenv,
    setenv(name, value) {
      processes.set(nameOf(name), "" + value);
    },
    unsetenv(name) {
      processes.set(nameOf(name), null);
    },
    getenviron,
    urlGet,
    parseExtJSON: (text) => $.parseExtJson(text),
  });
})
