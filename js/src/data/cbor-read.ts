// SPDX-License-Identifier: MIT
//
// cbor-read.ts - CBOR to values of this host.
//
// The bytes may come from anywhere. Every length is compared with what is left
// before anything is allocated, nesting is bounded, and what is not understood
// is refused with the byte at which it stands, in the words of the engine's own
// reader (guest/cbor-read.c). No code of the program runs: properties are
// defined, never set.
//
//  (1) A container is entered in 'shared' before its contents are read, so that
//      it may contain itself.
//  (2) All bytes are copied: nothing that is made depends on the data.
//
// Here are heads, numbers and containers; cbor-read-tags.ts has what tags say.

import { Status } from "../abi.js";
import { errorOf, fail } from "../errors.js";
import * as cbor from "./cbor.js";
import type { OfHandle } from "./cbor.js";
import { readTagged } from "./cbor-read-tags.js";
import { defineOwn } from "./object-build.js";
import { addKey, findKey, type KeyNode, SHAPE_KEYS } from "./read-shape.js";
import { readText, TextFault } from "./text-read.js";

export interface ReadOptions {
  /** Gives the value of a handle of the VM from which the data come. */
  handle?: OfHandle;
}

/** An item of an array that the array lacks. */
const HOLE = Symbol("hole");
/** The object of a number of 'shared' that has not begun. */
const NOT_BEGUN = Symbol("not begun");
const NOT_SHARED = -1;
const SMALLEST_HALF = 2 ** -24;
/** Items up to which an array is made when they are there. */
const FEW = 16;
/** Items for which an array has room at once. */
const ROOM = 65536;

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The number whose bits as a half are these: there is a single that is equal. */
function halfOf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return (bits & 0x8000 ? -1 : 1) * fraction * SMALLEST_HALF;
  const scale = exponent === 31 ? 255 : exponent + 112;
  singleBits[0] = ((bits & 0x8000) << 16) | (scale << 23) | (fraction << 13);
  return single[0]!;
}

function withHoles(values: unknown[], base: number, count: number): unknown[] {
  const items: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) {
    if (values[base + i] !== HOLE) items[i] = values[base + i];
  }
  return items;
}

export class Reader {
  data: Uint8Array;
  view: DataView;
  readonly size: number;
  readonly handle: OfHandle | undefined;
  private owned = false;
  at = 0;
  /** The major type, number and place of the head that was read last. */
  major = 0;
  info = 0;
  number = 0;
  headAt = 0;
  /** Items around what is read. */
  depth = 0;
  /** The number that the next container gets, or NOT_SHARED. */
  share = NOT_SHARED;
  readonly shared: unknown[] = [];
  /** Values of arrays and objects that are not complete, up to 'top'. */
  private readonly values: unknown[] = [];
  private top = 0;

