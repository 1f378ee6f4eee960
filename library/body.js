/* SPDX-License-Identifier: MIT */
/* body.js - what Request and Response have in common: a body, which is read
 * once.
 *
 * A body is one of
 *
 *   nothing    kind "none"
 *   bytes      kind "bytes": all of them are here
 *   a source   kind "source": they come from a server, see fetch.js
 *   a stream   kind "stream": of a program
 *
 * The first three become a stream only when a program asks for one; text() and
 * the like read them without.
 *
 * Others use $.bodies:
 *
 *   none(), ofBytes(bytes), ofSource(source)
 *   from(value)         { body, type } of what programs give as a body
 *   isUsed(body), isNone(body)
 *   take(body)          moves it into a new body; the old one is used
 *   clone(body)         a second one with the same content
 *   stream(body)        its ReadableStream; null: it is none
 *   mix(Class, bodyOf, typeOf, largestOf)   gives it body, bodyUsed, text() ...
 *
 * A source is { read(), cancel(reason) }: promises of a chunk, null at the end.
 *
 *  (1) The files with streams, blobs and forms are loaded when they are needed:
 *      a program that has none does not carry them along. Where there is a
 *      value of such a class, its file was loaded. */
(function ($) {
  "use strict";

  $.load("octets");
  const { classOf, list, octets, promised, push, rejected, uncurry } = $;
  const { JSON, Object, Promise, RangeError, RegExp, String, Symbol,
    TypeError, Uint8Array } = $.global;
  const { defineProperty } = Object;
  const { parse } = JSON;
  const then = uncurry(Promise.prototype.then);
  const exec = uncurry(RegExp.prototype.exec);
  const lower = uncurry(String.prototype.toLowerCase);
  const copyBytes = uncurry(Uint8Array.prototype.slice);

  /* Most bytes that text() and the like collect, unless a program says
   * otherwise. */
  const LARGEST = 256 * 1024 * 1024;

  /* What those files put on $. */
  const need = (file, name) => {
    if ($[name] === undefined) $.load(file);
    return $[name];
  };
  const streams = () => need("readable-stream", "readable");
  const isOf = (name, value) => $[name] !== undefined && $[name].is(value);

  const make = (kind, value) =>
    ({ __proto__: null, kind, value, used: false, stream: undefined });
  const none = () => make("none", undefined);
  const ofBytes = (bytes) => make("bytes", bytes);
  const ofSource = (source) => make("source", source);
  const ofStream = (stream) => {
    const body = make("stream", undefined);
    body.stream = stream;
    return body;
  };

  const isNone = (body) => body.kind === "none";
  const isUsed = (body) =>
    body.used ||
    body.stream !== undefined && $.readable.isDisturbed(body.stream);
  const isTaken = (body) =>
    isUsed(body) ||
    body.stream !== undefined && $.readable.isLocked(body.stream);

  const used = () => new TypeError("the body was read already, or is locked");

  /* ---- Making ---- */

  const from = (value) => {
    const result = (body, type) => ({ __proto__: null, body, type });
    if (value === null || value === undefined) return result(none(), null);
    if (typeof value === "object") {
      if (isOf("blobs", value)) {
        const type = $.blobs.typeOf(value);
        return result(ofBytes($.blobs.bytes(value)), type === "" ? null : type);
      }
      if (isOf("forms", value)) {
        const { bytes, type } = $.forms.encode(value);
        return result(ofBytes(bytes), type);
      }
      if (isOf("readable", value)) {
        const body = ofStream(value);
        if (isTaken(body)) throw used();
        return result(body, null);
      }
      const bytes = octets.bytesIn(value);
      if (bytes !== undefined) return result(ofBytes(copyBytes(bytes)), null);
      if (classOf(value) === "URLSearchParams")
        return result(ofBytes($.bytes("" + value)),
          "application/x-www-form-urlencoded;charset=UTF-8");
      if (typeof value[Symbol.asyncIterator] === "function")
        return result(ofStream(streams().from(value)), null);
    }
    return result(ofBytes($.bytes("" + value)), "text/plain;charset=UTF-8");
  };

  /* ---- As a stream ---- */

  const streamOfSource = (source) => {
    const { close, enqueue, make } = streams();
    return make((controller) =>
      then(source.read(), (chunk) => {
        if (chunk === null) close(controller);
        else enqueue(controller, chunk);
      }), (reason) => source.cancel(reason));
  };

  const stream = (body) => {
    if (body.kind === "none") return null;
    if (body.stream !== undefined) return body.stream;
    if (body.used) body.stream = streams().spent();
    else if (body.kind === "bytes")
      body.stream = streams().ofBytes(body.value);
    else body.stream = streamOfSource(body.value);
    return body.stream;
  };

  const take = (body) => {
    if (isNone(body)) return body;
    if (isTaken(body)) throw used();
    const copy = make(body.kind, body.value);
    copy.stream = body.stream;
    body.used = true;
    body.stream = undefined;
    return copy;
  };

  const copyChunk = (chunk) => {
    const bytes = octets.bytesIn(chunk);
    return bytes === undefined ? chunk : copyBytes(bytes);
  };

  const clone = (body) => {
    if (isTaken(body)) throw used();
    if (isNone(body)) return none();
    if (body.kind === "bytes" && body.stream === undefined)
      return ofBytes(body.value);
    const branches = streams().tee(stream(body), copyChunk);
    body.kind = "stream";
    body.stream = branches[0];
    return ofStream(branches[1]);
  };

  /* ---- Reading all of it ---- */

  const tooLarge = (largest) =>
    new RangeError("more than " + largest + " bytes came: raise 'largest'");

  const collect = async (read, cancel, largest) => {
    const chunks = list();
    let size = 0;
    for (;;) {
      const chunk = await read();
      if (chunk === null) break;
      const bytes =
        classOf(chunk) === "Uint8Array" ? octets.bytesIn(chunk) : undefined;
      const failure = bytes === undefined
        ? new TypeError("a stream that is a body gives Uint8Arrays")
        : size + bytes.length > largest ? tooLarge(largest) : undefined;
      if (failure !== undefined) {
        await cancel(failure);
        throw failure;
      }
      size += bytes.length;
      push(chunks, bytes);
    }
    return chunks.length === 1 ? chunks[0] : octets.join(chunks);
  };

  /* A promise of all bytes, which are the caller's if 'own'. */
  const consume = (body, largest = LARGEST, own = false) => {
    if (isTaken(body)) return rejected(used());
    body.used = !isNone(body);
    if (isNone(body)) return ready(new Uint8Array(0));
    if (body.stream !== undefined) {
      const reader = $.readable.reader(body.stream);
      return collect(async () => {
        const { value, done } = await reader.read();
        return done ? null : value;
      }, (reason) => reader.cancel(reason), largest);
    }
    const { kind, value } = body;
    body.value = undefined;
    if (kind === "source")
      return collect(() => value.read(), (reason) => value.cancel(reason),
        largest);
    if (value.length > largest) return rejected(tooLarge(largest));
    return ready(own ? copyBytes(value) : value);
  };
  const ready = (value) => new Promise((resolve) => resolve(value));

  /* ---- For classes ---- */

  const formOf = (bytes, type) => {
    const kind = type === null ? "" : type;
    if (exec(/^\s*multipart\/form-data\s*(;|$)/i, kind) !== null) {
      const mark = exec(/;\s*boundary=(?:"([^"]+)"|([^;\s"]+))/i, kind);
      if (mark === null)
        throw new TypeError("the type of the body names no boundary");
      return need("form-data", "forms").decode(bytes,
        mark[1] === undefined ? mark[2] : mark[1]);
    }
    if (exec(/^\s*application\/x-www-form-urlencoded\s*(;|$)/i, kind) === null)
      throw new TypeError("the body is no form: its type is '" + kind + "'");
    const form = need("form-data", "forms").make();
    const { URLSearchParams } = $.global;
    new URLSearchParams(octets.textOf(bytes)).forEach((value, name) =>
      form.append(name, value));
    return form;
  };

  const mix = (Class, bodyOf, typeOf, largestOf) => {
    const method = (name, convert, own) => {
      const call = {
        [name]() {
          return promised(() =>
            then(consume(bodyOf(this), largestOf(this), own), (bytes) =>
              convert(bytes, this)));
        },
      }[name];
      defineProperty(Class.prototype, name, { __proto__: null, value: call,
        writable: true, enumerable: true, configurable: true });
    };
    const getter = (name, get) =>
      defineProperty(Class.prototype, name, { __proto__: null,
        get() {
          return get(bodyOf(this));
        },
        set: undefined, enumerable: true, configurable: true });
    getter("body", stream);
    getter("bodyUsed", isUsed);
    method("arrayBuffer", (bytes) =>
      bytes.length === bytes.buffer.byteLength
        ? bytes.buffer
        : copyBytes(bytes).buffer, true);
    method("blob", (bytes, self) => {
      const type = typeOf(self);
      return need("blob", "blobs").make(bytes,
        type === null ? "" : lower(type));
    }, false);
    method("bytes", (bytes) => bytes, true);
    method("formData", (bytes, self) => formOf(bytes, typeOf(self)), false);
    method("json", (bytes) => parse(octets.textOf(bytes)), false);
    method("text", (bytes) => octets.textOf(bytes), false);
  };

  $.bodies = {
    __proto__: null,
    LARGEST,
    clone,
    consume,
    from,
    isNone,
    isTaken,
    isUsed,
    mix,
    none,
    ofBytes,
    ofSource,
    stream,
    take,
  };
})
