// SPDX-License-Identifier: MIT
//
// write-keys.ts - keys of objects as they were written before.
//
// Objects of a program have few keys, one behind the other in the same order:
// each key remembers the one that followed it. Keys are the host's own strings,
// of which it keeps one each, so that comparing them is cheap. A key is kept when
// it comes for the second time, so that those that come once cost little.
//
// Keys are kept as long as the program lives, and are bounded in number and size.

/** Most keys; then all of them are forgotten. */
const KEYS = 4096;
/** Most bytes of one. */
const LARGEST = 64;
/** Places for keys that came once, by a hash. */
const ONCE = 512;

export class Key {
  readonly text: string;
  /** As it is written, with its head, in words; the last one may be too long. */
  private readonly words: readonly number[];
  private readonly size: number;
  /** What followed it last. */
  follow: Key | null = null;

  constructor(text: string, bytes: Uint8Array) {
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    const words: number[] = [];
    for (let at = 0; at < padded.length; at += 4) words.push(view.getInt32(at));
    this.text = text;
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

const keys = new Map<string, Key>();
const once: string[] = new Array(ONCE).fill("");

/** What stands before a first key. */
export const START = new Key("", new Uint8Array(0));

/** The key of this text behind another one; undefined: it is not kept. */
export function findKey(text: string, above: Key): Key | undefined {
  const guess = above.follow;
  if (guess !== null && guess.text === text) return guess;
  const found = keys.get(text);
  if (found) above.follow = found;
  return found;
}

/** Takes note of a key that is not kept: it will be when it comes again. */
export function noteKey(text: string, bytes: Uint8Array): void {
  if (bytes.length > LARGEST || text === "") return;
  const place = (text.length * 37 + text.charCodeAt(0) * 7 + text.charCodeAt(text.length - 1)) &
    (ONCE - 1);
  if (once[place] !== text) {
    once[place] = text;
    return;
  }
  if (keys.size >= KEYS) keys.clear();
  keys.set(text, new Key(text, bytes));
}
