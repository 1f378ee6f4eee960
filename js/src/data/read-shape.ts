// SPDX-License-Identifier: MIT
//
// read-shape.ts - the keys of small objects, as they were read before.
//
// Objects of a program have few shapes. Their keys form a tree: a node is a key
// behind those above it, with the bytes that it has in CBOR. Reading an object
// walks down while the bytes are the same, and decodes a key only where they
// are not. At the end of the way is a shape, which makes the object from its
// values: a copy of a template, so that all of them have one hidden class in the
// host's engine.
//
//  (1) A template has its keys as own properties, defined and not set. So a key
//      like __proto__ is one like any other, whatever Object.prototype has.
//  (2) No two keys on a way are the same text.
//
// A key gets into the tree when it comes for the second time, so that keys that
// come once, as those of a dictionary, cost little. The tree lives as long as the
// program, and is bounded in number and size.

import { type Build, buildAny, defineOwn, takeBuild, type Template } from "./object-build.js";

/** Objects of up to so many keys are read with shapes. */
export const SHAPE_KEYS = 16;

/** Most bytes of a key that is kept. */
export const KEY_LARGEST = 64;
/** Places for keys that came once, by a hash. */
const ONCE = 1024;
/** A shape of which so many objects were made is one of many. */
const OFTEN = 50;
/** First keys are found by a hash. */
const ROOTS = 512;
/** Most nodes; then all of them are forgotten. */
const NODES = 4096;
/** Most nodes that follow one; then the oldest is forgotten. */
const SIBLINGS = 64;

export class KeyNode {
  readonly key: string;
  /** Of the key with its head, in bytes. */
  readonly size: number;
  /** These bytes, and their whole words of 4, which are compared first. */
  private readonly bytes: readonly number[];
  private readonly words: readonly number[];
  /** Those above, null at the first key. */
  readonly above: KeyNode | null;
  child: KeyNode | null = null;
  next: KeyNode | null = null;
  private shape: Shape | null = null;

  constructor(key: string, bytes: Uint8Array, above: KeyNode | null) {
    this.key = key;
    this.size = bytes.length;
    this.bytes = Array.from(bytes);
    this.words = wordsOf(bytes);
    this.above = above;
  }

  /** Whether this key stands at 'at'; 'end' is that of the data. */
  standsAt(data: DataView, at: number, end: number): boolean {
    if (this.size > end - at) return false;
    const words = this.words;
    let from = at;
    for (let i = 0; i < words.length; i++, from += 4) {
      if (words[i] !== data.getInt32(from)) return false;
    }
    const bytes = this.bytes;
    for (let i = from - at; i < bytes.length; i++, from++) {
      if (bytes[i] !== data.getUint8(from)) return false;
    }
    return true;
  }

  has(key: string): boolean {
    for (let node: KeyNode | null = this; node; node = node.above) {
      if (node.key === key) return true;
    }
    return false;
  }

  /** An object with the keys up to this one; its values are those from 'base'. */
  make(values: readonly unknown[], base: number): object {
    const shape = this.shape ?? (this.shape = new Shape(this));
    return shape.make(values, base);
  }
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) words.push(view.getInt32(at));
  return words;
}

const roots: (KeyNode | null)[] = new Array(ROOTS).fill(null);
let nodes = 0;

/** By the head of the first key and its first letter. */
function rootOf(data: DataView, at: number, end: number, count: number): number {
  const first = end - at > 1 ? data.getUint16(at) : 0;
  return (first * 7 + count * 61) & (ROOTS - 1);
}

/** The node of the key at 'at', which the object of 'count' keys has behind
 * 'above'; null: not known. */
export function findKey(
  data: DataView,
  at: number,
  end: number,
  count: number,
  above: KeyNode | null,
): KeyNode | null {
  let node = above ? above.child : roots[rootOf(data, at, end, count)]!;
  while (node && !node.standsAt(data, at, end)) node = node.next;
  return node;
}

/** Keeps the first ones of a list. */
function shorten(node: KeyNode | null): void {
  for (let i = 2; node; node = node.next, i++) {
    if (i >= SIBLINGS) {
      node.next = null;
      return;
    }
  }
}

const once = new Int32Array(ONCE);

/** Whether the key that stands there came lately, as far as a hash can tell. */
export function isAgain(data: DataView, at: number, end: number, count: number): boolean {
  if (end - at > KEY_LARGEST) return false;
  let hash = count;
  for (let i = at; i < end; i++) hash = (Math.imul(hash, 31) + data.getUint8(i)) | 0;
  const place = (hash ^ (hash >>> 16)) & (ONCE - 1);
  if (once[place] === hash) return true;
  once[place] = hash;
  return false;
}

/** The keys from the first one to the last. */
export function keysOf(last: KeyNode | null): string[] {
  const keys: string[] = [];
  for (let node = last; node; node = node.above) keys.unshift(node.key);
  return keys;
}

function forgetAll(): void {
  roots.fill(null);
  nodes = 0;
}

/** Adds the key that stands between 'at' and 'end', and is none of those above. */
export function addKey(
  data: DataView,
  at: number,
  end: number,
  key: string,
  count: number,
  above: KeyNode | null,
): KeyNode {
  if (++nodes > NODES) forgetAll();
  const bytes = new Uint8Array(data.buffer, data.byteOffset + at, end - at);
  const node = new KeyNode(key, bytes, above);
  if (above) {
    node.next = above.child;
    above.child = node;
  } else {
    const root = rootOf(data, at, data.byteLength, count);
    node.next = roots[root]!;
    roots[root] = node;
  }
  shorten(node.next);
  return node;
}

/** The string that the host's engine itself has for this key: what it learns
 * about assignments it learns for that one. */
function keyOf(text: string): string {
  return Object.keys({ [text]: undefined })[0]!;
}

/** Objects of a shape; the ones of one that is often made are made by code of
 * its own. */
class Shape {
  private readonly keys: readonly string[];
  private readonly template: Template = {};
  private build: Build = buildAny;
  private made = 0;

  constructor(last: KeyNode) {
    const keys = keysOf(last).map(keyOf);
    for (const key of keys) defineOwn(this.template, key, undefined);
    this.keys = keys;
  }

  make(values: readonly unknown[], base: number): object {
    if (++this.made === OFTEN) this.build = takeBuild(this.keys.length) ?? buildAny;
    const build = this.build;
    return build(this.template, this.keys, values, base);
  }
}
