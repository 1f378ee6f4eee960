// SPDX-License-Identifier: MIT
//
// write-shape.ts - the keys of small objects, as they were written before.
//
// Objects of a program have few shapes. Their keys form a tree: a node is a key
// behind those above it, with its bytes in CBOR. Keys are the host's own
// strings, of which it keeps one each, so that comparing them is cheap.
//
// The tree lives as long as the program, and is bounded.

/** Objects of up to so many keys are written with it. */
export const SHAPE_KEYS = 16;

/** First keys are found by a hash. */
const ROOTS = 256;
/** Most nodes; then all of them are forgotten. */
const NODES = 4096;
/** Most nodes that follow one; then the oldest is forgotten. */
const SIBLINGS = 8;

export class KeyNode {
  readonly key: string;
  /** As it is written, with its head. */
  readonly bytes: readonly number[];
  /** All keys from the first one to this one. */
  readonly path: readonly KeyNode[];
  child: KeyNode | null = null;
  next: KeyNode | null = null;

  constructor(key: string, bytes: readonly number[], above: KeyNode | null) {
    this.key = key;
    this.bytes = bytes;
    this.path = above ? [...above.path, this] : [this];
  }
}

const roots: (KeyNode | null)[] = new Array(ROOTS).fill(null);
let nodes = 0;

function rootOf(key: string): number {
  return (key.length * 31 + (key.length > 0 ? key.charCodeAt(0) : 0)) & (ROOTS - 1);
}

/** The node of a key behind another one, or of a first key; null: not known. */
export function findKey(key: string, above: KeyNode | null): KeyNode | null {
  let node = above ? above.child : roots[rootOf(key)]!;
  while (node && node.key !== key) node = node.next;
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

export function addKey(
  key: string,
  bytes: readonly number[],
  above: KeyNode | null,
): KeyNode {
  if (++nodes > NODES) {
    roots.fill(null);
    nodes = 0;
  }
  const node = new KeyNode(key, bytes, above);
  if (above) {
    node.next = above.child;
    above.child = node;
  } else {
    node.next = roots[rootOf(key)]!;
    roots[rootOf(key)] = node;
  }
  shorten(node.next);
  return node;
}
