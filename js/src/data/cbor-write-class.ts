// SPDX-License-Identifier: MIT
//
// cbor-write-class.ts - values of this host to CBOR: what there is besides
// primitives, arrays and plain objects.
//
// What an object is, is asked of what it has inside, by methods of the language
// that no program can put others in place of. So an object that merely says that
// it is a Map is written as what it is; and one of another realm (a frame, a
// context of node:vm) as well.

import * as cbor from "./cbor.js";
import type { Writer } from "./cbor-write.js";
import { writeView } from "./view-write.js";

interface Kind {
  /** Throws, or gives false, for an object of another kind. */
  is(object: object): unknown;
  write(w: Writer, object: object): void;
}

type Getter = (this: unknown) => unknown;

function getter(prototype: object, key: string): Getter {
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!;
}

const { call } = Function.prototype;
/** f(object, ...) for a method that is called as object.f(...). */
function free<T>(method: Function): (object: object) => T {
  return call.bind(method) as (object: object) => T;
}

const timeOf = free<number>(Date.prototype.getTime);
const mapSize = free<number>(getter(Map.prototype, "size"));
const setSize = free<number>(getter(Set.prototype, "size"));
const mapEntries = free<Iterable<[unknown, unknown]>>(Map.prototype.entries);
const setValues = free<Iterable<unknown>>(Set.prototype.values);
const sourceOf = free<string>(getter(RegExp.prototype, "source"));
const flagsOf = free<string>(getter(RegExp.prototype, "flags"));
const bufferSize = free<number>(getter(ArrayBuffer.prototype, "byteLength"));
const tagOf = free<string>(Object.prototype.toString);

// ---- Primitives -------------------------------------------------------------

