/* SPDX-License-Identifier: MIT */
/* readable-stream.js - ReadableStream with its default controller and reader, as
 * in the Streams Standard. There are no byte streams ("byob"), and nothing to
 * pipe into: no WritableStream.
 *
 *            enqueue                  read
 *   source ----------> queue ----------------------> reader
 *          <---------- (while it holds less than the strategy's highWaterMark,
 *             pull      or somebody waits)
 *
 * Other files use it as $.readable:
 *
 *   make(pull, cancel)   a stream of pull(controller), which nobody calls before
 *                        somebody reads
 *   ofBytes(bytes)       one of copies of them
 *   spent()              one that was read to its end
 *   is(value), isLocked(stream), isDisturbed(stream)
 *   reader(stream)       locks it: { read(), cancel(reason), release() }
 *   enqueue, close, error (controller, value)
 *   tee(stream, copy)    two streams; the second gets copy(chunk)
 *   from(iterable)
 *
 *  (1) A request waits in a reader only while the stream is readable and its
 *      queue is empty.
 *  (2) 'algorithms' of a controller are dropped when its stream has ended, and
 *      with them all that the source holds. */
(function ($) {
  "use strict";

  const { apply, define, defineInterface, list, promised, push, rejected,
    uncurry } = $;
  const { Object, Promise, RangeError, Symbol, TypeError, Uint8Array } =
    $.global;
  const { create, getPrototypeOf } = Object;
  const then = uncurry(Promise.prototype.then);
  const copyBytes = uncurry(Uint8Array.prototype.slice);

  const secret = { __proto__: null };
  const ignore = () => undefined;
  const resolved = (value) => new Promise((resolve) => resolve(value));
  const handled = (promise) => {
    then(promise, ignore, ignore);
    return promise;
  };
  const defer = () => {
    const deferred = { __proto__: null };
    deferred.promise = new Promise((resolve, reject) => {
      deferred.resolve = resolve;
      deferred.reject = reject;
    });
    return deferred;
  };

  let streamOf; /* the state of a ReadableStream; throws when it is none */
  let isStream;
  let controllerOf;
  let readerOf;

  /* ---- Queues ---- */

  const queue = () => ({ __proto__: null, items: list(), head: 0 });
  const put = (queue, item) => push(queue.items, item);
  const length = (queue) => queue.items.length - queue.head;
  const take = (queue) => {
    const item = queue.items[queue.head];
    queue.items[queue.head++] = undefined;
    if (queue.head === queue.items.length) {
      queue.items = list();
      queue.head = 0;
    }
    return item;
  };

  /* ---- Streams: states are "readable", "closed", "errored" ---- */

  const newState = () => ({
    __proto__: null,
    kind: "readable",
    error: undefined,
    reader: undefined,
    disturbed: false,
    controller: undefined,
  });

  const isLocked = (stream) => stream.reader !== undefined;

  const closeStream = (stream) => {
    stream.kind = "closed";
    const { reader } = stream;
    if (reader === undefined) return;
    reader.closed.resolve(undefined);
    while (length(reader.requests) > 0) take(reader.requests).close();
  };

  const errorStream = (stream, error) => {
    stream.kind = "errored";
    stream.error = error;
    const { reader } = stream;
    if (reader === undefined) return;
    reader.closed.reject(error);
    handled(reader.closed.promise);
    while (length(reader.requests) > 0) take(reader.requests).error(error);
  };

  const cancelStream = (stream, reason) => {
    stream.disturbed = true;
    if (stream.kind === "closed") return resolved(undefined);
    if (stream.kind === "errored") return rejected(stream.error);
    closeStream(stream);
    const { controller } = stream;
    controller.queue = queue();
    controller.total = 0;
    const { cancel } = controller.algorithms;
    forget(controller);
    return then(promised(() => resolved(cancel(reason))), ignore);
  };

  /* ---- Controllers ---- */

  const NONE = { __proto__: null, pull: ignore, cancel: ignore, size: () => 1 };
  const forget = (controller) => {
    controller.algorithms = NONE;
  };

  const newController = (stream, algorithms, highWaterMark) => {
    const controller = {
      __proto__: null,
      stream,
      algorithms,
      highWaterMark,
      queue: queue(), /* of { chunk, size } */
      total: 0,
      started: false,
      closing: false,
      pulling: false,
      again: false,
      face: undefined, /* what programs see */
    };
    stream.controller = controller;
    controller.face = new ReadableStreamDefaultController(secret, controller);
    return controller;
  };

  const canTake = (controller) =>
    !controller.closing && controller.stream.kind === "readable";

  const desiredSize = (controller) => {
    const { kind } = controller.stream;
    if (kind === "errored") return null;
    return kind === "closed" ? 0 : controller.highWaterMark - controller.total;
  };

  const isWanted = (controller) => {
    if (!controller.started || !canTake(controller)) return false;
    const { reader } = controller.stream;
    if (reader !== undefined && length(reader.requests) > 0) return true;
    return desiredSize(controller) > 0;
  };

  const pullIfWanted = (controller) => {
    if (!isWanted(controller)) return;
    if (controller.pulling) {
      controller.again = true;
      return;
    }
    controller.pulling = true;
    const done = () => {
      controller.pulling = false;
      if (!controller.again) return;
      controller.again = false;
      pullIfWanted(controller);
    };
    const { pull } = controller.algorithms;
    const pulled = promised(() => resolved(pull(controller.face)));
    then(pulled, done, (error) => fail(controller, error));
  };

  const enqueue = (controller, chunk) => {
    if (!canTake(controller))
      throw new TypeError("the stream takes nothing more");
    const { reader } = controller.stream;
    if (reader !== undefined && length(reader.requests) > 0) {
      take(reader.requests).chunk(chunk);
    } else {
      let size;
      try {
        size = +controller.algorithms.size(chunk);
        if (!(size >= 0) || size === 1 / 0)
          throw new RangeError("the size of a chunk is a number from 0");
      } catch (error) {
        fail(controller, error);
        throw error;
      }
      put(controller.queue, { __proto__: null, chunk, size });
      controller.total += size;
    }
    pullIfWanted(controller);
  };

  const close = (controller) => {
    if (!canTake(controller)) throw new TypeError("the stream has ended");
    controller.closing = true;
    if (length(controller.queue) > 0) return;
    forget(controller);
    closeStream(controller.stream);
  };

  const fail = (controller, error) => {
    if (controller.stream.kind !== "readable") return;
    controller.queue = queue();
    controller.total = 0;
    forget(controller);
    errorStream(controller.stream, error);
  };

  const takeChunk = (controller) => {
    const { chunk, size } = take(controller.queue);
    controller.total = length(controller.queue) === 0
      ? 0
      : controller.total - size;
    if (controller.closing && length(controller.queue) === 0) {
      forget(controller);
      closeStream(controller.stream);
    } else {
      pullIfWanted(controller);
    }
    return chunk;
  };

  class ReadableStreamDefaultController {
    #controller;

    static {
      controllerOf = (value) => {
        if (typeof value === "object" && value !== null &&
          #controller in value)
          return value.#controller;
        throw new TypeError("not a ReadableStreamDefaultController");
      };
    }

    constructor(key = undefined, controller = undefined) {
      if (key !== secret) throw new TypeError("Illegal constructor");
      this.#controller = controller;
    }

    get desiredSize() {
      return desiredSize(controllerOf(this));
    }
    close() {
      close(controllerOf(this));
    }
    enqueue(chunk = undefined) {
      enqueue(controllerOf(this), chunk);
    }
    error(error = undefined) {
      fail(controllerOf(this), error);
    }
  }

  /* ---- Readers ---- */

  /* Locks 'stream'. */
  const newReader = (stream) => {
    if (isLocked(stream)) throw new TypeError("the stream is locked");
    const reader = {
      __proto__: null,
      stream,
      requests: queue(), /* of { chunk, close, error } */
      closed: defer(),
    };
    stream.reader = reader;
    if (stream.kind === "closed") reader.closed.resolve(undefined);
    if (stream.kind === "errored") {
      reader.closed.reject(stream.error);
      handled(reader.closed.promise);
    }
    return reader;
  };

  const readInto = (reader, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.kind === "closed") {
      request.close();
    } else if (stream.kind === "errored") {
      request.error(stream.error);
    } else if (length(stream.controller.queue) > 0) {
      request.chunk(takeChunk(stream.controller));
    } else {
      put(reader.requests, request);
      pullIfWanted(stream.controller);
    }
  };

  const released = () => new TypeError("the reader was released");

  const read = (reader) => {
    if (reader.stream === undefined) return rejected(released());
    return new Promise((resolve, reject) =>
      readInto(reader, {
        __proto__: null,
        chunk: (value) => resolve({ value, done: false }),
        close: () => resolve({ value: undefined, done: true }),
        error: reject,
      }));
  };

  const release = (reader) => {
    const { stream } = reader;
    if (stream === undefined) return;
    const error = released();
    if (stream.kind === "readable") {
      reader.closed.reject(error);
    } else {
      reader.closed = defer();
      reader.closed.reject(error);
    }
    handled(reader.closed.promise);
    stream.reader = undefined;
    reader.stream = undefined;
    while (length(reader.requests) > 0) take(reader.requests).error(error);
  };

  const cancelReader = (reader, reason) =>
    reader.stream === undefined
      ? rejected(released())
      : cancelStream(reader.stream, reason);

  class ReadableStreamDefaultReader {
    #reader;

    static {
      readerOf = (value) => {
        if (typeof value === "object" && value !== null && #reader in value)
          return value.#reader;
        throw new TypeError("not a ReadableStreamDefaultReader");
      };
    }

    constructor(stream) {
      this.#reader = newReader(streamOf(stream));
    }

    get closed() {
      return promised(() => readerOf(this).closed.promise);
    }
    read() {
      return promised(() => read(readerOf(this)));
    }
    cancel(reason = undefined) {
      return promised(() => cancelReader(readerOf(this), reason));
    }
    releaseLock() {
      release(readerOf(this));
    }
  }

  /* ---- Making ---- */

  const methodOf = (object, name) => {
    const method = object[name];
    if (method !== undefined && typeof method !== "function")
      throw new TypeError(name + ": expected a function");
    return method;
  };

  const strategyOf = (strategy) => {
    const given = strategy === undefined || strategy === null
      ? { __proto__: null }
      : strategy;
    const size = methodOf(given, "size");
    const mark = given.highWaterMark;
    const highWaterMark = mark === undefined ? 1 : +mark;
    if (!(highWaterMark >= 0))
      throw new RangeError("highWaterMark: expected a number from 0");
    return { __proto__: null, highWaterMark,
      size: size === undefined ? () => 1 : (chunk) => size(chunk) };
  };

  const start = (controller, begin) => {
    const go = () => {
      controller.started = true;
      pullIfWanted(controller);
    };
    then(resolved(begin()), go, (error) => fail(controller, error));
  };

  /* A stream of a source that a program wrote. */
  const setUp = (state, source, strategy) => {
    const given = source === undefined ? { __proto__: null } : source;
    if (given === null || typeof given !== "object" &&
      typeof given !== "function")
      throw new TypeError("the source of a stream is an object");
    if (given.type !== undefined)
      throw new RangeError("there are no byte streams here: leave out 'type'");
    const pull = methodOf(given, "pull");
    const cancel = methodOf(given, "cancel");
    const begin = methodOf(given, "start");
    const { size, highWaterMark } = strategyOf(strategy);
    const call = (method) =>
      method === undefined
        ? ignore
        : (argument) => apply(method, given, [argument]);
    const controller = newController(
      state,
      { __proto__: null, pull: call(pull), cancel: call(cancel), size },
      highWaterMark,
    );
    start(controller, () => call(begin)(controller.face));
  };

  /* One that is ours. */
  const make = (pull, cancel) => {
    const state = newState();
    const algorithms = { __proto__: null, pull, cancel, size: () => 1 };
    newController(state, algorithms, 0).started = true;
    return new ReadableStream(secret, state);
  };

  const spent = () => {
    const stream = make(ignore, ignore);
    const state = streamOf(stream);
    close(state.controller);
    state.disturbed = true;
    return stream;
  };

  /* A stream of copies, in pieces. */
  const PIECE = 65536;
  const ofBytes = (bytes) => {
    let at = 0;
    return make((controller) => {
      if (at < bytes.length) {
        enqueue(controllerOf(controller), copyBytes(bytes, at, at + PIECE));
        at += PIECE;
      }
      if (at >= bytes.length) close(controllerOf(controller));
    }, ignore);
  };

  /* ---- tee ---- */

  const same = (chunk) => chunk;

  const teeState = (stream, copy) => {
    const reader = newReader(stream);
    const branches = list();
    const cancelled = defer();
    const reasons = [undefined, undefined];
    const over = [false, false];
    let reading = false;
    let again = false;

    const each = (action) => {
      for (let i = 0; i < 2; i++) {
        const { controller } = streamOf(branches[i]);
        if (!over[i] && canTake(controller)) action(controller, i);
      }
    };
    const request = {
      __proto__: null,
      chunk: (chunk) => {
        reading = false;
        each((controller, i) => {
          try {
            enqueue(controller, i === 0 ? chunk : copy(chunk));
          } catch (error) {
            each((other) => fail(other, error));
            cancelled.resolve(cancelStream(stream, error));
          }
        });
        if (again) pull();
      },
      close: () => {
        reading = false;
        each(close);
        if (!over[0] || !over[1]) cancelled.resolve(undefined);
      },
      error: (error) => {
        reading = false;
        each((controller) => fail(controller, error));
        if (!over[0] || !over[1]) cancelled.resolve(undefined);
      },
    };
    const pull = () => {
      if (reading) {
        again = true;
        return;
      }
      reading = true;
      again = false;
      readInto(reader, request);
    };
    const cancelOf = (index) => (reason) => {
      over[index] = true;
      reasons[index] = reason;
      if (over[1 - index]) cancelled.resolve(cancelStream(stream, reasons));
      return cancelled.promise;
    };
    push(branches, make(pull, cancelOf(0)));
    push(branches, make(pull, cancelOf(1)));
    const failed = (error) => {
      each((controller) => fail(controller, error));
      cancelled.resolve(undefined);
    };
    then(reader.closed.promise, ignore, failed);
    return branches;
  };

  /* ---- Iterators ---- */

  const AsyncIterator = getPrototypeOf(
    getPrototypeOf(getPrototypeOf((async function* () {})())),
  );

  /* An async iterator of what 'reader' reads. Calls are in order. */
  const iterate = (reader, preventCancel) => {
    let last = resolved(undefined);
    let finished = false;
    const after = (action) => {
      last = then(last, action, action);
      return last;
    };
    const next = () => {
      if (finished) return { value: undefined, done: true };
      const finish = (result) => {
        if (!result.done) return result;
        finished = true;
        release(reader);
        return result;
      };
      return then(read(reader), finish, (error) => {
        finished = true;
        release(reader);
        throw error;
      });
    };
    const end = (value) => {
      const result = { value, done: true };
      if (finished) return result;
      finished = true;
      if (preventCancel) {
        release(reader);
        return result;
      }
      const cancelled = cancelReader(reader, value);
      release(reader);
      return then(cancelled, () => result);
    };
    const iterator = create(AsyncIterator);
    define(iterator, "next", () => after(next));
    define(iterator, "return", (value) => after(() => end(value)));
    return iterator;
  };

  const objectFrom = (value, what) => {
    if (typeof value === "object" && value !== null ||
      typeof value === "function")
      return value;
    throw new TypeError(what);
  };

  /* A stream of what an iterable gives, async or not. */
  const from = (iterable) => {
    const what = "expected an iterable";
    if (iterable === undefined || iterable === null) throw new TypeError(what);
    let method = iterable[Symbol.asyncIterator];
    if (method === undefined || method === null)
      method = iterable[Symbol.iterator];
    if (typeof method !== "function") throw new TypeError(what);
    const iterator = objectFrom(apply(method, iterable, []), what);
    const { next } = iterator;
    const pull = async (face) => {
      const result = objectFrom(await apply(next, iterator, []),
        "an iterator gives objects");
      const controller = controllerOf(face);
      if (result.done) close(controller);
      else enqueue(controller, await result.value);
    };
    const cancel = async (reason) => {
      const end = iterator.return;
      if (end !== undefined && end !== null)
        await apply(end, iterator, [reason]);
    };
    return make(pull, cancel);
  };

  /* ---- ReadableStream ---- */

  class ReadableStream {
    #state;

    static {
      isStream = (value) =>
        typeof value === "object" && value !== null && #state in value;
      streamOf = (value) => {
        if (isStream(value)) return value.#state;
        throw new TypeError("not a ReadableStream");
      };
    }

    constructor(source = undefined, strategy = undefined) {
      if (source === secret) {
        this.#state = strategy;
        return;
      }
      this.#state = newState();
      setUp(this.#state, source, strategy);
    }

    static from(iterable) {
      return from(iterable);
    }

    get locked() {
      return isLocked(streamOf(this));
    }
    cancel(reason = undefined) {
      return promised(() => {
        const stream = streamOf(this);
        if (isLocked(stream)) throw new TypeError("the stream is locked");
        return cancelStream(stream, reason);
      });
    }
    getReader(options = undefined) {
      const mode = options === undefined || options === null
        ? undefined
        : options.mode;
      if (mode !== undefined)
        throw new TypeError("there are no byte streams here: leave out 'mode'");
      return new ReadableStreamDefaultReader(this);
    }
    tee() {
      const branches = teeState(streamOf(this), same);
      return [branches[0], branches[1]];
    }
    values(options = undefined) {
      const preventCancel = options !== undefined && options !== null &&
        !!options.preventCancel;
      return iterate(newReader(streamOf(this)), preventCancel);
    }
  }
  define(ReadableStream.prototype, Symbol.asyncIterator,
    ReadableStream.prototype.values);

  /* A class of strategies that count chunks by 'size'. */
  const strategyClass = (name, size) =>
    ({
      [name]: class {
        #mark;
        constructor({ highWaterMark }) {
          this.#mark = +highWaterMark;
        }
        get highWaterMark() {
          return this.#mark;
        }
        get size() {
          return size;
        }
      },
    })[name];
  const CountQueuingStrategy = strategyClass("CountQueuingStrategy", () => 1);
  const ByteLengthQueuingStrategy = strategyClass("ByteLengthQueuingStrategy",
    (chunk) => chunk.byteLength);

  defineInterface(ByteLengthQueuingStrategy);
  defineInterface(CountQueuingStrategy);
  defineInterface(ReadableStream);
  defineInterface(ReadableStreamDefaultController);
  defineInterface(ReadableStreamDefaultReader);

  $.readable = {
    __proto__: null,
    close: (face) => close(controllerOf(face)),
    enqueue: (face, chunk) => enqueue(controllerOf(face), chunk),
    error: (face, error) => fail(controllerOf(face), error),
    from,
    is: isStream,
    isDisturbed: (stream) => streamOf(stream).disturbed,
    isLocked: (stream) => isLocked(streamOf(stream)),
    make,
    ofBytes,
    reader: (stream) => {
      const reader = newReader(streamOf(stream));
      return {
        __proto__: null,
        read: () => read(reader),
        cancel: (reason) => cancelReader(reader, reason),
        release: () => release(reader),
      };
    },
    spent,
    tee: (stream, copy) => teeState(streamOf(stream), copy),
  };
})
