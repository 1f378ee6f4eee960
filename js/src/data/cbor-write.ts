// SPDX-License-Identifier: MIT
//
// cbor-write.ts - values of this host to CBOR.
//
// One walk over the data, in which getters run once. What is met again becomes a
// reference (cbor-marks.ts). Objects of the program's own classes are written as
// maps of their own enumerable properties; what has no data is refused with a
// WrongTypeError that says where it is. Objects may be hostile: whatever their
// getters and proxies throw goes through, and nothing that they do can make
// bytes that are not CBOR.
//
// Here are the pieces, arrays and plain objects; cbor-write-class.ts has the
// other classes. docs/cbor.md specifies the format.

import { Status } from "../abi.js";
import { errorOf, fail, isStackOverflow } from "../errors.js";
import * as cbor from "./cbor.js";
import type { HandleOf } from "./cbor.js";
import { HEAD, headSize, putHead } from "./cbor-head.js";
import { Marks } from "./cbor-marks.js";
import { writeClass } from "./cbor-write-class.js";
import { putFloat } from "./float-write.js";
import { isWellFormed, putAscii, putWtf8 } from "./text-write.js";
import { findKey, type Key, noteKey, START } from "./write-keys.js";

export interface WriteOptions {
  /** Tells what stands for a value of the VM to which the data go. It is asked
   * about all that is no data, and about objects of classes. */
  handle?: HandleOf;
}

/** Keys of an object of which those that came before may have been kept. */
const FEW = 32;
/** Texts of up to so many units are written by hand. */
const SHORT = 96;
/** Bytes of a buffer at first, and of one that is kept for the next data. */
const FIRST = 4096;
const KEPT = 4 * 1024 * 1024;

const encoder = new TextEncoder();
const plain = Object.prototype;

/** Holds nothing that anyone sees: what it is given to has written over it. */
let spare: Uint8Array<ArrayBuffer> | null = null;

function allocate(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw errorOf(Status.NOMEM, `no memory for ${size} bytes of data`, { cause });
  }
}

export class Writer {
  out: Uint8Array<ArrayBuffer>;
  private view: DataView;
  at = 0;
  readonly marks = new Marks();
  readonly handle: HandleOf | undefined;
  /** The keys and indexes that lead to what is written, as many as 'depth'. */
  private readonly path: (string | number)[] = [];
  private depth = 0;
  /** Object.prototype has properties that for-in finds. */
  private readonly inherits: boolean;

  constructor(handle: HandleOf | undefined) {
    this.out = spare ?? allocate(FIRST);
    spare = null;
    this.view = new DataView(this.out.buffer);
    this.handle = handle;
    this.inherits = false;
    for (const _ in plain) this.inherits = true;
  }

  // ---- Pieces ---------------------------------------------------------------

  tooLarge(): never {
    fail(Status.LIMIT, "the data is larger than 256 MiB: pass it in parts");
  }

  /** Makes room for 'size' more bytes, which is nearly always there. */
  room(size: number): void {
    if (this.out.length - this.at < size) this.grow(size);
  }

  private grow(size: number): void {
    if (this.at > cbor.LARGEST) this.tooLarge();
    const bigger = allocate(Math.max(this.out.length * 2, this.at + size));
    bigger.set(this.out.subarray(0, this.at));
    this.out = bigger;
    this.view = new DataView(bigger.buffer);
  }

  head(major: number, number: number): void {
    this.room(HEAD);
    if (number < 24) this.out[this.at++] = (major << 5) | number;
    else this.at = putHead(this.out, this.view, this.at, major, number);
  }

  byte(byte: number): void {
    this.room(1);
    this.out[this.at++] = byte;
  }

