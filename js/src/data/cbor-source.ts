// SPDX-License-Identifier: MIT
//
// cbor-source.ts - CBOR that is read: where the reader is in it, the heads of
// its items, and those that have nothing inside.
//
// The bytes may come from anywhere. Every length is compared with what is left,
// and what is not understood is refused with the byte at which it stands, in the
// words of the engine's own reader (guest/cbor-read.c).

import { Status } from "../abi.js";
import { fail } from "../errors.js";
import * as cbor from "./cbor.js";
import { readText, TextFault } from "./text-read.js";

const SMALLEST_HALF = 2 ** -24;

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

export class Source {
  data: Uint8Array;
  view: DataView;
  readonly size: number;
  private owned = false;
  at = 0;
  /** The major type, number and place of the head that was read last. */
  major = 0;
  number = 0;
  headAt = 0;

  constructor(data: Uint8Array) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.size = data.byteLength;
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

  /** A number of 64 bits from 2^53 on loses what a number cannot hold; then it
   * is only compared with others. */
  readHead(): void {
    const at = this.at;
    this.headAt = at;
    if (at >= this.size) this.refuse(at, "the data ends early");
    const first = this.data[at]!;
    const info = first & 31;
    this.major = first >> 5;
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

  protected refuseLength(at: number): never {
    this.refuse(at, "a length beyond the end of the data");
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

  protected takeText(size: number, surrogates: boolean): string {
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

  /** The integer of a head of 64 bits that stands at 'at': -1 - n for negative
   * ones, a BigInt where a number is not exact. */
  protected readLong(at: number, negative: boolean): number | bigint {
    const n = this.view.getBigUint64(at + 1);
    const exact = negative ? -1n - n : n;
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact;
  }

  /** 'number' is that of the head: of a float its bits, up to 32. */
  protected readSimple(first: number, number: number, at: number): unknown {
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
}
