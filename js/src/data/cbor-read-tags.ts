// SPDX-License-Identifier: MIT
//
// cbor-read-tags.ts - CBOR to values of this host: what tags say.
//
// See cbor-read.ts, whose Reader is at the item that has the tag. Errors are in
// error-read.ts.

import * as cbor from "./cbor.js";
import type { ViewKind } from "./cbor.js";
import type { Reader } from "./cbor-read.js";
import { readError } from "./error-read.js";

// ---- Scalars ----------------------------------------------------------------

/** As round() of C: halves go away from zero. */
function round(number: number): number {
  const whole = Math.trunc(number);
  return Math.abs(number - whole) >= 0.5 ? whole + Math.sign(number) : whole;
}

function readDate(r: Reader): Date {
  const at = r.at;
  const seconds = r.readValue();
  if (typeof seconds !== "number") return r.refuse(at, "a date that is not a number");
  return new Date(round(seconds * 1000));
}

function bigintOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  let digits = "0x";
  for (const byte of bytes) digits += (byte < 16 ? "0" : "") + byte.toString(16);
  return BigInt(digits);
}

function readBigint(r: Reader, negative: boolean): bigint {
  const at = r.at;
  const bytes = r.readBytes();
  if (bytes.length >= cbor.BIGINT_BYTES) r.refuse(at, "too large a BigInt");
  const magnitude = bigintOf(bytes);
  return negative ? -1n - magnitude : magnitude;
}

/** A Number, String, Boolean or BigInt object. */
function readBoxed(r: Reader): unknown {
  const at = r.at;
  const value = r.readValue();
  switch (typeof value) {
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return Object(value);
    default:
      return r.refuse(at, "an object of what is no primitive");
  }
}

function readRegExp(r: Reader, at: number): RegExp {
  r.readHead();
  if (r.major !== cbor.ARRAY || r.number !== 2) {
    r.refuse(r.headAt, "a RegExp that is not [source, flags]");
  }
  const source = r.readString();
  const flags = r.readString();
  try {
    return new RegExp(source, flags);
  } catch (error) {
    return r.refuse(at, `a RegExp that this host refuses (${(error as Error).message})`);
  }
}

// ---- Map and Set ------------------------------------------------------------

function readMap(r: Reader): Map<unknown, unknown> {
  const made = new Map<unknown, unknown>();
  r.readHead();
  if (r.major !== cbor.MAP) r.refuse(r.headAt, "a Map or Set of something else");
  r.checkFits(2);
  r.bind(made);
  for (let left = r.number; left > 0; left--) {
    const at = r.at;
    const key = r.readValue();
    if (made.has(key)) r.refuse(at, "a key that was there before");
    made.set(key, r.readValue());
  }
  return made;
}

function readSet(r: Reader): Set<unknown> {
  const made = new Set<unknown>();
  r.readHead();
  if (r.major !== cbor.ARRAY) r.refuse(r.headAt, "a Map or Set of something else");
  r.checkFits(1);
  r.bind(made);
  for (let left = r.number; left > 0; left--) {
    const at = r.at;
    const item = r.readValue();
    if (made.has(item)) r.refuse(at, "a key that was there before");
    made.add(item);
  }
  return made;
}

// ---- Views ------------------------------------------------------------------

function viewOf(
  r: Reader,
  kind: ViewKind,
  buffer: ArrayBuffer,
  offset: number,
  size: number,
  at: number,
): ArrayBufferView {
  if (offset % kind.each !== 0 || size % kind.each !== 0) {
    r.refuse(at, "a typed array of half an element");
  }
  if (offset + size > buffer.byteLength) {
    r.refuse(at, "a view that is not within its buffer");
  }
  if (kind.make === undefined) {
    r.lacking = kind.name;
    return new Uint8Array(buffer, offset, size);
  }
  return new kind.make(buffer, offset, size / kind.each);
}

