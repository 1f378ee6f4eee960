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
// The tree lives as long as the program, and is bounded.

/** Objects of up to so many keys are read with shapes. */
export const SHAPE_KEYS = 16;

/** First keys are found by a hash. */
const ROOTS = 512;
/** Most nodes; then all of them are forgotten. */
const NODES = 4096;
/** Most nodes that follow one; then the oldest is forgotten. */
const SIBLINGS = 8;

export class KeyNode {
  readonly key: string;
  /** The key as it is written, with its head. */
  readonly bytes: readonly number[];
  /** Those above, null at the first key. */
  readonly above: KeyNode | null;
  child: KeyNode | null = null;
  next: KeyNode | null = null;
  shape: Shape | null = null;

  constructor(key: string, bytes: readonly number[], above: KeyNode | null) {
    this.key = key;
    this.bytes = bytes;
    this.above = above;
  }

  /** Whether this key stands at 'at'; 'end' is that of the data. */
  standsAt(data: Uint8Array, at: number, end: number): boolean {
    const bytes = this.bytes;
    if (bytes.length > end - at) return false;
    for (let i = 0; i < bytes.length; i++)
      if (bytes[i] !== data[at + i]) return false;
    return true;
  }

  has(key: string): boolean {
    for (let node: KeyNode | null = this; node; node = node.above)
      if (node.key === key) return true;
    return false;
  }
}

const roots: (KeyNode | null)[] = new Array(ROOTS).fill(null);
let nodes = 0;

function rootOf(data: Uint8Array, at: number, count: number): number {
  return (count * 61 + data[at]! * 17 + data[at + 1]! * 5 + data[at + 2]!) & (ROOTS - 1);
}

/** The node of the key at 'at', which the object of 'count' keys has behind
 * 'above'; null: not known. */
export function findKey(
  data: Uint8Array,
  at: number,
  end: number,
  count: number,
  above: KeyNode | null,
): KeyNode | null {
  let node = above ? above.child : roots[rootOf(data, at, count)]!;
  while (node && !node.standsAt(data, at, end)) node = node.next;
  return node;
}

/** Keeps the first ones of a list. */
function shorten(node: KeyNode | null): void {
  for (let i = 2; node; node = node.next, i++)
    if (i >= SIBLINGS) {
      node.next = null;
      return;
    }
}

function forgetAll(): void {
  roots.fill(null);
  nodes = 0;
}

/** Adds the key that stands between 'at' and 'end', and is none of those above. */
export function addKey(
  data: Uint8Array,
  at: number,
  end: number,
  key: string,
  count: number,
  above: KeyNode | null,
): KeyNode {
  if (++nodes > NODES) forgetAll();
  const node = new KeyNode(key, Array.from(data.subarray(at, end)), above);
  if (above) {
    node.next = above.child;
    above.child = node;
  } else {
    const root = rootOf(data, at, count);
    node.next = roots[root]!;
    roots[root] = node;
  }
  shorten(node.next);
  return node;
}

/** Defines what assignment would for a key that has no meaning of its own. */
export function defineOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

type Template = Record<string, unknown>;

/** Makes an object: its values are those from 'base' on. */
type Build = (
  template: Template,
  keys: readonly string[],
  values: readonly unknown[],
  base: number,
) => Template;

function buildAny(template: Template, keys: readonly string[], values: readonly unknown[], base: number) {
  const made = { ...template };
  for (let i = 0; i < keys.length; i++) made[keys[i]!] = values[base + i];
  return made;
}

export class Shape {
  readonly keys: readonly string[];
  readonly template: Template = {};
  readonly build: Build;

  constructor(last: KeyNode) {
    const keys: string[] = [];
    for (let node: KeyNode | null = last; node; node = node.above) keys.unshift(node.key);
    for (const key of keys) defineOwn(this.template, key, undefined);
    this.keys = keys;
    this.build = buildAny;
  }

  make(values: readonly unknown[], base: number): Template {
    const build = this.build;
    return build(this.template, this.keys, values, base);
  }
}
