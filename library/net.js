/* SPDX-License-Identifier: MIT */
/* net.js - module torpor:net, TCP and sockets of Unix. docs/modules/net.md is its
 * reference.
 *
 *   connect({ host, port } | { path })   a promise of a Connection
 *   listen({ host, port } | { path })    a promise of a Listener
 *
 * A connection has two ways, each of which ends by itself. Its descriptor is
 * closed when both have, or by close(). After waking a connection is lost; a
 * listener listens again. */
(function ($) {
  "use strict";

  $.load("stream");
  $.load("lost");
  const { descriptors, lost, signalOf, streams, uncurry, wait } = $;
  const { Promise, Symbol, TypeError } = $.global;
  const then = uncurry(Promise.prototype.then);

  /* What an address is requested as. */
  const addressOf = (options, what) => {
    if (typeof options !== "object" || options === null)
      throw new TypeError(what + ": expected { host, port } or { path }");
    const { path, host = "127.0.0.1", port } = options;
    if (path !== undefined) {
      if (typeof path !== "string" || path === "")
        throw new TypeError(what + ": the path of a socket is a text");
      return { path };
    }
    if (typeof host !== "string" || host === "")
      throw new TypeError(what + ": the host is a text");
    if (typeof port !== "number" || !(port >= 0 && port <= 65535) ||
      port % 1 !== 0)
      throw new TypeError(what + ": the port is a number from 0 to 65535");
    return { host, port };
  };

  /* ---- Connections ---- */

  /* The two ways of a connection. */
  const waysOf = (fd) => {
    const state = {
      __proto__: null,
      inputDone: false,
      outputDone: false,
      closed: false,
    };
    const closeIfDone = () => {
      if (!state.inputDone || !state.outputDone || state.closed)
        return undefined;
      state.closed = true;
      return descriptors.close(fd);
    };
    const endOutput = async () => {
      if (state.outputDone) return;
      state.outputDone = true;
      try {
        await descriptors.end(fd);
      } finally {
        await closeIfDone();
      }
    };
    return {
      __proto__: null,
      endOutput,
      async closeInput() {
        state.inputDone = true;
        await closeIfDone();
      },
      async closeOutput() {
        try {
          await endOutput();
        } catch {
          /* there is nobody to tell that nothing more comes */
        }
      },
      async closeBoth() {
        state.inputDone = state.outputDone = true;
        await closeIfDone();
      },
    };
  };

  class Connection {
    #fd;
    #ways;
    #ends;
    #readable;
    #writable;

    constructor(fd, ends) {
      this.#fd = fd;
      this.#ways = waysOf(fd);
      this.#ends = ends;
      this.#readable = streams.input(fd, this.#ways);
      this.#writable = streams.output(fd, this.#ways);
    }

    get fd() {
      return this.#fd;
    }
    get readable() {
      return this.#readable;
    }
    get writable() {
      return this.#writable;
    }
    /* { host, port } of each end; of a socket of Unix { path }. */
    get local() {
      return this.#ends.local;
    }
    get remote() {
      return this.#ends.remote;
    }

    read(largest = undefined, options = undefined) {
      return this.#readable.read(largest, options);
    }
    write(data, options = undefined) {
      return this.#writable.write(data, options);
    }
    lines(options = undefined) {
      return this.#readable.lines(options);
    }
    [Symbol.asyncIterator]() {
      return this.#readable[Symbol.asyncIterator]();
    }

    /* Whether small writes go out at once. */
    setNoDelay(on = true) {
      return wait("socket-set", { fd: this.#fd, noDelay: on ? 1 : 0 }, 0);
    }
    /* Asks after the peer when nothing came for so many seconds; 0: never. */
    setKeepAlive(seconds) {
      return $.promised(() => {
        if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= 32767))
          throw new TypeError("setKeepAlive: expected seconds, up to 32767");
        return wait("socket-set", { fd: this.#fd, keepAlive: seconds }, 0);
      });
    }

    /* Nothing more is written: the peer reads the end. */
    end() {
      return this.#writable.end();
    }
    /* Ends both ways at once; what waits for one of them is rejected. */
    async close() {
      const closing = this.#ways.closeBoth();
      this.#readable.close();
      this.#writable.close();
      await closing;
    }
  }

  const endsOf = (found, address) =>
    address.path === undefined
      ? { __proto__: null, local: found.local, remote: found.remote }
      : { __proto__: null, local: { path: "" }, remote: { path: "" } };

  const connect = (options) =>
    $.promised(() => {
      const address = addressOf(options, "connect");
      const fd = descriptors.number();
      const make = (found) => {
        const ends = endsOf(found, address);
        if (address.path !== undefined) ends.remote = { path: address.path };
        return new Connection(fd, ends);
      };
      const request = { ...address, fd };
      return descriptors.opening(
        fd,
        wait("connect", request, 0, signalOf(options), make),
      );
    });

  /* ---- Listeners ---- */

  /* Listens again after waking, at the port that was found the first time. */
  const listenAgain = async (state) => {
    const fd = descriptors.number();
    descriptors.release(state.fd);
    try {
      await wait("listen", { ...state.address, fd }, 0);
    } catch (error) {
      descriptors.release(fd);
      throw lost.error(
        "the listener was left behind when the program slept, and cannot " +
          "listen again: " + error.message,
      );
    }
    state.fd = fd;
  };

  const nextConnection = (state, signal) => {
    const connection = descriptors.number();
    const make = (found) => {
      const ends = endsOf(found, state.address);
      if (state.address.path !== undefined) ends.local = state.address;
      return new Connection(connection, ends);
    };
    const request = { fd: state.fd, connection };
    return descriptors.opening(
      connection,
      wait("descriptor-next", request, 0, signal, make),
    );
  };

  const acceptNow = async (state, signal) => {
    for (;;) {
      try {
        return await nextConnection(state, signal);
      } catch (error) {
        if (state.closed || !lost.is(error)) throw error;
      }
      await listenAgain(state);
    }
  };

  class Listener {
    #state;

    constructor(state) {
      this.#state = state;
    }

    /* { host, port } or { path }. */
    get local() {
      return this.#state.local;
    }

    /* A promise of the next connection. */
    accept(options = undefined) {
      return $.promised(() => {
        const state = this.#state;
        const signal = signalOf(options) || state.signal;
        const go = () => acceptNow(state, signal);
        const done = state.last === undefined
          ? go()
          : then(state.last, go, go);
        state.last = done;
        const forget = () => {
          if (state.last === done) state.last = undefined;
        };
        then(done, forget, forget);
        return done;
      });
    }

    /* Until it is closed; leaving the loop closes it. */
    async *[Symbol.asyncIterator]() {
      const state = this.#state;
      try {
        while (!state.closed) {
          let connection;
          try {
            connection = await this.accept();
          } catch (error) {
            if (state.closed) return;
            throw error;
          }
          yield connection;
        }
      } finally {
        await this.close();
      }
    }

    async close() {
      const state = this.#state;
      if (state.closed) return;
      state.closed = true;
      await descriptors.close(state.fd);
    }
  }

  const listen = (options) =>
    $.promised(() => {
      const address = addressOf(options, "listen");
      const signal = signalOf(options);
      const fd = descriptors.number();
      const make = (found) => {
        const local = address.path === undefined ? found.local : address;
        if (address.path === undefined) address.port = local.port;
        return new Listener({
          __proto__: null,
          fd,
          address,
          local,
          signal,
          closed: false,
          last: undefined /* what was asked for last, as a promise */,
        });
      };
      return descriptors.opening(
        fd,
        wait("listen", { ...address, fd }, 0, signal, make),
      );
    });

  $.module("net", { Connection, Listener, connect, listen });
})
