/* SPDX-License-Identifier: MIT */
/* descriptor.js - what a program has open outside of its VM, as its numbers.
 *
 * Other files of the library use it as $.descriptors:
 *
 *   number()                  a number for something that is about to be opened
 *   read(fd, largest, signal) a promise of a Uint8Array, null at the end
 *   write(fd, data, signal)   a promise; data: a string or a Uint8Array
 *   end(fd)                   a promise: nothing more will be written
 *   next(fd, signal)          a promise of what happens next to a listener, a
 *                             process
 *   close(fd)                 a promise; closing twice does no harm
 *   chunks(fd)                an async iterator of what read gives
 *   take(fd, bytes)           fills the typed array with what was read ahead:
 *                             how many bytes, 0 at the end, -11 (EAGAIN) if
 *                             nothing is there
 *   onReadable(fd, function)  calls it whenever take() has something, null ends
 *   opened(fd, until)         fd is open once the promise 'until' is resolved;
 *                             what is asked of it before waits for that
 *   opening(fd, until)        the promise 'until', which opens it: if it fails,
 *                             the number is forgotten
 *   stateOf(fd)               what is known of it, below
 *   hostOf(fd)                the host's number of it
 *   isOpen(fd)                whether the program has such a number
 *   same(fd, to)              lets the number 'to' be the same as fd
 *   release(fd)               forgets the number: the host's, which the caller
 *                             closes, or undefined if other numbers mean it
 *
 * The numbers that a program sees are those of the host, which are never used
 * twice, unless it says by dup or dup2 that one is the same as another: then
 * 'places' has where it leads. So 1 can lead to a file.
 *
 * Reads are in order: each waits for the one before. What a handler has not
 * taken stays in guest memory, one chunk of it, and nothing more is read ahead
 * until it was taken. */
