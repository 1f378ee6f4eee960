// SPDX-License-Identifier: MIT
//
// cbor-read.ts - CBOR to values of this host.
//
// Nesting is bounded, and what is not understood is refused with the byte at
// which it stands (cbor-source.ts). No code of the program runs: properties are
// defined, or assigned where nothing is inherited that could get in the way.
//
//  (1) A container is entered in 'shared' before its contents are read, so that
//      it may contain itself. One that is not shared is made when its contents
//      are there.
//  (2) All bytes are copied: nothing that is made depends on the data.
//
// Here are containers and values; cbor-read-tags.ts has what tags say.

import { Status } from "../abi.js";
import { errorOf, fail, isStackOverflow } from "../errors.js";
import * as cbor from "./cbor.js";
import type { OfHandle } from "./cbor.js";
import { Source } from "./cbor-source.js";
import { readTagged } from "./cbor-read-tags.js";
import { defineOwn, type Template } from "./object-build.js";
import {
  addKey,
  findKey,
  isAgain,
  KEY_LARGEST,
  type KeyNode,
  keysOf,
  SHAPE_KEYS,
} from "./read-shape.js";

export interface ReadOptions {
  /** Gives the value of a handle of the VM from which the data come. */
  handle?: OfHandle;
}

/** An item of an array that the array lacks. */
const HOLE = Symbol("hole");
/** The object of a number of 'shared' that has not begun. */
const NOT_BEGUN = Symbol("not begun");
const NOT_SHARED = -1;
/** Items up to which an array is made when they are there. */
const FEW = 16;
/** Items for which an array has room at once. */
const ROOM = 65536;

function withHoles(values: unknown[], base: number, count: number): unknown[] {
  const items: unknown[] = new Array(count);
  for (let i = 0; i < count; i++) {
    if (values[base + i] !== HOLE) items[i] = values[base + i];
  }
  return items;
}