function bytesOf(magnitude: bigint): Uint8Array {
  const digits = magnitude === 0n ? "" : magnitude.toString(16);
  const even = digits.length % 2 ? "0" + digits : digits;
  const bytes = new Uint8Array(even.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(even.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

function writeBigint(w: Writer, value: bigint): void {
  const bytes = bytesOf(value < 0n ? -1n - value : value);
  if (bytes.length >= cbor.BIGINT_BYTES) {
    w.refuse(`is a BigInt of more than ${8 * cbor.BIGINT_BYTES} bits`);
  }
  w.head(cbor.TAG, value < 0n ? cbor.TAG_BIGINT_NEGATIVE : cbor.TAG_BIGINT);
  w.blob(bytes);
}

function writeSymbol(w: Writer, value: symbol): void {
  const key = Symbol.keyFor(value);
  if (key === undefined) {
    if (writeHandle(w, value)) return;
    w.refuse("is a symbol that is not from Symbol.for, which is no data");
  }
  w.head(cbor.TAG, cbor.TAG_SYMBOL);
  w.text(key);
}

/** Writes what stands for a value of the other side; false: it is none. */
function writeHandle(w: Writer, value: unknown): boolean {
  const handle = w.handle?.(value);
  if (handle === undefined) return false;
  if (typeof handle !== "number") {
    w.value(handle.value);
    return true;
  }
  w.head(cbor.TAG, cbor.TAG_HANDLE);
  w.head(cbor.UNSIGNED, handle);
  return true;
}

// ---- Collections ------------------------------------------------------------

/** Getters may change the collection while it is written: so it is copied. */
function writeMap(w: Writer, map: object): void {
  const entries = [...mapEntries(map)];
  w.head(cbor.TAG, cbor.TAG_MAP);
  w.enter();
  w.head(cbor.MAP, entries.length);
  for (let i = 0; i < entries.length; i++) {
    const [key, value] = entries[i]!;
    w.step(i);
    w.value(key);
    w.value(value);
  }
  w.leave();
}

function writeSet(w: Writer, set: object): void {
  const items = [...setValues(set)];
  w.head(cbor.TAG, cbor.TAG_SET);
  w.enter();
  w.head(cbor.ARRAY, items.length);
  for (let i = 0; i < items.length; i++) {
    w.step(i);
    w.value(items[i]);
  }
  w.leave();
}

// ---- Errors -----------------------------------------------------------------

const FIELDS = ["name", "message", "stack", "cause", "code", "errors"];

function isError(object: object): boolean {
  return object instanceof Error || tagOf(object) === "[object Error]";
}

function isDom(object: object): boolean {
  return typeof DOMException === "function" && object instanceof DOMException;
}

/** The fields that are there, in this order: the name tells the reader what to
 * make. The code of a DOMException follows from it. */
function writeError(w: Writer, error: object): void {
  const fields: [string, unknown][] = [];
  for (const key of FIELDS) {
    if (key === "code" && isDom(error)) continue;
    const field = (error as Record<string, unknown>)[key];
    if (field !== undefined) fields.push([key, field]);
  }
  w.head(cbor.TAG, cbor.TAG_ERROR);
  w.enter();
  w.head(cbor.MAP, fields.length);
  for (const [key, field] of fields) {
    w.step(key);
    w.text(key);
    w.value(field);
  }
  w.leave();
}

// ---- Kinds ------------------------------------------------------------------

function boxed(valueOf: Function): Kind {
  const value = free<unknown>(valueOf);
  return {
    is: (object) => (value(object), true),
    write(w, object) {
      w.head(cbor.TAG, cbor.TAG_BOXED);
      w.value(value(object));
    },
  };
}

function refused(what: string): Kind {
  return { is: () => true, write: (w) => w.refuse(what) };
}

/** By what Object.prototype.toString says, which is only a first guess. */
const kinds = new Map<string, Kind>([
  ["Map", { is: (object) => mapSize(object) >= 0, write: writeMap }],
  ["Set", { is: (object) => setSize(object) >= 0, write: writeSet }],
  ["Error", { is: isError, write: writeError }],
  ["DOMException", { is: isDom, write: writeError }],
  [
    "Date",
    {
      is: (object) => (timeOf(object), true),
      write(w, date) {
        w.head(cbor.TAG, cbor.TAG_DATE);
        w.number(timeOf(date) / 1000);
      },
    },
  ],
  [
    "RegExp",
    {
      is: (object) => (sourceOf(object), true),
      write(w, regexp) {
        w.head(cbor.TAG, cbor.TAG_REGEXP);
        w.head(cbor.ARRAY, 2);
        w.text(sourceOf(regexp));
        w.text(flagsOf(regexp));
      },
    },
  ],
  [
    "ArrayBuffer",
    {
      is: (object) => bufferSize(object) >= 0,
      write(w, buffer) {
        w.head(cbor.TAG, cbor.TAG_BUFFER);
        w.blob(w.memory(buffer as ArrayBuffer));
      },
    },
  ],
  ["Number", boxed(Number.prototype.valueOf)],
  ["String", boxed(String.prototype.valueOf)],
  ["Boolean", boxed(Boolean.prototype.valueOf)],
  ["BigInt", boxed(BigInt.prototype.valueOf)],
  ["Symbol", refused("is an object of a symbol, which is no data")],
  ["Promise", refused("is a promise, which is no data: await it")],
  ["WeakMap", refused("is a WeakMap, which is no data")],
  ["WeakSet", refused("is a WeakSet, which is no data")],
  ["WeakRef", refused("is a WeakRef, which is no data")],
  [
    "SharedArrayBuffer",
    refused("is a SharedArrayBuffer, which is no data: pass a view of it, or a copy"),
  ],
]);

function isOf(kind: Kind, object: object): boolean {
  try {
    return Boolean(kind.is(object));
  } catch {
    return false;
  }
}

const classes: [Function, string][] = [
  [Error, "Error"],
  [Map, "Map"],
  [Set, "Set"],
  [Promise, "Promise"],
  [ArrayBuffer, "ArrayBuffer"],
  [RegExp, "RegExp"],
];

/** The kind of an object that is no array and not plain; undefined: one of the
 * program's own classes. A class that extends one of the language's may have
 * another tag. */
function kindOf(object: object): Kind | undefined {
  const tag = tagOf(object).slice(8, -1);
  const kind = kinds.get(tag);
  if (kind && isOf(kind, object)) return kind;
  for (const [of, name] of classes) {
    if (object instanceof of && isOf(kinds.get(name)!, object)) return kinds.get(name);
  }
  return undefined;
}

function writeObject(w: Writer, object: object): void {
  if (writeHandle(w, object)) return;
  if (!w.marks.meet(object, w.at)) return;
  if (ArrayBuffer.isView(object)) return writeView(w, object);
  const kind = kindOf(object);
  if (kind) kind.write(w, object);
  else w.properties(object);
}

/** Writes what is neither number, text, boolean, undefined, null nor an array or
 * a plain object. */
export function writeClass(w: Writer, value: unknown): void {
  switch (typeof value) {
    case "bigint":
      return writeBigint(w, value);
    case "symbol":
      return writeSymbol(w, value);
    case "function":
      if (writeHandle(w, value)) return;
      return w.refuse("is a function, which is no data: newFunction makes a handle");
    default:
      return writeObject(w, value as object);
  }
}
