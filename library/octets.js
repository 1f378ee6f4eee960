/* SPDX-License-Identifier: MIT */
/* octets.js - bytes of any kind, for the other files. They use $.octets:
 *
 *   bytesIn(value)   those of an ArrayBuffer or a view, where they lie
 *   join(chunks)     a copy of all of them
 *   gather(chunks)   the same, or the only one as it is
 *   textOf(bytes)    UTF-8 as text, without a byte order mark */
(function ($) {
  "use strict";

  const { classOf, getter, uncurry } = $;
  const { ArrayBuffer, DataView, Reflect, Uint8Array } = $.global;
  const { isView } = ArrayBuffer;
  const setBytes = uncurry(Uint8Array.prototype.set);
  const subarray = uncurry(Uint8Array.prototype.subarray);
  const typed = Reflect.getPrototypeOf(Uint8Array.prototype);
  const bufferOfTyped = getter(typed, "buffer");
  const offsetOfTyped = getter(typed, "byteOffset");
  const sizeOfTyped = getter(typed, "byteLength");
  const bufferOfView = getter(DataView.prototype, "buffer");
  const offsetOfView = getter(DataView.prototype, "byteOffset");
  const sizeOfView = getter(DataView.prototype, "byteLength");

  /* The bytes of an ArrayBuffer or a view on one, as they lie there; undefined:
   * it is neither. */
  const bytesIn = (value) => {
    if (typeof value !== "object" || value === null) return undefined;
    if (isView(value)) {
      return classOf(value) === "DataView"
        ? new Uint8Array(bufferOfView(value), offsetOfView(value),
          sizeOfView(value))
        : new Uint8Array(bufferOfTyped(value), offsetOfTyped(value),
          sizeOfTyped(value));
    }
    const kind = classOf(value);
    return kind === "ArrayBuffer" || kind === "SharedArrayBuffer"
      ? new Uint8Array(value)
      : undefined;
  };

  /* Copies of these, one behind the other. */
  const join = (chunks) => {
    let size = 0;
    for (let i = 0; i < chunks.length; i++) size += chunks[i].length;
    const all = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < chunks.length; i++) {
      setBytes(all, chunks[i], at);
      at += chunks[i].length;
    }
    return all;
  };

  const gather = (chunks) => (chunks.length === 1 ? chunks[0] : join(chunks));

  const textOf = (bytes) =>
    $.text(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
      ? subarray(bytes, 3)
      : bytes);

  $.octets = { __proto__: null, bytesIn, gather, join, textOf };
})