  constructor(data: Uint8Array, handle: OfHandle | undefined) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.size = data.byteLength;
    this.handle = handle;
  }

  /** Copies the data before somebody is asked who may move it: it may lie in the
   * memory of a guest, which goes away when it grows. */
  own(): void {
    if (this.owned) return;
    this.owned = true;
    this.data = this.data.slice();
    this.view = new DataView(this.data.buffer);
  }

  refuse(at: number, what: string): never {
    fail(Status.FORMAT, `CBOR: ${what} at byte ${at}`);
  }

  // ---- Pieces ---------------------------------------------------------------

  /** A number of 64 bits from 2^53 on loses what a number cannot hold; then it
   * is of no use but for readInteger, which reads it again. */
  readHead(): void {
    const at = this.at;
    this.headAt = at;
    if (at >= this.size) this.refuse(at, "the data ends early");
    const first = this.data[at]!;
    const info = first & 31;
    this.major = first >> 5;
    this.info = info;
    this.number = info;
    this.at = at + 1;
    if (info >= 24) this.readNumber(info);
  }

  private readNumber(info: number): void {
    const at = this.at;
    if (info > 27) {
      this.refuse(at - 1, info === 31 ? "an indefinite length" : "a reserved value");
    }
    const size = 1 << (info - 24);
    if (this.size - at < size) this.refuse(at - 1, "the data ends early");
    if (size === 1) this.number = this.data[at]!;
    else if (size === 2) this.number = this.view.getUint16(at);
    else if (size === 4) this.number = this.view.getUint32(at);
    else this.number = this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4);
    this.at = at + size;
  }

  /** Refuses a count of more than is there, with 'each' bytes for each. */
  checkFits(each: number): void {
    if (this.number > (this.size - this.at) / each) this.refuseLength(this.headAt);
  }

  private refuseLength(at: number): never {
    this.refuse(at, "a length beyond the end of the data");
  }

  /** Enters the container that has just been made. */
  bind(value: unknown): void {
    if (this.share === NOT_SHARED) return;
    this.shared[this.share] = value;
    this.share = NOT_SHARED;
  }

  /** What comes next does not get the number that the next container gets. */
  endShare(): void {
    this.share = NOT_SHARED;
  }

  /** The text of the head that has been read. */
  readTextOf(): string {
    const at = this.headAt;
    const surrogates = this.major === cbor.TAG && this.number === cbor.TAG_WTF8;
    if (surrogates) this.readHead();
    if (this.major !== (surrogates ? cbor.BYTES : cbor.TEXT)) {
      this.refuse(at, "text is expected, and something else is there");
    }
    this.headAt = at;
    this.checkFits(1);
    return this.takeText(this.number, surrogates);
  }

  private takeText(size: number, surrogates: boolean): string {
    const at = this.at;
    this.at = at + size;
    try {
      return readText(this.data, at, size, surrogates);
    } catch (error) {
      if (error instanceof TextFault) this.refuse(error.at, "text that is not UTF-8");
      throw error;
    }
  }

  readString(): string {
    this.readHead();
    return this.readTextOf();
  }

  /** A byte string, in memory of its own. */
  readBytes(): Uint8Array<ArrayBuffer> {
    this.readHead();
    if (this.major !== cbor.BYTES) {
      this.refuse(this.headAt, "bytes are expected, and something else is there");
    }
    this.checkFits(1);
    const at = this.at;
    this.at += this.number;
    return this.data.slice(at, this.at) as Uint8Array<ArrayBuffer>;
  }

  // ---- Numbers --------------------------------------------------------------

  /** -1 - n for negative ones; a BigInt where a number is not exact. */
  private readInteger(): number | bigint {
    const negative = this.major === cbor.NEGATIVE;
    const n = this.number;
    if (n < Number.MAX_SAFE_INTEGER) return negative ? -1 - n : n;
    if (n === Number.MAX_SAFE_INTEGER && !negative) return n;
    const exact = this.view.getBigUint64(this.at - 8);
    return negative ? -1n - exact : exact;
  }

  /** 'number' is that of the head: of a float its bits, up to 32. */
  private readSimple(first: number, number: number, at: number): unknown {
    switch (first) {
      case cbor.FALSE:
        return false;
      case cbor.TRUE:
        return true;
      case cbor.NULL:
        return null;
      case cbor.UNDEFINED:
        return undefined;
      case cbor.HALF:
        return halfOf(number);
      case cbor.FLOAT:
        return this.view.getFloat32(at + 1);
      case cbor.DOUBLE:
        return this.view.getFloat64(at + 1);
      default:
        return this.refuse(at, "an unknown simple value");
    }
  }

  // ---- Arrays ---------------------------------------------------------------

  /** Passes over a hole, if one is there. */
  private passHole(): boolean {
    const start = this.at;
    const first = this.data[start]!;
    if (first < 0xd8 || first > 0xdb) return false;
    const end = start + 1 + (1 << (first & 3));
    if (end >= this.size || this.data[end] !== cbor.UNDEFINED) return false;
    this.readHead();
    this.at = this.number === cbor.TAG_HOLE ? end + 1 : start;
    return this.at !== start;
  }

  /** Reads items on top of 'values'; gives how many of them are holes. */
  private pushItems(count: number): number {
    let holes = 0;
    for (let i = 0; i < count; i++) {
      let item: unknown = HOLE;
      if (this.at < this.size && this.data[this.at]! >> 5 === cbor.TAG && this.passHole()) {
        holes++;
      } else item = this.readValue();
      this.values[this.top++] = item;
    }
    return holes;
  }

  /** An array of few items, which is made when they are there: so it is of the
   * size that it needs. */
  private readFew(count: number): unknown[] {
    const values = this.values;
    const base = this.top;
    const holes = this.pushItems(count);
    this.top = base;
    if (holes > 0) return withHoles(values, base, count);
    switch (count) {
      case 0:
        return [];
      case 1:
        return [values[base]];
      case 2:
        return [values[base], values[base + 1]];
      case 3:
        return [values[base], values[base + 1], values[base + 2]];
      default:
        return values.slice(base, base + count);
    }
  }

  private readMany(count: number): unknown[] {
    const items: unknown[] = new Array(Math.min(count, ROOM));
    this.bind(items);
    for (let i = 0; i < count; i++) {
      if (this.at < this.size && this.data[this.at]! >> 5 === cbor.TAG && this.passHole()) {
        continue;
      }
      items[i] = this.readValue();
    }
    if (items.length !== count) items.length = count; /* it ends in holes */
    return items;
  }

  private readArray(count: number, at: number): unknown[] {
    if (count > this.size - this.at) this.refuseLength(at);
    this.depth++;
    const few = count <= FEW && this.share === NOT_SHARED;
    const items = few ? this.readFew(count) : this.readMany(count);
    this.depth--;
    return items;
  }

  // ---- Objects --------------------------------------------------------------

  /** Reads a key and its value into 'object', where the key must be new. */
  private readProperty(object: object): void {
    const at = this.at;
    const key = this.readString();
    if (Object.hasOwn(object, key)) this.refuse(at, "a key that was there before");
    defineOwn(object, key, this.readValue());
  }

  private readLarge(count: number): object {
    const object = {};
    this.bind(object);
    for (let i = 0; i < count; i++) this.readProperty(object);
    return object;
  }

  /** Reads a key that is not known behind those above. */
  private learnKey(count: number, above: KeyNode | null): KeyNode {
    const at = this.at;
    const key = this.readString();
    if (above && above.has(key)) this.refuse(at, "a key that was there before");
    return addKey(this.view, at, this.at, key, count, above);
  }

  /** An object of few keys, which have been known since one like it was read. */
  private readSmall(count: number): object {
    const base = this.top;
    const values = this.values;
    let node: KeyNode | null = null;
    for (let i = 0; i < count; i++) {
      const known = findKey(this.view, this.at, this.size, count, node);
      if (known) this.at += known.size;
      node = known ?? this.learnKey(count, node);
      const value = this.readValue();
      values[this.top++] = value;
    }
    this.top = base;
    return node!.make(values, base);
  }

  private readObject(count: number, at: number): object {
    if (count > (this.size - this.at) / 2) this.refuseLength(at);
    this.depth++;
    const small = count > 0 && count <= SHAPE_KEYS && this.share === NOT_SHARED;
    const object = small ? this.readSmall(count) : this.readLarge(count);
    this.depth--;
    return object;
  }

  // ---- Values ---------------------------------------------------------------

  /** Nearly all values are read at once, by a head of up to 5 bytes; others as
   * the rules say. */
  readValue(): unknown {
    const at = this.at;
    if (this.depth === cbor.DEPTH_READ) this.refuse(at, "nesting that is too deep");
    if (at >= this.size) this.refuse(at, "the data ends early");
    const first = this.data[at]!;
    const low = first & 31;
    if (low < 24) {
      this.at = at + 1;
      return this.readHeaded(first, low, at);
    }
    if (low === 24 && this.size - at > 1) {
      this.at = at + 2;
      return this.readHeaded(first, this.data[at + 1]!, at);
    }
    if (low === 25 && this.size - at > 2) {
      this.at = at + 3;
      return this.readHeaded(first, this.view.getUint16(at + 1), at);
    }
    if (low === 26 && this.size - at > 4) {
      this.at = at + 5;
      return this.readHeaded(first, this.view.getUint32(at + 1), at);
    }
    if (first === cbor.DOUBLE && this.size - at > 8) {
      this.at = at + 9;
      return this.view.getFloat64(at + 1);
    }
    return this.readOther();
  }

  /** The value of a head that has been read. */
  private readHeaded(first: number, number: number, at: number): unknown {
    switch (first >> 5) {
      case cbor.UNSIGNED:
        return number;
      case cbor.NEGATIVE:
        return -1 - number;
      case cbor.TEXT:
        if (number > this.size - this.at) this.refuseLength(at);
        return this.takeText(number, false);
      case cbor.ARRAY:
        return this.readArray(number, at);
      case cbor.MAP:
        return this.readObject(number, at);
      case cbor.SIMPLE:
        return this.readSimple(first, number, at);
      default:
        this.at = at;
        return this.readOther();
    }
  }

  private readOther(): unknown {
    this.readHead();
    switch (this.major) {
      case cbor.UNSIGNED:
      case cbor.NEGATIVE:
        return this.readInteger();
      case cbor.BYTES:
        this.at = this.headAt;
        return this.readBytes();
      case cbor.TEXT:
        return this.readTextOf();
      case cbor.ARRAY:
        return this.readArray(this.number, this.headAt);
      case cbor.MAP:
        return this.readObject(this.number, this.headAt);
      case cbor.TAG:
        return this.readTag();
      default:
        return this.readSimple(this.info | 0xe0, this.number, this.headAt);
    }
  }

  private readTag(): unknown {
    this.depth++;
    const value = readTagged(this, this.number, this.headAt);
    this.depth--;
    return value;
  }

  // ---- Shared values --------------------------------------------------------

  /** Adds a number for a value that is not there yet. */
  addShared(): number {
    return this.shared.push(NOT_BEGUN) - 1;
  }

  readShared(): unknown {
    const number = this.addShared();
    this.share = number;
    const value = this.readValue();
    this.share = NOT_SHARED;
    if (this.shared[number] === NOT_BEGUN) this.shared[number] = value;
    return value;
  }

  readReference(): unknown {
    this.readHead();
    const number = this.number;
    if (
      this.major !== cbor.UNSIGNED ||
      number >= this.shared.length ||
      this.shared[number] === NOT_BEGUN
    ) {
      this.refuse(this.headAt, "a reference to what is not there");
    }
    return this.shared[number];
  }

  /** What all of the data is. */
  readWhole(): unknown {
    const value = this.readValue();
    if (this.at !== this.size) this.refuse(this.at, "more data than one value");
    return value;
  }
}

function isStackOverflow(error: unknown): boolean {
  return (
    (error instanceof RangeError && /call stack/.test(error.message)) ||
    (error instanceof Error && error.name === "InternalError")
  );
}

/**
 * The value of these bytes, all of which are copied.
 *
 * ```js
 * readCbor(new Uint8Array([0x82, 0x01, 0x61, 0x61])); // [1, "a"]
 * ```
 *
 * Throws a FormatError that says at which byte, where they are not one value as
 * docs/cbor.md says; a LimitError; an UnsupportedError for what this host lacks.
 */
export function readCbor(bytes: Uint8Array, options?: ReadOptions): unknown {
  if (bytes.byteLength > cbor.LARGEST) {
    fail(Status.LIMIT, "CBOR: the data is larger than 256 MiB");
  }
  const data = Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return new Reader(data, options?.handle).readWhole();
  } catch (error) {
    if (!isStackOverflow(error)) throw error;
    throw errorOf(
      Status.LIMIT,
      "CBOR: the data is nested deeper than this host's stack allows",
    );
  }
}
