/* SPDX-License-Identifier: MIT */
/* stream.js - what programs see of a descriptor that bytes flow through.
 *
 *   $.streams.input(fd)    an Input: read(), lines(), text(), bytes(), close(),
 *                          and an async iterator of chunks (Uint8Array)
 *   $.streams.output(fd)   an Output: write(data), end(), close()
 *   $.streams.Readable     what both this Input and an open file extend: bytes(),
 *                          text(), lines() and the iterator, by their read()
 *
 * An Input that was iterated to its end, or left early, is closed. */
(function ($) {
  "use strict";

  $.load("descriptor");
  $.load("octets");
  const { gather } = $.octets;
  const { descriptors, list, push, signalOf, uncurry } = $;
  const { Error, RangeError, Symbol, TypeError, Uint8Array } = $.global;
  const slice = uncurry(Uint8Array.prototype.subarray);
  const indexOf = uncurry(Uint8Array.prototype.indexOf);
  const NEWLINE = 10;
  const RETURN = 13;

  /* Most bytes that text(), bytes() and a line may have, unless a program says
   * otherwise. */
  const LARGEST = 256 * 1024 * 1024;

  const tooLarge = (largest) =>
    new RangeError("more than " + largest + " bytes came: raise 'largest'");

  /* All that 'read' gives until the end, as one Uint8Array. */
  const collect = async (read, options) => {
    const largest = largestOf(options);
    const chunks = list();
    let size = 0;
    for (;;) {
      const chunk = await read();
      if (chunk === null) return gather(chunks);
      size += chunk.length;
      if (size > largest) throw tooLarge(largest);
      push(chunks, chunk);
    }
  };

  const largestOf = (options) => {
    const largest = options === undefined ? undefined : options.largest;
    if (largest === undefined) return LARGEST;
    if (typeof largest !== "number" || !(largest >= 0))
      throw new TypeError("largest: expected a number of bytes");
    return largest;
  };

  const textOf = (bytes) => {
    const { length } = bytes;
    const end = length > 0 && bytes[length - 1] === RETURN ? length - 1 : length;
    return $.text(slice(bytes, 0, end));
  };

  /* The lines of what 'read' gives. */
  async function* linesOf(read, options) {
    const largest = largestOf(options);
    let parts = list();
    let size = 0;
    for (;;) {
      const chunk = await read();
      if (chunk === null) break;
      let from = 0;
      for (;;) {
        const at = indexOf(chunk, NEWLINE, from);
        if (at < 0) break;
        push(parts, slice(chunk, from, at));
        yield textOf(gather(parts));
        parts = list();
        size = 0;
        from = at + 1;
      }
      if (from === chunk.length) continue;
      push(parts, slice(chunk, from));
      size += chunk.length - from;
      if (size > largest) throw tooLarge(largest);
    }
    if (size > 0) yield textOf(gather(parts));
  }

  const checkOpen = (closed) => {
    if (!closed) return;
    const error = new Error("the stream was closed");
    error.code = "EBADF";
    throw error;
  };

  /* What can be made of read() and close(), which a class has. Whoever reads to
   * the end, or leaves early, closes it. */
  class Readable {
    async bytes(options = undefined) {
      try {
        return await collect(() => this.read(), options);
      } finally {
        await this.close();
      }
    }

    async text(options = undefined) {
      return $.text(await this.bytes(options));
    }

    async *lines(options = undefined) {
      try {
        yield* linesOf(() => this.read(), options);
      } finally {
        await this.close();
      }
    }

    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const chunk = await this.read();
          if (chunk === null) return;
          yield chunk;
        }
      } finally {
        await this.close();
      }
    }
  }

  /* 'way' has what closes it, where that is not its descriptor's end. */
  class Input extends Readable {
    #fd;
    #way;
    #closed = false;

    constructor(fd, way = undefined) {
      super();
      this.#fd = fd;
      this.#way = way;
    }

    /* The number of its descriptor. */
    get fd() {
      return this.#fd;
    }

    read(largest = undefined, options = undefined) {
      return $.promised(() => {
        checkOpen(this.#closed);
        return descriptors.read(this.#fd, largest, signalOf(options));
      });
    }

    close() {
      this.#closed = true;
      return this.#way === undefined
        ? descriptors.close(this.#fd)
        : this.#way.closeInput();
    }
  }

  class Output {
    #fd;
    #way;
    #closed = false;

    constructor(fd, way = undefined) {
      this.#fd = fd;
      this.#way = way;
    }

    get fd() {
      return this.#fd;
    }

    /* Resolved when the system has taken all of it. */
    write(data, options = undefined) {
      return $.promised(() => {
        checkOpen(this.#closed);
        return descriptors.write(this.#fd, data, signalOf(options));
      });
    }

    /* Nothing more comes: whoever reads sees the end. */
    async end() {
      if (this.#closed) return;
      this.#closed = true;
      if (this.#way !== undefined) return this.#way.endOutput();
      await descriptors.end(this.#fd);
      await this.close();
    }

    close() {
      this.#closed = true;
      return this.#way === undefined
        ? descriptors.close(this.#fd)
        : this.#way.closeOutput();
    }
  }

  $.streams = {
    __proto__: null,
    Input,
    Output,
    Readable,
    input: (fd, way = undefined) => new Input(fd, way),
    output: (fd, way = undefined) => new Output(fd, way),
  };
})
