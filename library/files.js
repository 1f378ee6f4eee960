/* SPDX-License-Identifier: MIT */
/* files.js - descriptors that are used at once, as modules "os" and "std" do.
 *
 *   $.files.open(path, flags, mode)   a number
 *   $.files.temporary()               the number of a file without a name
 *   $.files.pipe()                    [number to read, number to write]
 *   $.files.read(fd, bytes, wait)     how many bytes came; 0 at the end
 *   $.files.write(fd, bytes, wait)    how many bytes went
 *   $.files.seek(fd, offset, whence)  the new position
 *   $.files.close(fd)                 0
 *   $.files.share(fd)                 a process gets it: from now on the two
 *                                     stand at the same place in a file
 *
 * Each gives a negated errno when the system refuses, and throws what is not
 * allowed. 'wait' is false where a read shall give -11 (EAGAIN) instead of
 * waiting.
 *
 * Where the program stands in a file is state.file.position, in guest memory. A
 * file that was opened to be read is opened again when the host does not have
 * it, since the program slept meanwhile; one that was opened to be written is
 * lost, because what others have done to it cannot be told. */
(function ($) {
  "use strict";

  $.load("descriptor");
  $.load("paths");
  const { descriptors, paths, uncurry } = $;
  const { Error, Map, Promise, Uint8Array } = $.global;
  const { hostOf, isOpen, number, release, stateOf } = descriptors;
  const setBytes = uncurry(Uint8Array.prototype.set);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const resolve = uncurry(Promise.resolve);
  const host = {
    __proto__: null,
    open: $.host("torpor:file.open", 4),
    temporary: $.host("torpor:file.temporary", 1),
    pipe: $.host("torpor:file.pipe", 2),
    read: $.host("torpor:file.read", 4),
    write: $.host("torpor:file.write", 4),
    size: $.host("torpor:file.size", 1),
    seek: $.host("torpor:file.seek", 3),
    close: $.host("torpor:file.close", 1),
    readAt: $.host("torpor:file.readAt", 3),
    sizeAt: $.host("torpor:file.sizeAt", 1),
  };

  const EBADF = -9;
  const EAGAIN = -11;
  const EINVAL = -22;

  /* What host.open gives for a file that has a position, and for one that the
   * host opens for each call. */
  const FILE = 0;
  const EACH_TIME = 2;

  /* As open(2) of Linux has them. */
  const flags = {
    __proto__: null,
    O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_APPEND: 0o2000, O_CREAT: 0o100,
    O_EXCL: 0o200, O_TRUNC: 0o1000,
  };
  const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_TRUNC } = flags;
  const O_ACCMODE = 3;

  const lost = (message) => {
    const error = new Error(message);
    $.define(error, "name", "LostError");
    error.code = "LOST";
    return error;
  };

  const lostDescriptor = (fd) =>
    lost("descriptor " + fd + " was left behind when the program slept");

  /* ---- Files that have a position ---- */

  const readsOnly = (file) =>
    (file.flags & (O_ACCMODE | O_CREAT | O_TRUNC)) === O_RDONLY;

  const sizeOf = (state) => {
    const { file } = state;
    if (file.kind === EACH_TIME) return host.sizeAt(file.path);
    let size = host.size(state.number);
    if (size === undefined) {
      openAgain(state);
      size = host.size(state.number);
    }
    return size;
  };

  /* Opens a file that the host does not have any more. */
  const openAgain = (state) => {
    const { file } = state;
    if (file.path === undefined || !readsOnly(file))
      throw lost(
        "a file that was open for writing when the program slept is not " +
          "opened again: others may have changed it",
      );
    const kind = host.open(state.number, file.path, file.flags, 0);
    if (kind < 0)
      throw lost(file.path + " could not be opened again after the program " +
        "slept: error " + -kind);
    file.kind = kind;
    file.shared = false;
    const size = host.size(state.number);
    if (size >= 0 && size < file.position)
      throw lost(file.path + " has become shorter than what the program had " +
        "read of it when it slept");
  };

  /* Where the host reads or writes; -1: where the file stands there. */
  const placeOf = (file) => (file.shared ? -1 : file.position);

  const readFile = (state, bytes) => {
    const { file } = state;
    if ((file.flags & O_ACCMODE) === O_WRONLY) return EBADF;
    let count;
    if (file.kind === EACH_TIME)
      count = host.readAt(file.path, bytes, file.position);
    else {
      count = host.read(state.number, bytes, placeOf(file), true);
      if (count === undefined) {
        openAgain(state);
        count = host.read(state.number, bytes, file.position, true);
      }
    }
    if (count > 0) file.position += count;
    if (file.shared) file.position = host.seek(state.number, 0, 1);
    return count;
  };

  const writeFile = (state, bytes) => {
    const { file } = state;
    if ((file.flags & O_ACCMODE) === O_RDONLY) return EBADF;
    const appends = (file.flags & O_APPEND) !== 0;
    const at = appends ? -1 : placeOf(file);
    const count = host.write(state.number, bytes, at, true);
    if (count === undefined) openAgain(state);
    if (file.shared) file.position = host.seek(state.number, 0, 1);
    else if (count > 0) file.position = appends ? sizeOf(state) : at + count;
    return count;
  };

  const failed = (doing, failure) => {
    const error = new Error(doing + ": error " + -failure);
    error.errno = -failure;
    return error;
  };

  /* What operations on the descriptor do with it, see descriptor.js. */
  const methods = (state) => ({
    __proto__: null,
    chunk(largest) {
      const bytes = new Uint8Array(largest);
      const count = readFile(state, bytes);
      if (count < 0) throw failed("reading a file", count);
      return count === 0 ? null : subarray(bytes, 0, count);
    },
    write(bytes) {
      const count = writeFile(state, bytes);
      if (count < 0) throw failed("writing a file", count);
      return resolve(Promise, undefined);
    },
  });

  /* Gives 'fd' a position if the host says that it has one; else frees the
   * number. */
  const opened = (fd, kind, path, flags) => {
    if (kind < 0) {
      release(fd);
      return kind;
    }
    if (kind !== FILE && kind !== EACH_TIME) return fd;
    const state = stateOf(fd);
    state.file = methods(state);
    state.file.kind = kind;
    state.file.path = path;
    state.file.flags = flags;
    state.file.position = 0;
    state.file.shared = false;
    return fd;
  };

  const open = (path, flags, mode) => {
    const fd = number();
    const full = paths.of(path);
    let kind = EINVAL;
    try {
      kind = host.open(fd, full, flags, mode);
    } finally {
      if (kind < 0) release(fd);
    }
    return kind < 0 ? kind : opened(fd, kind, full, flags & ~O_EXCL);
  };

  const temporary = () => {
    const fd = number();
    let kind = EINVAL;
    try {
      kind = host.temporary(fd);
    } finally {
      if (kind < 0) release(fd);
    }
    return kind < 0 ? kind : opened(fd, kind, undefined, 2);
  };

  const pipe = () => {
    const from = number();
    const to = number();
    let failure = EINVAL;
    try {
      failure = host.pipe(from, to);
    } finally {
      if (failure < 0) {
        release(from);
        release(to);
      }
    }
    return failure < 0 ? failure : [from, to];
  };

  /* ---- All descriptors ---- */

  const takeAhead = (state, bytes) => {
    const { ahead } = state;
    if (ahead.length <= bytes.length) {
      setBytes(bytes, ahead);
      state.ahead = undefined;
      return ahead.length;
    }
    setBytes(bytes, subarray(ahead, 0, bytes.length));
    state.ahead = subarray(ahead, bytes.length);
    return bytes.length;
  };

  const read = (fd, bytes, wait = true) => {
    if (!isOpen(fd)) return EBADF;
    const state = stateOf(fd);
    if (bytes.length === 0) return 0;
    if (state.file !== undefined) return readFile(state, bytes);
    if (state.ahead !== undefined) return takeAhead(state, bytes);
    if (state.failure !== undefined) throw state.failure;
    if (state.ended) return 0;
    if (state.until !== undefined || state.handler !== null) return EAGAIN;
    const count = host.read(state.number, bytes, -1, wait);
    if (count === undefined) throw lostDescriptor(fd);
    return count;
  };

  const write = (fd, bytes, wait = true) => {
    if (!isOpen(fd)) return EBADF;
    const state = stateOf(fd);
    if (state.file !== undefined) return writeFile(state, bytes);
    if (state.until !== undefined) return EAGAIN;
    const count = host.write(state.number, bytes, -1, wait);
    if (count === undefined) throw lostDescriptor(fd);
    return count;
  };

  const seekFile = (state, offset, whence) => {
    let from = 0;
    const { file } = state;
    if (whence === 1)
      from = file.shared ? host.seek(state.number, 0, 1) : file.position;
    else if (whence === 2) from = sizeOf(state);
    else if (whence !== 0) return EINVAL;
    if (from < 0) return from;
    const to = from + offset;
    if (!(to >= 0 && to <= 9007199254740991)) return EINVAL;
    state.file.position = to;
    if (state.file.shared) host.seek(state.number, to, 0);
    return to;
  };

  const seek = (fd, offset, whence) => {
    if (!isOpen(fd)) return EBADF;
    const state = stateOf(fd);
    if (state.file !== undefined) return seekFile(state, offset, whence);
    const position = host.seek(state.number, offset, whence);
    if (position === undefined) throw lostDescriptor(fd);
    return position;
  };

  const share = (fd) => {
    const state = stateOf(fd);
    if (state.file === undefined || state.file.shared) return;
    state.file.shared = host.seek(state.number, state.file.position, 0) >= 0;
  };

  const close = (fd) => {
    if (!isOpen(fd)) return EBADF;
    const state = stateOf(fd);
    descriptors.onReadable(fd, null);
    if (state.until !== undefined) {
      descriptors.close(fd); /* when it is open */
      return 0;
    }
    const { file } = state;
    const closing = release(fd);
    if (closing === undefined) return 0;
    if (file === undefined || file.kind !== EACH_TIME) host.close(closing);
    return 0;
  };

  $.files = {
    __proto__: null,
    close,
    flags,
    hostOf,
    lost,
    open,
    pipe,
    read,
    seek,
    share,
    temporary,
    write,
  };
})