/** A view of all of a new buffer. */
function readView(r: Reader, kind: ViewKind): ArrayBufferView {
  const at = r.at;
  const bytes = r.readBytes();
  if (kind.tag === cbor.TAG_UINT8) return bytes;
  return viewOf(r, kind, bytes.buffer, 0, bytes.length, at);
}

/** A view of a whole buffer, which has a number for the references to it. */
function readWholeView(r: Reader): ArrayBufferView {
  const number = r.addShared();
  r.readHead();
  const kind = cbor.viewKind(r.major === cbor.BYTES ? cbor.TAG_UINT8 : r.number);
  if (r.major === cbor.BYTES) r.at = r.headAt;
  else if (r.major !== cbor.TAG || !kind) r.refuse(r.headAt, "a buffer of what is no view");
  const view = readView(r, kind!);
  r.shared[number] = view.buffer;
  return view;
}

function readUnsigned(r: Reader): number {
  r.readHead();
  if (r.major !== cbor.UNSIGNED || r.number > 0xffffffff) {
    r.refuse(r.headAt, "a number is expected, and something else is there");
  }
  return r.number;
}

/** The kind of view whose tag stands there as a number. */
function viewKindThere(r: Reader): ViewKind {
  r.readHead();
  const kind = r.major === cbor.UNSIGNED ? cbor.viewKind(r.number) : undefined;
  return kind ?? r.refuse(r.headAt, "an unknown kind of view");
}

/** A view of a part of a buffer: [tag of the view, buffer, offset, size]. One
 * that is shared gets its number when it is there. */
function readPart(r: Reader): ArrayBufferView {
  r.endShare();
  r.readHead();
  const at = r.headAt;
  if (r.major !== cbor.ARRAY || r.number !== 4) {
    r.refuse(at, "a view that is not [tag, buffer, offset, size]");
  }
  const kind = viewKindThere(r);
  const bufferAt = r.at;
  const buffer = r.readValue();
  if (!(buffer instanceof ArrayBuffer)) {
    return r.refuse(bufferAt, "a view of what is no buffer");
  }
  const offset = readUnsigned(r);
  return viewOf(r, kind, buffer, offset, readUnsigned(r), at);
}

// ---- Handles ----------------------------------------------------------------

/** A value of the other side, which stays there. */
function readHandle(r: Reader, at: number): unknown {
  if (!r.handle) r.refuse(at, "an unknown tag");
  r.readHead();
  if (r.major !== cbor.UNSIGNED || r.number >= 2 ** 48) {
    r.refuse(r.headAt, "a handle that is no number");
  }
  r.own();
  return r.handle!(r.number);
}

// ---- All --------------------------------------------------------------------

/** The value behind a tag that stands at 'at'. */
export function readTagged(r: Reader, tag: number, at: number): unknown {
  switch (tag) {
    case cbor.TAG_DATE:
      return readDate(r);
    case cbor.TAG_BIGINT:
      return readBigint(r, false);
    case cbor.TAG_BIGINT_NEGATIVE:
      return readBigint(r, true);
    case cbor.TAG_SHARED:
      return r.readShared();
    case cbor.TAG_REFERENCE:
      return r.readReference();
    case cbor.TAG_SET:
      return readSet(r);
    case cbor.TAG_MAP:
      return readMap(r);
    case cbor.TAG_REGEXP:
      return readRegExp(r, at);
    case cbor.TAG_WTF8:
      r.at = at;
      return r.readString();
    case cbor.TAG_SYMBOL:
      return Symbol.for(r.readString());
    case cbor.TAG_BOXED:
      return readBoxed(r);
    case cbor.TAG_HOLE:
      return r.refuse(at, "a hole where no array is");
    case cbor.TAG_WHOLE:
      return readWholeView(r);
    case cbor.TAG_PART:
      return readPart(r);
    case cbor.TAG_BUFFER:
      return r.readBytes().buffer;
    case cbor.TAG_ERROR:
      return readError(r);
    case cbor.TAG_HANDLE:
      return readHandle(r, at);
    default: {
      const kind = cbor.viewKind(tag);
      return kind ? readView(r, kind) : r.refuse(at, "an unknown tag");
    }
  }
}
