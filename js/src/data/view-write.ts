// SPDX-License-Identifier: MIT
//
// view-write.ts - typed arrays and DataViews to CBOR.
//
// A view goes with all of its buffer, so that views of one buffer stay that. Of
// those of other classes (Buffer in Node, whose memory others have parts of) and
// of shared memory only the bytes that they cover are written.

import * as cbor from "./cbor.js";
import type { ViewKind } from "./cbor.js";
import type { Writer } from "./cbor-write.js";

interface Place {
  buffer: ArrayBuffer;
  offset: number;
  size: number;
}

type Getters = Record<string, (this: unknown) => unknown>;

function gettersOf(prototype: object): Getters {
  const getters: Getters = {};
  for (const key of ["buffer", "byteOffset", "byteLength"]) {
    getters[key] = Object.getOwnPropertyDescriptor(prototype, key)!.get!;
  }
  return getters;
}

const arrays: object = Object.getPrototypeOf(Uint8Array.prototype);
const nameOf = Object.getOwnPropertyDescriptor(arrays, Symbol.toStringTag)!.get!;
const ofArrays = gettersOf(arrays);
const ofDataViews = gettersOf(DataView.prototype);

const byName = new Map(cbor.VIEW_KINDS.map((kind) => [kind.name, kind]));

function placeOf(view: ArrayBufferView, getters: Getters): Place {
  return {
    buffer: getters["buffer"]!.call(view) as ArrayBuffer,
    offset: getters["byteOffset"]!.call(view) as number,
    size: getters["byteLength"]!.call(view) as number,
  };
}

function isShared(buffer: object): boolean {
  return typeof SharedArrayBuffer === "function" && buffer instanceof SharedArrayBuffer;
}

/** The bytes that a view covers, behind its tag. */
function writeCovered(w: Writer, kind: ViewKind, place: Place): void {
  const all = w.memory(place.buffer);
  if (kind.tag !== cbor.TAG_UINT8) w.head(cbor.TAG, kind.tag);
  w.blob(all.subarray(place.offset, place.offset + place.size));
}

/** A view of a part of a buffer, or of one that was met before. */
function writeWindow(w: Writer, kind: ViewKind, place: Place): void {
  w.head(cbor.TAG, cbor.TAG_PART);
  w.head(cbor.ARRAY, 4);
  w.head(cbor.UNSIGNED, kind.tag);
  if (w.marks.meet(place.buffer, w.at)) {
    w.head(cbor.TAG, cbor.TAG_BUFFER);
    w.blob(w.memory(place.buffer));
  }
  w.head(cbor.UNSIGNED, place.offset);
  w.head(cbor.UNSIGNED, place.size);
}

/** Where a view is; refuses one of memory that is gone. */
function findPlace(w: Writer, view: ArrayBufferView, getters: Getters): Place {
  try {
    return placeOf(view, getters);
  } catch {
    return w.refuse("is a view of memory that is gone");
  }
}

export function writeView(w: Writer, view: ArrayBufferView): void {
  const name = (nameOf.call(view) as string | undefined) ?? "DataView";
  const kind = byName.get(name);
  if (!kind) return w.refuse(`is a ${name}, which is no data`);
  const place = findPlace(w, view, name === "DataView" ? ofDataViews : ofArrays);
  const own = Object.getPrototypeOf(view) === kind.make?.prototype;
  if (!own || isShared(place.buffer)) return writeCovered(w, kind, place);
  const whole = place.offset === 0 && place.size === place.buffer.byteLength;
  if (!whole || w.marks.has(place.buffer)) return writeWindow(w, kind, place);
  w.marks.meetWhole(place.buffer, w.at);
  return writeCovered(w, kind, place);
}
