/* SPDX-License-Identifier: MIT */
/* stdio.js - class FILE of module "std": a descriptor with a buffer.
 *
 *   $.stdio.open(fd, { reads, writes, process, closes })   a FILE
 *   $.stdio.flush()                                        writes all buffers
 *   $.stdio.in, out, err                                   the standard streams
 *
 * What is written lies in the FILE until there is much of it, the program asks,
 * or its turn ends: so nothing is left when the program ends. Standard output
 * and error have no such buffer: the host has one, in order with the console.
 * In a durable run their lines are lines of the console.
 *
 * Functions give a negated errno, or -1, as QuickJS's do; eof() and error() say
 * more. */
(function ($) {
  "use strict";

  $.load("files");
  $.load("processes");
  $.load("octets");
  $.load("printf");
  const { descriptors, files, list, processes, push, uncurry } = $;
  const { gather, join } = $.octets;
  const { BigInt, Error, Map, Number, Promise, RangeError, Set, TypeError,
    Uint8Array } = $.global;
  const { hostOf, isOpen } = descriptors;
  const setBytes = uncurry(Uint8Array.prototype.set);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const indexOf = uncurry(Uint8Array.prototype.indexOf);
  const textIndexOf = uncurry($.global.String.prototype.indexOf);
  const textSlice = uncurry($.global.String.prototype.slice);
  const setAdd = uncurry(Set.prototype.add);
  const setDelete = uncurry(Set.prototype.delete);
  const setForEach = uncurry(Set.prototype.forEach);
  const then = uncurry(Promise.prototype.then);
  const bufferOf = $.getter(
    $.global.Reflect.getPrototypeOf(Uint8Array.prototype), "buffer");
  const hostFlush = $.host("torpor:file.flush", 0);
  const isDurable = $.host("torpor:world.durable", 0);

  const BUFFER = 16384;
  const NEWLINE = 10;
  const EOF = -1;
  const EBADF = -9;
  const LOG = 1;
  const ERROR = 4;

  /* ---- Buffers that are to be written when the turn ends ---- */

  const dirty = new Set();
  let scheduled = false;

  const flushAll = () => {
    setForEach(dirty, (flush) => flush(false));
  };

  const schedule = (flush) => {
    setAdd(dirty, flush);
    if (scheduled) return;
    scheduled = true;
    then(new Promise((resolve) => resolve()), () => {
      scheduled = false;
      setForEach(dirty, (each) => each(true));
    });
  };

  /* ---- Lines of a durable run's console ---- */

  const partial = new Map();
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);

  const say = (fd, text) => {
    const level = fd === 2 ? ERROR : LOG;
    let rest = (mapGet(partial, fd) || "") + text;
    for (;;) {
      const end = textIndexOf(rest, "\n");
      if (end < 0) break;
      $.console(level, textSlice(rest, 0, end));
      rest = textSlice(rest, end + 1);
    }
    mapSet(partial, fd, rest);
  };

  const sayRest = (fd) => {
    const rest = mapGet(partial, fd);
    if (rest === undefined || rest === "") return;
    mapSet(partial, fd, "");
    $.console(fd === 2 ? ERROR : LOG, rest);
  };

  /* ---- Bytes ---- */

  const part = (buffer, position, length) => {
    if (typeof buffer !== "object" || $.classOf(buffer) !== "ArrayBuffer")
      throw new TypeError("expected an ArrayBuffer");
    if (!(position >= 0 && length >= 0))
      throw new RangeError("position and length are not negative");
    return new Uint8Array(buffer, position, length);
  };

  const key = {};

  class FILE {
    #fd;
    #reads;
    #writes;
    #process;
    #ahead = new Uint8Array(0); /* read, not yet taken */
    #behind = null; /* room for what is to be written */
    #filled = 0;
    #eof = false;
    #error = false;
    #flusher = (report) => this.#flushLater(report);

    constructor(given, fd, how) {
      if (given !== key) throw new TypeError("FILE: use std.open");
      this.#fd = fd;
      this.#reads = how.reads;
      this.#writes = how.writes;
      this.#process = how.process;
    }

    #require() {
      if (this.#fd < 0) throw new TypeError("the file was closed");
    }

    /* ---- Writing ---- */

    /* Writes all of 'bytes' now: 0, or a negated errno. */
    #put(bytes) {
      let done = 0;
      while (done < bytes.length) {
        const rest = done === 0 ? bytes : subarray(bytes, done);
        const count = files.write(this.#fd, rest);
        if (count < 0) {
          this.#error = true;
          return count;
        }
        done += count;
      }
      return 0;
    }

    #flushNow() {
      setDelete(dirty, this.#flusher);
      if (this.#filled === 0) return 0;
      const bytes = subarray(this.#behind, 0, this.#filled);
      this.#filled = 0;
      return this.#put(bytes);
    }

    #flushLater(report) {
      if (this.#fd < 0) return;
      const failure = this.#flushNow();
      if (report && failure < 0) {
        const error = new Error("writing a FILE: error " + -failure);
        error.errno = -failure;
        $.report(error);
      }
    }

    /* Standard output or error, unless dup2 has put something else there. */
    #isStandard() {
      if (!isOpen(this.#fd)) return false;
      const host = hostOf(this.#fd);
      return host === 1 || host === 2;
    }

    /* What was read ahead is given back, so that writing goes on from where
     * the program stands. */
    #dropAhead() {
      if (this.#ahead.length === 0) return;
      files.seek(this.#fd, -this.#ahead.length, 1);
      this.#ahead = new Uint8Array(0);
    }

    #writeBytes(bytes) {
      this.#require();
      if (!this.#writes) {
        this.#error = true;
        return EBADF;
      }
      this.#dropAhead();
      if (this.#isStandard()) return this.#writeStandard(bytes);
      if (this.#behind === null) this.#behind = new Uint8Array(BUFFER);
      if (this.#filled + bytes.length > BUFFER) {
        const failure = this.#flushNow();
        if (failure < 0) return failure;
        if (bytes.length >= BUFFER) return this.#put(bytes);
      }
      setBytes(this.#behind, bytes, this.#filled);
      this.#filled += bytes.length;
      schedule(this.#flusher);
      return 0;
    }

    #writeStandard(bytes) {
      if (!isDurable()) return this.#put(bytes);
      say(hostOf(this.#fd), $.text(bytes));
      return 0;
    }

    puts(...texts) {
      for (let i = 0; i < texts.length; i++)
        if (this.#writeBytes($.bytes("" + texts[i])) < 0) return;
    }

    /* The number of bytes. */
    printf(format, ...args) {
      const bytes = $.bytes($.sprintf(format, args));
      const failure = this.#writeBytes(bytes);
      return failure < 0 ? failure : bytes.length;
    }

    putByte(byte) {
      const bytes = new Uint8Array(1);
      bytes[0] = byte;
      return this.#writeBytes(bytes) < 0 ? EOF : bytes[0];
    }

    write(buffer, position, length) {
      const bytes = part(buffer, position, length);
      return this.#writeBytes(bytes) < 0 ? 0 : bytes.length;
    }

    flush() {
      this.#require();
      if (this.#isStandard() && isDurable()) {
        sayRest(hostOf(this.#fd));
        return 0;
      }
      return this.#isStandard() ? hostFlush() : this.#flushNow();
    }

    /* ---- Reading ---- */

    /* Reads ahead; false at the end, or after a failure. */
    #fill() {
      this.#require();
      if (this.#ahead.length > 0) return true;
      if (!this.#reads) {
        this.#error = true;
        return false;
      }
      flushAll(); /* who is asked has seen the question */
      if (this.#fd === 0) hostFlush();
      const bytes = new Uint8Array(BUFFER);
      const count = files.read(this.#fd, bytes);
      if (count > 0) {
        this.#ahead = subarray(bytes, 0, count);
        return true;
      }
      if (count === 0) this.#eof = true;
      else this.#error = true;
      return false;
    }

    #take(size) {
      const ahead = this.#ahead;
      this.#ahead = subarray(ahead, size);
      return subarray(ahead, 0, size);
    }

    /* The number of bytes that were read. */
    read(buffer, position, length) {
      const bytes = part(buffer, position, length);
      let done = 0;
      while (done < bytes.length && this.#fill()) {
        const left = bytes.length - done;
        const size = left < this.#ahead.length ? left : this.#ahead.length;
        setBytes(bytes, this.#take(size), done);
        done += size;
      }
      return done;
    }

    /* The next line without its newline; null at the end. */
    getline() {
      const chunks = list();
      let size = 0;
      while (this.#fill()) {
        const end = indexOf(this.#ahead, NEWLINE);
        const chunk = this.#take(end < 0 ? this.#ahead.length : end);
        push(chunks, chunk);
        size += chunk.length;
        if (end < 0) continue;
        this.#take(1);
        return $.text(gather(chunks));
      }
      return size === 0 ? null : $.text(gather(chunks));
    }

    #readAll(largest) {
      const chunks = list();
      let left = largest === undefined ? Infinity : Number(largest);
      while (left > 0 && this.#fill()) {
        const { length } = this.#ahead;
        const chunk = this.#take(left < length ? left : length);
        push(chunks, chunk);
        left -= chunk.length;
      }
      return join(chunks);
    }

    readAsString(largest = undefined) {
      return $.text(this.#readAll(largest));
    }

    readAsArrayBuffer(largest = undefined) {
      return bufferOf(this.#readAll(largest));
    }

    getByte() {
      return this.#fill() ? this.#take(1)[0] : EOF;
    }

    /* ---- Where it stands ---- */

    seek(offset, whence) {
      this.#require();
      const failure = this.#flushNow();
      if (failure < 0) return failure;
      let by = Number(offset);
      if (whence === 1) by -= this.#ahead.length;
      const position = files.seek(this.#fd, by, whence);
      if (position < 0) return position;
      this.#ahead = new Uint8Array(0);
      this.#eof = false;
      return 0;
    }

    tell() {
      this.#require();
      const position = files.seek(this.#fd, 0, 1);
      return position < 0 ? position
        : position - this.#ahead.length + this.#filled;
    }

    tello() {
      return BigInt(this.tell());
    }

    eof() {
      this.#require();
      return this.#eof;
    }

    error() {
      this.#require();
      return this.#error;
    }

    clearerr() {
      this.#require();
      this.#eof = this.#error = false;
    }

    fileno() {
      this.#require();
      return this.#fd;
    }

    /* 0, or a negated errno; of a process of popen its status, as waitpid gives
     * it. */
    close() {
      this.#require();
      const failure = this.#flushNow();
      const result = files.close(this.#fd);
      this.#fd = -1;
      this.#ahead = this.#behind = null;
      if (this.#process !== undefined) {
        const { 0: pid, 1: status } = processes.wait(this.#process);
        return pid < 0 ? pid : status;
      }
      return failure < 0 ? failure : result;
    }
  }

  const open = (fd, how) => new FILE(key, fd, how);

  $.stdio = {
    __proto__: null,
    FILE,
    flush: flushAll,
    open,
    in: open(0, { reads: true, writes: false, process: undefined }),
    out: open(1, { reads: false, writes: true, process: undefined }),
    err: open(2, { reads: false, writes: true, process: undefined }),
  };
})