  blob(bytes: Uint8Array): void {
    if (this.at + bytes.length > cbor.LARGEST) this.tooLarge();
    this.head(cbor.BYTES, bytes.length);
    this.room(bytes.length);
    this.out.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** All bytes of a buffer; refuses one that was given away. */
  memory(buffer: ArrayBuffer): Uint8Array {
    try {
      return new Uint8Array(buffer);
    } catch {
      return this.refuse("is memory that is gone: its buffer was transferred");
    }
  }

  number(value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) this.head(cbor.UNSIGNED, value);
      else this.head(cbor.NEGATIVE, ~value);
    } else if (Number.isSafeInteger(value) && value !== 0) {
      if (value >= 0) this.head(cbor.UNSIGNED, value);
      else this.head(cbor.NEGATIVE, -1 - value);
    } else {
      this.room(HEAD);
      this.at = putFloat(this.view, this.at, value);
    }
  }

  // ---- Text -----------------------------------------------------------------

  text(text: string): void {
    const length = text.length;
    if (length <= SHORT) {
      this.room(SHORT + HEAD);
      const start = putHead(this.out, this.view, this.at, cbor.TEXT, length);
      const end = putAscii(this.out, start, text);
      if (end >= 0) {
        this.at = end;
        return;
      }
    }
    this.anyText(text);
  }

  /** The head is as for ASCII at first, and moves the text when it has to grow. */
  private anyText(text: string): void {
    const length = text.length;
    if (this.at + length > cbor.LARGEST) this.tooLarge();
    const start = this.at;
    const guess = headSize(length);
    this.room(2 * HEAD + length);
    this.at += guess;
    this.encode(text);
    const written = this.at - start - guess;
    if (written !== length && !isWellFormed(text)) return this.wtf8(start, text);
    const size = headSize(written);
    if (size !== guess) {
      this.room(HEAD);
      this.out.copyWithin(start + size, start + guess, this.at);
      this.at += size - guess;
    }
    putHead(this.out, this.view, start, cbor.TEXT, written);
  }

  /** Writes the text without a head. */
  private encode(text: string): void {
    for (let rest = text;;) {
      const { read, written } = encoder.encodeInto(rest, this.out.subarray(this.at));
      this.at += written;
      if (read === rest.length) return;
      rest = rest.slice(read);
      this.room(3 * rest.length);
    }
  }

  /** Text with lone surrogates: each is three bytes, as if it were a character. */
  private wtf8(start: number, text: string): void {
    const bytes = putWtf8(text);
    this.at = start;
    this.head(cbor.TAG, cbor.TAG_WTF8);
    this.blob(bytes);
  }

  // ---- Where it is ----------------------------------------------------------

  /** As "value.a[3].f"; of a long way its ends. */
  where(): string {
    let text = "value";
    for (let i = 0; i < this.depth; i++) {
      const key = this.path[i]!;
      if (typeof key === "number") text += `[${key}]`;
      else if (isName(key)) text += `.${key}`;
      else text += `[${JSON.stringify(key)}]`;
    }
    return text.length > 200 ? `${text.slice(0, 90)}...${text.slice(-90)}` : text;
  }

  refuse(what: string): never {
    fail(Status.WRONG_TYPE, `${this.where()} ${what}`);
  }

  /** Says where the next value is, inside what is written. */
  step(key: string | number): void {
    this.path[this.depth - 1] = key;
  }

  enter(): void {
    if (this.depth === cbor.DEPTH) {
      fail(Status.LIMIT, `${this.where()} is nested more than ${cbor.DEPTH} deep`);
    }
    this.depth++;
  }

  leave(): void {
    this.depth--;
  }

  // ---- Arrays ---------------------------------------------------------------

  private array(array: readonly unknown[]): void {
    const count = array.length;
    if (!(Number.isSafeInteger(count) && count >= 0)) this.refuse("is an array without a length");
    if (this.at + count > cbor.LARGEST) this.tooLarge();
    this.enter();
    this.head(cbor.ARRAY, count);
    for (let i = 0; i < count; i++) {
      this.step(i);
      const item = array[i];
      if (item === undefined && !Object.hasOwn(array, i)) this.hole();
      else this.value(item);
    }
    this.leave();
  }

  private hole(): void {
    this.head(cbor.TAG, cbor.TAG_HOLE);
    this.byte(cbor.UNDEFINED);
  }

  // ---- Objects --------------------------------------------------------------

  /** The own enumerable properties of any object. */
  properties(object: object): void {
    const keys = Object.keys(object);
    this.enter();
    this.head(cbor.MAP, keys.length);
    for (const key of keys) {
      this.step(key);
      this.text(key);
      this.value((object as Record<string, unknown>)[key]);
    }
    this.leave();
  }

  /** Writes a key behind another one. */
  private key(text: string, above: Key): Key {
    const known = findKey(text, above);
    if (known) {
      this.room(known.room);
      this.at = known.put(this.view, this.at);
      return known;
    }
    const start = this.at;
    this.text(text);
    noteKey(text, this.out.subarray(start, this.at));
    return above;
  }

  /** An object that inherits nothing that can be enumerated. How many keys it has
   * is known at its end, as getters in it may take some away. */
  private plainObject(object: Record<string, unknown>): void {
    const start = this.at;
    let above = START;
    let count = 0;
    this.enter();
    this.head(cbor.MAP, 0);
    for (const key in object) {
      this.step(key);
      if (count++ < FEW) above = this.key(key, above);
      else this.text(key);
      this.value(object[key]);
    }
    this.leave();
    if (count < 24) this.out[start]! |= count;
    else this.widen(start, count);
  }

  /** Gives the map that starts there a longer head. */
  private widen(start: number, count: number): void {
    const more = headSize(count) - 1;
    this.room(more);
    this.out.copyWithin(start + 1 + more, start + 1, this.at);
    putHead(this.out, this.view, start, cbor.MAP, count);
    this.at += more;
    this.marks.move(start, more);
  }

  // ---- Values ---------------------------------------------------------------

  value(value: unknown): void {
    if (typeof value === "number") this.number(value);
    else if (typeof value === "string") this.text(value);
    else if (value === null) this.byte(cbor.NULL);
    else if (typeof value === "object") this.object(value);
    else if (value === undefined) this.byte(cbor.UNDEFINED);
    else if (typeof value === "boolean") this.byte(value ? cbor.TRUE : cbor.FALSE);
    else writeClass(this, value);
  }

  private object(object: object): void {
    if (Array.isArray(object)) {
      if (this.marks.meet(object, this.at)) this.array(object);
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== plain && prototype !== null) return writeClass(this, object);
    if (!this.marks.meet(object, this.at)) return;
    if (this.inherits) this.properties(object);
    else this.plainObject(object as Record<string, unknown>);
  }

  // ---- All ------------------------------------------------------------------

  whole(value: unknown): Uint8Array<ArrayBuffer> {
    this.value(value);
    let bytes = this.out.subarray(0, this.at);
    const merged = this.marks.any;
    if (merged) bytes = this.marks.merge(bytes);
    if (bytes.length > cbor.LARGEST) this.tooLarge();
    return merged || !this.isKept() ? bytes : bytes.slice();
  }

  private isKept(): boolean {
    return this.out.length <= KEPT;
  }

  /** Leaves the buffer to the next one. */
  end(): void {
    if (this.isKept()) spare = this.out;
  }
}

/**
 * A value as CBOR, in memory of its own.
 *
 * ```js
 * writeCbor([1, "a"]); // Uint8Array [0x82, 0x01, 0x61, 0x61]
 * ```
 *
 * Throws a WrongTypeError that says where something is that is no data; a
 * LimitError; and what the value's getters throw.
 */
export function writeCbor(value: unknown, options?: WriteOptions): Uint8Array<ArrayBuffer> {
  const writer = new Writer(options?.handle);
  try {
    return writer.whole(value);
  } catch (cause) {
    if (!isStackOverflow(cause)) throw cause;
    const message = "the value is nested deeper than this host's stack allows";
    throw errorOf(Status.LIMIT, message, { cause });
  } finally {
    writer.end();
  }
}

/** Whether a key may stand behind a dot, of those that are plain ASCII. */
function isName(key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i) | 0x20;
    const letter = (unit >= 0x61 && unit <= 0x7a) || key[i] === "_" || key[i] === "$";
    const digit = key.charCodeAt(i) >= 0x30 && key.charCodeAt(i) <= 0x39;
    if (!letter && !(digit && i > 0)) return false;
  }
  return key.length > 0;
}
