// SPDX-License-Identifier: MIT
//
// cbor.ts - the parts of CBOR that the writer and the reader share.
//
// The format, with all that is Torpor's own in it, is specified in docs/cbor.md.

import { DATA_DEPTH, DATA_LARGEST } from "../abi.js";

/** Major types, the upper three bits of an item's first byte. */
export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;
export const SIMPLE = 7;

/** First bytes of simple values and floats. */
export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
export const UNDEFINED = 0xf7;
export const HALF = 0xf9;
export const FLOAT = 0xfa;
export const DOUBLE = 0xfb;

export const TAG_DATE = 1;
export const TAG_BIGINT = 2;
export const TAG_BIGINT_NEGATIVE = 3;
export const TAG_SHARED = 28;
export const TAG_REFERENCE = 29;
export const TAG_HOLE = 31;
export const TAG_SET = 258;
export const TAG_MAP = 259;
export const TAG_WTF8 = 273;
export const TAG_REGEXP = 21066;
export const TAG_BUFFER = 7630690;
export const TAG_ERROR = 7630693;
export const TAG_HANDLE = 7630696;
export const TAG_BOXED = 7630703;
export const TAG_PART = 7630704;
export const TAG_SYMBOL = 7630707;
export const TAG_VIEW = 7630710;
export const TAG_WHOLE = 7630711;
export const TAG_UINT8 = 64;

/** The engine has no BigInt of so many bytes or more. */
export const BIGINT_BYTES = 131072;
/** Values inside each other, as far as they are written. */
export const DEPTH = DATA_DEPTH;
/** Items inside each other, as far as they are read: a value may have up to
 * three tags or arrays around it. */
export const DEPTH_READ = 4 * DEPTH;
/** Most bytes of a whole value. */
export const LARGEST = DATA_LARGEST;

/** What makes a view of a buffer; a typed array's length counts elements. */
export interface ViewKind {
  readonly tag: number;
  readonly name: string;
  /** Bytes of an element. */
  readonly each: number;
  /** Undefined: this host lacks it. */
  readonly make:
    | (new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView)
    | undefined;
}

// RFC 8746's tag of each typed array, little-endian, and one for DataView.
const kinds: [tag: number, name: string, each: number][] = [
  [TAG_UINT8, "Uint8Array", 1],
  [68, "Uint8ClampedArray", 1],
  [69, "Uint16Array", 2],
  [70, "Uint32Array", 4],
  [71, "BigUint64Array", 8],
  [72, "Int8Array", 1],
  [77, "Int16Array", 2],
  [78, "Int32Array", 4],
  [79, "BigInt64Array", 8],
  [84, "Float16Array", 2],
  [85, "Float32Array", 4],
  [86, "Float64Array", 8],
  [TAG_VIEW, "DataView", 1],
];

const host = globalThis as unknown as Record<string, ViewKind["make"]>;

export const VIEW_KINDS: readonly ViewKind[] = kinds.map(([tag, name, each]) => ({
  tag,
  name,
  each,
  make: host[name],
}));

const byTag = new Map(VIEW_KINDS.map((kind) => [kind.tag, kind]));

/** The kind of view that a tag says. */
export function viewKind(tag: number): ViewKind | undefined {
  return byTag.get(tag);
}

/**
 * What of the host stands for a value of the other side: the number of its
 * handle; or, of what needs none, the value itself. Undefined: it is none.
 */
export type HandleOf = (value: unknown) => number | { readonly value: unknown } | undefined;
/** The host's value for a handle of the other side. */
export type OfHandle = (handle: number) => unknown;
