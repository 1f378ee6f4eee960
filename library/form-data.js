/* SPDX-License-Identifier: MIT */
/* form-data.js - FormData as in the XMLHttpRequest Standard, and the bytes of
 * multipart/form-data (RFC 7578):
 *
 *   --BOUNDARY
 *   Content-Disposition: form-data; name="..."; filename="..."
 *   Content-Type: ...
 *                                  an empty line
 *   the value
 *   --BOUNDARY--
 *
 * Others use $.forms: is(value), encode(form) as { bytes, type }, and
 * decode(bytes, boundary), which throws a TypeError; make() is an empty one. */
(function ($) {
  "use strict";

  $.load("blob");
  const { apply, blobs, define, defineInterface, list, octets, push, uncurry } =
    $;
  const { Object, RegExp, String, Symbol, TypeError, Uint8Array } = $.global;
  const { create, getPrototypeOf } = Object;
  const exec = uncurry(RegExp.prototype.exec);
  const replace = uncurry(RegExp.prototype[Symbol.replace]);
  const wellFormed = uncurry(String.prototype.toWellFormed);
  const lower = uncurry(String.prototype.toLowerCase);
  const indexOf = uncurry(Uint8Array.prototype.indexOf);
  const subarray = uncurry(Uint8Array.prototype.subarray);

  let isForm;
  let entriesOf;

  const textOf = (value) => wellFormed("" + value);

  /* What an entry has as its value. */
  const valueOf = (value, filename) => {
    if (!blobs.is(value)) {
      if (filename !== undefined)
        throw new TypeError("only a Blob can have the name of a file");
      return textOf(value);
    }
    if (blobs.isFile(value) && filename === undefined) return value;
    const name = filename === undefined ? "blob" : textOf(filename);
    return blobs.file(blobs.bytes(value), name, blobs.typeOf(value));
  };

  class FormData {
    #entries = list();

    static {
      isForm = (value) =>
        typeof value === "object" && value !== null && #entries in value;
      entriesOf = (value) => {
        if (isForm(value)) return value.#entries;
        throw new TypeError("not a FormData");
      };
      define(this, "without", (form, name) => {
        const kept = list();
        const entries = entriesOf(form);
        for (let i = 0; i < entries.length; i++)
          if (entries[i].name !== name) push(kept, entries[i]);
        form.#entries = kept;
      });
    }

    constructor(form = undefined) {
      if (form !== undefined)
        throw new TypeError("there are no form elements here");
    }

    append(name, value, filename = undefined) {
      if (arguments.length < 2) throw new TypeError("append(name, value)");
      push(entriesOf(this), { __proto__: null, name: textOf(name),
        value: valueOf(value, filename) });
    }
    delete(name) {
      without(this, textOf(name));
    }
    get(name) {
      const key = textOf(name);
      const entries = entriesOf(this);
      for (let i = 0; i < entries.length; i++)
        if (entries[i].name === key) return entries[i].value;
      return null;
    }
    getAll(name) {
      const key = textOf(name);
      const entries = entriesOf(this);
      const found = [];
      for (let i = 0; i < entries.length; i++)
        if (entries[i].name === key)
          define(found, found.length, entries[i].value);
      return found;
    }
    has(name) {
      return this.get(name) !== null;
    }
    set(name, value, filename = undefined) {
      if (arguments.length < 2) throw new TypeError("set(name, value)");
      const entry = { __proto__: null, name: textOf(name),
        value: valueOf(value, filename) };
      const entries = entriesOf(this);
      const kept = list();
      let placed = false;
      for (let i = 0; i < entries.length; i++) {
        if (entries[i].name !== entry.name) {
          push(kept, entries[i]);
        } else if (!placed) {
          push(kept, entry);
          placed = true;
        }
      }
      if (!placed) push(kept, entry);
      this.#entries = kept;
    }

    entries() {
      return iterate(this, (entry) => [entry.name, entry.value]);
    }
    keys() {
      return iterate(this, (entry) => entry.name);
    }
    values() {
      return iterate(this, (entry) => entry.value);
    }
    forEach(callback, receiver = undefined) {
      if (typeof callback !== "function")
        throw new TypeError("forEach takes a function");
      for (let i = 0; i < entriesOf(this).length; i++) {
        const { name, value } = entriesOf(this)[i];
        apply(callback, receiver, [value, name, this]);
      }
    }
  }
  const { without } = FormData;
  delete FormData.without;
  define(FormData.prototype, Symbol.iterator, FormData.prototype.entries);
  defineInterface(FormData);

  const Iterator = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));

  /* What is appended meanwhile is seen. */
  const iterate = (form, what) => {
    entriesOf(form);
    let at = 0;
    const iterator = create(Iterator);
    define(iterator, "next", () => {
      const entries = entriesOf(form);
      return at < entries.length
        ? { value: what(entries[at++]), done: false }
        : { value: undefined, done: true };
    });
    return iterator;
  };

  /* ---- Writing ---- */

  const lines = (text) => replace(/\r\n?|\n/g, text, "\r\n");
  const escape = (text) =>
    replace(/"/g, replace(/\r/g, replace(/\n/g, text, "%0A"), "%0D"), "%22");

  const HEX = "0123456789abcdef";
  const boundary = () => {
    const bytes = new Uint8Array(16);
    $.random(bytes);
    let text = "----torpor-";
    for (let i = 0; i < 16; i++)
      text += HEX[bytes[i] >> 4] + HEX[bytes[i] & 15];
    return text;
  };

  const encode = (form) => {
    const mark = boundary();
    const chunks = list();
    const write = (text) => push(chunks, $.bytes(text));
    const entries = entriesOf(form);
    for (let i = 0; i < entries.length; i++) {
      const { name, value } = entries[i];
      const head = "--" + mark +
        '\r\nContent-Disposition: form-data; name="' + escape(lines(name)) +
        '"';
      if (typeof value === "string") {
        write(head + "\r\n\r\n" + lines(value) + "\r\n");
        continue;
      }
      const type = blobs.typeOf(value);
      write(head + '; filename="' + escape(blobs.nameOf(value)) +
        '"\r\nContent-Type: ' +
        (type === "" ? "application/octet-stream" : type) + "\r\n\r\n");
      push(chunks, blobs.bytes(value));
      write("\r\n");
    }
    write("--" + mark + "--\r\n");
    return { __proto__: null, bytes: octets.join(chunks),
      type: "multipart/form-data; boundary=" + mark };
  };

  /* ---- Reading ---- */

  /* Where 'wanted' is in 'bytes', from 'from'; -1: nowhere. */
  const find = (bytes, wanted, from) => {
    for (;;) {
      const at = indexOf(bytes, wanted[0], from);
      if (at < 0 || at + wanted.length > bytes.length) return -1;
      let i = 1;
      while (i < wanted.length && bytes[at + i] === wanted[i]) i++;
      if (i === wanted.length) return at;
      from = at + 1;
    }
  };

  const bad = () => new TypeError("the body is no multipart/form-data");

  const unescape = (text) =>
    replace(/%22/g, replace(/%0D/gi, replace(/%0A/gi, text, "\n"), "\r"), '"');

  const parameter = (expression, head) => {
    const found = exec(expression, head);
    return found === null ? undefined : unescape(found[1]);
  };

  const addPart = (form, head, bytes) => {
    const disposition =
      exec(/^content-disposition:[ \t]*form-data(.*)$/im, head);
    if (disposition === null) throw bad();
    const name = parameter(/;[ \t]*name="([^"]*)"/i, disposition[1]);
    const filename = parameter(/;[ \t]*filename="([^"]*)"/i, disposition[1]);
    if (name === undefined) throw bad();
    if (filename === undefined) {
      form.append(name, $.text(bytes));
      return;
    }
    const type = exec(/^content-type:[ \t]*([^\r\n]*)/im, head);
    form.append(name, blobs.file(bytes, filename,
      type === null ? "text/plain" : lower(type[1])));
  };

  const decode = (bytes, mark) => {
    const form = new FormData();
    const first = $.bytes("--" + mark);
    const next = $.bytes("\r\n--" + mark);
    const gap = $.bytes("\r\n\r\n");
    let at = find(bytes, first, 0);
    if (at < 0) throw bad();
    at += first.length;
    for (;;) {
      if (bytes[at] === 45 && bytes[at + 1] === 45) return form;
      if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw bad();
      const body = find(bytes, gap, at);
      const end = body < 0 ? -1 : find(bytes, next, body + 2);
      if (end < 0) throw bad();
      const from = body + 4 < end ? body + 4 : end;
      addPart(form, $.text(subarray(bytes, at + 2, body)),
        subarray(bytes, from, end));
      at = end + next.length;
    }
  };

  $.forms = { __proto__: null, decode, encode, is: isForm,
    make: () => new FormData() };
})
