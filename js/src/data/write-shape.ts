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
  /** Its bytes with the head, as whole words; some at the end may be too many. */
  private readonly words: readonly number[];
  private readonly size: number;
  child: KeyNode | null = null;
  next: KeyNode | null = null;

  constructor(key: string, bytes: Uint8Array) {
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    const words: number[] = [];
    for (let at = 0; at < padded.length; at += 4) words.push(view.getInt32(at));
    this.key = key;
    this.words = words;
    this.size = bytes.length;
  }

  /** How many bytes 'put' writes to. */
  get room(): number {
    return this.words.length * 4;
  }

  /** Writes it at 'at'; gives where it ends. */
  put(out: DataView, at: number): number {
    const words = this.words;
    for (let i = 0; i < words.length; i++) out.setInt32(at + i * 4, words[i]!);
    return at + this.size;
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
  for (let i = 2; node; node = node.next, i++) {
    if (i >= SIBLINGS) {
      node.next = null;
      return;
    }
  }
}

export function addKey(
  key: string,
  bytes: Uint8Array,
  above: KeyNode | null,
): KeyNode {
  if (++nodes > NODES) {
    roots.fill(null);
    nodes = 0;
  }
  const node = new KeyNode(key, bytes);
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
