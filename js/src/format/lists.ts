// SPDX-License-Identifier: MIT
//
// lists.ts - reading the sections of a snapshot that are CBOR: each is one
// well-formed item, an array or a map.

import {
  ARRAY,
  BYTES,
  type Head,
  MAP,
  readHead,
  SIMPLE,
  skipItem,
  TAG,
  TAG_CBOR,
  TEXT,
  UNSIGNED,
} from "./cbor.js";
import { refuse } from "./container.js";

/** What a VM waits for, as its snapshot lists it. */
export interface ListedOperation {
  id: number;
  kind: string;
  /** CBOR. */
  request: Uint8Array;
  due: number;
  begun: number;
}

const BAD = "a list in it";

/** Checks that `content` is one item, an array or a map of definite length. */
export function checkList(content: Uint8Array, major: number): void {
  const head = readHead(content, 0);
  if (
    !head || head.major !== major || head.indefinite || head.value > 0xffffffff ||
    skipItem(content, 0) !== content.length
  ) refuse(BAD);
}

const utf8 = new TextDecoder();

/** Goes over content that was found well-formed. */
export class ListReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  head(major: number): Head {
    const head = readHead(this.bytes, this.at);
    if (!head || head.major !== major || head.indefinite) refuse(BAD);
    this.at = head.end;
    return head;
  }

  data(major: number): Uint8Array {
    const { value, end } = this.head(major);
    return this.bytes.subarray(end - value, end);
  }

  text(): string {
    return utf8.decode(this.data(TEXT));
  }

  /** An unsigned number, or a float of whatever size. */
  number(): number {
    const start = this.at;
    const first = this.bytes[start]!;
    if (first >> 5 !== SIMPLE) return this.head(UNSIGNED).value;
    const { end } = this.head(SIMPLE);
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + start + 1);
    if (end - start === 9) return view.getFloat64(0);
    if (end - start === 5) return view.getFloat32(0);
    if (end - start === 3) return halfToNumber(view.getUint16(0));
    return refuse(BAD);
  }

  skip(): void {
    this.at = skipItem(this.bytes, this.at);
  }
}

function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (mantissa + 1024) * 2 ** (exponent - 25);
}

function readOperation(reader: ListReader): ListedOperation {
  const found: ListedOperation = {
    id: 0,
    kind: "",
    request: new Uint8Array(),
    due: 0,
    begun: 0,
  };
  let pairs = reader.head(MAP).value;
  for (; pairs > 0; pairs--) {
    const key = reader.text();
    if (key === "id" || key === "due" || key === "begun") found[key] = reader.number();
    else if (key === "kind") found.kind = reader.text();
    else if (key === "request") {
      if (reader.head(TAG).value !== TAG_CBOR) refuse(BAD);
      found.request = reader.data(BYTES);
    } else reader.skip();
  }
  return found;
}

/** The operations in the section of that name. */
export function readOperations(content: Uint8Array): ListedOperation[] {
  checkList(content, ARRAY);
  const reader = new ListReader(content);
  const found: ListedOperation[] = [];
  for (let count = reader.head(ARRAY).value; count > 0; count--) found.push(readOperation(reader));
  return found;
}