/** The values from 'base' on as an array. */
function fewOf(values: unknown[], base: number, count: number): unknown[] {
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

export class Reader extends Source {
  readonly handle: OfHandle | undefined;
  /** A class that the data have and this host lacks. All is read nevertheless, so
   * that every handle in it gets to whom it is for. */
  lacking: string | undefined;
  /** Items around what is read. */
  private depth = 0;
  /** The number that the next container gets, or NOT_SHARED. */
  private share = NOT_SHARED;
  readonly shared: unknown[] = [];
  /** Values of arrays and objects that are not complete, up to 'top'. */
  private readonly values: unknown[] = [];
  private top = 0;

  constructor(data: Uint8Array, handle: OfHandle | undefined) {
    super(data);
    this.handle = handle;
  }

  // ---- Arrays ---------------------------------------------------------------

  /** Passes over a hole, if one is there. */
  private passHole(): boolean {
    const start = this.at;
    const first = start < this.size ? this.data[start]! : 0;
    if (first < 0xd8 || first > 0xdb) return false;
    const end = start + 1 + (1 << (first & 3));
    if (end >= this.size || this.data[end] !== cbor.UNDEFINED) return false;
    this.readHead();
    this.at = this.number === cbor.TAG_HOLE ? end + 1 : start;
    return this.at !== start;
  }

  /** An array of few items is made when they are there: so it is of the size that
   * it needs. */
  private readArray(count: number, at: number): unknown[] {
    if (count > this.size - this.at) this.refuseLength(at);
    if (count > FEW || this.share !== NOT_SHARED) return this.readMany(count);
    const values = this.values;
    const base = this.top;
    let holes = 0;
    this.depth++;
    for (let i = 0; i < count; i++) {
      const hole = this.passHole();
      const item = hole ? HOLE : this.readValue();
      if (hole) holes++;
      values[this.top++] = item;
    }
    this.depth--;
    this.top = base;
    return holes > 0 ? withHoles(values, base, count) : fewOf(values, base, count);
  }

  private readMany(count: number): unknown[] {
    const items: unknown[] = new Array(Math.min(count, ROOM));
    this.bind(items);
    this.depth++;
    for (let i = 0; i < count; i++) if (!this.passHole()) items[i] = this.readValue();
    this.depth--;
    if (items.length !== count) items.length = count; /* it ends in holes */
    return items;
  }

  // ---- Objects --------------------------------------------------------------

  /** Reads the properties from number 'from' on. Each key must be new. */
  private readProperties(object: Template, from: number, count: number): void {
    this.depth++;
    for (let i = from; i < count; i++) {
      const at = this.at;
      const key = this.readString();
      const inherited = key in object;
      if (inherited && Object.hasOwn(object, key)) this.refuse(at, "a key that was there before");
      const value = this.readValue();
      if (inherited) defineOwn(object, key, value);
      else object[key] = value;
    }
    this.depth--;
  }

  private readLarge(count: number): object {
    const object: Template = {};
    this.bind(object);
    this.readProperties(object, 0, count);
    return object;
  }

  /** An object that begins with keys that are known and goes on with others. */
  private readUnknown(last: KeyNode | null, base: number, from: number, count: number): object {
    const object: Template = {};
    keysOf(last).forEach((key, i) => defineOwn(object, key, this.values[base + i]));
    this.top = base;
    this.readProperties(object, from, count);
    return object;
  }

  /** Learns the key that stands here behind those above; null: it does not pay. */
  private learnKey(count: number, above: KeyNode | null, learning: boolean): KeyNode | null {
    const at = this.at;
    const key = this.readString();
    if (above && above.has(key)) this.refuse(at, "a key that was there before");
    if (learning ? this.at - at <= KEY_LARGEST : isAgain(this.view, at, this.at, count)) {
      return addKey(this.view, at, this.at, key, count, above);
    }
    this.at = at;
    return null;
  }

  /** An object of few keys is made when its values are there; its keys have been
   * known since one like it was read. */
  private readObject(count: number, at: number): object {
    if (count > (this.size - this.at) / 2) this.refuseLength(at);
    if (count === 0 || count > SHAPE_KEYS || this.share !== NOT_SHARED) {
      return this.readLarge(count);
    }
    const values = this.values;
    const base = this.top;
    let node: KeyNode | null = null;
    let learning = false;
    for (let i = 0; i < count; i++) {
      let next = findKey(this.view, this.at, this.size, count, node);
      if (next) {
        this.at += next.size;
      } else {
        next = this.learnKey(count, node, learning);
        if (next === null) return this.readUnknown(node, base, i, count);
        learning = true;
      }
      node = next;
      this.depth++;
      const value = this.readValue();
      this.depth--;
      values[this.top++] = value;
    }
    this.top = base;
    return node!.make(values, base);
  }

  // ---- Values ---------------------------------------------------------------

  /** Heads of up to 5 bytes, which nearly all are, are read right here. */
  readValue(): unknown {
    const at = this.at;
    if (this.depth === cbor.DEPTH_READ) this.refuse(at, "nesting that is too deep");
    if (at >= this.size) this.refuse(at, "the data ends early");
    const first = this.data[at]!;
    const low = first & 31;
    const left = this.size - at;
    let number = low;
    if (low < 24) {
      this.at = at + 1;
    } else if (low === 24 && left > 1) {
      number = this.data[at + 1]!;
      this.at = at + 2;
    } else if (low === 25 && left > 2) {
      number = this.view.getUint16(at + 1);
      this.at = at + 3;
    } else if (low === 26 && left > 4) {
      number = this.view.getUint32(at + 1);
      this.at = at + 5;
    } else {
      this.readHead();
      number = this.number;
    }
    switch (first >> 5) {
      case cbor.UNSIGNED:
        return low === 27 ? this.readLong(at, false) : number;
      case cbor.NEGATIVE:
        return low === 27 ? this.readLong(at, true) : -1 - number;
      case cbor.BYTES:
        this.at = at;
        return this.readBytes();
      case cbor.TEXT:
        if (number > this.size - this.at) this.refuseLength(at);
        return this.takeText(number, false);
      case cbor.ARRAY:
        return this.readArray(number, at);
      case cbor.MAP:
        return this.readObject(number, at);
      case cbor.SIMPLE:
        return this.readSimple(first, number, at);
      default: {
        this.depth++;
        const value = readTagged(this, number, at);
        this.depth--;
        return value;
      }
    }
  }

  // ---- Shared values --------------------------------------------------------

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
    if (this.lacking !== undefined) {
      fail(
        Status.UNSUPPORTED,
        `this host has no ${this.lacking}, which is in the data: give it to the host as another ` +
          "typed array",
      );
    }
    return value;
  }
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
