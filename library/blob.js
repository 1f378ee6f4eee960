/* SPDX-License-Identifier: MIT */
/* blob.js - Blob and File, as in the File API: bytes with a type, and a name.
 *
 * All bytes of a blob lie in one Uint8Array that is never changed, so a slice
 * shares it. Others use $.blobs:
 *
 *   is(value), isFile(value), typeOf(blob), nameOf(file)
 *   bytes(blob)               its bytes, not to be changed
 *   make(bytes, type)         a Blob of these very bytes
 *   file(bytes, name, type)   a File of a copy */
(function ($) {
  "use strict";

  $.load("octets");
  const { defineInterface, list, octets, promised, push, uncurry } = $;
  const { Math, Promise, String, Symbol, TypeError, Uint8Array } = $.global;
  const { bytesIn, join, textOf } = octets;
  const { floor } = Math;
  const copyBytes = uncurry(Uint8Array.prototype.slice);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const lower = uncurry(String.prototype.toLowerCase);
  const charCode = uncurry(String.prototype.charCodeAt);
  const cut = uncurry(String.prototype.slice);

  const secret = { __proto__: null };
  let isBlob;
  let isFile;
  let blobOf;
  let fileOf;

  /* Line ends as this system has them: "\n". */
  const nativeEnds = (text) => {
    let result = "";
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      if (charCode(text, i) !== 13) continue;
      result += cut(text, from, i) + "\n";
      if (charCode(text, i + 1) === 10) i++;
      from = i + 1;
    }
    return result + cut(text, from);
  };

  const bytesOfParts = (parts, native) => {
    const chunks = list();
    if (parts === undefined) return new Uint8Array(0);
    if (typeof parts !== "object" || parts === null ||
      typeof parts[Symbol.iterator] !== "function")
      throw new TypeError("the parts of a blob are an array");
    for (const part of parts) {
      const bytes = isBlob(part) ? blobOf(part).bytes : bytesIn(part);
      if (bytes !== undefined) push(chunks, bytes);
      else push(chunks, $.bytes(native ? nativeEnds("" + part) : "" + part));
    }
    return join(chunks);
  };

  /* A type as blobs have it: printable ASCII in lower case, or none. */
  const typeFrom = (value) => {
    const text = value === undefined ? "" : "" + value;
    for (let i = 0; i < text.length; i++) {
      const code = charCode(text, i);
      if (code < 0x20 || code > 0x7e) return "";
    }
    return lower(text);
  };

  const optionsOf = (options) => {
    if (options === undefined || options === null) return { __proto__: null };
    if (typeof options !== "object" && typeof options !== "function")
      throw new TypeError("expected an object with options");
    return options;
  };

  /* An index as slice() of arrays takes it. */
  const place = (value, otherwise, size) => {
    if (value === undefined) return otherwise;
    const number = +value;
    const index = number < 0 ? -floor(-number) : floor(number);
    if (index !== index) return 0;
    if (index < 0) return size + index > 0 ? size + index : 0;
    return index < size ? index : size;
  };

  class Blob {
    #blob;

    static {
      isBlob = (value) =>
        typeof value === "object" && value !== null && #blob in value;
      blobOf = (value) => {
        if (isBlob(value)) return value.#blob;
        throw new TypeError("not a Blob");
      };
    }

    constructor(parts = undefined, options = undefined) {
      if (parts === secret) {
        this.#blob = options;
        return;
      }
      const { endings, type } = optionsOf(options);
      if (endings !== undefined && endings !== "transparent" &&
        endings !== "native")
        throw new TypeError('endings: expected "transparent" or "native"');
      this.#blob = {
        __proto__: null,
        bytes: bytesOfParts(parts, endings === "native"),
        type: typeFrom(type),
      };
    }

    get size() {
      return blobOf(this).bytes.length;
    }
    get type() {
      return blobOf(this).type;
    }
    slice(start = undefined, end = undefined, type = undefined) {
      const { bytes } = blobOf(this);
      const from = place(start, 0, bytes.length);
      const to = place(end, bytes.length, bytes.length);
      return make(subarray(bytes, from, to > from ? to : from),
        typeFrom(type));
    }
    arrayBuffer() {
      return promised(() => give(copyBytes(blobOf(this).bytes).buffer));
    }
    bytes() {
      return promised(() => give(copyBytes(blobOf(this).bytes)));
    }
    text() {
      return promised(() => give(textOf(blobOf(this).bytes)));
    }
    stream() {
      const { bytes } = blobOf(this);
      $.load("readable-stream");
      return $.readable.ofBytes(bytes);
    }
  }

  const give = (value) => new Promise((resolve) => resolve(value));
  const make = (bytes, type) =>
    new Blob(secret, { __proto__: null, bytes, type });

  class File extends Blob {
    #file;

    static {
      isFile = (value) =>
        typeof value === "object" && value !== null && #file in value;
      fileOf = (value) => {
        if (isFile(value)) return value.#file;
        throw new TypeError("not a File");
      };
    }

    constructor(parts, name, options = undefined) {
      if (arguments.length < 2)
        throw new TypeError("a File has parts and a name");
      super(parts, options);
      const { lastModified } = optionsOf(options);
      const time = +lastModified;
      this.#file = {
        __proto__: null,
        name: "" + name,
        lastModified: lastModified === undefined
          ? floor($.now())
          : time === time ? (time < 0 ? -floor(-time) : floor(time)) : 0,
      };
    }

    get name() {
      return fileOf(this).name;
    }
    get lastModified() {
      return fileOf(this).lastModified;
    }
  }

  const file = (bytes, name, type, lastModified = $.now()) =>
    new File([bytes], name, { __proto__: null, type, lastModified });

  defineInterface(Blob);
  defineInterface(File);

  $.blobs = {
    __proto__: null,
    bytes: (blob) => blobOf(blob).bytes,
    file,
    is: isBlob,
    isFile,
    make,
    nameOf: (value) => fileOf(value).name,
    typeOf: (blob) => blobOf(blob).type,
  };
})
