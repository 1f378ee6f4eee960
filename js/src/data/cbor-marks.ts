// SPDX-License-Identifier: MIT
//
// cbor-marks.ts - the objects that a writer has met, and what has to go between
// its bytes because of those that it met again.
//
//   walk:   bytes ............ bytes ........ | bytes      marks: where a
//                ^ object 3 starts            ^ 3 again    "shared" or a
//   finish: the marks of shared objects and    |           reference goes
//           of references are put in between --+
//
// so that only what is shared costs anything but one entry in a set.
//
//  (1) Objects are numbered in the order in which they are met, which is that of
//      their bytes. A shared object's number in the output is its rank among the
//      shared ones.

import { TAG, TAG_REFERENCE, TAG_SHARED, TAG_WHOLE, UNSIGNED } from "./cbor.js";
import { putHead } from "./cbor-head.js";

/** Most bytes of a tag or a reference. */
const MARK = 12;

export class Marks {
  /** In the order in which they were met. */
  private readonly met = new Set<object>();
  /** Their numbers, once something was met again. */
  private numbers: Map<object, number> | null = null;
  private count = 0;
  /** Where the bytes of each start. */
  private readonly starts: number[] = [];
  /** Numbers of buffers that are those of the view that starts there. */
  private readonly wholes = new Set<number>();
  private readonly shared = new Set<number>();
  private readonly references: { at: number; number: number }[] = [];

  /** Whether something has to be put in between. */
  get any(): boolean {
    return this.references.length > 0;
  }

  has(object: object): boolean {
    return this.met.has(object);
  }

  /** Enters an object whose bytes start at 'at'; false: it was met before, and a
   * reference to it goes there. */
  meet(object: object, at: number): boolean {
    this.met.add(object);
    if (this.met.size !== this.count) {
      this.count++;
      this.numbers?.set(object, this.count - 1);
      this.starts.push(at);
      return true;
    }
    const number = this.numberOf(object);
    this.shared.add(number);
    this.references.push({ at, number });
    return false;
  }

  /** Enters the buffer of a view that covers all of it and starts at 'at'. */
  meetWhole(buffer: object, at: number): void {
    this.wholes.add(this.count);
    this.meet(buffer, at);
  }

  /** All bytes behind 'start' moved. */
  move(start: number, by: number): void {
    for (let i = this.starts.length - 1; i >= 0 && this.starts[i]! > start; i--) {
      this.starts[i]! += by;
    }
    const { references } = this;
    for (let i = references.length - 1; i >= 0 && references[i]!.at > start; i--) {
      references[i]!.at += by;
    }
  }

  private numberOf(object: object): number {
    if (this.numbers === null) {
      let next = 0;
      this.numbers = new Map();
      for (const each of this.met) this.numbers.set(each, next++);
    }
    return this.numbers.get(object)!;
  }

  /** The bytes with all marks in between. */
  merge(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const order = [...this.shared].sort((a, b) => a - b);
    const ranks = new Map(order.map((number, rank) => [number, rank]));
    const merged = new Merged(
      bytes,
      bytes.length + MARK * (order.length + this.references.length),
    );
    let next = 0;
    const putTags = (end: number): void => {
      for (; next < order.length && this.starts[order[next]!]! < end; next++) {
        merged.copyTo(this.starts[order[next]!]!);
        merged.head(TAG, this.wholes.has(order[next]!) ? TAG_WHOLE : TAG_SHARED);
      }
    };
    for (const { at, number } of this.references) {
      putTags(at);
      merged.copyTo(at);
      merged.head(TAG, TAG_REFERENCE);
      merged.head(UNSIGNED, ranks.get(number)!);
    }
    putTags(bytes.length);
    return merged.end();
  }
}

/** Bytes and what goes in between them. */
class Merged {
  private readonly from: Uint8Array;
  private readonly out: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private done = 0;
  private at = 0;

  constructor(from: Uint8Array, room: number) {
    this.from = from;
    this.out = new Uint8Array(room);
    this.view = new DataView(this.out.buffer);
  }

  /** Moves the bytes up to 'end'. */
  copyTo(end: number): void {
    this.out.set(this.from.subarray(this.done, end), this.at);
    this.at += end - this.done;
    this.done = end;
  }

  head(major: number, number: number): void {
    this.at = putHead(this.out, this.view, this.at, major, number);
  }

  end(): Uint8Array<ArrayBuffer> {
    this.copyTo(this.from.length);
    return this.out.subarray(0, this.at);
  }
}
