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
import { errorOf, fail } from "../errors.js";
import * as cbor from "./cbor.js";
import type { HandleOf } from "./cbor.js";
import { HEAD, headSize, putHead } from "./cbor-head.js";
import { Marks } from "./cbor-marks.js";
import { writeClass } from "./cbor-write-class.js";
import { putFloat } from "./float-write.js";
import { putAscii, putWtf8, isWellFormed } from "./text-write.js";
import { type KeyNode, SHAPE_KEYS, addKey, findKey } from "./write-shape.js";

export interface WriteOptions {
  /** Gives the number of a handle of the VM to which the data go, for what is
   * to be that handle's value there: it is asked about all that is no data, and
   * about objects of classes. Undefined: it is none. */
  handle?: HandleOf;
}

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
  }

  head(major: number, number: number): void {
    this.room(HEAD);
    this.at = putHead(this.out, this.at, major, number);
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
    if (Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) this.head(cbor.UNSIGNED, value);
      else this.head(cbor.NEGATIVE, -1 - value);
      return;
    }
    this.room(HEAD);
    this.at = putFloat(this.out, this.at, value);
  }

  // ---- Text -----------------------------------------------------------------

  text(text: string): void {
    const length = text.length;
    if (length <= SHORT) {
      this.room(SHORT + HEAD);
      const start = putHead(this.out, this.at, cbor.TEXT, length);
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
    this.room(length + HEAD);
    const guess = headSize(length);
    let { read, written } = this.encode(text, guess);
    if (read < length) {
      this.room(3 * length + HEAD);
      ({ written } = this.encode(text, guess));
    }
    if (written !== length && !isWellFormed(text)) return this.wtf8(text);
    const size = headSize(written);
    const start = this.at + guess;
    if (size !== guess)
      this.out.copyWithin(this.at + size, start, start + written);
    putHead(this.out, this.at, cbor.TEXT, written);
    this.at += size + written;
  }

  private encode(text: string, skip: number): { read: number; written: number } {
    return encoder.encodeInto(text, this.out.subarray(this.at + skip));
  }

  /** Text with lone surrogates: each is three bytes, as if it were a character. */
  private wtf8(text: string): void {
    const bytes = putWtf8(text);
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
      else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) text += `.${key}`;
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
    if (this.depth === cbor.DEPTH)
      fail(Status.LIMIT, `${this.where()} is nested more than ${cbor.DEPTH} deep`);
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

  private learnKey(key: string, above: KeyNode | null): KeyNode {
    const start = this.at;
    this.text(key);
    const bytes = Array.from(this.out.subarray(start, this.at));
    this.at = start;
    return addKey(key, bytes, above);
  }

  private key(node: KeyNode): void {
    const bytes = node.bytes;
    this.room(bytes.length);
    const out = this.out;
    const at = this.at;
    for (let i = 0; i < bytes.length; i++) out[at + i] = bytes[i]!;
    this.at = at + bytes.length;
  }

  /** The keys up to, and not with, 'key', which are not there any more. */
  private gone(path: readonly KeyNode[], from: number, key?: string): number {
    let i = from;
    for (; i < path.length && path[i]!.key !== key; i++) {
      this.key(path[i]!);
      this.byte(cbor.UNDEFINED);
    }
    return i;
  }

  /** An object that inherits nothing that can be enumerated. Getters in it may
   * take away what comes behind them. */
  private plainObject(object: Record<string, unknown>): void {
    let node: KeyNode | null = null;
    let count = 0;
    for (const key in object) {
      if (++count > SHAPE_KEYS) return this.properties(object);
      node = findKey(key, node) ?? this.learnKey(key, node);
    }
    this.enter();
    this.head(cbor.MAP, count);
    if (node) this.values(object, node.path);
    this.leave();
  }

  private values(object: Record<string, unknown>, path: readonly KeyNode[]): void {
    let i = 0;
    for (const key in object) {
      if (i < path.length && path[i]!.key !== key) i = this.gone(path, i, key);
      if (i === path.length) break;
      this.step(key);
      this.key(path[i++]!);
      this.value(object[key]);
    }
    if (i < path.length) this.gone(path, i);
  }

  // ---- Values ---------------------------------------------------------------

  value(value: unknown): void {
    switch (typeof value) {
      case "number":
        if ((value | 0) === value && value > 0 && value < 24) this.byte(value);
        else this.number(value);
        return;
      case "string":
        return this.text(value);
      case "object":
        if (value === null) this.byte(cbor.NULL);
        else this.object(value);
        return;
      case "undefined":
        return this.byte(cbor.UNDEFINED);
      case "boolean":
        return this.byte(value ? cbor.TRUE : cbor.FALSE);
      default:
        return writeClass(this, value);
    }
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
  } finally {
    writer.end();
  }
}
