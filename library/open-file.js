/* SPDX-License-Identifier: MIT */
/* open-file.js - files that are open: $.openFile, for torpor:fs.
 *
 * Where a program reads and writes in a file is in guest memory, so each
 * operation says it. A file that was opened to read only is opened again after
 * waking, and read on from there. What was written before the program slept may
 * not be there any more, so one that was opened to write is lost. */
(function ($) {
  "use strict";

  $.load("stream");
  $.load("lost");
  const { descriptors, fs, lost, signalOf, streams, uncurry, wait } = $;
  const { Error, Promise, TypeError } = $.global;
  const then = uncurry(Promise.prototype.then);

  const nothing = () => undefined;

  /* What the modes of fopen ask for. */
  const MODES = {
    __proto__: null,
    "r": { read: true },
    "r+": { read: true, write: true },
    "w": { write: true, create: true, truncate: true },
    "w+": { read: true, write: true, create: true, truncate: true },
    "wx": { write: true, exclusive: true },
    "wx+": { read: true, write: true, exclusive: true },
    "a": { write: true, append: true, create: true },
    "a+": { read: true, write: true, append: true, create: true },
  };

  const closedError = () => {
    const error = new Error("the file was closed");
    error.code = "EBADF";
    return error;
  };

  const request = (state) => ({ ...state.way, fd: state.fd, path: state.path });

  /* Opens what was read before the program slept; false: it is shorter now. */
  const reopen = async (state) => {
    descriptors.release(state.fd);
    state.fd = descriptors.number();
    await wait("file-open", request(state), 0);
    const found = await wait("file-look", { fd: state.fd }, 0);
    return found.size >= state.position;
  };

  /* What 'go' gives when the file is open. It may have to be opened again first,
   * and the program may sleep while it is. */
  const working = async (state, go) => {
    let good = true;
    for (let lostIt = false; good;) {
      if (state.closed) throw closedError();
      try {
        if (lostIt) good = await reopen(state);
        if (good) return await go();
      } catch (error) {
        if (state.closed || state.way.write || !lost.is(error)) throw error;
        lostIt = true;
      }
    }
    throw lost.error(
      state.path + " is shorter now than what was read of it before the " +
        "program slept",
    );
  };

  /* Does it after all that was asked for before. */
  const inOrder = (state, go) => {
    const work = () => working(state, go);
    const done = state.last === undefined
      ? work()
      : then(state.last, work, work);
    state.last = done;
    const forget = () => {
      if (state.last === done) state.last = undefined;
    };
    then(done, forget, forget);
    return done;
  };

  const sizeOf = (value, what) => {
    if (typeof value === "number" && value >= 0 && value % 1 === 0)
      return value;
    throw new TypeError(what + ": expected a whole number from 0");
  };

  const seekTo = async (state, offset, whence) => {
    const found = whence === "end"
      ? await wait("file-look", { fd: state.fd }, 0)
      : undefined;
    const from = whence === "start" ? 0
      : whence === "current" ? state.position
      : whence === "end" ? found.size
      : undefined;
    if (from === undefined)
      throw new TypeError('seek: expected "start", "current" or "end"');
    state.position = sizeOf(from + offset, "seek");
    return state.position;
  };

  const closeFile = (state) => {
    if (state.closed) return undefined;
    const close = () => {
      state.closed = true;
      return descriptors.close(state.fd);
    };
    const last = state.last;
    return last === undefined ? close() : then(last, close, close);
  };

  class File extends streams.Readable {
    #state;

    constructor(state) {
      super();
      this.#state = state;
    }

    /* The number of its descriptor; another one after waking. */
    get fd() {
      return this.#state.fd;
    }
    get path() {
      return this.#state.path;
    }
    /* Where it reads and writes next. */
    get position() {
      return this.#state.position;
    }

    /* A promise of a Uint8Array of at most 'largest' bytes, null at the end. */
    read(largest = 65536, options = undefined) {
      return $.promised(() => {
        const state = this.#state;
        const signal = signalOf(options);
        sizeOf(largest, "read");
        return inOrder(state, async () => {
          const { fd, position: at } = state;
          const chunk = await wait("file-get", { fd, at, largest }, 0, signal);
          if (chunk !== null) state.position = at + chunk.length;
          return chunk;
        });
      });
    }

    /* Resolved when the system has all of it. */
    write(data) {
      return $.promised(() => {
        const state = this.#state;
        const bytes = fs.bytesOf(data, "write");
        return inOrder(state, async () => {
          const { fd, position, way } = state;
          const at = way.append ? undefined : position;
          await wait("file-put", { fd, at, data: bytes }, 0);
          if (!way.append) state.position = position + bytes.length;
        });
      });
    }

    seek(offset, whence = "start") {
      const state = this.#state;
      return inOrder(state, () => seekTo(state, offset, whence));
    }

    stat() {
      const state = this.#state;
      return inOrder(state, () =>
        wait("file-look", { fd: state.fd }, 0, undefined, fs.statOf));
    }

    truncate(size = 0) {
      return $.promised(() => {
        const state = this.#state;
        sizeOf(size, "truncate");
        return inOrder(state, () =>
          wait("file-truncate", { fd: state.fd, size }, 0, undefined, nothing));
      });
    }

    /* Resolved when what was written survives a power cut. */
    sync() {
      const state = this.#state;
      return inOrder(state, () =>
        wait("file-sync", { fd: state.fd }, 0, undefined, nothing));
    }

    /* As that of an Output. */
    end() {
      return this.close();
    }

    /* After all that was asked for before. Closing twice does no harm. */
    async close() {
      await closeFile(this.#state);
    }
  }

  const open = (path, mode, options) => {
    fs.checkPath(path, "open");
    const way = typeof mode === "string" ? MODES[mode] : undefined;
    if (way === undefined)
      throw new TypeError(
        'open: the mode is "r", "w", "wx" or "a", or one of them with "+"',
      );
    const state = {
      __proto__: null,
      fd: descriptors.number(),
      path,
      way,
      position: 0,
      last: undefined /* what was asked for last, as a promise */,
      closed: false,
    };
    const asked = { ...request(state), mode: options.mode };
    const make = () => new File(state);
    const opening = wait("file-open", asked, 0, signalOf(options), make);
    return descriptors.opening(state.fd, opening);
  };

  $.openFile = open;
})