(function ($) {
  "use strict";

  const { signalOf, wait, uncurry } = $;
  const { Error, Map, Promise, TypeError, Uint8Array } = $.global;
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapDelete = uncurry(Map.prototype.delete);
  const then = uncurry(Promise.prototype.then);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const setBytes = uncurry(Uint8Array.prototype.set);

  const EAGAIN = -11;
  const CHUNK = 65536;

  const states = new Map(); /* from a number of the host */
  const places = new Map(); /* to one, or null: it is closed */
  const counts = new Map(); /* how many numbers lead to it, if not just one */
  let last = 2; /* 0, 1 and 2 are the standard streams */

  const check = (fd) => {
    if (typeof fd !== "number" || fd < 0 || fd !== fd >>> 0)
      throw new TypeError("expected the number of a descriptor");
  };

  const hostOf = (fd) => {
    check(fd);
    const place = mapGet(places, fd);
    return place === undefined ? fd : place;
  };

  const number = () => {
    do last++;
    while (mapGet(places, last) !== undefined);
    stateOf(last);
    return last;
  };

  const isOpen = (fd) => {
    const host = hostOf(fd);
    return host !== null && (host <= 2 || mapGet(states, host) !== undefined);
  };

  const release = (fd) => {
    const host = hostOf(fd);
    const count = mapGet(counts, host);
    /* A number that others have led away from may not lead back. */
    if (fd === host || fd <= 2 || mapGet(states, fd) !== undefined)
      mapSet(places, fd, null);
    else mapDelete(places, fd);
    if (count > 2) mapSet(counts, host, count - 1);
    else mapDelete(counts, host);
    if (count !== undefined) return undefined;
    mapDelete(states, host);
    if (host > 2 && mapGet(places, host) === null) mapDelete(places, host);
    return host;
  };

  const same = (fd, to) => {
    const host = hostOf(fd);
    mapSet(counts, host, (mapGet(counts, host) || 1) + 1);
    if (to === host) mapDelete(places, to);
    else mapSet(places, to, host);
  };

  const stateOf = (fd) => {
    const host = hostOf(fd);
    if (host === null) throw closed();
    let state = mapGet(states, host);
    if (state === undefined) {
      state = {
        __proto__: null,
        number: host,
        file: undefined /* { path, flags, position }: see files.js */,
        last: undefined /* the read that was asked for last, as a promise */,
        ahead: undefined /* a chunk that was read for a handler */,
        ended: false /* the end was read */,
        failure: undefined /* what reading ahead failed with */,
        handler: null,
        telling: false /* the handler is being called */,
        fetching: 0 /* the operation that reads ahead */,
        until: undefined /* the promise of its opening */,
      };
      mapSet(states, host, state);
    }
    return state;
  };

  const closed = () => {
    const error = new Error("the descriptor was closed");
    error.code = "EBADF";
    return error;
  };

  const ignore = () => undefined;
  const done = () => new Promise((resolve) => resolve());

  /* Calls it in a job of its own. */
  const soon = (callback) => then(done(), callback);

  /* Begins an operation when 'fd' is open. */
  const begin = (state, kind, request, signal) =>
    state.until === undefined
      ? wait(kind, request, 0, signal)
      : then(state.until, () => wait(kind, request, 0, signal));

  const opened = (fd, until) => {
    const state = stateOf(fd);
    state.until = until;
    const ready = () => {
      state.until = undefined;
    };
    then(until, ready, ignore);
  };

  const opening = (fd, until) =>
    then(until, undefined, (error) => {
      release(fd);
      throw error;
    });

  const takeAhead = (state, largest) => {
    const chunk = state.ahead;
    if (chunk.length <= largest) {
      state.ahead = undefined;
      return chunk;
    }
    state.ahead = subarray(chunk, largest);
    return subarray(chunk, 0, largest);
  };

  const readNow = (state, largest, signal) => {
    if (typeof largest !== "number" || !(largest >= 1))
      throw new TypeError("expected how many bytes to read at most, from 1 on");
    if (state.file !== undefined) return state.file.chunk(largest);
    if (state.ahead !== undefined) return takeAhead(state, largest);
    if (state.ended) return null;
    if (state.failure !== undefined) throw state.failure;
    const request = { fd: state.number, largest };
    const reading = begin(state, "descriptor-read", request, signal);
    return then(reading, (chunk) => {
      if (chunk === null) state.ended = true;
      return chunk;
    });
  };

  const read = (fd, largest = CHUNK, signal = undefined) => {
    const state = stateOf(fd);
    const go = () => readNow(state, largest, signal);
    const reading = state.last === undefined
      ? new Promise((resolve) => resolve(go()))
      : then(state.last, go, go);
    state.last = reading;
    const over = () => {
      if (state.last === reading) state.last = undefined;
    };
    then(reading, over, over);
    return reading;
  };

  const bytesOf = (data) => {
    if (typeof data === "string") return $.bytes(data);
    if (typeof data === "object" && $.classOf(data) === "Uint8Array")
      return data;
    throw new TypeError("expected a string or a Uint8Array to write");
  };

  const write = (fd, data, signal = undefined) => {
    const state = stateOf(fd);
    const request = { fd: state.number, data: bytesOf(data) };
    if (state.file !== undefined) return state.file.write(request.data);
    return begin(state, "descriptor-write", request, signal);
  };

  const end = (fd) => {
    const state = stateOf(fd);
    if (state.file !== undefined) return done();
    return begin(state, "descriptor-end", { fd: state.number });
  };

  const next = (fd, signal = undefined) => {
    const state = stateOf(fd);
    return begin(state, "descriptor-next", { fd: state.number }, signal);
  };

  const close = (number) => {
    if (!isOpen(number)) return done();
    const state = stateOf(number);
    onReadable(number, null);
    const fd = release(number);
    if (fd === undefined) return done();
    const go = () => wait("descriptor-close", { fd }, 0, undefined, ignore);
    return state.until === undefined ? go() : then(state.until, go, ignore);
  };

  async function* chunks(fd) {
    for (;;) {
      const chunk = await read(fd);
      if (chunk === null) return;
      yield chunk;
    }
  }

  /* ---- Handlers ---- */

  const call = (state) => {
    try {
      state.handler();
    } catch (error) {
      $.report(error);
    }
  };

  /* Reads one chunk ahead and tells the handler. */
  const readAhead = (state) => {
    if (state.fetching !== 0) return;
    const arrived = (chunk) => {
      state.fetching = 0;
      if (chunk === null) state.ended = true;
      else state.ahead = chunk;
      tell(state);
    };
    const failed = (error) => {
      state.fetching = 0;
      state.failure = error;
      tell(state);
    };
    const request = { fd: state.number, largest: CHUNK };
    state.fetching = $.begin("descriptor-read", request, 0, arrived, failed);
  };

  /* Calls the handler as long as it takes something and there is more. One that
   * takes nothing is called again after take(). */
  const tell = (state) => {
    if (state.file !== undefined) {
      tellAlways(state, state.handler);
      return;
    }
    if (state.telling) return;
    state.telling = true;
    while (state.handler !== null) {
      const { ahead } = state;
      const over = state.ended || state.failure !== undefined;
      if (ahead === undefined && !over) {
        readAhead(state);
        break;
      }
      call(state);
      if (state.ahead === ahead) break;
    }
    state.telling = false;
  };

  /* A file can always be read: its handler is called in every turn. */
  const tellAlways = (state, handler) => {
    if (handler === null || state.handler !== handler) return;
    call(state);
    const again = () => tellAlways(state, handler);
    if (state.handler === handler)
      $.begin("timer", null, $.dueIn(0), again, ignore);
  };

  const onReadable = (fd, handler) => {
    const state = stateOf(fd);
    state.handler = handler;
    if (handler === null) {
      if (state.fetching !== 0) $.cancel(state.fetching);
      state.fetching = 0;
      return;
    }
    const go = () => {
      if (state.handler === handler) tell(state);
    };
    const fail = (error) => {
      state.failure = error;
      go();
    };
    if (state.until === undefined) soon(go);
    else then(state.until, go, fail);
  };

  const take = (fd, bytes) => {
    const state = stateOf(fd);
    if (state.file !== undefined) return $.files.read(fd, bytes);
    if (state.ahead === undefined) {
      if (state.failure !== undefined) throw state.failure;
      return state.ended ? 0 : EAGAIN;
    }
    const chunk = takeAhead(state, bytes.length);
    setBytes(bytes, chunk);
    if (!state.telling && state.handler !== null) soon(() => tell(state));
    return chunk.length;
  };

  $.descriptors = {
    __proto__: null,
    chunks,
    close,
    end,
    hostOf,
    isOpen,
    next,
    number,
    onReadable,
    opened,
    opening,
    read,
    release,
    same,
    signalOf,
    stateOf,
    take,
    write,
  };
})
